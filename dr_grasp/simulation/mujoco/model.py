"""Builds MuJoCo models of an arm on its table with an object, for scoring and for the twin."""

from __future__ import annotations

import logging
from typing import Any

import mujoco
import numpy as np

from dr_grasp.common.reading import one_line
from dr_grasp.core.outcome import GROUND, TABLE
from dr_grasp.errors import ModelError, SettingsError
from dr_grasp.objects.object_spec import ObjectSpec
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.simulation.mujoco.dynamics import ObjectDynamics
from dr_grasp.simulation.mujoco.settings import ModelSettings
from dr_grasp.simulation.scene import GROUND_DEPTH_M

# Warnings would otherwise go to MUJOCO_LOG.TXT in the current folder; worlds report what they mean.
mujoco.set_mju_user_warning(logging.getLogger(__name__).debug)

RIGID_SOLIMP = (0.999, 0.9999, 0.001, 0.5, 2.0)
"""Impedance of the couplings and limits of the hand's joints: as stiff as possible. With the values
of contacts, coupled finger tips drifted apart by 0.3 mm."""

LIMIT_DAMPING = 2.0
"""Damping ratio of the hand joints' limits: with 1, a finger pressed against a limit bounced."""


def moving_joints(robot: RobotSpec) -> tuple[str, ...]:
    """Names of the joints with a drive: of the arm, then driven and then mimicking of the hand."""
    return (*robot.arm_joints, *robot.hand_joints, *(m.joint for m in robot.model.mimics))


def build_model(
    robot: RobotSpec,
    item: ObjectSpec | None,
    dynamics: ObjectDynamics,
    settings: ModelSettings,
    *,
    with_robot: bool = True,
) -> Any:
    """Build a robot on its table with at most one object, the free body "object".

    Each joint has an actuator of the same name, without gains: the worlds set them.

    Args:
        robot: The robot.
        item: The object; None for an empty table.
        dynamics: How the object differs from its description.
        settings: Timestep, solver and contacts.
        with_robot: Whether to add the robot; False for the table and the object alone.

    Raises:
        ModelError: MuJoCo cannot read the robot or the object.
        SettingsError: This MuJoCo is too old for the settings.
    """
    try:
        spec = mujoco.MjSpec()
        if with_robot:
            spec = mujoco.MjSpec.from_file(str(robot.model.urdf))
        _set_solver(spec, settings)
        if with_robot:
            _finish_robot(spec, robot, settings)
        _add_table(spec, robot)
        if item is not None:
            _add_object(spec, item, dynamics, settings)
            if with_robot:
                _set_hand_contacts(spec, robot, item, dynamics, settings)
        return spec.compile()
    # What a release raises for which fault of a model differs.
    except (ValueError, mujoco.FatalError, mujoco.UnexpectedError) as error:
        what = "an empty table" if item is None else item.name
        raise ModelError(
            f"{robot.name} with {what}: {robot.model.source}, prepared as {robot.model.urdf}: "
            f"MuJoCo refuses: {one_line(error)}"
        ) from error


def _finish_robot(spec: Any, robot: RobotSpec, settings: ModelSettings) -> None:
    # Some versions of the URDF reader make constraints of mimic joints, others do not.
    for equality in list(spec.equalities):
        spec.delete(equality)
    unread = [name for name in moving_joints(robot) if spec.joint(name) is None]
    unread += [name for name in robot.model.links if spec.body(name) is None]
    if unread:
        raise ValueError(f"it has not read {', '.join(unread)}")
    for name in robot.arm_joints:
        spec.joint(name).armature = settings.arm_armature
    joints, rigid_s = moving_joints(robot), settings.coupling_time_s
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


def _set_solver(spec: Any, settings: ModelSettings) -> None:
    spec.option.timestep = settings.timestep_s
    integrator = getattr(mujoco.mjtIntegrator, f"mjINT_{settings.integrator.upper()}", None)
    if integrator is None:
        raise SettingsError(
            f"mujoco: expected a version with integrator {settings.integrator}, 3.17 or later, got "
            f"{mujoco.__version__}"
        )
    spec.option.integrator = integrator
    spec.option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    spec.option.impratio = settings.impratio
    spec.option.noslip_iterations = settings.noslip_iterations
    spec.option.tolerance = settings.tolerance
    # From 60 degrees of freedom on, it would be sparse, which MuJoCo 4.0.0 solves wrongly (its
    # issue 3767); the arms with their hands have 15 to 30, for which dense is the default.
    spec.option.jacobian = mujoco.mjtJacobian.mjJAC_DENSE


def _add_table(spec: Any, robot: RobotSpec) -> None:
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
        pos=[0.0, 0.0, table.top_z - GROUND_DEPTH_M],
    )


def _add_object(
    spec: Any, item: ObjectSpec, dynamics: ObjectDynamics, settings: ModelSettings
) -> None:
    inertia = item.inertia * dynamics.mass_factor
    body = spec.worldbody.add_body(
        name="object",
        explicitinertial=True,
        mass=item.mass * dynamics.mass_factor,
        ipos=item.center_of_mass + dynamics.center_of_mass_shift_m,
        fullinertia=[*np.diag(inertia), inertia[0, 1], inertia[0, 2], inertia[1, 2]],
    )
    body.add_freejoint(name="object")
    # The geom with the higher priority sets the friction of a contact (with equal priority, the
    # larger friction counts): the hand before the object, the object before all other geoms.
    friction = item.lateral_friction * dynamics.friction_factor
    for index, piece in enumerate(item.pieces):
        # The body's inertia is given above; this option only lets MuJoCo accept thin pieces.
        mesh = spec.add_mesh(name=f"object_{index}", file=str(piece))
        mesh.inertia = mujoco.mjtMeshInertia.mjMESH_INERTIA_CONVEX
        body.add_geom(
            type=mujoco.mjtGeom.mjGEOM_MESH,
            meshname=mesh.name,
            priority=1,
            condim=settings.table_condim,
            friction=[friction, dynamics.torsional_friction_m, dynamics.rolling_friction_m],
            solref=(settings.contact_time_s, 1.0),
        )


def _set_hand_contacts(
    spec: Any,
    robot: RobotSpec,
    item: ObjectSpec,
    dynamics: ObjectDynamics,
    settings: ModelSettings,
) -> None:
    friction = item.lateral_friction * dynamics.friction_factor * robot.hand_friction
    for name in robot.hand_links:
        for geom in spec.body(name).geoms:
            geom.priority = 2
            geom.condim = settings.hand_condim
            geom.friction = [friction, dynamics.torsional_friction_m, dynamics.rolling_friction_m]
            geom.solref = (settings.contact_time_s, 1.0)
