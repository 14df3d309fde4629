"""The twin's world: the same arm, table and object as the scorer's, in MuJoCo.

The only file that imports mujoco. The world's frame is the robot's base frame.
"""

from __future__ import annotations

import logging
from typing import Any

import mujoco
import numpy as np

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Observation
from dr_grasp.errors import ModelError
from dr_grasp.objects.object_spec import ObjectSpec
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.twin.twin_profile import ObjectTruth

TIMESTEP_S = 0.002
GROUND_BELOW_TABLE_M = 1.0

ARM_BANDWIDTH = 100.0
"""Natural frequency of each critically damped arm joint [rad/s]; it lags by 2 / this, 20 ms."""

ARM_ARMATURE = 0.1
"""Inertia of rotor and gear seen at an arm joint [kg m^2, or kg where it slides]."""

HAND_BANDWIDTH = 250.0
"""Natural frequency of a hand joint [rad/s]; at this timestep twice as much would not be stable."""

HAND_FULL_FORCE_M = 0.002
HAND_FULL_FORCE_RAD = 0.02
"""Error of a hand joint at which it presses with all its force: less than a thin wall."""

SOLREF = (0.006, 1.0)
"""Time constant [s], at least two timesteps, and damping ratio of contacts."""

RIGID_STEPS = 2.0
RIGID_SOLIMP = (0.999, 0.9999, 0.001, 0.5, 2.0)
"""Couplings and limits of the hand's joints: a time constant of so many steps, which is as stiff as
can be, and their impedance. With those of contacts, coupled tips parted by 0.3 mm while closing."""

LIMIT_DAMPING = 2.0
"""Damping ratio of these limits: with 1, a finger pressed against one bounced for ever."""

# Warnings would otherwise go to MUJOCO_LOG.TXT in the current folder; `diverged` tells of them.
mujoco.set_mju_user_warning(logging.getLogger(__name__).debug)

_SUPPORT, _OBJECT, _HAND, _MOVING, _ROBOT = (1 << bit for bit in range(5))


class MujocoWorld:
    """A robot on its table with one object. After `reset` nothing of what went before remains."""

    def __init__(
        self,
        robot: RobotSpec,
        item: ObjectSpec | None,
        truth: ObjectTruth,
        timestep_s: float = TIMESTEP_S,
    ) -> None:
        """Build the world.

        Args:
            robot: The robot.
            item: The object; None for an empty table, of which nothing about an object may be
                asked.
            truth: How the object differs from its model.
            timestep_s: Of each step.

        Raises:
            ModelError: MuJoCo cannot read the robot or the object.
        """
        mimics = robot.model.mimics
        self.joints = (*robot.arm_joints, *robot.hand_joints, *(m.joint for m in mimics))
        self._arm_count = len(robot.arm_joints)
        self._hand_force_shares = robot.hand_force_shares
        self._mimic_source = [robot.hand_joints.index(m.follows) for m in mimics]
        self._mimic_multiplier = np.array([m.multiplier for m in mimics])
        self._mimic_offset = np.array([m.offset for m in mimics])
        try:
            spec = _robot_spec(robot, timestep_s)
            spec.option.timestep = timestep_s
            _add_scene(spec, robot, item, truth)
            self._model = spec.compile()
        except ValueError as error:
            text = " ".join(str(error).split())
            what = "an empty table" if item is None else item.name
            raise ModelError(f"{robot.name} with {what}: MuJoCo refuses: {text}") from error
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
        self._tune(robot)

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
        """Choose each joint's gains from the inertia it moves in the home posture."""
        anywhere = None if self._object < 0 else Pose.identity()
        self.reset(robot.home, robot.hand_open, anywhere, robot.hand_force)
        for index, name in enumerate(self.joints):
            joint = self._model.joint(name)
            inertia, bandwidth = self._inertia(joint.dofadr[0]), ARM_BANDWIDTH
            if index >= self._arm_count:
                sliding = joint.type[0] == mujoco.mjtJoint.mjJNT_SLIDE
                full_force = HAND_FULL_FORCE_M if sliding else HAND_FULL_FORCE_RAD
                bandwidth, bare, place = HAND_BANDWIDTH, inertia, index - self._arm_count
                limit = robot.hand_force * robot.hand_force_shares[place]
                # A servo as stiff as that needs some inertia to be stable.
                stable = float(limit) / full_force / bandwidth**2
                inertia = max(bare + float(robot.hand_drive_inertias[place]), stable)
                joint.armature[:] = inertia - bare
            stiffness, damping = inertia * bandwidth**2, 2 * inertia * bandwidth
            self._model.actuator_gainprm[index, 0] = stiffness
            self._model.actuator_biasprm[index, 1:3] = -stiffness, -damping
        # Limits and couplings are scaled by the inertia that they act on, which has just changed.
        mujoco.mj_setConst(self._model, self._data)

    def _inertia(self, dof: int) -> float:
        unit, column = np.zeros(self._model.nv), np.zeros(self._model.nv)
        unit[dof] = 1.0
        mujoco.mj_mulM(self._model, self._data, column, unit)
        return float(column[dof])

    def reset(
        self, arm: FloatArray, hand: FloatArray, object_in_base: Pose | None, hand_force: float
    ) -> None:
        """Begin anew with everything at rest.

        Args:
            arm: Shape (n,), arm joint positions [rad or m].
            hand: Shape (m,), positions of the driven hand joints [rad or m].
            object_in_base: The object's mesh frame in the base frame; None where there is none.
            hand_force: Limit of each drive of the hand [N or N m].
        """
        mujoco.mj_resetData(self._model, self._data)
        self.limit_hand(hand_force)
        self.command(arm, hand)
        self._data.qpos[self._qpos] = self._data.ctrl
        if object_in_base is not None:
            quaternion_wxyz = np.roll(object_in_base.quaternion_xyzw, 1)
            self._data.qpos[self._object_qpos] = [*object_in_base.position, *quaternion_wxyz]
        mujoco.mj_forward(self._model, self._data)

    def limit_hand(self, force: float) -> None:
        """Let each drive of the hand press with a force [N] or torque [N m], no more."""
        limits = force * self._hand_force_shares
        self._model.actuator_forcerange[self._arm_count :] = np.stack([-limits, limits], axis=1)

    def take_over_robot(self, other: MujocoWorld) -> None:
        """Have the robot stand, move and strive as in another world of the same robot."""
        self._data.qpos[self._qpos] = other._data.qpos[other._qpos]
        self._data.qvel[self._dofs] = other._data.qvel[other._dofs]
        self._data.ctrl[:] = other._data.ctrl
        self._model.actuator_forcerange[:] = other._model.actuator_forcerange
        mujoco.mj_forward(self._model, self._data)

    def command(self, arm: FloatArray, hand: FloatArray) -> None:
        """Set what the joints strive for from now on, shapes (n,) and (m,) [rad or m]."""
        followers = hand[self._mimic_source] * self._mimic_multiplier + self._mimic_offset
        self._data.ctrl[:] = np.concatenate([arm, hand, followers])

    def step(self, steps: int = 1) -> None:
        """Let time pass, a timestep each."""
        mujoco.mj_step(self._model, self._data, steps)

    @property
    def joint_positions(self) -> FloatArray:
        """Positions of `joints` (arm, driven hand, mimicking hand), in that order [rad or m]."""
        return frozen(self._data.qpos[self._qpos])

    @property
    def joint_velocities(self) -> FloatArray:
        """Their velocities [rad/s or m/s]."""
        return frozen(self._data.qvel[self._dofs])

    @property
    def joint_efforts(self) -> FloatArray:
        """What their drives exert, beyond the robot's own weight [N m or N]."""
        return frozen(self._data.actuator_force)

    @property
    def diverged(self) -> bool:
        """Whether the numbers blew up since the last reset."""
        kinds = mujoco.mjtWarning
        bad = (kinds.mjWARN_BADQPOS, kinds.mjWARN_BADQVEL, kinds.mjWARN_BADQACC)
        warned = any(self._data.warning[kind].number for kind in bad)
        return warned or not np.isfinite(self._data.qpos).all()

    def object_in_base(self) -> Pose:
        """Where the object's mesh frame is; only if the world has not diverged."""
        values = self._data.qpos[self._object_qpos]
        return Pose(values[:3], np.roll(values[3:], -1))

    def tcp_in_base(self) -> Pose:
        """Where the tool centre point is."""
        return Pose(self._data.xpos[self._tcp], np.roll(self._data.xquat[self._tcp], -1))

    def observe(self) -> Observation:
        """What the judge is shown."""
        velocity = np.zeros(6)
        mujoco.mj_objectVelocity(
            self._model, self._data, mujoco.mjtObj.mjOBJ_BODY, self._object, velocity, 0
        )
        touch = self._touch
        return Observation(
            object_position=frozen(self._data.xipos[self._object]),
            object_speed=float(np.linalg.norm(velocity[3:])),
            hand_height=float(self._data.xpos[self._tcp][2]),
            hand_touches=touch(_HAND, _OBJECT),
            object_supported=touch(_SUPPORT, _OBJECT),
            robot_hits_support=touch(_SUPPORT, _MOVING),
            self_collision=touch(_ROBOT, _ROBOT),
        )

    @property
    def robot_touches_object(self) -> bool:
        """Whether any link does, the hand's or another."""
        return self._touch(_ROBOT, _OBJECT)

    def _touch(self, one: int, other: int) -> bool:
        first, second = self._geom_kind[self._data.contact.geom.reshape(-1, 2)].T
        forward = (first & one != 0) & (second & other != 0)
        backward = (first & other != 0) & (second & one != 0)
        return bool((forward | backward).any())


def _robot_spec(robot: RobotSpec, timestep_s: float) -> Any:
    spec = mujoco.MjSpec.from_file(str(robot.model.urdf))
    # Some versions of the URDF reader make constraints of mimic joints, others do not.
    for equality in list(spec.equalities):
        spec.delete(equality)
    for name in robot.arm_joints:
        spec.joint(name).armature = ARM_ARMATURE
    for name in (*robot.hand_joints, *(m.joint for m in robot.model.mimics)):
        spec.joint(name).solref_limit = (RIGID_STEPS * timestep_s, LIMIT_DAMPING)
        spec.joint(name).solimp_limit = RIGID_SOLIMP
    for name in (*robot.arm_joints, *robot.hand_joints, *(m.joint for m in robot.model.mimics)):
        spec.add_actuator(
            name=name,
            target=name,
            trntype=mujoco.mjtTrn.mjTRN_JOINT,
            biastype=mujoco.mjtBias.mjBIAS_AFFINE,
            forcelimited=name not in robot.arm_joints,
            forcerange=(-robot.hand_force, robot.hand_force),
        )
    for mimic in robot.model.mimics:
        equality = spec.add_equality(
            type=mujoco.mjtEq.mjEQ_JOINT,
            objtype=mujoco.mjtObj.mjOBJ_JOINT,
            name1=mimic.joint,
            name2=mimic.follows,
            solref=(RIGID_STEPS * timestep_s, 1.0),
            solimp=RIGID_SOLIMP,
        )
        equality.data[:5] = mimic.offset, mimic.multiplier, 0.0, 0.0, 0.0
    for name in robot.model.links:
        spec.body(name).gravcomp = 1.0  # arms compensate their own weight
    for pair in robot.model.allowed_collisions:
        if len(pair) == 2 and all(name in robot.model.links for name in pair):
            one, other = sorted(pair)
            spec.add_exclude(bodyname1=one, bodyname2=other)
    return spec


def _add_scene(spec: Any, robot: RobotSpec, item: ObjectSpec | None, truth: ObjectTruth) -> None:
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    # Together they cut the creep of a held mug from millimetres in 10 s to micrometres.
    spec.option.impratio = 10.0
    spec.option.noslip_iterations = 3

    table = robot.table
    spec.worldbody.add_geom(
        name="table",
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=[side / 2 for side in table.size],
        pos=[*table.center_xy, table.top_z - table.size[2] / 2],
    )
    spec.worldbody.add_geom(
        name="ground",
        type=mujoco.mjtGeom.mjGEOM_PLANE,
        size=[5.0, 5.0, 0.1],
        pos=[0.0, 0.0, table.top_z - GROUND_BELOW_TABLE_M],
    )
    if item is not None:
        _add_object(spec, robot, item, truth)


def _add_object(spec: Any, robot: RobotSpec, item: ObjectSpec, truth: ObjectTruth) -> None:
    inertia = item.inertia * truth.mass_factor
    body = spec.worldbody.add_body(
        name="object",
        explicitinertial=True,
        mass=item.mass * truth.mass_factor,
        ipos=item.center_of_mass + truth.center_of_mass_shift_m,
        fullinertia=[*np.diag(inertia), inertia[0, 1], inertia[0, 2], inertia[1, 2]],
    )
    body.add_freejoint(name="object")
    # Of two touching geoms the one of higher priority sets the friction (else the larger would
    # win): the hand's before the object's, the object's before all others.
    friction = item.lateral_friction * truth.friction_factor
    twist, roll = truth.torsional_friction_m, truth.rolling_friction_m
    for index, piece in enumerate(item.pieces):
        # Inertia comes from the specification; a thin piece needs none of its own.
        mesh = spec.add_mesh(name=f"object_{index}", file=str(piece))
        mesh.inertia = mujoco.mjtMeshInertia.mjMESH_INERTIA_CONVEX
        body.add_geom(
            type=mujoco.mjtGeom.mjGEOM_MESH,
            meshname=mesh.name,
            priority=1,
            condim=6,
            friction=[friction, twist, roll],
            solref=SOLREF,
        )
    for name in robot.hand_links:
        for geom in spec.body(name).geoms:
            geom.priority = 2
            geom.condim = 4
            geom.friction = [friction * robot.hand_friction, twist, roll]
            geom.solref = SOLREF


def engine_version() -> str:
    """Version of the engine, for the record."""
    return f"mujoco {mujoco.__version__}"
