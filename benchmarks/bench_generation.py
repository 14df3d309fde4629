"""What it costs to find grasps: every arm, five objects, three methods; by tries and CPU time.

An evaluation is one proposal, whether the arm can reach it or not; a distinct success is at least
5 mm or 10 degrees from every other. CPU time is that of all processes, ME-fit's trials included.
"""

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path

from dr_grasp.cli.console import print_table
from dr_grasp.core.perturbation import Criterion
from dr_grasp.generation.methods import make_method
from dr_grasp.generation.search import Search
from dr_grasp.generation.search_journal import Journal
from dr_grasp.generation.task import ME_FIT, METHODS, FitnessSettings, Limits, Task
from dr_grasp.objects.object_spec import load_object
from dr_grasp.robots.robot_spec import robot_names
from dr_grasp.scoring.profiles import load_profile
from dr_grasp.workers.pool import WorkerPool

OBJECTS = ("mug", "box", "cylinder", "procedural_000", "procedural_001")
COLUMNS = (
    "arm",
    "object",
    "method",
    "evaluations",
    "simulated",
    "successes",
    "distinct",
    "successes per 1,000",
    "per CPU-minute",
    "coverage",
)


def cpu_seconds() -> float:
    """User and system time of this process and of all its children that have ended."""
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in usage)


def measure(task: Task, limits: Limits) -> list[str]:
    """One row of the table."""
    began = cpu_seconds()
    with (
        tempfile.TemporaryDirectory() as folder,
        WorkerPool(os.cpu_count() or 1) as pool,
        Journal(Path(folder) / "journal", task.described()) as journal,
    ):
        found = Search(task, make_method(task), pool, journal).run(limits)
    minutes = (cpu_seconds() - began) / 60
    return [
        task.robot,
        task.object,
        task.method,
        str(found.evaluations),
        str(found.simulated),
        str(found.successes),
        str(found.distinct),
        f"{1000 * found.successes / found.evaluations:.0f}",
        f"{found.successes / minutes:.0f}",
        f"{found.coverage:.3f}",
    ]


def main() -> None:
    """Print the table, row by row as it comes and as a whole in the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--evaluations", type=int, default=200)
    parser.add_argument("--count", type=int, help="end at so many distinct successes")
    parser.add_argument("--trials", type=int, default=5, help="MDR trials of a grasp in ME-fit")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--robots", nargs="+", default=robot_names())
    parser.add_argument("--objects", nargs="+", default=OBJECTS)
    parser.add_argument("--methods", nargs="+", default=METHODS)
    options = parser.parse_args()
    rows = []
    for robot in options.robots:
        for obj in options.objects:
            load_object(obj)  # its meshes are not what is measured
            for method in options.methods:
                began = time.monotonic()
                fitness = None
                if method == ME_FIT:
                    fitness = FitnessSettings(
                        Criterion.MDR, load_profile("default"), options.trials
                    )
                task = Task(robot, obj, method, options.seed, fitness)
                row = measure(task, Limits(options.evaluations, options.count))
                rows.append(row)
                print(*row, f"({time.monotonic() - began:.0f} s)", sep="  ", flush=True)
    print_table(COLUMNS, rows, "successes in the undisturbed simulation")


if __name__ == "__main__":
    main()
