"""The YAML file beside joint trajectories: what their columns mean, and when the hand closes.

    # demo.yaml, for demo.csv with the columns t, panda_joint1 .. panda_joint7, jaws
    time: t                          # or rate_hz: 50
    gripper: {column: jaws, open: 0.08, closed: 0.0}
    object_in_base: {position: [0.5, 0.0, 0.051], rpy: [0, 0, 1.57]}

A column is named as in the file's header; without a header (NumPy, `ros2 topic echo --csv`), by its
number from 0, or as `columns` names it. A robot's joint is looked for in the column of its name, or
of its name in ROS, unless `joints` says where it is.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from dr_grasp.common.settings import Settings
from dr_grasp.core.joints import MOST_JOINTS
from dr_grasp.core.trajectory import LONGEST_PHASE_S
from dr_grasp.generation.importers.object_pose import ObjectPose

MOST_COLUMNS = 10_000
"""Most columns of a file; a plotting tool's export of all that a robot says has some hundreds."""

HIGHEST_RATE_HZ = 100_000.0
"""Largest number of rows a second; the fastest arms are commanded 4,000 times a second."""

Column = Annotated[str, Field(min_length=1)] | Annotated[int, Field(ge=0, lt=MOST_COLUMNS)]
"""Name of a column, or its number from 0."""

Seconds = Annotated[float, Field(gt=0.0, le=LONGEST_PHASE_S)]
Posture = Annotated[tuple[float, ...], Field(min_length=1, max_length=MOST_JOINTS)]

SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}


class PhaseSettings(Settings):
    """When the phases begin: `close` and `lift`, or a column that names the phase of each row.

    Attributes:
        close: The row in which the hand begins to close, from 0 in each trajectory, or a time.
        lift: The row in which the lift begins; the arm stands still in between.
        hold: The row in which the lift has ended; the last row if left out.
        unit: Whether these are rows, or seconds from the first row.
        column: The column with approach, close, lift and hold, or with 0, 1, 2 and 3.
    """

    close: Annotated[float, Field(ge=0)] | None = None
    lift: Annotated[float, Field(ge=0)] | None = None
    hold: Annotated[float, Field(ge=0)] | None = None
    unit: Literal["row", "s"] = "row"
    column: Column | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        marks = (self.close, self.lift, self.hold)
        if self.column is not None and any(mark is not None for mark in marks):
            raise ValueError("expected column, or close and lift, got both")
        if self.column is None and (self.close is None or self.lift is None):
            raise ValueError("expected close and lift, or column")
        if self.unit == "row" and any(mark is not None and mark % 1 for mark in marks):
            raise ValueError("expected whole numbers of rows, or unit: s")
        return self


class GripperSettings(Settings):
    """A column that says how far the hand is open.

    Attributes:
        column: The column; the hand closes where it passes the middle of `open` and `closed`.
        open: Its number for the open hand of the synergy.
        closed: Its number for the closed hand.
    """

    column: Column
    open: float
    closed: float

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if self.open == self.closed:
            raise ValueError(f"expected open and closed to differ, got {self.open:g} for both")
        return self


class HandSettings(Settings):
    """How the hand closes, where the robot's file or a column does not say.

    Attributes:
        synergy: Name of a synergy of the robot; the first if left out.
        preshape: Positions of the hand's joints in the approach [rad or m].
        positions: Positions that they are closed to [rad or m].
        commanded: Whether columns of the hand's joints are what was commanded, so that the hand
            closes to where they are when the lift begins. What was measured is where the object
            stopped the hand; then it closes as the synergy does.
        force: Force [N] or torque [N m] of each drive.
        duration_s: Time to close [s].
    """

    synergy: str | None = None
    preshape: Posture | None = None
    positions: Posture | None = None
    commanded: bool = False
    force: Annotated[float, Field(gt=0.0)] | None = None
    duration_s: Seconds | None = None


class TrajectoryLayout(Settings):
    """Schema of the YAML file.

    Attributes:
        columns: Names of all columns, for files without a header.
        joints: The column of each joint of the robot whose column is not named after it.
        time: The column of times; or two, of seconds and nanoseconds.
        time_unit: Unit of that column.
        rate_hz: Rows a second, if there is no column of times.
        angle: Unit of the positions of joints that turn.
        length: Unit of the positions of joints that slide.
        trajectory: A column that tells several trajectories in one file apart.
        array: Name of the array in an .npz file; all arrays if left out.
        phases: When the phases begin; or else `gripper` says it.
        gripper: A column that says how far the hand is open.
        hand: How the hand closes.
        hold_s: Time of the hold [s].
        object_in_base: Where the object stands; the robot's usual place if left out.
    """

    columns: Annotated[tuple[str, ...], Field(min_length=1, max_length=MOST_COLUMNS)] | None = None
    joints: Annotated[dict[str, Column], Field(default_factory=dict, max_length=MOST_JOINTS)]
    time: Column | tuple[Column, Column] | None = None
    time_unit: Literal["s", "ms", "us", "ns"] = "s"
    rate_hz: Annotated[float, Field(gt=0.0, le=HIGHEST_RATE_HZ)] | None = None
    angle: Literal["rad", "deg"] = "rad"
    length: Literal["m", "mm"] = "m"
    trajectory: Column | None = None
    array: str | None = None
    phases: PhaseSettings | None = None
    gripper: GripperSettings | None = None
    hand: HandSettings = HandSettings()
    hold_s: Seconds | None = None
    object_in_base: ObjectPose | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.time is None) == (self.rate_hz is None):
            got = "neither" if self.time is None else "both"
            raise ValueError(f"expected either time or rate_hz, got {got}")
        if self.phases is None and self.gripper is None:
            raise ValueError("expected phases or gripper, to know when the hand closes")
        return self
