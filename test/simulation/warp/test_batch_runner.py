"""Rollouts in a batch are those of engine mujoco, whatever runs beside or ran before them."""

from dataclasses import replace

import numpy as np
import pytest

from dr_grasp.core.arrays import frozen
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion, Perturbation, sample_perturbation
from dr_grasp.errors import ModelError, SettingsError
from dr_grasp.objects.object_spec import load_object
from dr_grasp.scoring.profiles import load_profile
from dr_grasp.simulation import rollout_runner
from dr_grasp.simulation.mujoco.world import MujocoWorld
from dr_grasp.simulation.rollout import LOOK_EVERY
from dr_grasp.simulation.rollout_runner import RolloutRunner
from dr_grasp.simulation.warp import buffers
from dr_grasp.simulation.warp.batch_runner import BatchRunner
from dr_grasp.simulation.warp.buffers import Buffers

WORLDS = 3
TINY = Buffers(contacts=1, constraints=6)
NOTHING = Perturbation.none()
TOO_FAR = replace(NOTHING, translation_m=frozen([0.0, 11.0, 0.0]))
"""The object begins farther away than the judge takes for possible, so the rollout ends at once."""

PATH_M = 5e-4
"""How far a held object may be from where it is in engine mujoco [m]; with numbers of 32 instead of
64 bits it was up to 0.15 mm off, from the moment on in which the hand closed."""


@pytest.fixture(scope="module")
def rollouts(block_grasps, shortened):
    """One for each end that a slight difference does not change; one of them runs twice."""
    grasp = shortened(block_grasps[1])
    joints = len(grasp.approach.joints)
    noise = sample_perturbation(load_profile("default"), Criterion.FDR, 0, 0, joints)
    lowered = replace(NOTHING, joint_offset=frozen(0.03 * np.eye(joints)[1]))
    return [(grasp, TOO_FAR), (grasp, noise), (grasp, lowered), (grasp, noise)]


@pytest.fixture(scope="module")
def hurried(block_grasps):
    """A rollout that ends while the object comes to rest, which it has no time for."""
    grasp = block_grasps[0]
    approach = replace(
        grasp.approach, times_s=frozen([0.0, 0.09]), positions=grasp.approach.positions[-2:]
    )
    return replace(grasp, approach=approach), NOTHING


@pytest.fixture(scope="module")
def alone(franka):
    """Runs rollouts in engine mujoco, one after the other; notes where objects are at each look."""
    paths = []

    class Noting(rollout_runner.EarlyEnd):
        def observe(self, step, phase, seen):
            paths[-1][step] = seen.object_position
            return super().observe(step, phase, seen)

    def run(rollouts):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(rollout_runner, "EarlyEnd", Noting)
            found = []
            for rollout in rollouts:
                paths.append({})
                found.append(runner.run(*rollout))
        return found, paths[-len(found) :]

    with RolloutRunner(MujocoWorld(franka, load_object("procedural_000"))) as runner:
        yield run


@pytest.fixture(scope="module")
def together(warp, rollouts):
    """What a batch gives for the rollouts, where objects are, and how many it took by then."""
    from dr_grasp.simulation.warp import batch

    paths = [{} for _ in rollouts]

    class Noting(batch.BatchWorlds):
        def advance(self):
            looks, now = super().advance(), runner._batch
            for world, trial in now._running.items():
                step = int(now._steps[world]) + LOOK_EVERY - 1
                if not now._settling[world]:
                    paths[trial.index][step] = looks.seen[-1, world, :3].copy()
            return looks

    taken, taken_by_then, found = [], [], {}

    def stream():
        for rollout in rollouts:
            taken.append(rollout)
            yield rollout

    with (
        pytest.MonkeyPatch.context() as patch,
        BatchRunner(WORLDS, device="cpu") as runner,
    ):
        patch.setattr(batch, "BatchWorlds", Noting)
        for index, rollout in runner.run(stream()):
            found[index] = rollout
            taken_by_then.append(len(taken))
        yield runner, found, paths, taken_by_then


def test_rollouts_end_as_in_engine_mujoco(together, alone, rollouts):
    _, found, paths, _ = together
    expected, expected_paths = alone(rollouts)
    assert [rollout.outcome for rollout in expected] == [
        Outcome.DIVERGED,
        Outcome.SUCCESS,
        Outcome.ROBOT_HIT_TABLE,
        Outcome.SUCCESS,
    ]
    for index, rollout in enumerate(expected):
        assert found[index].outcome is rollout.outcome
        assert found[index].links == rollout.links
        # One that ends early since it holds the object does so when that creeps little enough.
        slack = 2 if rollout.outcome is not Outcome.SUCCESS else 12
        assert abs(found[index].steps - rollout.steps) <= slack * LOOK_EVERY
    for step, place in expected_paths[1].items():
        assert np.linalg.norm(paths[1][step] - place) < PATH_M


def test_a_stream_is_taken_as_worlds_become_free(together, rollouts):
    _, found, _, taken_by_then = together
    assert len(found) == len(rollouts) > WORLDS
    for ended, taken in enumerate(taken_by_then, start=1):
        assert taken <= WORLDS + ended - 1


def test_a_rollout_depends_on_nothing_that_runs_beside_or_before(together):
    """The same rollout ran twice, one later than the other and in another world."""
    _, found, _, _ = together
    assert found[1] == found[3]


def test_an_iteration_that_is_given_up_leaves_nothing(together, rollouts, hurried, alone):
    runner, found, _, _ = together
    given_up = runner.run(rollouts)
    assert next(given_up) == (0, found[0])
    given_up.close()
    [expected], _ = alone([hurried])
    assert dict(runner.run([hurried])) == {0: expected}


def test_buffers_that_overflow_are_made_larger(hurried, alone):
    [expected], _ = alone([hurried])
    assert expected.outcome is Outcome.NOT_SETTLED
    with BatchRunner(1, device="cpu", buffers=TINY) as runner:
        assert dict(runner.run([hurried])) == {0: expected}
        made = runner._batch.buffers
    assert made.contacts > TINY.contacts
    assert made.constraints > TINY.constraints


def test_a_cancel_ends_it_before_a_rollout_has_ended(together, rollouts):
    runner, _, _, _ = together
    looks = iter([False, False])
    assert list(runner.run(rollouts[1:], lambda: next(looks, True))) == []


def test_too_little_memory_is_one_line_and_the_next_rollouts_run(together, hurried, alone):
    from dr_grasp.simulation.warp.batch import BatchWorlds

    runner, _, _, _ = together
    [expected], _ = alone([hurried])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BatchWorlds, "_make_room", no_memory)
        with pytest.raises(SettingsError) as refused:
            list(runner.run([hurried]))
    assert str(refused.value) == (
        "engine mujoco-warp: cpu has too little memory for 3 worlds of franka with procedural_000: "
        "Failed to allocate 99 bytes on device 'cpu'"
    )
    assert dict(runner.run([hurried])) == {0: expected}


def test_a_model_that_warp_cannot_have_is_one_line(hurried, monkeypatch):
    from dr_grasp.simulation.warp import batch_worlds

    def refuse(model, batch_sizes):
        raise NotImplementedError("Flexes\nare not.")

    monkeypatch.setattr(batch_worlds.mjw, "put_model", refuse)
    with BatchRunner(1, device="cpu") as runner, pytest.raises(ModelError) as refused:
        list(runner.run([hurried]))
    assert str(refused.value) == (
        "franka with procedural_000: MuJoCo Warp refuses: Flexes are not.; score in engine mujoco"
    )


def no_memory(self, length):
    raise RuntimeError("Failed to allocate 99 bytes on device 'cpu'")


@pytest.mark.parametrize("kind", ["contacts", "constraints"])
def test_more_contacts_than_there_may_be_are_refused(hurried, monkeypatch, kind):
    monkeypatch.setattr(buffers, f"MOST_{kind.upper()}", 7)
    start = replace(Buffers(), **{kind: getattr(TINY, kind)})
    with (
        BatchRunner(1, device="cpu", buffers=start) as runner,
        pytest.raises(SettingsError, match=f"expected at most 7 {kind} in each world, got more"),
    ):
        dict(runner.run([hurried]))
