"""Whether the node at the other end lives; with processes that are really killed."""

import ctypes
import os
import signal
import subprocess
import sys
import time

import pytest
from unique_identifier_msgs.msg import UUID

from dr_grasp.ros import liveliness
from dr_grasp.ros.liveliness import ClientWatches, Heartbeat, ServerWatch

LIMIT_S = 60.0
LEASE_OF_DDS_S = 20.0
SERVER = """
import rclpy, sys
from dr_grasp.ros.liveliness import announce
rclpy.init()
node = rclpy.create_node("server", namespace=sys.argv[1])
alive = announce(node, "thing")
rclpy.spin(node)
"""


@pytest.fixture
def start(namespace):
    processes = []

    def start():
        processes.append(subprocess.Popen([sys.executable, "-c", SERVER, namespace]))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait(LIMIT_S)


def wait_until(condition):
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def seen(node):
    return node.count_publishers("thing/alive") > 0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_server_that_dies_or_hangs_is_gone_long_before_its_lease_ends(node, start, number):
    watch = ServerWatch(node, "thing")
    assert not watch.gone
    process = start()
    wait_until(lambda: seen(node))
    time.sleep(2.0)  # it speaks once a second
    assert not watch.gone
    process.send_signal(number)
    killed = time.monotonic()
    wait_until(lambda: watch.gone)
    assert time.monotonic() - killed < LEASE_OF_DDS_S / 2
    assert not watch.wait(0.0)
    if number == signal.SIGSTOP:
        os.kill(process.pid, signal.SIGCONT)
    else:
        start()
    assert watch.wait(LIMIT_S)
    assert not watch.gone


def test_a_thread_that_is_held_up_with_old_news_does_not_hide_a_server(node, start, monkeypatch):
    heard, really = [], ServerWatch._on_change

    def slowly(watch, info):
        heard.append(info.alive_count)
        if not info.alive_count and heard.count(0) == 1:
            time.sleep(4.0)  # longer than it takes to hear that the server lives after all
        really(watch, info)

    monkeypatch.setattr(ServerWatch, "_on_change", slowly)
    watch = ServerWatch(node, "thing")
    process = start()
    wait_until(lambda: 1 in heard)
    process.send_signal(signal.SIGSTOP)
    wait_until(lambda: 0 in heard)
    process.send_signal(signal.SIGCONT)
    wait_until(lambda: 1 in heard[heard.index(0) :])
    time.sleep(4.5)  # until the news of before have arrived
    assert watch.wait(LIMIT_S)


def test_a_server_that_never_announced_itself_is_not_gone(node):
    watch = ServerWatch(node, "thing")
    assert watch.wait(0.0)
    assert not watch.gone


def test_a_heart_beats_for_its_own_goal_only(node):
    watches, heart = ClientWatches(node, "act"), Heartbeat(node, "act")
    ours, theirs = (UUID(uuid=list(range(first, first + 16))) for first in (0, 1))
    wait_until(
        lambda: node.count_subscribers("act/heartbeat") and node.count_publishers("act/heartbeat")
    )
    lives, dies = watches.watch(ours), watches.watch(theirs)

    def gone():
        heart.beat(ours)
        assert not lives()
        time.sleep(0.02)
        return dies()

    wait_until(gone)
    watches.forget(theirs)
    assert dies()


CLIENT = """
import rclpy, sys, time
from unique_identifier_msgs.msg import UUID
from dr_grasp.ros.liveliness import Heartbeat
rclpy.init()
node = rclpy.create_node("client", namespace=sys.argv[1])
heart, goal = Heartbeat(node, "act"), UUID(uuid=list(range(16)))
while True:
    heart.beat(goal)
    time.sleep(0.05)
"""


@pytest.mark.parametrize("dies", [False, True])
def test_a_client_is_heard_before_an_arm_moves_after_python_stood_still(node, namespace, dies):
    """As while MoveIt plans: heartbeats wait to be read, or come no more."""
    watches = ClientWatches(node, "act")
    client = subprocess.Popen([sys.executable, "-c", CLIENT, namespace])
    try:
        wait_until(lambda: node.count_publishers("act/heartbeat"))
        vanished = watches.watch(UUID(uuid=list(range(16))))
        time.sleep(1.0)
        assert not vanished()
        if dies:
            client.kill()
            client.wait(LIMIT_S)
        ctypes.PyDLL(None).usleep(3_000_000)  # with Python's lock
        assert vanished() == dies
    finally:
        client.kill()
        client.wait(LIMIT_S)


def test_nobody_needs_to_ask_while_a_client_vanishes(node):
    """The thread of the arm may wait for a recorder, or for an object to be placed."""
    vanished = ClientWatches(node, "act").watch(UUID(uuid=list(range(16))))
    time.sleep(2.0 * liveliness.VANISHED_AFTER_S)
    assert vanished()
