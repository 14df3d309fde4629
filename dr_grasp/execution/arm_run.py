"""One grasp on an arm that is planned for, step by step."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.core.waypoints import Waypoints
from dr_grasp.errors import BackendError
from dr_grasp.execution.arm import Arm, StepResult
from dr_grasp.execution.backend import IsCancelled, OnPhase
from dr_grasp.execution.grip import Grip
from dr_grasp.execution.planner import Planner
from dr_grasp.execution.retiming import backwards, slowed
from dr_grasp.robots.hardware import Hardware
from dr_grasp.robots.robot_spec import RobotSpec

START_TOLERANCE = 0.01
"""How far each joint may be from where a motion begins [rad or m]; MoveIt's own default is the
same (`trajectory_execution.allowed_start_tolerance`)."""

HAND_EXTRA_S = 5.0
"""What a hand may take beyond the time that the grasp gives it."""

OPEN_MARGINS = 3.0
"""A hand is open when each joint is nearer to where it was told than so many holding margins."""

POLL_S = 0.02

_HELD = "held to the end of the hold"
_STAY = "the arm stays where it is"


@dataclass(frozen=True, slots=True)
class Rig:
    """What executes.

    Attributes:
        robot: The robot.
        hardware: How it is reached.
        planner: What finds ways.
        arm: What moves.
        speed: Share of the limits of velocity and acceleration to use, in (0, 1].
    """

    robot: RobotSpec
    hardware: Hardware
    planner: Planner
    arm: Arm
    speed: float


@dataclass(slots=True)
class CommandLog:
    """What was commanded, and when.

    Attributes:
        joints: Of arm and hand.
        began: When time 0 was, by the monotonic clock [s].
    """

    joints: tuple[str, ...]
    began: float
    times_s: list[float] = field(default_factory=list)
    positions: list[FloatArray] = field(default_factory=list)

    def add(self, path: Waypoints, hand: FloatArray) -> None:
        """Note a motion that begins now, with the hand told to be so."""
        now = time.monotonic() - self.began
        # What a motion that was stopped would still have done was not commanded any more.
        while self.times_s and self.times_s[-1] >= now:
            self.times_s.pop()
            self.positions.pop()
        self.times_s += [now + float(time_s) for time_s in path.times_s]
        self.positions += [frozen([*arm, *hand]) for arm in path.positions]

    def waypoints(self) -> Waypoints | None:
        """All of it until now; None if nothing was commanded."""
        if not self.times_s:
            return None
        now = time.monotonic() - self.began
        kept = max(1, int(np.searchsorted(self.times_s, now, side="right")))
        return Waypoints(self.joints, frozen(self.times_s[:kept]), frozen(self.positions[:kept]))


class ArmRun:
    """One attempt. The steps are called in their order; each says None, or how it ended."""

    def __init__(
        self, rig: Rig, grasp: GraspTrajectory, on_phase: OnPhase, is_cancelled: IsCancelled
    ) -> None:
        """Prepare to run.

        Args:
            rig: What executes.
            grasp: Checked against the robot already.
            on_phase: Told each phase as it begins.
            is_cancelled: Asked while moving.
        """
        self._rig = rig
        self._grasp = grasp
        self._on_phase = on_phase
        self._is_cancelled = is_cancelled
        velocities = frozen([limits.velocity for limits in rig.robot.arm_limits])
        accelerations = rig.hardware.accelerations
        self._approach = slowed(grasp.approach, velocities, accelerations, rig.speed)
        self._lift = slowed(grasp.lift_from_grasp, velocities, accelerations, rig.speed)
        self._way: Waypoints | None = None
        self._log = CommandLog((*rig.robot.arm_joints, *rig.robot.hand_joints), time.monotonic())
        self._hand = grasp.close.preshape
        self.moved = False
        self.opening: float | None = None

    @property
    def commanded(self) -> Waypoints | None:
        """What was commanded until now, of arm and hand."""
        return self._log.waypoints()

    @property
    def summary(self) -> str:
        """What would move, for a person who is to agree to it."""
        way = "stands at the start" if self._way is None else f"{self._way.duration_s:.1f} s to it"
        return (
            f"{way}, approach {self._approach.duration_s:.1f} s, lift "
            f"{self._lift.duration_s:.1f} s, at {100 * self._rig.speed:g} % of the limits"
        )

    def make_room(self) -> StepResult | None:
        """Go home, if the arm is not there, letting go of whatever it holds."""
        home = self._rig.robot.home
        if np.abs(self._arm_positions() - home).max() <= START_TOLERANCE:
            return None
        self._rig.planner.clear_scene()
        fault = self._open_hand() or self._go_home()
        return None if fault is None else StepResult(fault.outcome, f"making room: {fault.reason}")

    def check(self) -> StepResult | None:
        """Check every posture, and find the way to the start; nothing moves."""
        planner, grasp = self._rig.planner, self._grasp
        preshape = grasp.close.preshape
        for name, path in (("approach", self._approach), ("lift", self._lift)):
            fault = planner.collision(path, preshape, may_touch=True)
            if fault is not None:
                return StepResult(fault.outcome, f"{name}: {fault.reason}")
        start, goal = self._arm_positions(), grasp.approach.positions[0]
        if np.abs(start - goal).max() <= START_TOLERANCE:
            return None
        way = planner.plan(start, goal, preshape, self._rig.speed)
        if isinstance(way, StepResult):
            return StepResult(way.outcome, f"way to the start: {way.reason}")
        self._way = way
        return None

    def execute(self) -> StepResult:
        """Move, until it is decided what became of the grasp."""
        try:
            end = self._reach() or self._close() or self._raise() or self._hold()
        except BackendError as error:
            # Something has moved already, which must be recorded.
            end = StepResult(Outcome.BACKEND_ERROR, str(error))
        return end or StepResult(Outcome.SUCCESS, _HELD)

    def _reach(self) -> StepResult | None:
        fault = self._open_hand()
        if fault is None and self._way is not None:
            fault = self._follow(self._way, "way to the start")
        if fault is not None:
            return fault
        off = np.abs(self._arm_positions() - self._grasp.approach.positions[0])
        if off.max() > START_TOLERANCE:
            joint = self._rig.robot.arm_joints[int(off.argmax())]
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
        fault = self._move_hand(close.positions)
        if fault is None:
            fault = self._wait(began + close.duration_s)
        if fault is not None:
            return fault
        self._grip = Grip(close.joints, close.positions, self._rig.hardware.holding_margin)
        efforts = self._rig.arm.efforts()
        moved = np.abs(self._hand_positions() - before).max()
        if moved < self._rig.hardware.holding_margin and not self._grip.presses(
            efforts, close.force
        ):
            told = np.abs(close.positions - before).max()
            return StepResult(
                Outcome.CONTROLLER_ABORTED,
                f"hand: it did not close: moved by {moved:.3g} where it was told {told:.3g}",
            )
        empty = self._grip.closed(self._positions(), efforts)
        return None if empty is None else StepResult(Outcome.MISSED, empty)

    def _raise(self) -> StepResult | None:
        self._on_phase("lift")
        self._rig.planner.attach(self._arm_positions(), self._hand_positions())
        fault = self._follow(self._lift, "lift")
        self.opening = float(np.mean(self._hand_positions()))
        return fault or self._look(Outcome.DROPPED_LIFTING)

    def _hold(self) -> StepResult | None:
        self._on_phase("hold")
        return self._wait(time.monotonic() + self._grasp.hold_s) or self._look(
            Outcome.DROPPED_HOLDING
        )

    def _look(self, outcome: Outcome) -> StepResult | None:
        lost = self._grip.lost(self._positions(), self._rig.arm.efforts())
        return None if lost is None else StepResult(outcome, lost)

    def finish(self, end: StepResult) -> StepResult:
        """Put down what is held, and go home; what goes wrong meanwhile is added to the reason."""
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
                fault = step()
            except BackendError as error:
                fault = StepResult(Outcome.BACKEND_ERROR, str(error))
            if fault is not None:
                return StepResult(end.outcome, f"{end.reason}; afterwards: {fault.reason}; {_STAY}")
        return end

    def _put_down(self) -> StepResult | None:
        self._on_phase("put_down")
        return self._follow(backwards(self._lift), "way down") or self._let_go()

    def _let_go(self) -> StepResult | None:
        fault = self._open_hand()
        self._rig.planner.detach()
        return fault

    def _retreat(self) -> StepResult | None:
        return self._follow(backwards(self._approach), "way back")

    def _go_home(self) -> StepResult | None:
        self._on_phase("home")
        home, here = self._rig.robot.home, self._arm_positions()
        if np.abs(here - home).max() <= START_TOLERANCE:
            return None
        way = self._rig.planner.plan(here, home, self._grasp.close.preshape, self._rig.speed)
        if isinstance(way, StepResult):
            return StepResult(way.outcome, f"way home: {way.reason}")
        return self._follow(way, "way home")

    def _follow(self, path: Waypoints, name: str) -> StepResult | None:
        if self._is_cancelled():
            return StepResult(Outcome.CANCELLED, f"cancelled before {name}")
        self.moved = True
        self._log.add(path, self._hand)
        fault = self._rig.arm.follow(path, self._is_cancelled)
        return None if fault is None else StepResult(fault.outcome, f"{name}: {fault.reason}")

    def _move_hand(self, targets: FloatArray) -> StepResult | None:
        if self._is_cancelled():
            return StepResult(Outcome.CANCELLED, "cancelled before the hand moved")
        self.moved = True
        self._hand = targets
        joints = self._rig.robot.arm_joints
        here = Waypoints(joints, frozen([0.0]), frozen(self._arm_positions()[None]))
        self._log.add(here, targets)
        close = self._grasp.close
        fault = self._rig.arm.move_hand(
            targets, close.force, close.duration_s + HAND_EXTRA_S, self._is_cancelled
        )
        return None if fault is None else StepResult(fault.outcome, f"hand: {fault.reason}")

    def _open_hand(self) -> StepResult | None:
        """Open it for the approach, and see that it is open: some grippers say so too early."""
        target = self._grasp.close.preshape
        fault = self._move_hand(target)
        near = OPEN_MARGINS * self._rig.hardware.holding_margin
        deadline = time.monotonic() + HAND_EXTRA_S
        while fault is None:
            off = np.abs(self._hand_positions() - target)
            if off.max() <= near:
                return None
            if time.monotonic() > deadline:
                joint = self._grasp.close.joints[int(off.argmax())]
                return StepResult(
                    Outcome.CONTROLLER_ABORTED,
                    f"hand: it did not open: {joint} is {off.max():.3g} from where it was told",
                )
            fault = self._wait(time.monotonic() + POLL_S)
        return fault

    def _wait(self, until: float) -> StepResult | None:
        while time.monotonic() < until:
            if self._is_cancelled():
                return StepResult(Outcome.CANCELLED, "cancelled")
            time.sleep(POLL_S)
        return None

    def _positions(self) -> Mapping[str, float]:
        return self._rig.arm.positions()

    def _hand_positions(self) -> FloatArray:
        positions = self._positions()
        return frozen([positions[joint] for joint in self._rig.robot.hand_joints])

    def _arm_positions(self) -> FloatArray:
        positions = self._positions()
        return frozen([positions[joint] for joint in self._rig.robot.arm_joints])
