"""The PyBullet world for rollouts of grasps: a robot with motors, a table and an object."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pybullet as p

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import GROUND, TABLE, LinkPair, Observation
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.simulation.bullet.kinematics import RobotWorld
from dr_grasp.simulation.bullet.table_world import TableWorld
from dr_grasp.simulation.motors import ARM_POSITION_GAIN, motor_aims
from dr_grasp.simulation.scene import Contacts, ObjectState

ARM_VELOCITY_GAIN = 1.0
"""Share of the velocity error that an arm's motor removes in a step."""

MIMIC_FORCE = 200.0
"""Largest force that couples mimic joints [N or N m]."""

MIMIC_CORRECTION = 0.8
"""Share of the error between mimic joints that is removed in a step. With 0.2 the Franka's fingers,
rigidly coupled in reality, differed by up to 4 mm."""


class BulletWorld(RobotWorld):
    """A robot, a table and an object, ready for any number of rollouts.

    `start` brings the world into exactly the same state each time, whatever ran before.
    """

    def _add_actors(self) -> None:
        super()._add_actors()
        spec = self.robot
        self._arm_forces = [limits.effort for limits in spec.arm_limits]
        self._position_gains = [ARM_POSITION_GAIN] * len(self._arm)
        self._velocity_gains = [ARM_VELOCITY_GAIN] * len(self._arm)
        self._hand_velocities: list[float] = self._hand_joints.velocities.tolist()
        for joint, inertia in zip(self._hand, spec.hand_drive_inertias, strict=True):
            self._add_drive_inertia(joint, float(inertia))
        driven = len(spec.hand_joints)
        for follower, source, mimic in zip(
            self._hand[driven:], self._hand_joints.sources[driven:], spec.model.mimics, strict=True
        ):
            self._couple(self._hand[source], follower, mimic.multiplier)
        for link in self._hand_links:
            p.changeDynamics(
                self._robot, link, lateralFriction=spec.hand_friction, **self.in_client
            )

    def _add_drive_inertia(self, joint: int, inertia: float) -> None:
        # Bullet has no drive inertia: the link gets it, in all directions. An arm hardly feels it.
        info = p.getDynamicsInfo(self._robot, joint, **self.in_client)
        mass, diagonal = info[0], np.array(info[2])
        if p.getJointInfo(self._robot, joint, **self.in_client)[2] == p.JOINT_PRISMATIC:
            mass += inertia
        else:
            diagonal += inertia
        p.changeDynamics(
            self._robot, joint, mass=mass, localInertiaDiagonal=diagonal.tolist(), **self.in_client
        )

    def _couple(self, driver: int, follower: int, multiplier: float) -> None:
        gear = p.createConstraint(
            self._robot,
            driver,
            self._robot,
            follower,
            jointType=p.JOINT_GEAR,
            jointAxis=[1, 0, 0],
            parentFramePosition=[0, 0, 0],
            childFramePosition=[0, 0, 0],
            **self.in_client,
        )
        p.changeConstraint(
            gear,
            gearRatio=-multiplier,
            erp=MIMIC_CORRECTION,
            maxForce=MIMIC_FORCE,
            **self.in_client,
        )

    def open_table(self) -> TableWorld:
        """Open a world of the same table and object, closed by the caller."""
        return TableWorld(self.robot, self.object)

    @property
    def geometry(self) -> RobotWorld:
        """Kinematics and distances in free air: this world itself."""
        return self

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
        """Set the scene for a rollout.

        Args:
            object_in_base: Where the object is believed to stand, in the base frame.
            perturbation: How place and dynamics of the object differ from the nominal scene.
            arm: Shape (n,), arm positions at the start [rad or m].
            hand: Shape (m,), hand positions at the start [rad or m].
            arm_velocity: Shape (n,), arm velocities at the start [rad/s or m/s]; None at rest.
            object_state: State of the object at the start; None to put it above its place.
        """
        self.start_object(object_in_base, perturbation)
        if object_state is not None:
            self.object_state = object_state
        self.reset_robot(arm, hand, arm_velocity)
        self.follow(arm[None], np.zeros((1, len(arm))))
        self.drive(0)
        self.command_hand(hand, self.robot.hand_force)

    def follow(self, positions: FloatArray, velocities: FloatArray) -> None:
        """Take the commands that `drive` gives to the arm's motors; see `World`."""
        self._aims = motor_aims(positions, velocities).tolist()
        self._velocities = velocities.tolist()
        moves, speeds_up = np.diff(positions, axis=0) != 0, np.diff(velocities, axis=0) != 0
        self._changes = [True, *(moves | speeds_up).any(axis=1).tolist()]
        self._driven = -1

    def drive(self, command: int) -> None:
        """Give the arm's motors a command by its index; it holds until the next one."""
        follows, self._driven = self._driven == command - 1, command
        if follows and not self._changes[command]:
            return  # motors keep their targets
        p.setJointMotorControlArray(
            self._robot,
            self._arm,
            p.POSITION_CONTROL,
            targetPositions=self._aims[command],
            targetVelocities=self._velocities[command],
            forces=self._arm_forces,
            positionGains=self._position_gains,
            velocityGains=self._velocity_gains,
            **self.in_client,
        )

    def command_hand(self, positions: FloatArray, force: float) -> None:
        """Set the targets of the hand's motors; they stay until set again.

        Args:
            positions: Shape (m,), targets of the driven joints [rad or m]; mimic joints follow.
            force: Largest force or torque of each drive [N or N m].
        """
        forces = (force * self.robot.hand_force_shares).tolist()
        for joint, position, velocity, limit in zip(
            self._hand, self._all_hand(positions), self._hand_velocities, forces, strict=True
        ):
            p.setJointMotorControl2(
                self._robot,
                joint,
                p.POSITION_CONTROL,
                targetPosition=position,
                force=limit,
                maxVelocity=velocity,
                **self.in_client,
            )

    def observe(self) -> Observation:
        """Observe the present state for the judge."""
        touches = False
        hits: list[LinkPair] = []
        collisions: list[LinkPair] = []
        for contact in p.getContactPoints(bodyA=self._robot, **self.in_client):
            if contact[9] <= 0.0:  # without normal force: Bullet reports near shapes as well
                continue
            other = contact[2]
            if other == self._object:
                touches |= contact[3] in self._hand_links
            elif other == self._robot:
                first, second = (self._link_names[link] for link in contact[3:5])
                collisions.append(LinkPair.of_robot(first, second))
            else:
                support = TABLE if other == self._table else GROUND
                hits.append(LinkPair(self._link_names[contact[3]], support))
        return replace(
            super().observe(),
            hand_height=p.getLinkState(self._robot, self._tcp, **self.in_client)[4][2],
            hand_touches=touches,
            robot_hits_support=min(hits, default=None),
            self_collision=min(collisions, default=None),
        )

    def hand_contacts(self) -> Contacts:
        """Contacts of the hand with the object in the last step, with a normal force."""
        found = [
            contact
            for contact in p.getContactPoints(self._robot, self._object, **self.in_client)
            if contact[9] > 0.0 and contact[3] in self._hand_links
        ]
        base_in_object = self.object_pose().inverse()
        points, normals = (
            np.array([contact[field] for contact in found]).reshape(-1, 3) for field in (6, 7)
        )
        return Contacts(
            links=tuple(self._link_names[contact[3]] for contact in found),
            points=frozen(base_in_object.apply(points)),
            normals=frozen(base_in_object.rotate(normals)),
            depths=frozen([-contact[8] for contact in found]),
            forces=frozen([contact[9] for contact in found]),
            margin=float(p.getDynamicsInfo(self._object, -1, **self.in_client)[11]),
        )

    def object_in_hand(self) -> FloatArray:
        """Position of the centre of mass in the frame of the tool centre point, shape (3,) [m]."""
        position, _ = p.getBasePositionAndOrientation(self._object, **self.in_client)
        state = p.getLinkState(self._robot, self._tcp, **self.in_client)
        x, turn = p.invertTransform(state[4], state[5])
        return frozen(p.multiplyTransforms(x, turn, position, (0, 0, 0, 1))[0])
