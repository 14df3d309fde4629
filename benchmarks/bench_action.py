"""What the ROS action costs on top of the library: the same batch scored both ways, in turns."""

import argparse
import os
import tempfile
import time
from pathlib import Path

from dr_grasp.bringup.processes import NodeProcesses
from dr_grasp.cli.console import print_table
from dr_grasp.generation.sampler import generate
from dr_grasp.ros.client import DrGraspClient
from dr_grasp.scoring.request import ScoreRequest
from dr_grasp.scoring.scorer import Scorer


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--robot", default="franka")
    parser.add_argument("--object", default="procedural_000")
    parser.add_argument("--grasps", type=int, default=8)
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    grasps = generate(options.robot, options.object, options.grasps, seed=0)
    request = ScoreRequest.from_names("default", [], options.trials, 0)
    namespace = f"/bench_{os.getpid()}"
    commands = {"scorer": {"jobs": options.jobs}}
    rows = []
    with (
        tempfile.TemporaryDirectory() as folder,
        NodeProcesses(commands, namespace, Path(folder)),
        DrGraspClient(namespace) as planner,
        Scorer(options.jobs) as scorer,
    ):
        planner.score(grasps, trials=1)  # both build their worlds
        scorer.score(grasps, ScoreRequest.from_names("default", [], 1, 0))
        for number in range(options.rounds):
            began = time.perf_counter()
            library = scorer.score(grasps, request)
            between = time.perf_counter()
            action = planner.score(grasps, trials=options.trials)
            ended = time.perf_counter()
            if action.scores != library.scores:
                raise SystemExit("expected the same scores both ways")
            seconds = between - began, ended - between
            rows.append([str(number), *(f"{one:.1f}" for one in seconds)])
            rows[-1].append(f"{seconds[1] / seconds[0]:.3f}")
    print_table(
        ["round", "library [s]", "action [s]", "ratio"],
        rows,
        title=f"{len(grasps)} grasps of {request.rollouts_per_grasp} rollouts, {options.jobs} jobs",
    )


# Workers import this file anew.
if __name__ == "__main__":
    main()
