"""Whether a hand holds something, from what its own joints say; an arm has no better witness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dr_grasp.core.arrays import FloatArray

EFFORT_LEFT = 0.25
"""A hand that presses with less than this share of what it pressed with after closing has lost what
it held: a slip changes the force by less, an empty hand keeps only friction."""


class Grip:
    """Watches a hand from when it has closed."""

    def __init__(self, joints: Sequence[str], targets: FloatArray, margin: float) -> None:
        """Begin before it has closed.

        Args:
            joints: The driven joints, m of them.
            targets: Shape (m,), where they were told to close to [rad or m].
            margin: Where all of them come closer than this, nothing is between the fingers.
        """
        self._targets = dict(zip(joints, targets.tolist(), strict=True))
        self._margin = margin
        self._pressed = 0.0

    def closed(self, positions: Mapping[str, float], efforts: Mapping[str, float]) -> str | None:
        """Look once the hand has closed.

        Args:
            positions: Of the hand's joints at least [rad or m].
            efforts: Of those that report any [N or N m].

        Returns:
            None if it holds something, else why not.
        """
        self._pressed = self._effort(efforts)
        return self._empty(positions)

    def presses(self, efforts: Mapping[str, float], force: float) -> bool:
        """Whether the hand tells of a good part of the force it was told [N or N m]."""
        return self._effort(efforts) > EFFORT_LEFT * force

    def lost(self, positions: Mapping[str, float], efforts: Mapping[str, float]) -> str | None:
        """Look later; None if it still holds something, else why not."""
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
