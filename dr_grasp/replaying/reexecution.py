"""Executes recorded attempts again on the twin, with the recorded seed of its errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from dr_grasp.core.attempt import GraspAttempt
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.trajectory import Waypoints
from dr_grasp.errors import DrGraspError
from dr_grasp.replaying.checks import Check, Verdict, likely_reason
from dr_grasp.workers.pool import Pool

TWIN = "twin"


def reexecute(
    attempts: Sequence[GraspAttempt], pool: Pool, is_cancelled: Callable[[], bool]
) -> Iterator[Check]:
    """Execute attempts again and compare outcome and motion.

    Args:
        attempts: Attempts as recorded; only the twin's can be repeated.
        pool: Workers; not closed.
        is_cancelled: Polled; True ends the work.

    Raises:
        WorkerError: Workers died again and again without finishing anything.
    """
    repeatable = []
    for attempt in attempts:
        if attempt.backend != TWIN:
            reason = f"made by {attempt.backend}, which does not repeat itself"
        elif attempt.outcome is Outcome.CANCELLED:
            reason = "cancelled, at a moment that nobody knows"
        else:
            repeatable.append(attempt)
            continue
        subject, outcome = f"attempt {attempt.attempt_id}", attempt.outcome.label
        yield Check(subject, "outcome", Verdict.SKIPPED, outcome, "", reason)
    for done in pool.run(execute_again, repeatable, is_cancelled):
        if done is not None:
            yield from compare_attempts(*done)


def execute_again(attempt: GraspAttempt) -> GraspAttempt | str:
    """Make an attempt anew, in a worker; or say in one line why that is no longer possible."""
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
    """Compare two attempts of one seed and number.

    Args:
        recorded: Attempt in the bag.
        again: Attempt that was made now, or why it was refused, in one line.
    """
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
    """Say in what the joints moved otherwise than before, or "as recorded"."""
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
