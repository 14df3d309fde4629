"""Which label tells the truth? Grasps of every arm, labelled, measured, and tried on twins.

For each arm and object: grasps of several sources that hold undisturbed in some engine; their four
fitnesses in PyBullet and in MuJoCo; metrics such as epsilon; and attempts on each twin, which runs
in MuJoCo or in another engine, in two laboratories each. Then, for each arm and twin, what every
label and metric says about the attempts, what it costs, and whether it says more than MDR in
PyBullet does.

Everything made is kept in a folder, piece by piece, and not made again: a run that was interrupted
goes on, in rounds that each have every arm and object. What is found out in some rounds can be
tested on others: the answer is of the rounds `--first` to `--last`. `dr-grasp report FOLDER` shows
its bags. All of it takes a day of CPU; after `--minutes` no new piece is begun.
"""

import argparse
import os
import time
from pathlib import Path

from transfer_study.answer import print_answer, print_optimised
from transfer_study.evidence import read_evidence
from transfer_study.optimised import KINDS
from transfer_study.pieces import missing
from transfer_study.plan import OBJECTS, Plan, Step
from transfer_study.work import do, grasp_work, optimised_work, round_work

from dr_grasp.robots.robot_spec import robot_names
from dr_grasp.workers.pool import WorkerPool


def main() -> None:
    """Make what is missing, and print the answer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("transfer"))
    parser.add_argument("--robots", nargs="+", default=robot_names())
    parser.add_argument("--objects", nargs="+", default=OBJECTS)
    parser.add_argument("--twins", nargs="*", default=("default", "sapien"), help="their profiles")
    parser.add_argument("--rounds", type=int, default=8, help="grasps of each source and object")
    parser.add_argument("--first", type=int, default=0, help="round to begin with")
    parser.add_argument("--last", type=int, help="round to end with; the last if not given")
    parser.add_argument("--steps", nargs="*", default=[step.value for step in Step])
    parser.add_argument("--kinds", nargs="+", default=[*KINDS], help="of optimised grasps")
    parser.add_argument("--attempts", type=int, default=5, help="of a grasp in each laboratory")
    parser.add_argument("--trials", type=int, default=10, help="rollouts of each criterion")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--profile", default="default", help="randomisation of the labels")
    parser.add_argument("--minutes", type=float, help="begin no new piece after this time")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    plan = Plan(
        out=options.out,
        arms=tuple(options.robots),
        objects=tuple(options.objects),
        twins=tuple(options.twins),
        rounds=options.rounds,
        trials=options.trials,
        attempts=options.attempts,
        seed=options.seed,
        profile=options.profile,
    )
    steps = [Step(name) for name in options.steps]
    end = float("inf") if options.minutes is None else time.time() + 60 * options.minutes
    last = plan.rounds - 1 if options.last is None else options.last
    with WorkerPool(options.jobs) as pool:
        # Attempts need the labels of their round, so each step is finished before the next begins.
        work = [list(grasp_work(plan))]
        for number in range(options.first, last + 1):
            work += [list(round_work(plan, number, [step])) for step in steps]
        if Step.OPTIMISED in steps:
            work += optimised_work(plan, options.kinds)
        for pieces in work:
            for done in pool.run(do, missing(pieces, end), lambda: False):
                if done is not None:
                    print(f"{done[0]}: {done[1]:.0f} s", flush=True)
    rounds = range(options.first, last + 1)
    evidence = read_evidence(plan, rounds, Step.METRICS in steps)
    if evidence:
        print_answer(plan, evidence)
    print_optimised(plan)


if __name__ == "__main__":
    main()
