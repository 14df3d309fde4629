"""Worlds that a worker keeps: built once, few at a time, by what names stand for."""

from types import SimpleNamespace

import pytest

from dr_grasp.core.engine import Engine
from dr_grasp.simulation import rollout_runner
from dr_grasp.simulation.rollout_runner import MOST_KEPT, Shortcuts, kept_runner


class FakeRunner:
    def __init__(self, world, shortcuts):
        self.world, self.shortcuts, self.closed = world, shortcuts, False

    def close(self):
        self.closed = True


@pytest.fixture
def mass(monkeypatch):
    """No physics; the mass of every object, which a test may change."""
    masses = {}
    monkeypatch.setattr(rollout_runner, "load_robot", lambda name: name)
    monkeypatch.setattr(rollout_runner, "load_object", lambda name: (name, masses.get(name)))
    monkeypatch.setattr(rollout_runner, "open_world", lambda *of: SimpleNamespace(of=of))
    monkeypatch.setattr(rollout_runner, "RolloutRunner", FakeRunner)
    return masses


def test_the_world_of_the_same_things_is_built_once(mass):
    runner = kept_runner("franka", "mug")
    assert runner.world.of == (Engine.BULLET, "franka", ("mug", None))
    assert kept_runner("franka", "mug") is runner
    others = [kept_runner("baxter", "mug"), kept_runner("franka", "box")]
    others.append(kept_runner("franka", "mug", Shortcuts.none()))
    others.append(kept_runner("franka", "mug", engine=Engine.MUJOCO))
    assert len({id(one) for one in [runner, *others]}) == 5
    mass["mug"] = 9.0  # the name means another thing now
    assert kept_runner("franka", "mug") is not runner


def test_the_one_that_was_used_longest_ago_is_closed(mass):
    runners = [kept_runner("franka", str(number)) for number in range(MOST_KEPT)]
    kept_runner("franka", "0")
    kept_runner("franka", "another")
    assert [runner.closed for runner in runners] == [False, True, *[False] * (MOST_KEPT - 2)]
