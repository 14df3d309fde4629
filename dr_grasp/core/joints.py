"""Bounds of joints: their names, and their positions."""

from __future__ import annotations

from collections import Counter

import numpy as np

from dr_grasp.core.arrays import FloatArray, check_finite
from dr_grasp.core.texts import check_name
from dr_grasp.errors import InvalidGraspError

MOST_JOINTS = 200
"""Most joints of a path; a humanoid with two hands has about 80."""

LARGEST_POSITION = 1e6
"""Largest position of a joint [rad or m]: a thousand times what an arm turns in an hour. Squares of
larger numbers may no longer be finite."""


def check_joint_names(joints: tuple[str, ...]) -> None:
    """Refuse joint names that are repeated, too many, too long or not printable.

    Raises:
        InvalidGraspError: The names are not valid, or there is none.
    """
    if not joints:
        raise InvalidGraspError("joints: expected at least one name, got none")
    if len(joints) > MOST_JOINTS:
        raise InvalidGraspError(f"joints: expected at most {MOST_JOINTS} names, got {len(joints)}")
    for name in joints:
        check_name("joints", name)
    repeated = sorted(name for name, count in Counter(joints).items() if count > 1)
    if repeated:
        raise InvalidGraspError(f"joints: expected unique names, got {', '.join(repeated)} twice")


def check_positions(name: str, positions: FloatArray) -> None:
    """Refuse positions of joints that are not finite or out of bounds.

    Raises:
        InvalidGraspError: A position is not a number in bounds.
    """
    check_finite(name, positions)
    largest = float(np.abs(positions).max(initial=0.0))
    if largest > LARGEST_POSITION:
        raise InvalidGraspError(
            f"{name}: expected at most {LARGEST_POSITION:g} rad or m, got {largest:g}"
        )
