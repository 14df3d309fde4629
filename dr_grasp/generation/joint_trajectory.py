"""One joint trajectory of another program, on its way to a grasp."""

from __future__ import annotations

import numpy as np

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.trajectory import LARGEST_JUMP, HandClose, Waypoints
from dr_grasp.errors import FileFormatError, InvalidGraspError, SettingsError
from dr_grasp.execution.retiming import slowed
from dr_grasp.generation.importers.trajectory_layout import SECONDS, Column, TrajectoryLayout
from dr_grasp.generation.importers.trajectory_phases import Moments, marked, openings, seen
from dr_grasp.generation.importers.trajectory_rows import Rows
from dr_grasp.generation.motion import MotionSettings
from dr_grasp.robots.checking import POSITION_TOLERANCE, VELOCITY_TOLERANCE
from dr_grasp.robots.robot_spec import RobotSpec, Synergy

MEASURED_TOLERANCE = 0.005
"""How far a measured position of a hand's joint may lie beyond its limit [rad or m]: an open hand
stands at the limit, and its sensor errs."""


class JointTrajectory:
    """Rows of a file, with what they mean.

    Attributes:
        synergy: How the hand closes.
        slowed: Which phases `paths` has slowed down, in words.
    """

    def __init__(
        self,
        robot: RobotSpec,
        slides: set[str | None],
        layout: TrajectoryLayout,
        columns: dict[str, Column],
        rows: Rows,
    ) -> None:
        """Note the rows.

        Args:
            robot: The robot.
            slides: Names of the robot's joints that slide rather than turn.
            layout: What the columns mean.
            columns: The column of each joint of the arm, and of the hand's as far as known.
            rows: The rows.
        """
        self._robot = robot
        self._slides = slides
        self._layout = layout
        self._columns = columns
        self._rows = rows
        name = layout.hand.synergy
        self.synergy: Synergy = robot.synergies[0] if name is None else robot.synergy(name)
        self.slowed: list[str] = []
        self._times_s = frozen([])

    def paths(self, retime: bool) -> tuple[Waypoints, Waypoints, Moments]:
        """Approach and lift within the limits, and when they end and begin.

        Args:
            retime: Whether a phase that is faster than the joints is slowed down.

        Raises:
            DrGraspError: A row is wrong, or the phases cannot be told; the message names the row.
        """
        rows, layout, joints = self._rows, self._layout, self._robot.arm_joints
        if rows.problem:
            raise FileFormatError(rows.problem)
        if len(rows.numbers) < 2:
            raise FileFormatError(f"expected at least 2 rows, got {len(rows.numbers)}")
        self._times_s = self._times()
        arm = np.stack([self._positions(joint) for joint in joints], axis=1)
        arm = np.round(arm, 6)  # as in our own grasps
        if layout.phases is not None:
            moments = marked(layout.phases, rows, self._times_s)
        else:
            assert layout.gripper is not None  # `TrajectoryLayout` makes sure of it
            moments = seen(layout.gripper, rows, self._times_s, arm)
        self._check_limits(arm[: moments.hold + 1])
        moved = np.abs(arm[moments.close : moments.lift + 1] - arm[moments.close]).max(axis=0)
        if moved.max() > LARGEST_JUMP:
            raise FileFormatError(
                f"{rows.at(moments.close)} to {rows.at(moments.lift)}: expected the arm to stand "
                f"still while the hand closes, got {joints[int(np.argmax(moved))]} moved by "
                f"{moved.max():.3g}; with lift where close is, all of that motion is the lift's"
            )
        approach = self._path("approach", arm, 0, moments.close, retime)
        return approach, self._path("lift", arm, moments.lift, moments.hold, retime), moments

    def close(self, moments: Moments) -> HandClose:
        """How the hand closes."""
        hand, robot = self._layout.hand, self._robot
        preshape, positions = self.synergy.open, self.synergy.closed
        there = all(joint in self._columns for joint in robot.hand_joints)
        if there:
            columns = np.stack([self._positions(joint) for joint in robot.hand_joints], axis=1)
            preshape = columns[moments.opened]
            preshape = preshape if hand.commanded else self._measured(preshape)
            positions = columns[moments.lift] if hand.commanded else positions
        elif self._layout.gripper is not None:
            opening = openings(self._layout.gripper, self._rows)[moments.opened]
            preshape = self.synergy.preshape(float(opening))
        elif hand.commanded:
            raise SettingsError("hand.commanded: expected a column of each joint of the hand")
        stands_s = float(self._times_s[moments.lift] - self._times_s[moments.close])
        if self._layout.phases is None or stands_s == 0.0:
            stands_s = max(stands_s, robot.close_duration_s)
        return HandClose(
            robot.hand_joints,
            frozen(preshape if hand.preshape is None else hand.preshape),
            frozen(positions if hand.positions is None else hand.positions),
            robot.hand_force if hand.force is None else hand.force,
            round(stands_s, 9) if hand.duration_s is None else hand.duration_s,
        )

    def hold_s(self, moments: Moments) -> float:
        """Time of the hold: as said, else as the rows show it, else our usual one."""
        if self._layout.hold_s is not None:
            return self._layout.hold_s
        shown_s = float(self._times_s[-1] - self._times_s[moments.hold])
        if self._layout.phases is None or shown_s == 0.0:  # a recording may end at once, or go on
            return MotionSettings().hold_s
        return round(shown_s, 9)

    def _times(self) -> FloatArray:
        """Time of each row from the first, shape (m,) [s]."""
        rows, layout = self._rows, self._layout
        if layout.rate_hz is not None:
            return frozen(np.round(np.arange(len(rows.numbers)) / layout.rate_hz, 9))
        time = layout.time
        if isinstance(time, tuple):  # each from its first, since a float of both loses digits
            seconds, nanoseconds = (rows.column(column) for column in time)
            times = (seconds - seconds[0]) + (nanoseconds - nanoseconds[0]) * 1e-9
        else:
            assert time is not None  # `TrajectoryLayout` makes sure of it
            times = (rows.column(time) - rows.column(time)[0]) * SECONDS[layout.time_unit]
        times = np.round(times, 9)
        back = np.flatnonzero(np.diff(times) <= 0)
        if len(back):
            raise FileFormatError(
                f"{rows.at(int(back[0]) + 1)}, column {time}: expected times that increase, got "
                f"{times[back[0] + 1]:.9g} s after {times[back[0]]:.9g} s"
            )
        return frozen(times)

    def _positions(self, joint: str) -> FloatArray:
        """Positions of a joint in our units, shape (m,)."""
        values = self._rows.column(self._columns[joint])
        if joint in self._slides:
            return values * 1e-3 if self._layout.length == "mm" else values
        return np.deg2rad(values) if self._layout.angle == "deg" else values

    def _measured(self, hand: FloatArray) -> FloatArray:
        """A measured posture of the hand, shape (m,), within the limits but for a wrong unit."""
        limits = self._robot.hand_limits
        within = np.clip(hand, [each.lower for each in limits], [each.upper for each in limits])
        return within if np.abs(within - hand).max() <= MEASURED_TOLERANCE else hand

    def _check_limits(self, arm: FloatArray) -> None:
        for column, (joint, limit) in enumerate(
            zip(self._robot.arm_joints, self._robot.arm_limits, strict=True)
        ):
            low, high = limit.lower - POSITION_TOLERANCE, limit.upper + POSITION_TOLERANCE
            wrong = np.flatnonzero((arm[:, column] < low) | (arm[:, column] > high))
            if len(wrong):
                raise InvalidGraspError(
                    f"{self._rows.at(int(wrong[0]))}, column {self._columns[joint]}: expected "
                    f"{joint} within [{limit.lower:g}, {limit.upper:g}], "
                    f"got {arm[wrong[0], column]:.6g}"
                )

    def _path(self, phase: str, arm: FloatArray, first: int, last: int, retime: bool) -> Waypoints:
        times = np.round(self._times_s[first : last + 1] - self._times_s[first], 9)
        path = Waypoints(self._robot.arm_joints, frozen(times), frozen(arm[first : last + 1]))
        limits = np.array([limit.velocity for limit in self._robot.arm_limits])
        speeds = np.abs(np.diff(path.positions, axis=0)) / np.diff(path.times_s)[:, None]
        shares = speeds / limits
        row, column = (int(index) for index in np.unravel_index(shares.argmax(), shares.shape))
        if shares[row, column] <= VELOCITY_TOLERANCE:
            return path
        joint = self._robot.arm_joints[column]
        unit = "m/s" if joint in self._slides else "rad/s"
        found = f"{speeds[row, column]:.3g} {unit}"
        if not retime:
            raise InvalidGraspError(
                f"{self._rows.at(first + row + 1)}, column {self._columns[joint]}: expected "
                f"{joint} within {limits[column]:g} {unit} in the {phase}, got {found}; "
                "--retime slows it down"
            )
        slower = slowed(path, frozen(limits), frozen(np.full(len(limits), np.inf)), 1.0)
        factor = slower.duration_s / path.duration_s
        self.slowed.append(
            f"{phase} {factor:.3g} times slower, since {joint} had {found} of {limits[column]:g}"
        )
        return Waypoints(path.joints, frozen(np.round(slower.times_s, 9)), path.positions)
