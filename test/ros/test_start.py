"""How a node starts: its usage, wrong words, and Ctrl-C at any moment."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from dr_grasp.ros import start
from dr_grasp.ros.usage import usage

LIMIT_S = 60.0


@pytest.mark.parametrize("node", start.NODES)
def test_help_names_the_parameters_and_starts_nothing(node, capsys):
    assert start.main([node, "--help"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"usage: ros2 run dr_grasp {node} [--ros-args -p NAME:=VALUE")
    assert said == usage(node) + "\n"


def test_parameters_are_shown_as_they_are_typed():
    assert "  confirm  [default: false]\n      Refuse to move without the token" in usage("twin")
    assert "  lag_s  [default: " in usage("twin")
    assert "  bag  [default: '']\n      Folder for the bag" in usage("recorder")
    assert "  real  [default: false]\n" in usage("moveit")


@pytest.mark.parametrize("node", ["executor", "twin", "recorder", "scorer"])
def test_help_has_all_the_parameters_that_the_node_has(node, namespace, tmp_path):
    import rclpy

    from dr_grasp.ros.executor_node import ExecutorNode
    from dr_grasp.ros.recorder_node import RecorderNode
    from dr_grasp.ros.scorer_node import ScorerNode
    from dr_grasp.ros.twin_node import TwinNode

    made = {"executor": ExecutorNode, "twin": TwinNode, "recorder": RecorderNode}
    words = ["-r", f"__ns:={namespace}", *(["-p", f"bag:={tmp_path / 'b'}"] * (node == "recorder"))]
    rclpy.init(args=["--ros-args", *words])
    try:
        running = made.get(node, ScorerNode)()
        names = {name for name in running._parameters if not name.startswith("qos")}
        running.close()
        running.destroy_node()
    finally:
        rclpy.shutdown()
    of_ros = {"use_sim_time", "start_type_description_service"}
    shown = {line.split()[0] for line in usage(node).splitlines() if "  [default: " in line}
    assert shown == names - of_ros


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["twin", "--robot", "franka"], "twin: unknown argument '--robot': parameters are given"),
        (["twin", "--ros-args", "-p", "a:=b", "--", "c"], "twin: unknown argument 'c'"),
        (
            ["robot"],
            "expected the name of a node, executor, moveit, recorder, scorer, twin, got",
        ),
        ([], "expected the name of a node"),
    ],
)
def test_wrong_words_are_refused_in_one_line(words, message, capsys):
    assert start.main(words) == start.WRONG_USE
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(message)


@pytest.fixture(autouse=True)
def same_handler():
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


def blocked():
    """As the programs in scripts/ and `NodeProcesses` start a node; for `dr-grasp`, nobody does."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


PROGRAMS = {
    **{name: ["dr_grasp.ros.start", name] for name in ("executor", "recorder", "scorer", "twin")},
    "dr-grasp": ["dr_grasp.cli.start", "robots"],
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_ctrl_c_at_any_moment_of_the_start_leaves_no_traceback(name, namespace, tmp_path):
    moments = random.Random(name)
    words = [] if name == "dr-grasp" else ["--ros-args", "-r", f"__ns:={namespace}"]
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-m", *PROGRAMS[name], *words],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            env={**os.environ},
            preexec_fn=blocked,  # until Python itself has started
        )
        time.sleep(moments.uniform(0.0, 2.0))
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=LIMIT_S)
        assert b"Traceback" not in said, said
        # A command may have ended already, and Python's own handler with it: then a signal ends it.
        ends = (0, 130, -signal.SIGINT) if name == "dr-grasp" else (0,)
        assert process.returncode in ends, said
