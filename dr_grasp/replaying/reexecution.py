"""Executes recorded attempts again on the twin, with the recorded seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from dr_grasp.core.attempt import TWIN, GraspAttempt
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.trajectory import Waypoints
from dr_grasp.errors import DrGraspError
from dr_grasp.replaying.checks import Check, Verdict, likely_reason
from dr_grasp.twin.engine import TwinEngine
from dr_grasp.workers.pool import Pool


def reexecute(
    attempts: Sequence[GraspAttempt], pool: Pool, is_cancelled: Callable[[], bool]
) -> Iterator[Check]:
    """Execute attempts again and compare outcome and motion.

    What cannot be repeated, or not here, is skipped.

    Args:
        attempts: Recorded attempts; only attempts of the twin can be repeated.
        pool: Workers; the pool stays open.
        is_cancelled: Polled; True ends the work.

    Yields:
        Checks of the attempts' outcomes and motions.

    Raises:
        WorkerError: Workers died again and again without finishing anything.
    """
    repeatable = []
    for attempt in attempts:
        reason = _why_not(attempt)
        if not reason:
            repeatable.append(attempt)
            continue
        subject, outcome = f"attempt {attempt.attempt_id}", attempt.outcome.label
        yield Check(subject, "outcome", Verdict.SKIPPED, outcome, "", reason)
    for done in pool.run(execute_again, repeatable, is_cancelled):
        if done is not None:
            yield from compare_attempts(*done)


def _why_not(attempt: GraspAttempt) -> str:
    """Say in one line why an attempt cannot be repeated here; empty if it can."""
    if attempt.backend != TWIN:
        return f"made by {attempt.backend}, which does not repeat itself"
    if attempt.outcome is Outcome.CANCELLED:
        return "cancelled, at a moment that is not recorded"
    try:
        # Bags that name no engine are of versions whose twin was always in MuJoCo.
        TwinEngine.from_name(attempt.backend_engine or TwinEngine.MUJOCO.value).check_available()
    except DrGraspError as error:
        return str(error)
    return ""


def execute_again(attempt: GraspAttempt) -> GraspAttempt | str:
    """Repeat an attempt in a worker; or return one line on why that is no longer possible."""
    from dr_grasp.robots.robot_spec import load_robot
    from dr_grasp.twin.twin_backend import TwinBackend
    from dr_grasp.twin.twin_profile import load_twin_profile

    # Bags before version 0.3.0 do not name the profile, which was nearly always the default.
    name = attempt.backend_profile or "default"
    try:
        robot, profile = load_robot(attempt.robot), load_twin_profile(name)
        with TwinBackend(robot, profile, profile_name=name) as twin:
            return twin.attempt(
                attempt.grasp,
                attempt.score,
                seed=attempt.seed,
                attempt_index=attempt.attempt_index,
            )
    except DrGraspError as error:
        return str(error)


def compare_attempts(recorded: GraspAttempt, again: GraspAttempt | str) -> Iterator[Check]:
    """Compare a recorded attempt with its repetition, in outcome and motion.

    Args:
        recorded: Attempt in the bag.
        again: The repetition; or one line on why it was refused.
    """
    subject = f"attempt {recorded.attempt_id}"
    if isinstance(again, str):
        yield Check(subject, "outcome", Verdict.DIFFERS, recorded.outcome.label, "refused", again)
        return
    reason = likely_reason(
        recorded.models, recorded.software_version, again.models, again.software_version
    )
    outcomes = recorded.outcome.label, again.outcome.label
    if recorded.outcome != again.outcome:
        outcomes = f"{outcomes[0]}: {recorded.reason}", f"{outcomes[1]}: {again.reason}"
    yield Check.of(subject, "outcome", *outcomes, reason)
    yield Check.of(
        subject, "motion", "as recorded", motion(recorded.measured, again.measured), reason
    )


def motion(recorded: Waypoints | None, again: Waypoints | None) -> str:
    """Describe the first or largest difference of two motions; "as recorded" if they are equal."""
    if recorded is None or again is None:
        return "as recorded" if recorded is again else "moved in one of the two only"
    if recorded.joints != again.joints:
        return f"joints {', '.join(again.joints)}, expected {', '.join(recorded.joints)}"
    if len(recorded.times_s) != len(again.times_s):
        return f"{len(again.times_s)} joint states, expected {len(recorded.times_s)}"
    if late := float(np.abs(recorded.times_s - again.times_s).max()):
        return f"joint states up to {late:.3g} s off"
    off = np.abs(recorded.positions - again.positions)
    if not off.any():
        return "as recorded"
    row, column = np.unravel_index(int(off.argmax()), off.shape)
    return (
        f"{recorded.joints[column]} is {off[row, column]:.3g} (rad or m) off "
        f"at {recorded.times_s[row]:.2f} s"
    )
