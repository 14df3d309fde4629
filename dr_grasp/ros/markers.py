"""Shows scored grasps as RViz markers with the colour of their MDR fitness: red 0, green 1."""

from __future__ import annotations

import threading

import numpy as np
from geometry_msgs.msg import Point
from rclpy.node import Node
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

from dr_grasp.core.fitness import GraspScore
from dr_grasp.core.geometry import Pose
from dr_grasp.core.perturbation import Criterion
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.messages.encoding import encode_pose
from dr_grasp.robots.forward_kinematics import link_in_base
from dr_grasp.robots.robot_spec import RobotSpec, Synergy, load_robot
from dr_grasp.ros.conversions import to_msg
from dr_grasp.ros.qos import RESULTS

TOPIC = "grasp_markers"

MOST = 1000
"""Only the first so many grasps of a request are shown: the topic keeps this number of messages for
a late subscriber, and RViz becomes slow with more markers."""

FINGER_M, STEM_M, LINE_M, TEXT_M = 0.045, 0.05, 0.003, 0.02
"""Sizes [m]: length of the fingers behind the grip frame, length of the stem behind the fingers,
width of lines, height of letters."""

OPACITY = 0.9


class GraspMarkers:
    """Publishes grasps for RViz: the hand at the end of the approach, and the MDR fitness."""

    def __init__(self, node: Node) -> None:
        """Advertise the topic `grasp_markers` of a node."""
        self._publisher = node.create_publisher(MarkerArray, TOPIC, RESULTS)
        self._numbers: dict[str, int] = {}
        self._lock = threading.Lock()

    def add(self, grasp: GraspTrajectory, score: GraspScore) -> None:
        """Show a grasp and its score; earlier markers of the same grasp are replaced."""
        with self._lock:
            if grasp.id not in self._numbers and len(self._numbers) >= MOST:
                return
            number = self._numbers.setdefault(grasp.id, len(self._numbers))
            self._publisher.publish(MarkerArray(markers=grasp_markers(grasp, score, number)))

    def clear(self) -> None:
        """Remove all grasps from the display."""
        with self._lock:
            self._numbers.clear()
            self._publisher.publish(MarkerArray(markers=[Marker(action=Marker.DELETEALL)]))


def grasp_markers(grasp: GraspTrajectory, score: GraspScore, number: int) -> list[Marker]:
    """Make markers of a grasp in the robot's base frame: the hand as lines, the MDR as text.

    Args:
        grasp: The grasp.
        score: Score of the grasp; without MDR the hand is grey and the text is the nominal outcome.
        number: Id of the markers, unique for each grasp.

    Raises:
        DrGraspError: The grasp's robot cannot be loaded.
    """
    robot = load_robot(grasp.robot)
    synergy = _synergy(robot, grasp)
    tcp = link_in_base(robot, robot.tcp_link, grasp.approach.positions[-1], grasp.close.preshape)
    grip = tcp @ synergy.grip_in_tcp
    fitness = score.fitness.get(Criterion.MDR)
    color = _color(None if fitness is None else fitness.value)
    frame = robot.outside(robot.base_link)
    hand = _marker(frame, "grasps", number, Marker.LINE_LIST, grip, color)
    hand.scale.x = LINE_M
    hand.points = _lines(_opening(synergy, grasp), synergy.reach_m)
    behind = Pose(grip.apply([[0.0, 0.0, -FINGER_M - STEM_M - TEXT_M]])[0], grip.quaternion_xyzw)
    text = _marker(frame, "grasp_fitness", number, Marker.TEXT_VIEW_FACING, behind, color)
    text.scale.z = TEXT_M
    text.text = score.nominal_outcome.label if fitness is None else f"{fitness.value:.2f}"
    return [hand, text]


def _synergy(robot: RobotSpec, grasp: GraspTrajectory) -> Synergy:
    name = grasp.provenance.get("synergy")
    # The provenance of an imported grasp may not name any of the robot's synergies.
    return next((known for known in robot.synergies if known.name == name), robot.synergies[0])


def _opening(synergy: Synergy, grasp: GraspTrajectory) -> float:
    """Distance between the hand's gripping surfaces before the hand closes [m]."""
    way = synergy.open - synergy.closed
    done = (grasp.close.preshape - synergy.closed) @ way / (way @ way)
    return float(np.clip(done, 0.0, 1.0)) * synergy.largest_width_m


def _lines(opening: float, reach: float) -> list[Point]:
    """Lines of two fingers, the palm and a stem in the grip frame, two points for each line."""
    half = opening / 2
    corners = [
        ((half, reach), (half, -FINGER_M)),
        ((-half, reach), (-half, -FINGER_M)),
        ((half, -FINGER_M), (-half, -FINGER_M)),
        ((0.0, -FINGER_M), (0.0, -FINGER_M - STEM_M)),
    ]
    return [Point(y=float(y), z=float(z)) for line in corners for y, z in line]


def _color(value: float | None) -> ColorRGBA:
    if value is None:
        return ColorRGBA(r=0.5, g=0.5, b=0.5, a=OPACITY)
    return ColorRGBA(r=min(1.0, 2 - 2 * value), g=min(1.0, 2 * value), b=0.0, a=OPACITY)


def _marker(
    frame: str, space: str, number: int, kind: int, pose_in_base: Pose, color: ColorRGBA
) -> Marker:
    # Without a stamp, so that RViz uses the latest transform.
    marker = Marker(ns=space, id=number, type=kind, action=Marker.ADD, color=color)
    marker.header.frame_id = frame
    marker.pose = to_msg(type(marker.pose), encode_pose(pose_in_base))
    return marker
