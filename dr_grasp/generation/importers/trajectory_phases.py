"""Finds in the rows of a trajectory when the hand closes, and when the lift begins and ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dr_grasp.core.arrays import FloatArray
from dr_grasp.core.trajectory import LARGEST_JUMP, Phase
from dr_grasp.errors import FileFormatError
from dr_grasp.generation.importers.pose_checks import short
from dr_grasp.generation.importers.pose_list import is_number
from dr_grasp.generation.importers.trajectory_layout import GripperSettings, PhaseSettings
from dr_grasp.generation.importers.trajectory_rows import Rows

NAMES = {phase.name.lower(): phase for phase in Phase}
NUMBERS = {float(phase): phase for phase in Phase}

STANDS_FOR_S = 0.2
STANDS_WITHIN = 0.01
"""A hand that closes by no more than this share of its way in that time [s] stands: sensors of
grippers err by less, and even slow grippers close in less than the 20 s that it would take."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Rows of a trajectory, by their index in it.

    Attributes:
        opened: The last row in which the hand still is as open as it comes to the object.
        close: Where the approach ends, and the hand begins to close.
        lift: Where the lift begins; the arm stands still from `close` to here.
        hold: Where the lift ends.
    """

    opened: int
    close: int
    lift: int
    hold: int


def marked(settings: PhaseSettings, rows: Rows, times_s: FloatArray) -> Moments:
    """The moments that a user names, as rows, as times, or in a column.

    Raises:
        FileFormatError: A moment lies outside the rows, or they are not in order.
    """
    last = len(times_s) - 1
    if settings.column is None:
        given = (settings.close or 0.0, settings.lift or 0.0, settings.hold)
        found = [last if mark is None else _row(mark, settings.unit, times_s) for mark in given]
        shown = [None if mark is None else f"{mark:g} {settings.unit}" for mark in given]
    else:
        phases = [_phase(label, rows.at(index)) for index, label in enumerate(rows.labels)]
        for index in range(1, len(phases)):
            if phases[index] < phases[index - 1]:
                raise FileFormatError(
                    f"{rows.at(index)}, column {settings.column}: expected the phases in order, "
                    f"got {phases[index].name.lower()} after {phases[index - 1].name.lower()}"
                )
        found = [
            int(np.searchsorted(phases, phase)) for phase in (Phase.CLOSE, Phase.LIFT, Phase.HOLD)
        ]
        shown = [rows.at(min(index, last)) for index in found]
        if Phase.HOLD not in phases:
            found[2] = last
    # In the row of `close`, what is commanded may be closed already.
    moments = Moments(found[0] - 1, *found)
    if not 0 < moments.close <= moments.lift < moments.hold <= last:
        raise FileFormatError(
            f"phases: expected close, lift and hold in this order within {last + 1} rows, at least "
            f"one row before close and after lift, got {', '.join(mark or 'end' for mark in shown)}"
        )
    return moments


def seen(gripper: GripperSettings, rows: Rows, times_s: FloatArray, arm: FloatArray) -> Moments:
    """The moments that a column of the hand's opening shows.

    The hand closes where it passes the middle from open to closed; how far it was open is seen
    where it began to close. The lift begins with the last row in which the arm still stands there.
    It ends with the first row in which the arm stands where it stands last before the hand opens
    again, if it does.

    Args:
        gripper: The column, and its numbers for open and closed.
        rows: The rows of the trajectory.
        times_s: Shape (m,), times of the rows [s].
        arm: Shape (m, n), positions of the arm [rad or m].

    Raises:
        FileFormatError: The hand never closes, is closed from the start, or closes in the last row.
    """
    opening = openings(gripper, rows)
    closed = opening < 0.5
    where = f"column {gripper.column}: expected the hand to open and then to close"
    if closed[0]:
        raise FileFormatError(f"{where}, got it closed in {rows.at(0)}, the first")
    if not closed.any():
        middle = (gripper.open + gripper.closed) / 2
        raise FileFormatError(
            f"{where}, got it never closed: never past {middle:g}, the middle of open and closed; "
            "where the object stops the hand before that, say so as closed"
        )
    close = int(np.argmax(closed))
    moved = np.abs(arm[close:] - arm[close]).max(axis=1) > LARGEST_JUMP
    lift = close + (int(np.argmax(moved)) - 1 if moved.any() else 0)
    opens = ~closed[close:]
    last = close + int(np.argmax(opens)) - 1 if opens.any() else len(arm) - 1
    away = np.abs(arm[: last + 1] - arm[last]).max(axis=1) > LARGEST_JUMP
    hold = int(np.flatnonzero(away)[-1]) + 1 if away.any() else 0
    if hold <= lift:
        raise FileFormatError(
            f"column {gripper.column}: expected a lift after the hand closes in {rows.at(close)}, "
            "got no motion of the arm"
        )
    return Moments(_opened(opening[:close], times_s[:close]), close, lift, hold)


def _opened(opening: FloatArray, times_s: FloatArray) -> int:
    """The row in which the hand, which is half closed after the last row, begins to close."""
    row = len(opening) - 1
    while True:
        first = int(np.searchsorted(times_s, times_s[row] - STANDS_FOR_S))
        first = max(min(first, row - 1), 0)  # rows may be farther apart
        before = first + int(np.argmax(opening[first : row + 1]))
        if opening[before] <= opening[row] + STANDS_WITHIN:
            return row
        row = before


def openings(gripper: GripperSettings, rows: Rows) -> FloatArray:
    """How far the hand is open in each row, shape (m,): 1 is open, 0 is closed."""
    values = rows.column(gripper.column)
    return np.clip((values - gripper.closed) / (gripper.open - gripper.closed), 0.0, 1.0)


def _row(mark: float, unit: str, times_s: FloatArray) -> int:
    if unit == "row":
        return int(mark)
    # A mark between two rows is the later one; the same number rounded in the file is that row.
    return int(np.searchsorted(times_s, mark - 1e-6))


def _phase(label: str, where: str) -> Phase:
    name = label.strip().lower()
    phase = NUMBERS.get(float(name)) if is_number(name) else NAMES.get(name)
    if phase is None:
        raise FileFormatError(
            f"{where}: expected a phase, {', '.join(NAMES)} or 0, 1, 2, 3, got {short(label)}"
        )
    return phase
