"""Starts our nodes as processes, and makes sure that none of them is left running."""

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

STOP_S = 10.0
"""How long a node may take to stop before it is killed."""

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class NodeProcesses(Closing):
    """Nodes of ours that run as long as the `with` block, their output in log files."""

    def __init__(
        self, nodes: Mapping[str, Mapping[str, object]], namespace: str, logs: Path
    ) -> None:
        """Remember what to start.

        Args:
            nodes: ROS parameters by the name of the node, which is run by dr_grasp.ros.<name>_node.
            namespace: ROS namespace that they share, beginning with a slash.
            logs: Folder for <name>.log.
        """
        self._nodes = nodes
        self._namespace = namespace
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> NodeProcesses:
        """Start the nodes."""
        try:
            self._start()
        except BaseException:  # Ctrl-C among them: a `with` block that was not entered is not left
            self.close()
            raise
        return self

    def _start(self) -> None:
        self._logs.mkdir(parents=True, exist_ok=True)
        libc = ctypes.CDLL(None)

        def die_with_parent() -> None:
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

        for name, parameters in self._nodes.items():
            # Interrupted halfway, Popen would leave a process that nobody knows of.
            with uninterrupted(), self._log(name).open("wb") as log:
                self._running[name] = subprocess.Popen(
                    _command(name, parameters, self._namespace),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, "PYTHONUNBUFFERED": "1"},
                    # A session of their own: Ctrl-C reaches us alone, and we stop them in order.
                    start_new_session=True,
                    preexec_fn=die_with_parent,
                )

    def close(self) -> None:
        """Ask all nodes to stop, then kill those that do not; may be called twice."""
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
            BackendError: A node has ended; the message has the last line that it wrote.
        """
        for name, process in self._running.items():
            status = process.poll()
            if status is not None:
                raise BackendError(
                    f"node {name} ended with status {status}: {self._last_line(name)} "
                    f"(see {self._log(name)})"
                )

    def pid(self, name: str) -> int:
        """Process number of a node."""
        return self._running[name].pid

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def _last_line(self, name: str) -> str:
        lines = self._log(name).read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"


def _command(name: str, parameters: Mapping[str, object], namespace: str) -> list[str]:
    words = [sys.executable, "-m", f"dr_grasp.ros.{name}_node", "--ros-args"]
    words += ["-r", f"__ns:={namespace}"]
    for key, value in parameters.items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        words += ["-p", f"{key}:={text}"]
    return words
