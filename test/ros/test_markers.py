"""Scored grasps in RViz: where they are drawn, in which colour, and what replaces what."""

import time
from dataclasses import replace

import numpy as np
import pytest
import rclpy
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from visualization_msgs.msg import Marker, MarkerArray

from dr_grasp.core.fitness import Fitness
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.ros import markers
from dr_grasp.ros.markers import GraspMarkers, grasp_markers
from dr_grasp.ros.qos import RESULTS

LATCHED = {
    "reliability": ReliabilityPolicy.RELIABLE,
    "durability": DurabilityPolicy.TRANSIENT_LOCAL,
}


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


def keys(messages):
    return [[(marker.ns, marker.id, marker.action) for marker in shown] for shown in messages]


def seen(messages):
    """What a viewer shows in the end, by namespace and number, as RViz does."""
    shown = {}
    for marker in (marker for message in messages for marker in message):
        assert marker.action in (Marker.ADD, Marker.DELETE)
        if marker.action == Marker.ADD:
            shown[marker.ns, marker.id] = marker
        else:
            shown.pop((marker.ns, marker.id), None)
    return shown


def spaces(messages):
    return sorted({space.partition("/")[0] for space, _ in seen(messages)})


def test_a_rescored_grasp_replaces_its_markers_and_latecomers_see_all(node, home_grasp, samples):
    with GraspMarkers(node).request("goal") as show:
        show(home_grasp(id="a"), samples.score())
        show(home_grasp(id="b"), scored(samples, 3))
        show(home_grasp(id="a"), scored(samples, 7))
    first, second, again = heard(node, 3)
    add = Marker.ADD
    assert keys([first, second, again]) == [
        [("goal_1/grasps", 0, add), ("goal_1/fitness", 0, add)],
        [("goal_1/grasps", 1, add), ("goal_1/fitness", 1, add)],
        [("goal_1/grasps", 0, add), ("goal_1/fitness", 0, add)],
    ]
    assert again[1].text == "0.70"


def test_a_request_leaves_those_of_a_running_one(node, home_grasp, samples, monkeypatch):
    monkeypatch.setattr(markers, "KEPT", 2)
    shown = GraspMarkers(node)
    with shown.request("goal") as show:
        show(home_grasp(id="a"), samples.score())
        for _ in range(4):
            with shown.request("service") as call:
                call(home_grasp(id="a"), samples.score())
        show(home_grasp(id="b"), samples.score())
    found = heard(node, 6)
    assert spaces(found) == ["goal_1", "service_4"]
    assert {number for space, number in seen(found) if space == "goal_1/grasps"} == {0, 1}
    # It has ended, so the next one takes its place.
    with shown.request("goal") as show:
        show(home_grasp(id="c"), samples.score())
    assert spaces(heard(node, 7)) == ["goal_2", "service_4"]


def test_a_request_without_a_score_takes_no_place(node, home_grasp, samples):
    shown = GraspMarkers(node)
    with shown.request("service"), shown.request("service") as show:
        show(home_grasp(), samples.score())
    assert spaces(heard(node, 1)) == ["service_1"]


def test_who_comes_late_sees_what_began_long_ago(node, home_grasp, samples, monkeypatch):
    """The topic keeps a bounded number of messages."""
    monkeypatch.setattr(markers, "RESULTS", QoSProfile(depth=6, **LATCHED))
    monkeypatch.setattr(markers, "WHOLE_EVERY", 3)
    shown = GraspMarkers(node)
    with shown.request("goal") as show:
        show(home_grasp(id="a"), samples.score())
        for _ in range(10):
            with shown.request("service") as call:
                call(home_grasp(id="a"), samples.score())
        assert spaces(heard(node, 6)) == ["goal_1", "service_10", "service_9"]


def test_frames_have_the_prefix_of_the_arm(node, home_grasp, samples):
    with GraspMarkers(node, "left/").request("goal") as show:
        show(home_grasp(), samples.score())
    (found,) = heard(node, 1)
    assert [marker.header.frame_id for marker in found] == ["left/panda_link0"] * 2


def test_of_very_many_the_first_are_shown(node, home_grasp, samples, monkeypatch):
    monkeypatch.setattr(markers, "MOST", 2)
    with GraspMarkers(node).request("goal") as show:
        for name in ("a", "b", "c"):
            show(home_grasp(id=name), samples.score())
        show(home_grasp(id="b"), scored(samples, 1))
    found = heard(node, 3)
    assert [hand.id for hand, _ in found] == [0, 1, 1]
