"""MoveIt's planner against a double of moveit_py."""

import importlib
import sys
from dataclasses import replace

import numpy as np
import pytest

from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.trajectory import Waypoints
from dr_grasp.errors import SettingsError
from dr_grasp.execution.arm import StepResult
from dr_grasp.objects.object_spec import load_object

from .moveit_double import World, install, straight

ON_TABLE = Pose([0.5, 0.0, 0.05], [0, 0, 0, 1])


@pytest.fixture
def world(franka):
    return World(franka)


@pytest.fixture
def make(world, monkeypatch):
    install(world, monkeypatch)
    module = importlib.import_module("dr_grasp.execution.moveit")
    made = []

    def start(robot, hardware=None):
        planner = module.MoveItPlanner(robot, hardware or robot.hardware, {"a": {"b": 1}}, "/ns")
        made.append(planner)
        return planner

    yield start
    for planner in made:
        planner.close()
    sys.modules.pop("dr_grasp.execution.moveit", None)


@pytest.fixture
def planner(make, franka):
    planner = make(franka)
    planner.set_scene(load_object("box"), ON_TABLE)
    return planner


@pytest.fixture
def path(franka):
    end = franka.home + np.array([0.5, 0, 0, 0, 0, 0, 0])
    return straight(franka, franka.home, end)


def test_moveit_gets_its_parameters_and_its_namespace(planner, world):
    parameters = {"/**": {"ros__parameters": {"a": {"b": 1}}}}
    assert world.config == ("moveit_py", "/ns", parameters)


def test_the_scene_has_the_table_and_one_object(planner, world, franka):
    objects = world.objects
    assert set(objects) == {"dr_grasp_table", "dr_grasp_object"}
    table = objects["dr_grasp_table"]
    assert table.header.frame_id == "panda_link0"
    assert table.primitives[0].dimensions.tolist() == list(franka.table.size)
    top = table.primitive_poses[0].position.z + franka.table.size[2] / 2
    assert top == pytest.approx(franka.table.top_z)
    box = objects["dr_grasp_object"]
    vertices = np.array([[v.x, v.y, v.z] for mesh in box.meshes for v in mesh.vertices])
    points = load_object("box").points
    assert np.allclose(vertices.max(axis=0), points.max(axis=0), atol=1e-6)
    assert (box.pose.position.x, box.pose.position.z) == (0.5, 0.05)
    planner.set_scene(load_object("cylinder"), ON_TABLE)
    assert set(world.objects) == {"dr_grasp_table", "dr_grasp_object"}


def test_a_free_path_is_free_and_only_looked_at_closely_enough(planner, world, franka, path):
    seen = []
    world.collisions = lambda at: seen.append(at["panda_joint1"]) or []
    assert planner.collision(path, franka.hand_open) is None
    assert min(seen) == 0.0 and max(seen) == pytest.approx(0.5)
    assert np.diff(sorted(set(seen))).max() <= 0.01 + 1e-9


def test_the_first_posture_that_collides_is_told_with_its_links(planner, world, franka, path):
    world.collisions = lambda at: (
        [("panda_link5", "dr_grasp_table")] if at["panda_joint1"] > 0.25 else []
    )
    fault = planner.collision(path, franka.hand_open)
    assert fault.outcome is Outcome.IN_COLLISION
    assert fault.reason == "panda_link5 and dr_grasp_table would collide 0.52 s from its start"


def test_between_waypoints_nothing_is_missed(planner, world, franka, path):
    world.collisions = lambda at: (
        [("panda_link5", "panda_link2")] if 0.24 < at["panda_joint1"] < 0.255 else []
    )
    assert planner.collision(path, franka.hand_open) is not None


def test_the_hand_may_touch_the_object_only_where_it_is_told_so(planner, world, franka, path):
    world.collisions = lambda at: [("panda_leftfinger", "dr_grasp_object")]
    assert planner.collision(path, franka.hand_open, may_touch=True) is None
    fault = planner.collision(path, franka.hand_open)
    assert "panda_leftfinger and dr_grasp_object" in fault.reason
    world.collisions = lambda at: [("panda_link4", "dr_grasp_object")]
    assert planner.collision(path, franka.hand_open, may_touch=True) is not None


def test_what_stands_on_the_table_may_touch_it(planner, world, franka, path):
    world.collisions = lambda at: [
        ("panda_link0", "dr_grasp_table"),
        ("dr_grasp_object", "dr_grasp_table"),
        ("panda_link0", "panda_link1"),
    ]
    assert planner.collision(path, franka.hand_open) is None


def test_a_plan_is_a_path_in_our_order(planner, world, franka):
    goal = franka.home + 0.2
    found = planner.plan(franka.home, goal, franka.hand_open, 0.3)
    assert isinstance(found, Waypoints) and found.joints == franka.arm_joints
    assert np.allclose(found.positions, [franka.home, goal])
    assert found.times_s.tolist() == [0.0, 1.5]
    request = world.requests[0]
    assert request.max_velocity_scaling_factor == request.max_acceleration_scaling_factor == 0.3
    assert request.planning_pipeline == "ompl"


def test_a_plan_that_fails_is_tried_again(planner, world, franka):
    world.failures = 4
    assert isinstance(
        planner.plan(franka.home, franka.home + 0.2, franka.hand_open, 1.0), Waypoints
    )
    world.failures = 5
    fault = planner.plan(franka.home, franka.home + 0.2, franka.hand_open, 1.0)
    assert fault == StepResult(Outcome.PLAN_FAILED, "no way found in 5 tries (MoveIt's error -2)")


@pytest.mark.parametrize(("above", "name"), [(-0.1, "start"), (0.1, "end")])
def test_a_start_or_an_end_that_collides_is_told_apart(planner, world, franka, above, name):
    world.collisions = lambda at: (
        [("panda_hand", "dr_grasp_object")] if at["panda_joint1"] > above else []
    )
    fault = planner.plan(franka.home, franka.home + 0.2, franka.hand_open, 1.0)
    assert fault.outcome is Outcome.IN_COLLISION
    assert fault.reason == f"panda_hand and dr_grasp_object collide at its {name}"


def test_what_is_held_moves_with_the_hand_from_where_it_was_taken(planner, world, franka):
    posture = franka.home + 0.1
    planner.attach(posture, np.array([0.012]))
    held, state = world.attached["dr_grasp_object"]
    assert held.link_name == "panda_hand_tcp"
    assert set(held.touch_links) == set(franka.hand_links)
    assert state.joint_positions["panda_joint3"] == pytest.approx(posture[2])
    assert state.joint_positions["panda_finger_joint1"] == 0.012
    planner.detach()
    assert world.attached == {} and set(world.objects) == {"dr_grasp_table"}


def test_a_new_scene_forgets_what_was_held(planner, world, franka):
    planner.attach(franka.home, franka.hand_open)
    planner.set_scene(load_object("box"), ON_TABLE)
    assert world.attached == {}
    assert set(world.objects) == {"dr_grasp_table", "dr_grasp_object"}


def test_another_model_is_refused(make, franka, world):
    moveit = franka.hardware.moveit.model_copy(update={"group": "x"})
    with pytest.raises(SettingsError, match=r"expected one of MoveIt's model \(panda_arm\), got x"):
        make(franka, replace(franka.hardware, moveit=moveit))
    world.group_joints.reverse()
    with pytest.raises(SettingsError, match=r"the joints panda_joint1, .* got panda_joint7"):
        make(franka)
    world.group_joints.reverse()
    world.limits[3] = (-3.0, -1.0)
    with pytest.raises(SettingsError, match=r"expected panda_joint4 to reach -3.07"):
        make(franka)
    world.limits[3] = (-2.0, -1.0)
    with pytest.raises(SettingsError, match="expected the robot's home within its limits"):
        make(franka)


def test_names_outside_are_used_outside(make, franka, monkeypatch):
    names = {f"panda_joint{n}": f"fr3_joint{n}" for n in range(1, 8)}
    renamed = replace(franka, names=names)
    world = World(renamed)
    install(world, monkeypatch)
    module = importlib.import_module("dr_grasp.execution.moveit")
    planner = module.MoveItPlanner(renamed, renamed.hardware, {})
    planner.set_scene(load_object("box"), ON_TABLE)
    found = planner.plan(franka.home, franka.home + 0.2, franka.hand_open, 1.0)
    assert found.joints == franka.arm_joints
    assert np.allclose(found.positions[0], franka.home)


def test_closing_twice_stops_once(make, franka, world):
    planner = make(franka)
    planner.close()
    planner.close()
    assert world.stopped == 1
