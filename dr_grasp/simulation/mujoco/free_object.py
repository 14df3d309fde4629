"""The object of a MuJoCo model: its state, and dynamics that change from rollout to rollout."""

from __future__ import annotations

import math
from typing import Any

import mujoco
import numpy as np

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.objects.object_spec import ObjectSpec
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.simulation.mujoco.dynamics import ObjectDynamics
from dr_grasp.simulation.mujoco.touches import HAND, OBJECT, TouchReader
from dr_grasp.simulation.scene import GRAVITY, ObjectState


class FreeObject:
    """The free body "object" of a compiled model, whose nominal values are remembered.

    Gravity acts on the object alone, as a force: arms carry their own weight.

    Attributes:
        body: Number of the body.
        qpos: Where the positions of its free joint stand.
        dofs: Where its velocities stand.
    """

    def __init__(
        self, model: Any, item: ObjectSpec, robot: RobotSpec, touches: TouchReader
    ) -> None:
        """Remember the nominal values of a model.

        Args:
            model: A model with the nominal dynamics of the object; changed by `set_dynamics`.
            item: The object.
            robot: The robot, whose hand has its own friction.
            touches: Says which geoms are the object's and the hand's.
        """
        self._model, self._item = model, item
        self._hand_friction = robot.hand_friction
        self.body = int(model.body("object").id)
        joint = model.joint("object")
        self.qpos = slice(joint.qposadr[0], joint.qposadr[0] + 7)
        self.dofs = slice(joint.dofadr[0], joint.dofadr[0] + 6)
        kinds = np.array(touches.kinds)
        self._geoms = np.flatnonzero(kinds & OBJECT)
        self._hand_geoms = np.flatnonzero(kinds & HAND)
        self._principal_wxyz = model.body_iquat[self.body].copy()
        self._velocity = np.zeros(6)
        self._mass = float(model.body_mass[self.body])
        self._inertia = model.body_inertia[self.body].copy()
        self._center = model.body_ipos[self.body].copy()
        self._body_softness = model.body_invweight0[self.body].copy()
        self._dof_softness = model.dof_invweight0[self.dofs].copy()
        # The compiler notes where frames coincide, to copy one instead of computing it, and boxes
        # of the object's parts in the frame of its inertia: all of it would be wrong once the
        # centre of mass moves. (With the notes, a single convex piece moved with the centre.)
        model.body_sameframe[self.body] = mujoco.mjtSameFrame.mjSAMEFRAME_NONE
        model.geom_sameframe[self._geoms] = mujoco.mjtSameFrame.mjSAMEFRAME_NONE
        nodes = model.body_bvhadr[self.body] + np.arange(model.body_bvhnum[self.body])
        self._boxes = model.bvh_aabb[nodes].copy()
        self._nodes = nodes

    def set_dynamics(self, dynamics: ObjectDynamics, data: Any) -> None:
        """Set mass, centre of mass and friction, all relative to the nominal values."""
        model, scale = self._model, dynamics.mass_factor
        model.body_mass[self.body] = self._mass * scale
        # Velocities are computed about the centre of the tree, which is where this says. With the
        # nominal mass here, the integrator threw a lighter object about in free flight.
        model.body_subtreemass[self.body] = self._mass * scale
        model.body_inertia[self.body] = self._inertia * scale
        model.body_invweight0[self.body] = self._body_softness / scale
        model.dof_invweight0[self.dofs] = self._dof_softness / scale
        shift = np.array(dynamics.center_of_mass_shift_m)
        model.body_ipos[self.body] = self._center + shift
        model.bvh_aabb[self._nodes] = self._boxes
        model.bvh_aabb[self._nodes, :3] -= _rotated(shift, _inverse(self._principal_wxyz))
        lateral = self._item.lateral_friction * dynamics.friction_factor
        levers = np.array([dynamics.torsional_friction_m, dynamics.rolling_friction_m])
        model.geom_friction[self._geoms] = [lateral, *levers]
        # As in Bullet, a lever is meant against a surface of friction 1.
        hand = self._hand_friction
        model.geom_friction[self._hand_geoms] = [lateral * hand, *(levers * hand)]
        self.push(np.zeros(3), data)

    def push(self, force_in_base: FloatArray, data: Any) -> None:
        """Apply a force to the centre of mass, beside the weight, from now on."""
        data.xfrc_applied[self.body, :3] = force_in_base
        data.xfrc_applied[self.body, 2] -= float(self._model.body_mass[self.body]) * GRAVITY

    def put(self, object_in_base: Pose, data: Any) -> None:
        """Put the object at rest into a pose of its mesh's frame."""
        data.qpos[self.qpos] = [
            *object_in_base.position,
            *np.roll(object_in_base.quaternion_xyzw, 1),
        ]
        data.qvel[self.dofs] = 0.0

    def pose(self, data: Any) -> Pose:
        """Pose of the mesh's frame in the base frame at the last step's beginning."""
        return Pose(frozen(data.xpos[self.body]), frozen(np.roll(data.xquat[self.body], -1)))

    def center(self, data: Any) -> FloatArray:
        """Position of the centre of mass at the last step's beginning, shape (3,) [m]."""
        return frozen(data.xipos[self.body])

    def speed(self, data: Any) -> float:
        """Speed of the centre of mass at the last step's beginning [m/s]."""
        kind, both = mujoco.mjtObj.mjOBJ_BODY, self._velocity
        mujoco.mj_objectVelocity(self._model, data, kind, self.body, both, 0)
        return math.hypot(*both[3:].tolist())

    def state(self, data: Any) -> ObjectState:
        """State after the last step."""
        place, turn_wxyz = np.split(data.qpos[self.qpos], [3])
        linear, angular = np.split(data.qvel[self.dofs], 2)
        turning = _rotated(angular, turn_wxyz)
        arm = _rotated(self._model.body_ipos[self.body], turn_wxyz)
        w, *xyz = _product(turn_wxyz, self._principal_wxyz).tolist()
        return ObjectState(
            tuple((place + arm).tolist()),
            (*xyz, w),
            tuple((linear + _cross(turning, arm)).tolist()),
            tuple(turning.tolist()),
        )

    def set_state(self, state: ObjectState, data: Any) -> None:
        """Set what `state` gave, of this or of another model of the same object."""
        x, y, z, w = state.quaternion_xyzw
        turn_wxyz = _product(np.array([w, x, y, z]), _inverse(self._principal_wxyz))
        turning = np.array(state.turning)
        arm = _rotated(self._model.body_ipos[self.body], turn_wxyz)
        data.qpos[self.qpos] = [*(state.position - arm), *turn_wxyz]
        linear = state.velocity - _cross(turning, arm)
        data.qvel[self.dofs] = [*linear, *_rotated(turning, _inverse(turn_wxyz))]


# MuJoCo's own arithmetic, which takes a tenth of SciPy's time: an object that comes to rest is
# looked at a hundred times.


def _rotated(vector: FloatArray, quaternion_wxyz: FloatArray) -> FloatArray:
    result = np.empty(3)
    mujoco.mju_rotVecQuat(result, vector, quaternion_wxyz)
    return result


def _product(left_wxyz: FloatArray, right_wxyz: FloatArray) -> FloatArray:
    result = np.empty(4)
    mujoco.mju_mulQuat(result, left_wxyz, right_wxyz)
    return result


def _inverse(quaternion_wxyz: FloatArray) -> FloatArray:
    result = np.empty(4)
    mujoco.mju_negQuat(result, quaternion_wxyz)
    return result


def _cross(left: FloatArray, right: FloatArray) -> FloatArray:
    result = np.empty(3)
    mujoco.mju_cross(result, left, right)
    return result
