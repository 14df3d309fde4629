"""The twin's world in MuJoCo; its frame is the robot's base frame."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import mujoco
import numpy as np

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Observation
from dr_grasp.objects.object_spec import ObjectSpec
from dr_grasp.robots.hand_joints import HandJoints
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.simulation.mujoco.drives import set_spring, tune_hand
from dr_grasp.simulation.mujoco.dynamics import ObjectDynamics
from dr_grasp.simulation.mujoco.model import build_model, moving_joints
from dr_grasp.simulation.mujoco.settings import ModelSettings
from dr_grasp.simulation.mujoco.touches import TouchReader
from dr_grasp.twin.twin_profile import RobotTruth
from dr_grasp.twin.world import ARM_BANDWIDTH, CONTROL_RATE_HZ

TIMESTEP_S = 0.002

# Impratio and noslip reduce the creep of a held mug from millimetres in 10 s to micrometres.
SETTINGS = ModelSettings(
    timestep_s=TIMESTEP_S,
    integrator="implicitfast",
    impratio=10.0,
    noslip_iterations=3,
    tolerance=1e-8,
    contact_time_s=0.006,
    coupling_time_s=0.004,
    hand_condim=4,
    table_condim=6,
)

STEPS_PER_COMMAND = 2


class MujocoTwinWorld:
    """A `TwinWorld` in MuJoCo."""

    def __init__(
        self,
        robot: RobotSpec,
        item: ObjectSpec | None,
        object_truth: ObjectDynamics,
        robot_truth: RobotTruth | None = None,
        *,
        timestep_s: float = TIMESTEP_S,
    ) -> None:
        """Build the world.

        Args:
            robot: The robot.
            item: The object; None for an empty table, without calls of methods about the object.
            object_truth: How the object differs from its description.
            robot_truth: How the robot differs from its description; None for no difference.
            timestep_s: Timestep of the simulation [s].

        Raises:
            ModelError: MuJoCo cannot read the robot or the object.
        """
        self.joints = moving_joints(robot)
        self._arm_count = len(robot.arm_joints)
        self._hand_force_shares = robot.hand_force_shares
        self._hand_joints = HandJoints.of(robot)
        self._model = build_model(
            robot, item, object_truth, replace(SETTINGS, timestep_s=timestep_s)
        )
        self._data = mujoco.MjData(self._model)
        self._qpos = np.array([self._model.joint(name).qposadr[0] for name in self.joints])
        self._dofs = np.array([self._model.joint(name).dofadr[0] for name in self.joints])
        self._tcp = self._model.body(robot.tcp_link).id
        self._object = -1
        if item is not None:
            self._object = self._model.body("object").id
            start = self._model.joint("object").qposadr[0]
            self._object_qpos = slice(start, start + 7)
        self._touches = TouchReader(self._model, robot)
        # The gains are chosen in the true home posture, without the encoders' zero errors.
        self._truth = RobotTruth(np.zeros(self._arm_count), 0.0, 1.0)
        self._tune(robot)
        self._truth = robot_truth or self._truth

    def _tune(self, robot: RobotSpec) -> None:
        """Choose each joint's gains from the inertia that it moves in the home posture."""
        anywhere = None if self._object < 0 else Pose.identity()
        self.reset(robot.home, robot.hand_open, anywhere, robot.hand_force)
        inertias = tune_hand(self._model, self._data, robot, SETTINGS)
        for index, inertia in enumerate(inertias[: self._arm_count]):
            set_spring(self._model, index, float(inertia), ARM_BANDWIDTH)

    def reset(
        self, arm: FloatArray, hand: FloatArray, object_in_base: Pose | None, hand_force: float
    ) -> None:
        """Begin anew with everything at rest; see `TwinWorld`."""
        mujoco.mj_resetData(self._model, self._data)
        self.limit_hand(hand_force)
        target = self._target(arm, hand)
        self._data.ctrl[:] = target
        delay = round(self._truth.control_delay_s * CONTROL_RATE_HZ)
        self._pending_commands = deque([target] * delay)
        self._data.qpos[self._qpos] = self._data.ctrl
        if object_in_base is not None:
            quaternion_wxyz = np.roll(object_in_base.quaternion_xyzw, 1)
            self._data.qpos[self._object_qpos] = [*object_in_base.position, *quaternion_wxyz]
        mujoco.mj_forward(self._model, self._data)

    def limit_hand(self, force: float) -> None:
        """Set the largest force [N] or torque [N m] that each hand drive is commanded to use."""
        limits = force * self._truth.gripper_force_factor * self._hand_force_shares
        self._model.actuator_forcerange[self._arm_count :] = np.stack([-limits, limits], axis=1)

    def take_over_robot(self, source: MujocoTwinWorld) -> None:
        """Copy the robot's state and pending commands from another world of the same robot."""
        self._data.qpos[self._qpos] = source._data.qpos[source._qpos]
        self._data.qvel[self._dofs] = source._data.qvel[source._dofs]
        self._data.ctrl[:] = source._data.ctrl
        self._pending_commands = source._pending_commands.copy()
        self._model.actuator_forcerange[:] = source._model.actuator_forcerange
        mujoco.mj_forward(self._model, self._data)

    def command(self, arm: FloatArray, hand: FloatArray) -> None:
        """Send a command to the drives; must be called once every `STEPS_PER_COMMAND` steps."""
        self._pending_commands.append(self._target(arm, hand))
        self._data.ctrl[:] = self._pending_commands.popleft()

    def _target(self, arm: FloatArray, hand: FloatArray) -> FloatArray:
        return np.concatenate([arm + self._truth.joint_offset, self._hand_joints.positions(hand)])

    def advance(self, commands: int = 1) -> None:
        """Simulate the time of a number of commands."""
        self.step(commands * STEPS_PER_COMMAND)

    def step(self, steps: int = 1) -> None:
        """Simulate a number of timesteps."""
        mujoco.mj_step(self._model, self._data, steps)

    @property
    def joint_positions(self) -> FloatArray:
        """Encoder positions of `joints` [rad or m]."""
        positions = self._data.qpos[self._qpos]
        positions[: self._arm_count] -= self._truth.joint_offset
        return frozen(positions)

    @property
    def joint_velocities(self) -> FloatArray:
        """Velocities of `joints` [rad/s or m/s]."""
        return frozen(self._data.qvel[self._dofs])

    @property
    def joint_efforts(self) -> FloatArray:
        """Efforts of the drives of `joints`, without those that carry the robot [N m or N]."""
        return frozen(self._data.actuator_force)

    @property
    def diverged(self) -> bool:
        """Whether the simulation has become unstable since the last reset."""
        kinds = mujoco.mjtWarning
        bad = (kinds.mjWARN_BADQPOS, kinds.mjWARN_BADQVEL, kinds.mjWARN_BADQACC)
        warned = any(self._data.warning[kind].number for kind in bad)
        return warned or not np.isfinite(self._data.qpos).all()

    def object_in_base(self) -> Pose:
        """True pose of the object's mesh frame; must not be called after the world diverged."""
        values = self._data.qpos[self._object_qpos]
        return Pose(values[:3], np.roll(values[3:], -1))

    def tcp_in_base(self) -> Pose:
        """True pose of the tool centre point in the base frame."""
        return Pose(self._data.xpos[self._tcp], np.roll(self._data.xquat[self._tcp], -1))

    def observe(self) -> Observation:
        """Observe the state that an attempt is judged by."""
        velocity, touches = np.zeros(6), self._touches.read(self._data)
        mujoco.mj_objectVelocity(
            self._model, self._data, mujoco.mjtObj.mjOBJ_BODY, self._object, velocity, 0
        )
        return Observation(
            object_position=frozen(self._data.xipos[self._object]),
            object_speed=float(np.linalg.norm(velocity[3:])),
            hand_height=float(self._data.xpos[self._tcp][2]),
            hand_touches=touches.hand,
            object_supported=touches.supported,
            robot_hits_support=touches.hit,
            self_collision=touches.collision,
        )

    @property
    def robot_touches_object(self) -> bool:
        """Whether any link of the robot touches the object."""
        return self._touches.read(self._data).robot
