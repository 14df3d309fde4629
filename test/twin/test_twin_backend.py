from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from dr_grasp.core.attempt import GraspAttempt
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import (
    BackendError,
    DrGraspError,
    InvalidGraspError,
    SettingsError,
    UnknownNameError,
)
from dr_grasp.execution.backend import Backend
from dr_grasp.objects.object_spec import load_object
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.twin.engine import TwinEngine
from dr_grasp.twin.twin_backend import TwinBackend
from dr_grasp.twin.twin_profile import TwinProfile, load_twin_profile

MakeGrasp = Callable[..., GraspTrajectory]
MakeProfile = Callable[..., TwinProfile]
Run = Callable[..., GraspAttempt]


def with_force(grasp: GraspTrajectory, force: float) -> GraspTrajectory:
    return replace(grasp, close=replace(grasp.close, force=force))


def told(attempt: GraspAttempt) -> tuple[object, ...]:
    """All that must be the same when an attempt is repeated."""
    assert attempt.attempt_id
    return (
        attempt.outcome,
        attempt.reason,
        attempt.commanded,
        attempt.measured,
        attempt.gripper_opening,
        attempt.object_before,
        attempt.object_after,
    )


class Counter:
    """Cancels at the n-th question."""

    def __init__(self, cancel_at: int | None = None) -> None:
        self.asked = 0
        self.cancel_at = cancel_at

    def __call__(self) -> bool:
        self.asked += 1
        return self.cancel_at is not None and self.asked >= self.cancel_at


@pytest.mark.parametrize("name", ["default", "sapien"])
def test_an_attempt_depends_on_its_seed_and_index_alone(
    run: Run, franka: RobotSpec, top_down: MakeGrasp, name: str
) -> None:
    profile, grasp = load_twin_profile(name), top_down()
    pytest.importorskip(profile.engine.value)
    other = top_down(load_object("mug"), tcp_offset=(-0.039, 0.0), tcp_height=0.085)
    alone = run(profile, grasp, seed=7, attempt_index=3)
    with TwinBackend(franka, profile) as twin:
        first = twin.attempt(grasp, None, seed=7, attempt_index=0)
        twin.attempt(with_force(grasp, 1.0), None, seed=1, attempt_index=1)
        twin.attempt(other, None, seed=7, attempt_index=2)
        twin.attempt(grasp, None, seed=7, attempt_index=4, is_cancelled=Counter(60))
        later = twin.attempt(grasp, None, seed=7, attempt_index=3)
    assert told(later) == told(alone)
    assert later.backend_engine == profile.engine.value
    assert later.software_version.endswith(f", {profile.engine.version}")
    assert ("twin_engine" in later.models) is (profile.engine is not TwinEngine.MUJOCO)
    assert later.attempt_id != alone.attempt_id
    assert told(first) != told(later)
    assert told(run(profile, grasp, seed=8, attempt_index=3)) != told(alone)


def test_the_record_has_a_sample_every_20_ms(
    run: Run, franka: RobotSpec, profile: MakeProfile, top_down: MakeGrasp
) -> None:
    grasp = top_down()
    attempt = run(profile(), grasp)
    for record in (attempt.commanded, attempt.measured):
        assert record.joints == (*franka.arm_joints, *franka.hand_joints)
        assert record.times_s[0] == 0.0
        assert record.times_s[-1] == pytest.approx(grasp.duration_s, abs=0.01)
        assert np.diff(record.times_s).max() < 0.0201
    assert attempt.commanded.at([0.4])[0, :7] == pytest.approx(grasp.approach.at([0.4])[0])
    assert np.abs(attempt.commanded.positions - attempt.measured.positions)[:, :7].max() < 0.02


def test_phases_and_joint_states_are_told(
    franka: RobotSpec, profile: MakeProfile, top_down: MakeGrasp
) -> None:
    phases: list[str] = []
    states: list[tuple[float, tuple[str, ...], np.ndarray]] = []
    with TwinBackend(
        franka, profile(), on_joint_states=lambda *state: states.append(state)
    ) as twin:
        attempt = twin.attempt(top_down(), None, seed=0, attempt_index=0, on_phase=phases.append)
    assert phases == ["prepare", "approach", "close", "lift", "hold"]
    assert [time_s for time_s, _, _ in states] == attempt.measured.times_s.tolist()
    assert {names for _, names, _ in states} == {
        (*franka.arm_joints, "panda_finger_joint1", "panda_finger_joint2")
    }
    positions = np.array([positions for _, _, positions in states])
    assert np.array_equal(positions[:, :8], attempt.measured.positions)


def test_cancel_stops_the_arm(run: Run, profile: MakeProfile, top_down: MakeGrasp) -> None:
    patient, hurried = Counter(), Counter(40)
    grasp = top_down()
    run(profile(), grasp, is_cancelled=patient)
    assert patient.asked > grasp.duration_s / 0.05
    attempt = run(profile(), grasp, is_cancelled=hurried)
    assert attempt.outcome is Outcome.CANCELLED
    assert attempt.reason == "cancelled"
    assert hurried.asked == 40
    assert 0 < attempt.measured.duration_s < 0.8


def test_cancelled_before_it_moves(run: Run, profile: MakeProfile, top_down: MakeGrasp) -> None:
    attempt = run(profile(), top_down(), is_cancelled=lambda: True)
    assert attempt.outcome is Outcome.CANCELLED
    assert attempt.measured is None


def test_a_dry_run_moves_nothing(run: Run, profile: MakeProfile, top_down: MakeGrasp) -> None:
    phases: list[str] = []
    attempt = run(profile(), top_down(), dry_run=True, on_phase=phases.append)
    assert attempt.outcome is Outcome.UNKNOWN
    assert attempt.reason == "dry run"
    assert attempt.commanded is None
    assert attempt.measured is None
    assert attempt.gripper_opening is None
    assert phases == ["prepare"]


def test_real_time_keeps_pace_with_the_clock(
    franka: RobotSpec, profile: MakeProfile, top_down: MakeGrasp
) -> None:
    with TwinBackend(franka, profile(), real_time=True) as twin:
        began = time.monotonic()
        attempt = twin.attempt(top_down(), None, seed=0, attempt_index=0, is_cancelled=Counter(40))
        took = time.monotonic() - began
    assert attempt.measured.duration_s > 0.4
    assert took >= attempt.measured.duration_s - 0.02


def bend(grasp: GraspTrajectory, **changes: object) -> GraspTrajectory:
    return replace(grasp, id="g", **changes)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"robot": "ur5"}, InvalidGraspError, "grasp g: robot: expected franka, got ur5"),
        ({"object": "teapot"}, UnknownNameError, "unknown object 'teapot'; expected one of .*mug"),
    ],
)
def test_a_grasp_that_does_not_fit_is_refused(
    run: Run,
    profile: MakeProfile,
    top_down: MakeGrasp,
    changes: dict[str, object],
    error: type[DrGraspError],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        run(profile(), bend(top_down(), **changes))


def test_a_grasp_beyond_the_limits_is_refused(
    run: Run, profile: MakeProfile, top_down: MakeGrasp
) -> None:
    grasp = top_down()
    positions = grasp.approach.positions.copy()
    positions[1, 3] = 0.5
    beyond = bend(grasp, approach=replace(grasp.approach, positions=positions))
    with pytest.raises(
        InvalidGraspError, match=r"approach positions: expected panda_joint4 within"
    ):
        run(profile(), beyond)


@pytest.mark.parametrize(
    ("seed", "index", "message"),
    [(-1, 0, "seed: expected 0 to .*, got -1"), (0, -2, "attempt index: expected 0 to .*, got -2")],
)
def test_a_seed_out_of_bounds_is_refused(
    run: Run, profile: MakeProfile, top_down: MakeGrasp, seed: int, index: int, message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        run(profile(), top_down(), seed=seed, attempt_index=index)


def test_a_closed_twin_refuses(
    franka: RobotSpec, profile: MakeProfile, top_down: MakeGrasp
) -> None:
    twin: Backend = TwinBackend(franka, profile())
    twin.close()
    twin.close()
    with pytest.raises(BackendError, match="twin: expected an open backend, got a closed one"):
        twin.attempt(top_down(), None, seed=0, attempt_index=0)
