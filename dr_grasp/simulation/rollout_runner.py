"""Runs rollouts of grasps again and again, and leaves out what decides nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dr_grasp.common.closing import Closing
from dr_grasp.core.arrays import frozen
from dr_grasp.core.outcome import Judge
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.core.trajectory import GraspTrajectory, Phase
from dr_grasp.simulation.bullet.table_world import CLEARANCE_M, RATE_HZ, ObjectState, TableWorld
from dr_grasp.simulation.bullet.world import BulletWorld
from dr_grasp.simulation.early_end import EarlyEnd
from dr_grasp.simulation.free_way import ArmErrors, FreeWay, find_free_way, tracked_positions
from dr_grasp.simulation.rollout import LOOK_EVERY, Commands, EntryPoint, Rollout, simulate
from dr_grasp.simulation.shortcuts import ALL, Shortcuts

REST_SPEED = 1e-4
"""An object slower than this has come to rest [m/s]; what turns, at its farthest point. Where none
was taken to rest, as many rollouts of the Franka and of Baxter ended otherwise than whole ones."""

REST_LOOKS = 6
"""In so many looks in a row it must have been slower, which is more than the judge asks for."""

MOST_TRIES = 3
"""How often an earlier step to enter is looked for, before the rollout is simulated whole."""


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
                speed = np.linalg.norm(state.velocity) + self._radius * np.linalg.norm(
                    state.turning
                )
                slow_looks = slow_looks + 1 if speed < REST_SPEED else 0
            steps += 1
        believed, found = grasp.object_in_base, table.object_pose()
        turned = (believed.rotation.inv() * found.rotation).magnitude()
        moved = float(np.linalg.norm(found.position - believed.position))
        moved += self._radius * float(turned)
        return _Settled(steps, table.object_state, moved, judge, slow_looks >= REST_LOOKS)
