"""What a method of generation proposes, before anybody knows whether the arm can do it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dr_grasp.core.geometry import Pose


@dataclass(frozen=True, slots=True)
class Proposal:
    """Where and how to grip an object.

    Attributes:
        index: Number of the proposal in its run, from 0.
        grip_in_object: The grip frame (see `Synergy.grip_in_tcp`) in the object's frame when the
            hand begins to close.
        synergy: Name of the way to close.
        opening: How far the hand is open before: 1 fully, 0 closed.
        name: What the grasp will be called in its run; the index if empty.
        provenance: What the grasp's provenance says besides method, seed and index.
    """

    index: int
    grip_in_object: Pose
    synergy: str
    opening: float = 1.0
    name: str = ""
    provenance: Mapping[str, str] = field(default_factory=dict)
