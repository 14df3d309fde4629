"""The joints of an arm behind its controllers, as a backend that plans for itself needs them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from dr_grasp.core.arrays import FloatArray
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.core.waypoints import Waypoints
from dr_grasp.execution.backend import IsCancelled


@dataclass(frozen=True, slots=True)
class StepResult:
    """Why a motion did not come about, or not to its end.

    Attributes:
        outcome: Which kind.
        reason: One line, with the joint or the pair of links.
    """

    outcome: Outcome
    reason: str


class Recording(Protocol):
    """What joints did while it ran."""

    def measured(self) -> Waypoints | None:
        """Positions of arm and driven hand joints, seconds from its start; None if none came."""
        raise NotImplementedError


class Arm(Protocol):
    """An arm and its hand. Joints have the names of the robot's file.

    Attributes:
        places: Whether `place_object` has the object put there, as fake hardware does; in front of
            a real arm people do that.
    """

    places: bool

    def positions(self) -> Mapping[str, float]:
        """The latest position of each joint of arm and hand [rad or m].

        Raises:
            BackendError: Joint states do not come, or not all joints are in them.
        """
        raise NotImplementedError

    def efforts(self) -> Mapping[str, float]:
        """The latest effort of each joint that reports one [N m or N]."""
        raise NotImplementedError

    def record(self) -> AbstractContextManager[Recording]:
        """Note joint states as long as the `with` block lasts."""
        raise NotImplementedError

    def follow(self, path: Waypoints, is_cancelled: IsCancelled) -> StepResult | None:
        """Move the arm along a path that begins where it stands, and stop at its end.

        Args:
            path: Of all arm joints; times count from now.
            is_cancelled: Polled; True stops the arm where it is.

        Returns:
            None once the arm has arrived, else why not; the arm then stands still.
        """
        raise NotImplementedError

    def move_hand(
        self, targets: FloatArray, force: float, timeout_s: float, is_cancelled: IsCancelled
    ) -> StepResult | None:
        """Have the hand go to a posture; that something stops it on the way is no fault.

        Args:
            targets: Shape (m,), driven joints [rad or m].
            force: Largest force or torque of each drive [N or N m].
            timeout_s: How long it may take.
            is_cancelled: Polled; True stops the hand.
        """
        raise NotImplementedError

    def place_object(self, grasp: GraspTrajectory, seed: int, attempt_index: int) -> Pose | None:
        """Have a grasp's object put where the grasp believes it.

        Returns:
            Where it really stands in the base frame, if anybody knows.

        Raises:
            BackendError: It could not be put there.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Let go of the controllers; may be called twice."""
        raise NotImplementedError
