"""Node `executor`: executes the best grasps in rank order."""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

from rclpy.node import Node

from dr_grasp.errors import BackendError, NoAnswerError, RecordingError, SettingsError
from dr_grasp.execution.backend import IsCancelled
from dr_grasp.execution.runner import AttemptProgress, execute_plan, plan_execution, why_nothing
from dr_grasp.messages.decoding import decode_score
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.ros.arm.controller_stop import ControllerStop
from dr_grasp.ros.conversions import decode_grasps, refusal_to_msg
from dr_grasp.ros.exclusive_action import ExclusiveAction
from dr_grasp.ros.parameters import Parameter, declare_all
from dr_grasp.ros.remote_backend import ATTEMPT_CANCEL_S, RemoteBackend
from dr_grasp.ros.running import run_node
from dr_grasp_interfaces.action import AttemptGrasp, ExecuteGrasps

MOST_ATTEMPTS = 500
"""Most attempts of a goal: all are in its result, some 150 MB."""

PARAMETERS = (
    Parameter("robot", "franka", "Name of the robot that the backend moves."),
    Parameter("backend", "twin", "Name of the backend in messages."),
    Parameter(
        "confirm",
        False,
        "Move only for goals with the token of a dry run; make a dry run for goals without it.",
    ),
    Parameter("connect_s", 10, "Seconds to wait for the backend.", (1, 600)),
    Parameter("attempt_s", 600, "Time limit of an attempt [s].", (1, 3600)),
)


class ExecutorNode(Node):
    """Serves the execution of grasps over ROS.

    The node behind `attempt_grasp` moves the arm and lets each attempt be recorded. If that node
    dies, the executor stops the arm's controllers.

    Actions:
        execute_grasps (ExecuteGrasps): One goal at a time, since there is only one arm. A second
            goal is refused, since an arm should not begin to move when no person expects it. If
            the goal's client vanishes, the arm stops.
    """

    def __init__(self) -> None:
        """Declare parameters and advertise the action."""
        super().__init__("executor")
        given = declare_all(self, PARAMETERS)
        self._confirm = given["confirm"]
        self._robot = load_robot(given["robot"])
        limits_s = float(given["connect_s"]), float(given["attempt_s"])
        self._backend = RemoteBackend(self, given["backend"], *limits_s)
        self._controllers = ControllerStop(self, self._robot)
        # Number of attempts for each seed, so that no two get the same error of the twin.
        self._made: Counter[int] = Counter()
        self._goals = ExclusiveAction(
            self, ExecuteGrasps, "execute_grasps", self._execute, watches_clients=True
        )

    def close(self) -> None:
        """Stop the goal in progress and wait until its attempt is recorded; may be called twice."""
        self._goals.stop(ATTEMPT_CANCEL_S)

    def _execute(self, goal: Any, result: ExecuteGrasps.Result, is_cancelled: IsCancelled) -> None:
        request = goal.request
        grasps = decode_grasps(request.grasps)
        scores = [decode_score(message) for message in request.scores]
        plan = plan_execution(grasps, scores, request.top_k, self._robot)
        result.refused = [refusal_to_msg(refusal) for refusal in plan.refused]
        if not plan.chosen:
            raise BackendError(f"nothing to execute: {why_nothing(plan.refused)}")
        if len(plan.chosen) > MOST_ATTEMPTS:
            raise SettingsError(
                f"top_k: expected at most {MOST_ATTEMPTS} attempts, which are all in the result, "
                f"got {len(plan.chosen)}; send them in parts"
            )
        asks = self._confirm and not request.confirmed and not request.dry_run
        dry_run = request.dry_run or asks
        first_index = self._made[request.seed]
        # The token of a dry run is made of those that the backend gave, one for each attempt.
        tokens = request.confirmed.split()
        if tokens and len(tokens) != len(plan.chosen):
            raise BackendError(
                f"confirmed: expected the token of a dry run of these {len(plan.chosen)} grasps, "
                f"got one for {len(tokens)}"
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

        def attempt_grasp(*args: Any, attempt_index: int, **options: Any) -> AttemptGrasp.Result:
            token = tokens[attempt_index - first_index] if tokens else ""
            options |= {"confirmed": token, "force": request.force}
            done = self._attempt(*args, attempt_index=attempt_index, **options)
            result.warnings = list(dict.fromkeys([*result.warnings, *done.warnings]))
            if done.attempt.attempt_id:
                result.attempts.append(done.attempt)
                self._made[request.seed] += not dry_run
            if not done.success:
                reason = done.message or "the attempt was aborted"
                raise BackendError(f"{self._backend.name}: {reason}")
            return done

        def check_recorded(done: AttemptGrasp.Result) -> None:
            if done.message:
                raise RecordingError(done.message)

        done = execute_plan(
            attempt_grasp,
            plan,
            seed=request.seed,
            first_index=first_index,
            record=check_recorded,
            dry_run=dry_run,
            on_progress=report,
            is_cancelled=is_cancelled,
        )
        if dry_run:
            result.token = " ".join(answer.token for answer in done)
        if is_cancelled():
            result.message = "cancelled"
        elif asks:
            result.needs_confirmation = True
            result.message = (
                f"nothing moved: {len(done)} grasps were checked; look at them and at the arm, "
                "and send the goal again with the token of this answer as `confirmed`"
            )
        else:
            result.success = True

    def _attempt(self, *args: Any, **options: Any) -> AttemptGrasp.Result:
        try:
            return self._backend.attempt(*args, **options)
        except NoAnswerError as error:
            # It is gone, or hangs, and the arm may still be moving.
            stopped = self._controllers.stop()
            raise NoAnswerError(
                f"{error}; stopped: {', '.join(stopped) or 'no controller answered'}"
            ) from error


def main(args: list[str] | None = None) -> int:
    """Run the node `executor`; returns the exit status."""
    return run_node(ExecutorNode, args)


if __name__ == "__main__":
    sys.exit(main())
