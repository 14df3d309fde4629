"""Counting attempts grasp by grasp, and which attempts count."""

import random

import pytest

from dr_grasp.core.fitness import Fitness
from dr_grasp.core.metric import Metric
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.transfer.clustered import eta_of
from dr_grasp.transfer.grasp_tally import Ratio, group_by, tally_grasps

COUNT_AGAINST = {
    "missed",
    "pushed_away",
    "slipped_closing",
    "dropped_lifting",
    "dropped_holding",
    "robot_hit_table",
    "self_collision",
    "failed",
}


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_is_decided(row, outcome):
    expected = {"success": True, **dict.fromkeys(COUNT_AGAINST, False)}.get(outcome.label)
    assert row(outcome=outcome).held is expected


def test_attempts_that_say_nothing_are_left_out(row):
    rows = [row("a1"), row("a2", outcome=Outcome.MISSED), row("a3", outcome=Outcome.REFUSED)]
    (tally,) = tally_grasps(rows)
    assert tally.eta == Ratio(held=1, attempts=2)
    assert tally.eta.value == 0.5
    assert tally_grasps([rows[2]]) == ()
    assert eta_of([]) is None


def test_a_grasp_is_one_of_its_id_robot_object_and_trajectory(row):
    rows = [row("a1"), row("a2", robot="baxter"), row("a3", object="box"), row("a4", grasp_id="g2")]
    tallies = tally_grasps([*rows, row("a5")])
    assert sorted(tally.eta.attempts for tally in tallies) == [1, 1, 1, 2]
    other = row("a6", trajectory="an id that came again", outcome=Outcome.MISSED)
    assert sorted(tally.eta.value for tally in tally_grasps([*rows, other])) == [0, 1, 1, 1, 1]
    by_robot = group_by(tallies, lambda row: row.robot)
    assert [(name, len(group)) for name, group in by_robot.items()] == [
        ("franka", 3),
        ("baxter", 1),
    ]
    eta = eta_of(tallies)
    assert (eta.held, eta.attempts, eta.grasps, eta.value) == (5, 5, 4, 1.0)


def test_the_latest_score_counts(row):
    mdr = Criterion.MDR
    rows = [
        row("a1", 0.2, stamp_ns=1),
        row("a2", stamp_ns=2, fitness={mdr: Fitness(mdr, 9, 10)}),
        row("a3", stamp_ns=3, fitness={}),
    ]
    (tally,) = tally_grasps(rows)
    assert tally.fitness == {mdr: Fitness(mdr, 9, 10)}
    assert tally.last.attempt_id == "a3"


def test_the_order_of_rows_is_of_no_account(many_rows):
    rows = many_rows(60)
    shuffled = random.Random(1).sample(rows, len(rows))
    assert tally_grasps(shuffled) == tally_grasps(rows)


def test_what_a_predictor_says_of_a_grasp_is_larger_for_better_ones(row):
    metrics = {Metric.TUG: 2.5, Metric.PENETRATION: 0.0004, Metric.ENGINE_GAP: 0.0}
    older = row("a1", 0.9, metrics={Metric.TUG: 9.0}, stamp_ns=1)
    (tally,) = tally_grasps([row("a2", 0.6, metrics=metrics, stamp_ns=2), older])
    assert tally.metrics == metrics
    assert tally.predicted_by(Criterion.MDR) == 0.6
    assert tally.predicted_by(Metric.TUG) == 2.5
    assert tally.predicted_by(Metric.PENETRATION) == -0.0004
    assert tally.predicted_by(Metric.ENGINE_GAP) == 0
    assert tally.predicted_by(Metric.EPSILON) is None
    (bare,) = tally_grasps([row(fitness={})])
    assert bare.predicted_by(Criterion.MDR) is None
