"""What the scene of a rollout is in every engine: where things stand, and states of the object."""

from __future__ import annotations

from dataclasses import dataclass

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.objects.object_spec import ObjectSpec
from dr_grasp.robots.robot_spec import RobotSpec

GRAVITY = 9.81
"""Standard gravity, rounded [m/s^2]."""

CLEARANCE_M = 0.002
"""Least height above the table at which an object starts [m]; Bullet's hulls have a margin of 1 mm,
and an object that began inside this margin would be pushed out with a jerk."""

GROUND_DEPTH_M = 1.0
"""How far the ground is below the table's top [m]."""


@dataclass(frozen=True, slots=True)
class ObjectState:
    """Pose and velocity of an object in the base frame.

    Attributes:
        position: Position of the centre of mass [m].
        quaternion_xyzw: Orientation of the object's principal axes of inertia.
        velocity: Velocity of the centre of mass [m/s].
        turning: Angular velocity [rad/s].
    """

    position: tuple[float, float, float]
    quaternion_xyzw: tuple[float, float, float, float]
    velocity: tuple[float, float, float]
    turning: tuple[float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Contacts:
    """Where the hand presses on the object at one moment, in the object's frame.

    Attributes:
        links: Names of the hand link at each of k contacts.
        points: Shape (k, 3), contacts on the engine's collision shape of the object [m].
        normals: Shape (k, 3), unit vectors out of the object.
        depths: Shape (k,), how deep the shapes penetrate each other; negative if apart [m].
        forces: Shape (k,), normal forces, all above 0 [N].
        margin: How far the engine's shape of the object exceeds the convex pieces [m].
    """

    links: tuple[str, ...]
    points: FloatArray
    normals: FloatArray
    depths: FloatArray
    forces: FloatArray
    margin: float


def place_of(
    robot: RobotSpec, obj: ObjectSpec, object_in_base: Pose, perturbation: Perturbation
) -> Pose:
    """Where the object of a rollout is put down: above its place, never inside the table.

    Args:
        robot: The robot, whose specification says where the table stands.
        obj: The object.
        object_in_base: Where the object is believed to stand, in the base frame.
        perturbation: How the object's place differs from that.
    """
    pose = object_in_base.perturbed(perturbation.translation_m, perturbation.rotation_rpy_rad)
    lowest = obj.lowest_point(pose.rotation.as_matrix())
    height = max(float(pose.position[2]), robot.table.top_z + CLEARANCE_M - lowest)
    return Pose(frozen([*pose.position[:2], height]), pose.quaternion_xyzw)
