"""What stands before an arm that would move, in the node that moves it; a real recorder behind."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import pytest
import rclpy
from rclpy.executors import MultiThreadedExecutor
from rclpy.parameter import Parameter

from dr_grasp.core.outcome import Outcome
from dr_grasp.errors import BackendError
from dr_grasp.recording.bag_reader import read_bag
from dr_grasp.ros import attempt_recorder, confirmations
from dr_grasp.ros.attempt_server import AttemptServer
from dr_grasp.ros.conversions import grasp_to_msg
from dr_grasp.ros.goals import RetryingActionClient, run_goal
from dr_grasp.ros.recorder_node import RecorderNode
from dr_grasp.ros.remote_backend import ACTION, RemoteBackend
from dr_grasp_interfaces.action import AttemptGrasp

LIMIT_S = 60.0


class Arm:
    """A backend whose arm moves until it is cancelled, or may arrive."""

    name = "arm"

    def __init__(self, samples):
        self._samples = samples
        self._made = 0
        self.moving = threading.Event()
        self.may_arrive = threading.Event()
        self.may_arrive.set()
        self.breaks = None
        self.went_on = False

    def attempt(self, grasp, score, *, dry_run, on_begin, on_phase, is_cancelled, **_):
        self._made += 1
        begun = replace(
            self._samples.attempt(f"a{self._made}", grasp=grasp, score=score),
            outcome=Outcome.UNKNOWN,
        )
        if dry_run:
            return replace(begun, reason="dry run")
        if self.breaks == "before":
            raise ZeroDivisionError("before anything moved")
        on_begin(begun)
        self.went_on = not is_cancelled()
        self.moving.set()
        on_phase("approach")
        if self.breaks == "after":
            raise ZeroDivisionError("the drive")
        while not self.may_arrive.wait(0.02):
            if is_cancelled():
                return replace(begun, outcome=Outcome.CANCELLED, reason="cancelled")
        return replace(begun, outcome=Outcome.SUCCESS, reason="held")

    def close(self):
        pass


class Cell:
    """The nodes of a robot cell in this process, each of which may come and go."""

    def __init__(self, namespace, samples, tmp_path):
        self._space, self._folder = namespace, tmp_path
        self._spinning = MultiThreadedExecutor(8)
        self._thread = threading.Thread(target=self._spinning.spin, daemon=True)
        self._thread.start()
        self._stack = ExitStack()
        self.arm = Arm(samples)
        self._client = self.add(rclpy.create_node("client", namespace=namespace))
        self._silent = RetryingActionClient(self._client, AttemptGrasp, ACTION)

    def add(self, node):
        self._spinning.add_node(node)
        self._stack.callback(node.destroy_node)
        return node

    def serve(self, **parameters):
        overrides = [Parameter(name, value=value) for name, value in parameters.items()]
        node = rclpy.create_node(
            "arm", namespace=self._space, parameter_overrides=overrides or None
        )
        self.server = AttemptServer(self.add(node), self.arm)
        self._stack.callback(self.server.close)
        self.backend = RemoteBackend(self._client, "arm", 10.0, LIMIT_S)
        return self

    def record(self, name="bag"):
        bag = self._folder / name
        context = rclpy.get_default_context()
        words = ["--ros-args", "-r", f"__ns:={self._space}", "-p", f"bag:={bag}"]
        node = _with_arguments(RecorderNode, words, context)
        self.add(node)
        return node, bag

    def attempt(self, grasp, **options):
        return self.backend.attempt(grasp, None, seed=0, attempt_index=0, **options)

    @contextmanager
    def moving(self, grasp):
        """An attempt that lasts as long as the block; gives a list for its result."""
        self.arm.may_arrive.clear()
        done = []
        thread = threading.Thread(target=lambda: done.append(self.attempt(grasp)))
        thread.start()
        assert self.arm.moving.wait(LIMIT_S)
        yield done
        self.arm.may_arrive.set()
        thread.join(LIMIT_S)

    def attempt_without_heartbeat(self, grasp):
        goal = AttemptGrasp.Goal(grasp=grasp_to_msg(grasp))
        options = {"connect_s": 10.0, "timeout_s": LIMIT_S, "is_cancelled": lambda: False}
        return run_goal(self._silent, "arm", goal, **options).result

    def close(self):
        self.arm.may_arrive.set()
        self._stack.close()
        self._spinning.shutdown(timeout_sec=5.0)
        self._thread.join(5.0)


def _with_arguments(node_class, words, context):
    class Named(node_class):
        pass

    original = rclpy.node.Node.__init__

    def init(self, name, **options):
        original(self, name, context=context, cli_args=words, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rclpy.node.Node, "__init__", init)
        return Named()


@pytest.fixture
def cell(namespace, samples, tmp_path):
    rclpy.init()
    cell = Cell(namespace, samples, tmp_path)
    yield cell
    cell.close()
    rclpy.shutdown()


def wait_until(condition):
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def refusal(cell, grasp, **options):
    done = cell.attempt(grasp, **options)
    assert not done.success and not done.attempt.attempt_id
    assert not cell.arm.moving.is_set()
    return done.message


def test_without_a_recorder_nothing_moves(cell, home_grasp):
    cell.serve(recorder_s=1)
    message = refusal(cell, home_grasp())
    assert message.startswith("nothing moved, since no recorder keeps it: ")
    assert message.endswith("or set the parameter record of this node to false")


def test_it_is_on_disk_that_an_attempt_begins_before_it_does(cell, home_grasp):
    cell.serve()
    _, bag = cell.record()
    with cell.moving(home_grasp()) as done:
        (begun,) = read_bag(bag).begun
    assert (begun.attempt_id, begun.grasp, begun.outcome) == ("a1", home_grasp(), Outcome.UNKNOWN)
    assert done[0].recorded and done[0].success
    found = read_bag(bag)
    assert found.begun == () and found.attempts[0].outcome is Outcome.SUCCESS


def test_an_arm_that_asks_moves_only_with_the_token_of_this_very_grasp(cell, home_grasp):
    cell.serve(confirm=True)
    cell.record()
    grasp, other = home_grasp(), home_grasp(hold_s=0.5)
    assert "confirmed: expected the token of its dry run, got none" in refusal(cell, grasp)
    assert "confirmed: expected the token of a dry run" in refusal(cell, grasp, confirmed="x")
    token = cell.attempt(grasp, dry_run=True).token
    assert "got another; make a dry run again" in refusal(cell, other, confirmed=token)
    assert cell.attempt(grasp, confirmed=token).success
    cell.arm.moving.clear()
    assert "that was not used yet" in refusal(cell, grasp, confirmed=token)


def test_a_token_does_not_keep_for_ever(cell, home_grasp, monkeypatch):
    monkeypatch.setattr(confirmations, "VALID_S", -1.0)
    cell.serve(confirm=True)
    token = cell.attempt(home_grasp(), dry_run=True).token
    assert "expected the token of a dry run of the" in refusal(cell, home_grasp(), confirmed=token)


def test_an_arm_stops_when_its_client_shows_no_life(cell, home_grasp):
    cell.serve()
    _, bag = cell.record()
    cell.arm.may_arrive.clear()
    done = cell.attempt_without_heartbeat(home_grasp())
    assert done.recorded
    (attempt,) = read_bag(bag).attempts
    assert attempt.outcome is Outcome.CANCELLED
    assert attempt.reason == "cancelled: the client gave no sign of life for 2 s"


def test_an_arm_goes_on_while_its_client_lives(cell, home_grasp):
    cell.serve(record=False)
    cell.arm.may_arrive.clear()
    threading.Timer(4.0, cell.arm.may_arrive.set).start()
    assert cell.attempt(home_grasp()).attempt.outcome.value == Outcome.SUCCESS


@pytest.mark.parametrize("breaks", ["before", "after"])
def test_an_error_that_nobody_expected_is_an_answer_and_the_node_lives(cell, home_grasp, breaks):
    cell.serve()
    _, bag = cell.record()
    cell.arm.breaks = breaks
    done = cell.attempt(home_grasp())
    assert not done.success
    assert done.message.startswith("internal error of node arm: ZeroDivisionError: ")
    # What may have moved is recorded as an attempt.
    recorded = [(made.outcome, made.reason) for made in read_bag(bag).attempts]
    assert recorded == ([(Outcome.BACKEND_ERROR, done.message)] if breaks == "after" else [])
    assert done.recorded == (breaks == "after")
    cell.arm.breaks = None
    assert cell.attempt(home_grasp()).success


def test_what_no_recorder_took_is_recorded_when_one_is_back(cell, home_grasp):
    cell.serve(recorder_s=10)
    node, first = cell.record("first")
    with cell.moving(home_grasp()) as done:
        node.destroy_node()
    assert done[0].success and not done[0].recorded
    assert "attempt a1 is kept until it can be recorded" in done[0].message
    assert done[0].attempt.attempt_id == "a1"
    _, second = cell.record("second")
    wait_until(lambda: read_bag(second).attempts)
    assert [made.attempt_id for made in read_bag(second).attempts] == ["a1"]
    assert [made.attempt_id for made in read_bag(first).begun] == ["a1"]


def test_what_no_recorder_ever_took_is_in_a_bag_of_its_own(cell, home_grasp, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cell.serve(recorder_s=10)
    node, _ = cell.record()
    with cell.moving(home_grasp()):
        node.destroy_node()
    cell.server.close()
    (bag,) = tmp_path.glob("dr_grasp_unrecorded_*")
    assert [made.attempt_id for made in read_bag(bag).attempts] == ["a1"]


def test_a_node_that_stops_while_the_recorder_is_gone_loses_nothing(
    cell, home_grasp, tmp_path, monkeypatch
):
    """Nobody waits for a recorder then, neither the node nor the client."""
    monkeypatch.chdir(tmp_path)
    cell.serve(recorder_s=10)
    node, _ = cell.record()
    with cell.moving(home_grasp()) as done:
        node.destroy_node()
        cell.server.close()
    (bag,) = tmp_path.glob("dr_grasp_unrecorded_*")
    (made,) = read_bag(bag).attempts
    assert made.outcome is Outcome.CANCELLED
    assert done[0].attempt.attempt_id == made.attempt_id and not done[0].recorded


def test_a_cancelled_attempt_that_cannot_be_recorded_is_in_the_result(cell, home_grasp):
    cell.serve(recorder_s=10)
    node, _ = cell.record()
    cancel = threading.Event()
    cell.arm.may_arrive.clear()
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(cell.attempt, home_grasp(), is_cancelled=cancel.is_set)
        assert cell.arm.moving.wait(LIMIT_S)
        node.destroy_node()
        cancel.set()
        result = done.result(LIMIT_S)
    assert result.attempt.outcome.value == Outcome.CANCELLED
    assert not result.recorded and "is kept until it can be recorded" in result.message


def test_what_may_have_been_written_though_nothing_moved_has_an_end(cell, home_grasp, monkeypatch):
    """A recorder that is too slow: its answer comes when nobody waits for it any more."""
    monkeypatch.setattr(attempt_recorder, "RECORD_S", 0.5)
    cell.serve(recorder_s=10)
    node, bag = cell.record()
    with node._lock:
        message = refusal(cell, home_grasp())
    assert "expected an answer within 0.5 s, got none" in message
    monkeypatch.setattr(attempt_recorder, "RECORD_S", 10.0)
    wait_until(lambda: read_bag(bag).attempts)
    (made,) = read_bag(bag).attempts
    assert made.outcome is Outcome.REFUSED and made.reason.startswith("nothing moved: ")
    assert read_bag(bag).begun == ()


def test_a_client_that_vanishes_while_the_recorder_is_slow_moves_nothing(cell, home_grasp):
    cell.serve()
    node, bag = cell.record()
    cell.arm.may_arrive.clear()
    with ThreadPoolExecutor(1) as pool:
        with node._lock:
            done = pool.submit(cell.attempt_without_heartbeat, home_grasp())
            time.sleep(4.0)
        assert done.result(LIMIT_S).attempt.outcome.value == Outcome.CANCELLED
    assert not cell.arm.went_on
    assert read_bag(bag).begun == ()


def test_a_second_goal_for_one_arm_is_refused_and_nothing_is_written_of_it(cell, home_grasp):
    cell.serve()
    _, bag = cell.record()
    with (
        cell.moving(home_grasp()),
        pytest.raises(BackendError, match="the goal was refused"),
    ):
        cell.attempt(home_grasp())
    assert len(read_bag(bag).attempts) == 1
