"""Priors about old ranges, and worlds as perturbations."""

import math

import numpy as np
import pytest

from dr_grasp.core.perturbation import Perturbation
from dr_grasp.identification.worlds import Belief, Quantity, Space, prior_of
from dr_grasp.scoring.profiles import load_profile

OLD = load_profile("default").dynamics


def test_priors_are_centred_on_old_ranges_and_broader():
    friction = prior_of(Quantity.FRICTION, OLD)

    assert math.exp(friction.mean) == pytest.approx(math.sqrt(0.5 * 1.3))
    assert friction.std == pytest.approx(2 * math.log(1.3 / 0.5) / math.sqrt(12))
    assert prior_of(Quantity.FORCE, OLD).mean == 0.0  # the profile has no range
    assert prior_of(Quantity.COM_X, OLD).std == 2 * OLD.center_of_mass_std_m


def test_coordinates_and_amounts_are_inverse():
    for parameter in Space.of(["mug"], OLD).parameters:
        amount = float(parameter.amounts(0.7))
        assert parameter.coordinate(amount) == pytest.approx(0.7)


def test_a_world_gives_each_object_its_own_contact_and_both_the_same_force():
    space = Space.of(["box", "mug"], OLD)
    world = np.arange(13) / 10
    base = Perturbation.none()

    box, mug = (space.perturbation(base, world, item) for item in ("box", "mug"))

    assert box.lateral_friction_scale == pytest.approx(math.sqrt(0.65))
    assert mug.lateral_friction_scale > box.lateral_friction_scale
    assert box.gripper_force_scale == mug.gripper_force_scale > 1.0
    np.testing.assert_allclose(box.center_of_mass_m, np.array([0.2, 0.3, 0.4]) * 0.008)


def test_a_belief_keeps_what_it_knows_when_objects_come_to_it():
    space = Space.of(["mug"], OLD)
    rng = np.random.default_rng(0)
    root = rng.normal(size=(7, 7))
    belief = Belief(space, rng.normal(size=7), root @ root.T)

    wider = belief.including(["cylinder", "mug"], OLD)

    assert len(wider.space) == 13
    kept = wider.space.columns("mug")
    np.testing.assert_array_equal(wider.mean[kept], belief.mean)
    np.testing.assert_array_equal(wider.covariance[np.ix_(kept, kept)], belief.covariance)
    new = wider.space.columns("cylinder")[:-1]
    np.testing.assert_array_equal(wider.covariance[np.ix_(new, new)], np.eye(6))
