"""One PyBullet world: a robot, a table, an object. The only import of pybullet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dr_grasp.closing import Closing
from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Observation
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.objects.spec import ObjectSpec
from dr_grasp.robots.spec import RobotSpec
from dr_grasp.simulation.object_urdf import object_urdf
from dr_grasp.simulation.quiet import quiet

with quiet():  # PyBullet greets everybody who imports it
    import pybullet as p

GRAVITY = 9.81
"""Standard gravity, rounded [m/s^2]."""

CLEARANCE_M = 0.002
"""How far above the table an object starts at least; Bullet's hulls have a margin of 1 mm, and an
object that began inside it would be pushed out with a jerk."""

FLOATING_HEIGHT_M = 0.6
"""Height above the table at which the object waits in the saved state, out of everybody's way."""

GROUND_DEPTH_M = 1.0
"""How far the ground lies below the table's top."""

OBJECT_COLOR = (0.93, 0.45, 0.13, 1.0)
"""Red, green, blue and opacity of objects in pictures."""


@dataclass(frozen=True, slots=True)
class WorldSettings:
    """Numbers of the simulation.

    Attributes:
        rate_hz: Physics steps, and commands, per second.
        solver_iterations: Of Bullet's constraint solver; its default.
        arm_position_gain: Share of the position error that a joint motor removes in a step;
            Bullet's default. With feed-forward velocity the arm follows within half a milliradian.
            A stiffer motor would turn jitter of each command into shocks beyond 1 g that no real
            drive could give.
        arm_velocity_gain: Likewise for velocity.
        mimic_force: Largest force that couples mimic joints [N or N m].
        mimic_correction: Share of the error between mimic joints that is removed in a step. With
            0.2 the Franka's fingers, rigidly coupled in reality, differed by up to 4 mm.
    """

    rate_hz: float = 240.0
    solver_iterations: int = 50
    arm_position_gain: float = 0.1
    arm_velocity_gain: float = 1.0
    mimic_force: float = 200.0
    mimic_correction: float = 0.8


class BulletWorld(Closing):
    """A robot, a table and an object, ready for any number of rollouts.

    `start` brings the world into the same state each time, to the bit, whatever ran before: the
    saved state is one without contacts, and all that `restoreState` leaves alone (contacts,
    friction, mass, motors) is cleared or set explicitly.
    """

    def __init__(
        self, robot: RobotSpec, obj: ObjectSpec, settings: WorldSettings | None = None
    ) -> None:
        """Build the world.

        Args:
            robot: The robot.
            obj: The object.
            settings: Numbers of the simulation.
        """
        self.robot = robot
        self.object = obj
        self.settings = settings or WorldSettings()
        self._client = p.connect(p.DIRECT)
        self._in_client = {"physicsClientId": self._client}
        self._weight_shift: list[float] | None = None
        self._set_engine()
        self._ground, self._table = self._add_supports()
        self._robot = self._add_robot()
        self._object = self._add_object()
        self._saved = self._save_state()

    def _set_engine(self) -> None:
        p.setPhysicsEngineParameter(
            fixedTimeStep=1.0 / self.settings.rate_hz,
            numSolverIterations=self.settings.solver_iterations,
            deterministicOverlappingPairs=1,
            **self._in_client,
        )
        p.setGravity(0, 0, -GRAVITY, **self._in_client)

    def _add_supports(self) -> tuple[int, int]:
        table = self.robot.table
        plane = p.createCollisionShape(p.GEOM_PLANE, **self._in_client)
        ground = p.createMultiBody(
            0, plane, basePosition=[0, 0, table.top_z - GROUND_DEPTH_M], **self._in_client
        )
        half = [length / 2 for length in table.size]
        box = p.createCollisionShape(p.GEOM_BOX, halfExtents=half, **self._in_client)
        looks = p.createVisualShape(
            p.GEOM_BOX, halfExtents=half, rgbaColor=[0.78, 0.7, 0.6, 1], **self._in_client
        )
        position = [*table.center_xy, table.top_z - half[2]]
        top = p.createMultiBody(0, box, looks, basePosition=position, **self._in_client)
        for body in (ground, top):
            # Contact friction is the product of both bodies' coefficients, so that with 1 here the
            # object's own coefficient is what counts.
            p.changeDynamics(body, -1, lateralFriction=1.0, **self._in_client)
        return ground, top

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
        for mimic in followers:
            self._couple(
                body, joint_index[mimic.follows], joint_index[mimic.joint], mimic.multiplier
            )
        for pair in spec.model.allowed_collisions:
            if pair <= self._link_index.keys() and len(pair) == 2:
                first, second = (self._link_index[name] for name in pair)
                p.setCollisionFilterPair(body, body, first, second, 0, **self._in_client)
        self._standing = {self._link_index[name] for name in spec.model.standing_links}
        for support in (self._ground, self._table):
            for link in self._standing:
                p.setCollisionFilterPair(body, support, link, -1, 0, **self._in_client)
        for link in self._hand_links:
            p.changeDynamics(body, link, lateralFriction=spec.hand_friction, **self._in_client)
        return body

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

    def _add_object(self) -> int:
        body: int = p.loadURDF(
            str(object_urdf(self.object)),
            flags=p.URDF_USE_INERTIA_FROM_FILE,
            **self._in_client,
        )
        p.changeVisualShape(body, -1, rgbaColor=OBJECT_COLOR, **self._in_client)
        # Air drag in Bullet is a numerical crutch that would brake a fall.
        p.changeDynamics(body, -1, linearDamping=0.0, angularDamping=0.0, **self._in_client)
        info = p.getDynamicsInfo(body, -1, **self._in_client)
        self._inertia = np.array(info[2])
        self._inertial_in_object = Pose(frozen(info[3]), frozen(info[4]))
        return body

    def _save_state(self) -> int:
        # One step fills Bullet's caches; the state itself is put back afterwards.
        for step in (True, False):
            self._reset_robot(self.robot.home, self.robot.hand_open)
            self._place_object(self._waiting_pose())
            if step:
                p.stepSimulation(**self._in_client)
        return int(p.saveState(**self._in_client))

    def _waiting_pose(self) -> Pose:
        height = self.robot.table.top_z + FLOATING_HEIGHT_M
        return Pose(frozen([*self.robot.table.center_xy, height]), frozen([0, 0, 0, 1]))

    def close(self) -> None:
        """Free the world; may be called twice."""
        if self._client >= 0:
            p.disconnect(self._client)
            self._client = -1

    def start(
        self,
        object_in_base: Pose,
        perturbation: Perturbation,
        arm: FloatArray,
        hand: FloatArray,
    ) -> None:
        """Set the scene for a rollout.

        Args:
            object_in_base: Where the object is believed to stand.
            perturbation: What differs from that belief.
            arm: Shape (n,), arm positions at the start [rad or m].
            hand: Shape (m,), hand positions at the start [rad or m].
        """
        p.restoreState(self._saved, **self._in_client)
        # restoreState moves the bodies and leaves the contacts of the rollout before, which warm
        # start the solver at the next touch. Looking for contacts while there are none drops them.
        p.performCollisionDetection(**self._in_client)
        self._set_dynamics(perturbation)
        self._reset_robot(arm, hand)
        self.command_arm(arm.tolist(), [0.0] * len(self._arm))
        self.command_hand(hand, self.robot.hand_force)
        pose = object_in_base.perturbed(perturbation.translation_m, perturbation.rotation_rpy_rad)
        self._place_object(self._above_table(pose))

    def _set_dynamics(self, perturbation: Perturbation) -> None:
        spec, scale = self.object, perturbation.mass_scale
        rolling, spinning = perturbation.rolling_friction, perturbation.spinning_friction
        p.changeDynamics(
            self._object,
            -1,
            mass=spec.mass * scale,
            localInertiaDiagonal=(self._inertia * scale).tolist(),
            lateralFriction=spec.lateral_friction * perturbation.lateral_friction_scale,
            rollingFriction=spec.rolling_friction if rolling is None else rolling,
            spinningFriction=spec.spinning_friction if spinning is None else spinning,
            **self._in_client,
        )
        # PyBullet cannot move a body's centre of mass. Its weight is moved instead: a torque of
        # shift x weight at each step. Exact at rest, and but for the inertia of motion otherwise.
        self._weight = spec.mass * scale * GRAVITY
        self._weight_shift = None
        if np.any(perturbation.center_of_mass_m):
            turn = self._inertial_in_object.inverse()
            self._weight_shift = turn.rotate(perturbation.center_of_mass_m).tolist()

    def _above_table(self, pose: Pose) -> Pose:
        lowest = self.object.lowest_point(pose.rotation.as_matrix())
        height = max(float(pose.position[2]), self.robot.table.top_z + CLEARANCE_M - lowest)
        return Pose(frozen([*pose.position[:2], height]), pose.quaternion_xyzw)

    def _place_object(self, object_in_base: Pose) -> None:
        inertial = object_in_base @ self._inertial_in_object
        p.resetBasePositionAndOrientation(
            self._object,
            inertial.position.tolist(),
            inertial.quaternion_xyzw.tolist(),
            **self._in_client,
        )
        p.resetBaseVelocity(self._object, [0, 0, 0], [0, 0, 0], **self._in_client)

    def _reset_robot(self, arm: FloatArray, hand: FloatArray) -> None:
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

    def command_arm(self, positions: Sequence[float], velocities: Sequence[float]) -> None:
        """Set the targets of the arm's motors; they stay until set again.

        Args:
            positions: n numbers, where the joints should be after one step [rad or m].
            velocities: n numbers, fed forward [rad/s or m/s].
        """
        rate = self.settings.rate_hz
        # The motor adds the velocity to what it makes of the position error where the step begins;
        # aiming at where the step ends would count the step twice, and the arm run ahead by one.
        aims = [q - v / rate for q, v in zip(positions, velocities, strict=True)]
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

    def advance(self) -> None:
        """Simulate one step."""
        if self._weight_shift is not None:
            self._apply_weight_shift()
        p.stepSimulation(**self._in_client)

    def _apply_weight_shift(self) -> None:
        # PyBullet's own arithmetic: this runs at every step.
        _, turn = p.getBasePositionAndOrientation(self._object, **self._in_client)
        x, y, _ = p.rotateVector(turn, self._weight_shift)
        torque = [-self._weight * y, self._weight * x, 0.0]
        p.applyExternalTorque(self._object, -1, torque, p.WORLD_FRAME, **self._in_client)

    def observe(self) -> Observation:
        """What the judge needs to know of this moment."""
        position, _ = p.getBasePositionAndOrientation(self._object, **self._in_client)
        velocity, _ = p.getBaseVelocity(self._object, **self._in_client)
        touches = supported = hits_support = self_collision = False
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
        for support in (self._table, self._ground):
            contacts = p.getContactPoints(self._object, support, **self._in_client)
            supported |= any(contact[9] > 0.0 for contact in contacts)
        return Observation(
            object_position=frozen(position),
            object_speed=float(np.linalg.norm(velocity)),
            hand_height=self.tcp_position()[2],
            hand_touches=touches,
            object_supported=supported,
            robot_hits_support=hits_support,
            self_collision=self_collision,
        )

    def touch_in_object(self) -> FloatArray | None:
        """Where the hand touches the object: middle of the contacts in the object's frame, (3,)."""
        points = [
            contact[6]
            for contact in p.getContactPoints(self._robot, self._object, **self._in_client)
            if contact[9] > 0.0 and contact[3] in self._hand_links
        ]
        if not points:
            return None
        return frozen(self.object_pose().inverse().apply(points).mean(axis=0))

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

    def object_pose(self) -> Pose:
        """The object's frame (that of its mesh) in the base frame."""
        position, quaternion = p.getBasePositionAndOrientation(self._object, **self._in_client)
        return Pose(frozen(position), frozen(quaternion)) @ self._inertial_in_object.inverse()

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
        self._reset_robot(arm, self.robot.hand_open)
        return self.tcp_pose()

    def hits_support(self, arm: FloatArray, hand: FloatArray) -> bool:
        """Whether the robot touches the table or the ground; moves the robot.

        Args:
            arm: Shape (n,) [rad or m].
            hand: Shape (m,), driven joints [rad or m].
        """
        self._reset_robot(arm, hand)
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
        self._reset_robot(seed, self.robot.hand_open)
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
