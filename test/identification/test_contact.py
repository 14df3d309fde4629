"""Contact is found where attempts tell it, in a simulator whose truth is a formula."""

import math
from dataclasses import replace

import numpy as np
import pytest

from dr_grasp.identification.contact import ContactSettings, Method, fit_contact
from dr_grasp.identification.worlds import Quantity, Space
from dr_grasp.scoring.profiles import load_profile

from .toy import telling_toy, toy_grasps, without_noise

TOLD = (Quantity.FRICTION, Quantity.COM_X, Quantity.COM_Y)
OLD = load_profile("default")
SPACE = Space.of(["box", "mug"], OLD.dynamics)


def world_of(values):
    """Coordinates of a world: 0 but for some, by (item, quantity)."""
    named = [values.get((one.item, one.quantity), 0.0) for one in SPACE.parameters]
    return np.array(named)


# Both objects are slippery: friction of 0.45 and 0.36 of what is described, where the old range
# ends at 0.5. The mug's centre of mass is 12 mm off,
# the box's 10 mm.
WORLD = world_of(
    {
        ("box", Quantity.FRICTION): -1.05,
        ("mug", Quantity.FRICTION): -1.45,
        ("mug", Quantity.COM_X): 1.5,
        ("box", Quantity.COM_Y): -1.2,
    }
)


@pytest.fixture
def grasps(samples):
    return toy_grasps(samples)


def fit(toy, really, grasps, samples, **settings):
    evidence = really.really(grasps, WORLD, samples)
    return fit_contact(evidence, without_noise, OLD, ContactSettings(**settings), toy.run)


def item(found, name, quantity):
    return next(one for one in found.items if (one.item, one.quantity) == (name, quantity))


def finding(found, key):
    return next(one for one in found.findings if one.key == f"dynamics.{key}")


def test_what_attempts_tell_is_found_and_the_rest_stays_as_it_was(grasps, samples):
    toy = telling_toy(grasps, SPACE, TOLD)

    found = fit(toy, toy, grasps, samples)

    for place, parameter in enumerate(SPACE.parameters):
        one = item(found, parameter.item, parameter.quantity)
        assert one.fitted == (parameter.quantity in TOLD)
        assert one.estimate.low <= parameter.amounts(WORLD[place]) <= one.estimate.high
    friction = finding(found, "lateral_friction_scale")
    assert friction.fitted
    assert friction.old == (0.5, 1.3)
    assert friction.new == found.dynamics.lateral_friction_scale
    # Both objects lie well inside, and the middle has moved to them.
    assert friction.new[0] < 0.36 < 0.45 < friction.new[1]
    assert math.sqrt(friction.new[0] * friction.new[1]) == pytest.approx(0.42, abs=0.06)
    assert found.dynamics.center_of_mass_std_m > OLD.dynamics.center_of_mass_std_m
    assert found.dynamics.mass_scale == OLD.dynamics.mass_scale
    assert found.dynamics.gripper_force_scale is None
    mass = finding(found, "mass_scale")
    assert not mass.fitted
    assert mass.new == mass.old
    assert "What would help" in mass.reason
    assert found.rollouts == 40 * 16


def test_nothing_is_fitted_where_outcomes_do_not_depend_on_the_world(grasps, samples):
    toy = telling_toy(grasps, SPACE, ())

    found = fit(toy, toy, grasps, samples)

    assert found.dynamics == OLD.dynamics
    assert not any(one.fitted for one in (*found.items, *found.findings))
    assert all(one.interval is None for one in found.findings)


def test_what_no_world_explains_is_refused_in_words(grasps, samples):
    toy = telling_toy(grasps, SPACE, TOLD)

    found = fit(toy, replace(toy, shift_m=0.05), grasps, samples)

    assert found.dynamics == OLD.dynamics
    assert all("cannot explain" in one.reason for one in found.findings)
    assert "does NOT explain" in found.checks[0]


def test_holding_alone_tells_which_side_of_the_limit_friction_is_on(grasps, samples):
    toy = telling_toy(grasps, SPACE, ())
    # Limits from 0.3 to 0.8 of the friction that is described; what held is known, no poses are.
    limits = np.log(np.linspace(0.3, 0.8, 4))
    toy = replace(toy, slips={grasp.id: limits[int(grasp.id[3:])] for grasp in grasps})
    evidence = toy.really(grasps, WORLD, samples)
    blind = [
        replace(tried, attempt=replace(tried.attempt, object_after=None, gripper_opening=None))
        for tried in evidence.attempts
    ]
    evidence = replace(evidence, attempts=tuple(blind))

    found = fit_contact(evidence, without_noise, OLD, ContactSettings(), toy.run)

    # Friction, force and mass are not told apart by the limit, but each moved to the right side.
    for name in ("box", "mug"):
        assert item(found, name, Quantity.FRICTION).estimate.value < 0.75


def test_the_same_seed_finds_the_same(samples):
    grasps = toy_grasps(samples, each=1)
    toy = telling_toy(grasps, SPACE, TOLD)

    first, second = (fit(toy, toy, grasps, samples, worlds=20, seed=5) for _ in range(2))

    assert first.items == second.items
    assert first.findings == second.findings


def test_simopt_moves_towards_the_truth(grasps, samples):
    toy = telling_toy(grasps, SPACE, TOLD)

    found = fit(toy, toy, grasps, samples, method=Method.SIMOPT, worlds=45, iterations=5)

    friction = item(found, "mug", Quantity.FRICTION)
    assert friction.estimate.value < 0.65  # it began at 0.81; the truth is 0.36
    assert friction.estimate.low < 0.36  # of which it is not surer than it may be
    assert found.iterations == 5
