"""Finds out whether a hand holds something, from its joints: most arms have no other sensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dr_grasp.core.arrays import FloatArray

EFFORT_LEFT = 0.25
"""A hand has lost the object if its effort falls below this share of the effort after closing: a
slip changes the effort by less, and an empty hand has only friction left."""


class Grip:
    """Finds out whether a closed hand holds something, from joint positions and efforts."""

    def __init__(self, joints: Sequence[str], targets: FloatArray, margin: float) -> None:
        """Prepare for a hand that closes.

        Args:
            joints: Names of the m driven joints.
            targets: Commanded positions of the closed hand, shape (m,) [rad or m].
            margin: If all joints come nearer than this to their targets, nothing is between the
                fingers [rad or m].
        """
        self._targets = dict(zip(joints, targets.tolist(), strict=True))
        self._margin = margin
        self._pressed = 0.0

    def closed(self, positions: Mapping[str, float], efforts: Mapping[str, float]) -> str | None:
        """Check the hand when it has closed, and remember its effort.

        Args:
            positions: Position of each hand joint; other joints are ignored [rad or m].
            efforts: Effort of each joint that reports efforts [N or N m].

        Returns:
            None if the hand holds something, else one line on why it does not.
        """
        self._pressed = self._effort(efforts)
        return self._empty(positions)

    def presses(self, efforts: Mapping[str, float], force: float) -> bool:
        """Whether the hand's effort is above a quarter of the commanded force [N or N m]."""
        return self._effort(efforts) > EFFORT_LEFT * force

    def lost(self, positions: Mapping[str, float], efforts: Mapping[str, float]) -> str | None:
        """Check the hand again after `closed`, with the same arguments and result."""
        now = self._effort(efforts)
        # Some grippers report no effort, or zero for ever.
        if now < EFFORT_LEFT * self._pressed:
            return f"the hand's effort fell from {self._pressed:.3g} to {now:.3g} (N or N m)"
        return self._empty(positions)

    def _effort(self, efforts: Mapping[str, float]) -> float:
        return sum(abs(efforts.get(joint, 0.0)) for joint in self._targets)

    def _empty(self, positions: Mapping[str, float]) -> str | None:
        left = {joint: abs(positions[joint] - aim) for joint, aim in self._targets.items()}
        joint = max(left, key=left.__getitem__)
        if left[joint] >= self._margin:
            return None
        return (
            f"the hand closed on nothing: {joint}, the farthest from its target, "
            f"is {left[joint]:.3g} from it"
        )
