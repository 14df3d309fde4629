"""Requests whose answers get lost, as DDS loses them while it connects the ends of a service."""

import threading
from types import SimpleNamespace
from unittest.mock import create_autospec

import pytest
import rclpy
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.executors import MultiThreadedExecutor
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future

from dr_grasp.errors import BackendError
from dr_grasp.ros import requests
from dr_grasp.ros.goals import RetryingActionClient, run_goal
from dr_grasp.ros.liveliness import ServerWatch
from dr_grasp.ros.requests import RetriedRequest
from dr_grasp_interfaces.action import ExecuteGrasps

LIMIT_S = 60.0


class LosesFirst:
    """The handle of an action server, of which the first answer of some kinds never leaves."""

    def __init__(self, handle, kinds):
        self._handle = handle
        self._to_lose = {f"send_{kind}_response" for kind in kinds}
        self.lost = []

    def __getattr__(self, name):
        if name in self._to_lose:
            self._to_lose.remove(name)
            return lambda *_: self.lost.append(name)
        return getattr(self._handle, name)


class Server:
    """An action server that counts the goals that it executes, each until it is cancelled."""

    def __init__(self, node, kinds):
        self.executed = 0
        self.accept = GoalResponse.ACCEPT
        self.endless = False
        self.cancelled = threading.Event()
        self._server = ActionServer(
            node,
            ExecuteGrasps,
            "execute_grasps",
            self._execute,
            goal_callback=lambda _: self.accept,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
            callback_group=ReentrantCallbackGroup(),
        )
        self.handle = LosesFirst(self._server._handle, kinds)
        self._server._handle = self.handle

    def _execute(self, goal):
        self.executed += 1
        goal.publish_feedback(ExecuteGrasps.Feedback(phase="approach"))
        stopped = threading.Event()
        while self.endless and not goal.is_cancel_requested:
            stopped.wait(0.01)
        if goal.is_cancel_requested:
            goal.canceled()
            self.cancelled.set()
            return ExecuteGrasps.Result(message="cancelled")
        goal.succeed()
        return ExecuteGrasps.Result(success=True, message="done")


@pytest.fixture
def serve(namespace, monkeypatch):
    """Starts a server that loses answers, and gives it with a client."""
    monkeypatch.setattr(requests, "ASK_AGAIN_S", 0.3)
    context = rclpy.Context()
    rclpy.init(context=context, signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node("both", namespace=namespace, context=context)
    executor = MultiThreadedExecutor(4, context=context)
    thread = threading.Thread(target=executor.spin, daemon=True)

    def start(*kinds):
        server = Server(node, kinds)
        client = RetryingActionClient(
            node, ExecuteGrasps, "execute_grasps", callback_group=ReentrantCallbackGroup()
        )
        executor.add_node(node)
        thread.start()
        return SimpleNamespace(server=server, client=client)

    yield start
    executor.shutdown(timeout_sec=LIMIT_S)
    thread.join(LIMIT_S)
    node.destroy_node()
    context.try_shutdown()


def run(client, **options):
    options = {"connect_s": LIMIT_S, "timeout_s": None, "is_cancelled": lambda: False, **options}
    return run_goal(client, "the server", ExecuteGrasps.Goal(), **options).result


@pytest.mark.parametrize("kinds", [[], ["goal"], ["result"], ["goal", "result"]])
def test_a_goal_whose_answer_is_lost_is_executed_once(kinds, serve):
    both = serve(*kinds)
    heard = []
    result = run(both.client, on_feedback=lambda feedback: heard.append(feedback.phase))
    assert result.message == "done"
    assert both.server.executed == 1
    assert both.server.handle.lost == [f"send_{kind}_response" for kind in kinds]
    assert heard == ["approach"]


@pytest.mark.parametrize("kinds", [[], ["goal"]])
def test_a_refused_goal_is_refused_even_if_the_refusal_is_lost(kinds, serve):
    both = serve(*kinds)
    both.server.accept = GoalResponse.REJECT
    with pytest.raises(BackendError, match="the goal was refused"):
        run(both.client)
    assert both.server.executed == 0


def test_a_goal_is_cancelled_though_every_answer_is_lost_once(serve):
    both = serve("goal", "cancel", "result")
    both.server.endless = True
    cancel = threading.Event()
    result = run(
        both.client, on_feedback=lambda _: cancel.set(), is_cancelled=lambda: cancel.is_set()
    )
    assert result.message == "cancelled"
    assert sorted(both.server.handle.lost) == [
        "send_cancel_response",
        "send_goal_response",
        "send_result_response",
    ]


def test_a_goal_of_which_nothing_was_heard_is_cancelled(serve, monkeypatch):
    """Nobody would be watching what moves."""
    both = serve("goal")
    both.server.endless = True
    monkeypatch.setattr(requests, "ASK_AGAIN_S", LIMIT_S)
    with pytest.raises(BackendError, match="expected an answer within 1 s, got none"):
        run(both.client, connect_s=1.0)
    assert both.server.cancelled.wait(LIMIT_S)


def never_answered(futures):
    futures.append(Future())
    return futures[-1]


def test_a_request_is_sent_again_until_answered(monkeypatch):
    monkeypatch.setattr(requests, "ASK_AGAIN_S", 0.01)
    futures = []

    def send():
        never_answered(futures)
        if len(futures) == 3:
            futures[1].set_result("second")
        return futures[-1]

    sent = RetriedRequest(send)
    assert not sent.wait(0.0)
    assert sent.wait(LIMIT_S)
    assert (sent.times, sent.answer()) == (3, "second")


def test_a_request_is_sent_as_long_as_there_is_no_answer_but_less_and_less_often(monkeypatch):
    """A result that was lost comes hours later, too, and nobody is flooded with requests."""
    clock = [0.0]
    monkeypatch.setattr(requests.time, "monotonic", lambda: clock[0])
    futures = []
    sent = RetriedRequest(lambda: never_answered(futures))
    for until_s in (60.0, 3600.0, 2 * 3600.0, 4 * 3600.0, 8 * 3600.0):
        before = len(futures)
        while clock[0] < until_s:
            clock[0] += 1.0
            sent.wait(0.0)
        assert len(futures) > before
    assert 20 < len(futures) < 60


def test_a_result_that_must_be_there_is_asked_for_soon(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(requests.time, "monotonic", lambda: clock[0])
    futures = []
    sent = RetriedRequest(lambda: never_answered(futures))
    while clock[0] < 3600.0:
        clock[0] += 1.0
        sent.wait(0.0)
    before = len(futures)
    for _ in range(10):
        clock[0] += 1.0
        sent.hurry()
        sent.wait(0.0)
    assert len(futures) - before >= 4


def test_what_is_waited_for_is_logged_once(monkeypatch, capfd):
    monkeypatch.setattr(requests, "SAY_AFTER_S", 0.01)
    assert not requests.find_server("begin_attempt", threading.Event().wait, None, 0.05)
    silent = create_autospec(ServerWatch, instance=True)
    silent.wait.return_value = False
    assert not requests.find_server("attempt_grasp", lambda _: True, silent, 0.05)
    said = capfd.readouterr().err
    assert said.count("waiting for begin_attempt, 0.05 s at most: nobody offers it yet") == 1
    assert said.count("waiting for attempt_grasp, 0.05 s at most: its node gives no sign of") == 1
    assert requests.find_server("attempt_grasp", lambda _: True, None, 0.05)
    assert not capfd.readouterr().err
