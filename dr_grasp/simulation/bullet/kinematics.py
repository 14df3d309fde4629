"""A PyBullet world whose robot is put into postures, for kinematics and distances."""

from __future__ import annotations

import itertools
from collections.abc import Collection

import numpy as np
import pybullet as p
from scipy.spatial.transform import Rotation

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.errors import ModelError
from dr_grasp.robots.hand_joints import HandJoints
from dr_grasp.simulation.bullet.loading import load_urdf
from dr_grasp.simulation.bullet.table_world import TableWorld

MOST_JOINTS = 127
"""Most joints of a robot: of the link of a 128th, `getLinkState` fails in PyBullet 3.2.7."""


class RobotWorld(TableWorld):
    """A robot, a table and an object: kinematics and distances.

    Arm positions have shape (n,). Hand positions have shape (m,), for the driven joints, which the
    other joints mimic. Both are in rad or m. All poses are in the robot's base frame.

    Attributes:
        pairs_apart: Pairs of links, by Bullet's numbers, that must not touch and that the arm can
            move against each other.
    """

    def _add_actors(self) -> None:
        spec = self.robot
        self._robot = load_urdf(
            f"robot {spec.name}: {spec.model.source}, prepared as",
            spec.model.urdf,
            useFixedBase=True,
            flags=p.URDF_USE_SELF_COLLISION | p.URDF_USE_INERTIA_FROM_FILE,
            **self.in_client,
        )
        count = p.getNumJoints(self._robot, **self.in_client)
        if count > MOST_JOINTS:
            raise ModelError(
                f"robot {spec.name}: {spec.model.source}: expected at most {MOST_JOINTS} joints, "
                f"fixed ones included, which is what PyBullet can tell of, got {count}"
            )
        infos = [p.getJointInfo(self._robot, joint, **self.in_client) for joint in range(count)]
        joint_index = {info[1].decode(): info[0] for info in infos}
        self._link_index = {info[12].decode(): info[0] for info in infos}
        self._link_index[p.getBodyInfo(self._robot, **self.in_client)[0].decode()] = -1
        self._link_names = {index: name for name, index in self._link_index.items()}
        self._parents = [info[16] for info in infos]
        self._tcp = self._link_index[spec.tcp_link]
        dynamics = p.getDynamicsInfo(self._robot, self._tcp, **self.in_client)
        self._tcp_axes = Rotation.from_quat(dynamics[4])
        self._hand_links = frozenset(self._link_index[name] for name in spec.hand_links)
        self._arm = [joint_index[name] for name in spec.arm_joints]
        self._arm_axes = [infos[joint][13] for joint in self._arm]
        self._turning = np.array([infos[joint][2] == p.JOINT_REVOLUTE for joint in self._arm])
        # Solutions of inverse kinematics list the movable joints of the whole robot.
        movable = [info[0] for info in infos if info[3] >= 0]
        self._arm_in_solution = [movable.index(joint) for joint in self._arm]
        self._hand_joints = HandJoints.of(spec)
        self._hand = [joint_index[name] for name in self._hand_joints.names]
        allowed = self._allow_collisions()
        solid = [
            link
            for link in range(-1, count)
            if p.getCollisionShapeData(self._robot, link, **self.in_client)
        ]
        self.pairs_apart = [
            pair
            for pair in itertools.combinations(solid, 2)
            if pair not in allowed and self._arm_joints_between(*pair)
        ]

    def _allow_collisions(self) -> set[tuple[int, int]]:
        """Switch off the collisions that are allowed; returns the pairs of links that may touch."""
        allowed = set()
        for pair in self.robot.model.allowed_collisions:
            if pair <= self._link_index.keys() and len(pair) == 2:
                first, second = (self._link_index[name] for name in pair)
                p.setCollisionFilterPair(
                    self._robot, self._robot, first, second, 0, **self.in_client
                )
                allowed |= {(first, second), (second, first)}
        self._standing = {self._link_index[name] for name in self.robot.model.standing_links}
        for support in (self._ground, self._table):
            for link in self._standing:
                p.setCollisionFilterPair(self._robot, support, link, -1, 0, **self.in_client)
        return allowed

    def _reset_actors(self) -> None:
        self.reset_robot(self.robot.home, self.robot.hand_open)

    def reset_robot(
        self, arm: FloatArray, hand: FloatArray, arm_velocity: FloatArray | None = None
    ) -> None:
        """Put the robot into a posture, its hand at rest.

        Args:
            arm: Shape (n,), arm positions [rad or m].
            hand: Shape (m,), positions of the driven hand joints [rad or m].
            arm_velocity: Shape (n,), arm velocities [rad/s or m/s]; None at rest.
        """
        velocities = np.zeros(len(self._arm)) if arm_velocity is None else arm_velocity
        for joint, position, velocity in zip(self._arm, arm, velocities, strict=True):
            p.resetJointState(
                self._robot, joint, float(position), float(velocity), **self.in_client
            )
        for joint, position in zip(self._hand, self._all_hand(hand), strict=True):
            p.resetJointState(self._robot, joint, position, 0.0, **self.in_client)

    def _all_hand(self, hand: FloatArray) -> list[float]:
        """Positions of all hand joints, first the driven joints, then joints that mimic them."""
        positions: list[float] = self._hand_joints.positions(hand).tolist()
        return positions

    def arm_positions(self) -> FloatArray:
        """Positions of the arm joints, shape (n,) [rad or m]."""
        states = p.getJointStates(self._robot, self._arm, **self.in_client)
        return frozen([state[0] for state in states])

    def hand_positions(self) -> FloatArray:
        """Positions of the driven hand joints, shape (m,) [rad or m]."""
        driven = self._hand[: len(self.robot.hand_joints)]
        states = p.getJointStates(self._robot, driven, **self.in_client)
        return frozen([state[0] for state in states])

    def tcp_pose(self) -> Pose:
        """Pose of the tool centre point in the base frame."""
        state = p.getLinkState(
            self._robot, self._tcp, computeForwardKinematics=True, **self.in_client
        )
        return Pose(frozen(state[4]), frozen(state[5]))

    def forward_kinematics(self, arm: FloatArray) -> Pose:
        """Pose of the tool centre point in the base frame for arm positions; moves the robot."""
        self.reset_robot(arm, self.robot.hand_open)
        return self.tcp_pose()

    def inverse_kinematics_step(self, tcp_in_base: Pose, seed: FloatArray) -> FloatArray:
        """Solve inverse kinematics once by damped least squares; moves the robot.

        Args:
            tcp_in_base: Wanted pose of the tool centre point.
            seed: Shape (n,), arm positions to start from [rad or m].

        Returns:
            Shape (n,), arm positions [rad or m], which may miss the pose and exceed joint limits.
        """
        self.reset_robot(seed, self.robot.hand_open)
        turn = tcp_in_base.quaternion_xyzw
        if self._tcp_axes.magnitude() > 0.0:  # else a product would only round
            # PyBullet turns the link's principal axes of inertia to where its frame is wanted.
            turn = (tcp_in_base.rotation * self._tcp_axes).as_quat()
        solution = p.calculateInverseKinematics(
            self._robot,
            self._tcp,
            tcp_in_base.position.tolist(),
            turn.tolist(),
            maxNumIterations=100,
            residualThreshold=1e-7,
            **self.in_client,
        )
        return frozen([solution[place] for place in self._arm_in_solution])

    def hits_support(self, arm: FloatArray, hand: FloatArray) -> bool:
        """Whether the robot touches the table or the ground in a posture; moves the robot.

        Args:
            arm: Shape (n,), arm positions [rad or m].
            hand: Shape (m,), positions of the driven hand joints [rad or m].
        """
        self.reset_robot(arm, hand)
        return any(
            contact[3] not in self._standing
            for support in (self._table, self._ground)
            for contact in p.getClosestPoints(self._robot, support, 0.0, **self.in_client)
        )

    def clearance(self, within: float) -> float:
        """Distance of the robot's moving links from object, table and ground [m].

        Args:
            within: Largest distance that is measured; returned if all is farther [m].
        """
        return min(
            self._distance(other, within, besides=self._standing)
            for other in (self._object, self._table, self._ground)
        )

    def object_clearance(self, within: float) -> float:
        """Distance of the robot from the object [m], at most `within`."""
        return self._distance(self._object, within)

    def self_clearance(self, within: float) -> FloatArray:
        """Distance between the links of each of `pairs_apart`, shape (pairs,) [m].

        Args:
            within: Largest distance that is measured; returned for pairs that are farther [m].
        """
        return frozen([self._distance(self._robot, within, *pair) for pair in self.pairs_apart])

    def _distance(
        self, other: int, within: float, *links: int, besides: Collection[int] = ()
    ) -> float:
        """Distance from the robot to a body, or between two links; leaves out links `besides`."""
        found = p.getClosestPoints(self._robot, other, within, *links, **self.in_client)
        distances = (float(point[8]) for point in found if point[3] not in besides)
        return min([within, *distances])

    def jacobian(self) -> FloatArray:
        """Jacobian of the tool centre point in this posture, shape (6, n): linear, then angular."""
        positions, axes = self._arm_frames()
        tcp = np.array(self.tcp_pose().position)
        turning = self._turning[:, None]
        linear = np.where(turning, np.cross(axes, tcp - positions), axes)
        return frozen(np.vstack([linear.T, np.where(turning, axes, 0.0).T]))

    def pair_levers(self, extent: float) -> FloatArray:
        """Bound how far each arm joint moves the links of `pairs_apart` against each other.

        Args:
            extent: Largest distance of any part of a link from the origin of its frame [m].

        Returns:
            Shape (pairs, n), levers in the present posture [m/rad or m/m].
        """
        joints, _ = self._arm_frames()
        levers = np.zeros((len(self.pairs_apart), len(self._arm)))
        for row, (first, second) in enumerate(self.pairs_apart):
            # The link that the arm moves farther; `combinations` lists it second.
            link = p.getLinkState(self._robot, second, **self.in_client)[4]
            reach = np.linalg.norm(np.array(link) - joints, axis=1) + extent
            between = list(self._arm_joints_between(first, second))
            levers[row, between] = np.where(self._turning, reach, 1.0)[between]
        return frozen(levers)

    def _arm_joints_between(self, first: int, second: int) -> set[int]:
        """Indices in the arm of the joints that move a link against another."""
        return self._arm_joints_before(first) ^ self._arm_joints_before(second)

    def _arm_joints_before(self, link: int) -> set[int]:
        found = set()
        while link >= 0:
            if link in self._arm:
                found.add(self._arm.index(link))
            link = self._parents[link]
        return found

    def _arm_frames(self) -> tuple[FloatArray, FloatArray]:
        """Positions [m] and axes of the arm joints in the base frame, both of shape (n, 3)."""
        states = p.getLinkStates(
            self._robot, self._arm, computeForwardKinematics=True, **self.in_client
        )
        axes = [
            p.rotateVector(state[5], axis)
            for state, axis in zip(states, self._arm_axes, strict=True)
        ]
        return frozen([state[4] for state in states]), frozen(axes)
