"""Diagnoses come in the order of the grasps, whichever worker is done first."""

from dataclasses import replace

import pytest

from dr_grasp.core.diagnosis import Diagnosis
from dr_grasp.core.engine import Engine
from dr_grasp.core.fitness import Fitness, RefusedGrasp
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.diagnosis import parallel
from dr_grasp.diagnosis.parallel import diagnose_each

from ..workers.shuffled import ShuffledPool


@pytest.fixture(autouse=True)
def no_physics(monkeypatch):
    monkeypatch.setattr(
        parallel, "run_task", lambda task: Diagnosis(task.grasp.id, Outcome.SUCCESS)
    )


@pytest.fixture
def grasps(home_grasp):
    return [home_grasp(id=f"g{index}") for index in range(12)]


def test_each_is_measured_in_the_engine_that_is_asked_for(grasps, monkeypatch):
    asked = []

    def run_task(task):
        asked.append(task.engine)
        return Diagnosis(task.grasp.id, Outcome.SUCCESS)

    monkeypatch.setattr(parallel, "run_task", run_task)
    list(diagnose_each(grasps[:2], {}, ShuffledPool(), never, Engine.MUJOCO))
    list(diagnose_each(grasps[:1], {}, ShuffledPool(), never))
    assert asked == [Engine.MUJOCO, Engine.MUJOCO, Engine.BULLET]


def never():
    return False


def test_each_grasp_has_its_diagnosis_or_refusal_in_its_place(grasps):
    refused = RefusedGrasp(3, "gx", "grasp gx: beyond repair")
    entries = [*grasps[:3], refused, *grasps[3:], replace(grasps[0], robot="none"), grasps[1]]
    found = [*diagnose_each(entries, {}, ShuffledPool(), never)]
    assert [result.grasp_id for result in found] == [
        *("g0", "g1", "g2", "gx", *(f"g{index}" for index in range(3, 12)), "g0", "g1")
    ]
    assert [type(result) is RefusedGrasp for result in found].count(True) == 3
    assert found[3] is refused and "second time" in found[-1].reason


def test_scores_are_joined_by_id(grasps, samples):
    fitness = {Criterion.MDR: Fitness(Criterion.MDR, 1, 4)}
    scores = {"g2": samples.score("g2", fitness=fitness)}
    found = [*diagnose_each(grasps, scores, ShuffledPool(), never)]
    assert [diagnosis.mdr for diagnosis in found[:4]] == [None, None, 0.25, None]


def test_a_cancel_ends_with_none_after_what_was_in_order(grasps):
    *found, last = diagnose_each(grasps, {}, ShuffledPool(cancel_after=6), never)
    assert last is None and len(found) < 7
    assert [result.grasp_id for result in found] == [f"g{index}" for index in range(len(found))]


def test_grasps_are_drawn_as_they_are_needed(grasps):
    """Few are in memory, however many there are to come."""
    pool, drawn = ShuffledPool(), 0

    def stream():
        nonlocal drawn
        for grasp in grasps:
            drawn += 1
            yield grasp

    results = diagnose_each(stream(), {}, pool, never)
    next(results)
    assert drawn < len(grasps)
