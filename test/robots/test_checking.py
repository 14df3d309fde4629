from dataclasses import replace

import numpy as np
import pytest

from dr_grasp.core.geometry import Pose
from dr_grasp.core.trajectory import HandClose, Waypoints
from dr_grasp.errors import InvalidGraspError
from dr_grasp.robots.checking import check_grasp


def refused(grasp, franka, message):
    with pytest.raises(InvalidGraspError, match=message) as refusal:
        check_grasp(grasp, franka)
    assert str(refusal.value).startswith("grasp g1: ")
    assert "\n" not in str(refusal.value)


def moved(waypoints, row, column, to):
    positions = np.array(waypoints.positions)
    positions[row, column] = to
    return replace(waypoints, positions=positions)


def test_a_good_grasp_passes(franka, home_grasp):
    check_grasp(home_grasp(), franka)


def test_generated_grasps_pass(franka, mug_grasps, block_grasps):
    for grasp in (*mug_grasps, *block_grasps):
        check_grasp(grasp, franka)


def test_another_robot(franka, home_grasp):
    refused(home_grasp(robot="baxter"), franka, "robot: expected franka, got baxter")


@pytest.mark.parametrize(
    "joints",
    [
        pytest.param(lambda names: names[::-1], id="other order"),
        pytest.param(lambda names: (*names[:-1], "elbow"), id="wrong name"),
        pytest.param(lambda names: tuple(n.replace("panda", "fr3") for n in names), id="all wrong"),
    ],
)
def test_wrong_arm_joints(franka, home_grasp, joints):
    names = joints(franka.arm_joints)
    good = home_grasp()
    grasp = home_grasp(
        approach=replace(good.approach, joints=names), lift=replace(good.lift, joints=names)
    )
    expected = ", ".join(franka.arm_joints)
    refused(grasp, franka, f"approach joints: expected {expected}, got {', '.join(names)}")


def test_too_few_arm_joints(franka, home_grasp):
    joints, home = franka.arm_joints[:6], [franka.home[:6]]
    path = Waypoints(joints, [0.0], home)
    grasp = home_grasp(approach=path, lift=path)
    refused(grasp, franka, "approach joints: expected .*, panda_joint7, got .*, panda_joint6$")


def test_wrong_hand_joints(franka, home_grasp):
    close = HandClose(("panda_finger_joint2",), [0.04], [0.0], 30.0, 0.5)
    message = "close joints: expected panda_finger_joint1, got panda_finger_joint2"
    refused(home_grasp(close=close), franka, message)


@pytest.mark.parametrize("field", ["approach", "lift"])
def test_arm_positions_beyond_the_limits(franka, home_grasp, field):
    grasp = home_grasp()
    # Slow enough for the velocity not to be what is refused.
    slow = replace(getattr(grasp, field), times_s=[0.0, 50.0])
    path = moved(slow, 1 if field == "lift" else 0, 3, 0.5)
    message = rf"{field} positions: expected panda_joint4 within \[.*\], got 0.5 at waypoint [01]"
    refused(replace(grasp, **{field: path}), franka, message)


@pytest.mark.parametrize(
    ("field", "value"), [("preshape", 0.041), ("preshape", -0.001), ("positions", 0.05)]
)
def test_hand_positions_beyond_the_limits(franka, home_grasp, field, value):
    grasp = home_grasp()
    close = replace(grasp.close, **{field: [value]})
    message = rf"close {field}: expected panda_finger_joint1 within \[0, 0.04\], got {value}"
    refused(replace(grasp, close=close), franka, message)


def test_rounding_at_a_limit_is_no_reason(franka, home_grasp):
    grasp = home_grasp()
    check_grasp(replace(grasp, close=replace(grasp.close, preshape=[0.04 + 1e-9])), franka)


@pytest.mark.parametrize("share", [0.99, 1.005])
def test_velocity_up_to_the_limit_passes(franka, home_grasp, share):
    grasp = home_grasp()
    path = moved(grasp.approach, 0, 0, 0.5 * share * franka.arm_limits[0].velocity)
    check_grasp(replace(grasp, approach=path), franka)


@pytest.mark.parametrize("field", ["approach", "lift"])
def test_velocity_beyond_the_limit(franka, home_grasp, field):
    grasp = home_grasp()
    row = 1 if field == "lift" else 0
    path = moved(getattr(grasp, field), row, 0, 0.5 * 1.1 * franka.arm_limits[0].velocity)
    message = rf"{field} velocity: expected panda_joint1 within 2.175 per second, got 2.3\d+ before"
    refused(replace(grasp, **{field: path}), franka, message)


def test_the_way_into_a_lift_that_begins_later_has_its_limit_too(franka, home_grasp):
    grasp = home_grasp()
    late = replace(grasp.lift, times_s=[0.001, 0.5])
    check_grasp(replace(grasp, lift=late), franka)
    jump = moved(moved(late, 0, 0, 0.3), 1, 0, 0.3)
    message = "lift velocity: expected panda_joint1 within 2.175 per second, got 300 before 0.001 s"
    refused(replace(grasp, lift=jump), franka, message)


@pytest.mark.parametrize(
    "position", [[1.4, 0.0, 0.0], [0.5, 0.7, 0.0], [0.5, 0.0, -0.9], [500.0, 0.0, 16.0]]
)
def test_an_object_off_the_table_is_refused(home_grasp, franka, position):
    grasp = home_grasp(object_in_base=Pose(position, [0, 0, 0, 1]))
    with pytest.raises(InvalidGraspError, match="grasp g1: object_in_base position: expected on"):
        check_grasp(grasp, franka)
