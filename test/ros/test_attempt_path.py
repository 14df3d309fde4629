"""An attempt on its way from the server that made it, through the executor, to the bag."""

import threading
from types import SimpleNamespace

import pytest
import rclpy
from rclpy.executors import MultiThreadedExecutor
from rosbags.highlevel import AnyReader

from dr_grasp.core.outcome import Outcome
from dr_grasp.errors import BackendError
from dr_grasp.messages.encoding import encode_attempt
from dr_grasp.messages.typestore import ATTEMPT_TYPE, serialize
from dr_grasp.recording.bag_reader import read_bag
from dr_grasp.ros import attempt_server
from dr_grasp.ros.attempt_server import AttemptServer
from dr_grasp.ros.client import DrGraspClient
from dr_grasp.ros.executor_node import ExecutorNode
from dr_grasp.ros.recorder_node import RecorderNode


class StubBackend:
    """Answers with the attempts that it is given."""

    name = "stub"

    def __init__(self):
        self.attempts = []

    def attempt(self, *_, on_begin, **__):
        attempt = self.attempts.pop(0)
        on_begin(attempt)
        return attempt

    def close(self):
        pass


@pytest.fixture
def path(namespace, tmp_path):
    """Executor, recorder and a server with a stub behind it; a client of them, and the bag."""
    parameters = ["-r", f"__ns:={namespace}", "-p", f"bag:={tmp_path / 'bag'}"]
    rclpy.init(args=["--ros-args", *parameters])
    backend = StubBackend()
    hardware = rclpy.create_node("hardware")
    nodes = [RecorderNode(), ExecutorNode(), hardware]
    server = AttemptServer(hardware, backend)
    executor = MultiThreadedExecutor(8)
    for node in nodes:
        executor.add_node(node)
    thread = threading.Thread(target=executor.spin)
    thread.start()
    with DrGraspClient(namespace) as client:
        yield SimpleNamespace(backend=backend, client=client, bag=tmp_path / "bag")
    executor.shutdown()
    thread.join()
    server.close()
    for node in nodes[:2]:
        node.close()
    for node in nodes:
        node.destroy_node()
    rclpy.shutdown()


def attempts_bytes(bag):
    with AnyReader([bag]) as reader:
        topic = [entry for entry in reader.connections if entry.topic == "/attempts"]
        return [bytes(data) for _, _, data in reader.messages(topic)]


def test_the_bag_keeps_the_bytes_that_the_server_encoded(path, block_grasps, samples):
    grasp = block_grasps[0]
    attempt = samples.attempt(grasp=grasp, score=samples.score(grasp.id))
    path.backend.attempts.append(attempt)
    answer = path.client.execute([grasp], [], top=1)
    assert answer.attempts == (attempt,)
    assert attempts_bytes(path.bag) == [bytes(serialize(ATTEMPT_TYPE, encode_attempt(attempt)))]


def test_a_malformed_attempt_is_refused_and_the_nodes_live(
    path, block_grasps, samples, monkeypatch
):
    grasp = block_grasps[0]
    convert = attempt_server.attempt_to_msg

    def broken(attempt):
        message = convert(attempt)
        message.outcome.value = 99
        return message

    attempts = [samples.attempt(name, grasp=grasp, score=None) for name in ("a1", "a2")]
    path.backend.attempts += attempts
    with monkeypatch.context() as patch:
        patch.setattr(attempt_server, "attempt_to_msg", broken)
        with pytest.raises(BackendError) as caught:
            path.client.execute([grasp], [], top=1)
    assert "attempt a1: outcome: expected an outcome from 0 to 20, got 99" in str(caught.value)
    (made,) = path.client.execute([grasp], [], top=1).attempts
    assert made == attempts[1] and made.outcome is Outcome.DROPPED_HOLDING
    assert read_bag(path.bag).attempts == (attempts[1],)


def test_what_our_values_do_not_hold_is_kept_in_the_bag(path, block_grasps, samples, monkeypatch):
    grasp = block_grasps[0]
    convert = attempt_server.attempt_to_msg

    def with_velocities(attempt):
        message = convert(attempt)
        message.measured.points[0].velocities = [0.5] * 8
        return message

    monkeypatch.setattr(attempt_server, "attempt_to_msg", with_velocities)
    path.backend.attempts.append(samples.attempt(grasp=grasp, score=None))
    path.client.execute([grasp], [], top=1)
    with AnyReader([path.bag]) as reader:
        topic = [entry for entry in reader.connections if entry.topic == "/attempts"]
        ((connection, _, data),) = reader.messages(topic)
        message = reader.deserialize(data, connection.msgtype)
    assert message.measured.points[0].velocities.tolist() == [0.5] * 8
