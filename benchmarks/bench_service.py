"""How long a call of the scorer's service takes, beside nothing and beside a goal."""

import argparse
import os
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

from dr_grasp.bringup.processes import NodeProcesses
from dr_grasp.cli.console import print_table
from dr_grasp.errors import BackendError
from dr_grasp.generation.sampler import generate
from dr_grasp.ros import DrGraspClient


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--object", default="procedural_000")
    parser.add_argument("--grasps", type=int, default=5)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, os.cpu_count() or 1])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    grasps = generate("franka", options.object, options.grasps, seed=0)
    rows = []
    for jobs in options.jobs:
        namespace = f"/bench_{os.getpid()}_{jobs}"
        with (
            tempfile.TemporaryDirectory() as folder,
            NodeProcesses({"scorer": {"jobs": jobs}}, namespace, Path(folder)),
            DrGraspClient(namespace) as client,
        ):

            def call(client: DrGraspClient = client) -> float:
                began = time.perf_counter()
                client.score_few(grasps, trials=options.trials)
                return time.perf_counter() - began

            client.score(grasps, trials=5)  # all workers build their worlds
            alone = [call() for _ in range(options.rounds)]
            stop, running = threading.Event(), threading.Event()

            def goal(
                client: DrGraspClient = client,
                stop: threading.Event = stop,
                running: threading.Event = running,
            ) -> None:
                with suppress(BackendError):  # cancelled
                    client.score(
                        grasps,
                        trials=100_000,
                        on_progress=lambda _: running.set(),
                        is_cancelled=stop.is_set,
                    )

            thread = threading.Thread(target=goal)
            thread.start()
            running.wait()
            beside = [call() for _ in range(options.rounds)]
            stop.set()
            thread.join()
        rows.append([str(jobs), f"{min(alone):.1f}", f"{min(beside):.1f}"])
    print_table(
        ["jobs", "alone [s]", "beside a goal [s]"],
        rows,
        title=f"a call of {options.grasps} grasps with {options.trials} trials of each criterion",
    )


# Workers import this file anew.
if __name__ == "__main__":
    main()
