"""The part of moveit_py 2.12 that `execution/moveit.py` uses, over a world of named collisions.

Names, arguments and their types are those of moveit_py's bindings (github.com/moveit/moveit2,
version 2.12.4, moveit_py/src): what is not here, or not so, fails. test_moveit_double.py holds them
against a moveit_py that is installed. Messages cross as there, through their serialization. A test
says which pairs of bodies meet in which posture.
"""

from __future__ import annotations

import copy
import itertools
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import yaml
from pydantic import BaseModel, ConfigDict, validate_call

from dr_grasp.core.trajectory import Waypoints

pytest.importorskip("rclpy", reason="needs ROS, which `make test-noble` does without")
pytest.importorskip("moveit_msgs.msg", reason="moveit_msgs is not installed; `make test` builds it")

from builtin_interfaces.msg import Duration
from moveit_msgs.msg import (
    AttachedCollisionObject,
    CollisionObject,
    MoveItErrorCodes,
)
from moveit_msgs.msg import RobotTrajectory as RobotTrajectoryMsg
from rclpy.serialization import deserialize_message, serialize_message
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

STRICT = ConfigDict(
    strict=True, extra="forbid", arbitrary_types_allowed=True, validate_assignment=True
)
bound = validate_call(config=STRICT)
"""A method of a binding: takes arguments of the annotated types only."""


def crossed(message):
    """What arrives in C++ of a message: a copy, and only if every value has its field's type."""
    return deserialize_message(serialize_message(message), type(message))


class AllowedCollisionMatrix:
    __slots__ = ("_entries",)

    @bound
    def __init__(self, names: list[str], default_entry: bool = False):
        pairs = itertools.combinations_with_replacement(names, 2)
        self._entries = {frozenset(pair): default_entry for pair in pairs}

    @bound
    def set_entry(self, name1: str, name2: str, allowed: bool):
        self._entries[frozenset((name1, name2))] = allowed

    @bound
    def get_entry(self, name1: str, name2: str):
        # In C++ the second value is not set for an unknown pair, and so may be anything.
        allowed = self._entries.get(frozenset((name1, name2)))
        return allowed is not None, "NEVER" if allowed is False else "ALWAYS"


class CollisionRequest(BaseModel):
    model_config = STRICT

    joint_model_group_name: str = ""
    distance: bool = False
    cost: bool = False
    contacts: bool = False
    max_contacts: int = 1
    max_contacts_per_pair: int = 1
    max_cost_sources: int = 1
    verbose: bool = False

    def __init__(self):
        super().__init__()


class CollisionResult(BaseModel):
    model_config = STRICT

    collision: bool = False
    distance: float = sys.float_info.max
    contact_count: int = 0

    def __init__(self):
        super().__init__()


class RobotState:
    __slots__ = ("_positions", "dirty")

    def __init__(self, positions):
        self._positions = dict(positions)
        self.dirty = False

    @property
    def joint_positions(self):
        return dict(self._positions)

    @joint_positions.setter
    @bound
    def joint_positions(self, values: dict[str, float]):
        unknown = set(values) - set(self._positions)
        assert not unknown, unknown
        self._positions.update(values)
        self.dirty = True

    def __copy__(self):
        made = RobotState(self._positions)
        made.dirty = self.dirty
        return made

    @bound
    def update(self, force: bool = False, type: str = "all"):
        assert type in ("all", "links_only", "collisions_only")
        self.dirty = False


class PlanningScene:
    """Usable while it is locked only; beyond that the real one is at the mercy of its threads."""

    __slots__ = ("_acm", "_state", "_world")

    def __init__(self, world):
        self._world = world
        self._state = RobotState(world.start)
        self._acm = AllowedCollisionMatrix([])
        for pair in world.adjacent:
            self._acm.set_entry(*pair, True)

    def _read(self):
        assert self._world.monitor.lock, "the scene is not locked"

    def _write(self):
        assert self._world.monitor.lock == "write", "the scene is not locked for writing"

    @property
    def current_state(self):
        self._read()
        return self._state

    @current_state.setter
    @bound
    def current_state(self, state: RobotState):
        self._write()
        self._state = copy.copy(state)

    @property
    def allowed_collision_matrix(self):
        self._read()
        return self._acm

    @allowed_collision_matrix.setter
    @bound
    def allowed_collision_matrix(self, acm: AllowedCollisionMatrix):
        self._write()
        self._acm = copy.deepcopy(acm)

    @bound
    def apply_collision_object(self, collision_object_msg: CollisionObject, color_msg: None = None):
        self._write()
        thing = crossed(collision_object_msg)
        if thing.operation == CollisionObject.ADD:
            self._world.objects[thing.id] = thing
        else:
            assert thing.operation == CollisionObject.REMOVE
            self._world.objects.pop(thing.id, None)

    @bound
    def process_attached_collision_object(self, object: AttachedCollisionObject):
        self._write()
        held = crossed(object)
        objects, attached = self._world.objects, self._world.attached
        if held.object.operation == CollisionObject.ADD:
            assert not self._state.dirty, "a state must be updated before something is attached"
            attached[held.object.id] = (held, copy.copy(self._state))
            objects.pop(held.object.id)
        elif held.object.id in attached:
            assert held.object.operation == CollisionObject.REMOVE
            # As MoveIt has it: what is let go of is in the world again.
            objects[held.object.id] = attached.pop(held.object.id)[0].object

    @bound
    def remove_all_collision_objects(self):
        self._write()
        self._world.objects.clear()

    def _meeting(self, state, matrix):
        self._read()
        assert not state.dirty, "a state must be updated before it is checked"
        there = {*self._world.links, *self._world.objects, *self._world.attached}
        for pair in self._world.collisions(state.joint_positions):
            known, kind = matrix.get_entry(*pair)
            if set(pair) <= there and not (known and kind == "ALWAYS"):
                yield pair

    @bound
    def is_state_colliding(
        self, robot_state: RobotState, joint_model_group_name: str, verbose: bool = False
    ):
        assert joint_model_group_name == "", "which means the whole robot"
        return any(self._meeting(robot_state, self._acm))

    @bound
    def check_collision(
        self,
        collision_request: CollisionRequest,
        collision_result: CollisionResult,
        state: RobotState,
        acm: AllowedCollisionMatrix,
    ):
        assert collision_request.joint_model_group_name == ""
        collision_result.collision = any(self._meeting(state, acm))


class SceneLock:
    __slots__ = ("_kind", "_monitor", "_scene")

    def __init__(self, monitor, kind, scene):
        self._monitor, self._kind, self._scene = monitor, kind, scene

    def __enter__(self):
        assert self._monitor.lock is None, "locked already: MoveIt would wait for ever"
        self._monitor.lock = self._kind
        return self._scene

    def __exit__(self, type, value, traceback):
        self._monitor.lock = None


class PlanningSceneMonitor:
    __slots__ = ("_scene", "lock")

    def __init__(self, world):
        self.lock = None
        self._scene = PlanningScene(world)

    @bound
    def read_write(self):
        return SceneLock(self, "write", self._scene)

    @bound
    def read_only(self):
        return SceneLock(self, "read", self._scene)


class RobotTrajectory:
    __slots__ = ("_message",)

    def __init__(self, message):
        self._message = message

    @bound
    def get_robot_trajectory_msg(self, joint_filter: list[str] = []):  # noqa: B006
        assert not joint_filter
        return crossed(self._message)


class MotionPlanResponse:
    __slots__ = ("_code", "_message")

    def __init__(self, code, message=None):
        self._code, self._message = code, message

    def __bool__(self):
        return self._code == MoveItErrorCodes.SUCCESS

    @property
    def error_code(self):
        return crossed(MoveItErrorCodes(val=self._code))

    @property
    def trajectory(self):
        return RobotTrajectory(self._message) if self._message else None


class JointModelGroup:
    __slots__ = ("_joints", "_limits")

    def __init__(self, joints, limits):
        self._joints, self._limits = joints, limits

    @property
    def active_joint_model_names(self):
        return list(self._joints)

    @bound
    def satisfies_position_bounds(self, values: np.ndarray, margin: float = 0.0):
        assert values.dtype == np.float64 and values.shape == (len(self._joints),)
        return all(
            low - margin <= value <= high + margin
            for value, (low, high) in zip(values, self._limits, strict=True)
        )


class RobotModel:
    __slots__ = ("_world",)

    def __init__(self, world):
        self._world = world

    @property
    def joint_model_group_names(self):
        return [self._world.group_name]

    @bound
    def has_joint_model_group(self, joint_model_group_name: str):
        return joint_model_group_name == self._world.group_name

    @bound
    def get_joint_model_group(self, joint_model_group_name: str):
        assert self.has_joint_model_group(joint_model_group_name)
        return JointModelGroup(self._world.group_joints, self._world.limits)


class MoveItPy:
    """A subclass of each world says which one it is in; see `World.moveit`."""

    world = None

    @bound
    def __init__(
        self,
        node_name: str = "moveit_py",
        name_space: str = "",
        launch_params_filepaths: list[str] = [],  # noqa: B006
        config_dict: None = None,
        provide_planning_service: bool = True,
        remappings: None = None,
    ):
        (path,) = map(Path, launch_params_filepaths)
        self.world.config = (node_name, name_space, yaml.safe_load(path.read_text()))

    @bound
    def get_robot_model(self):
        return RobotModel(self.world)

    @bound
    def get_planning_component(self, planning_component_name: str):
        assert planning_component_name == self.world.group_name
        return PlanningComponent(self.world)

    @bound
    def get_planning_scene_monitor(self):
        return self.world.monitor

    @bound
    def shutdown(self):
        self.world.stopped += 1


class PlanRequestParameters(BaseModel):
    """Its values come from the node's parameters; these would plan nothing."""

    model_config = STRICT

    planner_id: str = ""
    planning_pipeline: str = ""
    planning_attempts: int = 0
    planning_time: float = 0.0
    max_velocity_scaling_factor: float = 0.0
    max_acceleration_scaling_factor: float = 0.0

    def __init__(self, arg0, arg1, /):
        assert isinstance(arg0, MoveItPy) and isinstance(arg1, str)
        super().__init__()


class PlanningComponent:
    __slots__ = ("_goal", "_start", "_world")

    def __init__(self, world):
        self._world = world

    @bound
    def set_start_state(
        self, configuration_name: None = None, robot_state: RobotState | None = None
    ):
        self._start = _given(robot_state)
        return True

    @bound
    def set_goal_state(
        self,
        configuration_name: None = None,
        robot_state: RobotState | None = None,
        pose_stamped_msg: None = None,
        pose_link: None = None,
        motion_plan_constraints: None = None,
    ):
        self._goal = _given(robot_state)
        return True

    @bound
    def plan(
        self,
        single_plan_parameters: PlanRequestParameters | None = None,
        multi_plan_parameters: None = None,
        planning_scene: None = None,
        solution_selection_function: None = None,
        stopping_criterion_callback: None = None,
    ):
        assert self._world.monitor.lock is None, "MoveIt would wait for the scene for ever"
        self._world.requests.append(single_plan_parameters)
        if self._world.failures > 0:
            self._world.failures -= 1
            return MotionPlanResponse(MoveItErrorCodes.INVALID_MOTION_PLAN)
        # In another order than the group's: trajectories name their joints.
        names = list(reversed(self._world.group_joints))
        points = [
            JointTrajectoryPoint(
                positions=[state.joint_positions[name] for name in names],
                time_from_start=Duration(sec=index, nanosec=500_000_000 * index),
            )
            for index, state in enumerate((self._start, self._goal))
        ]
        path = JointTrajectory(joint_names=names, points=points)
        return MotionPlanResponse(
            MoveItErrorCodes.SUCCESS, RobotTrajectoryMsg(joint_trajectory=path)
        )


def _given(state):
    assert state is not None and not state.dirty
    return copy.copy(state)


class World:
    """What stands behind the double.

    Attributes:
        collisions: Pairs of bodies that meet in a posture, by joint name.
        failures: How many of the next plans fail.
        objects: Messages of the bodies in the scene, by their names.
        attached: Messages of what is held and the robot's states when it was taken, by name.
    """

    def __init__(self, robot):
        joints = (*robot.arm_joints, *robot.hand_joints)
        self.start = dict.fromkeys((robot.names.get(one, one) for one in joints), 0.0)
        self.links = list(robot.model.links)
        self.adjacent = [tuple(pair) for pair in robot.model.allowed_collisions if len(pair) == 2]
        self.collisions = lambda positions: []
        self.failures = 0
        self.requests = []
        self.objects = {}
        self.attached = {}
        self.stopped = 0
        self.group_name = robot.hardware.moveit.group
        self.group_joints = [robot.names.get(joint, joint) for joint in robot.arm_joints]
        self.limits = [(limits.lower, limits.upper) for limits in robot.arm_limits]
        self.monitor = PlanningSceneMonitor(self)

    def moveit(self):
        return type("MoveItPy", (MoveItPy,), {"__slots__": (), "world": self})


MODULES = {
    "moveit": (),
    "moveit.core": (),
    "moveit.core.collision_detection": (AllowedCollisionMatrix, CollisionRequest, CollisionResult),
    "moveit.core.planning_interface": (MotionPlanResponse,),
    "moveit.core.planning_scene": (PlanningScene,),
    "moveit.core.robot_model": (JointModelGroup, RobotModel),
    "moveit.core.robot_state": (RobotState,),
    "moveit.core.robot_trajectory": (RobotTrajectory,),
    "moveit.planning": (MoveItPy, PlanningComponent, PlanningSceneMonitor, PlanRequestParameters),
}
"""The classes of the double by the modules in which moveit_py has them."""


def install(world, monkeypatch):
    """Have `import moveit` find the double."""
    for name, content in MODULES.items():
        module = types.ModuleType(name)
        module.__dict__.update({kind.__name__: kind for kind in content})
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(sys.modules["moveit.planning"], "MoveItPy", world.moveit())
    monkeypatch.delitem(sys.modules, "dr_grasp.execution.moveit", raising=False)


def straight(robot, start, end):
    return Waypoints(robot.arm_joints, [0.0, 1.0], [start, end])
