"""Runs many rollouts of grasps, and leaves out parts of them that do not affect the outcome."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace

import numpy as np

from dr_grasp.common.closing import Closing
from dr_grasp.core.arrays import frozen
from dr_grasp.core.engine import Engine
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Judge
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.core.trajectory import GraspTrajectory, Phase
from dr_grasp.objects.object_spec import ObjectSpec, load_object
from dr_grasp.robots.robot_spec import RobotSpec, load_robot
from dr_grasp.simulation.early_end import EarlyEnd
from dr_grasp.simulation.engine import TableScene, World, open_world
from dr_grasp.simulation.free_way import ArmErrors, FreeWay, find_free_way
from dr_grasp.simulation.motors import RATE_HZ, tracked_positions
from dr_grasp.simulation.rollout import LOOK_EVERY, Commands, EntryPoint, Rollout, simulate
from dr_grasp.simulation.scene import CLEARANCE_M, ObjectState

REST_SPEED = 1e-4
"""An object of which no point is faster than this is at rest [m/s]. With none taken to be at rest,
just as many rollouts of the Franka and of Baxter ended otherwise than rollouts simulated whole."""

REST_LOOKS = 6
"""Observations in a row in which an object must be at rest: one more than the judge demands."""

MOST_TRIES = 3
"""How often an earlier entry point is tried before the rollout is simulated whole."""


@dataclass(frozen=True, slots=True)
class Shortcuts:
    """Which parts of rollouts are left out; outcomes stay the same but for rounding.

    Attributes:
        late_entry: Whether to leave out the approach through free air: the rollout begins shortly
            before the robot can touch anything, with the arm moving as it would be, and the object
            at rest on the table.
        early_end: Whether to end a rollout when the object is lost, or steady in the hand.
    """

    late_entry: bool = True
    early_end: bool = True

    @classmethod
    def none(cls) -> Shortcuts:
        """No shortcuts: every step is simulated, from the first to the last."""
        return cls(late_entry=False, early_end=False)


ALL = Shortcuts()
"""All shortcuts, which scoring uses."""


@dataclass(frozen=True, slots=True, eq=False)
class _Settled:
    """An object on the table, some time after it was put there.

    Attributes:
        steps: Number of steps since then.
        state: State of the object.
        moved_m: How far any point of the object may be from where it is believed to be [m].
        judge: The judge, with its observations so far.
        at_rest: Whether the object has come to rest.
    """

    steps: int
    state: ObjectState
    moved_m: float
    judge: Judge
    at_rest: bool


def doubted_shift(perturbation: Perturbation, radius: float) -> float:
    """How far a perturbation may put any point of an object from its believed place [m].

    Args:
        perturbation: Perturbation of the object's place.
        radius: Largest distance of a point of the object from the origin of its frame [m].
    """
    turn = float(np.linalg.norm(perturbation.rotation_rpy_rad))
    return float(np.linalg.norm(perturbation.translation_m)) + CLEARANCE_M + radius * turn


def shift_between(believed: Pose, found: Pose, radius: float) -> float:
    """How far any point of an object of such a radius may be from its believed place [m]."""
    turn = float((believed.rotation.inv() * found.rotation).magnitude())
    return float(np.linalg.norm(found.position - believed.position)) + radius * turn


class RolloutRunner(Closing):
    """Runs rollouts of grasps of one robot and one object.

    Attributes:
        world: The world in which rollouts are simulated, closed with the runner.
    """

    def __init__(self, world: World, shortcuts: Shortcuts = ALL) -> None:
        self.world = world
        self._early_end = shortcuts.early_end
        self._table = world.open_table() if shortcuts.late_entry else None
        self._radius = world.object.radius
        self._grasp: GraspTrajectory | None = None

    def close(self) -> None:
        """Free the worlds; may be called twice."""
        self.world.close()
        if self._table is not None:
            self._table.close()

    def run(
        self,
        grasp: GraspTrajectory,
        perturbation: Perturbation,
        last: Phase = Phase.HOLD,
        on_phase_end: Callable[[Phase], None] | None = None,
    ) -> Rollout:
        """Simulate one grasp once, open loop, with shortcuts; see `run_rollout`.

        Args:
            grasp: The grasp, checked against the robot; many rollouts of it in a row are fastest.
            perturbation: How the rollout differs from the nominal scene.
            last: The phase with whose last step the rollout ends at the latest; see `simulate`. If
                that is before the hold, the world is then as that step left it.
            on_phase_end: Called with each phase that is simulated to its end, to look at the world.
        """
        if self._grasp is None or grasp != self._grasp:
            self._grasp = grasp
            self._plan = grasp.schedule(RATE_HZ)
            self._free_way: FreeWay | None = None
            self._undisturbed: _Settled | None = None
        commands = Commands.under(perturbation, grasp, self._plan, self.world.robot)
        entry = EntryPoint.first_step(commands)
        if self._table is not None:
            late = self._late_entry(self._table, commands, perturbation)
            if isinstance(late, Rollout):
                return late
            entry = late or entry
        watched = None
        if last is Phase.HOLD and self._early_end:
            watched = EarlyEnd(len(self._plan.phases), self.world, entry.judge).observe
        return simulate(
            self.world,
            commands,
            perturbation,
            entry,
            on_phase_end=on_phase_end,
            on_observation=watched,
            last=last,
        )

    def _late_entry(
        self, table: TableScene, commands: Commands, perturbation: Perturbation
    ) -> EntryPoint | Rollout | None:
        """Find a late entry point, or the rollout if it ends before; None to simulate it whole."""
        if self._free_way is None:
            self._free_way = find_free_way(self.world.geometry, commands.grasp, commands.plan)
        errors = ArmErrors.of(perturbation, self.world.robot.arm_half_ranges)
        step = self._free_way.last_free_step(errors, doubted_shift(perturbation, self._radius))
        for _ in range(MOST_TRIES):
            if step < 2:
                return None
            settled = self._settle(table, commands.grasp, perturbation, step)
            if isinstance(settled, Rollout):
                return settled
            step = self._free_way.last_free_step(errors, settled.moved_m)
            if step >= settled.steps:
                break
            # The object tilted or rolled towards the robot: enter earlier, when it was farther off.
        else:
            return None
        if not settled.at_rest:
            step = settled.steps
        arm = tracked_positions(commands.arm[:step], commands.arm_velocity[:step], commands.start)
        velocity = frozen((arm[-1] - arm[-2]) * RATE_HZ)
        return EntryPoint(step, arm[-1], velocity, settled.state, settled.judge)

    def _settle(
        self, table: TableScene, grasp: GraspTrajectory, perturbation: Perturbation, most: int
    ) -> _Settled | Rollout:
        """Let the object come to rest in at most some steps; gives a rollout if it ends by then."""
        known = None if perturbation.disturbs_object else self._undisturbed
        if known is not None and known.steps <= most:
            return replace(known, judge=copy(known.judge))
        judge, slow_looks, steps = Judge(), 0, 0
        table.start_object(grasp.object_in_base, perturbation)
        while steps < most and slow_looks < REST_LOOKS:
            table.advance()
            if steps % LOOK_EVERY == 0:
                outcome = judge.observe(Phase.APPROACH, table.observe(), False)
                if outcome is not None:
                    return Rollout(outcome, steps + 1)
                state = table.object_state
                turning = self._radius * np.linalg.norm(state.turning)
                slow = np.linalg.norm(state.velocity) + turning < REST_SPEED
                slow_looks = slow_looks + 1 if slow else 0
            steps += 1
        moved = shift_between(grasp.object_in_base, table.object_pose(), self._radius)
        settled = _Settled(steps, table.object_state, moved, judge, slow_looks >= REST_LOOKS)
        if settled.at_rest and not perturbation.disturbs_object:
            self._undisturbed = replace(settled, judge=copy(judge))
        return settled


MOST_KEPT = 8
"""Most runners that a worker keeps; with the mug, one takes 70 (MuJoCo, UR5) to 180 MB (PyBullet,
Baxter)."""

_kept: dict[tuple[RobotSpec, ObjectSpec, Shortcuts, Engine], RolloutRunner] = {}
"""The runners that are kept, in the order in which they were last used."""


def kept_runner(
    robot: str, obj: str, shortcuts: Shortcuts = ALL, engine: Engine = Engine.BULLET
) -> RolloutRunner:
    """Get a runner of rollouts; up to `MOST_KEPT` runners are kept, those that were used last.

    Args:
        robot: Name of the robot.
        obj: Name of the object.
        shortcuts: What rollouts leave out because it decides nothing.
        engine: The engine in which rollouts are simulated.

    Raises:
        DrGraspError: There is no such robot or object, or the engine refuses one.
    """
    # By specification, not by name: a name may come to mean something else.
    key = (load_robot(robot), load_object(obj), shortcuts, engine)
    runner = _kept.pop(key, None)
    if runner is None:
        if len(_kept) >= MOST_KEPT:
            _kept.pop(next(iter(_kept))).close()
        runner = RolloutRunner(open_world(engine, key[0], key[1]), shortcuts)
    _kept[key] = runner
    return runner
