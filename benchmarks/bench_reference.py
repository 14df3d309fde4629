"""What a rollout costs here and in the reference implementation of Huber et al. 2023.

The reference is https://github.com/Johann-Huber/qd_grasp; nothing of it is part of this package. It
ships no trajectories, so let it find some first, in a folder and a virtual environment of its own:

    python run_qd_grasp.py -a me_scs -r panda_2f -o ycb_mug -nbr 2000 -e 5 -l RUNS -f panda_2f

likewise for `baxter_2f` and `ur5_sih_schunk`; for an arm without a grasp, random trajectories stand
in, which are as long. Then, with what its modules import on the path
(`pip install --no-deps --target EXTRA gym==0.26.2 gym_notices cloudpickle pyquaternion scikit-learn
joblib threadpoolctl narwhals`):

    PYTHONPATH=EXTRA python benchmarks/bench_reference.py --reference CHECKOUT --runs RUNS

One process replays in turns: one of the reference's grasps of its mug, by the function and with the
noise of its own mixture criterion (MDR); one of our grasps of our mug under MDR, shortened as for
scoring; and the same rollout whole. CPU time, without loading the worlds. Without `--reference`
nothing is measured, since the reference is not part of this package.
"""

import argparse
import contextlib
import io
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from dr_grasp.cli.console import print_table
from dr_grasp.common.quiet import quiet
from dr_grasp.core.arrays import FloatArray
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion, sample_perturbation
from dr_grasp.generation.sampler import generate
from dr_grasp.objects.object_spec import load_object
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.scoring.profiles import load_profile
from dr_grasp.simulation.bullet.table_world import RATE_HZ
from dr_grasp.simulation.bullet.world import BulletWorld
from dr_grasp.simulation.rollout import run_rollout
from dr_grasp.simulation.rollout_runner import RolloutRunner

ARMS = {"franka": "panda_2f", "baxter": "baxter_2f", "ur5_schunk_sih": "ur5_sih_schunk"}
"""Our names of arms, and the reference's."""

OUR_OBJECT, THEIR_OBJECT = "mug", "ycb_mug"

RANDOM = 10
"""Random trajectories of an arm for which the reference has found no grasp: they are as long."""


class Reference:
    """The reference's environment of one arm, and trajectories of its own."""

    def __init__(self, robot: str, runs: Path | None) -> None:
        """Load the environment, with the checkout on the path and as working folder.

        Where no run found a grasp, random trajectories of its search stand in.

        Args:
            robot: The reference's name of the arm.
            runs: Folder of its runs, whose names begin with that of the arm; None for no runs.
        """
        environments, evaluate, env_constants, args_processor, constants = map(
            import_module,
            (
                "gym_envs.envs",
                "algorithms.evaluate",
                "gym_envs.envs.src.env_constants",
                "utils.args_processor",
                "utils.constants",
            ),
        )
        self._evaluate, self._constants = evaluate, constants
        kind = env_constants.INPUT_ARG_ROBOT2ROBOT_TYPE_NAME[robot]
        with contextlib.redirect_stdout(io.StringIO()), quiet():
            settings = args_processor.get_robot_kwargs(kind, THEIR_OBJECT)
            options = args_processor.get_env_kwargs(kind, THEIR_OBJECT, settings)
            classes = {
                "panda_2f": environments.FrankaEmikaPanda2Fingers,
                "baxter_2f": environments.Baxter2FingersGrasping,
                "ur5_sih_schunk": environments.UR5SihSchunk,
            }
            del options["id"]
            self._env: Any = classes[robot](**options)
        self._replay = {
            "nb_iter": settings["nb_iter"],
            "add_iter": int(RATE_HZ / settings["nb_steps_to_rollout"]),
            "controller_class": args_processor.get_controller_class(settings),
            "controller_info": args_processor.get_controller_info(settings, options, "me_scs"),
        }
        self._steps_per_command = settings["nb_steps_to_rollout"]
        files = runs.glob(f"{robot}*/success_archives/individuals_*.npz") if runs else ()
        archives = [archive["inds"] for archive in map(np.load, files)]
        self.trajectories: FloatArray = max(archives, key=len, default=np.empty(0))
        self.name = f"reference, {len(self.trajectories)} grasps"
        if not len(self.trajectories):
            genes = args_processor.get_genotype_len(settings, self._replay["controller_info"])
            self.trajectories = np.random.default_rng(0).uniform(-1, 1, (RANDOM, genes))
            self.name = f"reference, {RANDOM} random"

    def replay(self, trial: int) -> bool:
        """Replay a trajectory under the noise of its mixture criterion; whether it held."""
        constants, rng = self._constants, np.random.default_rng(trial)
        np.random.seed(trial)  # noqa: NPY002  it draws noise of joints and frictions from there
        shift = rng.normal(0.0, constants.OBJ_STATE_DR_INIT_POS_VARIANCE_IN_M, 2)
        turn = rng.normal(0.0, constants.OBJ_STATE_DR_INIT_ORIENT_EULER_VARIANCE_IN_RAD, 3)
        return bool(
            self._evaluate.do_traj_redeploiment_safecheck(
                env=self._env,
                ind=self.trajectories[trial % len(self.trajectories)],
                n_reset_safecheck=1,
                do_noise_joints_pos=True,
                do_noise_dynamics=True,
                obj_init_state_offset={
                    "init_pos_offset": shift,
                    "init_orient_offset_euler": turn,
                },
                force_state_load=True,
                **self._replay,
            )
        )

    def steps(self, held: bool) -> int:
        """Physics steps of a rollout: one that holds is held on to for one second more."""
        commands = self._replay["nb_iter"] + held * self._replay["add_iter"]
        return int(commands * self._steps_per_command)


class Cost:
    """What rollouts of one kind cost.

    Attributes:
        seconds: CPU time of each rollout.
        steps: Physics steps of each rollout.
        held: Whether each rollout ended in success.
    """

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.steps: list[int] = []
        self.held: list[bool] = []

    def add(self, run: Callable[[], tuple[bool, int]]) -> None:
        """Time one rollout, which returns whether the grasp held, and its steps."""
        began = time.process_time()
        held, steps = run()
        self.seconds.append(time.process_time() - began)
        self.held.append(held)
        self.steps.append(steps)

    def row(self, arm: str, name: str, shortened: "Cost") -> list[str]:
        """A line of the table."""
        return [
            arm,
            name,
            f"{np.mean(self.seconds) * 1e3:.0f}",
            f"{np.sum(self.seconds) / np.sum(shortened.seconds):.2f}",
            f"{np.mean(self.steps):.0f}",
            f"{np.sum(self.seconds) / np.sum(self.steps) * 1e6:.0f}",
            f"{np.mean(self.held):.2f}",
        ]


def measure(arm: str, options: argparse.Namespace) -> list[list[str]]:
    """Replay in turns; returns the lines of one arm."""
    reference = Reference(ARMS[arm], options.runs)
    spec, profile = load_robot(arm), load_profile("huber2023")
    grasps = list(generate(arm, OUR_OBJECT, options.grasps, seed=0))
    reference_cost, shortened, whole = Cost(), Cost(), Cost()
    item = load_object(OUR_OBJECT)
    with BulletWorld(spec, item) as world, RolloutRunner(BulletWorld(spec, item)) as runner:

        def theirs(trial: int) -> tuple[bool, int]:
            held = reference.replay(trial)
            return held, reference.steps(held)

        def ours(trial: int, short: bool) -> tuple[bool, int]:
            # A grasp's trials in a row, as in scoring: what is known of its approach is kept.
            grasp = grasps[trial * len(grasps) // options.trials]
            noise = sample_perturbation(profile, Criterion.MDR, 0, trial, len(spec.arm_joints))
            rollout = runner.run(grasp, noise) if short else run_rollout(world, grasp, noise)
            return rollout.outcome is Outcome.SUCCESS, rollout.steps

        for trial in range(options.trials):
            reference_cost.add(partial(theirs, trial))
            shortened.add(partial(ours, trial, True))
            whole.add(partial(ours, trial, False))
    return [
        reference_cost.row(arm, reference.name, shortened),
        shortened.row(arm, f"shortened, {len(grasps)} grasps", shortened),
        whole.row(arm, "whole", shortened),
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--reference", type=Path, help="a checkout of the reference")
    parser.add_argument("--runs", type=Path, help="runs in which it found grasps")
    parser.add_argument("--robots", nargs="+", choices=ARMS, default=list(ARMS))
    parser.add_argument("--grasps", type=int, default=5, help="of ours")
    parser.add_argument("--trials", type=int, default=60)
    options = parser.parse_args()
    if options.reference is None:
        print("not measured without --reference: see --help")
        return
    reference = options.reference.resolve()
    if options.runs is not None:
        options.runs = options.runs.resolve()
    sys.path[:0] = [str(reference / "gym_envs"), str(reference)]
    os.chdir(reference)  # it looks for its table from the working folder
    rows = []
    for arm in options.robots:
        rows += measure(arm, options)
    print_table(
        ["arm", "rollout", "CPU ms", "to shortened", "steps", "us/step", "held"],
        rows,
        title=f"rollouts of the mug under MDR, {options.trials} of each in turns",
    )


if __name__ == "__main__":
    main()
