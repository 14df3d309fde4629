"""One PyBullet world: a robot, a table, an object.

Beside `table_world`, the only import of pybullet.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Observation
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.simulation.bullet.quiet import quiet
from dr_grasp.simulation.bullet.table_world import ObjectState, TableWorld

with quiet():  # PyBullet greets everybody who imports it
    import pybullet as p


@dataclass(frozen=True, slots=True, eq=False)
class Contacts:
    """Where the hand presses on the object at one moment, in the object's frame.

    Attributes:
        links: Shape (k,), which link of the hand does, by Bullet's number.
        points: Shape (k, 3), on the object's collision shape as Bullet has it, margin and all [m].
        normals: Shape (k, 3), unit vectors out of the object.
        depths: Shape (k,), how deep the two shapes are in each other; negative if apart [m].
        forces: Shape (k,), along the normals, all above 0 [N].
        margin: How far the shape stands out from the convex pieces that it was made of [m].
    """

    links: np.ndarray
    points: FloatArray
    normals: FloatArray
    depths: FloatArray
    forces: FloatArray
    margin: float


class BulletWorld(TableWorld):
    """A robot, a table and an object, ready for any number of rollouts.

    `start` brings the world into the same state each time, to the bit, whatever ran before.
    """

    def _add_actors(self) -> None:
        self._robot = self._add_robot()
        self.pairs_apart = self._find_pairs_apart()

    def _add_robot(self) -> int:
        spec = self.robot
        with quiet():  # it complains of links without inertia, which frames do not have
            body: int = p.loadURDF(
                str(spec.model.urdf),
                useFixedBase=True,
                flags=p.URDF_USE_SELF_COLLISION | p.URDF_USE_INERTIA_FROM_FILE,
                **self._in_client,
            )
        count = p.getNumJoints(body, **self._in_client)
        infos = [p.getJointInfo(body, joint, **self._in_client) for joint in range(count)]
        joint_index = {info[1].decode(): info[0] for info in infos}
        # Solutions of inverse kinematics list the movable joints of the whole robot.
        movable = [info[0] for info in infos if info[3] >= 0]
        self._degree_of_freedom = {joint: place for place, joint in enumerate(movable)}
        self._link_index = {info[12].decode(): info[0] for info in infos}
        self._link_index[p.getBodyInfo(body, **self._in_client)[0].decode()] = -1
        self._arm = [joint_index[name] for name in spec.arm_joints]
        self._arm_axes = [infos[joint][13] for joint in self._arm]
        self._turning = np.array([infos[joint][2] == p.JOINT_REVOLUTE for joint in self._arm])
        self._arm_forces = [limits.effort for limits in spec.arm_limits]
        self._position_gains = [self.settings.arm_position_gain] * len(self._arm)
        self._velocity_gains = [self.settings.arm_velocity_gain] * len(self._arm)
        # Which driven joint each finger motor follows, with sign and offset of its mimic tag.
        followers = spec.model.mimics
        self._hand = [joint_index[name] for name in spec.hand_joints]
        self._hand += [joint_index[mimic.joint] for mimic in followers]
        self._hand_source = [*range(len(spec.hand_joints))]
        self._hand_source += [spec.hand_joints.index(mimic.follows) for mimic in followers]
        self._hand_scale = [1.0] * len(spec.hand_joints) + [m.multiplier for m in followers]
        self._hand_offset = [0.0] * len(spec.hand_joints) + [m.offset for m in followers]
        self._hand_velocities = [
            abs(scale) * float(spec.hand_velocities[source])
            for source, scale in zip(self._hand_source, self._hand_scale, strict=True)
        ]
        self._tcp = self._link_index[spec.tcp_link]
        self._hand_links = frozenset(self._link_index[name] for name in spec.hand_links)
        for joint, inertia in zip(self._hand, spec.hand_drive_inertias, strict=True):
            self._add_drive_inertia(body, joint, float(inertia))
        for mimic in followers:
            self._couple(
                body, joint_index[mimic.follows], joint_index[mimic.joint], mimic.multiplier
            )
        self._allowed: set[tuple[int, int]] = set()
        for pair in spec.model.allowed_collisions:
            if pair <= self._link_index.keys() and len(pair) == 2:
                first, second = (self._link_index[name] for name in pair)
                p.setCollisionFilterPair(body, body, first, second, 0, **self._in_client)
                self._allowed |= {(first, second), (second, first)}
        self._standing = {self._link_index[name] for name in spec.model.standing_links}
        for support in (self._ground, self._table):
            for link in self._standing:
                p.setCollisionFilterPair(body, support, link, -1, 0, **self._in_client)
        for link in self._hand_links:
            p.changeDynamics(body, link, lateralFriction=spec.hand_friction, **self._in_client)
        return body

    def _add_drive_inertia(self, body: int, joint: int, inertia: float) -> None:
        # Bullet has no place for it but the link, in all directions; the arm hardly feels it.
        info = p.getDynamicsInfo(body, joint, **self._in_client)
        mass, diagonal = info[0], np.array(info[2])
        if p.getJointInfo(body, joint, **self._in_client)[2] == p.JOINT_PRISMATIC:
            mass += inertia
        else:
            diagonal += inertia
        p.changeDynamics(
            body, joint, mass=mass, localInertiaDiagonal=diagonal.tolist(), **self._in_client
        )

    def _couple(self, body: int, driver: int, follower: int, multiplier: float) -> None:
        gear = p.createConstraint(
            body,
            driver,
            body,
            follower,
            jointType=p.JOINT_GEAR,
            jointAxis=[1, 0, 0],
            parentFramePosition=[0, 0, 0],
            childFramePosition=[0, 0, 0],
            **self._in_client,
        )
        p.changeConstraint(
            gear,
            gearRatio=-multiplier,
            erp=self.settings.mimic_correction,
            maxForce=self.settings.mimic_force,
            **self._in_client,
        )

    def _reset_actors(self) -> None:
        self.reset_robot(self.robot.home, self.robot.hand_open)

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
            object_in_base: Where the object is believed to stand.
            perturbation: What differs from that belief.
            arm: Shape (n,), arm positions at the start [rad or m].
            hand: Shape (m,), hand positions at the start [rad or m].
            arm_velocity: Shape (n,), likewise [rad/s or m/s]; None at rest.
            object_state: Where the object is by now; None above its place.
        """
        self._restore(perturbation)
        self.reset_robot(arm, hand)
        if arm_velocity is not None:
            for joint, q, v in zip(self._arm, arm, arm_velocity, strict=True):
                p.resetJointState(self._robot, joint, float(q), float(v), **self._in_client)
        self.drive(arm.tolist(), [0.0] * len(self._arm))
        self.command_hand(hand, self.robot.hand_force)
        if object_state is None:
            self._place_object(self._believed(object_in_base, perturbation))
        else:
            self.object_state = object_state

    def reset_robot(self, arm: FloatArray, hand: FloatArray) -> None:
        """Put the robot into a posture, at rest.

        Args:
            arm: Shape (n,) [rad or m].
            hand: Shape (m,), driven joints [rad or m].
        """
        for joint, position in zip(
            [*self._arm, *self._hand], [*arm, *self._all_hand(hand)], strict=True
        ):
            p.resetJointState(self._robot, joint, float(position), 0.0, **self._in_client)

    def _all_hand(self, hand: FloatArray) -> list[float]:
        return [
            float(scale * hand[source] + offset)
            for source, scale, offset in zip(
                self._hand_source, self._hand_scale, self._hand_offset, strict=True
            )
        ]

    def motor_targets(
        self, positions: FloatArray, velocities: FloatArray
    ) -> list[tuple[list[float], list[float]]]:
        """What `drive` is to be told at each of t steps.

        Args:
            positions: Shape (t, n), where the joints should be after the step [rad or m].
            velocities: Shape (t, n), fed forward [rad/s or m/s].
        """
        # The motor adds the velocity to what it makes of the position error where the step begins;
        # aiming at where the step ends would count the step twice, and the arm run ahead by one.
        aims = positions - velocities / self.settings.rate_hz
        return list(zip(aims.tolist(), velocities.tolist(), strict=True))

    def drive(self, aims: Sequence[float], velocities: Sequence[float]) -> None:
        """Set the targets of the arm's motors; they stay until set again.

        Args:
            aims: n numbers, see `motor_targets` [rad or m].
            velocities: n numbers [rad/s or m/s].
        """
        p.setJointMotorControlArray(
            self._robot,
            self._arm,
            p.POSITION_CONTROL,
            targetPositions=aims,
            targetVelocities=velocities,
            forces=self._arm_forces,
            positionGains=self._position_gains,
            velocityGains=self._velocity_gains,
            **self._in_client,
        )

    def command_hand(self, positions: FloatArray, force: float) -> None:
        """Set the targets of the hand's motors; they stay until set again.

        Args:
            positions: Shape (m,), driven joints [rad or m]; joints that mimic follow.
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
                **self._in_client,
            )

    def observe(self) -> Observation:
        """What the judge needs to know of this moment."""
        touches = hits_support = self_collision = False
        for contact in p.getContactPoints(bodyA=self._robot, **self._in_client):
            if contact[9] <= 0.0:  # near, but no normal force: Bullet reports these too
                continue
            other = contact[2]
            if other == self._object:
                touches |= contact[3] in self._hand_links
            elif other == self._robot:
                self_collision = True
            else:
                hits_support = True
        return replace(
            super().observe(),
            hand_height=self.tcp_position()[2],
            hand_touches=touches,
            robot_hits_support=hits_support,
            self_collision=self_collision,
        )

    def touch_in_object(self) -> FloatArray | None:
        """Where the hand touches the object: middle of the contacts in the object's frame, (3,)."""
        points = self.hand_contacts().points
        return frozen(points.mean(axis=0)) if len(points) else None

    def hand_contacts(self) -> Contacts:
        """Where the hand presses on the object, as of the last step."""
        found = [
            contact
            for contact in p.getContactPoints(self._robot, self._object, **self._in_client)
            if contact[9] > 0.0 and contact[3] in self._hand_links
        ]
        base_in_object = self.object_pose().inverse()
        points, normals = (
            np.array([contact[field] for contact in found]).reshape(-1, 3) for field in (6, 7)
        )
        return Contacts(
            links=np.array([contact[3] for contact in found], dtype=np.int64),
            points=frozen(base_in_object.apply(points)),
            normals=frozen(base_in_object.rotate(normals)),
            depths=frozen([-contact[8] for contact in found]),
            forces=frozen([contact[9] for contact in found]),
            margin=float(p.getDynamicsInfo(self._object, -1, **self._in_client)[11]),
        )

    def tcp_position(self) -> tuple[float, float, float]:
        """Tool centre point in the base frame [m]."""
        x, y, z = p.getLinkState(self._robot, self._tcp, **self._in_client)[4]
        return x, y, z

    def tcp_pose(self) -> Pose:
        """Frame of the tool centre point in the base frame."""
        state = p.getLinkState(
            self._robot, self._tcp, computeForwardKinematics=True, **self._in_client
        )
        return Pose(frozen(state[4]), frozen(state[5]))

    def arm_positions(self) -> FloatArray:
        """Arm joint positions, shape (n,) [rad or m]."""
        states = p.getJointStates(self._robot, self._arm, **self._in_client)
        return frozen([state[0] for state in states])

    def hand_positions(self) -> FloatArray:
        """Positions of the driven hand joints, shape (m,) [rad or m]."""
        driven = self._hand[: len(self.robot.hand_joints)]
        states = p.getJointStates(self._robot, driven, **self._in_client)
        return frozen([state[0] for state in states])

    def forward_kinematics(self, arm: FloatArray) -> Pose:
        """Tool centre point in the base frame for arm positions of shape (n,); moves the robot."""
        self.reset_robot(arm, self.robot.hand_open)
        return self.tcp_pose()

    def clearance(self, within: float) -> float:
        """How far the robot's moving links are from object, table and ground [m].

        Args:
            within: Farther is as good as infinitely far [m].
        """
        return min(
            self._distance(other, within, besides=self._standing)
            for other in (self._object, self._table, self._ground)
        )

    def object_clearance(self, within: float) -> float:
        """How far the robot is from the object [m]; at most `within`."""
        return self._distance(self._object, within)

    def self_clearance(self, within: float) -> FloatArray:
        """How far the links of each of `pairs_apart` are from each other, shape (pairs,) [m].

        Args:
            within: Farther is as good as infinitely far [m].
        """
        return frozen([self._distance(self._robot, within, *pair) for pair in self.pairs_apart])

    def _distance(
        self, other: int, within: float, *links: int, besides: Collection[int] = ()
    ) -> float:
        """From the robot to a body, or between two links; some links of the robot do not count."""
        found = p.getClosestPoints(self._robot, other, within, *links, **self._in_client)
        return min([within, *(point[8] for point in found if point[3] not in besides)])

    def _find_pairs_apart(self) -> list[tuple[int, int]]:
        """Links that must not touch, and of which the arm moves one against the other."""
        count = p.getNumJoints(self._robot, **self._in_client)
        self._parents = [
            p.getJointInfo(self._robot, joint, **self._in_client)[16] for joint in range(count)
        ]
        solid = [
            link
            for link in range(-1, count)
            if p.getCollisionShapeData(self._robot, link, **self._in_client)
        ]
        return [
            pair
            for pair in itertools.combinations(solid, 2)
            if pair not in self._allowed and self._arm_joints_between(*pair)
        ]

    def _arm_joints_between(self, first: int, second: int) -> set[int]:
        """Places of the arm joints that move one link against another."""
        return set(self._arm_joints_before(first)) ^ set(self._arm_joints_before(second))

    def _arm_joints_before(self, link: int) -> list[int]:
        found = []
        while link >= 0:
            if link in self._arm:
                found.append(self._arm.index(link))
            link = self._parents[link]
        return found

    def jacobian(self) -> FloatArray:
        """Of the tool centre point as the robot is, shape (6, n): linear, then angular."""
        positions, axes = self._arm_frames()
        tcp = np.array(self.tcp_pose().position)
        turning = self._turning[:, None]
        linear = np.where(turning, np.cross(axes, tcp - positions), axes)
        return frozen(np.vstack([linear.T, np.where(turning, axes, 0.0).T]))

    def pair_levers(self, extent: float) -> FloatArray:
        """How far an arm joint moves two of `pairs_apart` against each other at most, as it is.

        Args:
            extent: How far a link's matter is from its frame at most [m].

        Returns:
            Shape (pairs, n) [m/rad or m/m].
        """
        joints, _ = self._arm_frames()
        levers = np.zeros((len(self.pairs_apart), len(self._arm)))
        for row, (first, second) in enumerate(self.pairs_apart):
            # The one that is carried farther: combinations list it second.
            link = p.getLinkState(self._robot, second, **self._in_client)[4]
            reach = np.linalg.norm(np.array(link) - joints, axis=1) + extent
            between = list(self._arm_joints_between(first, second))
            levers[row, between] = np.where(self._turning, reach, 1.0)[between]
        return frozen(levers)

    def _arm_frames(self) -> tuple[FloatArray, FloatArray]:
        """Places and axes of the arm joints in the base frame, both of shape (n, 3)."""
        states = p.getLinkStates(
            self._robot, self._arm, computeForwardKinematics=True, **self._in_client
        )
        axes = [
            p.rotateVector(state[5], axis)
            for state, axis in zip(states, self._arm_axes, strict=True)
        ]
        return frozen([state[4] for state in states]), frozen(axes)

    def object_in_hand(self) -> FloatArray:
        """The object's centre of mass in the frame of the tool centre point, shape (3,) [m]."""
        position, _ = p.getBasePositionAndOrientation(self._object, **self._in_client)
        state = p.getLinkState(self._robot, self._tcp, **self._in_client)
        x, turn = p.invertTransform(state[4], state[5])
        return frozen(p.multiplyTransforms(x, turn, position, (0, 0, 0, 1))[0])

    def hits_support(self, arm: FloatArray, hand: FloatArray) -> bool:
        """Whether the robot touches the table or the ground; moves the robot.

        Args:
            arm: Shape (n,) [rad or m].
            hand: Shape (m,), driven joints [rad or m].
        """
        self.reset_robot(arm, hand)
        return any(
            contact[3] not in self._standing
            for support in (self._table, self._ground)
            for contact in p.getClosestPoints(self._robot, support, 0.0, **self._in_client)
        )

    def inverse_kinematics_step(self, tcp_in_base: Pose, seed: FloatArray) -> FloatArray:
        """One solve by damped least squares from a seed; moves the robot, checks nothing.

        Args:
            tcp_in_base: Wanted pose of the tool centre point.
            seed: Shape (n,), where to start from.

        Returns:
            Shape (n,).
        """
        self.reset_robot(seed, self.robot.hand_open)
        solution = p.calculateInverseKinematics(
            self._robot,
            self._tcp,
            tcp_in_base.position.tolist(),
            tcp_in_base.quaternion_xyzw.tolist(),
            maxNumIterations=100,
            residualThreshold=1e-7,
            **self._in_client,
        )
        return frozen([solution[self._degree_of_freedom[joint]] for joint in self._arm])

    def picture(self, width: int = 640, height: int = 480) -> np.ndarray:
        """Render the scene on the CPU.

        Returns:
            Shape (height, width, 3), uint8, RGB.
        """
        x, y = self.robot.object_xy
        target = [x - 0.1, y, self.robot.table.top_z + 0.3]
        view = p.computeViewMatrixFromYawPitchRoll(target, 1.1, 55, -18, 0, 2)
        projection = p.computeProjectionMatrixFOV(45, width / height, 0.05, 5.0)
        _, _, pixels, _, _ = p.getCameraImage(
            width,
            height,
            view,
            projection,
            lightDirection=[0.6, -0.6, 1.0],
            renderer=p.ER_TINY_RENDERER,
            **self._in_client,
        )
        return np.asarray(pixels, dtype=np.uint8).reshape(height, width, 4)[:, :, :3]


def engine_version() -> str:
    """Version of the simulator, for the record."""
    from importlib.metadata import version

    return f"pybullet {version('pybullet')}"
