"""The best of many grasps: who is scored how far, and what is told of it."""

from dataclasses import replace

import numpy as np
import pytest

from dr_grasp.core.ranking import rank
from dr_grasp.scoring.scorer import Scorer

from .races import FDR, MDR, TOP, request_of, trials_by_id


def test_finalists_have_their_whole_budget_and_the_others_say_what_became_of_them(
    fakes, home_grasp, shares
):
    grasps = fakes.grasps(home_grasp(), shares)
    request = request_of(("fdr", "mdr"), trials=50)
    pool = fakes.pool()
    batch = Scorer(pool=pool).score(grasps, request)
    chosen = set(batch.selection.chosen)
    assert len(batch.scores) == len(grasps)
    for score in batch.scores:
        if score.grasp_id in chosen:
            assert {c: f.trials for c, f in score.fitness.items()} == {FDR: 50, MDR: 50}
            assert not any(f.sequential for f in score.fitness.values())
        elif score.nominal_success:
            assert list(score.fitness) == [MDR] and score.fitness[MDR].sequential
            assert not score.fitness[MDR].by_width
            assert score.fitness[MDR].trials in (5, 10, 20, 40, 50)
        else:
            assert score.fitness == {}
    # No rollout twice, and none that is in no score.
    done = [
        (block.grasp_index, block.criterion, trial)
        for block in pool.blocks
        for trial in range(block.first, block.first + block.count)
    ]
    assert len(done) == len(set(done))
    counted = sum(f.trials for s in batch.scores for f in s.fitness.values())
    assert len(done) == counted + len(grasps)
    # What they have is what scoring all of everything gives them.
    full = Scorer(pool=fakes.pool()).score(grasps, replace(request, top=None))
    for one, whole in zip(batch.scores, full.scores, strict=True):
        if one.grasp_id in chosen:
            assert one == whole
    # Who ranks by the file ranks the chosen first, a dropped one with five of five included.
    assert {score.grasp_id for score in rank(batch.scores)[:TOP]} == chosen


def test_a_race_does_not_depend_on_the_workers(fakes, home_grasp, shares):
    grasps = fakes.grasps(home_grasp(), shares)
    batches = [
        Scorer(pool=fakes.pool(in_flight, seed)).score(grasps, request_of(trials=60))
        for seed, in_flight in ((0, 1), (1, 3), (2, 100))
    ]
    assert all(batch == batches[0] for batch in batches)


def test_grasps_that_fail_undisturbed_race_only_for_places_that_nobody_takes(fakes, home_grasp):
    grasps = fakes.grasps(home_grasp(), [0.9, 0.0, 0.8, 0.0, 0.0])
    batch = Scorer(pool=fakes.pool()).score(grasps, request_of(trials=20, top=3))
    names = [grasp.id for grasp in grasps]
    assert {names[0], names[2]} < set(batch.selection.chosen)
    (third,) = set(batch.selection.chosen) - {names[0], names[2]}
    assert trials_by_id(batch)[third] == {MDR: 20}
    assert batch.selection.expected_share == pytest.approx((2 + 1 / 3) / 3, abs=0.05)


@pytest.mark.parametrize("number", [0, 1, 3])
def test_few_grasps_are_all_chosen(fakes, home_grasp, number):
    grasps = fakes.grasps(home_grasp(), [0.5, 0.9, 1.0][:number])
    batch = Scorer(pool=fakes.pool()).score(grasps, request_of(trials=7, top=3))
    assert batch.selection.chosen == tuple(grasp.id for grasp in grasps)
    assert (batch.selection.expected_share, batch.selection.most_missed) == (1.0, 0.0)
    assert {f.trials for s in batch.scores for f in s.fitness.values()} == (
        {7} if number else set()
    )


def test_a_cancelled_race_chooses_nobody(fakes, home_grasp, shares):
    for cancel_after in (0, 100, 400):
        pool = fakes.pool(cancel_after=cancel_after)
        batch = Scorer(pool=pool).score(fakes.grasps(home_grasp(), shares), request_of())
        assert batch.cancelled and batch.selection is None
        assert len(pool.blocks) == cancel_after


@pytest.mark.parametrize("criteria", [("mdr",), ("fdr", "mdr")])
@pytest.mark.parametrize("number", [200, 5, 1])
def test_progress_says_how_far_the_race_is(fakes, home_grasp, shares, criteria, number):
    told, pool = [], fakes.pool()
    request = request_of(criteria, top=TOP if number > TOP else 3)
    grasps = fakes.grasps(home_grasp(), shares[:number])
    Scorer(pool=pool).score(grasps, request, told.append)
    assert told[-1].rollouts_done == told[-1].rollouts_total == pool.rollouts
    assert all(one.rollouts_done < one.rollouts_total for one in told[:-1])
    # Foretold within a third, so it hardly ever goes back.
    if number > TOP:
        assert all(0.7 < one.rollouts_total / pool.rollouts < 1.5 for one in told)
    share = [one.rollouts_done / one.rollouts_total for one in told]
    assert all(
        one > before - 0.1 for one, before in zip(share, np.maximum.accumulate(share), strict=True)
    )


def test_the_progress_of_a_race_for_more_than_hold(fakes, home_grasp):
    told, pool = [], fakes.pool()
    grasps = fakes.grasps(home_grasp(), [0.9, 0.0, 0.8, 0.0, 0.0])
    Scorer(pool=pool).score(grasps, request_of(("fdr", "mdr"), trials=20, top=3), told.append)
    assert told[-1].rollouts_done == told[-1].rollouts_total == pool.rollouts
    assert all(one.rollouts_done < one.rollouts_total for one in told[:-1])
