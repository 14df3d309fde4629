"""Nodes and clients are killed at random moments while an arm, the twin in real time, moves.

Whatever is killed: no motion without a record of its begin, no attempt lost, and the arm stops.
"""

import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS, which `make test-noble` does without")

import rclpy
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.executors import MultiThreadedExecutor, SingleThreadedExecutor
from sensor_msgs.msg import JointState

from dr_grasp.bringup.processes import NodeProcesses
from dr_grasp.core.outcome import Outcome
from dr_grasp.errors import BackendError
from dr_grasp.execution.runner import ExecutionFailedError
from dr_grasp.formats.grasp_file import write_grasps
from dr_grasp.formats.score_file import ScoreFile, write_scores
from dr_grasp.ros.client import DrGraspClient
from dr_grasp.ros.conversions import grasp_to_msg
from dr_grasp.ros.requests import call_service
from dr_grasp.transfer.attempt_dataset import read_folder
from dr_grasp_interfaces.srv import ScoreGrasps

LIMIT_S = 60.0
STILL_S = 0.5
"""Joint states come every 20 ms while the twin moves; after this time without any it is still."""

JUMP = 0.1
"""In 20 ms no joint moves so far [rad]: the twin has begun another attempt."""


class Motion:
    """Hears the joint states, which the twin publishes only while it moves."""

    def __init__(self, namespace):
        self._context = rclpy.Context()
        rclpy.init(context=self._context)
        self._node = rclpy.create_node("listener", namespace=namespace, context=self._context)
        self._node.create_subscription(JointState, "joint_states", self._hear, 100)
        self._spinning = SingleThreadedExecutor(context=self._context)
        self._spinning.add_node(self._node)
        self.last_s, self._positions = -1e9, 0.0
        self.count = 0
        self._open = True
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def _spin(self):
        while self._open:
            self._spinning.spin_once(timeout_sec=0.1)

    def _hear(self, message):
        now, positions = time.monotonic(), np.array(message.position)
        jumped = np.abs(positions - self._positions).max() > JUMP
        self.count += bool(jumped) or now - self.last_s > STILL_S
        self.last_s, self._positions = now, positions

    def begins(self, earlier, done=None):
        """Wait for a motion; an execution that ends without one raises its error."""
        while self.count <= earlier and not (done and done.done()):
            time.sleep(0.01)
        assert self.count > earlier, done.result()

    def ends(self):
        wait_until(lambda: time.monotonic() - self.last_s > STILL_S)
        return self.last_s

    def close(self):
        self._open = False
        self._thread.join(5.0)
        self._spinning.shutdown()
        self._node.destroy_node()
        rclpy.shutdown(context=self._context)


class Cell:
    """The nodes of a cell, of which each may be killed and started again."""

    def __init__(self, folder, namespace):
        self.bags = folder / "bags"
        self.bags.mkdir()
        self.namespace = namespace
        self._logs = folder / "logs"
        self._running = {}
        self._starts = 0
        self.motion = Motion(namespace)
        for name in ("recorder", "twin", "executor"):
            self.start(name)
        self.client = DrGraspClient(namespace)

    def start(self, name):
        self._starts += 1
        parameters = {
            "recorder": {"bag": str(self.bags / f"bag{self._starts}")},
            "twin": {"real_time": True, "recorder_s": 3},
            "executor": {"connect_s": 30},
        }[name]
        nodes = NodeProcesses({name: parameters}, self.namespace, self._logs / str(self._starts))
        self._running[name] = nodes.__enter__()
        if name == "recorder":
            wait_until(lambda: (self.bags / f"bag{self._starts}").exists())

    def kill(self, name):
        os.kill(self._running[name].pid(name), signal.SIGKILL)
        killed = time.monotonic()
        self._running[name].close()
        return killed

    def attempts(self):
        return {row.attempt_id: row for row in read_folder(self.bags).rows}

    def open_ended(self):
        return {name for name, row in self.attempts().items() if row.open_ended}

    def wait_for_the_end_of(self, names):
        wait_until(lambda: names <= self.attempts().keys() - self.open_ended())

    def execute(self, grasps):
        """Ids of the attempts that the client heard of."""
        try:
            return [made.attempt_id for made in self.client.execute(grasps, [], top=1).attempts]
        except ExecutionFailedError as error:
            return [made.attempt_id for made in error.attempts]

    def close(self):
        self.client.close()
        for nodes in self._running.values():
            nodes.close()
        self.motion.close()


def wait_until(condition):
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture(scope="module")
def cell(tmp_path_factory, new_namespace, grasps):
    cell = Cell(tmp_path_factory.mktemp("cell"), new_namespace())
    cell.execute(grasps)  # all is connected, and the object's model is prepared
    yield cell
    cell.close()


@pytest.fixture(scope="module")
def grasps(block_grasps):
    """Grasps that take some eight seconds, of which the arm moves most."""
    return block_grasps[:1]


@pytest.fixture
def rng():
    return np.random.default_rng(13)


def collect(figures, name, values):
    figures[f"{name}, number"] = len(values)
    figures[f"{name}, median [s]"] = round(statistics.median(values), 2)
    figures[f"{name}, longest [s]"] = round(max(values), 2)


def test_no_arm_moves_unrecorded_when_recorders_are_killed(cell, grasps, rounds, figures, rng):
    heard, refused, kills = [], 0, 0
    for _ in range(rounds(1)):
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(cell.execute, grasps)
            time.sleep(rng.uniform(0.0, 6.0))
            cell.kill("recorder")
            kills += 1
            heard += first.result()
        # DDS still shows the dead one's services; nothing may move now.
        before = cell.motion.count
        with pytest.raises(BackendError, match="nothing moved"):
            cell.client.execute(grasps, [], top=1)
        refused += 1
        assert cell.motion.count == before
        cell.start("recorder")
        cell.wait_for_the_end_of(set(heard))
        heard += cell.execute(grasps)
    rows = cell.attempts()
    assert set(heard) <= rows.keys()
    assert cell.motion.count <= len(rows)
    figures["recorders killed"] = kills
    figures["goals refused since the recorder was dead"] = refused
    figures["motions without a record of their begin"] = max(0, cell.motion.count - len(rows))
    figures["attempts lost"] = len(set(heard) - rows.keys())


def test_the_arm_stops_when_the_executor_is_killed(cell, grasps, rounds, figures, rng):
    times = []
    for _ in range(rounds(1)):
        before, known = cell.motion.count, set(cell.attempts())
        with ThreadPoolExecutor(1) as pool:
            done = pool.submit(cell.execute, grasps)
            cell.motion.begins(before, done)
            time.sleep(rng.uniform(0.0, 2.0))
            killed = cell.kill("executor")
            times.append(cell.motion.ends() - killed)
            with suppress(BackendError):
                done.result()
        (name,) = set(cell.attempts()) - known
        cell.wait_for_the_end_of({name})
        row = cell.attempts()[name]
        assert row.outcome is Outcome.CANCELLED, row.reason
        assert row.reason == "cancelled: the client gave no sign of life for 2 s"
        cell.start("executor")
    collect(figures, "executor killed: until the arm stands", times)


def test_a_dead_backend_is_noticed_and_its_attempt_known(cell, grasps, rounds, figures, rng):
    times = []
    for _ in range(rounds(1)):
        before, known = cell.motion.count, set(cell.attempts())
        with ThreadPoolExecutor(1) as pool:
            done = pool.submit(cell.client.execute, grasps, [], top=1)
            cell.motion.begins(before, done)
            time.sleep(rng.uniform(0.0, 2.0))
            killed = cell.kill("twin")
            with pytest.raises(BackendError, match="the server vanished"):
                done.result()
            times.append(time.monotonic() - killed)
        (name,) = set(cell.attempts()) - known
        assert cell.attempts()[name].open_ended
        cell.start("twin")
        assert cell.execute(grasps)
    collect(figures, "backend killed: until the client is told", times)


def test_the_arm_stops_when_the_planner_is_killed(cell, grasps, rounds, figures, rng, tmp_path):
    write_grasps(tmp_path / "grasps.json", grasps)
    write_scores(tmp_path / "scores.json", ScoreFile((), (), 0, "default", ""))
    words = [sys.executable, "-m", "dr_grasp.cli.main", "execute", str(tmp_path / "grasps.json")]
    words += ["--scores", str(tmp_path / "scores.json"), "--backend", "ros"]
    times = []
    for _ in range(rounds(1)):
        before, known = cell.motion.count, cell.open_ended()
        planner = subprocess.Popen([*words, "--namespace", cell.namespace, "--top", "1"])
        cell.motion.begins(before)
        time.sleep(rng.uniform(0.0, 2.0))
        planner.kill()
        killed = time.monotonic()
        planner.wait()
        times.append(cell.motion.ends() - killed)
        cell.wait_for_the_end_of(set(cell.attempts()) - known)
        assert cell.execute(grasps)  # and it takes goals again
    collect(figures, "planner killed: until the arm stands", times)


def test_a_dead_executor_is_noticed(cell, grasps, rounds, figures, rng):
    times = []
    for _ in range(rounds(1)):
        before = cell.motion.count
        with ThreadPoolExecutor(1) as pool:
            done = pool.submit(cell.client.execute, grasps, [], top=1)
            cell.motion.begins(before, done)
            time.sleep(rng.uniform(0.0, 2.0))
            killed = cell.kill("executor")
            with pytest.raises(BackendError, match="vanished"):
                done.result()
            times.append(time.monotonic() - killed)
        cell.motion.ends()
        cell.start("executor")
    collect(figures, "executor killed: until the client is told", times)


@pytest.fixture
def short_grasp(block_grasps, shortened):
    return shortened(block_grasps[0])


def memory_mb(pid):
    with Path(f"/proc/{pid}/status").open() as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024


def test_memory_does_not_grow_with_attempts(tmp_path, new_namespace, short_grasp, rounds, figures):
    space, count = new_namespace(), rounds(100)
    commands = {
        "executor": {"connect_s": 60},
        "recorder": {"bag": str(tmp_path / "bag")},
        "twin": {"recorder_s": 60},
    }
    with (
        NodeProcesses(commands, space, tmp_path / "logs") as nodes,
        DrGraspClient(space) as client,
    ):
        first = {}
        for index in range(count):
            client.execute([replace(short_grasp, id=f"g{index}")], [], top=1, seed=index)
            if index == min(49, count - 1):
                first = {name: memory_mb(nodes.pid(name)) for name in commands}
        grown = {name: memory_mb(nodes.pid(name)) - first[name] for name in commands}
    figures["attempts in a row"] = count
    for name, megabytes in grown.items():
        figures[f"growth of the {name} from attempt 50 on [MB]"] = round(megabytes, 1)
        assert megabytes < 20.0


def test_eight_clients_are_answered(tmp_path, new_namespace, short_grasp, rounds, figures):
    """By the service, which one long call must not block for long."""
    space, each = new_namespace(), rounds(2)
    request = ScoreGrasps.Request(grasps=[grasp_to_msg(short_grasp)], criteria=["mdr"], trials=5)
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node("planners", namespace=space, context=context)
    group = ReentrantCallbackGroup()
    clients = [
        node.create_client(ScoreGrasps, "score_grasps", callback_group=group) for _ in range(8)
    ]
    spinning = MultiThreadedExecutor(2, context=context)
    spinning.add_node(node)
    thread = threading.Thread(target=spinning.spin, daemon=True)
    thread.start()

    def ask(client):
        times = []
        for _ in range(each):
            began, answered = time.monotonic(), threading.Event()
            future = client.call_async(request)
            future.add_done_callback(lambda _, answered=answered: answered.set())
            assert answered.wait(LIMIT_S) and future.result().success
            times.append(time.monotonic() - began)
        return times

    with NodeProcesses({"scorer": {"jobs": 2}}, space, tmp_path / "logs"):
        for client in clients:  # the worker starts, and DDS finds all ends
            assert call_service(client, request, LIMIT_S).success
        with ThreadPoolExecutor(8) as pool:
            times = [time_s for times in pool.map(ask, clients) for time_s in times]
    spinning.shutdown(timeout_sec=5.0)
    thread.join(5.0)
    node.destroy_node()
    rclpy.shutdown(context=context)
    collect(figures, "eight clients: six rollouts by the service", times)
