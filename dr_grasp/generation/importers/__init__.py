"""Reads and checks grasp poses of public datasets; begin with `read_poses`."""

from dr_grasp.generation.importers.frames import GRIPPER_FRAMES
from dr_grasp.generation.importers.grasp_poses import GraspPoses, PoseGrasp
from dr_grasp.generation.importers.pose_reader import FORMATS, read_poses

__all__ = ["FORMATS", "GRIPPER_FRAMES", "GraspPoses", "PoseGrasp", "read_poses"]
