"""States and commands with which rollouts begin in a batch of worlds, as engine mujoco has them."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import mujoco
import numpy as np
import numpy.typing as npt

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.objects.object_spec import ObjectSpec
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.simulation.early_end import LOST_M
from dr_grasp.simulation.mujoco.world import MujocoWorld
from dr_grasp.simulation.rollout import Commands, arm_start

MODEL_FIELDS = (
    "body_mass",
    "body_subtreemass",
    "body_inertia",
    "body_ipos",
    "body_invweight0",
    "dof_invweight0",
    "geom_friction",
)
"""Fields of the model in which rollouts differ."""

RESTING = 2**30
"""The first step of a world that rests, and the step at which the hand closes of one that waits."""

ASIDE = (4.0, 4.0, 0.0)
"""Where the object is in worlds that have had no rollout yet, beside table and robot, in the base
frame [m]."""

Numbers = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """Where a rollout is entered after its first step.

    Attributes:
        step: The step.
        arm: Shape (n,), arm positions before that step [rad or m].
        arm_velocity: Shape (n,), arm velocities before that step [rad/s or m/s].
        object_qpos: Shape (7,), positions of the object's free joint before that step.
        object_qvel: Shape (6,), its velocities.
    """

    step: int
    arm: FloatArray
    arm_velocity: FloatArray
    object_qpos: FloatArray
    object_qvel: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """With what a rollout begins in a world of a batch.

    Attributes:
        step: The step of the rollout at which it begins.
        closing: The step at which the hand closes.
        qpos: Shape (nq,), positions before the first step.
        qvel: Shape (nv,), velocities before the first step.
        arm: Shape (t, n), controls of the arm's actuators from then on; the last one stays.
        hand: Shape (h,), where all joints of the hand are told to be before the first step.
        hand_goals: Shape (2, h), where they are told to go before and after the hand closes.
        hand_forces: Shape (2, h), the largest forces of their drives before and after.
        applied: Shape (nbody, 6), forces and torques that act on bodies all the time.
        model: Rows of `MODEL_FIELDS`.
    """

    step: int
    closing: int
    qpos: Numbers
    qvel: Numbers
    arm: Numbers
    hand: Numbers
    hand_goals: Numbers
    hand_forces: Numbers
    applied: Numbers
    model: tuple[Numbers, ...]


class StartingWorld(MujocoWorld):
    """A world of engine mujoco that is put into starts, to read them out: both engines agree.

    Attributes:
        model: The model for the device, with the nominal values.
        substeps: Timesteps in the time of a command.
        hand_reach: Shape (h,), how far each hand joint may be told to go in that time [rad or m].
        object_body: Number of the object's body.
        object_qpos: Where the positions of its free joint stand.
        object_dofs: Where its velocities stand.
        hand_body: Number of the body of the tool centre point.
        resting_qpos: Shape (nq,), positions with the robot at home and the object `ASIDE`.
    """

    def __init__(self, robot: RobotSpec, obj: ObjectSpec) -> None:
        """Build the world; see `MujocoTableWorld`."""
        super().__init__(robot, obj)
        self.model = copy(self._model)
        # MuJoCo Warp never resets an unstable state, and knows no flag that says so.
        self.model.opt.disableflags &= ~int(mujoco.mjtDisableBit.mjDSBL_AUTORESET)
        self.substeps = self._substeps
        self.hand_reach: Numbers = np.asarray(self._reach, dtype=np.float32)
        self.object_body = int(self._free.body)
        self.object_qpos, self.object_dofs = self._free.qpos, self._free.dofs
        self.hand_body = self._tcp
        aside = Pose(frozen(ASIDE), frozen([0.0, 0.0, 0.0, 1.0]))
        self.start(aside, Perturbation.none(), robot.home, robot.hand_open)
        self.resting_qpos = _numbers(self._data.qpos)

    @property
    def kinds(self) -> list[int]:
        """What each geom belongs to; see `touches`."""
        return self._touches.kinds

    @property
    def names(self) -> list[str]:
        """Of each geom, the name of its link; of the table and the ground, its own."""
        return self._touches.names

    def settling(self, grasp: GraspTrajectory, perturbation: Perturbation) -> Start:
        """The arm stays in its start, while the object comes to rest from above its place."""
        arm = arm_start(perturbation, grasp, self.robot)
        self.start(grasp.object_in_base, perturbation, arm, grasp.close.preshape)
        return self._read(grasp, 0, RESTING, grasp.close.force)

    def rollout(
        self, commands: Commands, perturbation: Perturbation, entry: Entry | None = None
    ) -> Start:
        """The rollout itself; whole, if it is not entered later."""
        grasp = commands.grasp
        arm = commands.start if entry is None else entry.arm
        velocity = None if entry is None else entry.arm_velocity
        self.start(
            grasp.object_in_base, perturbation, arm, grasp.close.preshape, arm_velocity=velocity
        )
        if entry is not None:
            self._data.qpos[self.object_qpos] = entry.object_qpos
            self._data.qvel[self.object_dofs] = entry.object_qvel
        self.follow(commands.arm, commands.arm_velocity)
        step = 0 if entry is None else entry.step
        force = grasp.close.force * perturbation.gripper_force_scale
        return self._read(grasp, step, commands.closing, force)

    def is_lost(self, qpos: Numbers) -> bool:
        """Whether the object is `LOST_M` or more from the robot in a state of shape (nq,)."""
        self._data.qpos[:] = qpos
        mujoco.mj_kinematics(self._model, self._data)
        return self.object_clearance(LOST_M) >= LOST_M

    def _read(self, grasp: GraspTrajectory, step: int, closing: int, force: float) -> Start:
        close, model, data = grasp.close, self._model, self._data
        preshape, shares = self._hand_joints.positions(close.preshape), self.robot.hand_force_shares
        return Start(
            step=step,
            closing=closing,
            qpos=_numbers(data.qpos),
            qvel=_numbers(data.qvel),
            arm=_numbers(self._controls[step:]),
            hand=_numbers(preshape),
            hand_goals=_numbers([preshape, self._hand_joints.positions(close.positions)]),
            hand_forces=_numbers([self.robot.hand_force * shares, force * shares]),
            applied=_numbers(data.xfrc_applied),
            model=tuple(_numbers(getattr(model, name)) for name in MODEL_FIELDS),
        )


def _numbers(values: object) -> Numbers:
    return np.array(values, dtype=np.float32)
