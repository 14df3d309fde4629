"""Mean and spread of the error of objects' poses, from where objects really stood."""

from __future__ import annotations

from dataclasses import dataclass

from dr_grasp.identification.evidence import Evidence
from dr_grasp.identification.findings import Estimate


@dataclass(frozen=True, slots=True)
class PerceptionFit:
    """Error of objects' poses: where they really stood, minus where they were believed to stand.

    Attributes:
        position_mean_m: Means of x and y in the base frame [m].
        position_std_m: Standard deviation about these means, of x and y together [m].
        axis_std_m: The same of x and y each [m].
        rotation_mean_rad: Means of roll, pitch and yaw about fixed axes [rad].
        rotation_std_rad: Standard deviations of roll, pitch and yaw [rad].
        draws: Number of independent errors.
        reading_std_m: Standard deviation of the noise of one reading of an object's position along
            an axis, from objects that nobody moved [m]; None if no attempt shows it. It is part of
            `position_std_m`: whoever locates objects by a camera sees its noise twice.
    """

    position_mean_m: tuple[Estimate, Estimate]
    position_std_m: Estimate
    axis_std_m: tuple[Estimate, Estimate]
    rotation_mean_rad: tuple[Estimate, Estimate, Estimate]
    rotation_std_rad: tuple[Estimate, Estimate, Estimate]
    draws: int
    reading_std_m: float | None


def fit_perception(evidence: Evidence) -> PerceptionFit | None:
    """Fit the error of objects' poses.

    Args:
        evidence: Attempts of one robot.

    Returns:
        The fit; None where fewer than `FEWEST_DRAWS` attempts say where the object really stood:
        the pose before is missing, or always the one that was believed.
    """
    raise NotImplementedError
