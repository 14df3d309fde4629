"""Grasp poses of public datasets, read and checked; `read_poses` is the door."""

from dr_grasp.generation.importers.frames import GRIPPER_FRAMES
from dr_grasp.generation.importers.grasp_poses import GraspPoses, PoseGrasp
from dr_grasp.generation.importers.pose_reader import FORMATS, read_poses

__all__ = ["FORMATS", "GRIPPER_FRAMES", "GraspPoses", "PoseGrasp", "read_poses"]
