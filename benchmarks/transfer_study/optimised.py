"""Grasps that me-fit optimised for MDR, in one engine or in both."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from dr_grasp.core.engine import Engine
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.generation.methods import make_method
from dr_grasp.generation.search import Search
from dr_grasp.generation.search_journal import SearchJournal
from dr_grasp.generation.task import ME_FIT, FitnessSettings, Limits, Task
from dr_grasp.scoring.blocks import Block, run_block
from dr_grasp.scoring.profiles import load_profile
from transfer_study.grasps import Here
from transfer_study.plan import ENGINES, Plan

KINDS = {"mujoco": (Engine.MUJOCO,), "bullet": (Engine.BULLET,), "both": ENGINES}
"""In which engines a trial must succeed, by the name of the kind."""

EVALUATIONS = 96
TRIALS = 10
"""Trials of a grasp in the search, at most."""

CANDIDATES = 12
FITTEST = 5
"""Of the best grasps of the search, `CANDIDATES` are scored anew under noise that the search did
not see, and the `FITTEST` of them are tried."""


def make_optimised(plan: Plan, arm: str, obj: str, kind: str) -> list[GraspTrajectory]:
    """The fittest grasps of a search."""
    profile, engines = load_profile(plan.profile), KINDS[kind]
    fitness = FitnessSettings(Criterion.MDR, profile, TRIALS, engines)
    task = Task(arm, obj, ME_FIT, plan.seed + 2000, fitness, engine=engines[0])
    with (
        TemporaryDirectory() as folder,
        SearchJournal(Path(folder) / "journal", task.described(), resume=False) as journal,
    ):
        found = Search(task, make_method(task), Here(), journal).run(Limits(EVALUATIONS, None))

    def fitness_of(grasp: GraspTrajectory) -> int:
        """Successes in the engine that likes it least."""
        blocks = (
            Block(0, grasp, profile, Criterion.MDR, plan.seed + 1, 0, plan.trials, engine=engine)
            for engine in engines
        )
        return min(run_block(block).outcomes[Outcome.SUCCESS] for block in blocks)

    return sorted(found.grasps[:CANDIDATES], key=fitness_of, reverse=True)[:FITTEST]
