"""States and commands with which rollouts begin in a batch of worlds, as engine mujoco has them."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np
import numpy.typing as npt

from dr_grasp.core.arrays import FloatArray
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.objects.object_spec import ObjectSpec
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.simulation.early_end import LOST_M
from dr_grasp.simulation.motors import RATE_HZ
from dr_grasp.simulation.mujoco.world import MujocoWorld
from dr_grasp.simulation.rollout import Commands

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
        model: The model; may only be read.
        substeps: Timesteps in the time of a command.
        hand_reach: Shape (h,), how far each hand joint may be told to go in that time [rad or m].
        object_body: Number of the object's body.
        object_qpos: Where the positions of its free joint stand.
        object_dofs: Where its velocities stand.
        arm_qpos: Where the positions of the arm's joints stand.
        hand_qpos: Where the positions of the driven hand joints stand.
        hand_body: Number of the body of the tool centre point.
    """

    def __init__(self, robot: RobotSpec, obj: ObjectSpec) -> None:
        """Build the world; see `MujocoTableWorld`."""
        super().__init__(robot, obj)
        self.model = self._model
        self.substeps = self._substeps
        self.hand_reach: Numbers = np.asarray(self._reach, dtype=np.float32)
        self.object_body = int(self._free.body)
        joint = self._model.joint("object")
        self.object_qpos = slice(joint.qposadr[0], joint.qposadr[0] + 7)
        self.object_dofs = slice(joint.dofadr[0], joint.dofadr[0] + 6)
        self.arm_qpos = self._qpos[self._arm]
        self.hand_qpos = self._qpos[self._hand][: len(robot.hand_joints)]
        self.hand_body = self._tcp

    @property
    def kinds(self) -> list[int]:
        """What each geom belongs to; see `touches`."""
        return self._touches.kinds

    @property
    def names(self) -> list[str]:
        """Of each geom, the name of its link; of the table and the ground, its own."""
        return self._touches.names

    def settling(self, commands: Commands, perturbation: Perturbation) -> Start:
        """The arm stays in its start, while the object comes to rest from above its place."""
        still = self._controls(commands.start, np.zeros_like(commands.start))
        self._begin(commands, perturbation, None)
        return self._read(0, still[None], commands)

    def rollout(
        self, commands: Commands, perturbation: Perturbation, entry: Entry | None = None
    ) -> Start:
        """The rollout itself; whole, if it is not entered later."""
        step = 0 if entry is None else entry.step
        velocities = commands.plan.arm_velocity[step:]
        aims = commands.arm[step:] - velocities / RATE_HZ
        self._begin(commands, perturbation, entry)
        return self._read(step, self._controls(aims, velocities), commands)

    def is_lost(self, qpos: Numbers) -> bool:
        """Whether the object is `LOST_M` or more from the robot in a state of shape (nq,)."""
        self._data.qpos[:] = qpos
        mujoco.mj_kinematics(self._model, self._data)
        return self.object_clearance(LOST_M) >= LOST_M

    def _begin(self, commands: Commands, perturbation: Perturbation, entry: Entry | None) -> None:
        self.start(
            commands.grasp.object_in_base,
            perturbation,
            commands.start if entry is None else entry.arm,
            commands.grasp.close.preshape,
            arm_velocity=None if entry is None else entry.arm_velocity,
        )
        if entry is not None:
            self._data.qpos[self.object_qpos] = entry.object_qpos
            self._data.qvel[self.object_dofs] = entry.object_qvel

    def _read(self, step: int, arm: FloatArray, commands: Commands) -> Start:
        close, model, data = commands.grasp.close, self._model, self._data
        preshape, forces = self._all_hand(close.preshape), self.robot.hand_force_shares
        return Start(
            step=step,
            closing=int(np.argmax(commands.plan.phases > 0)),
            qpos=_numbers(data.qpos),
            qvel=_numbers(data.qvel),
            arm=_numbers(arm),
            hand=_numbers(preshape),
            hand_goals=_numbers([preshape, self._all_hand(close.positions)]),
            hand_forces=_numbers([self.robot.hand_force * forces, close.force * forces]),
            applied=_numbers(data.xfrc_applied),
            model=tuple(_numbers(getattr(model, name)) for name in MODEL_FIELDS),
        )


def _numbers(values: object) -> Numbers:
    return np.array(values, dtype=np.float32)
