"""The twin's world in MuJoCo; its frame is the robot's base frame."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import Any

import mujoco
import numpy as np

from dr_grasp.core.arrays import FloatArray, IntArray, frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import LinkPair, Observation
from dr_grasp.objects.object_spec import ObjectSpec
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.twin.mujoco_model import TIMESTEP_S, build_model, moving_joints
from dr_grasp.twin.twin_profile import ObjectTruth, RobotTruth

STEPS_PER_COMMAND = 2
CONTROL_RATE_HZ = 1.0 / (STEPS_PER_COMMAND * TIMESTEP_S)
"""Rate at which the drives accept commands."""

ARM_BANDWIDTH = 100.0
"""Natural frequency of each critically damped arm joint [rad/s]; the lag is 2 / 100 s = 20 ms."""

HAND_BANDWIDTH = 250.0
"""Natural frequency of a hand joint [rad/s]; twice as much is not stable at this timestep."""

HAND_FULL_FORCE_M = 0.002
HAND_FULL_FORCE_RAD = 0.02
"""Position error at which a hand joint uses its full force: smaller than a thin wall."""

# Warnings would otherwise go to MUJOCO_LOG.TXT in the current folder; `diverged` reports them.
mujoco.set_mju_user_warning(logging.getLogger(__name__).debug)

_SUPPORT, _OBJECT, _HAND, _MOVING, _ROBOT = (1 << bit for bit in range(5))


class MujocoWorld:
    """A robot with hidden errors on its table, with at most one object.

    Each arm joint's true position is the encoder's position plus a zero error, commands take effect
    after a delay, and the hand's drives press with another force than commanded. Nothing from
    before a `reset` has an effect after it.

    Attributes:
        joints: Names of the joints: of the arm, then driven and then mimicking ones of the hand.
    """

    def __init__(
        self,
        robot: RobotSpec,
        item: ObjectSpec | None,
        object_truth: ObjectTruth,
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
        mimics = robot.model.mimics
        self.joints = moving_joints(robot)
        self._arm_count = len(robot.arm_joints)
        self._hand_force_shares = robot.hand_force_shares
        self._mimic_source = [robot.hand_joints.index(m.follows) for m in mimics]
        self._mimic_multiplier = np.array([m.multiplier for m in mimics])
        self._mimic_offset = np.array([m.offset for m in mimics])
        self._model = build_model(robot, item, object_truth, timestep_s)
        self._data = mujoco.MjData(self._model)
        self._qpos = np.array([self._model.joint(name).qposadr[0] for name in self.joints])
        self._dofs = np.array([self._model.joint(name).dofadr[0] for name in self.joints])
        self._tcp = self._model.body(robot.tcp_link).id
        self._object = -1
        if item is not None:
            self._object = self._model.body("object").id
            start = self._model.joint("object").qposadr[0]
            self._object_qpos = slice(start, start + 7)
        self._geom_kind = self._kinds(robot)[self._model.geom_bodyid]
        # The gains are chosen in the true home posture, without the encoders' zero errors.
        self._truth = RobotTruth(np.zeros(self._arm_count), 0.0, 1.0)
        self._tune(robot)
        self._truth = robot_truth or self._truth

    def _kinds(self, robot: RobotSpec) -> np.ndarray[Any, np.dtype[np.int64]]:
        kinds = np.zeros(self._model.nbody, dtype=np.int64)
        kinds[0] = _SUPPORT
        if self._object >= 0:
            kinds[self._object] = _OBJECT
        for name in robot.model.links:
            body = self._model.body(name).id
            kinds[body] = _ROBOT
            kinds[body] |= _MOVING if self._model.body_weldid[body] != 0 else 0
            kinds[body] |= _HAND if name in robot.hand_links else 0
        return kinds

    def _tune(self, robot: RobotSpec) -> None:
        """Choose each joint's gains from the inertia that it moves in the home posture."""
        anywhere = None if self._object < 0 else Pose.identity()
        self.reset(robot.home, robot.hand_open, anywhere, robot.hand_force)
        inertias = np.zeros((self._model.nv, self._model.nv))
        mujoco.mj_fullM(self._model, self._data, inertias)
        for index, name in enumerate(self.joints):
            joint, dof = self._model.joint(name), self._dofs[index]
            inertia, bandwidth = float(inertias[dof, dof]), ARM_BANDWIDTH
            if index >= self._arm_count:
                sliding = joint.type[0] == mujoco.mjtJoint.mjJNT_SLIDE
                full_force = HAND_FULL_FORCE_M if sliding else HAND_FULL_FORCE_RAD
                bandwidth, bare, place = HAND_BANDWIDTH, inertia, index - self._arm_count
                limit = robot.hand_force * robot.hand_force_shares[place]
                # A drive of this stiffness needs some inertia to be stable.
                stable = float(limit) / full_force / bandwidth**2
                inertia = max(bare + float(robot.hand_drive_inertias[place]), stable)
                joint.armature[:] = inertia - bare
            stiffness, damping = inertia * bandwidth**2, 2 * inertia * bandwidth
            self._model.actuator_gainprm[index, 0] = stiffness
            self._model.actuator_biasprm[index, 1:3] = -stiffness, -damping
        # Limits and couplings are scaled by the inertia that they act on, which has just changed.
        mujoco.mj_setConst(self._model, self._data)

    def reset(
        self, arm: FloatArray, hand: FloatArray, object_in_base: Pose | None, hand_force: float
    ) -> None:
        """Begin anew with everything at rest.

        Args:
            arm: Encoder positions of the arm joints, shape (n,) [rad or m].
            hand: Positions of the driven hand joints, shape (m,) [rad or m].
            object_in_base: The object's mesh frame in the base frame; None if there is no object.
            hand_force: Largest force or torque that each hand drive is commanded to use [N or N m].
        """
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

    def take_over_robot(self, source: MujocoWorld) -> None:
        """Copy the robot's state and pending commands from another world of the same robot."""
        self._data.qpos[self._qpos] = source._data.qpos[source._qpos]
        self._data.qvel[self._dofs] = source._data.qvel[source._dofs]
        self._data.ctrl[:] = source._data.ctrl
        self._pending_commands = source._pending_commands.copy()
        self._model.actuator_forcerange[:] = source._model.actuator_forcerange
        mujoco.mj_forward(self._model, self._data)

    def command(self, arm: FloatArray, hand: FloatArray) -> None:
        """Send a command to the drives; must be called once every `STEPS_PER_COMMAND` steps.

        Args:
            arm: Commanded encoder positions of the arm joints, shape (n,) [rad or m].
            hand: Commanded positions of the driven hand joints, shape (m,) [rad or m].
        """
        self._pending_commands.append(self._target(arm, hand))
        self._data.ctrl[:] = self._pending_commands.popleft()

    def _target(self, arm: FloatArray, hand: FloatArray) -> FloatArray:
        followers = hand[self._mimic_source] * self._mimic_multiplier + self._mimic_offset
        return np.concatenate([arm + self._truth.joint_offset, hand, followers])

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
        velocity = np.zeros(6)
        mujoco.mj_objectVelocity(
            self._model, self._data, mujoco.mjtObj.mjOBJ_BODY, self._object, velocity, 0
        )
        return Observation(
            object_position=frozen(self._data.xipos[self._object]),
            object_speed=float(np.linalg.norm(velocity[3:])),
            hand_height=float(self._data.xpos[self._tcp][2]),
            hand_touches=self._touch(_HAND, _OBJECT),
            object_supported=self._touch(_SUPPORT, _OBJECT),
            robot_hits_support=min(self._pairs(_MOVING, _SUPPORT, LinkPair), default=None),
            self_collision=min(self._pairs(_ROBOT, _ROBOT, LinkPair.of_robot), default=None),
        )

    @property
    def robot_touches_object(self) -> bool:
        """Whether any link of the robot touches the object."""
        return self._touch(_ROBOT, _OBJECT)

    def _touch(self, kind: int, other_kind: int) -> bool:
        return len(self._touching(kind, other_kind)) > 0

    def _pairs(
        self, kind: int, other_kind: int, pair: Callable[[str, str], LinkPair]
    ) -> list[LinkPair]:
        return [pair(*map(self._name, geoms)) for geoms in self._touching(kind, other_kind)]

    def _touching(self, kind: int, other_kind: int) -> IntArray:
        """Geoms that touch, shape (k, 2): one of a kind, and one of another kind."""
        geoms = self._data.contact.geom.reshape(-1, 2)
        first, second = self._geom_kind[geoms].T
        forward = (first & kind != 0) & (second & other_kind != 0)
        backward = (first & other_kind != 0) & (second & kind != 0)
        return np.vstack([geoms[forward], geoms[backward][:, ::-1]])

    def _name(self, geom: int) -> str:
        """Name of a geom's link; of the table and the ground, which are of no link, its own."""
        body = self._model.geom_bodyid[geom]
        named = self._model.body(body) if body else self._model.geom(geom)
        return str(named.name)
