"""Stopping an arm whose client has died: its controllers' goals are cancelled by somebody else."""

import threading
import time

import pytest
from rclpy.action import ActionServer, CancelResponse
from rclpy.callback_groups import ReentrantCallbackGroup

from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.ros.arm.controller_stop import ControllerStop
from dr_grasp.ros.goals import RetryingActionClient, run_goal
from dr_grasp_interfaces.action import AttemptGrasp

LIMIT_S = 60.0


class Controller:
    """Moves until it is cancelled. Any action will do: cancelling is the same for all."""

    def __init__(self, node, name):
        self.moving, self.stopped = threading.Event(), threading.Event()
        self._server = ActionServer(
            node,
            AttemptGrasp,
            name,
            self._move,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
            callback_group=ReentrantCallbackGroup(),
        )

    def _move(self, goal):
        self.moving.set()
        while not goal.is_cancel_requested:
            time.sleep(0.01)
        self.stopped.set()
        goal.canceled()
        return AttemptGrasp.Result()


@pytest.mark.parametrize("name", ["franka", "baxter", "ur5_schunk_sih"])
def test_arm_and_hand_stop_whoever_moves_them(node, name):
    controllers = load_robot(name).hardware.controllers
    names = [controllers.arm, controllers.hand.action]
    served = {name: Controller(node, name) for name in names}
    stop = ControllerStop(node, load_robot(name))
    for name in names:
        client = RetryingActionClient(node, AttemptGrasp, name)
        options = {"connect_s": LIMIT_S, "timeout_s": LIMIT_S, "is_cancelled": lambda: False}
        goal = AttemptGrasp.Goal()
        thread = threading.Thread(
            target=run_goal, args=(client, name, goal), kwargs=options, daemon=True
        )
        thread.start()
    assert all(controller.moving.wait(LIMIT_S) for controller in served.values())
    assert stop.stop() == names
    assert all(controller.stopped.wait(LIMIT_S) for controller in served.values())


def test_where_nothing_moves_nothing_is_stopped(node, franka):
    assert ControllerStop(node, franka).stop() == []
