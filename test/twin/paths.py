"""Trajectories made of arrays."""

from __future__ import annotations

from dr_grasp.core.arrays import frozen
from dr_grasp.twin.joint_path import JointPath, PathPoint


def path_of(joints, times_s, positions, velocities=None, accelerations=None) -> JointPath:
    """A trajectory whose points all have the same derivatives."""
    columns = [times_s, positions]
    columns += [[None] * len(times_s) if c is None else c for c in (velocities, accelerations)]
    return JointPath(
        tuple(joints),
        tuple(
            PathPoint(float(time_s), *(None if row is None else frozen(row) for row in rows))
            for time_s, *rows in zip(*columns, strict=True)
        ),
    )
