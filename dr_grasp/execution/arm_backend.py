"""Executes grasps on an arm with a motion planner: approach, close, lift, hold, and back."""

from __future__ import annotations

import time
import uuid
from dataclasses import replace

from dr_grasp import __version__
from dr_grasp.common.closing import Closing
from dr_grasp.core.attempt import GraspAttempt
from dr_grasp.core.fitness import GraspScore
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import BackendError, SettingsError
from dr_grasp.execution.arm import Arm, Planner, StepResult
from dr_grasp.execution.arm_run import ArmRun
from dr_grasp.execution.backend import (
    IsCancelled,
    OnBegin,
    OnPhase,
    ignore_begin,
    ignore_phase,
    never_cancelled,
)
from dr_grasp.objects.object_spec import load_object
from dr_grasp.provenance.fingerprint import models_of
from dr_grasp.robots.checking import check_grasp
from dr_grasp.robots.robot_spec import RobotSpec, hardware_of


class ArmBackend(Closing):
    """Executes grasps through controllers, after a planner has checked them for collisions.

    Approach and lift pass exactly the scored waypoints, at the scored speed or slower. Only the
    ways to the start of the approach and home are planned. After a failure the arm stays where it
    is, so that a person can look at it.
    """

    def __init__(
        self, robot: RobotSpec, planner: Planner, arm: Arm, *, speed: float, name: str = "moveit"
    ) -> None:
        """Prepare to execute grasps.

        Args:
            robot: The robot.
            planner: Motion planner; it is closed together with this backend.
            arm: Arm and hand to move.
            speed: Share of the limits of velocity and acceleration to use, in (0, 1].
            name: Name of the backend, which attempts record.

        Raises:
            SettingsError: The speed is out of bounds, or the robot's file names no controllers.
        """
        if not 0.0 < speed <= 1.0:
            raise SettingsError(f"speed: expected above 0 and at most 1, got {speed:g}")
        self.name = name
        hardware_of(robot)
        self._robot, self._planner, self._arm, self._speed = robot, planner, arm, speed
        self._closed = False

    def attempt(
        self,
        grasp: GraspTrajectory,
        score: GraspScore | None,
        *,
        seed: int,
        attempt_index: int,
        dry_run: bool = False,
        on_begin: OnBegin = ignore_begin,
        on_phase: OnPhase = ignore_phase,
        is_cancelled: IsCancelled = never_cancelled,
    ) -> GraspAttempt:
        """Execute one grasp to its end; see `Backend`.

        Raises:
            BackendError: The backend is closed, or there are no joint states.
            InvalidGraspError: The grasp does not fit the robot.
            UnknownNameError: There is no such object.
            ModelError: The object's mesh cannot be used.
        """
        if self._closed:
            raise BackendError(f"{self.name}: expected an open backend, got a closed one")
        check_grasp(grasp, self._robot)
        item = load_object(grasp.object)
        begun = GraspAttempt(
            attempt_id=uuid.uuid4().hex,
            stamp_ns=time.time_ns(),
            backend=self.name,
            seed=seed,
            attempt_index=attempt_index,
            grasp=grasp,
            score=score,
            models=models_of(robot=self._robot, object=item),
            software_version=f"dr_grasp {__version__}",
        )
        on_phase("prepare")
        if not dry_run:
            on_begin(begun)
        end, standing = None, None
        parts = (self._robot, self._planner, self._arm, self._speed, grasp, on_phase, is_cancelled)
        if self._arm.places and not dry_run:
            # After a failed attempt, the arm may still be where the object must stand.
            end = ArmRun(*parts).make_room()
            if end is None:
                standing = self._arm.place_object(grasp, seed, attempt_index)
        self._planner.set_scene(item, grasp.object_in_base)
        with self._arm.record() as log:
            run = ArmRun(*parts)
            end = end or run.check()
            if end is None and dry_run:
                end = StepResult(Outcome.UNKNOWN, f"dry run: {run.summary}")
            end = end or run.execute()
            commanded = run.commanded
        if run.moved:
            end = run.finish(end)
        return replace(
            begun,
            outcome=end.outcome,
            reason=end.reason,
            commanded=commanded,
            measured=log.waypoints() if run.moved else None,
            gripper_opening=run.opening,
            object_before=standing,
        )

    def close(self) -> None:
        """Close the planner; may be called twice."""
        self._closed = True
        self._planner.close()
