"""Poses of the grip frame in the gripper frames of public datasets.

All hands share the grip frame: its origin lies in the middle between the finger pads, its z axis is
the approach direction out of the hand, its y axis the closing direction. So poses for one gripper
can be tried with another:

    grip_in_object = gripper_in_object @ grip_in_gripper

A pair of jaws looks the same after half a turn about the approach direction, so the sign of y has
no meaning. It is chosen so that a pose for the Panda gives exactly this pose of the Panda's hand.
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
"""Distance from the origin of the Panda's hand to the middle between the pads.

Source: the joint panda_hand_tcp_joint in panda.urdf of example-robot-data. NVlabs/contact_graspnet,
contact_graspnet/contact_graspnet.py, places the contacts of ACRONYM's grasps at the same depth. The
finger tips are 8.8 mm further out (NVlabs/acronym, acronym_tools/acronym.py: 0.11217). The `depth`
in NVlabs/GraspGen, config/grippers/franka_panda.yaml, is 1.9 mm larger than this.
"""

ROBOTIQ_2F_140_GRIP_DEPTH_M = 0.195
"""Distance from the origin of the Robotiq 2F-140 to the middle between its open pads.

Source: `depth` and contact points in NVlabs/GraspGen, config/grippers/robotiq_2f_140.yaml. The pads
of the Robotiq grippers move outwards by some millimetres as they close.
"""

ROBOTIQ_2F_85_GRIP_DEPTH_M = 0.1303
"""Distance from the origin of the Robotiq 2F-85 to the middle between its open pads.

Source: contact points in NVlabs/GraspGen, config/grippers/robotiq_2f_85.yaml.
"""

LARGEST_DEPTH_M = 1.0
"""Largest grip depth of a gripper; a larger number must be a mistake of the unit."""


def closing_along_x(depth_m: float) -> Pose:
    """The grip frame at `depth_m` on the z axis of a gripper with approach z and closing axis x.

    This is the convention of NVlabs/GraspGen, docs/GRIPPER_DESCRIPTION.md, and of ACRONYM. The hand
    in NVlabs/GraspGen, assets/panda_gripper/hand.stl, is the hand.stl of panda.urdf turned by +90
    degrees about z, vertex by vertex; the fingers of ACRONYM's marker are at x = +-41 mm.
    """
    return Pose(frozen([0.0, 0.0, depth_m]), frozen([0.0, 0.0, np.sqrt(0.5), np.sqrt(0.5)]))


def closing_along_y(depth_m: float) -> Pose:
    """The grip frame at `depth_m` on the z axis of a gripper with approach z and closing axis y."""
    return Pose(frozen([0.0, 0.0, depth_m]), frozen([0.0, 0.0, 0.0, 1.0]))


GRIPPER_FRAMES: Mapping[str, Pose] = {
    GRIP: Pose.identity(),
    # ACRONYM's `gripper/type`.
    "panda": closing_along_x(PANDA_GRIP_DEPTH_M),
    # The link of the URDF, which Isaac Sim's grasp editor uses.
    "panda_hand": closing_along_y(PANDA_GRIP_DEPTH_M),
    # GraspGen's names, also of its files in config/grippers and of its folders.
    "franka_panda": closing_along_x(PANDA_GRIP_DEPTH_M),
    "robotiq_2f_140": closing_along_x(ROBOTIQ_2F_140_GRIP_DEPTH_M),
    "robotiq_2f_85": closing_along_x(ROBOTIQ_2F_85_GRIP_DEPTH_M),
}
"""Pose of the grip frame in the gripper's frame, by the name of the gripper."""

SUCTION_CUPS = ("single_suction_cup_30mm",)
"""Names of GraspGen's grippers without jaws (NVlabs/GraspGen, config/grippers)."""


def grip_in_gripper(name: str) -> Pose:
    """The grip frame in the frame of a gripper, by the gripper's name.

    Raises:
        UnknownNameError: There is no such gripper.
        FileFormatError: The gripper has no jaws.
    """
    if name in SUCTION_CUPS:
        raise no_jaws(name)
    if name not in GRIPPER_FRAMES:
        raise UnknownNameError("gripper", name, GRIPPER_FRAMES)
    return GRIPPER_FRAMES[name]


def no_jaws(name: str) -> FileFormatError:
    """Make the error for a suction cup, which has no jaws to pinch with."""
    return FileFormatError(f"gripper: expected one with two jaws, got the suction cup {name}")
