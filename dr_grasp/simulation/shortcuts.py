"""Which parts of a rollout are left out because they decide nothing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shortcuts:
    """Each can be switched; none changes what is asked, all change rounding.

    Attributes:
        late_entry: The way through free air is not simulated: the rollout is entered shortly before
            the robot can meet anything, as the arm moves there, with the object as it has come to
            rest by then.
        early_end: A rollout ends when the object is lost, or rests in the hand that holds it.
    """

    late_entry: bool = True
    early_end: bool = True

    @classmethod
    def none(cls) -> Shortcuts:
        """Every step from the first to the last."""
        return cls(late_entry=False, early_end=False)


ALL = Shortcuts()
"""What scoring leaves out."""
