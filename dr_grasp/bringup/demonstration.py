"""Runs the whole demonstration: generate, score, rank, execute, record, with four ROS nodes."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dr_grasp.bringup.processes import NodeProcesses
from dr_grasp.core.attempt import GraspAttempt
from dr_grasp.core.engine import Engine
from dr_grasp.core.fitness import GraspScore
from dr_grasp.core.ranking import rank_grasps
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import BackendError, SettingsError
from dr_grasp.execution.runner import AttemptProgress
from dr_grasp.formats.grasp_file import write_grasps
from dr_grasp.formats.score_file import ScoreFile, write_scores
from dr_grasp.generation.result import Result
from dr_grasp.generation.sampler import generate
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.ros.client import DrGraspClient
from dr_grasp.scoring.progress import Progress
from dr_grasp.scoring.tally import software_version
from dr_grasp.simulation.pictures import draw_best_and_worst

OBJECTS = ("mug", "procedural_000", "procedural_001")

OnStep = Callable[[str, int, int, str], None]
"""Called to show progress, with the step ("generating", "scoring" or "executing"), the amount of
work done, the total amount, and a note of a few words."""


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """Size of the demonstration.

    Attributes:
        robot: Name of the robot.
        objects: Names of the objects.
        grasps_per_object: Number of grasps to generate for each object.
        trials: Number of rollouts for each criterion.
        profile: Name of the randomisation profile.
        executed: Number of the best grasps, and also of the worst grasps, to execute.
        seed: Seed of the generator, of the perturbations and of the twin.
        jobs: Number of worker processes.
    """

    robot: str = "franka"
    objects: tuple[str, ...] = OBJECTS
    grasps_per_object: int = 14
    trials: int = 8
    profile: str = "default"
    executed: int = 5
    seed: int = 0
    jobs: int = os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class DemoResult:
    """Results of the demonstration.

    Attributes:
        best: Attempts of the best grasps, in rank order.
        worst: Attempts of the worst grasps, beginning with the last rank.
        scores: Scores of all grasps.
        files: Paths of the files "grasps", "scores" and "picture", and of the folder "bag".
    """

    best: tuple[GraspAttempt, ...]
    worst: tuple[GraspAttempt, ...]
    scores: tuple[GraspScore, ...]
    files: Mapping[str, Path]


def run_demo(out: Path, settings: DemoSettings, on_step: OnStep) -> DemoResult:
    """Run the demonstration.

    Args:
        out: Folder for the results; created if necessary, must not contain a bag.
        settings: Size of the demonstration.
        on_step: Called to show progress.

    Raises:
        DrGraspError: A step of the demonstration failed.
    """
    files = {
        "grasps": out / "grasps.json",
        "scores": out / "scores.json",
        "bag": out / "bag",
        "picture": out / "best_and_worst.png",
    }
    if files["bag"].exists():
        raise SettingsError(f"{files['bag']}: exists already; remove it or choose another --out")
    load_robot(settings.robot)
    out.mkdir(parents=True, exist_ok=True)
    # Only this machine and a separate namespace, so that no robot of the laboratory is reached.
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    namespace = f"/dr_grasp_demo_{os.getpid()}"
    nodes: dict[str, dict[str, object]] = {
        "scorer": {"jobs": settings.jobs},
        "executor": {"robot": settings.robot},
        "recorder": {"bag": str(files["bag"].absolute())},
        "twin": {"robot": settings.robot},
    }
    with (
        NodeProcesses(nodes, namespace, out / "logs") as processes,
        DrGraspClient(namespace) as client,
    ):
        # The nodes start while the grasps are generated.
        grasps = _generate_grasps(settings, on_step)
        write_grasps(files["grasps"], grasps)
        try:
            scores = _score(client, grasps, settings, files["scores"], on_step)
            ranked = [grasp for grasp, _ in rank_grasps(grasps, scores)]

            def report(progress: AttemptProgress) -> None:
                note = f"{progress.grasp_id} {progress.phase}"
                on_step("executing", progress.number - 1, progress.total, note)

            best, worst = (
                client.execute(
                    candidates,
                    scores,
                    top=settings.executed,
                    seed=settings.seed,
                    on_progress=report,
                ).attempts
                for candidates in (ranked, ranked[-settings.executed :])
            )
        except BackendError:
            processes.check()  # if a node has ended, its last line is the better error message
            raise
    draw_best_and_worst(files["picture"], best[0], worst[-1])
    return DemoResult(best, worst[::-1], scores, files)


def _generate_grasps(settings: DemoSettings, on_step: OnStep) -> list[GraspTrajectory]:
    wanted = settings.grasps_per_object * len(settings.objects)
    grasps: list[GraspTrajectory] = []
    for name in settings.objects:
        found = len(grasps)

        def follow(result: Result) -> None:
            nonlocal found
            found += result.success
            on_step("generating", found, wanted, "")

        grasps += generate(settings.robot, name, settings.grasps_per_object, settings.seed, follow)
    return grasps


def _score(
    client: DrGraspClient,
    grasps: list[GraspTrajectory],
    settings: DemoSettings,
    path: Path,
    on_step: OnStep,
) -> tuple[GraspScore, ...]:
    def report(progress: Progress) -> None:
        best = progress.best_grasp_id
        note = f"best {best} {progress.best_value:.2f}" if best else ""
        on_step("scoring", progress.rollouts_done, progress.rollouts_total, note)

    result = client.score(
        grasps,
        trials=settings.trials,
        profile=settings.profile,
        seed=settings.seed,
        engine=Engine.BULLET.value,  # whatever the profile says: any machine has it
        on_progress=report,
    )
    shared = settings.seed, settings.profile, software_version()
    write_scores(path, ScoreFile(result.scores, result.refused, *shared))
    return result.scores
