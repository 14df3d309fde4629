"""Interfaces that `ArmBackend` uses: an arm behind its controllers, and a motion planner."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from dr_grasp.core.arrays import FloatArray
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.trajectory import GraspTrajectory, Waypoints
from dr_grasp.execution.backend import IsCancelled
from dr_grasp.execution.motion_log import MotionLog
from dr_grasp.objects.object_spec import ObjectSpec


@dataclass(frozen=True, slots=True)
class StepResult:
    """How a step of an execution ended; it may also be the end of the whole execution.

    Attributes:
        outcome: Success, or the kind of failure.
        reason: One line of text, with the joint or the pair of links concerned.
    """

    outcome: Outcome
    reason: str

    def during(self, step: str) -> StepResult:
        """Make the same result with the name of a step before the reason."""
        return StepResult(self.outcome, f"{step}: {self.reason}")


class Arm(Protocol):
    """An arm and its hand. Joints have the names of the robot's file.

    Attributes:
        places: Whether `place_object` puts the object on the table, as fake hardware can; for a
            real arm a person does that.
    """

    places: bool

    def positions(self) -> Mapping[str, float]:
        """The latest position of each joint of arm and hand [rad or m].

        Raises:
            BackendError: No joint states come, or some joints are missing in them.
        """

    def efforts(self) -> Mapping[str, float]:
        """The latest effort of each joint that reports efforts [N m or N]."""

    def record(self) -> AbstractContextManager[MotionLog]:
        """Record the positions of arm and driven hand joints while the `with` block lasts."""

    def follow(self, path: Waypoints, is_cancelled: IsCancelled) -> StepResult | None:
        """Move the arm along a path that begins at its present posture, and stop at its end.

        Args:
            path: Waypoints of all arm joints; times count from now.
            is_cancelled: Polled; True stops the arm where it is.

        Returns:
            None if the arm has arrived, else how the motion failed. The arm has stopped then.
        """

    def move_hand(
        self, targets: FloatArray, force: float, timeout_s: float, is_cancelled: IsCancelled
    ) -> StepResult | None:
        """Move the hand to a posture; it is no failure if something stops it on the way.

        Args:
            targets: Target positions of the driven joints, shape (m,) [rad or m].
            force: Largest force or torque of each drive [N or N m].
            timeout_s: Time limit of the motion [s].
            is_cancelled: Polled; True stops the hand.

        Returns:
            None if the hand has come to rest, else how the motion failed.
        """

    def place_object(self, grasp: GraspTrajectory, seed: int, attempt_index: int) -> Pose | None:
        """Put a grasp's object where the grasp expects it, up to an error.

        Args:
            grasp: The grasp, with the object's name and pose.
            seed: Seed of the error of the object's pose.
            attempt_index: Number of the attempt under that seed.

        Returns:
            True pose of the object in the base frame; None if it is not known.

        Raises:
            BackendError: The object could not be put there.
        """


class Planner(Protocol):
    """Plans motions around a table and an object. Joints have the names of the robot's file."""

    def clear_scene(self) -> None:
        """Remove everything but the table from the scene."""

    def set_scene(self, item: ObjectSpec, object_in_base: Pose) -> None:
        """Replace the scene's content by the table and one object.

        Args:
            item: The object.
            object_in_base: Believed pose of the object's mesh frame in the base frame.
        """

    def collision(
        self, path: Waypoints, hand: FloatArray, *, may_touch: bool = False
    ) -> StepResult | None:
        """Find the first posture of a path that collides.

        Args:
            path: Waypoints of all arm joints; postures at most 0.01 rad or m apart are checked.
            hand: Positions of the driven hand joints on the path, shape (m,) [rad or m].
            may_touch: Whether the hand's links may touch the object.

        Returns:
            None if no posture collides, else `IN_COLLISION` with the pair of links.
        """

    def plan(
        self, start: FloatArray, goal: FloatArray, hand: FloatArray, speed: float
    ) -> Waypoints | StepResult:
        """Plan a motion from one posture to another.

        Args:
            start: Positions of the arm joints at the start, shape (n,) [rad or m].
            goal: Positions of the arm joints at the end, shape (n,) [rad or m].
            hand: Positions of the driven hand joints on the way, shape (m,) [rad or m].
            speed: Share of velocity and acceleration limits to use, in (0, 1].

        Returns:
            The motion with its times; `IN_COLLISION` if an end collides; or `PLAN_FAILED`.
        """

    def attach(self, arm: FloatArray, hand: FloatArray) -> None:
        """Attach the object to the hand, at its present pose in the scene.

        Args:
            arm: Present positions of the arm joints, shape (n,) [rad or m].
            hand: Present positions of the driven hand joints, shape (m,) [rad or m].
        """

    def detach(self) -> None:
        """Remove the object from the hand and from the scene, since its pose is now unknown."""

    def close(self) -> None:
        """Release the planner; may be called twice."""
