"""Puts an object on the twin's table and lets it settle."""

from __future__ import annotations

from collections.abc import Iterator

from dr_grasp.core.arrays import frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.objects.object_spec import ObjectSpec
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.twin.world import CONTROL_RATE_HZ, TwinWorld

DROP_HEIGHT_M = 0.0005
"""Height above the table from which an object is dropped to settle."""

COMMANDS_PER_SAMPLE = 5
SAMPLE_S = COMMANDS_PER_SAMPLE / CONTROL_RATE_HZ
"""Every 20 ms the state is judged and recorded, and a cancel is checked."""

SETTLE_LIMIT_S = 1.0
SETTLED_SPEED = 0.001
CALM_SAMPLES = 3
"""An object has settled after so many samples in a row slower than `SETTLED_SPEED` [m/s]."""


def on_table(robot: RobotSpec, item: ObjectSpec, pose: Pose) -> Pose:
    """Move a pose up or down so that the object is just above the table."""
    lowest = item.lowest_point(pose.rotation.as_matrix())
    height = robot.table.top_z + DROP_HEIGHT_M - lowest
    return Pose(frozen([*pose.position[:2], height]), pose.quaternion_xyzw)


def settling(world: TwinWorld) -> Iterator[float]:
    """Simulate until the object rests, the world diverges, or `SETTLE_LIMIT_S` is over.

    Yields:
        The time so far [s], before each `SAMPLE_S` passes.
    """
    calm = 0
    for sample in range(round(SETTLE_LIMIT_S / SAMPLE_S)):
        yield sample * SAMPLE_S
        world.advance(COMMANDS_PER_SAMPLE)
        if world.diverged:
            return
        calm = calm + 1 if world.observe().object_speed < SETTLED_SPEED else 0
        if calm == CALM_SAMPLES:
            return
