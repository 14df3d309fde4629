"""Rigid poses and the table.

`a_in_b` is the pose of frame a expressed in frame b; it maps points of a into b.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from dr_grasp.core.arrays import ComparedByValue, FloatArray, frozen


@dataclass(frozen=True, slots=True, eq=False)
class Pose(ComparedByValue):
    """Position and orientation of one frame in another.

    Attributes:
        position: Shape (3,), in metres.
        quaternion_xyzw: Shape (4,), unit quaternion, scalar last.
    """

    position: FloatArray
    quaternion_xyzw: FloatArray

    def __post_init__(self) -> None:
        """Check shapes and normalise.

        Raises:
            ValueError: Wrong shape, non-finite numbers, or a quaternion far from unit length.
        """
        position = frozen(self.position)
        quaternion = frozen(self.quaternion_xyzw)
        if position.shape != (3,) or not np.isfinite(position).all():
            raise ValueError(f"position: expected 3 finite numbers, got {position.tolist()}")
        norm = float(np.linalg.norm(quaternion))
        if quaternion.shape != (4,) or not np.isfinite(quaternion).all() or abs(norm - 1.0) > 1e-3:
            raise ValueError(
                f"quaternion xyzw: expected 4 numbers of norm 1, got {quaternion.tolist()}"
            )
        # A quaternion that is unit to rounding stays as it is, bit for bit, so that files and
        # messages round-trip exactly.
        if abs(norm - 1.0) > 1e-12:
            quaternion = frozen(quaternion / norm)
        object.__setattr__(self, "position", position)
        object.__setattr__(self, "quaternion_xyzw", quaternion)

    @classmethod
    def identity(cls) -> Pose:
        """The pose of a frame in itself."""
        return cls(frozen([0, 0, 0]), frozen([0, 0, 0, 1]))

    @classmethod
    def from_matrix(cls, matrix: Any) -> Pose:
        """Make a pose from a homogeneous matrix of shape (4, 4)."""
        matrix = np.asarray(matrix, dtype=np.float64)
        return cls(frozen(matrix[:3, 3]), frozen(Rotation.from_matrix(matrix[:3, :3]).as_quat()))

    @property
    def rotation(self) -> Rotation:
        """The orientation as a SciPy rotation."""
        return Rotation.from_quat(self.quaternion_xyzw)

    @property
    def matrix(self) -> FloatArray:
        """Homogeneous matrix, shape (4, 4)."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.rotation.as_matrix()
        matrix[:3, 3] = self.position
        return matrix

    def __matmul__(self, other: Pose) -> Pose:
        """Compose: `a_in_b @ c_in_a` is `c_in_b`."""
        return Pose(
            frozen(self.position + self.rotate(other.position)),
            frozen((self.rotation * other.rotation).as_quat()),
        )

    def inverse(self) -> Pose:
        """Invert the pose: the inverse of `a_in_b` is `b_in_a`."""
        inverse = self.rotation.inv()
        position = -inverse.apply(np.array(self.position))
        return Pose(frozen(position), frozen(inverse.as_quat()))

    def apply(self, points: Any) -> FloatArray:
        """Map points of shape (n, 3) from this frame into the reference frame."""
        return np.asarray(self.rotate(points) + self.position)

    def rotate(self, vectors: Any) -> FloatArray:
        """Turn vectors of shape (n, 3) or (3,) from this frame into the reference frame."""
        # SciPy insists on writable arrays, hence the copy.
        return np.asarray(self.rotation.apply(np.array(vectors, dtype=np.float64)))

    def perturbed(self, translation_m: Any, rotation_rpy_rad: Any) -> Pose:
        """Shift and turn the pose in the reference frame.

        The rotation is about the reference frame's axes through this frame's own origin, roll about
        x first, then pitch about y, then yaw about z.
        """
        turn = Rotation.from_euler("xyz", np.asarray(rotation_rpy_rad, dtype=np.float64))
        return Pose(
            frozen(self.position + np.asarray(translation_m, dtype=np.float64)),
            frozen((turn * self.rotation).as_quat()),
        )


def grip_frame(position: Any, approach: Any, closing: Any) -> Pose:
    """Make a pose of the grip frame: z along the approach, y along the closing direction.

    Args:
        position: Shape (3,), origin of the grip frame [m].
        approach: Shape (3,), unit vector along the approach.
        closing: Shape (3,), unit vector along the closing direction, perpendicular to `approach`.
    """
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([np.cross(closing, approach), closing, approach], axis=1)
    matrix[:3, 3] = position
    return Pose.from_matrix(matrix)


@dataclass(frozen=True, slots=True)
class Table:
    """A box that carries the object on its top.

    Attributes:
        center_xy: Centre of the top in the base frame [m].
        size: Length along x, length along y, thickness [m].
        top_z: Height of the top in the base frame [m].
    """

    center_xy: tuple[float, float]
    size: tuple[float, float, float]
    top_z: float
