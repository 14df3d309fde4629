"""Takes pictures of a PyBullet world."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pybullet as p

from dr_grasp.simulation.bullet.table_world import TableWorld


def take_picture(world: TableWorld, width: int, height: int) -> npt.NDArray[np.uint8]:
    """Render the present state of a world, on the CPU, as seen from beside its object.

    Args:
        world: The world.
        width: Width of the picture in pixels.
        height: Height of the picture in pixels.

    Returns:
        Shape (height, width, 3), uint8, RGB.
    """
    x, y = world.robot.object_xy
    target = [x - 0.1, y, world.robot.table.top_z + 0.3]
    view = p.computeViewMatrixFromYawPitchRoll(target, 1.1, 55, -18, 0, 2)
    projection = p.computeProjectionMatrixFOV(45, width / height, 0.05, 5.0)
    _, _, pixels, _, _ = p.getCameraImage(
        width,
        height,
        view,
        projection,
        lightDirection=[0.6, -0.6, 1.0],
        renderer=p.ER_TINY_RENDERER,
        **world.in_client,
    )
    return np.asarray(pixels, dtype=np.uint8).reshape(height, width, 4)[:, :, :3]
