"""What executes a grasp: the twin, an arm that MoveIt plans for, or one of them in a ROS node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from dr_grasp.core.fitness import GraspScore
from dr_grasp.core.trajectory import GraspTrajectory

OnPhase = Callable[[str], None]
"""Told "prepare", "approach", "close", "lift", "hold" as each begins."""

IsCancelled = Callable[[], bool]
"""Polled at least every 50 ms of motion; True stops the arm where it is."""


def ignore_phase(phase: str) -> None:
    """Does nothing, for callers that do not need to know the phase."""


def never_cancelled() -> bool:
    """Says no, for callers that do not cancel."""
    return False


AttemptT_co = TypeVar("AttemptT_co", covariant=True)
"""A `GraspAttempt`, or the message of one where it only passes through."""


class Backend(Protocol[AttemptT_co]):
    """Executes grasps, one at a time."""

    name: str

    def attempt(
        self,
        grasp: GraspTrajectory,
        score: GraspScore | None,
        *,
        seed: int,
        attempt_index: int,
        dry_run: bool = False,
        on_phase: OnPhase = ignore_phase,
        is_cancelled: IsCancelled = never_cancelled,
    ) -> AttemptT_co:
        """Execute one grasp to its end.

        A grasp that is lost, refused by the controller or cancelled is an outcome of the attempt.

        Args:
            grasp: What to execute; checked against the robot already.
            score: The grasp's, recorded with the attempt.
            seed: Seed of the backend's own noise, if it has any.
            attempt_index: Number of this attempt under that seed.
            dry_run: Do everything but move.
            on_phase: Told each phase as it begins.
            is_cancelled: Asked while moving.

        Raises:
            BackendError: The hardware or its driver cannot be reached.
            DrGraspError: The grasp does not fit what stands behind this backend.
        """

    def close(self) -> None:
        """Release the hardware; may be called twice."""
