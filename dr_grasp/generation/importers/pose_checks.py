"""Turns a file's numbers into poses, and refuses wrong numbers with one line."""

from __future__ import annotations

import math

import numpy as np
from scipy.spatial.transform import Rotation

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.errors import FileFormatError, quoted

RIGID_TOLERANCE = 1e-3
"""Largest error of a rotation matrix from orthonormal, and of a quaternion's norm from 1."""

LARGEST_DISTANCE_M = 100.0
"""Largest distance from the object's origin to the gripper; more must be a mistake of the unit."""


def numbers(field: str, values: object, shape: tuple[int, ...]) -> FloatArray:
    """Read nested lists as an array.

    Args:
        field: Name of the field, for the error message.
        values: The field's value in the file.
        shape: Shape that the array must have.

    Raises:
        FileFormatError: The values are no numbers, or have another shape.
    """
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        array = None
    if array is None or array.shape != shape:
        size = " x ".join(map(str, shape))
        raise FileFormatError(f"{field}: expected {size} numbers, got {short(values)}")
    return array


def pose_from_matrix(values: object) -> Pose:
    """Make a pose from a homogeneous matrix, shape (4, 4), with its position in metres.

    Raises:
        FileFormatError: The values are not the matrix of a pose; the message says why.
    """
    matrix = numbers("matrix", values, (4, 4))
    if not np.isfinite(matrix).all():
        raise FileFormatError("matrix: expected finite numbers, got NaN or infinity")
    if np.abs(matrix[3] - [0, 0, 0, 1]).max() > RIGID_TOLERANCE:
        last_row = " ".join(f"{value:g}" for value in matrix[3])
        raise FileFormatError(f"matrix: expected a last row of 0 0 0 1, got {last_row}")
    _check_distance(matrix[:3, 3])
    rotation = matrix[:3, :3]
    largest = np.abs(rotation).max()
    if largest > 1.0 + RIGID_TOLERANCE:  # larger entries could overflow in the product below
        raise FileFormatError(
            f"matrix: expected a rotation, entries of at most 1, got {largest:.3g}"
        )
    excess = np.abs(rotation @ rotation.T - np.eye(3)).max()
    if excess > RIGID_TOLERANCE:
        raise FileFormatError(
            f"matrix: expected a rotation, orthonormal to {RIGID_TOLERANCE:g}, "
            f"got one that is off by {excess:.3g}"
        )
    if np.linalg.det(rotation) < 0:
        raise FileFormatError(
            "matrix: expected a rotation, got a mirror image of one (determinant -1)"
        )
    return Pose(frozen(matrix[:3, 3]), frozen(Rotation.from_matrix(rotation).as_quat()))


def pose_from_quaternion(position: object, quaternion_xyzw: object, field: str) -> Pose:
    """Make a pose from a position and a quaternion.

    Args:
        position: Three numbers [m].
        quaternion_xyzw: Four numbers, the scalar last.
        field: Name of the quaternion's field, for the error message.

    Raises:
        FileFormatError: The numbers are not a pose; the message says why.
    """
    place = numbers("position", position, (3,))
    turn = numbers(field, quaternion_xyzw, (4,))
    for name, values in (("position", place), ("quaternion", turn)):
        if not np.isfinite(values).all():
            raise FileFormatError(f"{name}: expected finite numbers, got NaN or infinity")
    _check_distance(place)
    norm = math.hypot(*turn)  # not squared, a large entry cannot overflow
    if abs(norm - 1.0) > RIGID_TOLERANCE:
        raise FileFormatError(f"quaternion: expected norm 1, got {norm:.6g}")
    # Scaled to norm 1; a quaternion that is unit up to rounding stays exactly as it is.
    return Pose(frozen(place), frozen(turn / norm if abs(norm - 1.0) > 1e-12 else turn))


def short(value: object) -> str:
    """Show a value in at most 60 characters, for error messages."""
    return quoted(value)


def _check_distance(position: FloatArray) -> None:
    reach_m = np.abs(position).max()
    if reach_m > LARGEST_DISTANCE_M:
        raise FileFormatError(
            f"position: expected metres, at most {LARGEST_DISTANCE_M:g} from the object's origin, "
            f"got {reach_m:g}"
        )
