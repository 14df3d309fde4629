"""Suggested are the grasps that tell what is not known yet."""

import numpy as np
import pytest

from dr_grasp.core.engine import Engine
from dr_grasp.errors import SettingsError
from dr_grasp.identification.suggestion import MOST_CANDIDATES, suggest
from dr_grasp.identification.worlds import Belief, Quantity, Space
from dr_grasp.scoring.profiles import load_profile

from .toy import telling_toy, toy_grasps, without_noise

OLD = load_profile("default")
SPACE = Space.of(["mug"], OLD.dynamics)


@pytest.fixture
def grasps(samples):
    return toy_grasps(samples, objects=["mug"], each=4)


@pytest.fixture
def toy(grasps):
    """Grasp 0 tells nothing, 1 and 2 friction, 3 the centre of mass."""
    toy = telling_toy(grasps, SPACE, ())
    order = [parameter.quantity for parameter in SPACE.parameters]
    for name, quantity, size in (
        ("mug1", Quantity.FRICTION, 0.006),
        ("mug2", Quantity.FRICTION, 0.006),
        ("mug3", Quantity.COM_X, 0.005),
    ):
        toy.sensitivities[name][:, order.index(quantity)] = size
    return toy


def ask(grasps, toy, belief, **options):
    return suggest(grasps, belief, without_noise, OLD, Engine.MUJOCO, toy.run, **options)


def test_each_suggestion_tells_what_those_before_it_do_not(grasps, toy):
    first, second, third = ask(grasps, toy, Belief.prior(SPACE), count=3)

    assert {first.grasp_id, second.grasp_id} in ({"mug1", "mug3"}, {"mug2", "mug3"})
    assert third.grasp_id in ("mug1", "mug2")
    assert first.information >= second.information > third.information
    about = {one.grasp_id: one.about for one in (first, second)}
    assert about["mug3"] == ("centre of mass (x) of mug",)


def test_what_is_known_needs_no_more_attempts(grasps, toy):
    covariance = np.eye(len(SPACE))
    covariance[0, 0] = 0.01**2
    assert SPACE.parameters[0].quantity is Quantity.FRICTION
    belief = Belief(SPACE, np.zeros(len(SPACE)), covariance)

    assert ask(grasps, toy, belief, count=1)[0].grasp_id == "mug3"


def test_objects_that_were_never_tried_are_believed_to_be_as_the_profile_says(grasps, toy):
    nothing = Belief.prior(Space.of([], OLD.dynamics))

    assert len(ask(grasps, toy, nothing, count=2)) == 2


def test_too_many_grasps_are_refused(grasps, toy):
    with pytest.raises(SettingsError, match=rf"at most {MOST_CANDIDATES} grasps, got"):
        ask(grasps * MOST_CANDIDATES, toy, Belief.prior(SPACE))
