"""MoveIt as a motion planner; only this file imports moveit.

moveit_py (Jazzy, 2.12) can crash when its process ends. So it runs in the node `moveit`, where a
crash loses nothing: another node records its results.
"""

from __future__ import annotations

import copy
import itertools
import tempfile
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import yaml
from moveit.core.collision_detection import (
    AllowedCollisionMatrix,
    CollisionRequest,
    CollisionResult,
)
from moveit.planning import MoveItPy, PlanRequestParameters

from dr_grasp.common.closing import Closing
from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.trajectory import Waypoints
from dr_grasp.errors import SettingsError
from dr_grasp.execution.arm import StepResult
from dr_grasp.execution.moveit_messages import (
    OBJECT,
    TABLE,
    attached_msg,
    object_msg,
    removed_msg,
    table_msg,
)
from dr_grasp.objects.object_spec import ObjectSpec
from dr_grasp.robots.file_checks import LIMIT_TOLERANCE
from dr_grasp.robots.hardware_settings import Hardware
from dr_grasp.robots.robot_spec import RobotSpec

FINEST_STEP = 0.01
"""Largest motion of a joint between two postures that are checked for collisions [rad or m]."""

PLANNING_S = 1.0
"""Time limit of one try [s]. Meanwhile moveit_py holds Python's lock, so that no cancel arrives."""

TRIES = 5
"""Number of tries to plan a motion, since RRT-Connect is random and MoveIt's check of the smoothed
path refuses a quarter of the paths around obstacles."""


class MoveItPlanner(Closing):
    """Plans motions with moveit_py; see `Planner`. Not thread-safe."""

    def __init__(
        self, robot: RobotSpec, hardware: Hardware, config: Mapping[str, Any], namespace: str = ""
    ) -> None:
        """Start MoveIt.

        Args:
            robot: The robot.
            hardware: The robot's controllers and MoveIt settings.
            config: MoveIt's parameters, nested.
            namespace: ROS namespace of MoveIt's node.

        Raises:
            SettingsError: MoveIt's model of the robot differs from the robot's file.
        """
        self._robot = robot
        self._group = hardware.moveit.group
        self._arm_joints = [robot.outside(joint) for joint in robot.arm_joints]
        self._moveit = _start(config, namespace)
        self._check(self._moveit.get_robot_model())
        self._component = self._moveit.get_planning_component(self._group)
        self._scene_monitor = self._moveit.get_planning_scene_monitor()
        self._hand_links = [robot.outside(link) for link in robot.hand_links]
        self._links = [robot.outside(link) for link in robot.model.links]
        self._frame = robot.outside(robot.base_link)
        self._tcp = robot.outside(robot.tcp_link)
        self._holds = False

    def close(self) -> None:
        """Shut MoveIt down; may be called twice."""
        if self._moveit is not None:
            self._moveit.shutdown()
            self._moveit = None

    def _check(self, model: Any) -> None:
        if not model.has_joint_model_group(self._group):
            groups = ", ".join(model.joint_model_group_names)
            raise SettingsError(
                f"moveit.group: expected one of MoveIt's model ({groups}), got {self._group}"
            )
        group = model.get_joint_model_group(self._group)
        theirs = list(group.active_joint_model_names)
        if theirs != self._arm_joints:
            raise SettingsError(
                f"moveit.group {self._group}: expected the joints {', '.join(self._arm_joints)}, "
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
                        f"moveit.group {self._group}: expected {self._arm_joints[index]} to reach "
                        f"{value:.4g}, as the robot's file says; MoveIt's model has other limits"
                    )

    def set_scene(self, item: ObjectSpec, object_in_base: Pose) -> None:
        """See `Planner`."""
        self.clear_scene()
        with self._scene_monitor.read_write() as scene:
            scene.apply_collision_object(object_msg(item, object_in_base, self._frame))

    def clear_scene(self) -> None:
        """See `Planner`."""
        with self._scene_monitor.read_write() as scene:
            self._let_go(scene)
            scene.remove_all_collision_objects()
            scene.apply_collision_object(table_msg(self._robot.table, self._frame))
            allowed = scene.allowed_collision_matrix
            allowed.set_entry(TABLE, OBJECT, True)
            for link in self._robot.model.standing_links:
                # A base may stand on the table, and its convex hull may reach into it.
                allowed.set_entry(TABLE, self._robot.outside(link), True)
            scene.allowed_collision_matrix = allowed

    def collision(
        self, path: Waypoints, hand: FloatArray, *, may_touch: bool = False
    ) -> StepResult | None:
        """See `Planner`."""
        times = _times(path)
        found = self._first_collision(path.at(times), hand, may_touch)
        if found is None:
            return None
        index, links = found
        reason = f"{links} would collide {times[index]:.2f} s from its start"
        return StepResult(Outcome.IN_COLLISION, reason)

    def plan(
        self, start: FloatArray, goal: FloatArray, hand: FloatArray, speed: float
    ) -> Waypoints | StepResult:
        """See `Planner`."""
        for name, arm in (("start", start), ("end", goal)):
            found = self._first_collision([arm], hand, False)
            if found is not None:
                return StepResult(Outcome.IN_COLLISION, f"{found[1]} collide at its {name}")
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
                return self._waypoints(found.trajectory.get_robot_trajectory_msg())
            code = f"MoveIt's error {found.error_code.val}"
        return StepResult(Outcome.PLAN_FAILED, f"no way found in {TRIES} tries ({code})")

    def attach(self, arm: FloatArray, hand: FloatArray) -> None:
        """See `Planner`."""
        with self._scene_monitor.read_write() as scene:
            # An attached object keeps its pose relative to the hand, so the hand's must be right.
            state = copy.copy(scene.current_state)
            self._pose(state, arm, hand)
            scene.current_state = state
            message = attached_msg(self._tcp, self._hand_links, held=True)
            scene.process_attached_collision_object(message)
            self._holds = True

    def detach(self) -> None:
        """See `Planner`."""
        with self._scene_monitor.read_write() as scene:
            self._let_go(scene)
            scene.apply_collision_object(removed_msg(self._frame))

    def _let_go(self, scene: Any) -> None:
        if self._holds:
            message = attached_msg(self._tcp, self._hand_links, held=False)
            scene.process_attached_collision_object(message)
            self._holds = False

    def _pose(self, state: Any, arm: FloatArray, hand: FloatArray) -> None:
        joints = (*self._robot.arm_joints, *self._robot.hand_joints)
        values = zip(joints, (*arm, *hand), strict=True)
        state.joint_positions = {self._robot.outside(joint): float(q) for joint, q in values}
        state.update()

    def _first_collision(
        self, postures: Iterable[FloatArray], hand: FloatArray, may_touch: bool
    ) -> tuple[int, str] | None:
        """Index of the first posture of the arm that collides, and the links that collide."""
        with self._scene_monitor.read_write() as scene:
            state = copy.copy(scene.current_state)
            self._let_touch(scene, may_touch)
            try:
                for index, arm in enumerate(postures):
                    self._pose(state, arm, hand)
                    if scene.is_state_colliding(state, "", False):
                        return index, self._colliding_links(scene, state)
            finally:
                self._let_touch(scene, False)
        return None

    def _let_touch(self, scene: Any, allowed: bool) -> None:
        matrix = scene.allowed_collision_matrix
        for link in self._hand_links:
            matrix.set_entry(OBJECT, link, allowed)
        scene.allowed_collision_matrix = matrix

    def _colliding_links(self, scene: Any, state: Any) -> str:
        """Find the pair that collides: moveit_py 2.12 does not name it, so each pair is checked."""
        bodies = [*self._links, TABLE, OBJECT]
        matrix = scene.allowed_collision_matrix
        for first, second in itertools.combinations(bodies, 2):
            known, kind = matrix.get_entry(first, second)
            if known and kind == "ALWAYS":
                continue
            alone = AllowedCollisionMatrix(bodies, True)
            alone.set_entry(first, second, False)
            answer = CollisionResult()
            scene.check_collision(CollisionRequest(), answer, state, alone)
            if answer.collision:
                return f"{first} and {second}"
        return "two links"

    def _waypoints(self, message: Any) -> Waypoints:
        trajectory = message.joint_trajectory
        order = [list(trajectory.joint_names).index(name) for name in self._arm_joints]
        times = [
            point.time_from_start.sec + point.time_from_start.nanosec * 1e-9
            for point in trajectory.points
        ]
        positions = np.array([point.positions for point in trajectory.points])[:, order]
        return Waypoints(self._robot.arm_joints, frozen(times), frozen(positions))


def _start(config: Mapping[str, Any], namespace: str) -> Any:
    # A file, since moveit_py ignores the namespace for parameters that are given as a dict.
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
        yaml.safe_dump({"/**": {"ros__parameters": dict(config)}}, file)
        file.flush()
        return MoveItPy(
            node_name="moveit_py", name_space=namespace, launch_params_filepaths=[file.name]
        )


def _times(path: Waypoints) -> FloatArray:
    """Times along a path between which no joint moves by more than `FINEST_STEP`."""
    moves = np.abs(np.diff(path.positions, axis=0)).max(axis=1)
    parts = np.maximum(1, np.ceil(moves / FINEST_STEP)).astype(int)
    spans = zip(path.times_s, path.times_s[1:], parts, strict=False)
    inner = [np.linspace(begin, end, count + 1)[1:] for begin, end, count in spans]
    return frozen(np.concatenate([path.times_s[:1], *inner]))
