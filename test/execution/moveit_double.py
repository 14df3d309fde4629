"""The part of moveit_py 2.12 that `execution/moveit.py` uses, over a world of named collisions.

Names and behaviour are those of the real one, against which the same file was run: what is not
here raises AttributeError there, too. A test says which pairs of bodies meet in which posture.
"""

from __future__ import annotations

import copy
import itertools
import sys
import types
from contextlib import contextmanager
from pathlib import Path

import yaml

from dr_grasp.core.trajectory import Waypoints


class Message:
    """Any ROS message: fields by keyword."""

    def __init__(self, **fields):
        self.__dict__.update(fields)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        value = Message()
        self.__dict__[name] = value
        return value


class CollisionObject(Message):
    ADD, REMOVE = b"\x00", b"\x01"


class AttachedCollisionObject(Message):
    """Its operation is that of its object, whose constants it does not have."""

    def __getattr__(self, name):
        if name.isupper():
            raise AttributeError(name)
        return super().__getattr__(name)


class SolidPrimitive(Message):
    BOX = 1


class AllowedCollisionMatrix:
    def __init__(self, names, default_entry=False):
        pairs = itertools.combinations(names, 2) if default_entry else ()
        self.entries = {frozenset(pair): True for pair in pairs}

    def set_entry(self, name1, name2, allowed):
        self.entries[frozenset((name1, name2))] = allowed

    def get_entry(self, name1, name2):
        known = frozenset((name1, name2)) in self.entries
        allowed = self.entries.get(frozenset((name1, name2)))
        return known, "ALWAYS" if allowed else "NEVER"


class RobotState:
    def __init__(self, positions):
        self._positions = dict(positions)
        self.updated = True

    @property
    def joint_positions(self):
        return dict(self._positions)

    @joint_positions.setter
    def joint_positions(self, values):
        unknown = set(values) - set(self._positions)
        assert not unknown, unknown
        self._positions.update(values)
        self.updated = False

    def __copy__(self):
        return RobotState(self._positions)

    def update(self):
        self.updated = True


class Scene:
    def __init__(self, world):
        self._world = world
        self.current_state = RobotState(world.start)
        self.allowed_collision_matrix = AllowedCollisionMatrix([])
        for pair in world.adjacent:
            self.allowed_collision_matrix.set_entry(*pair, True)
        self.objects = {}
        self.attached = {}

    def apply_collision_object(self, thing):
        if thing.operation == CollisionObject.ADD:
            self.objects[thing.id] = thing
        else:
            self.objects.pop(thing.id, None)

    def process_attached_collision_object(self, held):
        if held.object.operation == CollisionObject.ADD:
            self.attached[held.object.id] = (held, copy.copy(self.current_state))
            self.objects.pop(held.object.id)
        elif held.object.id in self.attached:
            # As MoveIt has it: what is let go of is in the world again.
            self.objects[held.object.id] = self.attached.pop(held.object.id)[0].object

    def remove_all_collision_objects(self):
        self.objects.clear()

    def _meeting(self, state, matrix):
        assert state.updated, "a state must be updated before it is checked"
        there = {*self._world.links, *self.objects, *self.attached}
        for pair in self._world.collisions(state.joint_positions):
            if set(pair) <= there and not matrix.entries.get(frozenset(pair), False):
                yield pair

    def is_state_colliding(self, robot_state, joint_model_group_name, verbose=False):
        return any(self._meeting(robot_state, self.allowed_collision_matrix))

    def check_collision(self, collision_request, collision_result, state, acm):
        collision_result.collision = any(self._meeting(state, acm))


class SceneMonitor:
    def __init__(self, world):
        self.scene = Scene(world)
        self.locks = 0

    @contextmanager
    def read_write(self):
        self.locks += 1
        assert self.locks == 1, "the scene is locked already: MoveIt would wait for ever"
        try:
            yield self.scene
        finally:
            self.locks -= 1

    read_only = read_write


class PlanRequestParameters:
    def __init__(self, moveit, namespace):
        pass


class Plan:
    def __init__(self, trajectory, code=1):
        self._trajectory = trajectory
        self.error_code = Message(val=code)

    def __bool__(self):
        return self.error_code.val == 1

    @property
    def trajectory(self):
        return Message(get_robot_trajectory_msg=lambda: self._trajectory)


class Component:
    def __init__(self, world):
        self._world = world

    def set_start_state(self, robot_state):
        self._start = robot_state

    def set_goal_state(self, robot_state):
        self._goal = robot_state

    def plan(self, single_plan_parameters):
        self._world.requests.append(single_plan_parameters)
        if self._world.failures > 0:
            self._world.failures -= 1
            return Plan(None, -2)
        # In another order than the group's: trajectories name their joints.
        names = list(reversed(self._world.group.active_joint_model_names))
        points = [
            Message(
                positions=[state.joint_positions[name] for name in names],
                time_from_start=Message(sec=index, nanosec=500_000_000 * index),
            )
            for index, state in enumerate((self._start, self._goal))
        ]
        return Plan(Message(joint_trajectory=Message(joint_names=names, points=points)))


class Group:
    def __init__(self, joints, limits):
        self.active_joint_model_names = list(joints)
        self.limits = limits

    def satisfies_position_bounds(self, values, margin=0.0):
        return all(
            low - margin <= value <= high + margin
            for value, (low, high) in zip(values, self.limits, strict=True)
        )


class World:
    """What stands behind the double.

    Attributes:
        collisions: Pairs of bodies that meet in a posture, by joint name.
        failures: How many of the next plans fail.
    """

    def __init__(self, robot):
        joints = (*robot.arm_joints, *robot.hand_joints)
        self.start = dict.fromkeys((robot.names.get(one, one) for one in joints), 0.0)
        self.links = list(robot.model.links)
        self.adjacent = [tuple(pair) for pair in robot.model.allowed_collisions if len(pair) == 2]
        self.collisions = lambda positions: []
        self.failures = 0
        self.requests = []
        self.stopped = 0
        self.group_name = robot.hardware.moveit.group
        self.group = Group(
            [robot.names.get(joint, joint) for joint in robot.arm_joints],
            [(limits.lower, limits.upper) for limits in robot.arm_limits],
        )
        self.monitor = SceneMonitor(self)

    def moveit(self, node_name, name_space, launch_params_filepaths):
        (path,) = map(Path, launch_params_filepaths)
        self.config = (node_name, name_space, yaml.safe_load(path.read_text()))
        world = self

        class Model:
            joint_model_group_names = (world.group_name,)

            def has_joint_model_group(self, name):
                return name == world.group_name

            def get_joint_model_group(self, name):
                return world.group

        class MoveItPy:
            def get_robot_model(self):
                return Model()

            def get_planning_component(self, planning_component_name):
                return Component(world)

            def get_planning_scene_monitor(self):
                return world.monitor

            def shutdown(self):
                world.stopped += 1

        return MoveItPy()

    @property
    def scene(self):
        return self.monitor.scene


def install(world, monkeypatch):
    """Have `import moveit` and its messages find the double."""
    modules = {
        "moveit": {},
        "moveit.core": {},
        "moveit.core.collision_detection": {
            "AllowedCollisionMatrix": AllowedCollisionMatrix,
            "CollisionRequest": Message,
            "CollisionResult": Message,
        },
        "moveit.core.robot_state": {"RobotState": RobotState},
        "moveit.planning": {
            "MoveItPy": world.moveit,
            "PlanRequestParameters": PlanRequestParameters,
        },
        "moveit_msgs": {},
        "moveit_msgs.msg": {
            "AttachedCollisionObject": AttachedCollisionObject,
            "CollisionObject": CollisionObject,
        },
        "shape_msgs": {},
        "shape_msgs.msg": {
            "Mesh": Message,
            "MeshTriangle": Message,
            "SolidPrimitive": SolidPrimitive,
        },
        "geometry_msgs": {},
        "geometry_msgs.msg": {"Point": Message, "Pose": Message},
    }
    for name, content in modules.items():
        module = types.ModuleType(name)
        module.__dict__.update(content)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.delitem(sys.modules, "dr_grasp.execution.moveit", raising=False)


def straight(robot, start, end):
    return Waypoints(robot.arm_joints, [0.0, 1.0], [start, end])
