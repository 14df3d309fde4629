"""Runs rollouts of grasps again and again, and leaves out what decides nothing."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from dr_grasp.common.closing import Closing
from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.outcome import Judge, Observation, Outcome
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.core.trajectory import GraspTrajectory, Phase
from dr_grasp.objects.object_spec import ObjectSpec, load_object
from dr_grasp.robots.robot_spec import RobotSpec, load_robot
from dr_grasp.simulation.bullet.table_world import CLEARANCE_M, RATE_HZ, ObjectState, TableWorld
from dr_grasp.simulation.bullet.world import BulletWorld
from dr_grasp.simulation.free_way import ArmErrors, FreeWay, find_free_way, tracked_positions
from dr_grasp.simulation.rollout import LOOK_EVERY, Commands, EntryPoint, Rollout, simulate

REST_SPEED = 1e-4
"""An object slower than this has come to rest [m/s]; what turns, at its farthest point. Where none
was taken to rest, as many rollouts of the Franka and of Baxter ended otherwise than whole ones."""

REST_LOOKS = 6
"""In so many looks in a row it must have been slower, which is more than the judge asks for."""

MOST_TRIES = 3
"""How often an earlier step to enter is looked for, before the rollout is simulated whole."""

RISEN_M = 0.02
"""A hand so far above where it closed has lifted what it holds off the table."""

LOST_M = 0.05
"""An object so far from the robot is lost. With less, a finger in a mug's handle, which touches
nothing for a moment, was taken for one that had lost it: 4 to 12 points of Baxter's fitness."""

WINDOW = 18
"""Looks over which an object's creeping in the hand is measured: three eighths of a second. Their
first and last third are averaged, since jitter shakes what is held."""

CREEP_M = 0.001
"""An object is held if it would not creep further until the end. Of 1,191 rollouts of three arms
(seed 0, all criteria) 3 dropped later what had been called held; with twice that, 7."""


@dataclass(frozen=True, slots=True)
class Shortcuts:
    """Each can be switched; none changes what is asked, all change rounding.

    Attributes:
        late_entry: The way through free air is not simulated: the rollout is entered shortly before
            the robot can meet anything, as the arm moves there, with the object as it has come to
            rest by then.
        early_end: A rollout ends when the object is lost, or rests in the hand that holds it.
    """

    late_entry: bool = True
    early_end: bool = True

    @classmethod
    def none(cls) -> Shortcuts:
        """Every step from the first to the last."""
        return cls(late_entry=False, early_end=False)


ALL = Shortcuts()
"""What scoring leaves out."""


@dataclass(frozen=True, slots=True, eq=False)
class _Settled:
    """An object on the table, some time after it was put there.

    Attributes:
        steps: How many steps that took.
        state: Where it is.
        moved_m: How far any point of it may be from where it is believed [m].
        judge: The judge, with what it has seen.
        at_rest: Whether it has come to rest.
    """

    steps: int
    state: ObjectState
    moved_m: float
    judge: Judge
    at_rest: bool


class EarlyEnd:
    """Watches one rollout, and says when its end is certain."""

    def __init__(self, steps: int, world: BulletWorld, judge: Judge) -> None:
        """Begin with nothing seen.

        Args:
            steps: Number of steps of the whole rollout.
            world: The world in which it is simulated.
            judge: Asked as at the very end when the object is lost or steady.
        """
        self._steps = steps
        self._world = world
        self._judge = judge
        self._closed_height = 0.0
        self._places: deque[FloatArray] = deque(maxlen=WINDOW)

    def observe(self, step: int, phase: Phase, seen: Observation) -> Outcome | None:
        """Look at what the judge was shown, which did not decide; the outcome if it is certain."""
        if phase is Phase.CLOSE:
            self._closed_height = seen.hand_height
        if phase not in (Phase.LIFT, Phase.HOLD):
            return None
        risen = seen.hand_height - self._closed_height > RISEN_M
        if risen and seen.object_supported and self._world.object_clearance(LOST_M) >= LOST_M:
            return self._judge.failure()
        if not risen or seen.object_supported or not seen.hand_touches:
            self._places.clear()
            return None
        self._places.append(self._world.object_in_hand())
        if len(self._places) == WINDOW and self._creep(step) < CREEP_M:
            outcome = self._judge.observe(Phase.HOLD, seen, True)
            return outcome if outcome is Outcome.SUCCESS else None
        return None

    def _creep(self, step: int) -> float:
        """How far the object will creep in the hand until the end, at its present pace [m]."""
        third = WINDOW // 3
        places = np.array(self._places)
        crept = np.linalg.norm(places[-third:].mean(axis=0) - places[:third].mean(axis=0))
        looks_left = (self._steps - step) / LOOK_EVERY
        return float(crept) / (WINDOW - third) * looks_left


class RolloutRunner(Closing):
    """Runs rollouts of grasps of one robot and one object.

    Attributes:
        world: The world in which they are simulated, closed with this.
    """

    def __init__(self, world: BulletWorld, shortcuts: Shortcuts = ALL) -> None:
        self.world = world
        self._early_end = shortcuts.early_end
        self._table = TableWorld(world.robot, world.object) if shortcuts.late_entry else None
        self._radius = float(np.linalg.norm(world.object.points, axis=1).max())
        self._grasp: GraspTrajectory | None = None

    def close(self) -> None:
        """Free the worlds; may be called twice."""
        self.world.close()
        if self._table is not None:
            self._table.close()

    def run(self, grasp: GraspTrajectory, perturbation: Perturbation) -> Rollout:
        """Simulate one grasp once, open loop; see `run_rollout`.

        Args:
            grasp: Checked against the robot already. Best many times in a row.
            perturbation: What differs from the nominal scene.
        """
        if self._grasp is None or grasp != self._grasp:
            self._grasp = grasp
            self._plan = grasp.schedule(RATE_HZ)
            self._free_way: FreeWay | None = None
        commands = Commands.under(perturbation, grasp, self._plan, self.world)
        entry = EntryPoint.first_step(commands)
        if self._table is not None:
            late = self._late_entry(self._table, commands, perturbation)
            if isinstance(late, Rollout):
                return late
            entry = late or entry
        if not self._early_end:
            return simulate(self.world, commands, perturbation, entry)
        early_end = EarlyEnd(len(self._plan.phases), self.world, entry.judge)
        return simulate(self.world, commands, perturbation, entry, on_observation=early_end.observe)

    def _late_entry(
        self, table: TableWorld, commands: Commands, perturbation: Perturbation
    ) -> EntryPoint | Rollout | None:
        """Where to enter; a rollout that is over before; None for its very beginning."""
        if self._free_way is None:
            self._free_way = find_free_way(self.world, commands.grasp, commands.plan)
        errors = ArmErrors.of(perturbation, self.world.robot.arm_half_ranges)
        shift = float(np.linalg.norm(perturbation.translation_m)) + CLEARANCE_M
        shift += self._radius * float(np.linalg.norm(perturbation.rotation_rpy_rad))
        step = self._free_way.last_free_step(errors, shift)
        for _ in range(MOST_TRIES):
            if step < 2:
                return None
            settled = self._settle(table, commands.grasp, perturbation, step)
            if isinstance(settled, Rollout):
                return settled
            step = self._free_way.last_free_step(errors, settled.moved_m)
            if step >= settled.steps:
                break
            # It tilted or rolled towards the robot: then earlier, where it had not yet come so far.
        else:
            return None
        if not settled.at_rest:
            step = settled.steps
        arm = tracked_positions(
            commands.arm[:step], commands.plan.arm_velocity[:step], commands.start
        )
        velocity = frozen((arm[-1] - arm[-2]) * RATE_HZ)
        return EntryPoint(step, arm[-1], velocity, settled.state, settled.judge)

    def _settle(
        self, table: TableWorld, grasp: GraspTrajectory, perturbation: Perturbation, most: int
    ) -> _Settled | Rollout:
        """Let the object come to rest, for so many steps at most; a rollout if it is over then."""
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
        believed, found = grasp.object_in_base, table.object_pose()
        turned = (believed.rotation.inv() * found.rotation).magnitude()
        moved = float(np.linalg.norm(found.position - believed.position))
        moved += self._radius * float(turned)
        return _Settled(steps, table.object_state, moved, judge, slow_looks >= REST_LOOKS)


MOST_WORLDS = 8
"""Worlds that a worker keeps; a world takes some 20 MB."""

_kept: dict[tuple[RobotSpec, ObjectSpec, Shortcuts], RolloutRunner] = {}
"""In the order in which they were last used."""


def kept_runner(robot: str, obj: str, shortcuts: Shortcuts = ALL) -> RolloutRunner:
    """A runner of rollouts in a world that is built once; those used last are kept.

    Args:
        robot: Name of the robot.
        obj: Name of the object.
        shortcuts: What rollouts leave out because it decides nothing.

    Raises:
        DrGraspError: There is no such robot or object.
    """
    # By what the names stand for: a name may come to mean another thing.
    key = (load_robot(robot), load_object(obj), shortcuts)
    runner = _kept.pop(key, None)
    if runner is None:
        if len(_kept) >= MOST_WORLDS:
            _kept.pop(next(iter(_kept))).close()
        runner = RolloutRunner(BulletWorld(key[0], key[1]), shortcuts)
    _kept[key] = runner
    return runner
