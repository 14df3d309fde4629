"""Builds scenes of SAPIEN: an arm on its table with at most one object."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import sapien
from sapien import physx
from scipy.spatial.transform import Rotation

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import GROUND, TABLE
from dr_grasp.errors import ModelError
from dr_grasp.objects.object_spec import ObjectSpec
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.simulation.mujoco.dynamics import ObjectDynamics
from dr_grasp.simulation.scene import GRAVITY, GROUND_DEPTH_M
from dr_grasp.simulation.springs import full_force_way
from dr_grasp.twin.sapien.bodies import RigidBody
from dr_grasp.twin.sapien.couplings import couplings
from dr_grasp.twin.sapien.filters import OBJECT_FILTER, SUPPORT_FILTER, collision_filters
from dr_grasp.twin.sapien.settings import SETTINGS
from dr_grasp.twin.sapien.shapes import pose_of, shape_of, weigh

NEAR_ZERO = 1e-9

OBJECT = "object"


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A scene and its parts.

    Attributes:
        scene: The scene.
        robot: The articulation of the robot.
        joints: Its joints by name.
        links: The body of each name.
        object: The object's body; None if there is none.
        names: Of each shape, the name of its link, "object", `TABLE` or `GROUND`.
    """

    scene: Any
    robot: Any
    joints: dict[str, Any]
    links: dict[str, Any]
    object: Any
    names: dict[Any, str]

    def touching(self) -> Iterator[tuple[str, str]]:
        """Names of two shapes for each contact of the last step."""
        for contact in self.scene.get_contacts():
            if any(point.separation <= 0.0 or point.impulse.any() for point in contact.points):
                first, second = contact.shapes
                yield self.names[first], self.names[second]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What a scene is built of.

    Attributes:
        robot: The robot.
        bodies: Its rigid bodies.
        item: The object; None for an empty table.
        dynamics: How the object differs from its description.
        timestep_s: Timestep [s].
    """

    robot: RobotSpec
    bodies: tuple[RigidBody, ...]
    item: ObjectSpec | None
    dynamics: ObjectDynamics
    timestep_s: float


def build_scene(plan: Plan) -> Scene:
    """Build a new scene, with the robot's joints at zero and the object in the origin.

    Raises:
        ModelError: PhysX refuses a shape, or the robot has more kinds of links than it can tell
            apart.
    """
    try:
        return _build(plan)
    except RuntimeError as error:
        what = "an empty table" if plan.item is None else plan.item.name
        raise ModelError(f"{plan.robot.name} with {what}: SAPIEN refuses: {error}") from error


def _build(plan: Plan) -> Scene:
    physx.set_scene_config(
        gravity=[0.0, 0.0, -GRAVITY],
        enable_pcm=True,
        enable_tgs=SETTINGS.tgs,
        enable_ccd=False,
        enable_enhanced_determinism=True,
        enable_friction_every_iteration=True,
        cpu_workers=0,
    )
    physx.set_body_config(SETTINGS.position_iterations, SETTINGS.velocity_iterations, 0.0)
    physx.set_shape_config(SETTINGS.contact_offset_m, 0.0)
    scene = sapien.Scene([physx.PhysxCpuSystem()])
    scene.set_timestep(plan.timestep_s)
    names: dict[Any, str] = {}
    shaped = [shape.link for body in plan.bodies for shape in body.shapes]
    filters = collision_filters(plan.robot, dict.fromkeys(shaped))
    friction = _frictions(plan)
    links: dict[str, Any] = {}
    # Entities live as long as something here or their scene holds them.
    entities = [
        _add_body(body, links, plan.robot, filters, friction, names) for body in plan.bodies
    ]
    for entity in entities:
        scene.add_entity(entity)
    articulation = links[plan.bodies[0].name].articulation
    joints = {joint.name: joint for joint in articulation.active_joints}
    _couple(plan, articulation, links)
    _add_support(scene, plan.robot, friction, names)
    item = None
    if plan.item is not None:
        item = _add_object(scene, plan.item, plan.dynamics, friction, names)
    return Scene(scene, articulation, joints, links, item, names)


@dataclass(frozen=True, slots=True, eq=False)
class _Surfaces:
    """Materials, whose friction PhysX averages between two shapes, and levers of torques [m]."""

    smooth: Any
    support: Any
    hand: Any
    support_radius: float
    hand_radius: float


def _frictions(plan: Plan) -> _Surfaces:
    def material(friction: float) -> Any:
        return physx.PhysxMaterial(friction, friction, 0.0)

    lateral = 1.0 if plan.item is None else plan.item.lateral_friction
    support = lateral * plan.dynamics.friction_factor
    hand = support * plan.robot.hand_friction
    # PhysX multiplies the radius of a contact by its friction; our lever is the product.
    lever = plan.dynamics.torsional_friction_m
    return _Surfaces(
        smooth=material(0.0),
        support=material(2.0 * support),
        hand=material(2.0 * hand),
        support_radius=lever / max(support, NEAR_ZERO),
        hand_radius=lever / max(hand, NEAR_ZERO),
    )


def _add_body(
    body: RigidBody,
    links: dict[str, Any],
    robot: RobotSpec,
    filters: dict[str, list[int]],
    surfaces: _Surfaces,
    names: dict[Any, str],
) -> Any:
    entity = sapien.Entity()
    link = physx.PhysxArticulationLinkComponent(links.get(body.parent))
    links[body.name] = link
    entity.add_component(link)
    entity.name = link.name = body.name
    for part in body.shapes:
        is_hand = part.link in robot.hand_links
        shape = shape_of(part, surfaces.hand if is_hand else surfaces.support)
        shape.set_min_patch_radius(surfaces.hand_radius if is_hand else surfaces.support_radius)
        shape.set_collision_groups(filters[part.link])
        link.attach(shape)
        names[shape] = part.link
    weigh(link, body.mass, body.center, body.inertia)
    link.disable_gravity = True  # arms carry their own weight
    if body.joint is None:
        link.joint.type = "fixed"
        return entity
    sliding = body.joint.kind == "prismatic"
    link.joint.name = body.joint.name
    link.joint.type = "prismatic" if sliding else "revolute_unwrapped"
    along = Pose(np.zeros(3), _turn_x_to(body.joint.axis))
    link.joint.pose_in_parent = pose_of(body.joint_in_parent @ along)
    link.joint.pose_in_child = pose_of(along)
    limits = robot.model.limits[body.joint.name]
    link.joint.limit = np.array([limits.lower, limits.upper])
    link.joint.friction = 0.0
    return entity


def _turn_x_to(axis: FloatArray) -> FloatArray:
    """A turn that takes the x axis, about which joints of SAPIEN move, to another; as xyzw."""
    return frozen(Rotation.align_vectors(axis[None], [[1.0, 0.0, 0.0]])[0].as_quat())


def _couple(plan: Plan, articulation: Any, links: dict[str, Any]) -> None:
    """Make joints follow others by springs between neighbours, PhysX's "fixed tendons"."""
    for coupling in couplings(plan.robot, plan.bodies):
        first, second = coupling.scales
        stiffness = (
            SETTINGS.coupling
            * plan.robot.hand_force
            / full_force_way(links[coupling.second].joint.type == "prismatic")
        )
        articulation.create_fixed_tendon(
            [links[coupling.root], links[coupling.first], links[coupling.second]],
            [0.0, first, second],
            [0.0, 1.0 / first, 1.0 / second],
            rest_length=coupling.offset,
            stiffness=stiffness,
            damping=SETTINGS.coupling_time_s * stiffness,
        )


def _add_support(scene: Any, robot: RobotSpec, surfaces: _Surfaces, names: dict[Any, str]) -> None:
    table = robot.table
    body = physx.PhysxRigidStaticComponent()
    top = physx.PhysxCollisionShapeBox([side / 2.0 for side in table.size], surfaces.support)
    top.local_pose = sapien.Pose([*table.center_xy, table.top_z - table.size[2] / 2.0])
    ground = physx.PhysxCollisionShapePlane(surfaces.support)
    # The plane's normal is x.
    upwards = [np.sqrt(0.5), 0.0, -np.sqrt(0.5), 0.0]
    ground.local_pose = sapien.Pose([0.0, 0.0, table.top_z - GROUND_DEPTH_M], upwards)
    for name, shape in ((TABLE, top), (GROUND, ground)):
        shape.set_min_patch_radius(surfaces.support_radius)
        shape.set_collision_groups(SUPPORT_FILTER)
        body.attach(shape)
        names[shape] = name
    entity = sapien.Entity()
    entity.add_component(body)
    scene.add_entity(entity)


def _add_object(
    scene: Any,
    item: ObjectSpec,
    dynamics: ObjectDynamics,
    surfaces: _Surfaces,
    names: dict[Any, str],
) -> Any:
    body = physx.PhysxRigidDynamicComponent()
    for piece in item.pieces:
        shape = physx.PhysxCollisionShapeConvexMesh(str(piece), [1.0, 1.0, 1.0], surfaces.smooth)
        shape.set_collision_groups(OBJECT_FILTER)
        body.attach(shape)
        names[shape] = OBJECT
    center = item.center_of_mass + dynamics.center_of_mass_shift_m
    factor = dynamics.mass_factor
    weigh(body, item.mass * factor, center, item.inertia * factor)
    entity = sapien.Entity()
    entity.add_component(body)
    scene.add_entity(entity)
    return body
