"""Builds the twin's MuJoCo model, with the same arm, table and object as in scoring."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np

from dr_grasp.common.reading import one_line
from dr_grasp.core.outcome import GROUND, TABLE
from dr_grasp.errors import ModelError
from dr_grasp.objects.object_spec import ObjectSpec
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.twin.twin_profile import ObjectTruth

TIMESTEP_S = 0.002
GROUND_BELOW_TABLE_M = 1.0

ARM_ARMATURE = 0.1
"""Inertia of rotor and gear at an arm joint [kg m^2, or kg if the joint slides]."""

SOLREF = (0.006, 1.0)
"""Time constant [s], at least two timesteps, and damping ratio of contacts."""

RIGID_STEPS = 2.0
RIGID_SOLIMP = (0.999, 0.9999, 0.001, 0.5, 2.0)
"""Time constant in timesteps, and impedance, of the couplings and limits of the hand's joints: as
stiff as possible. With the values of contacts, coupled finger tips drifted apart by 0.3 mm."""

LIMIT_DAMPING = 2.0
"""Damping ratio of the hand joints' limits: with 1, a finger pressed against a limit bounced."""


def moving_joints(robot: RobotSpec) -> tuple[str, ...]:
    """Names of the joints with a drive: of the arm, then driven and then mimicking of the hand."""
    return (*robot.arm_joints, *robot.hand_joints, *(m.joint for m in robot.model.mimics))


def build_model(
    robot: RobotSpec, item: ObjectSpec | None, truth: ObjectTruth, timestep_s: float
) -> Any:
    """Build a robot on its table with at most one object, the free body "object".

    Each joint has an actuator of the same name, without gains: `MujocoWorld` sets them.

    Args:
        robot: The robot.
        item: The object; None for an empty table.
        truth: How the object differs from its description.
        timestep_s: Timestep of the simulation [s].

    Raises:
        ModelError: MuJoCo cannot read the robot or the object.
    """
    try:
        spec = mujoco.MjSpec.from_file(str(robot.model.urdf))
        spec.option.timestep = timestep_s
        _finish_robot(spec, robot)
        _add_table(spec, robot)
        if item is not None:
            _add_object(spec, robot, item, truth)
        return spec.compile()
    # What a release raises for which fault of a model differs.
    except (ValueError, mujoco.FatalError, mujoco.UnexpectedError) as error:
        what = "an empty table" if item is None else item.name
        raise ModelError(
            f"{robot.name} with {what}: {robot.model.source}, prepared as {robot.model.urdf}: "
            f"MuJoCo refuses: {one_line(error)}"
        ) from error


def engine_version() -> str:
    """Name and version of the engine, for records."""
    return f"mujoco {mujoco.__version__}"


def _finish_robot(spec: Any, robot: RobotSpec) -> None:
    # Some versions of the URDF reader make constraints of mimic joints, others do not.
    for equality in list(spec.equalities):
        spec.delete(equality)
    unread = [name for name in moving_joints(robot) if spec.joint(name) is None]
    unread += [name for name in robot.model.links if spec.body(name) is None]
    if unread:
        raise ValueError(f"it has not read {', '.join(unread)}")
    for name in robot.arm_joints:
        spec.joint(name).armature = ARM_ARMATURE
    joints, rigid_s = moving_joints(robot), RIGID_STEPS * spec.option.timestep
    for name in joints[len(robot.arm_joints) :]:
        spec.joint(name).solref_limit = (rigid_s, LIMIT_DAMPING)
        spec.joint(name).solimp_limit = RIGID_SOLIMP
    for name in joints:
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
            solref=(rigid_s, 1.0),
            solimp=RIGID_SOLIMP,
        )
        equality.data[:5] = mimic.offset, mimic.multiplier, 0.0, 0.0, 0.0
    for name in robot.model.links:
        spec.body(name).gravcomp = 1.0  # arms compensate their own weight
    for pair in robot.model.allowed_collisions:
        if len(pair) == 2 and all(name in robot.model.links for name in pair):
            first, second = sorted(pair)
            spec.add_exclude(bodyname1=first, bodyname2=second)


def _add_table(spec: Any, robot: RobotSpec) -> None:
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    # These two reduce the creep of a held mug from millimetres in 10 s to micrometres.
    spec.option.impratio = 10.0
    spec.option.noslip_iterations = 3
    # From 60 degrees of freedom on, it would be sparse, which MuJoCo 4.0.0 solves wrongly (its
    # issue 3767); the arms with their hands have 15 to 30, for which dense is the default.
    spec.option.jacobian = mujoco.mjtJacobian.mjJAC_DENSE

    table = robot.table
    spec.worldbody.add_geom(
        name=TABLE,
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=[side / 2 for side in table.size],
        pos=[*table.center_xy, table.top_z - table.size[2] / 2],
    )
    spec.worldbody.add_geom(
        name=GROUND,
        type=mujoco.mjtGeom.mjGEOM_PLANE,
        size=[5.0, 5.0, 0.1],
        pos=[0.0, 0.0, table.top_z - GROUND_BELOW_TABLE_M],
    )


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
    # The geom with the higher priority sets the friction of a contact (with equal priority, the
    # larger friction counts): the hand before the object, the object before all other geoms.
    friction = item.lateral_friction * truth.friction_factor
    twist, roll = truth.torsional_friction_m, truth.rolling_friction_m
    for index, piece in enumerate(item.pieces):
        # The body's inertia is given above; this option only lets MuJoCo accept thin pieces.
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
