"""Draws a few grasps, small enough to stand inside a page."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np
import numpy.typing as npt
from matplotlib.image import imsave

from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import DrGraspError
from dr_grasp.transfer.attempt_dataset import Dataset
from dr_grasp.transfer.rows import AttemptRow, GraspKey

JPEG_QUALITY: Final = 85

Draw = Callable[[GraspTrajectory], npt.NDArray[np.uint8]]
"""Draws a grasp, shape (height, width, 3), RGB."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture, or why there is none.

    Attributes:
        address: A data: address, empty if there is none.
        reason: Why there is none, in words; empty if there is one, or nobody asked for one.
    """

    address: str = ""
    reason: str = ""


def draw_all(
    dataset: Dataset, rows: Sequence[AttemptRow], draw: Draw | None, most: int
) -> dict[GraspKey, Picture]:
    """Draw what some attempts executed, each grasp once.

    A grasp that cannot be drawn is no reason to have no report: then its picture says why.

    Args:
        dataset: Data set that the attempts are from.
        rows: The attempts, the most important first.
        draw: Draws a grasp; None to draw nothing.
        most: How many are drawn at most.

    Returns:
        A picture for each grasp of the attempts, by `AttemptRow.grasp`.
    """
    wanted: dict[GraspKey, AttemptRow] = {}
    for row in rows:
        wanted.setdefault(row.grasp, row)
    pictures = dict.fromkeys(wanted, Picture())
    if draw is None:
        return pictures
    chosen = dict(islice(wanted.items(), most))
    try:
        grasps = dataset.grasps_of(chosen.values())
    except DrGraspError as error:
        return dict.fromkeys(pictures, Picture(reason=f"no picture: {error}"))
    for key, row in chosen.items():
        try:
            if row.attempt_id not in grasps:
                raise DrGraspError("the attempt is no longer in its bag")
            pictures[key] = Picture(_jpeg(draw(grasps[row.attempt_id])))
        except DrGraspError as error:
            pictures[key] = Picture(reason=f"no picture: {error}")
    return pictures


def _jpeg(image: npt.NDArray[np.uint8]) -> str:
    buffer = io.BytesIO()
    imsave(buffer, image, format="jpg", pil_kwargs={"quality": JPEG_QUALITY})
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
