import itertools
from dataclasses import replace

import pytest

from dr_grasp.core.fitness import Fitness, GraspScore
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.core.ranking import mean_fitness, rank, rank_grasps, ranking_value
from dr_grasp.errors import DrGraspError


def make(name, nominal=Outcome.SUCCESS, **successes):
    fitness = {Criterion(c): Fitness(Criterion(c), k, 10) for c, k in successes.items()}
    return GraspScore(name, nominal, fitness)


BEST_FIRST = [
    make("c", mdr=9, osdr=1),
    make("e", mdr=5, osdr=9),
    make("a", mdr=5, osdr=4),
    make("b", mdr=5, osdr=4),
    make("d", mdr=0, osdr=0),
    make("0", Outcome.MISSED, mdr=10, osdr=10),
    make("1", Outcome.DROPPED_HOLDING, mdr=2, osdr=2),
]


def test_rank_ignores_the_order_of_its_input():
    for shuffled in itertools.permutations(BEST_FIRST):
        assert rank(shuffled) == BEST_FIRST


def test_what_ranks_is_mdr_or_else_the_mean():
    assert ranking_value(make("g", mdr=3, osdr=9)) == 0.3
    assert ranking_value(make("g", jsdr=3, osdr=9)) == pytest.approx(0.6)
    assert mean_fitness(make("g", mdr=3, osdr=9)) == pytest.approx(0.6)
    assert ranking_value(make("g")) == 0.0


def test_rank_grasps_puts_those_without_a_score_last_and_by_id(samples):
    grasps = [samples.grasp(name) for name in ("z", "b", "a", "y", "c")]
    scores = [make("b", mdr=1), make("a", mdr=8), make("unknown", mdr=9), make("c", mdr=4)]
    ranked = rank_grasps(grasps, scores)
    assert [(grasp.id, score and score.grasp_id) for grasp, score in ranked] == [
        ("a", "a"),
        ("c", "c"),
        ("b", "b"),
        ("y", None),
        ("z", None),
    ]


def test_repeated_ids_are_refused(samples):
    twice = [samples.grasp("a"), samples.grasp("a")]
    with pytest.raises(DrGraspError, match="grasps: expected unique ids, got 1 repeated"):
        rank_grasps(twice, [])
    scores = [make("a"), make("a"), make("a")]
    with pytest.raises(DrGraspError, match="scores: expected unique ids, got 2 repeated"):
        rank_grasps(twice[:1], scores)


def test_grasps_that_sampling_gave_up_on_come_after_the_others():
    lucky = GraspScore(
        "lucky", Outcome.SUCCESS, {Criterion.MDR: Fitness(Criterion.MDR, 5, 5, sequential=True)}
    )
    tried = GraspScore("tried", Outcome.SUCCESS, {Criterion.MDR: Fitness(Criterion.MDR, 60, 100)})
    failed = GraspScore("failed", Outcome.MISSED, {Criterion.MDR: Fitness(Criterion.MDR, 9, 10)})
    assert [one.grasp_id for one in rank([failed, lucky, tried])] == ["tried", "lucky", "failed"]


def test_a_transfer_probability_ranks_where_there_is_one():
    sure = replace(make("sure", mdr=2), transfer_probability=0.9)
    unsure = replace(make("unsure", mdr=9), transfer_probability=0.3)
    fails = replace(make("fails", Outcome.MISSED, mdr=9), transfer_probability=0.95)
    uncalibrated = make("uncalibrated", mdr=10)
    assert ranking_value(sure) == 0.9
    for shuffled in itertools.permutations([sure, unsure, fails, uncalibrated]):
        assert rank(shuffled) == [sure, unsure, uncalibrated, fails]
