"""Where the grip lies in the frame that a dataset gives of its gripper.

The grip frame is the one that all hands share: its origin lies in the middle between the finger
pads, its z axis is the approach direction out of the hand, its y axis the closing direction. Poses
for one gripper can so be tried with another:

    grip_in_object = gripper_in_object @ grip_in_gripper

A pair of jaws is the same after half a turn about the approach direction, so the sign of y says
nothing. Here it is chosen such that poses for the Panda come back on the Panda's own hand exactly.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dr_grasp.core.arrays import frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.errors import FileFormatError, UnknownNameError

GRIP = "grip"
"""Name of the grip frame itself."""

PANDA_GRIP_DEPTH_M = 0.1034
"""From the origin of the Panda's hand to the middle between the pads.

The joint panda_hand_tcp_joint in panda.urdf of example-robot-data; NVlabs/contact_graspnet,
contact_graspnet/contact_graspnet.py, places the contacts of ACRONYM's grasps at the same depth. The
tips end 8.8 mm further out (NVlabs/acronym, acronym_tools/acronym.py: 0.11217). The `depth` in
NVlabs/GraspGen, config/grippers/franka_panda.yaml, is 1.9 mm larger than ours.
"""

ROBOTIQ_2F_140_GRIP_DEPTH_M = 0.195
"""`depth` and contact points in NVlabs/GraspGen, config/grippers/robotiq_2f_140.yaml; fingers open.

The pads of the Robotiq grippers move outwards as they close, by some millimetres.
"""

ROBOTIQ_2F_85_GRIP_DEPTH_M = 0.1303
"""Contact points in NVlabs/GraspGen, config/grippers/robotiq_2f_85.yaml; fingers open."""

LARGEST_DEPTH_M = 1.0
"""No gripper is longer; a larger number is a unit mistake."""


def closing_along_x(depth_m: float) -> Pose:
    """The grip of a gripper that approaches along its z and closes along its x axis.

    That is the convention of NVlabs/GraspGen, docs/GRIPPER_DESCRIPTION.md, and of ACRONYM: the hand
    in NVlabs/GraspGen, assets/panda_gripper/hand.stl, is the hand.stl of panda.urdf turned by +90
    degrees about z, vertex by vertex; the fingers of ACRONYM's marker stand at x = +-41 mm.
    """
    return Pose(frozen([0.0, 0.0, depth_m]), frozen([0.0, 0.0, np.sqrt(0.5), np.sqrt(0.5)]))


def closing_along_y(depth_m: float) -> Pose:
    """The grip of a gripper that approaches along its z and closes along its y axis."""
    return Pose(frozen([0.0, 0.0, depth_m]), frozen([0.0, 0.0, 0.0, 1.0]))


GRIPPER_FRAMES: Mapping[str, Pose] = {
    GRIP: Pose.identity(),
    # ACRONYM's `gripper/type`.
    "panda": closing_along_x(PANDA_GRIP_DEPTH_M),
    # The link of the URDF, as Isaac Sim's grasp editor has it.
    "panda_hand": closing_along_y(PANDA_GRIP_DEPTH_M),
    # GraspGen's names, which are those of its files in config/grippers and of its folders.
    "franka_panda": closing_along_x(PANDA_GRIP_DEPTH_M),
    "robotiq_2f_140": closing_along_x(ROBOTIQ_2F_140_GRIP_DEPTH_M),
    "robotiq_2f_85": closing_along_x(ROBOTIQ_2F_85_GRIP_DEPTH_M),
}
"""`grip_in_gripper` by the name of the gripper's frame."""

SUCTION_CUPS = ("single_suction_cup_30mm",)
"""GraspGen's gripper without jaws (NVlabs/GraspGen, config/grippers)."""


def grip_in_gripper(name: str) -> Pose:
    """The grip frame in the frame of a gripper, by the gripper's name.

    Raises:
        UnknownNameError: There is no such gripper.
        FileFormatError: It has no jaws.
    """
    if name in SUCTION_CUPS:
        raise no_jaws(name)
    if name not in GRIPPER_FRAMES:
        raise UnknownNameError("gripper", name, GRIPPER_FRAMES)
    return GRIPPER_FRAMES[name]


def no_jaws(name: str) -> FileFormatError:
    """The error of a gripper that does not pinch."""
    return FileFormatError(f"gripper: expected one with two jaws, got the suction cup {name}")
