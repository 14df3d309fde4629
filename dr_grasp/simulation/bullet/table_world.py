"""A PyBullet world of a table and an object, to let the object come to rest."""

from __future__ import annotations

import numpy as np
import pybullet as p

from dr_grasp.common.closing import Closing
from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Observation
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.objects.object_spec import ObjectSpec
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.simulation.bullet.loading import load_urdf
from dr_grasp.simulation.bullet.object_urdf import object_urdf
from dr_grasp.simulation.motors import RATE_HZ
from dr_grasp.simulation.scene import GRAVITY, GROUND_DEPTH_M, ObjectState, place_of

SOLVER_ITERATIONS = 50
"""Least iterations allowed to Bullet's constraint solver, its default; it stops when converged."""

ITERATIONS_PER_HAND_JOINT = 10
"""Solver iterations for each joint of the hand, if that makes more than `SOLVER_ITERATIONS`. With
50, coupled joints of the SIH hand, which has eleven joints, deviated by 6 mrad around an object;
with 110 by less than 1 mrad."""

LIMIT_CORRECTION = 0.8
"""Share of a joint's excess over its limit that is corrected in a step. With Bullet's default 0.2
the Franka's fingers, pressed apart with 60 N, opened 0.3 mm too far."""

FLOATING_HEIGHT_M = 0.6
"""Height above the table of the object in the saved state, where it touches nothing; a large object
that would touch the robot there is lifted by as much again, and again [m]."""

OBJECT_COLOR = (0.93, 0.45, 0.13, 1.0)
"""Red, green, blue and opacity of objects in pictures."""


class TableWorld(Closing):
    """A table and an object, without the robot.

    `start_object` brings the world into exactly the same state each time, whatever ran before: the
    saved state is without contacts, and all that `restoreState` does not restore (contacts,
    friction, mass) is cleared or set.

    Attributes:
        robot: The robot, whose specification says where the table stands.
        object: The object on the table.
        in_client: Keyword argument of PyBullet's functions that selects this world.
    """

    def __init__(self, robot: RobotSpec, obj: ObjectSpec) -> None:
        self.robot = robot
        self.object = obj
        self._client = p.connect(p.DIRECT)
        self.in_client = {"physicsClientId": self._client}
        self._weight = 0.0
        self._push = (0.0, 0.0, 0.0)
        self._weight_shift: list[float] | None = None
        self._set_engine()
        self._ground, self._table = self._add_supports()
        self._add_actors()
        self._object = self._add_object()
        self._saved = self._save_state()

    def _add_actors(self) -> None:
        """Add bodies that move, beside the object; none here."""

    def _reset_actors(self) -> None:
        """Put the bodies of `_add_actors` into their state at rest."""

    def _set_engine(self) -> None:
        hand_joints = len(self.robot.hand_force_shares)
        p.setPhysicsEngineParameter(
            fixedTimeStep=1.0 / RATE_HZ,
            numSolverIterations=max(SOLVER_ITERATIONS, ITERATIONS_PER_HAND_JOINT * hand_joints),
            erp=LIMIT_CORRECTION,
            deterministicOverlappingPairs=1,
            **self.in_client,
        )
        # Gravity acts on the object only, as a force: see `advance`. Controllers of real arms add
        # torques against gravity; here these are not subtracted from the limits of effort, which
        # favours arms whose limits include them.
        p.setGravity(0, 0, 0, **self.in_client)

    def _add_supports(self) -> tuple[int, int]:
        table = self.robot.table
        plane = p.createCollisionShape(p.GEOM_PLANE, **self.in_client)
        ground = p.createMultiBody(
            0, plane, basePosition=[0, 0, table.top_z - GROUND_DEPTH_M], **self.in_client
        )
        half = [length / 2 for length in table.size]
        box = p.createCollisionShape(p.GEOM_BOX, halfExtents=half, **self.in_client)
        visual = p.createVisualShape(
            p.GEOM_BOX, halfExtents=half, rgbaColor=[0.78, 0.7, 0.6, 1], **self.in_client
        )
        position = [*table.center_xy, table.top_z - half[2]]
        top = p.createMultiBody(0, box, visual, basePosition=position, **self.in_client)
        for body in (ground, top):
            # Contact friction is the product of both bodies' coefficients: with 1 here, only the
            # object's coefficient counts.
            p.changeDynamics(body, -1, lateralFriction=1.0, **self.in_client)
        return ground, top

    def _add_object(self) -> int:
        body = load_urdf(
            f"object {self.object.name}:",
            object_urdf(self.object),
            flags=p.URDF_USE_INERTIA_FROM_FILE,
            **self.in_client,
        )
        p.changeVisualShape(body, -1, rgbaColor=OBJECT_COLOR, **self.in_client)
        # Bullet's air drag is for numerical stability and would slow a fall.
        p.changeDynamics(body, -1, linearDamping=0.0, angularDamping=0.0, **self.in_client)
        info = p.getDynamicsInfo(body, -1, **self.in_client)
        self._inertia = np.array(info[2])
        self._inertial_in_object = Pose(frozen(info[3]), frozen(info[4]))
        return body

    def _save_state(self) -> int:
        height = self.robot.table.top_z
        floats = False
        while not floats:
            height += FLOATING_HEIGHT_M
            waiting = Pose(frozen([*self.robot.table.center_xy, height]), frozen([0, 0, 0, 1]))
            self._reset_actors()
            self._place_object(waiting)
            # One step fills Bullet's caches; the state itself is put back afterwards.
            p.stepSimulation(**self.in_client)
            # Contacts of the saved state would stay in every rollout, as the last one left them.
            floats = not p.getContactPoints(bodyA=self._object, **self.in_client)
        self._reset_actors()
        self._place_object(waiting)
        return int(p.saveState(**self.in_client))

    def close(self) -> None:
        """Free the world; may be called twice."""
        if self._client >= 0:
            p.disconnect(self._client)
            self._client = -1

    def start_object(self, object_in_base: Pose, perturbation: Perturbation) -> None:
        """Restore the saved state, with the object at rest above its place.

        Args:
            object_in_base: Where the object is believed to stand, in the base frame.
            perturbation: How place and dynamics of the object differ from the nominal scene.
        """
        p.restoreState(self._saved, **self.in_client)
        # restoreState moves the bodies but keeps the contacts of the last rollout, which would warm
        # start the solver at the next touch. Looking for contacts while there are none drops them.
        p.performCollisionDetection(**self.in_client)
        self._push = (0.0, 0.0, 0.0)
        self._set_dynamics(perturbation)
        self._place_object(place_of(self.robot, self.object, object_in_base, perturbation))

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
            **self.in_client,
        )
        # PyBullet cannot move a body's centre of mass. Instead its weight acts beside the centre:
        # exact at rest; in motion, inertia still acts at the nominal centre.
        self._weight = spec.mass * scale * GRAVITY
        self._weight_shift = None
        if np.any(perturbation.center_of_mass_m):
            turn = self._inertial_in_object.inverse()
            self._weight_shift = turn.rotate(perturbation.center_of_mass_m).tolist()

    def _place_object(self, object_in_base: Pose) -> None:
        inertial = object_in_base @ self._inertial_in_object
        position, quaternion = inertial.position.tolist(), inertial.quaternion_xyzw.tolist()
        self.object_state = ObjectState(position, quaternion, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))

    def push(self, force_in_base: FloatArray) -> None:
        """Push the object's centre of mass with a force from now on; see `World`."""
        x, y, z = force_in_base.tolist()
        self._push = (x, y, z)

    def advance(self) -> None:
        """Simulate one step of 1 / `RATE_HZ` seconds."""
        # PyBullet's own arithmetic: this runs at every step.
        place, turn = p.getBasePositionAndOrientation(self._object, **self.in_client)
        if self._weight_shift is not None:
            place, _ = p.multiplyTransforms(place, turn, self._weight_shift, (0, 0, 0, 1))
        x, y, z = self._push
        force = (x, y, z - self._weight)
        p.applyExternalForce(self._object, -1, force, place, p.WORLD_FRAME, **self.in_client)
        p.stepSimulation(**self.in_client)

    @property
    def object_state(self) -> ObjectState:
        """Pose and velocity of the object in the base frame."""
        position, quaternion = p.getBasePositionAndOrientation(self._object, **self.in_client)
        linear, angular = p.getBaseVelocity(self._object, **self.in_client)
        return ObjectState(position, quaternion, linear, angular)

    @object_state.setter
    def object_state(self, state: ObjectState) -> None:
        p.resetBasePositionAndOrientation(
            self._object, state.position, state.quaternion_xyzw, **self.in_client
        )
        p.resetBaseVelocity(self._object, state.velocity, state.turning, **self.in_client)

    def observe(self) -> Observation:
        """Observe the present state for the judge; without a robot nothing touches the object."""
        state = self.object_state
        supported = any(
            contact[9] > 0.0
            for support in (self._table, self._ground)
            for contact in p.getContactPoints(self._object, support, **self.in_client)
        )
        return Observation(
            object_position=frozen(state.position),
            object_speed=float(np.linalg.norm(state.velocity)),
            hand_height=0.0,
            hand_touches=False,
            object_supported=supported,
            robot_hits_support=None,
            self_collision=None,
        )

    def object_pose(self) -> Pose:
        """Pose of the object's frame, which is its mesh's frame, in the base frame."""
        position, quaternion = p.getBasePositionAndOrientation(self._object, **self.in_client)
        return Pose(frozen(position), frozen(quaternion)) @ self._inertial_in_object.inverse()
