"""Pictures of a few grasps, small enough to stand inside a page."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import DrGraspError
from dr_grasp.transfer.dataset import Dataset
from dr_grasp.transfer.rows import AttemptRow

MOST_PICTURES: Final = 8
"""Each takes seconds to draw, and a few dozen kilobytes of the page."""

JPEG_QUALITY: Final = 85

Draw = Callable[[GraspTrajectory], npt.NDArray[np.uint8]]
"""Draws a grasp, shape (height, width, 3), RGB."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture, or why there is none.

    Attributes:
        address: A data: address, empty if there is none.
        reason: In words; empty if there is one, or nobody asked for one.
    """

    address: str
    reason: str = ""


def draw_all(
    dataset: Dataset, rows: Sequence[AttemptRow], draw: Draw | None, most: int = MOST_PICTURES
) -> dict[str, Picture]:
    """Draw what some attempts executed.

    What cannot be drawn is no reason to have no report: then the picture says why.

    Args:
        dataset: What the attempts are from.
        rows: The attempts, the most important first.
        draw: Draws a grasp; None to draw nothing.
        most: How many are drawn, from 0 to 8.

    Returns:
        For each attempt id, its picture.
    """
    wanted = list({row.attempt_id: row for row in rows}.values())
    chosen = wanted[: min(most, MOST_PICTURES)] if draw is not None else []
    found = {row.attempt_id: Picture("") for row in wanted}
    try:
        grasps = dataset.grasps_of(chosen)
    except DrGraspError as error:
        return {name: Picture("", f"no picture: {error}") for name in found}
    for row in chosen:
        grasp = grasps.get(row.attempt_id)
        if draw is None or grasp is None:
            found[row.attempt_id] = Picture("", "no picture: the attempt is in its bag no more")
            continue
        try:
            found[row.attempt_id] = Picture(_jpeg(draw(grasp)))
        except DrGraspError as error:
            found[row.attempt_id] = Picture("", f"no picture: {error}")
    return found


def _jpeg(image: npt.NDArray[Any]) -> str:
    from matplotlib.image import imsave

    buffer = io.BytesIO()
    imsave(buffer, image, format="jpg", pil_kwargs={"quality": JPEG_QUALITY})
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
