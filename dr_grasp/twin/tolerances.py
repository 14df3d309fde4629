"""How far joints may be from a trajectory: ros2_controllers' tolerances.hpp."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.errors import InvalidGraspError

ERASED = -1.0
"""What takes a tolerance away in a goal (control_msgs/msg/JointTolerance.msg)."""

_EPSILON = float(np.finfo(np.float32).eps)


@dataclass(frozen=True, slots=True, eq=False)
class Tolerances:
    """Tolerances of positions; 0 is none.

    Those of velocities count with controllers that command velocities or efforts alone; ours
    command positions.

    Attributes:
        joints: Names, n of them.
        path: Shape (n,), while moving [rad or m].
        goal: Shape (n,), at the end [rad or m].
        goal_time_s: How long after the end they must be within `goal`; 0 is for ever.
    """

    joints: tuple[str, ...]
    path: FloatArray
    goal: FloatArray
    goal_time_s: float

    @classmethod
    def of(
        cls, joints: Sequence[str], path: float = 0.0, goal: float = 0.0, goal_time_s: float = 0.0
    ) -> Tolerances:
        """The same for each joint; nothing is enforced by default, as in ros2_controllers."""
        each = np.ones(len(joints))
        return cls(tuple(joints), frozen(path * each), frozen(goal * each), goal_time_s)

    def changed(
        self, path: Mapping[str, float], goal: Mapping[str, float], goal_time_s: float
    ) -> Tolerances:
        """What a goal makes of these defaults: 0 keeps one, -1 takes it away.

        Args:
            path: By joint, where the goal says anything.
            goal: Likewise.
            goal_time_s: Of the goal.

        Raises:
            InvalidGraspError: An unknown joint or another negative number. The controller says so
                and goes by its defaults altogether.
        """
        return Tolerances(
            self.joints,
            self._changed("path_tolerance", self.path, path),
            self._changed("goal_tolerance", self.goal, goal),
            _resolved("goal_time_tolerance", self.goal_time_s, goal_time_s),
        )

    def _changed(self, name: str, default: FloatArray, wanted: Mapping[str, float]) -> FloatArray:
        values = default.copy()
        for joint, value in wanted.items():
            if joint not in self.joints:
                raise InvalidGraspError(
                    f"{name}: expected {', '.join(self.joints)}, got {joint or 'an empty name'}"
                )
            index = self.joints.index(joint)
            values[index] = _resolved(f"{name} of {joint}", float(default[index]), value)
        return frozen(values)

    def path_violation(self, error: FloatArray) -> str | None:
        """What is outside of the path's tolerances; None if nothing is.

        Args:
            error: Shape (n,), desired minus measured positions [rad or m].
        """
        return self._violation(error, self.path)

    def goal_violation(self, error: FloatArray) -> str | None:
        """What is outside of the goal's tolerances; None if nothing is."""
        return self._violation(error, self.goal)

    def _violation(self, error: FloatArray, allowed: FloatArray) -> str | None:
        outside = (allowed > 0.0) & (np.abs(error) > allowed)
        if not outside.any():
            return None
        index = int(np.argmax(np.where(outside, np.abs(error), -1.0)))
        return (
            f"{self.joints[index]}: position error {error[index]:.4g}, tolerance {allowed[index]:g}"
        )


def _resolved(name: str, default: float, wanted: float) -> float:
    if wanted > 0.0:
        return wanted
    if abs(wanted - ERASED) < _EPSILON:
        return 0.0
    if wanted < 0.0:
        raise InvalidGraspError(f"{name}: expected more than 0, 0 or -1, got {wanted:g}")
    return default
