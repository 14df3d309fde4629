"""A real recorder process, talked to over DDS."""

import dataclasses
import math
import os
import random
import signal
import subprocess
import sys
import time

import pytest
import rclpy
from rclpy.context import Context
from rclpy.duration import Duration
from rclpy.executors import SingleThreadedExecutor

from dr_grasp.core.outcome import Outcome
from dr_grasp.recording.bag_reader import BagContents, read_bag
from dr_grasp.ros import recorder_node
from dr_grasp.ros.conversions import attempt_to_msg, outcome_to_msg, score_to_msg
from dr_grasp.ros.qos import RESULTS
from dr_grasp_interfaces import msg, srv

LIMIT_S = 60.0
ASK_AGAIN_S = 5.0


class Operator:
    """A client of the recorder, in this process."""

    def __init__(self, context):
        self.node = rclpy.create_node("operator", context=context)
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self.node)
        self._attempt = self.node.create_client(srv.RecordAttempt, "record_attempt")
        self.outcome = self.node.create_client(srv.RecordOutcome, "record_outcome")
        self.scores = self.node.create_publisher(msg.GraspScore, "scores", RESULTS)
        self.heard = []
        self.node.create_subscription(
            msg.OutcomeReport, "outcome_reports", self.heard.append, RESULTS
        )

    def spin_too(self, node):
        self._executor.add_node(node)

    def publish(self, score):
        """Returns once every subscriber has it; those that spin with us have handled it."""
        self.scores.publish(score)
        assert self.scores.wait_for_all_acked(Duration(seconds=LIMIT_S))
        for _ in range(10):
            self._executor.spin_once(timeout_sec=0.05)

    def wait_until(self, condition):
        deadline = time.monotonic() + LIMIT_S
        while not condition():
            assert time.monotonic() < deadline
            self._executor.spin_once(timeout_sec=0.05)

    def call(self, client, request):
        assert client.wait_for_service(LIMIT_S)
        asked = []

        def answered():
            # DDS may lose the answer to a question that comes before it has found all ends.
            if not asked or time.monotonic() - asked[-1][0] > ASK_AGAIN_S:
                asked.append((time.monotonic(), client.call_async(request)))
            return any(future.done() for _, future in asked)

        self.wait_until(answered)
        return next(future.result() for _, future in asked if future.done())

    def record(self, message):
        return self.call(self._attempt, srv.RecordAttempt.Request(attempt=message))

    def say(self, name, outcome, reason=""):
        request = srv.RecordOutcome.Request(
            attempt_id=name, outcome=outcome_to_msg(outcome), reason=reason, reporter="Ada"
        )
        return self.call(self.outcome, request)

    def close(self):
        self._executor.shutdown()
        self.node.destroy_node()


@pytest.fixture
def domain(monkeypatch):
    number = random.SystemRandom().randrange(1, 101)
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    monkeypatch.setenv("ROS_DOMAIN_ID", str(number))
    return number


@pytest.fixture
def operator(domain):
    context = Context()
    rclpy.init(context=context, domain_id=domain)
    operator = Operator(context)
    yield operator
    operator.close()
    rclpy.shutdown(context=context)


@pytest.fixture
def start(domain, tmp_path):
    """Starts a recorder that writes to a folder below tmp_path."""
    processes = []

    def start(bag="bag"):
        command = [sys.executable, "-m", "dr_grasp.ros.recorder_node", "--ros-args"]
        if bag:
            command += ["-p", f"bag:={tmp_path / bag}"]
        process = subprocess.Popen(
            command, cwd=tmp_path, env=dict(os.environ), stderr=subprocess.PIPE, text=True
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate(timeout=LIMIT_S)


def test_kill_9_after_the_answers_loses_nothing(start, operator, samples, tmp_path):
    process = start()
    attempts = [samples.attempt(f"a{index}", stamp_ns=10**18 + index) for index in range(4)]
    for attempt in attempts:
        operator.scores.publish(score_to_msg(attempt.score))
        answer = operator.record(attempt_to_msg(attempt))
        assert (answer.success, answer.message) == (True, "")
    process.kill()
    process.wait(LIMIT_S)
    assert read_bag(tmp_path / "bag").attempts == tuple(attempts)


def test_a_session_from_beginning_to_end(start, operator, samples, tmp_path):
    process = start()
    scores = tuple(samples.score(f"g{index}") for index in range(900))
    operator.wait_until(lambda: operator.scores.get_subscription_count() == 1)
    for score in scores:
        operator.scores.publish(score_to_msg(score))
    broken = score_to_msg(scores[0])
    broken.fitness[0].value = 0.5
    operator.scores.publish(broken)

    # What cannot be recorded is refused in words, and the node lives on.
    answer = operator.say("a1", Outcome.SUCCESS)
    assert not answer.success
    assert answer.message == "attempt 'a1': expected one that is recorded (none yet)"
    attempt = samples.attempt()
    message = attempt_to_msg(attempt)
    message.grasp.approach.points[1].positions[2] = math.nan
    answer = operator.record(message)
    assert not answer.success
    assert answer.message == (
        "attempt a1: grasp g1: approach positions: expected finite numbers, got nan at [1, 2]"
    )
    assert operator.record(attempt_to_msg(attempt)).success
    # The same request again is one whose answer was lost; another one of that id is a mistake.
    assert operator.record(attempt_to_msg(attempt)).success
    answer = operator.record(attempt_to_msg(dataclasses.replace(attempt, reason="another")))
    assert not answer.success
    assert answer.message == ("attempt a1: expected a new id, got one that is recorded already")
    request = srv.RecordOutcome.Request(attempt_id="a1", outcome=msg.Outcome(value=99))
    answer = operator.call(operator.outcome, request)
    assert not answer.success
    assert answer.message == "outcome: expected an outcome from 0 to 20, got 99"

    # An operator overrules the backend; both words are kept, and told.
    assert operator.say("a1", Outcome.SUCCESS, "it slid, but held").success
    assert operator.say("a1", Outcome.FAILED, "no, it fell").success
    operator.wait_until(lambda: len(operator.heard) == 2)
    assert [report.reason for report in operator.heard] == ["it slid, but held", "no, it fell"]

    operator.wait_until(lambda: len(read_bag(tmp_path / "bag").scores) >= len(scores))
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0, errors
    assert "not recorded: score of grasp g0: fitness: osdr: value" in errors
    assert "Traceback" not in errors
    found = read_bag(tmp_path / "bag")
    assert found.attempts == (attempt,)
    assert [report.outcome for report in found.reports] == [Outcome.SUCCESS, Outcome.FAILED]
    assert [report.reporter for report in found.reports] == ["Ada", "Ada"]
    assert abs(found.reports[0].stamp_ns - time.time_ns()) < 60 * 10**9
    assert found.scores == scores
    assert len(list((tmp_path / "bag").iterdir())) == 2


def test_sigterm_ends_it_cleanly(start, operator, tmp_path):
    process = start(bag=None)
    assert not operator.say("a1", Outcome.SUCCESS).success
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0, errors
    (bag,) = tmp_path.glob("dr_grasp_*")
    assert read_bag(bag) == BagContents((), (), ())


def test_scores_are_written_before_attempts_and_at_the_end(domain, samples, tmp_path, monkeypatch):
    monkeypatch.setattr(recorder_node, "FLUSH_PERIOD_S", 3600.0)
    rclpy.init(args=["--ros-args", "-p", f"bag:={tmp_path / 'bag'}"], domain_id=domain)
    node = recorder_node.RecorderNode()
    operator = Operator(rclpy.get_default_context())
    operator.spin_too(node)
    try:
        operator.wait_until(lambda: operator.scores.get_subscription_count() == 1)
        for index in range(2):
            operator.publish(score_to_msg(samples.score(f"g{index}")))
            assert len(read_bag(tmp_path / "bag").scores) == index
            attempt = samples.attempt(f"a{index}", stamp_ns=10**18 + index * 10**12)
            assert operator.record(attempt_to_msg(attempt)).success
            assert len(read_bag(tmp_path / "bag").scores) == index + 1
        operator.publish(score_to_msg(samples.score("g2")))
        node.close()
        node.close()
        assert len(read_bag(tmp_path / "bag").scores) == 3
        answer = operator.record(attempt_to_msg(samples.attempt("a2")))
        assert not answer.success
        assert answer.message == f"{tmp_path / 'bag'}: expected an open bag, got a closed one"
    finally:
        operator.close()
        node.destroy_node()
        rclpy.shutdown()


def test_a_folder_with_files_is_refused_in_one_line(start, tmp_path):
    (tmp_path / "bag").mkdir()
    (tmp_path / "bag" / "mine").write_text("precious")
    process = start()
    _, errors = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 1
    assert errors.strip().splitlines() == [
        f"{tmp_path / 'bag'}: expected a new or empty folder for the bag, got one with files"
    ]
    assert (tmp_path / "bag" / "mine").read_text() == "precious"
