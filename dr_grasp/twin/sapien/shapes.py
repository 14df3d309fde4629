"""Collision shapes, masses and poses, as SAPIEN takes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import sapien
from sapien import physx

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.twin.sapien.bodies import LinkShape

Z_TO_X = Pose(frozen([0.0, 0.0, 0.0]), frozen([0.0, np.sqrt(0.5), 0.0, np.sqrt(0.5)]))
"""A cylinder is along x in SAPIEN, and along z in a URDF."""


def pose_of(pose: Pose) -> Any:
    """A pose of SAPIEN."""
    return sapien.Pose(pose.position.tolist(), np.roll(pose.quaternion_xyzw, 1).tolist())


def from_pose(pose: Any) -> Pose:
    """A pose from one of SAPIEN, in double precision."""
    quaternion = np.roll(pose.q.astype(float), -1)
    return Pose(pose.p.astype(float), quaternion / np.linalg.norm(quaternion))


def shape_of(part: LinkShape, material: Any) -> Any:
    """A shape of SAPIEN, at its place in the body's frame.

    Raises:
        RuntimeError: SAPIEN cannot read the mesh.
    """
    sizes = part.sizes
    if part.kind == "mesh":
        shape = physx.PhysxCollisionShapeConvexMesh(part.mesh, [1.0, 1.0, 1.0], material)
    elif part.kind == "box":
        shape = physx.PhysxCollisionShapeBox([side / 2.0 for side in sizes], material)
    elif part.kind == "sphere":
        shape = physx.PhysxCollisionShapeSphere(sizes[0], material)
    else:
        kind = {
            "cylinder": physx.PhysxCollisionShapeCylinder,
            "capsule": physx.PhysxCollisionShapeCapsule,
        }[part.kind]
        shape = kind(sizes[0], sizes[1] / 2.0, material)
    place = part.in_body
    if part.kind in ("cylinder", "capsule"):
        place = place @ Z_TO_X
    shape.local_pose = pose_of(place)
    return shape


def weigh(body: Any, mass: float, center: FloatArray, inertia: FloatArray) -> None:
    """Give a body mass [kg], centre (3,) [m] and the inertia about it (3, 3) [kg m^2]; no drag."""
    moments, axes = np.linalg.eigh(inertia)
    if np.linalg.det(axes) < 0.0:
        axes[:, 0] *= -1.0
    body.mass = mass
    frame = np.eye(4)
    frame[:3, :3], frame[:3, 3] = axes, center
    body.cmass_local_pose = pose_of(Pose.from_matrix(frame))
    body.inertia = moments
    body.linear_damping = body.angular_damping = 0.0
