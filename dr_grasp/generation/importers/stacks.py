"""Poses as files have them: checked all at once, each problem told apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from dr_grasp.core.arrays import FloatArray

RIGID_TOLERANCE = 1e-3
"""How far a rotation matrix may be from orthonormal, and a quaternion from norm 1."""

LARGEST_DISTANCE_M = 100.0
"""From the object's origin to the gripper; a larger number is a unit mistake."""


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """Lists of numbers of one shape, one upon the other.

    Attributes:
        values: Shape (n, ...); NaN where a list did not fit.
        problems: By the number of such a list, what is wrong with it.
    """

    values: FloatArray
    problems: dict[int, str]


@dataclass(frozen=True, slots=True, eq=False)
class PoseStack:
    """Many poses.

    Attributes:
        positions: Shape (n, 3) [m].
        quaternions_xyzw: Shape (n, 4).
        problems: By the number of a pose that cannot be used, what is wrong with it.
    """

    positions: FloatArray
    quaternions_xyzw: FloatArray
    problems: dict[int, str]


def to_stack(field: str, entries: Sequence[Any], shape: tuple[int, ...]) -> Stack:
    """Stack n lists of numbers.

    Args:
        field: Name of the field, for the messages.
        entries: The lists.
        shape: Of each.
    """
    whole = _to_floats(entries)
    if whole.shape == (len(entries), *shape):
        return Stack(whole, {})
    values = np.full((len(entries), *shape), np.nan)
    problems = {}
    for index, entry in enumerate(entries):
        one = _to_floats(entry)
        if one.shape == shape:
            values[index] = one
        else:
            size = " x ".join(map(str, shape))
            problems[index] = f"{field}: expected {size} numbers, got {short(entry)}"
    return Stack(values, problems)


def from_matrices(matrices: Stack) -> PoseStack:
    """Check homogeneous matrices of shape (n, 4, 4)."""
    values, problems = matrices.values, dict(matrices.problems)

    def refuse(where: Any, message: Callable[[int], str]) -> None:
        # What is refused goes on as the identity, so that the arithmetic stays silent.
        nonlocal values
        _note(problems, where, message)
        values = np.where(where[:, None, None], np.eye(4), values)

    refuse(
        ~np.isfinite(values).all(axis=(1, 2)),
        lambda i: "matrix: expected finite numbers, got NaN or infinity",
    )
    last_rows = values[:, 3]
    refuse(
        np.abs(last_rows - [0, 0, 0, 1]).max(axis=1) > RIGID_TOLERANCE,
        lambda i: (
            "matrix: expected a last row of 0 0 0 1, got "
            + " ".join(f"{value:g}" for value in last_rows[i])
        ),
    )
    reach = np.abs(values[:, :3, 3]).max(axis=1)
    refuse(reach > LARGEST_DISTANCE_M, lambda i: _too_far(reach[i]))
    # An entry of a rotation is at most 1; larger ones could overflow in the product below.
    largest = np.abs(values[:, :3, :3]).max(axis=(1, 2))
    refuse(
        largest > 1.0 + RIGID_TOLERANCE,
        lambda i: f"matrix: expected a rotation, entries of at most 1, got {largest[i]:.3g}",
    )
    rotations = values[:, :3, :3]
    products = np.einsum("nij,nkj->nik", rotations, rotations)
    excess = np.abs(products - np.eye(3)).max(axis=(1, 2))
    refuse(
        excess > RIGID_TOLERANCE,
        lambda i: (
            f"matrix: expected a rotation, orthonormal to {RIGID_TOLERANCE:g}, "
            f"got one that is off by {excess[i]:.3g}"
        ),
    )
    refuse(
        np.linalg.det(values[:, :3, :3]) < 0,
        lambda i: "matrix: expected a rotation, got a mirror image of one (determinant -1)",
    )
    quaternions = Rotation.from_matrix(values[:, :3, :3]).as_quat()
    return PoseStack(values[:, :3, 3], quaternions, problems)


def from_quaternions(positions: Stack, quaternions_xyzw: Stack) -> PoseStack:
    """Check positions of shape (n, 3) with quaternions of shape (n, 4)."""
    problems = {**quaternions_xyzw.problems, **positions.problems}
    places, turns = positions.values, quaternions_xyzw.values
    _note(
        problems,
        ~np.isfinite(places).all(axis=1),
        lambda i: "position: expected finite numbers, got NaN or infinity",
    )
    _note(
        problems,
        ~np.isfinite(turns).all(axis=1),
        lambda i: "quaternion: expected finite numbers, got NaN or infinity",
    )
    reach = np.abs(places).max(axis=1)
    _note(problems, reach > LARGEST_DISTANCE_M, lambda i: _too_far(reach[i]))
    # Not squared, a large entry cannot overflow.
    norms = np.array([math.hypot(*turn) for turn in turns])
    excess = np.abs(norms - 1.0)
    _note(
        problems,
        excess > RIGID_TOLERANCE,
        lambda i: f"quaternion: expected norm 1, got {norms[i]:.6g}",
    )
    # To norm 1, but what is unit to rounding stays as it is, to the bit.
    lengths = np.where((excess > 1e-12) & (excess <= RIGID_TOLERANCE), norms, 1.0)
    return PoseStack(places, turns / lengths[:, None], problems)


def short(value: object) -> str:
    """What came, in a few characters."""
    return f"{value!r:.60}"


def escaped(text: str) -> str:
    """A message in one line, whatever a file made of it."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def _to_floats(values: Any) -> FloatArray:
    try:
        return np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return np.array(np.nan)  # of no shape that anybody asks for


def _too_far(reach_m: float) -> str:
    return (
        f"position: expected metres, at most {LARGEST_DISTANCE_M:g} from the object's origin, "
        f"got {reach_m:g}"
    )


def _note(problems: dict[int, str], where: Any, message: Callable[[int], str]) -> None:
    for index in map(int, np.flatnonzero(where)):
        problems.setdefault(index, message(index))
