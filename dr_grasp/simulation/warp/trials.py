"""What is done for each rollout of a batch on the host: its commands, and where it is entered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dr_grasp.core.arrays import FloatArray, IntArray, frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.core.trajectory import GraspTrajectory, Schedule
from dr_grasp.simulation.free_way import ArmErrors, FreeWay, find_free_way
from dr_grasp.simulation.motors import RATE_HZ, tracked_end
from dr_grasp.simulation.rollout import LOOK_EVERY, Commands
from dr_grasp.simulation.rollout_runner import MOST_TRIES, doubted_shift, shift_between
from dr_grasp.simulation.warp.starts import Entry, Start, StartingWorld


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A grasp, with what its rollouts share.

    Attributes:
        grasp: The grasp.
        schedule: Its commands.
        ends: Shape (4,), numbers of steps at which its phases end.
        free_way: Its way through free air; None if all of it is simulated.
    """

    grasp: GraspTrajectory
    schedule: Schedule
    ends: IntArray
    free_way: FreeWay | None


@dataclass(slots=True, eq=False)
class Trial:
    """One rollout that is waiting or simulated.

    Attributes:
        index: Its number among all rollouts.
        plan: What it shares with others of its grasp.
        perturbation: How it differs from the nominal scene.
        most: Number of steps in which the object may come to rest before the rollout is entered; 0
            if the rollout is entered, or simulated whole.
        tries: How often it has been tried to enter it.
    """

    index: int
    plan: Plan
    perturbation: Perturbation
    most: int = 0
    tries: int = 0


class Trials:
    """Prepares rollouts with one robot and one object; see `RolloutRunner` for what they leave out.

    The object comes to rest in the same world in which the rollout then goes on, while the arm
    stays in its start. There, and after at least as many steps as a rollout alone would make, it
    is looked at for the last time before the rollout is entered: up to `LOOK_EVERY` - 1 steps
    before it might be.
    """

    def __init__(self, world: StartingWorld, late_entry: bool) -> None:
        """Prepare nothing yet.

        Args:
            world: A world of the robot and the object.
            late_entry: Whether to leave out the approach through free air.
        """
        self._world, self._late_entry = world, late_entry
        self._radius = world.object.radius
        self._plan: Plan | None = None

    def first(
        self, index: int, grasp: GraspTrajectory, perturbation: Perturbation
    ) -> tuple[Trial, Start]:
        """Begin a rollout; many rollouts of one grasp in a row are fastest."""
        trial = Trial(index, self._plan_of(grasp), perturbation)
        return trial, self.again(trial)

    def again(self, trial: Trial) -> Start:
        """Begin a rollout anew."""
        trial.most, trial.tries = 0, 0
        way = trial.plan.free_way
        if way is None:
            return self._whole(trial)
        shift = doubted_shift(trial.perturbation, self._radius)
        return self._settle(trial, way.last_free_step(self._errors(trial), shift))

    def entered(
        self, trial: Trial, steps: int, at_rest: bool, qpos: FloatArray, qvel: FloatArray
    ) -> Start:
        """Enter a rollout whose object had time to come to rest, or let it try again.

        Args:
            trial: The rollout.
            steps: Number of steps that the object had.
            at_rest: Whether it has come to rest.
            qpos: Shape (7,), positions of its free joint.
            qvel: Shape (6,), velocities of its free joint.
        """
        way = trial.plan.free_way
        assert way is not None
        believed = trial.plan.grasp.object_in_base
        found = Pose(frozen(qpos[:3]), frozen(np.roll(qpos[3:], -1)))
        shift = shift_between(believed, found, self._radius)
        step = way.last_free_step(self._errors(trial), shift)
        trial.tries += 1
        if step < steps:
            # The object tilted or rolled towards the robot: enter earlier, when it was farther off.
            return self._settle(trial, step) if trial.tries < MOST_TRIES else self._whole(trial)
        trial.most = 0
        step = step if at_rest else steps
        commands = self._commands(trial)
        if step < 2:
            return self._whole(trial)
        arm, velocity = tracked_end(
            commands.arm[:step], commands.arm_velocity[:step], commands.start
        )
        entry = Entry(step, arm, velocity, qpos, qvel)
        return self._world.rollout(commands, trial.perturbation, entry)

    def _settle(self, trial: Trial, most: int) -> Start:
        if most < 2:
            return self._whole(trial)
        trial.most = most - (most - 1) % LOOK_EVERY
        return self._world.settling(trial.plan.grasp, trial.perturbation)

    def _whole(self, trial: Trial) -> Start:
        trial.most = 0
        return self._world.rollout(self._commands(trial), trial.perturbation)

    def _errors(self, trial: Trial) -> ArmErrors:
        return ArmErrors.of(trial.perturbation, self._world.robot.arm_half_ranges)

    def _commands(self, trial: Trial) -> Commands:
        # Made anew when needed: those of all worlds would take more memory than all else.
        plan = trial.plan
        return Commands.under(trial.perturbation, plan.grasp, plan.schedule, self._world.robot)

    def _plan_of(self, grasp: GraspTrajectory) -> Plan:
        if self._plan is None or grasp != self._plan.grasp:
            schedule = grasp.schedule(RATE_HZ)
            way = None
            if self._late_entry:
                way = find_free_way(self._world.geometry, grasp, schedule)
            ends = np.cumsum(np.bincount(schedule.phases, minlength=4))
            self._plan = Plan(grasp, schedule, ends, way)
        return self._plan
