"""The archive keeps the best of each cell, and knows how much of the surface it covers."""

from dataclasses import replace

import numpy as np
import pytest

from dr_grasp.core.arrays import frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Outcome
from dr_grasp.generation.archive import MARGIN_M, TouchArchive, neighbourhood
from dr_grasp.generation.proposal import Proposal
from dr_grasp.generation.result import Result, Trials
from dr_grasp.objects.object_spec import load_object


@pytest.fixture(scope="module")
def item():
    return load_object("procedural_000")


def random_result(item, index, rng):
    """A result with a touch near a random point of the object; every other one held."""
    touch = frozen(item.points[rng.integers(len(item.points))] + rng.normal(0, 0.002, 3))
    proposal = Proposal(index, Pose.identity(), "pinch")
    result = Result(proposal, outcome=Outcome.DROPPED_LIFTING, touch_in_object=touch)
    if rng.random() < 0.5:
        return result
    trials = Trials(int(rng.integers(0, 11)), 10, 10)
    return replace(result, outcome=Outcome.SUCCESS, trials=trials)


def test_the_archive_keeps_the_best_of_each_cell_and_of_equals_the_first(item):
    rng = np.random.default_rng(0)
    archive = TouchArchive(item)
    results = [random_result(item, index, rng) for index in range(150)]
    for result in results:
        before = archive.objective_at(result.touch_in_object)
        archive.add(result)
        after = archive.objective_at(result.touch_in_object)
        assert after == max(result.objective, before or 0.0)
        better = before is None or before < result.objective
        assert (result.proposal.index in archive.elites()[0]) == better
    indices, objectives = archive.elites()
    assert len(indices) == len(set(indices)) == len(archive) < 150
    for index, objective in zip(indices, objectives, strict=True):
        assert results[index].objective == objective
        assert archive.objective_at(results[index].touch_in_object) == objective


def test_coverage_is_a_share_that_only_successes_raise(item):
    rng = np.random.default_rng(1)
    archive = TouchArchive(item)
    without_touch = Result(Proposal(0, Pose.identity(), "pinch"))
    touched = replace(without_touch, outcome=Outcome.MISSED, touch_in_object=item.points[0])
    for result, cells in ((without_touch, 0), (touched, 1)):
        archive.add(result)
        assert (len(archive), archive.coverage) == (cells, 0.0)
    shares = []
    for index in range(200):
        archive.add(random_result(item, index, rng))
        shares.append(archive.coverage)
    assert shares == sorted(shares) and 0.05 < shares[-1] <= 1.0
    # A success at every place of the surface, and at places off it: all of it, and no more.
    low, high = neighbourhood(item)
    success = replace(touched, outcome=Outcome.SUCCESS, slip_m=0.0)
    for point in rng.uniform(low, high, (5000, 3)):
        archive.add(replace(success, touch_in_object=frozen(point)))
    assert shares[-1] < archive.coverage <= 1.0


def test_the_neighbourhood_is_the_object_with_a_margin(item):
    low, high = neighbourhood(item)
    assert (item.points - low >= MARGIN_M - 1e-12).all()
    assert (high - item.points >= MARGIN_M - 1e-12).all()
    np.testing.assert_allclose(high - low, np.ptp(item.points, axis=0) + 2 * MARGIN_M)
