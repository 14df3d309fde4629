"""Counting attempts grasp by grasp."""

import random

from dr_grasp.core.fitness import Fitness
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.transfer.grasp_tally import Ratio, by, tally_grasps, total


def test_attempts_that_say_nothing_are_left_out(row):
    rows = [row("a1"), row("a2", outcome=Outcome.MISSED), row("a3", outcome=Outcome.REFUSED)]
    (tally,) = tally_grasps(rows)
    assert (tally.held, tally.attempts, tally.eta) == (1, 2, 0.5)
    assert tally_grasps([rows[2]]) == ()
    assert total([]) is None


def test_a_grasp_is_one_of_its_id_robot_object_and_trajectory(row):
    rows = [row("a1"), row("a2", robot="baxter"), row("a3", object="box"), row("a4", grasp_id="g2")]
    tallies = tally_grasps([*rows, row("a5")])
    assert sorted(one.attempts for one in tallies) == [1, 1, 1, 2]
    other = row("a6", trajectory="an id that came again", outcome=Outcome.MISSED)
    assert sorted(one.eta for one in tally_grasps([*rows, other])) == [0, 1, 1, 1, 1]
    assert {name: len(some) for name, some in by(tallies, lambda one: one.robot).items()} == {
        "baxter": 1,
        "franka": 3,
    }
    assert total(tallies) == Ratio(5, 5)


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
