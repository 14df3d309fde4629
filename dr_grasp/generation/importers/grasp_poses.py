"""Grasps as poses of a gripper, the form in which the public datasets have them."""

from __future__ import annotations

from dataclasses import dataclass

from dr_grasp.core.geometry import Pose
from dr_grasp.core.refusal import RefusedGrasp


@dataclass(frozen=True, slots=True, eq=False)
class PoseGrasp:
    """One grasp.

    Attributes:
        id: The dataset's own name of it, or its number; unique within the file.
        gripper_in_object: Pose of the gripper's frame in the frame of the object's mesh, in metres.
        width_m: How far the jaws are open, where the dataset says so [m].
        held_in_simulation: The dataset's own verdict, where it has one.
        quality: The dataset's own confidence, where it has one; more is better.
    """

    id: str
    gripper_in_object: Pose
    width_m: float | None = None
    held_in_simulation: bool | None = None
    quality: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class GraspPoses:
    """What a file of grasp poses holds.

    Attributes:
        source: Name of the file.
        gripper: Name of the gripper whose frame the poses are in.
        grip_in_gripper: The grip frame (see `frames`) in the frame of that gripper.
        object_file: The mesh as the file names it, if it does.
        object_scale: Factor from the units of that mesh to metres; 1 where the file says nothing.
        grasps: Those whose pose can be used, in the order of the file.
        refused: The others.
    """

    source: str
    gripper: str
    grip_in_gripper: Pose
    object_file: str | None
    object_scale: float
    grasps: tuple[PoseGrasp, ...]
    refused: tuple[RefusedGrasp, ...]

    def grip_in_object(self, grasp: PoseGrasp) -> Pose:
        """The grip frame of one of the grasps in the frame of the object's mesh, in metres."""
        return grasp.gripper_in_object @ self.grip_in_gripper
