"""Margins come in the order of the grasps, whichever worker is done first; a journal keeps them."""

import pytest

from dr_grasp.core.engine import Engine
from dr_grasp.core.fitness import RefusedGrasp
from dr_grasp.core.margin import GraspMargins
from dr_grasp.core.outcome import Outcome
from dr_grasp.errors import FileFormatError
from dr_grasp.margins import parallel
from dr_grasp.margins.margins_journal import MarginsJournal
from dr_grasp.margins.measurement import measure
from dr_grasp.margins.parallel import measure_each

from ..workers.shuffled import ShuffledPool


def never():
    return False


@pytest.fixture
def asked(monkeypatch, toy):
    """Ids of the grasps that were measured, in a toy world."""
    ids = []

    def runner(robot, obj, engine):
        assert engine is Engine.MUJOCO
        return toy(lambda p: abs(p.translation_m[1]) < 0.02)

    def run_task(task):
        ids.append(task.grasp.id)
        return measure(runner("franka", "mug", task.request.engine), task.grasp, task.request)

    monkeypatch.setattr(parallel, "run_task", run_task)
    return ids


@pytest.fixture
def grasps(home_grasp):
    return [home_grasp(id=f"g{index}") for index in range(6)]


def test_each_has_its_margins_or_refusal_in_its_place(grasps, asked, ask):
    refused = RefusedGrasp(2, "gx", "grasp gx: beyond repair")
    given = [*grasps[:2], refused, *grasps[2:], grasps[0]]
    found = [*measure_each(given, ask(), ShuffledPool(), never)]
    assert [each.grasp_id for each in found] == ["g0", "g1", "gx", "g2", "g3", "g4", "g5", "g0"]
    assert found[2] is refused and "second time" in found[-1].reason
    assert asked != sorted(asked)  # the pool did shuffle
    assert found[0].margins == found[5].margins != ()


def test_a_cancel_ends_with_none(grasps, asked, ask):
    *found, last = measure_each(grasps, ask(), ShuffledPool(cancel_after=3), never)
    assert last is None and len(found) < 4


def test_a_profile_of_another_robot_refuses_the_grasp(grasps, asked, ask):
    from dataclasses import replace

    request = replace(ask(), profile=replace(ask().profile, robot="baxter"))
    [found] = measure_each(grasps[:1], request, ShuffledPool(), never)
    assert found.reason == (
        "grasp g0: profile default: expected grasps of baxter, of which it is, got franka"
    )


def test_a_run_goes_on_with_what_was_kept(grasps, asked, ask, tmp_path):
    path, request = tmp_path / "out.journal", ask(rounds=2)
    whole = [*measure_each(grasps, request, ShuffledPool(), never)]
    asked.clear()
    with MarginsJournal(path, request, "abc") as journal:
        assert [*measure_each(grasps, request, ShuffledPool(3), never, journal)][-1] is None
    kept, asked[:] = set(asked), []
    assert len(kept) == 3
    with MarginsJournal(path, request, "abc", resume=True) as journal:
        assert [*measure_each(grasps, request, ShuffledPool(), never, journal)] == whole
        assert set(asked) == {grasp.id for grasp in grasps} - kept
        asked.clear()
        assert [*measure_each(grasps, request, ShuffledPool(), never, journal)] == whole
        assert not asked
        journal.remove()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "key"),
    [({"seed": 1}, "seed"), ({"halvings": 5}, "halvings"), ({"background": 0.5}, "background")],
)
def test_a_journal_of_another_request_is_refused(ask, tmp_path, changes, key):
    path = tmp_path / "out.journal"
    MarginsJournal(path, ask(), "abc").close()
    with pytest.raises(FileFormatError, match=rf"{key}: expected .* as asked for now"):
        MarginsJournal(path, ask(**changes), "abc", resume=True)


def test_a_task_names_its_grasp_and_runs_in_the_engine_of_its_request(
    grasps, ask, toy, monkeypatch
):
    engines = []

    def runner(robot, obj, engine):
        engines.append((robot, obj, engine))
        return toy(lambda p: False)

    monkeypatch.setattr(parallel, "kept_runner", runner)
    task = parallel.MarginsTask(0, grasps[0], ask())
    found = parallel.run_task(task)
    assert found == GraspMargins("g0", found.trajectory, Outcome.MISSED)
    assert engines == [("franka", "mug", Engine.MUJOCO)] and str(task) == "grasp g0"
