"""Draws thumbnails of grasps, to be embedded in a page."""

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
"""Draws a grasp; returns an RGB image of shape (height, width, 3)."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a grasp, or the reason why there is none.

    Attributes:
        address: The picture as a data: address; empty without a picture.
        reason: Why the picture could not be drawn, in words; else empty.
    """

    address: str = ""
    reason: str = ""


def draw_all(
    dataset: Dataset, rows: Sequence[AttemptRow], draw: Draw | None, most: int
) -> dict[GraspKey, Picture]:
    """Draw the grasps of some attempts, each grasp once.

    If a grasp cannot be drawn, its picture has the reason, and the others are drawn.

    Args:
        dataset: The data set of the attempts.
        rows: The attempts, the most important first.
        draw: Draws a grasp; None to draw nothing.
        most: Largest number of grasps to draw.

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
