"""Interface of all that executes grasps: the twin, an arm with MoveIt, or a ROS node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from dr_grasp.core.attempt import GraspAttempt
from dr_grasp.core.fitness import GraspScore
from dr_grasp.core.trajectory import GraspTrajectory

OnPhase = Callable[[str], None]
"""Called with "prepare", "approach", "close", "lift" or "hold" as that phase begins."""

IsCancelled = Callable[[], bool]
"""Polled at least every 50 ms of motion; True stops the arm where it is."""


OnBegin = Callable[[GraspAttempt], None]
"""Called with an attempt as known before anything moves; if it raises an error, nothing moves."""


def ignore_phase(phase: str) -> None:
    """Do nothing; for callers that do not need the phase."""


def ignore_begin(attempt: GraspAttempt) -> None:
    """Do nothing; for callers that keep no record of what begins."""


def never_cancelled() -> bool:
    """Return False; for callers that never cancel."""
    return False


class Backend(Protocol):
    """Executes grasps, one at a time; attempts record the backend's name."""

    name: str

    def attempt(
        self,
        grasp: GraspTrajectory,
        score: GraspScore | None,
        *,
        seed: int,
        attempt_index: int,
        dry_run: bool = False,
        on_begin: OnBegin = ignore_begin,
        on_phase: OnPhase = ignore_phase,
        is_cancelled: IsCancelled = never_cancelled,
    ) -> GraspAttempt:
        """Execute one grasp to its end.

        A grasp that is lost, refused by the controller or cancelled is an outcome of the attempt.

        Args:
            grasp: The grasp to execute.
            score: Score of the grasp, which the attempt records; None if there is none.
            seed: Seed of the backend's errors, such as the object's pose on the twin.
            attempt_index: Number of this attempt under that seed.
            dry_run: Whether to do everything but move.
            on_begin: Called before anything moves, not in a dry run; its errors end the attempt.
            on_phase: Called with the name of each phase as it begins.
            is_cancelled: Polled during motions; True ends the attempt.

        Raises:
            BackendError: The hardware or its driver cannot be reached.
            DrGraspError: The grasp does not fit the backend's robot, or its object is not known.
        """

    def close(self) -> None:
        """Release the hardware; may be called twice."""
