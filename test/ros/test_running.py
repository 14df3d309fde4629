"""A node that meets errors that nobody expected: it says so, and lives."""

import subprocess
import sys

from .in_process import own_lines

LIMIT_S = 60.0
NODE = """
import os, signal, sys
from rclpy.node import Node
from std_srvs.srv import Trigger
from dr_grasp.ros.answering import serve
from dr_grasp.ros.running import run_node

class Clumsy(Node):
    def __init__(self):
        super().__init__("clumsy")
        self._ticks = 0
        self.create_timer(0.05, self._tick)
        serve(self, Trigger, "trip", self._trip)
        self._client = self.create_client(Trigger, "trip")

    def _trip(self, request, response):
        raise OverflowError("a stamp of the year\\n2038 \\x1b[31m")

    def _answered(self, future):
        print(f"answer: {future.result().success} {future.result().message}", flush=True)
        os.kill(os.getpid(), signal.SIGINT)

    def _tick(self):
        self._ticks += 1
        if self._ticks == 4 and self._client.wait_for_service(0.0):
            self._client.call_async(Trigger.Request()).add_done_callback(self._answered)
        elif self._ticks == 4:
            self._ticks = 3
        raise ZeroDivisionError(f"tick {self._ticks}")

    def close(self):
        print("closed", flush=True)

sys.exit(run_node(Clumsy, ["--ros-args", "-r", f"__ns:={sys.argv[1]}"]))
"""


def test_errors_in_callbacks_are_said_and_the_node_lives(namespace):
    done = subprocess.run(
        [sys.executable, "-c", NODE, namespace],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert own_lines(done.stdout) == [
        "answer: False internal error of node clumsy: OverflowError: "
        "a stamp of the year 2038 \\x1b[31m",
        "closed",
    ]
    assert done.stderr.count("ZeroDivisionError: tick 1\n") == 1
    assert "ZeroDivisionError: tick 3" in done.stderr
    assert "\x1b" not in done.stderr
    assert "trip: an error that nobody expected; please report it" in done.stderr
