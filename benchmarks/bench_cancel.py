"""How soon a scoring goal ends once it is cancelled: planner, DDS, scorer and workers together."""

import argparse
import tempfile
import threading
import time
from pathlib import Path

from dr_grasp.bringup.processes import NodeProcesses
from dr_grasp.cli.console import print_table
from dr_grasp.errors import BackendError
from dr_grasp.generation.sampler import generate
from dr_grasp.ros.client import DrGraspClient


def measure(planner: DrGraspClient, obj: str) -> float:
    """Seconds from the cancel to the answer."""
    started = threading.Event()
    asked: list[float] = []

    def is_cancelled() -> bool:
        if started.is_set() and not asked:
            asked.append(time.perf_counter())
        return started.is_set()

    try:
        planner.score(
            generate("franka", obj, 1, seed=0),
            trials=1000,
            on_progress=lambda progress: started.set(),
            is_cancelled=is_cancelled,
        )
    except BackendError:
        return time.perf_counter() - asked[0]
    raise RuntimeError("the goal ended before it was cancelled")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=10, help="cancelled goals")
    arguments = parser.parse_args()
    namespace = f"/bench_{time.time_ns()}"
    with (
        tempfile.TemporaryDirectory() as logs,
        NodeProcesses({"scorer": {}}, namespace, Path(logs)),
        DrGraspClient(namespace) as planner,
    ):
        seconds = sorted(measure(planner, "procedural_000") for _ in range(arguments.repeats))
    row = [f"{value:.3f}" for value in (seconds[0], seconds[len(seconds) // 2], seconds[-1])]
    print_table(["least", "median", "most"], [row], "seconds from cancel to answer")


if __name__ == "__main__":
    main()
