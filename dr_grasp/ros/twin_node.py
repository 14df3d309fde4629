"""Node `twin`: fake hardware. Serves `attempt_grasp` and publishes joint states while it moves."""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from sensor_msgs.msg import JointState

from dr_grasp.core.arrays import FloatArray
from dr_grasp.errors import DrGraspError
from dr_grasp.execution.twin import TwinBackend
from dr_grasp.execution.twin_profile import load_twin_profile
from dr_grasp.recording.decoding import decode_grasp, decode_score
from dr_grasp.recording.encoding import encode_joint_state
from dr_grasp.robots.spec import load_robot
from dr_grasp.ros.conversions import attempt_to_msg, to_msg
from dr_grasp.ros.parameters import declare
from dr_grasp.ros.remote_backend import ACTION
from dr_grasp.ros.running import run_node
from dr_grasp_interfaces.action import AttemptGrasp

STOP_S = 5.0
"""How long a goal in progress may take to stop when the node ends."""


class TwinNode(Node):
    """Plays an arm that can drop things. One goal at a time."""

    def __init__(self) -> None:
        """Declare parameters and advertise."""
        super().__init__("twin")
        robot = declare(self, "robot", "franka", "Robot to play.")
        profile = declare(self, "profile", "default", "Profile of config/twin to play it with.")
        real_time = declare(
            self, "real_time", False, "Keep pace with the wall clock, for watching."
        )
        self._backend = TwinBackend(
            load_robot(robot),
            load_twin_profile(profile),
            real_time,
            on_joint_states=self._publish_joints,
        )
        self._began_ns = 0
        self._joint_states = self.create_publisher(JointState, "joint_states", 100)
        self._busy = threading.Lock()
        self._closing = threading.Event()
        self._action = ActionServer(
            self,
            AttemptGrasp,
            ACTION,
            self._execute,
            goal_callback=self._accept,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
            callback_group=ReentrantCallbackGroup(),
        )

    def close(self) -> None:
        """Stop what moves; may be called twice."""
        self._closing.set()
        # An accepted goal that never began must not keep us for ever.
        if self._busy.acquire(timeout=STOP_S):
            self._backend.close()
            self._busy.release()

    def _accept(self, request: AttemptGrasp.Goal) -> GoalResponse:
        free = not self._closing.is_set() and not self._busy.locked()
        return GoalResponse.ACCEPT if free else GoalResponse.REJECT

    def _execute(self, goal: Any) -> AttemptGrasp.Result:
        # Not taken when the goal is accepted: a goal that nobody hears of is never executed.
        if not self._busy.acquire(blocking=False):
            goal.abort()
            return AttemptGrasp.Result(message="another attempt is being made")
        result = AttemptGrasp.Result()
        request = goal.request
        self._began_ns = time.time_ns()
        try:
            attempt = self._backend.attempt(
                decode_grasp(request.grasp),
                decode_score(request.score[0]) if request.score else None,
                seed=request.seed,
                attempt_index=request.attempt_index,
                dry_run=request.dry_run,
                on_phase=lambda phase: goal.publish_feedback(AttemptGrasp.Feedback(phase=phase)),
                is_cancelled=lambda: bool(goal.is_cancel_requested) or self._closing.is_set(),
            )
            result.attempt = attempt_to_msg(attempt)
            result.success = True
        except DrGraspError as error:
            result.success, result.message = False, str(error)
        finally:
            self._busy.release()
        if goal.is_cancel_requested:
            goal.canceled()
        elif result.success:
            goal.succeed()
        else:
            goal.abort()
        return result

    def _publish_joints(
        self, time_s: float, joints: tuple[str, ...], positions: FloatArray
    ) -> None:
        stamp_ns = self._began_ns + round(time_s * 1e9)
        self._joint_states.publish(
            to_msg(JointState, encode_joint_state(stamp_ns, joints, positions))
        )


def main(args: list[str] | None = None) -> int:
    """Run the node."""
    return run_node(TwinNode, args)


if __name__ == "__main__":
    sys.exit(main())
