"""Executing a plan, with a backend that only remembers what it was asked."""

from dataclasses import replace

import pytest

from dr_grasp.core.attempt import GraspAttempt
from dr_grasp.core.fitness import Fitness, GraspScore
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.errors import BackendError, DrGraspError, SettingsError
from dr_grasp.execution.runner import execute_plan, plan_execution


class Remembering:
    """A backend whose attempts always succeed; fails on the grasp it is told to."""

    name = "remembering"

    def __init__(self, fails_on=""):
        self.asked = []
        self._fails_on = fails_on

    def attempt(self, grasp, score, *, seed, attempt_index, dry_run, on_phase, is_cancelled):
        self.asked.append((grasp.id, seed, attempt_index, dry_run))
        if grasp.id == self._fails_on:
            raise BackendError("it broke")
        on_phase("approach")
        outcome = Outcome.CANCELLED if is_cancelled() else Outcome.SUCCESS
        return GraspAttempt(
            f"a{attempt_index}", 1, self.name, seed, attempt_index, grasp, score, outcome,
            "", None, None, None, None, None,
        )  # fmt: skip


@pytest.fixture
def grasps(home_grasp):
    return [home_grasp(id=name) for name in ("low", "high", "middle", "unscored")]


@pytest.fixture
def scores():
    def score(name, successes):
        return GraspScore(
            name, Outcome.SUCCESS, {Criterion.MDR: Fitness(Criterion.MDR, successes, 10)}
        )

    return [score("low", 1), score("high", 9), score("middle", 5), score("elsewhere", 10)]


def chosen(plan):
    return [grasp.id for grasp, _ in plan.chosen]


def test_the_best_come_first_and_the_unscored_last(grasps, scores, franka):
    assert chosen(plan_execution(grasps, scores, 2, franka)) == ["high", "middle"]
    everything = plan_execution(grasps, scores, 9, franka)
    assert chosen(everything) == ["high", "middle", "low", "unscored"]
    assert everything.chosen[-1][1] is None


def test_what_does_not_fit_the_robot_is_refused_by_position(grasps, scores, franka):
    given = [grasps[0], replace(grasps[1], robot="ur5"), replace(grasps[2], object="teapot")]
    plan = plan_execution(given, scores, 9, franka)
    assert chosen(plan) == ["low"]
    assert [(one.index, one.grasp_id) for one in plan.refused] == [(1, "high"), (2, "middle")]
    assert "robot: expected franka, got ur5" in plan.refused[0].reason
    assert "unknown object 'teapot'" in plan.refused[1].reason


def test_nonsense_is_refused(grasps, scores, franka):
    with pytest.raises(SettingsError, match="top: expected at least 1, got 0"):
        plan_execution(grasps, scores, 0, franka)
    with pytest.raises(DrGraspError, match="scores: expected those of the grasps, got none"):
        plan_execution([grasps[3]], scores, 1, franka)


def test_a_repeated_grasp_is_refused_by_name_and_the_first_kept(grasps, scores, franka):
    plan = plan_execution([grasps[0], grasps[0]], scores, 2, franka)
    assert chosen(plan) == ["low"]
    (refusal,) = plan.refused
    assert refusal.reason == "grasp low: id: expected unique ids, got it a second time"


def test_attempts_are_numbered_on(grasps, scores, franka):
    backend = Remembering()
    plan = plan_execution(grasps, scores, 2, franka)
    execute_plan(backend.attempt, plan, seed=7, record=lambda attempt: None, first_index=5)
    assert [index for _, _, index, _ in backend.asked] == [5, 6]


def test_each_attempt_is_recorded_before_the_next_begins(grasps, scores, franka):
    backend, events = Remembering(), []
    attempts = execute_plan(
        backend.attempt,
        plan_execution(grasps, scores, 2, franka),
        seed=7,
        record=lambda attempt: events.append(("recorded", attempt.grasp.id)),
        on_progress=lambda step: events.append((step.phase, step.grasp_id)),
    )
    assert backend.asked == [("high", 7, 0, False), ("middle", 7, 1, False)]
    assert events == [
        (event, name) for name in ("high", "middle") for event in ("approach", "record", "recorded")
    ]
    assert [attempt.outcome for attempt in attempts] == [Outcome.SUCCESS] * 2


def test_a_dry_run_records_nothing(grasps, scores, franka):
    backend, recorded = Remembering(), []
    plan = plan_execution(grasps, scores, 1, franka)
    execute_plan(backend.attempt, plan, seed=0, record=recorded.append, dry_run=True)
    assert backend.asked == [("high", 0, 0, True)]
    assert recorded == []


def test_cancelling_keeps_what_was_done(grasps, scores, franka):
    recorded = []
    attempts = execute_plan(
        Remembering().attempt,
        plan_execution(grasps, scores, 3, franka),
        seed=0,
        record=recorded.append,
        is_cancelled=lambda: len(recorded) == 1,
    )
    assert [attempt.grasp.id for attempt in attempts] == ["high"]
    assert recorded == attempts


def test_a_backend_that_breaks_down_loses_no_earlier_attempt(grasps, scores, franka):
    recorded = []
    with pytest.raises(BackendError, match="it broke"):
        execute_plan(
            Remembering(fails_on="middle").attempt,
            plan_execution(grasps, scores, 3, franka),
            seed=0,
            record=recorded.append,
        )
    assert [attempt.grasp.id for attempt in recorded] == ["high"]
