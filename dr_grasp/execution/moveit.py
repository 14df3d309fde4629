"""MoveIt as a planner: the only file that imports moveit.

moveit_py (Jazzy, 2.12) can crash when its process ends, so it runs in one where nothing can be lost
by that: the node `moveit`, whose results are recorded by another one.
"""

from __future__ import annotations

import copy
import itertools
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import trimesh
import yaml
from geometry_msgs.msg import Point
from geometry_msgs.msg import Pose as PoseMsg
from moveit.core.collision_detection import (
    AllowedCollisionMatrix,
    CollisionRequest,
    CollisionResult,
)
from moveit.planning import MoveItPy, PlanRequestParameters
from moveit_msgs.msg import AttachedCollisionObject, CollisionObject
from shape_msgs.msg import Mesh, MeshTriangle, SolidPrimitive

from dr_grasp.common.closing import Closing
from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.waypoints import Waypoints
from dr_grasp.errors import SettingsError
from dr_grasp.execution.arm import StepResult
from dr_grasp.objects.object_spec import ObjectSpec
from dr_grasp.robots.hardware import Hardware
from dr_grasp.robots.robot_spec import LIMIT_TOLERANCE, RobotSpec

TABLE, OBJECT = "dr_grasp_table", "dr_grasp_object"

FINEST_STEP = 0.01
"""Between two postures that are checked for collisions no joint moves farther [rad or m]."""

PLANNING_S = 1.0
"""Time for one try. As long as it lasts moveit_py holds Python's lock, and no cancel is heard."""

TRIES = 5
"""RRT-Connect is random, and one of four ways past obstacles is refused by MoveIt's own check of
its smoothed path: several tries find what one does not."""


class MoveItPlanner(Closing):
    """Plans with moveit_py; see `Planner`. Not for several threads at once."""

    def __init__(
        self, robot: RobotSpec, hardware: Hardware, config: Mapping[str, Any], namespace: str = ""
    ) -> None:
        """Start MoveIt.

        Args:
            robot: The robot.
            hardware: How it is reached.
            config: MoveIt's parameters, as a dict of dicts.
            namespace: ROS namespace of its node.

        Raises:
            SettingsError: MoveIt's model of the robot is another one.
        """
        self._robot = robot
        self._group = hardware.group
        self._outside = [robot.names.get(joint, joint) for joint in robot.arm_joints]
        self._moveit = _start(config, namespace)
        self._model = self._moveit.get_robot_model()
        self._check_model()
        self._component = self._moveit.get_planning_component(self._group)
        self._scene_monitor = self._moveit.get_planning_scene_monitor()
        self._hand_links = [robot.names.get(link, link) for link in robot.hand_links]
        self._links = [robot.names.get(link, link) for link in robot.model.links]
        self._frame = robot.names.get(robot.base_link, robot.base_link)
        self._holds = False

    def close(self) -> None:
        """Let go of MoveIt; may be called twice."""
        if self._moveit is not None:
            self._moveit.shutdown()
            self._moveit = None

    def _check_model(self) -> None:
        if not self._model.has_joint_model_group(self._group):
            groups = ", ".join(self._model.joint_model_group_names)
            raise SettingsError(
                f"moveit.group: expected one of MoveIt's model ({groups}), got {self._group}"
            )
        group = self._model.get_joint_model_group(self._group)
        theirs = list(group.active_joint_model_names)
        if theirs != self._outside:
            raise SettingsError(
                f"moveit.group {self._group}: expected the joints {', '.join(self._outside)}, "
                f"got {', '.join(theirs)}"
            )
        if not group.satisfies_position_bounds(np.array(self._robot.home), LIMIT_TOLERANCE):
            raise SettingsError(
                f"moveit.group {self._group}: expected the robot's home within its limits, got "
                "others in MoveIt's model"
            )
        for index, limits in enumerate(self._robot.arm_limits):
            for value in (limits.lower + LIMIT_TOLERANCE, limits.upper - LIMIT_TOLERANCE):
                posture = np.array(self._robot.home)
                posture[index] = value
                if not group.satisfies_position_bounds(posture, LIMIT_TOLERANCE):
                    raise SettingsError(
                        f"moveit.group {self._group}: expected {self._outside[index]} to reach "
                        f"{value:.4g}, as the robot's file says; MoveIt's model has other limits"
                    )

    def set_scene(self, item: ObjectSpec, object_in_base: Pose) -> None:
        """See `Planner`."""
        self.clear_scene()
        with self._scene_monitor.read_write() as scene:
            scene.apply_collision_object(self._object(item, object_in_base))

    def clear_scene(self) -> None:
        """See `Planner`."""
        with self._scene_monitor.read_write() as scene:
            self._let_go(scene)
            scene.remove_all_collision_objects()
            scene.apply_collision_object(self._table())
            allowed = scene.allowed_collision_matrix
            allowed.set_entry(TABLE, OBJECT, True)
            for link in self._robot.model.standing_links:
                # A base may stand on the table, or in it as far as hulls are concerned.
                allowed.set_entry(TABLE, self._robot.names.get(link, link), True)
            scene.allowed_collision_matrix = allowed

    def collision(
        self, path: Waypoints, hand: FloatArray, *, may_touch: bool = False
    ) -> StepResult | None:
        """See `Planner`."""
        with self._scene_monitor.read_write() as scene, self._touching(scene, may_touch):
            state = copy.copy(scene.current_state)
            for time_s, arm in _postures(path):
                self._pose(state, arm, hand)
                if scene.is_state_colliding(state, "", False):
                    pair = self._colliding_pair(scene, state)
                    names = " and ".join(pair) if pair else "two links"
                    return StepResult(
                        Outcome.IN_COLLISION, f"{names} would collide {time_s:.2f} s from its start"
                    )
        return None

    def plan(
        self, start: FloatArray, goal: FloatArray, hand: FloatArray, speed: float
    ) -> Waypoints | StepResult:
        """See `Planner`."""
        for name, arm in (("start", start), ("end", goal)):
            still = Waypoints(self._robot.arm_joints, frozen([0.0]), frozen(arm[None]))
            fault = self.collision(still, hand)
            if fault is not None:
                pair = fault.reason.partition(" would collide")[0]
                return StepResult(fault.outcome, f"{pair} collide at its {name}")
        request = PlanRequestParameters(self._moveit, "")
        request.planning_pipeline, request.planner_id = "ompl", "RRTConnectkConfigDefault"
        request.planning_attempts, request.planning_time = 1, PLANNING_S
        request.max_velocity_scaling_factor = speed
        request.max_acceleration_scaling_factor = speed
        with self._scene_monitor.read_only() as scene:
            first, last = copy.copy(scene.current_state), copy.copy(scene.current_state)
        self._pose(first, start, hand)
        self._pose(last, goal, hand)
        code = "no answer"
        for _ in range(TRIES):
            self._component.set_start_state(robot_state=first)
            self._component.set_goal_state(robot_state=last)
            found = self._component.plan(single_plan_parameters=request)
            if found:
                return self._waypoints(found.trajectory.get_robot_trajectory_msg(), start)
            code = f"MoveIt's error {found.error_code.val}"
        return StepResult(Outcome.PLAN_FAILED, f"no way found in {TRIES} tries ({code})")

    def attach(self, arm: FloatArray, hand: FloatArray) -> None:
        """See `Planner`."""
        with self._scene_monitor.read_write() as scene:
            # What is attached keeps its place relative to where the scene has the hand.
            state = copy.copy(scene.current_state)
            self._pose(state, arm, hand)
            scene.current_state = state
            scene.process_attached_collision_object(self._attached(CollisionObject.ADD))
            self._holds = True

    def detach(self) -> None:
        """See `Planner`."""
        with self._scene_monitor.read_write() as scene:
            self._let_go(scene)
            gone = CollisionObject(id=OBJECT, operation=CollisionObject.REMOVE)
            gone.header.frame_id = self._frame
            scene.apply_collision_object(gone)

    def _let_go(self, scene: Any) -> None:
        if self._holds:
            scene.process_attached_collision_object(self._attached(CollisionObject.REMOVE))
            self._holds = False

    def _pose(self, state: Any, arm: FloatArray, hand: FloatArray) -> None:
        joints = (*self._robot.arm_joints, *self._robot.hand_joints)
        values = zip(joints, (*arm, *hand), strict=True)
        state.joint_positions = {
            self._robot.names.get(joint, joint): float(value) for joint, value in values
        }
        state.update()

    @contextmanager
    def _touching(self, scene: Any, may_touch: bool) -> Iterator[None]:
        """Let the hand touch the object as long as the `with` block lasts."""
        self._allow(scene, may_touch)
        try:
            yield
        finally:
            self._allow(scene, False)

    def _allow(self, scene: Any, allowed: bool) -> None:
        matrix = scene.allowed_collision_matrix
        for link in self._hand_links:
            matrix.set_entry(OBJECT, link, allowed)
        scene.allowed_collision_matrix = matrix

    def _colliding_pair(self, scene: Any, state: Any) -> tuple[str, str] | None:
        """Which two collide: moveit_py 2.12 tells only that some do, so each pair is asked for."""
        bodies = [*self._links, TABLE, OBJECT]
        matrix = scene.allowed_collision_matrix
        request, result = CollisionRequest(), CollisionResult
        for one, other in itertools.combinations(bodies, 2):
            known, _ = matrix.get_entry(one, other)
            if known and self._is_allowed(matrix, one, other):
                continue
            alone = AllowedCollisionMatrix(bodies, True)
            alone.set_entry(one, other, False)
            answer = result()
            scene.check_collision(request, answer, state, alone)
            if answer.collision:
                return one, other
        return None

    @staticmethod
    def _is_allowed(matrix: Any, one: str, other: str) -> bool:
        known, kind = matrix.get_entry(one, other)
        return bool(known) and kind == "ALWAYS"

    def _waypoints(self, message: Any, start: FloatArray) -> Waypoints:
        trajectory = message.joint_trajectory
        order = [list(trajectory.joint_names).index(name) for name in self._outside]
        times = [
            point.time_from_start.sec + point.time_from_start.nanosec * 1e-9
            for point in trajectory.points
        ]
        positions = np.array([point.positions for point in trajectory.points])[:, order]
        return Waypoints(self._robot.arm_joints, frozen(times), frozen(positions))

    def _table(self) -> CollisionObject:
        table = self._robot.table
        box = SolidPrimitive(type=SolidPrimitive.BOX, dimensions=[float(one) for one in table.size])
        center = [*table.center_xy, table.top_z - table.size[2] / 2]
        thing = CollisionObject(id=TABLE, primitives=[box], primitive_poses=[_pose_msg(center)])
        thing.header.frame_id = self._frame
        thing.pose.orientation.w = 1.0
        thing.operation = CollisionObject.ADD
        return thing

    def _object(self, item: ObjectSpec, object_in_base: Pose) -> CollisionObject:
        meshes = [_mesh_msg(piece) for piece in item.pieces]
        thing = CollisionObject(
            id=OBJECT,
            meshes=meshes,
            mesh_poses=[_pose_msg([0.0, 0.0, 0.0]) for _ in meshes],
            pose=_pose_msg(object_in_base.position, object_in_base.quaternion_xyzw),
        )
        thing.header.frame_id = self._frame
        thing.operation = CollisionObject.ADD
        return thing

    def _attached(self, operation: bytes) -> AttachedCollisionObject:
        tcp = self._robot.tcp_link
        held = AttachedCollisionObject(
            link_name=self._robot.names.get(tcp, tcp), touch_links=self._hand_links
        )
        held.object.id = OBJECT
        held.object.operation = operation
        return held


def _start(config: Mapping[str, Any], namespace: str) -> Any:
    # Given as a dict, moveit_py writes parameters for a node of that name in no namespace.
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
        yaml.safe_dump({"/**": {"ros__parameters": dict(config)}}, file)
        file.flush()
        return MoveItPy(
            node_name="moveit_py", name_space=namespace, launch_params_filepaths=[file.name]
        )


def _postures(path: Waypoints) -> Iterator[tuple[float, FloatArray]]:
    """Times and postures along a path, closely enough that nothing is missed between them."""
    yield float(path.times_s[0]), path.positions[0]
    spans = zip(path.times_s, path.times_s[1:], path.positions, path.positions[1:], strict=False)
    for begin, end, one, other in spans:
        parts = max(1, int(np.ceil(np.abs(other - one).max() / FINEST_STEP)))
        for part in range(1, parts + 1):
            share = part / parts
            yield float(begin + share * (end - begin)), frozen(one + share * (other - one))


def _pose_msg(
    position: Iterable[float], quaternion_xyzw: Iterable[float] = (0, 0, 0, 1)
) -> PoseMsg:
    message = PoseMsg()
    place, turn = message.position, message.orientation
    place.x, place.y, place.z = (float(value) for value in position)
    turn.x, turn.y, turn.z, turn.w = (float(value) for value in quaternion_xyzw)
    return message


def _mesh_msg(path: Any) -> Mesh:
    mesh = trimesh.load_mesh(path)
    return Mesh(
        triangles=[MeshTriangle(vertex_indices=[int(i) for i in face]) for face in mesh.faces],
        vertices=[Point(x=float(x), y=float(y), z=float(z)) for x, y, z in mesh.vertices],
    )
