"""The MuJoCo world for rollouts of grasps: a robot with motors, a table and an object."""

from __future__ import annotations

import mujoco
import numpy as np

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.objects.object_spec import ObjectSpec
from dr_grasp.robots.hand_joints import HandJoints
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.simulation.bullet.kinematics import RobotWorld
from dr_grasp.simulation.motors import ARM_POSITION_GAIN, RATE_HZ, motor_aims
from dr_grasp.simulation.mujoco.drives import tune_hand
from dr_grasp.simulation.mujoco.model import moving_joints
from dr_grasp.simulation.mujoco.settings import ModelSettings
from dr_grasp.simulation.mujoco.table_world import MujocoTableWorld
from dr_grasp.simulation.mujoco.touches import HAND, OBJECT, ROBOT
from dr_grasp.simulation.scene import Contacts, ObjectState


class MujocoWorld(MujocoTableWorld):
    """A robot, a table and an object, ready for any number of rollouts; see `World`."""

    _with_robot = True

    def __init__(
        self, robot: RobotSpec, obj: ObjectSpec, settings: ModelSettings | None = None
    ) -> None:
        """Build the world; see `MujocoTableWorld`."""
        joints, arm = moving_joints(robot), len(robot.arm_joints)
        self._arm, self._hand = slice(0, arm), slice(arm, len(joints))
        self._hand_joints = HandJoints.of(robot)
        self._reach = self._hand_joints.velocities / RATE_HZ
        self._hand_now: FloatArray = np.zeros(len(joints) - arm)
        self._hand_goal: FloatArray = self._hand_now
        self._geometry: RobotWorld | None = None
        super().__init__(robot, obj, settings)
        kinds = np.array(self._touches.kinds)
        self._object_geoms = np.flatnonzero(kinds & OBJECT)
        self._robot_geoms = np.flatnonzero(kinds & ROBOT)
        self._tcp = int(self._model.body(robot.tcp_link).id)

    def _set_drives(self) -> None:
        robot, model, data = self.robot, self._model, self._data
        joints = moving_joints(robot)
        self._qpos = np.array([model.joint(name).qposadr[0] for name in joints])
        self._dofs = np.array([model.joint(name).dofadr[0] for name in joints])
        data.qpos[self._qpos] = np.concatenate(
            [robot.home, self._hand_joints.positions(robot.hand_open)]
        )
        # A joint whose velocity is u - rate * q comes nearer to u / rate by `ARM_POSITION_GAIN` in
        # the time of a command, in steps by Euler's implicit method, as MuJoCo's.
        left_by_step = (1.0 - ARM_POSITION_GAIN) ** (1.0 / self._substeps)
        self._rate = (1.0 / left_by_step - 1.0) / self._settings.timestep_s
        inertias = tune_hand(model, data, robot, self._settings)
        arm = len(robot.arm_joints)
        damping = inertias[:arm] / self._settings.arm_lag_s
        model.actuator_gainprm[:arm, 0] = damping
        model.actuator_biasprm[:arm, 1] = -damping * self._rate
        model.actuator_biasprm[:arm, 2] = -damping
        efforts = np.array([limits.effort for limits in robot.arm_limits])
        model.actuator_forcelimited[:arm] = 1
        model.jnt_actfrclimited[[model.joint(name).id for name in robot.arm_joints]] = 0
        model.actuator_forcerange[:arm] = np.stack([-efforts, efforts], axis=1)

    def close(self) -> None:
        """Free the world; may be called twice."""
        super().close()
        if self._geometry is not None:
            self._geometry.close()

    def open_table(self) -> MujocoTableWorld:
        """Open a world of the same table and object, closed by the caller."""
        return MujocoTableWorld(self.robot, self.object, self._settings)

    @property
    def geometry(self) -> RobotWorld:
        """Kinematics and distances in free air, in PyBullet; closed with this world."""
        if self._geometry is None:
            self._geometry = RobotWorld(self.robot, self.object)
        return self._geometry

    def start(
        self,
        object_in_base: Pose,
        perturbation: Perturbation,
        arm: FloatArray,
        hand: FloatArray,
        *,
        arm_velocity: FloatArray | None = None,
        object_state: ObjectState | None = None,
    ) -> None:
        """Set the scene for a rollout; see `World`."""
        self.start_object(object_in_base, perturbation)
        if object_state is not None:
            self._free.set_state(object_state, self._data)
        everything: FloatArray = self._hand_joints.positions(hand)
        self._data.qpos[self._qpos] = np.concatenate([arm, everything])
        if arm_velocity is not None:
            self._data.qvel[self._dofs[self._arm]] = arm_velocity
        self._hand_now = everything
        self.follow(arm[None], np.zeros((1, len(arm))))
        self.drive(0)
        self.command_hand(hand, self.robot.hand_force)
        mujoco.mj_kinematics(self._model, self._data)

    def follow(self, positions: FloatArray, velocities: FloatArray) -> None:
        """Take the commands that `drive` gives to the arm's motors; see `World`."""
        ahead = velocities / (RATE_HZ * ARM_POSITION_GAIN)
        # What makes the arm faster is fed forward, as controllers of arms do, lest it lag behind.
        accelerations = np.diff(velocities, axis=0, prepend=velocities[:1]) * RATE_HZ
        aims = motor_aims(positions, velocities) + ahead
        self._controls = self._rate * aims + self._settings.arm_lag_s * accelerations

    def drive(self, command: int) -> None:
        """Give the arm's motors a command by its index; it holds until the next one."""
        self._data.ctrl[self._arm] = self._controls[command]

    def command_hand(self, positions: FloatArray, force: float) -> None:
        """Set the targets of the hand's motors, which stay until set again; see `World`."""
        self._hand_goal = self._hand_joints.positions(positions)
        limits = force * self.robot.hand_force_shares
        self._model.actuator_forcerange[self._hand] = np.stack([-limits, limits], axis=1)
        self._data.ctrl[self._hand] = self._hand_now

    def advance(self) -> None:
        """Simulate the time of one command; the hand's targets move no faster than its joints."""
        if self._hand_now is not self._hand_goal:
            way = self._hand_goal - self._hand_now
            if (np.abs(way) > self._reach).any():
                step = np.clip(way, -self._reach, self._reach)
                self._hand_now = frozen(self._hand_now + step)
            else:
                self._hand_now = self._hand_goal
            self._data.ctrl[self._hand] = self._hand_now
        super().advance()

    def _hand_height(self) -> float:
        return float(self._data.xpos[self._tcp, 2])

    def arm_positions(self) -> FloatArray:
        """Positions of the arm joints, shape (n,) [rad or m]."""
        return frozen(self._data.qpos[self._qpos[self._arm]])

    def hand_positions(self) -> FloatArray:
        """Positions of the driven hand joints, shape (m,) [rad or m]."""
        return frozen(self._data.qpos[self._qpos[self._hand]][: len(self.robot.hand_joints)])

    def tcp_pose(self) -> Pose:
        """Pose of the tool centre point in the base frame."""
        place, turn = self._data.xpos[self._tcp], self._data.xquat[self._tcp]
        return Pose(frozen(place), frozen(np.roll(turn, -1)))

    def object_in_hand(self) -> FloatArray:
        """Position of the centre of mass in the frame of the tool centre point, shape (3,) [m]."""
        away = self._data.xipos[self._free.body] - self._data.xpos[self._tcp]
        return frozen(away @ self._data.xmat[self._tcp].reshape(3, 3))

    def object_clearance(self, within: float) -> float:
        """Distance of the robot from the object [m], at most `within`."""
        model, data, nearest = self._model, self._data, within
        places, radii = data.geom_xpos, model.geom_rbound
        between = places[self._robot_geoms, None] - places[None, self._object_geoms]
        least = np.linalg.norm(between, axis=2)
        least -= radii[self._robot_geoms, None] + radii[None, self._object_geoms]
        for index in np.argsort(least, axis=None):
            row, column = divmod(int(index), len(self._object_geoms))
            if least[row, column] >= nearest:
                break
            pair = self._robot_geoms[row], self._object_geoms[column]
            nearest = min(nearest, mujoco.mj_geomDistance(model, data, *pair, nearest, None))
        return float(max(0.0, nearest))

    def hand_contacts(self) -> Contacts:
        """Contacts of the hand with the object in the last step, with a normal force."""
        kinds, names = self._touches.kinds, self._touches.names
        links, points, normals, depths, forces = [], [], [], [], []
        wrench = np.zeros(6)
        for index, (first, second) in enumerate(self._data.contact.geom.tolist()):
            both = kinds[first] | kinds[second]
            if not (both & OBJECT and both & HAND):
                continue
            contact = self._data.contact[index]
            mujoco.mj_contactForce(self._model, self._data, index, wrench)
            if wrench[0] <= 0.0:
                continue
            # The normal points from the first to the second; the point lies midway.
            outwards = contact.frame[:3] * (1.0 if kinds[first] & OBJECT else -1.0)
            links.append(names[second if kinds[first] & OBJECT else first])
            points.append(contact.pos - outwards * contact.dist / 2.0)
            normals.append(outwards.copy())
            depths.append(-contact.dist)
            forces.append(wrench[0])
        base_in_object = self.object_pose().inverse()
        return Contacts(
            links=tuple(links),
            points=frozen(base_in_object.apply(np.array(points).reshape(-1, 3))),
            normals=frozen(base_in_object.rotate(np.array(normals).reshape(-1, 3))),
            depths=frozen(depths),
            forces=frozen(forces),
            margin=0.0,
        )
