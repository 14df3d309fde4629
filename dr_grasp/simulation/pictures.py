"""Draws pictures of grasps, at the end of their hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from dr_grasp.common.atomic import whole_file
from dr_grasp.core.attempt import GraspAttempt
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.objects.object_spec import load_object
from dr_grasp.robots.checking import check_grasp
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.simulation.bullet.camera import take_picture
from dr_grasp.simulation.bullet.world import BulletWorld
from dr_grasp.simulation.rollout import run_rollout


def picture_of(
    grasp: GraspTrajectory, width: int = 640, height: int = 560
) -> npt.NDArray[np.uint8]:
    """Simulate a grasp undisturbed and draw the end of its hold, or the moment of its failure.

    Args:
        grasp: The grasp to draw.
        width: Width of the picture in pixels.
        height: Height of the picture in pixels.

    Returns:
        Shape (height, width, 3), RGB.

    Raises:
        DrGraspError: The grasp's robot or object does not exist, or the grasp does not fit it.
    """
    robot, obj = load_robot(grasp.robot), load_object(grasp.object)
    check_grasp(grasp, robot)
    with BulletWorld(robot, obj) as world:
        run_rollout(world, grasp, Perturbation.none())
        return take_picture(world, width, height)


def draw_best_and_worst(path: Path, best: GraspAttempt, worst: GraspAttempt) -> None:
    """Draw the grasps of two attempts side by side, with their fitnesses and outcomes.

    Args:
        path: PNG file to write.
        best: Attempt drawn on the left.
        worst: Attempt drawn on the right.
    """
    figure = Figure(figsize=(12.8, 6.7), layout="constrained")
    for column, (title, attempt) in enumerate((("best", best), ("worst", worst))):
        axes = figure.add_subplot(1, 2, column + 1)
        axes.imshow(picture_of(attempt.grasp))
        axes.set_axis_off()
        axes.set_title(f"{title}: {attempt.grasp.id}\n{_caption(attempt)}", fontsize=12)
    with whole_file(path) as file:
        figure.savefig(file, format="png", dpi=100)


def _caption(attempt: GraspAttempt) -> str:
    fitnesses = attempt.score.fitness.values() if attempt.score else ()
    numbers = "  ".join(f"{fitness.criterion.name} {fitness.value:.2f}" for fitness in fitnesses)
    return f"{numbers}\non the {attempt.backend}: {attempt.outcome.label.replace('_', ' ')}"
