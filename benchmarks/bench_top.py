"""What it costs to find the best grasps, against a fixed budget for all, and how good they are.

Part one, real rollouts: the best of some sampled grasps by racing (`--top`), and the MDR of every
one of them by many trials under other noise, which says how good the chosen are. The fixed budget
is 550 rollouts a grasp (profile `huber2023`); their CPU time is extrapolated from whole and from
shortened rollouts of a few grasps.

Part two, a thousand grasps without physics, whose fitness is drawn from what part one found: how
many rollouts racing takes at that size, and what share of the true best 20 it finds.
"""

import argparse
import resource
import time
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from stand_in import StandIn

from dr_grasp.cli.console import print_table
from dr_grasp.core.perturbation import Criterion
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.generation.sampler import generate
from dr_grasp.scoring.profiles import load_profile
from dr_grasp.scoring.progress import Progress
from dr_grasp.scoring.request import ScoreBatch, ScoreRequest
from dr_grasp.scoring.scorer import Scorer

FIXED_ROLLOUTS = 550


def scored(
    grasps: Iterable[GraspTrajectory], request: ScoreRequest, jobs: int
) -> tuple[ScoreBatch, int, float]:
    """A batch, the rollouts it took, and the CPU seconds of the workers."""
    last = Progress(0, 0)

    def note(progress: Progress) -> None:
        nonlocal last
        last = progress

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with Scorer(jobs) as scorer:
        batch = scorer.score(list(grasps), request, note)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return batch, last.rollouts_done, seconds


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--robot", default="franka")
    parser.add_argument("--object", default="procedural_000")
    parser.add_argument("--grasps", type=int, default=60)
    parser.add_argument("--top", type=int, default=6)
    parser.add_argument("--trials", type=int, default=40, help="of the MDR that judges the chosen")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    grasps = generate(options.robot, options.object, options.grasps, seed=0)
    profile = load_profile("huber2023")
    default = load_profile("default")
    race = ScoreRequest(default, top=options.top, seed=0)
    began = time.monotonic()
    found, spent, seconds = scored(grasps, race, options.jobs)
    print(f"raced in {time.monotonic() - began:.0f} s", flush=True)
    assert found.selection is not None
    fixed = ScoreRequest(profile)
    _, label_rollouts, label_seconds = scored(grasps[:1], fixed, 1)
    judged, _, _ = scored(
        grasps,
        ScoreRequest(default, (Criterion.MDR,), options.trials, seed=1),
        options.jobs,
    )
    fitness = {score.grasp_id: score.fitness[Criterion.MDR].value for score in judged.scores}
    best = sorted(fitness.values(), reverse=True)[: options.top]
    chosen = [fitness[name] for name in found.selection.chosen]
    budget = FIXED_ROLLOUTS * len(grasps)
    print_table(
        ["grasps", "top", "rollouts", "of fixed", "CPU s", "fixed CPU s", "MDR chosen", "MDR best"],
        [
            [
                str(len(grasps)),
                str(options.top),
                str(spent),
                f"1/{budget / spent:.0f}",
                f"{seconds:.0f}",
                f"{label_seconds / label_rollouts * budget:.0f}",
                f"{np.mean(chosen):.3f}",
                f"{np.mean(best):.3f}",
            ]
        ],
        title=f"{options.robot} with {options.object}; MDR by {options.trials} trials under other "
        f"noise (all: {np.mean(list(fitness.values())):.3f}); expected share of the true best: "
        f"{found.selection.expected_share:.2f}",
    )
    rows = []
    values = np.array(list(fitness.values()))
    for seed in range(3):
        rng = np.random.default_rng(seed)
        # Smoothed a little: part one knows each fitness to some hundredths only.
        drawn = np.clip(rng.choice(values, 1000) + rng.normal(0, 0.03, 1000), 0.0, 1.0)
        ids = [f"g{index}" for index in range(1000)]
        copies = [grasp_with_id(grasps[0], name) for name in ids]
        pool = StandIn(dict(zip(ids, drawn.tolist(), strict=True)), seed)
        selection = Scorer(pool=pool).score(copies, ScoreRequest(default, top=20)).selection
        assert selection is not None
        picked = [drawn[ids.index(name)] for name in selection.chosen]
        threshold = np.sort(drawn)[-20]
        rows.append(
            [
                str(pool.rollouts),
                f"1/{FIXED_ROLLOUTS * 1000 / pool.rollouts:.0f}",
                f"{np.mean(np.array(picked) >= threshold):.2f}",
                f"{selection.expected_share:.2f}",
                f"{np.mean(picked):.3f}",
                f"{np.mean(np.sort(drawn)[-20:]):.3f}",
            ]
        )
    print_table(
        ["rollouts", "of fixed", "share found", "expected", "fitness chosen", "fitness best 20"],
        rows,
        title="top 20 of 1,000 Bernoulli grasps with that distribution of fitness",
    )


def grasp_with_id(grasp: GraspTrajectory, name: str) -> GraspTrajectory:
    """A copy under another name."""
    return replace(grasp, id=name)


# Workers import this file anew.
if __name__ == "__main__":
    main()
