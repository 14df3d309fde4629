"""Whether ranges that grow (`--fitness adr`) find better grasps than a fixed profile, by me-fit.

Both searches get the same number of rollouts, undisturbed ones and trials together: plain me-fit is
stopped when it has had as many as the other needed. The best 15 grasps of each are judged by MDR in
MuJoCo under noise that no search saw, and by attempts on the twin, in another laboratory for each
seed. What is compared is the mean over grasps in one search, so an interval is over searches.

A comparison takes some minutes of CPU time: most of it goes to the judge, if that has 200 trials.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

from transfer_study.grasps import Here

from dr_grasp.cli.console import print_table
from dr_grasp.core.adr import Thresholds
from dr_grasp.core.engine import Engine
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.generation.curriculum import THRESHOLDS
from dr_grasp.generation.methods import make_method
from dr_grasp.generation.result import Result
from dr_grasp.generation.search import Search
from dr_grasp.generation.search_journal import SearchJournal
from dr_grasp.generation.task import ADR, ME_FIT, Findings, FitnessSettings, Limits, Task
from dr_grasp.objects.object_spec import load_object
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.scoring.blocks import Block, run_block
from dr_grasp.scoring.profiles import load_profile
from dr_grasp.twin.twin_backend import TwinBackend
from dr_grasp.twin.twin_profile import load_twin_profile
from dr_grasp.workers.pool import ResultT, WorkerPool, WorkT

BEST = 15
"""Number of grasps that are judged."""

MOST_EVALUATIONS = 100_000
"""Plain me-fit is limited by its rollouts, which are spent long before."""

JUDGE_SEED = 1_000_003
"""Seed of the noise under which grasps are judged; searches derive theirs from other seeds."""

LABORATORY = 20231017
"""Seed of the twin's hidden parameters for search seed 0."""


class Counting(Here):
    """Counts the rollouts of a search, in this process; proposals out of reach have none."""

    def __init__(self) -> None:
        self.rollouts = 0

    def _submit(self, function: Callable[[WorkT], ResultT], piece: WorkT) -> Future[ResultT]:
        done = super()._submit(function, piece)
        found = done.result()
        self.rollouts += not isinstance(found, Result) or found.outcome is not None
        return done


@dataclass(frozen=True, slots=True)
class Cell:
    """One comparison: both searches with one seed, and how their grasps are judged."""

    arm: str
    object: str
    seed: int
    evaluations: int
    trials: int
    judge: int
    attempts: int
    twin: str
    out: Path

    @property
    def path(self) -> Path:
        """The file of the result."""
        return self.out / f"{self.arm}_{self.object}_{self.seed}.json"


def compare(cell: Cell) -> dict[str, Any]:
    """Search both ways and judge; runs in a worker, and is done once."""
    if not cell.path.exists():
        grown, rollouts = search(cell, THRESHOLDS, None)
        plain, same = search(cell, None, rollouts)
        assert grown.ranges is not None
        result = {
            "arm": cell.arm,
            "object": cell.object,
            "seed": cell.seed,
            "rollouts": {ADR: rollouts, "mdr": same},
            "evaluations": {ADR: grown.evaluations, "mdr": plain.evaluations},
            "distinct": {ADR: grown.distinct, "mdr": plain.distinct},
            "entropy": grown.ranges.entropy,
            "ranges": str(grown.ranges),
            "mdr": {ADR: judged(cell, grown.grasps), "mdr": judged(cell, plain.grasps)},
            "eta": {ADR: tried(cell, grown.grasps), "mdr": tried(cell, plain.grasps)},
            "cpu_s": time.process_time(),
        }
        cell.path.write_text(json.dumps(result, indent=1))
    loaded: dict[str, Any] = json.loads(cell.path.read_text())
    return loaded


def search(cell: Cell, adr: Thresholds | None, most: int | None) -> tuple[Findings, int]:
    """What a search finds, and how many rollouts it took; `most` ends it."""
    profile = load_profile("default")
    fitness = FitnessSettings(Criterion.MDR, profile, cell.trials, adr=adr)
    task = Task(cell.arm, cell.object, ME_FIT, cell.seed, fitness, engine=Engine.MUJOCO)
    pool = Counting()
    with (
        TemporaryDirectory() as folder,
        SearchJournal(Path(folder) / "journal", task.described()) as journal,
    ):
        limits = Limits(cell.evaluations if most is None else MOST_EVALUATIONS)

        def spent() -> bool:
            return most is not None and pool.rollouts >= most

        found = Search(task, make_method(task), pool, journal, None, spent).run(limits)
    return found, pool.rollouts


def judged(cell: Cell, grasps: Sequence[GraspTrajectory]) -> list[float]:
    """MDR of each of the best grasps in MuJoCo, under new noise."""
    profile = load_profile("default")
    blocks = (
        Block(0, each, profile, Criterion.MDR, JUDGE_SEED, 0, cell.judge, engine=Engine.MUJOCO)
        for each in grasps[:BEST]
    )
    return [run_block(block).outcomes[Outcome.SUCCESS] / cell.judge for block in blocks]


def tried(cell: Cell, grasps: Sequence[GraspTrajectory]) -> list[float]:
    """Share of attempts of each of the best grasps that hold on the twin."""
    profile = load_twin_profile(cell.twin).model_copy(update={"seed": LABORATORY + cell.seed})
    with TwinBackend(load_robot(cell.arm), profile, profile_name=cell.twin) as twin:
        return [
            sum(
                twin.attempt(grasp, None, seed=JUDGE_SEED, attempt_index=index).outcome
                is Outcome.SUCCESS
                for index in range(number * cell.attempts, (number + 1) * cell.attempts)
            )
            / cell.attempts
            for number, grasp in enumerate(grasps[:BEST])
        ]


def mean(values: Sequence[float]) -> float:
    """The mean; 0 for nothing, since a search that finds nothing holds nothing."""
    return sum(values) / max(1, len(values))


def main() -> None:
    """Print a row for each comparison, and the mean differences."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arms", nargs="+", default=["franka"])
    parser.add_argument("--objects", nargs="+", default=["box"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--evaluations", type=int, default=144, help="of the search with ADR")
    parser.add_argument("--trials", type=int, default=10, help="trials of a grasp in a search")
    parser.add_argument("--judge", type=int, default=50, help="MDR trials of a judged grasp")
    parser.add_argument("--attempts", type=int, default=10, help="of a judged grasp on the twin")
    parser.add_argument("--twin", default="default", help="the twin's profile")
    parser.add_argument("--out", type=Path, help="folder; goes on with what is there")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    out = options.out or Path(mkdtemp(prefix="bench_adr_"))
    out.mkdir(parents=True, exist_ok=True)
    for obj in options.objects:
        load_object(obj)  # its meshes are made once, before workers ask for them
    sizes = (options.evaluations, options.trials, options.judge, options.attempts)
    cells = [
        Cell(arm, obj, seed, *sizes, options.twin, out)
        for seed, obj, arm in itertools.product(options.seeds, options.objects, options.arms)
    ]
    rows, gains = [], {"mdr": list[float](), "eta": list[float]()}
    with WorkerPool(options.jobs) as pool:
        for finished in pool.run(compare, cells, lambda: False):
            assert finished is not None
            _, found = finished
            row = [found["arm"], found["object"], str(found["seed"]), str(found["rollouts"][ADR])]
            row += [f"{found['evaluations'][kind]}" for kind in (ADR, "mdr")]
            row.append(f"{found['entropy']:.2f}")
            for what, gained in gains.items():
                grown, plain = (mean(found[what][kind]) for kind in (ADR, "mdr"))
                gained.append(grown - plain)
                row += [f"{grown:.3f}", f"{plain:.3f}"]
            rows.append(row)
            print(*row, sep="  ", flush=True)
    columns = ("arm", "object", "seed", "rollouts", "tried, adr", "tried, mdr", "entropy")
    columns += ("MDR, adr", "MDR, mdr", "eta, adr", "eta, mdr")
    print_table(columns, sorted(rows), f"the best {BEST} grasps of me-fit, by their fitness")
    for what, gained in gains.items():
        middle, count = mean(gained), len(gained)
        spread = math.sqrt(sum((each - middle) ** 2 for each in gained) / max(1, count - 1))
        half = 1.96 * spread / math.sqrt(count)
        print(f"{what}: adr less mdr {middle:+.3f} +- {half:.3f} (95 %, over {count} searches)")


if __name__ == "__main__":
    main()
