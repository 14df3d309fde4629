"""The double of moveit_py refuses what moveit_py refuses, and has nothing that it lacks."""

from __future__ import annotations

import copy
import importlib
import inspect
import re

import pytest
from pydantic import ValidationError

from .moveit_double import MODULES, World, install


@pytest.fixture
def world(franka, monkeypatch):
    world = World(franka)
    install(world, monkeypatch)
    return world


@pytest.fixture
def scene(world):
    with world.monitor.read_write() as scene:
        yield scene


@pytest.fixture
def request_parameters(world, tmp_path):
    planning = importlib.import_module("moveit.planning")
    (tmp_path / "parameters.yaml").write_text("{}")
    moveit = planning.MoveItPy(launch_params_filepaths=[str(tmp_path / "parameters.yaml")])
    return planning.PlanRequestParameters(moveit, "")


def test_it_is_spoiled_by_nothing_that_moveit_py_refuses(scene, request_parameters):
    from geometry_msgs.msg import Pose
    from moveit_msgs.msg import CollisionObject
    from shape_msgs.msg import MeshTriangle

    collisions = importlib.import_module("moveit.core.collision_detection")
    matrix = collisions.AllowedCollisionMatrix(["a", "b"])
    for spoil, error, says in [
        # Messages: a field that is not there, a value of another type, another message.
        (lambda: CollisionObject(header=Pose()), AssertionError, "header"),
        (lambda: CollisionObject(name="a"), AssertionError, "name"),
        (lambda: CollisionObject(id=b"a"), AssertionError, "id"),
        (lambda: CollisionObject(operation=0), AssertionError, "operation"),
        (lambda: setattr(CollisionObject(), "names", []), AttributeError, "names"),
        (lambda: MeshTriangle(vertex_indices=[0, 1]), AssertionError, "length 3"),
        (lambda: scene.apply_collision_object(Pose()), ValidationError, "CollisionObject"),
        (lambda: scene.apply_collision_object(), ValidationError, "collision_object_msg"),
        (lambda: scene.apply_collision_object(msg=CollisionObject()), ValidationError, "msg"),
        # Methods and attributes.
        (lambda: scene.get_collision_objects(), AttributeError, "get_collision_objects"),
        (lambda: setattr(scene, "collision_matrix", matrix), AttributeError, "collision_matrix"),
        (lambda: setattr(scene, "current_state", {}), ValidationError, "RobotState"),
        (lambda: matrix.set_entry("a", "b", "ALWAYS"), ValidationError, "boolean"),
        (lambda: matrix.set_entry("a", "b", allow=True), ValidationError, "allow"),
        (lambda: collisions.CollisionRequest(verbose=True), TypeError, "verbose"),
        (lambda: setattr(collisions.CollisionRequest(), "group", ""), ValueError, "group"),
        (lambda: setattr(request_parameters, "planner", "x"), ValueError, "planner"),
        (lambda: setattr(request_parameters, "planning_time", "1"), ValueError, "planning_time"),
        (lambda: setattr(request_parameters, "planning_attempts", 1.5), ValueError, "attempts"),
    ]:
        with pytest.raises(error, match=says):
            spoil()


def test_a_state_has_the_joints_that_it_has_and_is_looked_at_when_it_is_up_to_date(scene):
    state = copy.copy(scene.current_state)
    with pytest.raises(AssertionError, match="elbow"):
        state.joint_positions = {"elbow": 0.0}
    with pytest.raises(ValidationError, match="joint1"):
        state.joint_positions = {"panda_joint1": "0"}
    state.joint_positions = {"panda_joint1": 0.5}
    assert scene.current_state.joint_positions["panda_joint1"] == 0.0
    with pytest.raises(AssertionError, match="must be updated"):
        scene.is_state_colliding(state, "")
    state.update()
    assert not scene.is_state_colliding(state, "")


def test_the_scene_is_there_while_it_is_locked_and_written_to_only_as_said(world):
    with world.monitor.read_only() as scene:
        assert scene.current_state
        with pytest.raises(AssertionError, match="not locked for writing"):
            scene.remove_all_collision_objects()
        with pytest.raises(AssertionError, match="wait for ever"), world.monitor.read_write():
            pass
    with pytest.raises(AssertionError, match="not locked"):
        scene.current_state  # noqa: B018


def test_a_matrix_that_is_changed_is_the_scenes_only_when_it_is_set(scene):
    matrix = copy.deepcopy(scene.allowed_collision_matrix)
    matrix.set_entry("a", "b", True)
    assert scene.allowed_collision_matrix.get_entry("a", "b")[0] is False
    scene.allowed_collision_matrix = matrix
    assert scene.allowed_collision_matrix.get_entry("b", "a") == (True, "ALWAYS")


def public_names():
    """What the double offers: module, class and name."""
    ours = {"lock", "world"}
    for module, kinds in MODULES.items():
        for kind in kinds:
            for name in {*vars(kind), *vars(kind).get("__annotations__", ())} - ours:
                if not name.startswith(("_", "model_")):
                    yield module, kind, name


def test_the_double_offers_what_our_planner_uses():
    offered = {f"{kind.__name__}.{name}" for _, kind, name in public_names()}
    assert {"PlanningScene.check_collision", "PlanRequestParameters.planning_time"} <= offered
    assert len(offered) > 40


def test_what_it_has_an_installed_moveit_py_has_too():
    pytest.importorskip("moveit", reason="moveit_py is not installed")
    wrong = []
    for module, kind, name in public_names():
        real = getattr(getattr(importlib.import_module(module), kind.__name__), name, None)
        if real is None:
            wrong.append(f"{kind.__name__}.{name}: moveit_py has none")
        elif inspect.isfunction(vars(kind).get(name)):
            expected = list(inspect.signature(vars(kind)[name]).parameters)[1:]
            known = argument_names(real.__doc__)
            if expected not in known:
                wrong.append(f"{kind.__name__}.{name}: expected one of {known}, got {expected}")
    assert wrong == []


def argument_names(text):
    """Of each overload, the names of its arguments, from the text that pybind11 writes."""
    signatures = re.findall(r"^(?:\d+\. )?\w+\(self: [\w.:]+(.*)\) -> ", text, re.MULTILINE)
    return [re.findall(r", (\w+): ", signature) for signature in signatures]


def test_names_are_read_from_what_pybind11_writes():
    from rclpy.impl.implementation_singleton import rclpy_implementation

    add = rclpy_implementation.WaitSet.add_subscription.__doc__
    assert argument_names(add) == [["arg0"]]
    overloaded = (
        "plan(*args, **kwargs)\nOverloaded function.\n\n"
        "1. plan(self: moveit.planning.A, x: Dict[str, float], y: bool = False) -> bool\n\n"
        "    Plan.\n\n2. plan(self: moveit.planning.A, z: str) -> bool\n"
    )
    assert argument_names(overloaded) == [["x", "y"], ["z"]]
