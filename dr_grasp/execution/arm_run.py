"""Executes one grasp on an arm, step by step."""

from __future__ import annotations

import time

import numpy as np

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.trajectory import GraspTrajectory, Waypoints
from dr_grasp.errors import BackendError
from dr_grasp.execution.arm import Arm, Planner, StepResult
from dr_grasp.execution.backend import IsCancelled, OnPhase
from dr_grasp.execution.grip import Grip
from dr_grasp.execution.motion_log import MotionLog
from dr_grasp.execution.retiming import backwards, slowed
from dr_grasp.robots.robot_spec import RobotSpec, hardware_of

START_TOLERANCE = 0.01
"""Largest distance of each joint from the start of a motion [rad or m]; equal to MoveIt's default
(`trajectory_execution.allowed_start_tolerance`)."""

HAND_EXTRA_S = 5.0
"""Time that a hand may need beyond the closing time of the grasp [s]."""

OPEN_MARGINS = 3.0
"""A hand is open when each joint is nearer to its target than this times `holding_margin`."""

POLL_S = 0.02

_HELD = "held to the end of the hold"
_STAY = "the arm stays where it is"


class ArmRun:
    """Executes one grasp on an arm: call `check`, then `execute`, then `finish`.

    A step returns None if the next step may follow, else how it ended.

    Attributes:
        moved: Whether arm or hand were commanded to move.
        opening: Mean position of the driven hand joints after lifting [rad or m]; None before.
    """

    def __init__(
        self,
        robot: RobotSpec,
        planner: Planner,
        arm: Arm,
        speed: float,
        grasp: GraspTrajectory,
        on_phase: OnPhase,
        is_cancelled: IsCancelled,
    ) -> None:
        """Prepare to execute a grasp.

        Args:
            robot: The robot.
            planner: Motion planner.
            arm: Arm and hand to move.
            speed: Share of the limits of velocity and acceleration to use, in (0, 1].
            grasp: The grasp, already checked against the robot.
            on_phase: Called with the name of each phase as it begins.
            is_cancelled: Polled during motions; True stops the arm.
        """
        self._robot, self._planner, self._arm, self._speed = robot, planner, arm, speed
        self._grasp = grasp
        self._on_phase = on_phase
        self._is_cancelled = is_cancelled
        hardware = hardware_of(robot)
        self._margin = hardware.controllers.hand.holding_margin
        velocities = frozen([joint.velocity for joint in robot.arm_limits])
        limits = velocities, frozen(hardware.moveit.accelerations)
        self._approach = slowed(grasp.approach, *limits, speed)
        self._lift_path = slowed(grasp.lift_from_grasp, *limits, speed)
        self._way: Waypoints | None = None
        self._hand = grasp.close.preshape
        self._log = MotionLog((*robot.arm_joints, *robot.hand_joints), time.monotonic())
        self.moved = False
        self.opening: float | None = None

    @property
    def commanded(self) -> Waypoints | None:
        """Commands of arm and driven hand joints until now; None if there were none."""
        return self._log.waypoints(time.monotonic())

    @property
    def summary(self) -> str:
        """One line on the planned motions, which a person reads before agreeing to them."""
        way = "stands at the start" if self._way is None else f"{self._way.duration_s:.1f} s to it"
        return (
            f"{way}, approach {self._approach.duration_s:.1f} s, lift "
            f"{self._lift_path.duration_s:.1f} s, at {100 * self._speed:g} % of the limits"
        )

    def make_room(self) -> StepResult | None:
        """Open the hand and move the arm home, unless the arm is already at home."""
        if self._is_at(self._robot.home):
            return None
        self._planner.clear_scene()
        end = self._open_hand() or self._go_home()
        return end and end.during("making room")

    def check(self) -> StepResult | None:
        """Check all postures for collisions, and plan the way to the start; nothing moves."""
        preshape = self._grasp.close.preshape
        for name, path in (("approach", self._approach), ("lift", self._lift_path)):
            end = self._planner.collision(path, preshape, may_touch=True)
            if end is not None:
                return end.during(name)
        way = self._plan(self._grasp.approach.positions[0], "way to the start")
        if isinstance(way, StepResult):
            return way
        self._way = way
        return None

    def execute(self) -> StepResult:
        """Approach, close, lift and hold, until the outcome is decided."""
        try:
            end = self._reach() or self._close() or self._lift() or self._hold()
        except BackendError as error:
            # The attempt must still be recorded, since something has moved.
            end = StepResult(Outcome.BACKEND_ERROR, str(error))
        return end or StepResult(Outcome.SUCCESS, _HELD)

    def _reach(self) -> StepResult | None:
        end = self._open_hand()
        if end is None and self._way is not None:
            end = self._follow(self._way, "way to the start")
        if end is not None:
            return end
        off = np.abs(self._arm_positions() - self._grasp.approach.positions[0])
        if off.max() > START_TOLERANCE:
            joint = self._robot.arm_joints[int(off.argmax())]
            return StepResult(
                Outcome.START_TOO_FAR,
                f"{joint} is {off.max():.4f} from where the approach begins, "
                f"expected at most {START_TOLERANCE}",
            )
        self._on_phase("approach")
        return self._follow(self._approach, "approach")

    def _close(self) -> StepResult | None:
        self._on_phase("close")
        close, began = self._grasp.close, time.monotonic()
        before = self._hand_positions()
        end = self._move_hand(close.positions) or self._wait(began + close.duration_s)
        if end is not None:
            return end
        self._grip = Grip(close.joints, close.positions, self._margin)
        efforts = self._arm.efforts()
        moved = np.abs(self._hand_positions() - before).max()
        if moved < self._margin and not self._grip.presses(efforts, close.force):
            told = np.abs(close.positions - before).max()
            return StepResult(
                Outcome.CONTROLLER_ABORTED,
                f"hand: it did not close: moved by {moved:.3g} where it was told {told:.3g}",
            )
        empty = self._grip.closed(self._arm.positions(), efforts)
        return None if empty is None else StepResult(Outcome.MISSED, empty)

    def _lift(self) -> StepResult | None:
        self._on_phase("lift")
        self._planner.attach(self._arm_positions(), self._hand_positions())
        end = self._follow(self._lift_path, "lift")
        self.opening = float(np.mean(self._hand_positions()))
        return end or self._lost(Outcome.DROPPED_LIFTING)

    def _hold(self) -> StepResult | None:
        self._on_phase("hold")
        end = self._wait(time.monotonic() + self._grasp.hold_s)
        return end or self._lost(Outcome.DROPPED_HOLDING)

    def _lost(self, outcome: Outcome) -> StepResult | None:
        lost = self._grip.lost(self._arm.positions(), self._arm.efforts())
        return None if lost is None else StepResult(outcome, lost)

    def finish(self, end: StepResult) -> StepResult:
        """Put the object down and go home, if the outcome allows it; else the arm stays.

        Args:
            end: The result of `execute`.

        Returns:
            The same result; if a later step failed, the reason contains that failure, too.
        """
        steps = {
            Outcome.SUCCESS: [self._put_down, self._retreat, self._go_home],
            Outcome.MISSED: [self._let_go, self._retreat, self._go_home],
            Outcome.DROPPED_LIFTING: [self._let_go, self._go_home],
            Outcome.DROPPED_HOLDING: [self._let_go, self._go_home],
        }
        if end.outcome not in steps:
            return StepResult(end.outcome, f"{end.reason}; {_STAY}")
        for step in steps[end.outcome]:
            try:
                failure = step()
            except BackendError as error:
                failure = StepResult(Outcome.BACKEND_ERROR, str(error))
            if failure is not None:
                reason = f"{end.reason}; afterwards: {failure.reason}; {_STAY}"
                return StepResult(end.outcome, reason)
        return end

    def _put_down(self) -> StepResult | None:
        self._on_phase("put_down")
        return self._follow(backwards(self._lift_path), "way down") or self._let_go()

    def _let_go(self) -> StepResult | None:
        end = self._open_hand()
        self._planner.detach()
        return end

    def _retreat(self) -> StepResult | None:
        return self._follow(backwards(self._approach), "way back")

    def _go_home(self) -> StepResult | None:
        self._on_phase("home")
        way = self._plan(self._robot.home, "way home")
        return self._follow(way, "way home") if isinstance(way, Waypoints) else way

    def _plan(self, goal: FloatArray, name: str) -> Waypoints | StepResult | None:
        """Plan a motion to a posture; None if the arm is already there."""
        if self._is_at(goal):
            return None
        here, hand = self._arm_positions(), self._grasp.close.preshape
        way = self._planner.plan(here, goal, hand, self._speed)
        return way.during(name) if isinstance(way, StepResult) else way

    def _follow(self, path: Waypoints, name: str) -> StepResult | None:
        if self._is_cancelled():
            return StepResult(Outcome.CANCELLED, f"cancelled before {name}")
        self._log_command(path.positions, path.times_s)
        end = self._arm.follow(path, self._is_cancelled)
        return end and end.during(name)

    def _log_command(self, arm: FloatArray, times_s: FloatArray) -> None:
        self.moved = True
        rows = [frozen([*row, *self._hand]) for row in arm]
        self._log.add(time.monotonic(), rows, times_s.tolist())

    def _move_hand(self, targets: FloatArray) -> StepResult | None:
        if self._is_cancelled():
            return StepResult(Outcome.CANCELLED, "cancelled before the hand moved")
        self._hand = targets
        self._log_command(self._arm_positions()[None], frozen([0.0]))
        close = self._grasp.close
        timeout_s = close.duration_s + HAND_EXTRA_S
        end = self._arm.move_hand(targets, close.force, timeout_s, self._is_cancelled)
        return end and end.during("hand")

    def _open_hand(self) -> StepResult | None:
        """Open the hand for the approach; wait for it, since some grippers report success early."""
        target = self._grasp.close.preshape
        end = self._move_hand(target)
        near = OPEN_MARGINS * self._margin
        deadline = time.monotonic() + HAND_EXTRA_S
        while end is None:
            off = np.abs(self._hand_positions() - target)
            if off.max() <= near:
                return None
            if time.monotonic() > deadline:
                joint = self._grasp.close.joints[int(off.argmax())]
                return StepResult(
                    Outcome.CONTROLLER_ABORTED,
                    f"hand: it did not open: {joint} is {off.max():.3g} from where it was told",
                )
            end = self._wait(time.monotonic() + POLL_S)
        return end

    def _wait(self, until: float) -> StepResult | None:
        while time.monotonic() < until:
            if self._is_cancelled():
                return StepResult(Outcome.CANCELLED, "cancelled")
            time.sleep(POLL_S)
        return None

    def _is_at(self, posture: FloatArray) -> bool:
        return bool(np.abs(self._arm_positions() - posture).max() <= START_TOLERANCE)

    def _arm_positions(self) -> FloatArray:
        positions = self._arm.positions()
        return frozen([positions[joint] for joint in self._robot.arm_joints])

    def _hand_positions(self) -> FloatArray:
        positions = self._arm.positions()
        return frozen([positions[joint] for joint in self._robot.hand_joints])
