"""Laws of the archive, the genomes, the selections and of what is distinct, without simulation."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dr_grasp.core.arrays import frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Outcome
from dr_grasp.generation.archive import MARGIN_M, Elites, TouchArchive, neighbourhood
from dr_grasp.generation.distinct import SAME_PLACE_M, SAME_TURN_RAD, distinct
from dr_grasp.generation.genome import GenomeSettings, GenomeSpace
from dr_grasp.generation.proposal import Proposal
from dr_grasp.generation.quality_diversity import (
    Ancestor,
    MapElites,
    select_fittest,
    select_successes_first,
)
from dr_grasp.generation.result import Result, Trials
from dr_grasp.objects.object_spec import load_object

OBJECT_IN_BASE = Pose([0.5, 0.1, 0.02], [0.0, 0.0, np.sqrt(0.5), np.sqrt(0.5)])


@pytest.fixture(scope="module")
def item():
    return load_object("procedural_000")


@pytest.fixture(scope="module")
def spaces(franka, item):
    """For a hand with one synergy, and for one with three."""
    (pinch,) = franka.synergies
    others = tuple(replace(pinch, name=name) for name in ("tripod", "power"))
    several = replace(franka, synergies=(pinch, *others))
    return [GenomeSpace(robot, item, OBJECT_IN_BASE) for robot in (franka, several)]


def touching(archive_points, rng, index, outcome=Outcome.DROPPED_LIFTING, **values):
    """A result with a touch somewhere near a random point."""
    touch = archive_points[rng.integers(len(archive_points))] + rng.normal(0, 0.002, 3)
    proposal = Proposal(index, Pose.identity(), "pinch")
    return Result(proposal, outcome=outcome, touch_in_object=frozen(touch), **values)


def random_results(item, count, rng):
    """Some that touched, some that held, with trials."""
    results = []
    for index in range(count):
        if rng.random() < 0.5:
            results.append(touching(item.points, rng, index))
        else:
            trials = Trials(int(rng.integers(0, 11)), 10, 10)
            results.append(touching(item.points, rng, index, Outcome.SUCCESS, trials=trials))
    return results


def test_objectives_put_any_success_before_any_failure():
    proposal = Proposal(0, Pose.identity(), "pinch")
    assert Result(proposal, outcome=Outcome.MISSED).objective == 0.0
    steady = Result(proposal, outcome=Outcome.SUCCESS, slip_m=0.0)
    assert steady.objective == 2.0
    assert replace(steady, slip_m=0.01).objective == pytest.approx(1.0 + np.exp(-1.0))
    assert replace(steady, slip_m=10.0).objective >= 1.0
    # The fitness counts where there is one; what was left out counts as failed.
    assert replace(steady, trials=Trials(3, 4, 12)).objective == 1.25
    assert Trials(3, 4, 12).bound == pytest.approx(11 / 12)


def test_the_archive_keeps_the_best_of_each_cell_and_of_equals_the_first(item):
    rng = np.random.default_rng(0)
    results = random_results(item, 400, rng)
    archive = TouchArchive(item, 1)
    best = {}
    for result in results:
        before = archive.objective_at(result.touch_in_object)
        added = archive.add(frozen([result.proposal.index]), result)
        assert added == (before is None or before < result.objective)
        after = archive.objective_at(result.touch_in_object)
        assert after == max(result.objective, before or 0.0)
        if added:
            best[result.proposal.index] = result.objective
    elites = archive.elites()
    assert len(elites.indices) == len(archive) < len(best)
    np.testing.assert_array_equal(elites.genomes[:, 0], elites.indices)
    for index, objective in zip(elites.indices, elites.objectives, strict=True):
        assert best[index] == objective
        assert archive.objective_at(results[index].touch_in_object) == objective


def test_coverage_is_a_share_that_only_successes_raise(item):
    rng = np.random.default_rng(1)
    archive = TouchArchive(item, 1)
    assert archive.coverage == 0.0
    assert not archive.add(frozen([0]), Result(Proposal(0, Pose.identity(), "pinch")))
    archive.add(frozen([0]), touching(item.points, rng, 0))
    assert len(archive) == 1 and archive.coverage == 0.0
    shares = []
    for result in random_results(item, 200, rng):
        archive.add(frozen([0]), result)
        shares.append(archive.coverage)
    assert shares == sorted(shares) and 0.05 < shares[-1] <= 1.0
    # A success at every place of the surface, and at places off it: all of it, and no more.
    low, high = neighbourhood(item)
    for point in rng.uniform(low, high, (8000, 3)):
        touch = replace(results_success(), touch_in_object=frozen(point))
        archive.add(frozen([0]), touch)
    assert shares[-1] < archive.coverage <= 1.0


def results_success():
    return Result(Proposal(0, Pose.identity(), "pinch"), outcome=Outcome.SUCCESS, slip_m=0.0)


def test_the_neighbourhood_is_the_object_with_a_margin(item):
    low, high = neighbourhood(item)
    assert (item.points - low >= MARGIN_M - 1e-12).all()
    assert (high - item.points >= MARGIN_M - 1e-12).all()
    np.testing.assert_allclose(high - low, np.ptp(item.points, axis=0) + 2 * MARGIN_M)


def test_genomes_and_proposals_go_to_and_fro(spaces):
    rng = np.random.default_rng(2)
    for space in spaces:
        for genome in space.random(100, rng):
            proposal = space.decode(genome, 7, {"generation": "1"})
            assert (proposal.index, proposal.provenance) == (7, {"generation": "1"})
            again = space.encode(proposal)
            np.testing.assert_allclose(again[:7], genome[:7], atol=1e-9)
            other = space.decode(again, 7)
            assert other.synergy == proposal.synergy
            turned = other.grip_in_object.rotation.inv() * proposal.grip_in_object.rotation
            assert turned.magnitude() < 1e-7


def test_a_robot_with_several_synergies_uses_all_of_them(spaces):
    rng = np.random.default_rng(3)
    one, several = spaces
    assert {one.decode(genome, 0).synergy for genome in one.random(20, rng)} == {"pinch"}
    named = {several.decode(genome, 0).synergy for genome in several.random(60, rng)}
    assert named == {"pinch", "tripod", "power"}
    assert several.decode(np.ones(several.length), 0).synergy == "power"
    parent = several.random(1, rng)
    children = several.mutated(np.tile(parent, (2000, 1)), rng)
    assert {several.decode(genome, 0).synergy for genome in children} == named
    same = np.mean(children[:, 7] == parent[0, 7])
    assert same == pytest.approx(1.0 - GenomeSettings().selector_rate, abs=0.03)


def test_what_is_decoded_keeps_the_bounds(spaces, item):
    rng = np.random.default_rng(4)
    settings, (low, high) = GenomeSettings(), neighbourhood(item)
    for space in spaces:
        genomes = space.random(50, rng)
        for _ in range(20):
            genomes = space.mutated(genomes, rng)
        corners = rng.integers(0, 2, (50, space.length)).astype(float)
        for genome in (*genomes, *corners):
            assert (genome >= 0).all() and (genome <= 1).all()
            proposal = space.decode(genome, 0)
            position = proposal.grip_in_object.position
            assert (low - 1e-9 <= position).all() and (position <= high + 1e-9).all()
            assert settings.least_opening <= proposal.opening <= 1.0 + 1e-9
            approach = (OBJECT_IN_BASE @ proposal.grip_in_object).rotate([0.0, 0.0, 1.0])
            assert approach[2] <= -(np.cos(settings.tilt_rad) ** 2) + 1e-9


def test_a_proposal_out_of_the_ranges_becomes_the_nearest_within(spaces, item):
    space = spaces[0]
    far = Proposal(0, Pose([9.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]), "pinch", 0.1)
    near = space.decode(space.encode(far), 0)
    assert near.opening == pytest.approx(GenomeSettings().least_opening)
    assert near.grip_in_object.position[0] == pytest.approx(neighbourhood(item)[1][0])


def test_mutations_are_small_and_the_roll_goes_round(spaces):
    rng = np.random.default_rng(5)
    genomes = np.full((2000, 7), 0.5)
    moved = spaces[0].mutated(genomes, rng) - genomes
    np.testing.assert_allclose(moved.std(axis=0), GenomeSettings().sigma, rtol=0.1)
    genomes[:, 5] = 0.0
    rolls = spaces[0].mutated(genomes, rng)[:, 5]
    assert (rolls < 0.25).any() and (rolls > 0.75).any()


def make_elites(objectives):
    count = len(objectives)
    return Elites(np.zeros((count, 1)), frozen(objectives), np.arange(count))


@pytest.mark.parametrize("seed", range(20))
def test_selections(seed):
    rng = np.random.default_rng(seed)
    size, count = int(rng.integers(1, 40)), int(rng.integers(1, 30))
    objectives = rng.choice([0.0, 0.0, 1.0, 1.25, 1.5, 2.0], size)
    elites = make_elites(objectives)
    for select in (select_successes_first, select_fittest):
        chosen = select(elites, count, np.random.default_rng(seed))
        assert chosen.shape == (count,)
        times = np.bincount(chosen, minlength=size)
        # Nobody twice before all were chosen, and no failure before all successes.
        assert times.max() - times.min() <= 1
        if (times[~elites.successful] > times.min()).any():
            assert (times[elites.successful] > times.min()).all()
        again = select(elites, count, np.random.default_rng(seed))
        np.testing.assert_array_equal(chosen, again)
    fittest = select_fittest(elites, min(size, count), rng)
    assert sorted(objectives[fittest]) == sorted(objectives)[-len(fittest) :]
    assert (np.diff(objectives[fittest]) <= 0).all()


def test_successes_are_drawn_alike_whatever_their_objective():
    elites = make_elites([1.0, 2.0, 0.0, 1.5, 0.0])
    drawn = [
        place
        for seed in range(300)
        for place in select_successes_first(elites, 1, np.random.default_rng(seed))
    ]
    times = np.bincount(drawn, minlength=5)
    assert times[2] == times[4] == 0 and times[[0, 1, 3]].min() > 70


def search_method(spaces, item, **changes):
    archive = TouchArchive(item, spaces[0].length)
    return MapElites(archive, spaces[0], select_successes_first, 0, **changes)


def grips(proposals):
    return [(one.grip_in_object, one.opening, one.provenance) for one in proposals]


def test_generations_count_on_and_depend_on_what_was_told_alone(spaces, item):
    first, second = (search_method(spaces, item) for _ in range(2))
    strangers = first.ask(6)
    assert [one.index for one in strangers] == list(range(6))
    assert all(one.provenance == {"generation": "0"} for one in strangers)
    assert grips(second.ask(6)) == grips(strangers)
    touched = Result(strangers[4], outcome=Outcome.MISSED, touch_in_object=item.points[0])
    told = [replace(touched, proposal=one, touch_in_object=None) for one in strangers]
    told[4] = touched
    first.tell(told)
    second.tell(told)
    children = first.ask(6)
    assert [one.index for one in children] == list(range(6, 12))
    assert all(one.provenance == {"generation": "1", "parent": "4"} for one in children)
    assert grips(second.ask(6)) == grips(children)
    middle = strangers[4].grip_in_object.position
    assert all(np.linalg.norm(one.grip_in_object.position - middle) < 0.1 for one in children)


def test_without_any_touch_there_are_strangers_again(spaces, item):
    method = search_method(spaces, item)
    strangers = method.ask(4)
    method.tell([Result(one) for one in strangers])
    others = method.ask(4)
    assert all(one.provenance == {"generation": "1"} for one in others)
    assert grips(others) != grips(strangers)


def test_every_other_stranger_is_proposed_where_something_proposes(spaces, item):
    known = Proposal(0, Pose([0.01, 0.0, 0.02], [1.0, 0.0, 0.0, 0.0]), "pinch", 0.7)
    asked = []

    def propose(index):
        asked.append(index)
        return known

    proposals = search_method(spaces, item, propose=propose).ask(5)
    assert asked == [0, 2, 4]
    for index in asked:
        np.testing.assert_allclose(proposals[index].grip_in_object.position, [0.01, 0.0, 0.02])
    assert proposals[1].grip_in_object != known.grip_in_object


def test_ancestors_come_first_and_are_named(spaces, item):
    rng = np.random.default_rng(6)
    sources = [spaces[0].decode(genome, 0) for genome in spaces[0].random(5, rng)]
    ancestors = [Ancestor(one, f"grasp-{place}") for place, one in enumerate(sources)]
    method = search_method(spaces, item, ancestors=ancestors)
    asked = method.ask(3)
    method.tell([Result(one) for one in asked])
    asked += method.ask(3)
    parents = [one.provenance.get("parent") for one in asked]
    assert parents == ["grasp-0", "grasp-1", "grasp-2", "grasp-3", "grasp-4", None]
    for one, source in zip(asked, sources, strict=False):
        np.testing.assert_allclose(
            one.grip_in_object.position, source.grip_in_object.position, atol=1e-9
        )


def shifted(proposal, metres=0.0, radians=0.0, synergy="pinch"):
    turn = Rotation.from_rotvec([0.0, 0.0, radians])
    change = Pose([metres, 0.0, 0.0], turn.as_quat())
    return replace(proposal, grip_in_object=proposal.grip_in_object @ change, synergy=synergy)


def test_what_is_distinct():
    one = Proposal(0, Pose([0.0, 0.0, 0.1], [1.0, 0.0, 0.0, 0.0]), "pinch")
    near, turned = 0.9 * SAME_PLACE_M, 0.9 * SAME_TURN_RAD
    alike = [one, shifted(one, near), shifted(one, 0.0, -turned), shifted(one, near, turned)]
    opposite = Pose(one.grip_in_object.position, -one.grip_in_object.quaternion_xyzw)
    alike.append(replace(one, grip_in_object=opposite))  # the same turn, written otherwise
    assert distinct(alike) == [0]
    unlike = [
        one,
        shifted(one, 1.1 * SAME_PLACE_M),
        shifted(one, 0.0, 1.1 * SAME_TURN_RAD),
        shifted(one, 0.0, np.pi),
        shifted(one, synergy="power"),
    ]
    assert distinct(unlike) == [0, 1, 2, 3, 4]
    assert distinct([]) == []


def test_distinct_is_idempotent_keeps_the_order_and_leaves_nothing_out():
    rng = np.random.default_rng(7)
    middle = Proposal(0, Pose.identity(), "pinch")
    many = [
        shifted(middle, rng.uniform(0, 0.03), rng.uniform(0, 0.6), str(rng.integers(2)))
        for _ in range(400)
    ]
    kept = distinct(many)
    assert kept == sorted(kept) and kept[0] == 0 and 5 < len(kept) < 100
    chosen = [many[index] for index in kept]
    assert distinct(chosen) == list(range(len(kept)))
    for index in set(range(len(many))) - set(kept):
        earlier = [many[other] for other in kept if other < index]
        assert distinct([*earlier, many[index]]) == list(range(len(earlier)))
