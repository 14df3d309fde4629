"""Replays grasps again and again, and leaves out what decides nothing."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np

from dr_grasp.common.closing import Closing
from dr_grasp.core.arrays import frozen
from dr_grasp.core.outcome import Judge
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.core.trajectory import GraspTrajectory, Phase, Schedule
from dr_grasp.simulation.bullet.table_world import CLEARANCE_M, ObjectState, TableWorld
from dr_grasp.simulation.bullet.world import BulletWorld
from dr_grasp.simulation.early_end import EarlyEnd
from dr_grasp.simulation.entry import ArmErrors, FreeWay, find_free_way, tracked
from dr_grasp.simulation.rollout import Commands, EntryPoint, Rollout, look_every, simulate
from dr_grasp.simulation.shortcuts import ALL, Shortcuts

REST_SPEED = 1e-4
"""An object slower than this has come to rest [m/s]; what turns, at its farthest point. Where none
was taken to rest, as many rollouts of the Franka and of Baxter ended otherwise than whole ones."""

MOST_TRIES = 3
"""How often an earlier step to enter is looked for, before the rollout is simulated whole."""

REST_LOOKS = 6
"""In so many looks in a row, which is more than the judge asks for."""


@dataclass(frozen=True, slots=True, eq=False)
class _Settled:
    """An object on the table, some time after it was put there.

    Attributes:
        steps: How many steps that took.
        state: Where it is.
        moved_m: How far any point of it may be from where it is believed [m].
        judge: What it has seen.
        at_rest: Whether it has come to rest.
    """

    steps: int
    state: ObjectState
    moved_m: float
    judge: Judge
    at_rest: bool


class RolloutRunner(Closing):
    """A world of a robot and an object, and one without the robot for what comes before."""

    def __init__(self, world: BulletWorld, shortcuts: Shortcuts = ALL) -> None:
        """Prepare to replay.

        Args:
            world: The world; closed with this.
            shortcuts: What may be left out.
        """
        self.world = world
        self._shortcuts = shortcuts
        self._table: TableWorld | None = None
        if self._shortcuts.late_entry:
            self._table = TableWorld(world.robot, world.object, world.settings)
        self._radius = float(np.linalg.norm(world.object.points, axis=1).max())
        self._grasp: GraspTrajectory | None = None
        self._plan: Schedule | None = None
        self._free_way: FreeWay | None = None
        self._undisturbed: _Settled | None = None

    def close(self) -> None:
        """Free the worlds; may be called twice."""
        self.world.close()
        if self._table is not None:
            self._table.close()

    def run(self, grasp: GraspTrajectory, perturbation: Perturbation) -> Rollout:
        """Replay one grasp once, open loop; see `run_rollout`.

        Args:
            grasp: Checked against the robot already. Best many times in a row.
            perturbation: What differs from the nominal scene.
        """
        if self._grasp is None or grasp != self._grasp:
            self._grasp, self._free_way, self._undisturbed = grasp, None, None
            self._plan = grasp.schedule(self.world.settings.rate_hz)
        assert self._plan is not None
        commands = Commands.under(perturbation, grasp, self._plan, self.world)
        entry = EntryPoint(0, commands.start, None, None, Judge())
        if self._table is not None:
            late = self._late_entry(self._table, commands, perturbation)
            if isinstance(late, Rollout):
                return late
            entry = late or entry
        early_end = None
        if self._shortcuts.early_end:
            early_end = EarlyEnd(len(self._plan.phases), look_every(self.world))
        return simulate(self.world, commands, perturbation, entry, early_end)

    def _late_entry(
        self, table: TableWorld, commands: Commands, perturbation: Perturbation
    ) -> EntryPoint | Rollout | None:
        """Where to enter; a rollout that is over before; None for its very beginning."""
        settings, robot = self.world.settings, self.world.robot
        if self._free_way is None:
            self._free_way = find_free_way(self.world, commands.grasp, commands.plan)
        errors = ArmErrors.of(perturbation, robot.arm_half_ranges, settings.arm_position_gain)
        shift = float(np.linalg.norm(perturbation.translation_m)) + CLEARANCE_M
        shift += self._radius * float(np.linalg.norm(perturbation.rotation_rpy_rad))
        step = self._free_way.entry(errors, shift)
        for _ in range(MOST_TRIES):
            if step < 2:
                return None
            settled = self._settle(table, commands.grasp, perturbation, step)
            if isinstance(settled, Rollout):
                return settled
            step = self._free_way.entry(errors, settled.moved_m)
            if step >= settled.steps:
                break
            # It tilted or rolled towards the robot: then earlier, where it had not yet come so far.
        else:
            return None
        if not settled.at_rest:
            step = settled.steps
        arm = tracked(
            commands.arm[:step],
            commands.plan.arm_velocity[:step],
            commands.start,
            settings.arm_position_gain,
            settings.rate_hz,
        )
        velocity = frozen((arm[-1] - arm[-2]) * settings.rate_hz)
        return EntryPoint(step, arm[-1], velocity, settled.state, copy.copy(settled.judge))

    def _settle(
        self, table: TableWorld, grasp: GraspTrajectory, perturbation: Perturbation, most: int
    ) -> _Settled | Rollout:
        """Let the object come to rest, for so many steps at most."""
        at_home = not perturbation.moves_object and not perturbation.changes_dynamics
        if at_home and self._undisturbed is not None and self._undisturbed.steps <= most:
            return self._undisturbed
        judge, every, still, steps = Judge(), look_every(self.world), 0, 0
        table.start_object(grasp.object_in_base, perturbation)
        while steps < most and still < REST_LOOKS:
            table.advance()
            if steps % every == 0:
                outcome = judge.observe(Phase.APPROACH, table.observe(), False)
                if outcome is not None:
                    return Rollout(outcome, steps + 1)
                still = still + 1 if self._rests(table.object_state) else 0
            steps += 1
        believed, found = grasp.object_in_base, table.object_pose()
        turned = (believed.rotation.inv() * found.rotation).magnitude()
        moved = float(np.linalg.norm(found.position - believed.position))
        moved += self._radius * float(turned)
        settled = _Settled(steps, table.object_state, moved, judge, still >= REST_LOOKS)
        if at_home and settled.at_rest:
            self._undisturbed = settled
        return settled

    def _rests(self, state: ObjectState) -> bool:
        speed = np.linalg.norm(state.velocity) + self._radius * np.linalg.norm(state.turning)
        return bool(speed < REST_SPEED)
