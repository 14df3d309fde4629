"""What finds ways for an arm and knows what it would hit; MoveIt is one."""

from __future__ import annotations

from typing import Protocol

from dr_grasp.core.arrays import FloatArray
from dr_grasp.core.geometry import Pose
from dr_grasp.core.waypoints import Waypoints
from dr_grasp.execution.arm import StepResult
from dr_grasp.objects.object_spec import ObjectSpec


class Planner(Protocol):
    """Plans around a table and an object. Joints have the names of the robot's file."""

    def clear_scene(self) -> None:
        """Have the table in the scene, and nothing else."""
        raise NotImplementedError

    def set_scene(self, item: ObjectSpec, object_in_base: Pose) -> None:
        """Put the table and one object into the scene, in place of what was there before.

        Args:
            item: The object.
            object_in_base: Where it is believed to stand.
        """
        raise NotImplementedError

    def collision(
        self, path: Waypoints, hand: FloatArray, *, may_touch: bool = False
    ) -> StepResult | None:
        """The first posture of a path that collides.

        Args:
            path: Of all arm joints; every waypoint is checked, and between them every 0.01 rad.
            hand: Shape (m,), driven hand joints meanwhile [rad or m].
            may_touch: Whether the hand's links may touch the object.

        Returns:
            None if there is none, else `IN_COLLISION` with the pair of links.
        """
        raise NotImplementedError

    def plan(
        self, start: FloatArray, goal: FloatArray, hand: FloatArray, speed: float
    ) -> Waypoints | StepResult:
        """Find a way.

        Args:
            start: Shape (n,), arm joints where it begins [rad or m].
            goal: Shape (n,), where it ends.
            hand: Shape (m,), driven hand joints meanwhile.
            speed: Share of velocity and acceleration limits to use, in (0, 1].

        Returns:
            The way, timed; or `IN_COLLISION` of start or goal, or `PLAN_FAILED`.
        """
        raise NotImplementedError

    def attach(self, arm: FloatArray, hand: FloatArray) -> None:
        """From now on the object moves with the hand, which holds it where the scene has it.

        Args:
            arm: Shape (n,), where the arm is [rad or m].
            hand: Shape (m,), where the driven hand joints are.
        """
        raise NotImplementedError

    def detach(self) -> None:
        """The object is held no longer, and taken out of the scene: nobody knows where it fell."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of the planner; may be called twice."""
        raise NotImplementedError
