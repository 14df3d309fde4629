"""The nominal scene: a robot, a table, an object. Frames: everything in the robot's base frame."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """A box whose top the object stands on.

    Attributes:
        center_xy: Centre of the top in the base frame [m].
        size: Length along x, length along y, thickness [m].
        top_z: Height of the top in the base frame [m].
    """

    center_xy: tuple[float, float]
    size: tuple[float, float, float]
    top_z: float
