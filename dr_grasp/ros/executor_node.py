"""Node `executor`: executes the best grasps in rank order, and lets each attempt be recorded."""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node

from dr_grasp.errors import RecordingError
from dr_grasp.execution.backend import IsCancelled
from dr_grasp.execution.runner import AttemptProgress, execute_plan, plan_execution
from dr_grasp.messages.decoding import decode_score
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.ros.conversions import decode_grasps, refusal_to_msg
from dr_grasp.ros.exclusive_action import ExclusiveAction
from dr_grasp.ros.parameters import declare
from dr_grasp.ros.qos import RESULTS
from dr_grasp.ros.remote_backend import RemoteBackend
from dr_grasp.ros.requests import CANCEL_S, call_service
from dr_grasp.ros.running import run_node
from dr_grasp_interfaces.action import ExecuteGrasps
from dr_grasp_interfaces.msg import GraspAttempt
from dr_grasp_interfaces.srv import RecordAttempt

RECORD_S = 10.0
"""Time limit for the recorder to write an attempt to disk [s]."""


class ExecutorNode(Node):
    """Serves the execution of grasps over ROS.

    Actions:
        execute_grasps (ExecuteGrasps): One goal at a time, since there is only one arm. A second
            goal is refused, since an arm should not begin to move when no person expects it.

    Topics:
        attempts (GraspAttempt), published when an attempt is recorded.
    """

    def __init__(self) -> None:
        """Declare parameters and advertise the action."""
        super().__init__("executor")
        robot = declare(self, "robot", "franka", "Name of the robot that the backend moves.")
        backend = declare(self, "backend", "twin", "Name of the backend in messages.")
        self._confirm = declare(
            self,
            "confirm",
            False,
            "Move only for goals with `confirmed`; make a dry run for goals without it.",
        )
        self._record = declare(
            self, "record", True, "Refuse to move without a recorder that keeps each attempt."
        )
        connect = declare(
            self, "connect_s", 10, "Seconds to wait for the backend or the recorder.", (1, 600)
        )
        longest = declare(self, "attempt_s", 600, "Time limit of an attempt [s].", (1, 3600))
        self._robot = load_robot(robot)
        self._connect_s = float(connect)
        self._backend = RemoteBackend(self, backend, self._connect_s, float(longest))
        self._recorder = self.create_client(
            RecordAttempt, "record_attempt", callback_group=ReentrantCallbackGroup()
        )
        self._attempts = self.create_publisher(GraspAttempt, "attempts", RESULTS)
        # Number of attempts for each seed, so that no two get the same error of the twin.
        self._made: Counter[int] = Counter()
        self._goals = ExclusiveAction(self, ExecuteGrasps, "execute_grasps", self._execute)

    def close(self) -> None:
        """Stop the goal in progress and wait until its attempt is recorded; may be called twice."""
        self._goals.stop(CANCEL_S + RECORD_S)

    def _execute(self, goal: Any, result: ExecuteGrasps.Result, is_cancelled: IsCancelled) -> None:
        request = goal.request
        grasps = decode_grasps(request.grasps)
        scores = [decode_score(message) for message in request.scores]
        plan = plan_execution(grasps, scores, request.top_k, self._robot)
        result.refused = [refusal_to_msg(refusal) for refusal in plan.refused]
        asks = self._confirm and not request.confirmed and not request.dry_run
        dry_run = request.dry_run or asks
        # The recorder must be there before anything moves.
        must_record = self._record and not dry_run
        if must_record and not self._recorder.wait_for_service(self._connect_s):
            raise RecordingError(
                f"{self._recorder.srv_name}: no recorder within {self._connect_s:g} s; start one, "
                "or set the parameter record to false"
            )

        def report(progress: AttemptProgress) -> None:
            goal.publish_feedback(
                ExecuteGrasps.Feedback(
                    grasp_id=progress.grasp_id,
                    attempt_number=progress.number,
                    attempts_total=progress.total,
                    phase=progress.phase,
                )
            )

        def record(attempt: GraspAttempt) -> None:
            self._made[request.seed] += 1
            if self._record:
                self._record_attempt(attempt)
            self._attempts.publish(attempt)
            result.attempts.append(attempt)

        attempts = execute_plan(
            self._backend,
            plan,
            seed=request.seed,
            first_index=self._made[request.seed],
            record=record,
            dry_run=dry_run,
            on_progress=report,
            is_cancelled=is_cancelled,
        )
        if dry_run:
            result.attempts = attempts
        if is_cancelled():
            result.message = "cancelled"
        elif asks:
            result.needs_confirmation = True
            result.message = (
                f"nothing moved: {len(attempts)} grasps were checked; look at them and at the arm, "
                "and send the goal again with `confirmed`"
            )
        else:
            result.success = True

    def _record_attempt(self, attempt: GraspAttempt) -> None:
        answer = call_service(self._recorder, RecordAttempt.Request(attempt=attempt), RECORD_S)
        if not answer.success:
            raise RecordingError(f"the recorder refused the attempt: {answer.message}")


if __name__ == "__main__":
    sys.exit(run_node(ExecutorNode))
