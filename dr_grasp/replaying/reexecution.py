"""Executes recorded attempts again on the twin, with the recorded seed of its errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from dr_grasp.core.attempt import GraspAttempt
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.waypoints import Waypoints
from dr_grasp.errors import DrGraspError
from dr_grasp.replaying.checks import Check, Verdict, likely_reason
from dr_grasp.workers.pool import Pool

TWIN = "twin"


def reexecute(
    attempts: Sequence[GraspAttempt], pool: Pool, is_cancelled: Callable[[], bool]
) -> Iterator[Check]:
    """Execute attempts again and compare outcome and motion.

    Args:
        attempts: As recorded; only the twin's can be repeated.
        pool: Workers; not closed.
        is_cancelled: Polled; True ends the work.

    Raises:
        WorkerError: Workers died again and again without finishing anything.
    """
    repeatable = []
    for attempt in attempts:
        reason = _unrepeatable(attempt)
        if reason:
            subject = f"attempt {attempt.attempt_id}"
            yield Check(subject, "outcome", Verdict.SKIPPED, attempt.outcome.label, "", reason)
        else:
            repeatable.append(attempt)
    for done in pool.run(execute_again, repeatable, is_cancelled):
        if done is not None:
            yield from compare_attempts(*done)


def _unrepeatable(attempt: GraspAttempt) -> str:
    if attempt.backend != TWIN:
        return f"made by {attempt.backend}, which does not repeat itself"
    if attempt.outcome is Outcome.CANCELLED:
        return "cancelled, at a moment that nobody knows"
    return ""


def execute_again(attempt: GraspAttempt) -> GraspAttempt | str:
    """One attempt anew; a line where it cannot be made any more. Runs in a worker."""
    from dr_grasp.robots.robot_spec import load_robot
    from dr_grasp.twin.twin_backend import TwinBackend
    from dr_grasp.twin.twin_profile import load_twin_profile

    # Bags of before 0.3.0 do not say which profile; nearly always it was this one.
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
    """Compare two attempts of one seed and number; a line in place of one that was refused."""
    subject = f"attempt {recorded.attempt_id}"
    if isinstance(again, str):
        yield Check(subject, "outcome", Verdict.DIFFERS, recorded.outcome.label, "refused", again)
        return
    reason = likely_reason(
        recorded.models, recorded.software_version, again.models, again.software_version
    )
    yield Check.of(subject, "outcome", recorded.outcome.label, again.outcome.label, reason)
    yield Check.of(
        subject, "motion", "as recorded", motion(recorded.measured, again.measured), reason
    )


def motion(recorded: Waypoints | None, again: Waypoints | None) -> str:
    """How the joints moved, against how they moved before: "as recorded", or what differs."""
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
