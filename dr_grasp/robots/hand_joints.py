"""All joints of a hand, and which driven joint each of them follows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.robots.robot_spec import RobotSpec


@dataclass(frozen=True, slots=True, eq=False)
class HandJoints:
    """The h joints of a hand: first the m driven joints, then those that mimic them.

    Attributes:
        names: Names of the joints.
        sources: For each joint, the index of the driven joint that it follows; its own if driven.
        multipliers: Shape (h,), factors of the mimic tags; 1 for driven joints.
        offsets: Shape (h,), offsets of the mimic tags [rad or m]; 0 for driven joints.
        velocities: Shape (h,), largest speed of each joint [rad/s or m/s].
    """

    names: tuple[str, ...]
    sources: tuple[int, ...]
    multipliers: FloatArray
    offsets: FloatArray
    velocities: FloatArray

    @classmethod
    def of(cls, robot: RobotSpec) -> HandJoints:
        """The joints of a robot's hand."""
        driven, mimics = robot.hand_joints, robot.model.mimics
        sources = (*range(len(driven)), *(driven.index(mimic.follows) for mimic in mimics))
        multipliers = frozen([1.0] * len(driven) + [mimic.multiplier for mimic in mimics])
        return cls(
            names=(*driven, *(mimic.joint for mimic in mimics)),
            sources=sources,
            multipliers=multipliers,
            offsets=frozen([0.0] * len(driven) + [mimic.offset for mimic in mimics]),
            velocities=frozen(np.abs(multipliers) * robot.hand_velocities[list(sources)]),
        )

    def positions(self, driven: FloatArray) -> FloatArray:
        """Positions of all joints, shape (h,), from those of the driven, (m,) [rad or m]."""
        return frozen(self.multipliers * driven[list(self.sources)] + self.offsets)
