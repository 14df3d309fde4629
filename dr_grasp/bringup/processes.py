"""Starts nodes of dr_grasp as processes, and makes sure that all of them end."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from dr_grasp.common.closing import Closing
from dr_grasp.common.interrupts import uninterrupted
from dr_grasp.errors import BackendError

STOP_S = 30.0
"""Time limit for a node to stop before it is killed [s]."""

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class NodeProcesses(Closing):
    """Nodes that run during a `with` block, with their output in log files."""

    def __init__(
        self, nodes: Mapping[str, Mapping[str, object]], namespace: str, logs: Path
    ) -> None:
        """Prepare to start nodes.

        Args:
            nodes: ROS parameters by the name of the node; see dr_grasp.ros.start.
            namespace: ROS namespace of all nodes, beginning with a slash.
            logs: Folder for the log files <name>.log.
        """
        self._nodes = nodes
        self._namespace = namespace
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> NodeProcesses:
        """Start the nodes."""
        try:
            self._start()
        except BaseException:  # also Ctrl-C: Python does not call __exit__ if __enter__ fails
            self.close()
            raise
        return self

    def _start(self) -> None:
        self._logs.mkdir(parents=True, exist_ok=True)
        libc = ctypes.CDLL(None)

        def die_with_parent() -> None:
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            # The node unblocks it as soon as it can handle it.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})

        for name, parameters in self._nodes.items():
            # Uninterrupted, since an interrupted Popen may lose a process that it has started.
            with uninterrupted(), self._log(name).open("wb") as log:
                self._running[name] = subprocess.Popen(
                    _command(name, parameters, self._namespace),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, "PYTHONUNBUFFERED": "1"},
                    # A new session, so that Ctrl-C does not reach the node: `close` stops it.
                    start_new_session=True,
                    preexec_fn=die_with_parent,
                )

    def close(self) -> None:
        """Ask all nodes to stop, then kill nodes that do not stop; may be called twice."""
        for process in self._running.values():
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        for process in self._running.values():
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._running.clear()

    def check(self) -> None:
        """Check that all nodes are running.

        Raises:
            BackendError: A node has ended; the message contains the last line of its output.
        """
        for name, process in self._running.items():
            status = process.poll()
            if status is not None:
                raise BackendError(
                    f"node {name} ended with status {status}: {self._last_line(name)} "
                    f"(see {self._log(name)})"
                )

    def pid(self, name: str) -> int:
        """Process number (pid) of a node."""
        return self._running[name].pid

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def _last_line(self, name: str) -> str:
        lines = self._log(name).read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"


def _command(name: str, parameters: Mapping[str, object], namespace: str) -> list[str]:
    words = [sys.executable, "-m", "dr_grasp.ros.start", name, "--ros-args"]
    words += ["-r", f"__ns:={namespace}"]
    for key, value in parameters.items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        words += ["-p", f"{key}:={text}"]
    return words
