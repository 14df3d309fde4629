"""A MuJoCo world of a table and an object, to let the object come to rest."""

from __future__ import annotations

from typing import Any

import mujoco

from dr_grasp.common.closing import Closing
from dr_grasp.core.arrays import FloatArray
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Observation
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.objects.object_spec import ObjectSpec
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.simulation.motors import RATE_HZ
from dr_grasp.simulation.mujoco.dynamics import ObjectDynamics
from dr_grasp.simulation.mujoco.free_object import FreeObject
from dr_grasp.simulation.mujoco.model import build_model
from dr_grasp.simulation.mujoco.settings import SCORING, ModelSettings
from dr_grasp.simulation.mujoco.touches import TouchReader
from dr_grasp.simulation.scene import ObjectState, place_of


class MujocoTableWorld(Closing):
    """A table and an object, without the robot; see `TableScene`.

    Attributes:
        robot: The robot, whose specification says where the table stands.
        object: The object on the table.
    """

    _with_robot = False

    def __init__(
        self, robot: RobotSpec, obj: ObjectSpec, settings: ModelSettings | None = None
    ) -> None:
        """Build the world.

        Args:
            robot: The robot.
            obj: The object.
            settings: Timestep, solver and contacts; None for those of scoring.

        Raises:
            ModelError: MuJoCo cannot read the robot or the object.
        """
        self.robot, self.object = robot, obj
        self._settings = settings = settings or SCORING.of(robot)
        nominal = ObjectDynamics.under(Perturbation.none(), obj)
        self._model: Any = build_model(robot, obj, nominal, settings, with_robot=self._with_robot)
        self._model.opt.gravity[:] = 0.0  # see `FreeObject`
        # The judge shall see that a simulation diverges; else MuJoCo begins it anew.
        self._model.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_AUTORESET.value
        self._data: Any = mujoco.MjData(self._model)
        self._substeps = round(1.0 / RATE_HZ / settings.timestep_s)
        self._touches = TouchReader(self._model, robot)
        self._set_drives()
        self._free = FreeObject(self._model, obj, robot, self._touches)

    def _set_drives(self) -> None:
        """Set gains of drives; there are none here."""

    def close(self) -> None:
        """Free the world; may be called twice."""
        self._model = self._data = None

    def start_object(self, object_in_base: Pose, perturbation: Perturbation) -> None:
        """Begin anew, with the object at rest above its place; see `TableScene`."""
        mujoco.mj_resetData(self._model, self._data)
        self._free.set_dynamics(ObjectDynamics.under(perturbation, self.object), self._data)
        place = place_of(self.robot, self.object, object_in_base, perturbation)
        self._free.put(place, self._data)
        mujoco.mj_kinematics(self._model, self._data)

    def push(self, force_in_base: FloatArray) -> None:
        """Push the object's centre of mass with a force from now on; see `World`."""
        self._free.push(force_in_base, self._data)

    def advance(self) -> None:
        """Simulate the time of one command."""
        mujoco.mj_step(self._model, self._data, self._substeps)

    @property
    def object_state(self) -> ObjectState:
        """Pose and velocity of the object in the base frame."""
        return self._free.state(self._data)

    @object_state.setter
    def object_state(self, state: ObjectState) -> None:
        self._free.set_state(state, self._data)
        mujoco.mj_kinematics(self._model, self._data)

    def object_pose(self) -> Pose:
        """Pose of the object's frame, which is its mesh's frame, in the base frame."""
        return self._free.pose(self._data)

    def observe(self) -> Observation:
        """Observe the present state for the judge."""
        touches = self._touches.read(self._data)
        return Observation(
            object_position=self._free.center(self._data),
            object_speed=self._free.speed(self._data),
            hand_height=self._hand_height(),
            hand_touches=touches.hand,
            object_supported=touches.supported,
            robot_hits_support=touches.hit,
            self_collision=touches.collision,
        )

    def _hand_height(self) -> float:
        """Height of the tool centre point [m]; there is none here."""
        return 0.0
