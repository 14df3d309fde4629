"""The twin's world in SAPIEN; its frame is the robot's base frame."""

from __future__ import annotations

from collections import deque

import numpy as np

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import GROUND, TABLE, LinkPair, Observation
from dr_grasp.objects.object_spec import ObjectSpec
from dr_grasp.robots.forward_kinematics import joint_positions
from dr_grasp.robots.hand_joints import HandJoints
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.simulation.mujoco.dynamics import ObjectDynamics
from dr_grasp.simulation.springs import critical_spring, hand_inertia
from dr_grasp.twin.sapien.bodies import inertias_at, link_in_body, rigid_bodies
from dr_grasp.twin.sapien.model import OBJECT, Plan, Scene, build_scene
from dr_grasp.twin.sapien.settings import SETTINGS, STEPS_PER_COMMAND
from dr_grasp.twin.sapien.shapes import from_pose, pose_of
from dr_grasp.twin.twin_profile import RobotTruth
from dr_grasp.twin.world import CONTROL_RATE_HZ

UNLIMITED = float(np.finfo(np.float32).max)


class SapienTwinWorld:
    """A `TwinWorld` in SAPIEN.

    PhysX remembers contacts and their friction from step to step. So that nothing from before a
    `reset` has an effect after it, each reset builds a new scene, which takes some 5 ms.
    """

    def __init__(
        self,
        robot: RobotSpec,
        item: ObjectSpec | None,
        object_truth: ObjectDynamics,
        robot_truth: RobotTruth | None = None,
        *,
        timestep_s: float = SETTINGS.timestep_s,
    ) -> None:
        """Build the world; see `open_twin_world`.

        Raises:
            ModelError: SAPIEN cannot read the robot or the object.
        """
        self._robot = robot
        self._hand_joints = HandJoints.of(robot)
        self.joints = (*robot.arm_joints, *self._hand_joints.names)
        self._arm_count = len(robot.arm_joints)
        bodies = rigid_bodies(robot)
        self._plan = Plan(robot, bodies, item, object_truth, timestep_s)
        self._truth = robot_truth or RobotTruth(np.zeros(self._arm_count), 0.0, 1.0)
        self._tcp_body, self._tcp_in_body = link_in_body(robot, robot.tcp_link)
        self._tune()
        anywhere = None if item is None else Pose.identity()
        self.reset(robot.home, robot.hand_open, anywhere, robot.hand_force)

    def _tune(self) -> None:
        """Choose each joint's gains from the inertia that it moves in the home posture."""
        robot = self._robot
        home = joint_positions(robot, robot.home, robot.hand_open)
        bare = inertias_at(robot, self._plan.bodies, home)
        sliding = {
            body.joint.name
            for body in self._plan.bodies
            if body.joint is not None and body.joint.kind == "prismatic"
        }
        armatures, springs = [], []
        for name in robot.arm_joints:
            inertia = bare[name] + SETTINGS.arm_armature
            armatures.append(SETTINGS.arm_armature)
            springs.append(critical_spring(inertia, SETTINGS.arm_bandwidth))
        limits = robot.hand_force * robot.hand_force_shares
        drives = zip(limits, robot.hand_drive_inertias, strict=True)
        for name, (limit, drive) in zip(self._hand_joints.names, drives, strict=True):
            inertia = hand_inertia(
                bare[name], float(drive), float(limit), name in sliding, SETTINGS.hand_bandwidth
            )
            armatures.append(inertia - bare[name])
            springs.append(critical_spring(inertia, SETTINGS.hand_bandwidth))
        self._armatures = frozen(armatures)
        self._stiffness, self._damping = frozen(springs).T

    def reset(
        self, arm: FloatArray, hand: FloatArray, object_in_base: Pose | None, hand_force: float
    ) -> None:
        """Begin anew with everything at rest; see `TwinWorld`."""
        self._scene = self._new_scene()
        order = [joint.name for joint in self._scene.robot.active_joints]
        self._order = np.array([order.index(name) for name in self.joints])
        self._drives = [self._scene.joints[name] for name in self.joints]
        self._force_limits = np.full(len(self.joints), UNLIMITED)
        self.limit_hand(hand_force)
        self._aim = self._target(arm, hand)
        delay = round(self._truth.control_delay_s * CONTROL_RATE_HZ)
        self._pending_commands = deque([self._aim] * delay)
        self._place_robot(self._scene, self._aim, np.zeros(len(self.joints)))
        self._drive()
        if object_in_base is not None:
            self._scene.object.entity.pose = pose_of(object_in_base)

    def _new_scene(self) -> Scene:
        scene = build_scene(self._plan)
        for name, armature in zip(self.joints, self._armatures, strict=True):
            scene.joints[name].armature = np.array([armature])
        return scene

    def _place_robot(self, scene: Scene, positions: FloatArray, velocities: FloatArray) -> None:
        ordered = np.empty((2, len(self.joints)), dtype=np.float32)
        ordered[:, self._order] = positions, velocities
        scene.robot.set_qpos(ordered[0])
        scene.robot.set_qvel(ordered[1])

    def limit_hand(self, force: float) -> None:
        """Set the largest force [N] or torque [N m] that each hand drive is commanded to use."""
        limits = force * self._truth.gripper_force_factor * self._robot.hand_force_shares
        self._force_limits[self._arm_count :] = limits
        self._set_springs()

    def _set_springs(self) -> None:
        for index, drive in enumerate(self._drives):
            drive.set_drive_properties(
                float(self._stiffness[index]),
                float(self._damping[index]),
                float(self._force_limits[index]),
                "force",
            )

    def take_over_robot(self, source: SapienTwinWorld) -> None:
        """Copy the robot's state and pending commands from another world of the same robot."""
        positions, velocities = source._state()
        self._place_robot(self._scene, positions, velocities)
        self._pending_commands = source._pending_commands.copy()
        self._force_limits = source._force_limits.copy()
        self._aim = source._aim
        self._set_springs()
        self._drive()

    def command(self, arm: FloatArray, hand: FloatArray) -> None:
        """Send a command to the drives; must be called once before every `advance`."""
        self._pending_commands.append(self._target(arm, hand))
        self._aim = self._pending_commands.popleft()
        self._drive()

    def _drive(self) -> None:
        for drive, aim in zip(self._drives, self._aim.tolist(), strict=True):
            drive.set_drive_target(aim)

    def _target(self, arm: FloatArray, hand: FloatArray) -> FloatArray:
        return np.concatenate([arm + self._truth.joint_offset, self._hand_joints.positions(hand)])

    def advance(self, commands: int = 1) -> None:
        """Simulate the time of a number of commands."""
        self.step(commands * STEPS_PER_COMMAND)

    def step(self, steps: int = 1) -> None:
        """Simulate a number of timesteps."""
        for _ in range(steps):
            self._scene.scene.step()

    def _state(self) -> tuple[FloatArray, FloatArray]:
        """True positions and velocities of `joints`."""
        robot = self._scene.robot
        states = np.array([robot.get_qpos(), robot.get_qvel()], dtype=np.float64)
        positions, velocities = states[:, self._order]
        return positions, velocities

    @property
    def joint_positions(self) -> FloatArray:
        """Encoder positions of `joints` [rad or m]."""
        positions = self._state()[0]
        positions[: self._arm_count] -= self._truth.joint_offset
        return frozen(positions)

    @property
    def joint_velocities(self) -> FloatArray:
        """Velocities of `joints` [rad/s or m/s]."""
        return frozen(self._state()[1])

    @property
    def joint_efforts(self) -> FloatArray:
        """Efforts of the drives of `joints`, without those that carry the robot [N m or N]."""
        positions, velocities = self._state()
        efforts = self._stiffness * (self._aim - positions) - self._damping * velocities
        return frozen(np.clip(efforts, -self._force_limits, self._force_limits))

    @property
    def diverged(self) -> bool:
        """Whether the simulation has become unstable since the last reset."""
        states = [*self._state()]
        if self._scene.object is not None:
            pose = self._scene.object.entity.pose
            states += [pose.p, pose.q]
        return not all(np.isfinite(state).all() for state in states)

    def object_in_base(self) -> Pose:
        """True pose of the object's mesh frame; must not be called after the world diverged."""
        return from_pose(self._scene.object.entity.pose)

    def tcp_in_base(self) -> Pose:
        """True pose of the tool centre point in the base frame."""
        body = self._scene.links[self._tcp_body]
        return from_pose(body.entity.pose) @ self._tcp_in_body

    def observe(self) -> Observation:
        """Observe the state that an attempt is judged by."""
        body, hand_links = self._scene.object, self._robot.hand_links
        hand_touches = supported = False
        hits: list[LinkPair] = []
        collisions: list[LinkPair] = []
        for first, second in self._scene.touching():
            pair = {first, second}
            if OBJECT in pair:
                hand_touches |= not pair.isdisjoint(hand_links)
                supported |= not pair.isdisjoint((TABLE, GROUND))
            elif pair.isdisjoint((TABLE, GROUND)):
                collisions.append(LinkPair.of_robot(first, second))
            else:
                link, support = (second, first) if first in (TABLE, GROUND) else (first, second)
                hits.append(LinkPair(link, support))
        center = body.entity.pose * body.cmass_local_pose
        return Observation(
            object_position=frozen(center.p),
            object_speed=float(np.linalg.norm(body.linear_velocity)),
            hand_height=float(self.tcp_in_base().position[2]),
            hand_touches=hand_touches,
            object_supported=supported,
            robot_hits_support=min(hits, default=None),
            self_collision=min(collisions, default=None),
        )

    @property
    def robot_touches_object(self) -> bool:
        """Whether any link of the robot touches the object."""
        # PhysX finds contacts only in a step, which this world must not make.
        probe = self._new_scene()
        self._place_robot(probe, *self._state())
        probe.object.entity.pose = self._scene.object.entity.pose
        probe.scene.step()
        return any(OBJECT in pair and not {TABLE, GROUND} & {*pair} for pair in probe.touching())
