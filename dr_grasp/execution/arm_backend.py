"""Executes grasps on an arm that is planned for: to the start, down, close, up, hold, and back."""

from __future__ import annotations

import time
import uuid

from dr_grasp import __version__
from dr_grasp.common.closing import Closing
from dr_grasp.core.attempt import GraspAttempt
from dr_grasp.core.fitness import GraspScore
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import BackendError, SettingsError
from dr_grasp.execution.arm import Arm, StepResult
from dr_grasp.execution.arm_run import ArmRun, Rig
from dr_grasp.execution.backend import IsCancelled, OnPhase, ignore_phase, never_cancelled
from dr_grasp.execution.planner import Planner
from dr_grasp.objects.object_spec import load_object
from dr_grasp.provenance.models import models_of
from dr_grasp.robots.checking import check_grasp
from dr_grasp.robots.hardware import Hardware
from dr_grasp.robots.robot_spec import RobotSpec


class ArmBackend(Closing):
    """Executes grasps through controllers, after a planner has checked them.

    The grasp's own approach and lift go along the very points that were scored, as fast as scored
    or slower. Only the way to their beginning, and home, is planned. When something goes wrong the
    arm stays where it is: nobody knows better than the person beside it.
    """

    def __init__(
        self, robot: RobotSpec, planner: Planner, arm: Arm, *, speed: float, name: str = "moveit"
    ) -> None:
        """Take hold of planner and arm; both are closed with this.

        Args:
            robot: The robot.
            planner: What finds ways.
            arm: What moves.
            speed: Share of the limits of velocity and acceleration to use, in (0, 1].
            name: Name of the backend.

        Raises:
            SettingsError: A speed out of bounds, or a robot whose file names no controllers.
        """
        if not 0.0 < speed <= 1.0:
            raise SettingsError(f"speed: expected above 0 and at most 1, got {speed:g}")
        self.name = name
        self._rig = Rig(robot, hardware_of(robot), planner, arm, speed)
        self._closed = False

    def attempt(
        self,
        grasp: GraspTrajectory,
        score: GraspScore | None,
        *,
        seed: int,
        attempt_index: int,
        dry_run: bool = False,
        on_phase: OnPhase = ignore_phase,
        is_cancelled: IsCancelled = never_cancelled,
    ) -> GraspAttempt:
        """Execute one grasp to its end; see `Backend`.

        Raises:
            BackendError: Closed, or no joint states.
            InvalidGraspError: The grasp does not fit the robot.
            UnknownNameError: There is no such object.
            ModelError: The object's mesh is unusable.
        """
        if self._closed:
            raise BackendError(f"{self.name}: expected an open backend, got a closed one")
        check_grasp(grasp, self._rig.robot)
        stamp_ns = time.time_ns()
        on_phase("prepare")
        item = load_object(grasp.object)
        end, standing = None, None
        if self._rig.arm.places and not dry_run:
            # After an attempt that went wrong the arm is still where the object is to stand.
            end = ArmRun(self._rig, grasp, on_phase, is_cancelled).make_room()
            if end is None:
                standing = self._rig.arm.place_object(grasp, seed, attempt_index)
        self._rig.planner.set_scene(item, grasp.object_in_base)
        with self._rig.arm.record() as recording:
            run = ArmRun(self._rig, grasp, on_phase, is_cancelled)
            end = end or run.check()
            if end is None and dry_run:
                end = StepResult(Outcome.UNKNOWN, f"dry run: {run.summary}")
            end = end or run.execute()
            measured, commanded = recording.measured(), run.commanded
        if run.moved:
            end = run.finish(end)
        return GraspAttempt(
            attempt_id=uuid.uuid4().hex,
            stamp_ns=stamp_ns,
            backend=self.name,
            seed=seed,
            attempt_index=attempt_index,
            grasp=grasp,
            score=score,
            outcome=end.outcome,
            reason=end.reason,
            commanded=commanded,
            measured=measured if run.moved else None,
            gripper_opening=run.opening,
            object_before=standing,
            object_after=None,
            models=models_of(robot=self._rig.robot, object=item),
            software_version=f"dr_grasp {__version__}",
        )

    def close(self) -> None:
        """Let go of planner and arm; may be called twice."""
        if not self._closed:
            self._closed = True
            self._rig.arm.close()
            self._rig.planner.close()


def hardware_of(robot: RobotSpec) -> Hardware:
    """How a robot is reached.

    Raises:
        SettingsError: Its file does not say.
    """
    if robot.hardware is None:
        raise SettingsError(
            f"robot {robot.name}: expected the sections controllers and moveit in its file, "
            "got none: it can be simulated only"
        )
    return robot.hardware
