"""The whole chain once: generate, score, rank, execute, record, with four real ROS nodes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from dr_grasp.bringup.processes import NodeCommand, NodeProcesses
from dr_grasp.core.attempt import GraspAttempt
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
from dr_grasp.scoring.request import Progress
from dr_grasp.scoring.tally import software_version
from dr_grasp.simulation.pictures import draw_best_and_worst

OBJECTS = ("mug", "procedural_000", "procedural_001")


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """Size of the demonstration.

    Attributes:
        robot: Robot name.
        objects: Object names.
        grasps_per_object: Nominal successes sought for each object.
        trials: Rollouts of each criterion.
        profile: Name of the randomisation profile.
        executed: How many of the best, and as many of the worst, are executed.
        seed: Of everything.
        jobs: Worker processes.
    """

    robot: str = "franka"
    objects: tuple[str, ...] = OBJECTS
    grasps_per_object: int = 14
    trials: int = 8
    profile: str = "default"
    executed: int = 5
    seed: int = 0
    jobs: int = os.cpu_count() or 1


class DemoObserver(Protocol):
    """Follows the demonstration."""

    def generating(self, found: int, wanted: int) -> None:
        """So many grasps have been found."""

    def scoring(self, progress: Progress) -> None:
        """Scoring has come so far."""

    def executing(self, progress: AttemptProgress) -> None:
        """An attempt has come so far."""


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What the demonstration leaves behind.

    Attributes:
        attempts: The best in rank order, then the worst from the last rank upwards.
        scores: Of all grasps.
        grasp_file: Path of the grasp file.
        scores_file: Path of the scores file.
        bag: Folder of the bag.
        picture: Path of the picture.
    """

    attempts: tuple[GraspAttempt, ...]
    scores: tuple[GraspScore, ...]
    grasp_file: Path
    scores_file: Path
    bag: Path
    picture: Path


def run_demo(out: Path, settings: DemoSettings, observer: DemoObserver) -> DemoResult:
    """Run the demonstration.

    Args:
        out: Folder for what it leaves behind; created if need be, must not hold a bag yet.
        settings: Its size.
        observer: Follows it.

    Raises:
        DrGraspError: Something did not work.
    """
    bag = out / "bag"
    if bag.exists():
        raise SettingsError(f"{bag}: exists already; remove it or choose another --out")
    load_robot(settings.robot)
    out.mkdir(parents=True, exist_ok=True)
    # Loopback and a namespace of its own: a demonstration must not talk to the laboratory's robots.
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    namespace = f"/dr_grasp_demo_{os.getpid()}"
    commands = [
        NodeCommand("scorer", {"jobs": settings.jobs}),
        NodeCommand("executor", {"robot": settings.robot}),
        NodeCommand("recorder", {"bag": str(bag.absolute())}),
        NodeCommand("twin", {"robot": settings.robot}),
    ]
    with (
        NodeProcesses(commands, namespace, out / "logs") as nodes,
        DrGraspClient(namespace) as planner,
    ):
        # The nodes come up while the grasps are being found.
        grasps = generate_grasps(settings, observer.generating)
        write_grasps(out / "grasps.json", grasps)
        try:
            scored = planner.score(
                grasps,
                trials=settings.trials,
                profile=settings.profile,
                seed=settings.seed,
                on_progress=observer.scoring,
            )
            write_scores(
                out / "scores.json",
                ScoreFile(
                    scored.scores,
                    scored.refused,
                    settings.seed,
                    settings.profile,
                    software_version(),
                ),
            )
            attempts = _execute(planner, grasps, scored.scores, settings, observer)
        except BackendError:
            nodes.check()  # a node that died says why better than who missed it
            raise
    picture = out / "best_and_worst.png"
    draw_best_and_worst(picture, attempts[0], attempts[settings.executed])
    return DemoResult(
        attempts, scored.scores, out / "grasps.json", out / "scores.json", bag, picture
    )


def _execute(
    planner: DrGraspClient,
    grasps: Sequence[GraspTrajectory],
    scores: Sequence[GraspScore],
    settings: DemoSettings,
    observer: DemoObserver,
) -> tuple[GraspAttempt, ...]:
    ranked = [grasp for grasp, _ in rank_grasps(grasps, scores)]
    best = planner.execute(
        grasps,
        scores,
        top=settings.executed,
        seed=settings.seed,
        on_progress=observer.executing,
    )
    worst = planner.execute(
        ranked[-settings.executed :],
        scores,
        top=settings.executed,
        seed=settings.seed,
        on_progress=observer.executing,
    )
    return best.attempts + tuple(reversed(worst.attempts))


def generate_grasps(
    settings: DemoSettings, on_found: Callable[[int, int], None]
) -> list[GraspTrajectory]:
    """Sample grasps for all objects."""
    wanted = settings.grasps_per_object * len(settings.objects)
    grasps: list[GraspTrajectory] = []
    for name in settings.objects:
        found = len(grasps)

        def follow(result: Result) -> None:
            nonlocal found
            found += result.success
            on_found(found, wanted)

        grasps += generate(settings.robot, name, settings.grasps_per_object, settings.seed, follow)
    return grasps
