"""Chooses the gains of the drives of a MuJoCo model, for scoring and for the twin."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.simulation.mujoco.model import moving_joints
from dr_grasp.simulation.mujoco.settings import ModelSettings
from dr_grasp.simulation.springs import critical_spring, hand_inertia


def tune_hand(model: Any, data: Any, robot: RobotSpec, settings: ModelSettings) -> FloatArray:
    """Make the hand's drives stiff springs with critical damping.

    Args:
        model: The model, whose armatures and gains are set.
        data: Data of the model in the posture whose inertias count.
        robot: The robot.
        settings: The settings with which the model was built.

    Returns:
        Inertia that each of `moving_joints` moves in this posture, without the armature that was
        added here [kg m^2 or kg].
    """
    mujoco.mj_forward(model, data)
    full = np.zeros((model.nv, model.nv))
    mujoco.mj_fullM(model, data, full)
    joints, arm = moving_joints(robot), len(robot.arm_joints)
    dofs = [model.joint(name).dofadr[0] for name in joints]
    inertias = full[dofs, dofs]
    bandwidth = settings.hand_bandwidth
    for place, name in enumerate(joints[arm:]):
        joint, bare = model.joint(name), float(inertias[arm + place])
        sliding = joint.type[0] == mujoco.mjtJoint.mjJNT_SLIDE
        limit = float(robot.hand_force * robot.hand_force_shares[place])
        drive = float(robot.hand_drive_inertias[place])
        inertia = hand_inertia(bare, drive, limit, sliding, bandwidth)
        joint.armature[:] = inertia - bare
        set_spring(model, arm + place, inertia, bandwidth)
    # Limits and couplings are scaled by the inertia that they act on, which has just changed.
    mujoco.mj_setConst(model, data)
    return frozen(inertias)


def set_spring(model: Any, actuator: int, inertia: float, bandwidth: float) -> None:
    """Make an actuator a spring with critical damping for an inertia and a frequency [rad/s]."""
    stiffness, damping = critical_spring(inertia, bandwidth)
    model.actuator_gainprm[actuator, 0] = stiffness
    model.actuator_biasprm[actuator, 1:3] = -stiffness, -damping
