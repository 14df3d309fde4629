"""Nodes as processes: none stays behind, whenever somebody interrupts."""

import os
import signal
import subprocess

import pytest

from dr_grasp.bringup import processes
from dr_grasp.bringup.processes import NodeProcesses


def test_ctrl_c_while_nodes_are_started_leaves_none_behind(monkeypatch, namespace, tmp_path):
    started = []
    start = subprocess.Popen

    def interrupted(*arguments, **options):
        started.append(start(*arguments, **options))
        os.kill(os.getpid(), signal.SIGINT)
        return started[-1]

    monkeypatch.setattr(processes.subprocess, "Popen", interrupted)
    handler = signal.getsignal(signal.SIGINT)
    commands = {"twin": {}, "recorder": {}}
    with pytest.raises(KeyboardInterrupt), NodeProcesses(commands, namespace, tmp_path):
        pytest.fail("expected to be interrupted before")
    assert len(started) == 1
    assert started[0].poll() is not None
    assert signal.getsignal(signal.SIGINT) is handler
