"""Scored grasps in RViz: where they are drawn, in which colour, and what replaces what."""

import time
from dataclasses import replace

import numpy as np
import pytest
import rclpy
from visualization_msgs.msg import Marker, MarkerArray

from dr_grasp.core.fitness import Fitness
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.ros import markers
from dr_grasp.ros.markers import GraspMarkers, grasp_markers
from dr_grasp.ros.qos import RESULTS


def scored(samples, successes, trials=10, **changes):
    fitness = {Criterion.MDR: Fitness(Criterion.MDR, successes, trials)}
    return samples.score(fitness=fitness, **changes)


def points_in_base(marker):
    from dr_grasp.core.geometry import Pose

    place, turn = marker.pose.position, marker.pose.orientation
    pose = Pose([place.x, place.y, place.z], [turn.x, turn.y, turn.z, turn.w])
    return pose.apply([[point.x, point.y, point.z] for point in marker.points])


@pytest.mark.parametrize(
    ("successes", "rgb", "text"),
    [(0, (1, 0, 0), "0.00"), (5, (1, 1, 0), "0.50"), (10, (0, 1, 0), "1.00")],
)
def test_the_colour_is_that_of_the_mdr(home_grasp, samples, successes, rgb, text):
    hand, label = grasp_markers(home_grasp(), scored(samples, successes), 3)
    for marker in (hand, label):
        assert (marker.color.r, marker.color.g, marker.color.b) == rgb
        assert marker.color.a > 0
    assert label.text == text


def test_without_an_mdr_it_is_grey_and_says_what_became_of_it(home_grasp, samples):
    score = samples.score(fitness={}, nominal_outcome=Outcome.MISSED)
    hand, label = grasp_markers(home_grasp(), score, 0)
    assert hand.color.r == hand.color.g == hand.color.b
    assert label.text == "missed"


def test_fingers_are_drawn_on_both_sides_of_the_grasped_object(franka, mug_grasps, samples):
    from dr_grasp.robots.forward_kinematics import link_in_base

    grasp = mug_grasps[0]
    hand, _ = grasp_markers(grasp, samples.score(), 0)
    assert (hand.type, hand.action) == (Marker.LINE_LIST, Marker.ADD)
    points = points_in_base(hand)
    tcp = link_in_base(franka, franka.tcp_link, grasp.approach.positions[-1])
    np.testing.assert_allclose(points[[0, 2]].mean(axis=0), tcp.apply([[0, 0, 0.0095]])[0])
    # Fully open the pads of a Franka hand are 80 mm apart.
    width = np.linalg.norm(points[0] - points[2])
    assert width == pytest.approx(0.08 * float(grasp.close.preshape[0]) / 0.04)
    assert np.linalg.norm(points[:, :2].mean(axis=0) - grasp.object_in_base.position[:2]) < 0.1


@pytest.mark.parametrize(("name", "frame"), [("baxter", "base"), ("ur5_schunk_sih", "world")])
def test_frames_have_the_names_outside(name, frame, home_grasp, samples):
    robot = load_robot(name)
    hand, _ = grasp_markers(at_home(home_grasp, robot), samples.score(), 0)
    assert hand.header.frame_id == frame
    assert hand.header.stamp.sec == hand.header.stamp.nanosec == 0


def at_home(home_grasp, robot, **provenance):
    from dr_grasp.core.trajectory import HandClose, Waypoints

    still = Waypoints(robot.arm_joints, [0.0, 0.5], [robot.home, robot.home])
    synergy = robot.synergies[0]
    close = HandClose(robot.hand_joints, synergy.open, synergy.closed, 1.0, 0.5)
    return replace(
        home_grasp(),
        robot=robot.name,
        approach=still,
        lift=still,
        close=close,
        provenance=provenance,
    )


def test_the_synergy_says_where_the_grip_is(home_grasp, samples):
    robot = load_robot("ur5_schunk_sih")
    places = {
        name: grasp_markers(at_home(home_grasp, robot, synergy=name), samples.score(), 0)[
            0
        ].pose.position
        for name in ("pinch", "power", "of another maker")
    }
    assert places["pinch"] != places["power"]
    assert places["pinch"] == places["of another maker"]


@pytest.fixture
def node(namespace):
    context = rclpy.Context()
    rclpy.init(context=context)
    made = rclpy.create_node("markers", namespace=namespace, context=context)
    yield made
    made.destroy_node()
    context.try_shutdown()


def heard(node, count, within=10.0):
    """What somebody hears who comes now."""
    found = []
    subscription = node.create_subscription(
        MarkerArray, "grasp_markers", lambda message: found.append(message.markers), RESULTS
    )
    executor = rclpy.executors.SingleThreadedExecutor(context=node.context)
    executor.add_node(node)
    deadline = time.monotonic() + within
    while len(found) < count and time.monotonic() < deadline:
        executor.spin_once(timeout_sec=0.1)
    executor.remove_node(node)
    node.destroy_subscription(subscription)
    return found


def test_a_rescored_grasp_replaces_its_markers_and_latecomers_see_all(node, home_grasp, samples):
    shown = GraspMarkers(node)
    shown.add(home_grasp(id="a"), samples.score())
    shown.add(home_grasp(id="b"), scored(samples, 3))
    shown.add(home_grasp(id="a"), scored(samples, 7))
    first, second, again = heard(node, 3)
    keys = [[(marker.ns, marker.id) for marker in shown] for shown in (first, second, again)]
    assert keys[0] == [("grasps", 0), ("grasp_fitness", 0)]
    assert keys[1] == [("grasps", 1), ("grasp_fitness", 1)]
    assert keys[2] == [("grasps", 0), ("grasp_fitness", 0)]
    assert again[1].text == "0.70"


def test_clear_takes_all_away_and_numbers_begin_anew(node, home_grasp, samples):
    shown = GraspMarkers(node)
    shown.add(home_grasp(id="a"), samples.score())
    shown.clear()
    shown.add(home_grasp(id="b"), samples.score())
    _, cleared, after = heard(node, 3)
    assert [marker.action for marker in cleared] == [Marker.DELETEALL]
    assert [marker.id for marker in after] == [0, 0]


def test_of_very_many_the_first_are_shown(node, home_grasp, samples, monkeypatch):
    monkeypatch.setattr(markers, "MOST", 2)
    shown = GraspMarkers(node)
    for name in ("a", "b", "c"):
        shown.add(home_grasp(id=name), samples.score())
    shown.add(home_grasp(id="b"), scored(samples, 1))
    found = heard(node, 3)
    assert [hand.id for hand, _ in found] == [0, 1, 1]
