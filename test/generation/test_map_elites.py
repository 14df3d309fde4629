"""MAP-Elites proposes generation by generation from what it is shown, without simulation."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Outcome
from dr_grasp.generation.archive import TouchArchive
from dr_grasp.generation.genome import GenomeSpace
from dr_grasp.generation.map_elites import MapElites, select_parents
from dr_grasp.generation.proposal import Proposal
from dr_grasp.generation.result import Result
from dr_grasp.objects.object_spec import load_object


@pytest.fixture(scope="module")
def item():
    return load_object("procedural_000")


@pytest.fixture(scope="module")
def space(franka, item):
    return GenomeSpace(franka, item, Pose([0.5, 0.1, 0.02], [0.0, 0.0, 0.0, 1.0]))


@given(
    st.lists(st.sampled_from([0.0, 1.0, 1.25, 1.5, 2.0]), min_size=1, max_size=40).map(np.array),
    st.integers(0, 30),
    st.integers(0, 2**32),
)
def test_selections(merits, count, seed):
    chosen = select_parents(merits, count, np.random.default_rng(seed))
    again = select_parents(merits, count, np.random.default_rng(seed))
    np.testing.assert_array_equal(chosen, again)
    assert chosen.shape == (count,)
    times = np.bincount(chosen, minlength=len(merits))
    # None twice before all were chosen, and the better before the worse.
    assert times.max() - times.min() <= 1
    fittest = merits[chosen[: len(merits)]]
    assert fittest.tolist() == sorted(merits, reverse=True)[:count]


def test_equals_are_drawn_alike():
    merits = np.array([1.0, 1.0, 0.0, 1.0, 0.0])
    drawn = [select_parents(merits, 1, np.random.default_rng(seed))[0] for seed in range(300)]
    times = np.bincount(drawn, minlength=5)
    assert times[2] == times[4] == 0 and times[[0, 1, 3]].min() > 70


def grips(proposals):
    return [
        (proposal.grip_in_object, proposal.opening, proposal.provenance) for proposal in proposals
    ]


def test_generations_count_on_and_depend_on_the_archive_alone(space, item):
    first, second = (MapElites(space, False, 0) for _ in range(2))
    archive = TouchArchive(item)
    earlier = first.ask(6, archive)
    assert [proposal.index for proposal in earlier] == list(range(6))
    assert all(proposal.provenance == {"generation": "0"} for proposal in earlier)
    assert grips(second.ask(6, archive)) == grips(earlier)
    touched = Result(earlier[4], outcome=Outcome.MISSED, touch_in_object=item.points[0])
    archive.add(touched)
    children = first.ask(6, archive)
    assert [proposal.index for proposal in children] == list(range(6, 12))
    expected = {"generation": "1", "parent": "4"}
    assert all(proposal.provenance == expected for proposal in children)
    assert grips(second.ask(6, archive)) == grips(children)
    middle = earlier[4].grip_in_object.position
    places = np.array([proposal.grip_in_object.position for proposal in children])
    assert np.linalg.norm(places - middle, axis=1).max() < 0.1


@pytest.mark.parametrize(("fittest", "parents"), [(True, {"1"}), (False, {"0", "1"})])
def test_the_fittest_or_any_success_is_a_parent(space, item, fittest, parents):
    method, archive = MapElites(space, fittest, 0), TouchArchive(item)
    proposals = method.ask(3, archive)
    low, high = item.points.argmin(axis=0)[2], item.points.argmax(axis=0)[2]
    for proposal, slip_m, point in zip(proposals, (0.01, 0.0), (low, high), strict=False):
        result = Result(proposal, outcome=Outcome.SUCCESS, slip_m=slip_m)
        archive.add(replace(result, touch_in_object=item.points[point]))
    drawn = {method.ask(1, archive)[0].provenance["parent"] for _ in range(30)}
    assert drawn == parents


def test_without_any_touch_there_are_random_ones_again(space, item):
    method, archive = MapElites(space, False, 0), TouchArchive(item)
    earlier, others = method.ask(4, archive), method.ask(4, archive)
    assert all(proposal.provenance == {"generation": "1"} for proposal in others)
    assert grips(others) != grips(earlier)


def test_every_other_random_one_is_proposed_where_something_proposes(space, item):
    known = Proposal(0, Pose([0.01, 0.0, 0.02], [1.0, 0.0, 0.0, 0.0]), "pinch", 0.7)
    asked = []

    def propose(index):
        asked.append(index)
        return known

    proposals = MapElites(space, False, 0, propose=propose).ask(5, TouchArchive(item))
    assert asked == [0, 2, 4]
    for index in asked:
        np.testing.assert_allclose(proposals[index].grip_in_object.position, [0.01, 0.0, 0.02])
    assert proposals[1].grip_in_object != known.grip_in_object


@pytest.mark.parametrize("touch", [False, True])
def test_ancestors_come_first_and_are_named(space, item, touch):
    genomes = space.random(6, np.random.default_rng(6))
    ancestors = [
        replace(space.decode(genome, 0), name=f"grasp-{place}")
        for place, genome in enumerate(genomes)
    ]
    method, archive = MapElites(space, False, 0, ancestors), TouchArchive(item)
    asked = method.ask(3, archive)
    if touch:
        archive.add(Result(asked[0], outcome=Outcome.MISSED, touch_in_object=item.points[0]))
    asked += method.ask(3, archive) + method.ask(1, archive)
    parents = [proposal.provenance.get("parent") for proposal in asked]
    assert parents == [*(f"grasp-{place}" for place in range(6)), "0" if touch else None]
    for proposal, source in zip(asked, ancestors, strict=False):
        np.testing.assert_allclose(
            proposal.grip_in_object.position, source.grip_in_object.position, atol=1e-9
        )
