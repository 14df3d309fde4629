"""Pictures of a few grasps, small enough to stand inside a page."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import DrGraspError
from dr_grasp.transfer.attempt_dataset import Dataset
from dr_grasp.transfer.rows import AttemptRow, GraspKey

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
) -> dict[GraspKey, Picture]:
    """Draw what some attempts executed, each grasp once.

    What cannot be drawn is no reason to have no report: then the picture says why.

    Args:
        dataset: What the attempts are from.
        rows: The attempts, the most important first.
        draw: Draws a grasp; None to draw nothing.
        most: How many are drawn, from 0 to 8.

    Returns:
        For each grasp of theirs, as `AttemptRow.grasp` names it, its picture.
    """
    wanted: dict[GraspKey, AttemptRow] = {}
    for row in rows:
        wanted.setdefault(row.grasp, row)
    found = {key: Picture("") for key in wanted}
    if draw is None:
        return found
    chosen = dict(islice(wanted.items(), min(most, MOST_PICTURES)))
    try:
        grasps = dataset.grasps_of(chosen.values())
    except DrGraspError as error:
        return dict.fromkeys(found, Picture("", f"no picture: {error}"))
    for key, row in chosen.items():
        grasp = grasps.get(row.attempt_id)
        if grasp is None:
            found[key] = Picture("", "no picture: the attempt is in its bag no more")
            continue
        try:
            found[key] = Picture(_jpeg(draw(grasp)))
        except DrGraspError as error:
            found[key] = Picture("", f"no picture: {error}")
    return found


def _jpeg(image: npt.NDArray[Any]) -> str:
    from matplotlib.image import imsave

    buffer = io.BytesIO()
    imsave(buffer, image, format="jpg", pil_kwargs={"quality": JPEG_QUALITY})
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
