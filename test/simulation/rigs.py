"""The same experiments in every engine and the twin: forces act on a block, and are measured."""

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Protocol

import mujoco
import numpy as np
import pybullet as p

from dr_grasp.core.arrays import frozen
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.robots.forward_kinematics import link_in_base
from dr_grasp.simulation.bullet.world import BulletWorld
from dr_grasp.simulation.motors import RATE_HZ
from dr_grasp.simulation.mujoco.dynamics import ObjectDynamics
from dr_grasp.simulation.mujoco.world import MujocoWorld
from dr_grasp.twin import mujoco_world
from dr_grasp.twin.mujoco_world import MujocoTwinWorld
from dr_grasp.twin.world import ARM_BANDWIDTH, CONTROL_RATE_HZ

GRAVITY = 9.81

TRUE = ObjectDynamics()


@dataclass(frozen=True)
class Touch:
    """A contact of a link with the block, in the base frame: where, and the force on the link."""

    link: str
    point: np.ndarray
    force: np.ndarray


class Rig(Protocol):
    """One engine. Hand joints are the driven ones, then those that mimic."""

    lag_s: float
    """From a command to where the arm is, while it moves steadily."""

    largest_error: float
    """How far a joint may be from its command while the arm accelerates as planned [rad]."""

    step_s: float

    tells_friction: bool
    """Whether `touches` has forces of friction as well."""

    def start(self, arm, hand, block, weighs=True):
        """Put all in place, at rest; the hand is told to stay, with its whole force."""

    def close_hand(self, hand, force): ...

    def step(self, arm=None, arm_velocity=None, push=(0, 0, 0), hand_load=None):
        """One step: commands of the arm, a force on the block, loads on the hand's joints."""

    def weigh(self):
        """Let the block weigh something from now on."""

    def throw(self, velocity):
        """Give the block a velocity."""

    def arm(self): ...

    def hand(self): ...

    def block(self): ...

    def touches(self): ...


class BulletRig:
    """The scorer's engine."""

    tells_friction = True

    lag_s, largest_error = 0.0, 1e-3

    def __init__(self, robot, block):
        self.world = BulletWorld(robot, block)
        self.step_s = 1.0 / RATE_HZ
        self._here = self.world.in_client
        self._names = {index: name for name, index in self.world._link_index.items()}

    def start(self, arm, hand, block, weighs=True):
        self.world.start(block, Perturbation.none(), arm, hand)
        self._full_weight = self.world._weight
        if not weighs:
            self.world._weight = 0.0

    def weigh(self):
        self.world._weight = self._full_weight

    def close_hand(self, hand, force):
        self.world.command_hand(hand, force)

    def step(self, arm=None, arm_velocity=None, push=(0, 0, 0), hand_load=None):
        world = self.world
        if arm is not None:
            world.follow(arm[None], arm_velocity[None])
            world.drive(0)
        place, _ = p.getBasePositionAndOrientation(world._object, **self._here)
        p.applyExternalForce(world._object, -1, list(push), place, p.WORLD_FRAME, **self._here)
        for joint, load in zip(world._hand, [] if hand_load is None else hand_load, strict=False):
            self._load(joint, float(load))
        world.advance()

    def _load(self, joint, load):
        info = p.getJointInfo(self.world._robot, joint, **self._here)
        state = p.getLinkState(self.world._robot, joint, **self._here)
        axis = np.array(p.rotateVector(state[5], info[13])) * load
        if info[2] == p.JOINT_PRISMATIC:
            p.applyExternalForce(
                self.world._robot, joint, axis.tolist(), state[0], p.WORLD_FRAME, **self._here
            )
        else:
            p.applyExternalTorque(
                self.world._robot, joint, axis.tolist(), p.WORLD_FRAME, **self._here
            )

    def throw(self, velocity):
        p.resetBaseVelocity(self.world._object, list(velocity), [0, 0, 0], **self._here)

    def arm(self):
        return self.world.arm_positions()

    def hand(self):
        states = p.getJointStates(self.world._robot, self.world._hand, **self._here)
        return np.array([state[0] for state in states])

    def block(self):
        return self.world.object_pose()

    def touches(self):
        found = []
        for contact in p.getContactPoints(self.world._robot, self.world._object, **self._here):
            force = contact[9] * np.array(contact[7])
            force += contact[10] * np.array(contact[11]) + contact[12] * np.array(contact[13])
            found.append(Touch(self._names[contact[3]], np.array(contact[5]), force))
        return found

    def close(self):
        self.world.close()


class _OfMujoco:
    """What both worlds of MuJoCo have in common: how forces are applied and contacts read."""

    tells_friction = True

    def _take(self, world, body):
        self.world, self._body, self._weight = world, body, 0.0
        self._model, self._data = world._model, world._data

    def _load(self, push, hand_load):
        arm = len(self._robot.arm_joints)
        self._data.xfrc_applied[self._body, :3] = [*push[:2], push[2] + self._weight]
        if hand_load is not None:
            self._data.qfrc_applied[self.world._dofs[arm:]] = hand_load

    def throw(self, velocity):
        start = self._model.joint("object").dofadr[0]
        self._data.qvel[start : start + 6] = [*velocity, 0, 0, 0]

    def touches(self):
        found = []
        for index in range(self._data.ncon):
            contact = self._data.contact[index]
            bodies = [int(self._model.geom_bodyid[geom]) for geom in contact.geom]
            if self._body not in bodies:
                continue
            wrench = np.zeros(6)
            mujoco.mj_contactForce(self._model, self._data, index, wrench)
            # The wrench acts on the second geom, in the contact's frame, whose axes are rows.
            force = contact.frame.reshape(3, 3).T @ wrench[:3]
            other = bodies[1 - bodies.index(self._body)]
            sign = 1.0 if bodies[1] == other else -1.0
            found.append(Touch(self._model.body(other).name, contact.pos.copy(), sign * force))
        return found


class MujocoRig(_OfMujoco):
    """The scorer's second engine."""

    lag_s, largest_error = 0.0, 2e-3
    step_s = 1.0 / RATE_HZ

    def __init__(self, robot, block):
        self._robot = robot
        world = MujocoWorld(robot, block)
        self._take(world, world._free.body)

    def start(self, arm, hand, block, weighs=True):
        self.world.start(block, Perturbation.none(), arm, hand)
        self._full_weight = float(self._data.xfrc_applied[self._body, 2])
        self._weight = weighs * self._full_weight

    def weigh(self):
        self._weight = self._full_weight

    def close_hand(self, hand, force):
        self.world.command_hand(hand, force)

    def step(self, arm=None, arm_velocity=None, push=(0, 0, 0), hand_load=None):
        if arm is not None:
            self.world.follow(arm[None], arm_velocity[None])
            self.world.drive(0)
        self._load(push, hand_load)
        self.world.advance()

    def arm(self):
        return self.world.arm_positions()

    def hand(self):
        return self._data.qpos[self.world._qpos[len(self._robot.arm_joints) :]].copy()

    def block(self):
        return self.world.object_pose()

    def close(self):
        self.world.close()


class _OfTwin:
    """What both twins have in common."""

    def close_hand(self, hand, force):
        self._hand = hand
        self.world.limit_hand(force)
        self.world.command(self._arm, hand)

    def arm(self):
        return self.world.joint_positions[: len(self._robot.arm_joints)]

    def hand(self):
        return np.array(self.world.joint_positions[len(self._robot.arm_joints) :])

    def block(self):
        return self.world.object_in_base()

    def close(self):
        self.world = None


class TwinRig(_OfTwin, _OfMujoco):
    """The twin."""

    lag_s, largest_error = 2.0 / ARM_BANDWIDTH, 1e-3
    step_s = mujoco_world.TIMESTEP_S

    def __init__(self, robot, block, dynamics=TRUE):
        self._robot = robot
        world = MujocoTwinWorld(robot, block, dynamics)
        self._take(world, world._object)
        self._gravity = self._model.opt.gravity.copy()
        self._arm, self._hand = robot.home, robot.hand_open

    def start(self, arm, hand, block, weighs=True):
        self._model.opt.gravity[:] = self._gravity * weighs
        self._arm, self._hand = arm, hand
        self.world.reset(arm, hand, block, self._robot.hand_force)

    def weigh(self):
        self._model.opt.gravity[:] = self._gravity

    def step(self, arm=None, arm_velocity=None, push=(0, 0, 0), hand_load=None):
        if arm is not None:
            self._arm = arm
            self.world.command(arm, self._hand)
        self._load(push, hand_load)
        self.world.step()


class SapienTwinRig(_OfTwin):
    """The twin in PhysX."""

    lag_s, largest_error = 2.0 / ARM_BANDWIDTH, 1e-3
    step_s = 1.0 / CONTROL_RATE_HZ
    tells_friction = False

    def __init__(self, robot, block, dynamics=TRUE):
        from dr_grasp.twin.sapien.settings import SETTINGS
        from dr_grasp.twin.sapien.world import SapienTwinWorld

        self._timestep_s = SETTINGS.timestep_s
        self._robot = robot
        self.world = SapienTwinWorld(robot, block, dynamics)
        self._arm, self._hand = robot.home, robot.hand_open

    def start(self, arm, hand, block, weighs=True):
        self._arm, self._hand = arm, hand
        self.world.reset(arm, hand, block, self._robot.hand_force)
        self._body = self.world._scene.object
        self._body.disable_gravity = not weighs

    def weigh(self):
        self._body.disable_gravity = False

    def step(self, arm=None, arm_velocity=None, push=(0, 0, 0), hand_load=None):
        if arm is not None:
            self._arm = arm
            self.world.command(arm, self._hand)
        loads = np.zeros(len(self.world.joints), dtype=np.float32)
        if hand_load is not None:
            loads[self.world._order[len(self._robot.arm_joints) :]] = hand_load
        for _ in range(round(self.step_s / self._timestep_s)):
            self._body.add_force_torque(list(push), [0, 0, 0])
            self.world._scene.robot.set_qf(loads)
            self.world.step()

    def throw(self, velocity):
        self._body.set_linear_velocity(list(velocity))

    def touches(self):
        """Without friction, which PhysX does not tell."""
        found, names = [], self.world._scene.names
        for contact in self.world._scene.scene.get_contacts():
            pair = [names[shape] for shape in contact.shapes]
            if "object" not in pair:
                continue
            # The impulse acts on the first of both.
            link, sign = (pair[0], 1.0) if pair[1] == "object" else (pair[1], -1.0)
            for point in contact.points:
                force = sign * point.impulse.astype(float) / self._timestep_s
                found.append(Touch(link, point.position, force))
        return found


TWINS = {"twin": TwinRig}
if find_spec("sapien"):
    TWINS["sapien_twin"] = SapienTwinRig
RIGS = {"bullet": BulletRig, "mujoco": MujocoRig, **TWINS}


def closing_forces(robot, arm, hand, touches):
    """Generalised force of some contacts on each drive of the hand, by virtual work, shape (m,).

    Joints that mimic move with their drive; so this is what all of a drive's joints get together.
    """
    driven = np.array(hand[: len(robot.hand_joints)])
    forces, nudge = np.zeros(len(driven)), 1e-5
    for touch in touches:
        here = link_in_base(robot, touch.link, arm, frozen(driven)).inverse().apply(touch.point)
        for index in range(len(driven)):
            moved = []
            for sign in (-1.0, 1.0):
                nudged = driven.copy()
                nudged[index] += sign * nudge
                moved.append(link_in_base(robot, touch.link, arm, frozen(nudged)).apply(here))
            forces[index] += touch.force @ (moved[1] - moved[0]) / (2.0 * nudge)
    return forces


def grip_pose(robot, synergy):
    """The frame of a synergy's grip at home, and how the block lies in it: y is closed along."""
    tcp = link_in_base(robot, robot.tcp_link, robot.home, synergy.open)
    return tcp @ synergy.grip_in_tcp
