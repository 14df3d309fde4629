"""Does the loop close? Profiles identified in hidden laboratories, and what labels are worth then.

In each laboratory of the twin, five of everyday errors, one slippery and one badly calibrated, an
arm tries grasps of three objects. `identify` fits a profile to these attempts. Then the arm tries
grasps of two other objects. Printed are: how often the truth of the laboratory lies in the 90 %
ranges of the parameters that were fitted; and Brier score, log loss, rho and AUC of MDR, and of the
model calibrated on the first attempts, with the profile before and after.

Everything made is kept in a folder, piece by piece, and not made again: a run that was interrupted
goes on. All of it takes some hours of CPU; after `--minutes` no new piece is begun.
"""

import argparse
import os
import time
from pathlib import Path

from loop_study.answer import print_answer
from loop_study.plan import ARMS, LABORATORIES, TRIED, UNSEEN, Plan
from loop_study.work import Step, do, work_of
from transfer_study.pieces import missing
from transfer_study.work import do as make_grasps
from transfer_study.work import grasp_work

from dr_grasp.workers.pool import WorkerPool


def main() -> None:
    """Make what is missing, and print the answer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("loop"))
    parser.add_argument("--robots", nargs="+", default=ARMS)
    parser.add_argument(
        "--laboratories", nargs="+", default=[lab.name for lab in LABORATORIES], help="their names"
    )
    parser.add_argument("--tried", nargs="+", default=TRIED, help="objects that are learnt from")
    parser.add_argument("--unseen", nargs="+", default=UNSEEN, help="objects to judge labels on")
    parser.add_argument("--attempts", type=int, default=60, help="on objects of each of both kinds")
    parser.add_argument("--grasps", type=int, default=10, help="of each object")
    parser.add_argument("--trials", type=int, default=40, help="rollouts of MDR")
    parser.add_argument("--worlds", type=int, default=40, help="in which attempts are simulated")
    parser.add_argument("--method", default="posterior", help="of identification")
    parser.add_argument("--steps", nargs="*", default=[step.value for step in Step])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--profile", default="default", help="randomisation to begin from")
    parser.add_argument("--minutes", type=float, help="begin no new piece after this time")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    known = {laboratory.name: laboratory for laboratory in LABORATORIES}
    plan = Plan(
        out=options.out,
        arms=tuple(options.robots),
        laboratories=tuple(known[name] for name in options.laboratories),
        tried=tuple(options.tried),
        unseen=tuple(options.unseen),
        attempts=options.attempts,
        grasps=options.grasps,
        trials=options.trials,
        worlds=options.worlds,
        method=options.method,
        seed=options.seed,
        profile=options.profile,
    )
    end = float("inf") if options.minutes is None else time.time() + 60 * options.minutes
    with WorkerPool(options.jobs) as pool:
        grasps = missing(grasp_work(plan.grasp_plan), end)
        for done in pool.run(make_grasps, grasps, lambda: False):
            if done is not None:
                print(f"{done[0]}: {done[1]:.0f} s", flush=True)
        for step in map(Step, options.steps):
            for made in pool.run(do, missing(work_of(plan, step), end), lambda: False):
                if made is not None:
                    print(f"{made[0]}: {made[1]:.0f} s", flush=True)
    print_answer(plan)


if __name__ == "__main__":
    main()
