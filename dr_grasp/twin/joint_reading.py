"""What the drives and encoders of joints say at one time."""

from __future__ import annotations

from dataclasses import dataclass

from dr_grasp.core.arrays import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What the drives and encoders of k joints say.

    Attributes:
        stamp_s: The twin's time, which began with it.
        joints: Names.
        positions: Shape (k,) [rad or m].
        velocities: Shape (k,), those of the hand over a short while [rad/s or m/s].
        efforts: Shape (k,), beyond what carries the robot's own weight [N m or N].
    """

    stamp_s: float
    joints: tuple[str, ...]
    positions: FloatArray
    velocities: FloatArray
    efforts: FloatArray

    def part(self, which: slice) -> Reading:
        """The same of some of the joints."""
        return Reading(
            self.stamp_s,
            self.joints[which],
            self.positions[which],
            self.velocities[which],
            self.efforts[which],
        )
