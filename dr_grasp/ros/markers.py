"""Shows scored grasps as RViz markers with the colour of their MDR fitness: red 0, green 1."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

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
from dr_grasp.robots.robot_spec import Synergy, load_robot
from dr_grasp.ros.conversions import to_msg
from dr_grasp.ros.qos import RESULTS

TOPIC = "grasp_markers"

MOST = 1000
"""Only the first so many grasps of a request are shown, since RViz becomes slow with more."""

KEPT = 3
"""Number of the latest requests that are shown, goals and calls of the service alike; what is being
scored is shown in any case."""

WHOLE_EVERY = 500
"""After so many messages, one has all that is shown: the topic keeps the last 1000 for a late
subscriber, who so sees everything."""

FINGER_M, STEM_M, LINE_M, TEXT_M = 0.045, 0.05, 0.003, 0.02
"""Sizes [m]: length of the fingers behind the grip frame, length of the stem behind the fingers,
width of lines, height of letters."""

OPACITY = 0.9


@dataclass(eq=False, slots=True)
class _Request:
    """What is shown of a request.

    Attributes:
        kind: What it came by, "goal" or "service".
        space: What the namespaces of its markers begin with, such as "goal_3"; empty before any.
        running: Whether it is being worked on.
        shown: Its markers by the id of the grasp.
    """

    kind: str
    space: str = ""
    running: bool = True
    shown: dict[str, list[Marker]] = field(default_factory=dict)


class GraspMarkers:
    """Publishes grasps for RViz: the hand at the end of the approach, and the MDR fitness.

    The markers of each request have namespaces of their own, such as goal_3/grasps. No request
    removes those of a request that is being worked on.
    """

    def __init__(self, node: Node, frame_prefix: str = "") -> None:
        """Advertise the topic `grasp_markers` of a node.

        Args:
            node: Node that publishes.
            frame_prefix: What robot_state_publisher puts before the names of the robot's frames.
        """
        self._publisher = node.create_publisher(MarkerArray, TOPIC, RESULTS)
        self._prefix = frame_prefix
        self._numbers: Counter[str] = Counter()
        self._requests: list[_Request] = []
        self._since_whole = 0
        self._lock = threading.Lock()

    @contextmanager
    def request(self, kind: str) -> Iterator[Callable[[GraspTrajectory, GraspScore], None]]:
        """Begin to show the grasps of a request; they are shown on after its end.

        Args:
            kind: What the request came by, "goal" or "service".

        Yields:
            A function that shows a grasp and its score. Called again for the same grasp, it
            replaces the markers.
        """
        request = _Request(kind)
        try:
            yield partial(self._add, request)
        finally:
            request.running = False

    def _add(self, request: _Request, grasp: GraspTrajectory, score: GraspScore) -> None:
        with self._lock:
            before = request.shown.get(grasp.id)
            if before is None and len(request.shown) >= MOST:
                return
            number = before[0].id if before else len(request.shown)
            markers = grasp_markers(grasp, score, number)
            messages = [*self._make_room(request), *markers]
            for marker in markers:
                marker.ns = f"{request.space}/{marker.ns}"
                marker.header.frame_id = self._prefix + marker.header.frame_id
            request.shown[grasp.id] = markers
            self._since_whole += 1
            if self._since_whole >= WHOLE_EVERY:
                self._since_whole = 0
                shown = (markers for known in self._requests for markers in known.shown.values())
                messages += [marker for markers in shown for marker in markers]
            self._publisher.publish(MarkerArray(markers=messages))

    def _make_room(self, request: _Request) -> list[Marker]:
        """Name a new request, and make the markers that remove those of the oldest ones."""
        if request.space:
            return []
        self._numbers[request.kind] += 1
        request.space = f"{request.kind}_{self._numbers[request.kind]}"
        self._requests.append(request)
        ended = [known for known in self._requests if not known.running]
        too_old = ended[: max(0, len(self._requests) - KEPT)]
        self._requests = [known for known in self._requests if known not in too_old]
        # Each by its number, since not every viewer takes DELETEALL for one namespace alone.
        return [
            Marker(header=marker.header, ns=marker.ns, id=marker.id, action=Marker.DELETE)
            for old in too_old
            for markers in old.shown.values()
            for marker in markers
        ]


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
    synergy = robot.synergy_of(grasp.provenance)
    tcp = link_in_base(robot, robot.tcp_link, grasp.approach.positions[-1], grasp.close.preshape)
    grip = tcp @ synergy.grip_in_tcp
    fitness = score.fitness.get(Criterion.MDR)
    color = _color(None if fitness is None else fitness.value)
    frame = robot.outside(robot.base_link)
    hand = _marker(frame, "grasps", number, Marker.LINE_LIST, grip, color)
    hand.scale.x = LINE_M
    hand.points = _lines(_opening(synergy, grasp), synergy.reach_m)
    behind = Pose(grip.apply([[0.0, 0.0, -FINGER_M - STEM_M - TEXT_M]])[0], grip.quaternion_xyzw)
    text = _marker(frame, "fitness", number, Marker.TEXT_VIEW_FACING, behind, color)
    text.scale.z = TEXT_M
    text.text = score.nominal_outcome.label if fitness is None else f"{fitness.value:.2f}"
    return [hand, text]


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
