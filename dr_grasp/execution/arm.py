"""What `ArmBackend` needs of an arm behind its controllers, and of a planner of its motions."""

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
    """How a step of an execution ended, which may be how the whole execution ended.

    Attributes:
        outcome: Which kind of end; of most steps a failure.
        reason: One line, with the joint or the pair of links.
    """

    outcome: Outcome
    reason: str

    def during(self, step: str) -> StepResult:
        """The same with the name of a step before the reason."""
        return StepResult(self.outcome, f"{step}: {self.reason}")


class Arm(Protocol):
    """An arm and its hand. Joints have the names of the robot's file.

    Attributes:
        places: Whether `place_object` puts the object there, as fake hardware does; before a real
            arm people do that.
    """

    places: bool

    def positions(self) -> Mapping[str, float]:
        """The latest position of each joint of arm and hand [rad or m].

        Raises:
            BackendError: Joint states do not come, or not all joints are in them.
        """

    def efforts(self) -> Mapping[str, float]:
        """The latest effort of each joint that reports one [N m or N]."""

    def record(self) -> AbstractContextManager[MotionLog]:
        """Record the positions of arm and driven hand joints while the `with` block lasts."""

    def follow(self, path: Waypoints, is_cancelled: IsCancelled) -> StepResult | None:
        """Move the arm along a path that begins where it stands, and stop at its end.

        Args:
            path: Of all arm joints; times count from now.
            is_cancelled: Polled; True stops the arm where it is.

        Returns:
            None once the arm has arrived, else why not; the arm then stands still.
        """

    def move_hand(
        self, targets: FloatArray, force: float, timeout_s: float, is_cancelled: IsCancelled
    ) -> StepResult | None:
        """Move the hand to a posture; if something stops it on the way, that is no failure.

        Args:
            targets: Shape (m,), driven joints [rad or m].
            force: Largest force or torque of each drive [N or N m].
            timeout_s: How long it may take.
            is_cancelled: Polled; True stops the hand.

        Returns:
            None once the hand has come to rest, else why it did not move as it should.
        """

    def place_object(self, grasp: GraspTrajectory, seed: int, attempt_index: int) -> Pose | None:
        """Put a grasp's object where the grasp expects it.

        Args:
            grasp: The grasp.
            seed: Of the error with which it is put there.
            attempt_index: Number of the attempt under that seed.

        Returns:
            Where the object really stands in the base frame; None if that is not known.

        Raises:
            BackendError: It could not be put there.
        """


class Planner(Protocol):
    """Plans around a table and an object. Joints have the names of the robot's file."""

    def clear_scene(self) -> None:
        """Leave the table in the scene, and nothing else."""

    def set_scene(self, item: ObjectSpec, object_in_base: Pose) -> None:
        """Put the table and one object into the scene, in place of what was there before.

        Args:
            item: The object.
            object_in_base: Where it is believed to stand, its mesh frame in the base frame.
        """

    def collision(
        self, path: Waypoints, hand: FloatArray, *, may_touch: bool = False
    ) -> StepResult | None:
        """Find the first posture of a path that collides.

        Args:
            path: Of all arm joints; every waypoint is checked, and between them every 0.01 rad.
            hand: Shape (m,), driven hand joints meanwhile [rad or m].
            may_touch: Whether the hand's links may touch the object.

        Returns:
            None if no posture collides, else `IN_COLLISION` with the pair of links.
        """

    def plan(
        self, start: FloatArray, goal: FloatArray, hand: FloatArray, speed: float
    ) -> Waypoints | StepResult:
        """Plan a motion from one posture to another.

        Args:
            start: Shape (n,), arm joints where it begins [rad or m].
            goal: Shape (n,), arm joints where it ends [rad or m].
            hand: Shape (m,), driven hand joints meanwhile [rad or m].
            speed: Share of velocity and acceleration limits to use, in (0, 1].

        Returns:
            The motion, timed; or `IN_COLLISION` of start or goal, or `PLAN_FAILED`.
        """

    def attach(self, arm: FloatArray, hand: FloatArray) -> None:
        """Let the object move with the hand from now on, from where it is in the scene.

        Args:
            arm: Shape (n,), where the arm is [rad or m].
            hand: Shape (m,), where the driven hand joints are [rad or m].
        """

    def detach(self) -> None:
        """Take the object out of the hand and of the scene: nobody knows where it fell."""

    def close(self) -> None:
        """Release the planner; may be called twice."""
