"""Laws of the genomes: to proposals and back, within their ranges, changed a little."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dr_grasp.core.geometry import Pose
from dr_grasp.generation.archive import neighbourhood
from dr_grasp.generation.genome import (
    LEAST_OPENING,
    SELECTOR,
    SELECTOR_RATE,
    SIGMA,
    TILT_RAD,
    GenomeSpace,
)
from dr_grasp.generation.proposal import Proposal
from dr_grasp.objects.object_spec import load_object

OBJECT_IN_BASE = Pose([0.5, 0.1, 0.02], [0.0, 0.0, np.sqrt(0.5), np.sqrt(0.5)])
NAMES = ("pinch", "tripod", "power")

genomes = st.lists(st.floats(0, 1), min_size=8, max_size=8).map(np.array)


@pytest.fixture(scope="module")
def item():
    return load_object("procedural_000")


@pytest.fixture(scope="module")
def spaces(franka, item):
    """For a hand with one synergy, and for one with three."""
    (pinch,) = franka.synergies
    several = replace(franka, synergies=tuple(replace(pinch, name=name) for name in NAMES))
    return [GenomeSpace(robot, item, OBJECT_IN_BASE) for robot in (franka, several)]


@given(genomes)
def test_genomes_and_proposals_go_to_and_fro(spaces, item, eight):
    low, high = neighbourhood(item)
    for space in spaces:
        genome = eight[: space.length]
        proposal = space.decode(genome, 7, {"generation": "1"})
        assert (proposal.index, proposal.provenance) == (7, {"generation": "1"})
        # What is decoded keeps the bounds.
        position = proposal.grip_in_object.position
        assert (low - 1e-9 <= position).all() and (position <= high + 1e-9).all()
        assert LEAST_OPENING <= proposal.opening <= 1.0 + 1e-9
        approach = (OBJECT_IN_BASE @ proposal.grip_in_object).rotate([0.0, 0.0, 1.0])
        assert approach[2] <= -(np.cos(TILT_RAD) ** 2) + 1e-9
        again = space.encode(proposal)
        assert (again >= 0).all() and (again <= 1).all()
        away = np.abs(again - genome)[:SELECTOR]
        away[5] = min(away[5], 1.0 - away[5])  # the roll goes round
        assert away.max() < 1e-7
        other = space.decode(again, 7)
        assert other.synergy == proposal.synergy
        turned = other.grip_in_object.rotation.inv() * proposal.grip_in_object.rotation
        assert turned.magnitude() < 1e-6


@given(genomes, st.integers(0, 2**32))
def test_mutations_stay_within_the_ranges(spaces, eight, seed):
    for space in spaces:
        parents = np.tile(eight[: space.length], (20, 1))
        children = space.mutated(parents, np.random.default_rng(seed))
        assert children.shape == parents.shape
        assert (children >= 0).all() and (children <= 1).all()


def test_a_robot_with_several_synergies_uses_all_of_them(spaces):
    rng = np.random.default_rng(3)
    single, several = spaces
    assert {single.decode(genome, 0).synergy for genome in single.random(20, rng)} == {"pinch"}
    named = {several.decode(genome, 0).synergy for genome in several.random(60, rng)}
    assert named == set(NAMES)
    assert several.decode(np.ones(several.length), 0).synergy == "power"
    parent = several.random(1, rng)
    children = several.mutated(np.tile(parent, (2000, 1)), rng)
    assert {several.decode(genome, 0).synergy for genome in children} == named
    same = np.mean(children[:, SELECTOR] == parent[0, SELECTOR])
    assert same == pytest.approx(1.0 - SELECTOR_RATE, abs=0.03)


def test_a_proposal_out_of_the_ranges_becomes_the_nearest_within(spaces, item):
    space = spaces[0]
    far = Proposal(0, Pose([9.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]), "pinch", 0.1)
    near = space.decode(space.encode(far), 0)
    assert near.opening == pytest.approx(LEAST_OPENING)
    assert near.grip_in_object.position[0] == pytest.approx(neighbourhood(item)[1][0])


def test_mutations_are_small_and_the_roll_goes_round(spaces):
    rng = np.random.default_rng(5)
    parents = np.full((2000, 7), 0.5)
    moved = spaces[0].mutated(parents, rng) - parents
    np.testing.assert_allclose(moved.std(axis=0), SIGMA, rtol=0.1)
    parents[:, 5] = 0.0
    rolls = spaces[0].mutated(parents, rng)[:, 5]
    assert (rolls < 0.25).any() and (rolls > 0.75).any()
