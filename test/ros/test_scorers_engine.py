"""Which engine a scorer simulates in: the request's, else its parameter's, else another's."""

from contextlib import contextmanager

import pytest

from dr_grasp.core.engine import Engine
from dr_grasp.errors import SettingsError, UnknownNameError
from dr_grasp.ros import scorer_node
from dr_grasp.ros.conversions import grasp_to_msg
from dr_grasp.scoring.request import ScoreBatch
from dr_grasp_interfaces.srv import ScoreGrasps

from .in_process import running


@pytest.fixture
def asked(monkeypatch):
    """The requests that the scorer of the node gets, which scores nothing."""
    requests = []

    @contextmanager
    def scorer(pool, batches):
        yield type("Scorer", (), {"score": score})

    def score(grasps, request, *others):
        requests.append(request)
        return ScoreBatch((), ())

    monkeypatch.setattr(scorer_node, "Scorer", scorer)
    return requests


def ask(node, grasp, engine):
    node._serve(
        ScoreGrasps.Request(grasps=[grasp_to_msg(grasp)], trials=2, engine=engine),
        ScoreGrasps.Response(),
    )


def test_the_parameter_is_for_requests_that_name_none(home_grasp, namespace, asked):
    with running(scorer_node.ScorerNode, namespace, engine="mujoco") as node:
        for engine in ("", "bullet", "mujoco-warp"):
            ask(node, home_grasp(), engine)
    assert [one.engine for one in asked] == [Engine.MUJOCO, Engine.BULLET, Engine.MUJOCO_WARP]


def test_an_engine_that_is_not_here_ends_the_node_at_once(namespace, monkeypatch):
    def refuse(engine):
        raise SettingsError(f"engine {engine.value}: no GPU")

    monkeypatch.setattr(scorer_node, "check_available", refuse)
    with (
        pytest.raises(SettingsError, match="engine mujoco-warp: no GPU"),
        running(scorer_node.ScorerNode, namespace, engine="mujoco-warp"),
    ):
        pass


def test_without_the_parameter_the_profile_says_it(home_grasp, namespace, asked):
    with running(scorer_node.ScorerNode, namespace) as node:
        ask(node, home_grasp(), "")
    assert [one.engine for one in asked] == [Engine.MUJOCO]


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"engine": "ode"}, UnknownNameError, "unknown engine 'ode'; expected one of bullet, muj"),
        ({"worlds": 0}, SettingsError, "parameter worlds: "),
    ],
)
def test_parameters_that_cannot_be_end_the_node_at_once(namespace, parameters, error, message):
    with (
        pytest.raises(error, match=message),
        running(scorer_node.ScorerNode, namespace, **parameters),
    ):
        pass
