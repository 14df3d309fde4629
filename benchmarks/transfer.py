"""Does the label mean anything? Grasps of every arm, scored, and executed on the twin.

For each arm and object: grasps that hold undisturbed, from the sampler; their four fitnesses; ten
attempts of each on the twin. Then what each fitness says about the twin's success (Spearman's rho
of a grasp's fitness with its eta, AUC of the attempts, with bootstrap intervals over grasps), what
choosing the fittest fifth by MDR would have gained, and eta of grasps that me-fit optimised for
MDR, beside the marks of Huber et al. 2023 (arXiv 2310.04517).

Everything made is kept in a folder, arm by arm and object by object, and not made again: a run that
was interrupted goes on, and `dr-grasp report FOLDER` shows its bags. All of it takes hours.
"""

import argparse
import math
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dr_grasp.cli.console import print_table
from dr_grasp.core.attempt import GraspAttempt
from dr_grasp.core.fitness import GraspScore
from dr_grasp.core.perturbation import Criterion
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.formats.grasp_file import read_grasps, write_grasps
from dr_grasp.formats.score_file import ScoreFile, read_scores, write_scores
from dr_grasp.generation.methods import make_method
from dr_grasp.generation.search import Search
from dr_grasp.generation.search_journal import SearchJournal
from dr_grasp.generation.task import ME_FIT, METHODS, FitnessSettings, Limits, Task
from dr_grasp.recording.bag_writer import BagWriter
from dr_grasp.robots.robot_spec import load_robot, robot_names
from dr_grasp.scoring.profiles import load_profile
from dr_grasp.scoring.request import ScoreRequest
from dr_grasp.scoring.scorer import Scorer
from dr_grasp.scoring.tally import software_version
from dr_grasp.transfer.attempt_dataset import read_folder
from dr_grasp.transfer.clustered import Eta, eta_of
from dr_grasp.transfer.grasp_tally import tally_grasps
from dr_grasp.transfer.statistics import Estimate, PredictorStatistics, statistics_of
from dr_grasp.twin.twin_backend import TwinBackend
from dr_grasp.twin.twin_profile import load_twin_profile
from dr_grasp.workers.pool import Pool, WorkerPool

OBJECTS = ("mug", "box", "cylinder", "procedural_000", "procedural_001")
SAMPLER = METHODS[0]


@dataclass(frozen=True, slots=True)
class Trial:
    """One attempt to be made."""

    grasp: GraspTrajectory
    score: GraspScore | None
    seed: int
    index: int


def attempt(trial: Trial) -> GraspAttempt:
    """Make it; runs in a worker."""
    profile = load_twin_profile("default")
    with TwinBackend(load_robot(trial.grasp.robot), profile, profile_name="default") as twin:
        return twin.attempt(trial.grasp, trial.score, seed=trial.seed, attempt_index=trial.index)


def found(robot: str, obj: str, method: str, options: argparse.Namespace, folder: Path) -> Path:
    """The file of grasps, made if it is not there."""
    path = folder / "grasps.json"
    if path.exists():
        return path
    fitness = (
        FitnessSettings(Criterion.MDR, load_profile("default"), 5) if method == ME_FIT else None
    )
    task = Task(robot, obj, method, options.seed, fitness)
    # me-fit goes on improving what it has; the sampler is done when it has enough.
    limits = (
        Limits(options.evaluations, None)
        if method == ME_FIT
        else Limits(40 * options.grasps, options.grasps)
    )
    with (
        WorkerPool(options.jobs) as pool,
        SearchJournal(folder / "journal", task.described(), resume=True) as log,
    ):
        result = Search(task, make_method(task), pool, log).run(limits)
    grasps = result.grasps
    write_grasps(path, best(grasps, options) if method == ME_FIT else grasps[: options.grasps])
    return path


def best(grasps: Sequence[GraspTrajectory], options: argparse.Namespace) -> list[GraspTrajectory]:
    """The fittest by MDR, under noise that neither the search nor their score has."""
    request = ScoreRequest.from_names(
        "default", ["mdr"], options.trials, options.seed + 1, top=options.fittest
    )
    with Scorer(options.jobs) as scorer:
        selection = scorer.score(grasps, request).selection
    chosen = set() if selection is None else set(selection.chosen)
    return [grasp for grasp in grasps if grasp.id in chosen]


def scored(grasps: Path, method: str, options: argparse.Namespace) -> Path:
    """The file of scores, made if it is not there."""
    path = grasps.with_name("scores.json")
    if not path.exists():
        criteria = ["mdr"] if method == ME_FIT else []
        request = ScoreRequest.from_names("default", criteria, options.trials, options.seed)
        with Scorer(options.jobs) as scorer:
            batch = scorer.score(read_grasps(grasps).grasps, request)
        content = ScoreFile(
            batch.scores, batch.refused, options.seed, "default", software_version()
        )
        write_scores(path, content)
    return path


def executed(grasps: Path, scores: Path, options: argparse.Namespace, pool: Pool) -> None:
    """The bag of attempts, made if it is not there."""
    bag = grasps.with_name("bag")
    if bag.exists():
        return
    score_of = {score.grasp_id: score for score in read_scores(scores).scores}

    def trials() -> Iterator[Trial]:
        for number, grasp in enumerate(read_grasps(grasps).grasps):
            for turn in range(options.attempts):
                index = number * options.attempts + turn
                yield Trial(grasp, score_of.get(grasp.id), options.seed, index)

    # Beside its place, where nobody takes it for a bag, and moved there whole.
    making = grasps.with_name(".bag")
    shutil.rmtree(making, ignore_errors=True)
    with BagWriter(making) as writer:
        for done in pool.run(attempt, trials(), lambda: False):
            if done is not None:
                writer.write_attempt(done[1])
    making.rename(bag)


def text(estimate: Estimate, sign: str = "") -> str:
    """A number with its interval; with the sign "+", signs are shown."""
    if estimate.value is None:
        return "cannot be said"
    value = f"{estimate.value:{sign}.2f}"
    if estimate.low is None or estimate.high is None:
        return value
    return f"{value} [{estimate.low:{sign}.2f}, {estimate.high:{sign}.2f}]"


@dataclass(frozen=True, slots=True)
class Result:
    """What the attempts on one arm say.

    Attributes:
        criteria: Of each criterion, on the sampler's grasps.
        optimised: Eta of the fittest of me-fit; None if there are none.
    """

    criteria: tuple[PredictorStatistics, ...]
    optimised: Estimate | None


def result_of(robot: str, folder: Path) -> Result:
    """Read the bags of one arm."""
    tallies = tally_grasps(read_folder(folder / robot / SAMPLER).rows)
    optimised = folder / robot / ME_FIT
    return Result(
        tuple(statistics_of(tallies, criterion) for criterion in Criterion),
        estimate_of(eta_of(tally_grasps(read_folder(optimised).rows)))
        if any(optimised.glob("*/bag"))
        else None,
    )


def estimate_of(eta: Eta | None) -> Estimate | None:
    """Of some grasps; the interval is for grasps like these, not for more attempts of them."""
    return None if eta is None else Estimate(eta.value, *eta.interval)


def criteria_rows(robot: str, result: Result) -> list[list[str]]:
    """What each criterion says about one arm."""
    return [
        [
            robot,
            of.predictor.value,
            f"{of.grasps:,} grasps, {of.attempts:,} attempts",
            text(of.rho, "+"),
            text(of.auc),
            "" if of.overall is None else f"{of.overall.value:.2f}",
            text(of.top_eta),
            text(of.gain, "+"),
        ]
        for of in result.criteria
    ]


def marks_rows(results: Mapping[str, Result]) -> list[list[str]]:
    """What Huber et al. report, and what came out here, side by side."""

    def lowest(result: Result) -> str:
        one = min(
            result.criteria, key=lambda of: math.inf if of.rho.value is None else of.rho.value
        )
        return f"{text(one.rho, '+')} ({one.predictor.value})"

    def gain(result: Result) -> str:
        of = next(one for one in result.criteria if one.predictor is Criterion.MDR)
        most = "" if of.overall is None else f", at most {1 - of.overall.value:+.2f}"
        return text(of.gain, "+") + most

    def optimised(result: Result) -> str:
        return "not made" if result.optimised is None else text(result.optimised)

    return [
        ["lowest rho of the four", "positive", *map(lowest, results.values())],
        ["gained by choosing the fittest fifth", "+0.16", *map(gain, results.values())],
        ["eta of grasps optimised for MDR", "0.84", *map(optimised, results.values())],
    ]


def main() -> None:
    """Make what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("transfer"))
    parser.add_argument("--robots", nargs="+", default=robot_names())
    parser.add_argument("--objects", nargs="+", default=OBJECTS)
    parser.add_argument("--methods", nargs="+", default=(SAMPLER, ME_FIT))
    parser.add_argument(
        "--grasps", type=int, default=60, help="of the sampler, each arm and object"
    )
    parser.add_argument("--fittest", type=int, default=20, help="grasps of me-fit, likewise")
    parser.add_argument("--attempts", type=int, default=10, help="of each grasp")
    parser.add_argument("--trials", type=int, default=20, help="rollouts of each criterion")
    parser.add_argument("--evaluations", type=int, default=300, help="of me-fit")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    for method in options.methods:
        for obj in options.objects:
            for robot in options.robots:
                began = time.monotonic()
                folder = options.out / robot / method / obj
                folder.mkdir(parents=True, exist_ok=True)
                grasps = found(robot, obj, method, options, folder)
                scores = scored(grasps, method, options)
                with WorkerPool(options.jobs) as pool:
                    executed(grasps, scores, options, pool)
                seconds = time.monotonic() - began
                print(f"{robot} {method} {obj}: {seconds:.0f} s", flush=True)
    results = {robot: result_of(robot, options.out) for robot in options.robots}
    print_table(
        ["arm", "by", "of", "rho", "AUC", "eta", "eta of top fifth", "gain"],
        [row for robot, result in results.items() for row in criteria_rows(robot, result)],
    )
    print_table(["mark", "paper", *results], marks_rows(results))


if __name__ == "__main__":
    main()
