"""Which simulated grasps will hold on the real arm: score, rank, execute, record.

The names below are the library. All else is internal and may change with any release. They are
loaded when they are first used, so that importing `dr_grasp` costs nothing and loads no simulator.

Values, each a frozen dataclass:
    GraspTrajectory: A reach, close, lift and hold in joint space; SI units, radians.
    GraspScore: The fitnesses of one grasp, and its metrics.
    GraspAttempt: What became of one grasp on an arm or on the twin.
    Criterion: What is doubted: OSDR (object pose), JSDR (joints), FDR (friction), MDR (all).
    Metric: A number about a grasp beside its fitnesses, such as tug or epsilon.
    Engine: The physics engine that simulates: PyBullet, MuJoCo, or MuJoCo Warp on a GPU.
    ScoreRequest: What is asked of a `Scorer`: profile, criteria, numbers of rollouts, seed, engine.

Robots and objects, by the name of their YAML file:
    load_robot: A robot with its model, limits and hand.
    load_object: An object with its convex pieces, mass and friction.

What is done with grasps:
    generate: Sample grasps that hold in the undisturbed simulation.
    read_grasps, write_grasps: Grasp files.
    Scorer: Scores grasps on worker processes; a context manager.
    rank: Scores in the order in which to try their grasps, best first.
    read_scores: Scores files.
    read_bag: What a bag recorded: scores, attempts, and an operator's words.

Errors:
    DrGraspError: The base of every error that these raise.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dr_grasp.core.attempt import GraspAttempt
    from dr_grasp.core.engine import Engine
    from dr_grasp.core.fitness import GraspScore
    from dr_grasp.core.metric import Metric
    from dr_grasp.core.perturbation import Criterion
    from dr_grasp.core.ranking import rank
    from dr_grasp.core.trajectory import GraspTrajectory
    from dr_grasp.errors import DrGraspError
    from dr_grasp.formats.grasp_file import read_grasps, write_grasps
    from dr_grasp.formats.score_file import read_scores
    from dr_grasp.generation.sampler import generate
    from dr_grasp.objects.object_spec import load_object
    from dr_grasp.recording.bag_reader import read_bag
    from dr_grasp.robots.robot_spec import load_robot
    from dr_grasp.scoring.request import ScoreRequest
    from dr_grasp.scoring.scorer import Scorer

__version__: str  # looked up when it is first used: Ctrl-C is handled only after this module

__all__ = [
    "Criterion",
    "DrGraspError",
    "Engine",
    "GraspAttempt",
    "GraspScore",
    "GraspTrajectory",
    "Metric",
    "ScoreRequest",
    "Scorer",
    "generate",
    "load_object",
    "load_robot",
    "rank",
    "read_bag",
    "read_grasps",
    "read_scores",
    "write_grasps",
]

_MODULES = {
    "Criterion": "core.perturbation",
    "DrGraspError": "errors",
    "Engine": "core.engine",
    "GraspAttempt": "core.attempt",
    "GraspScore": "core.fitness",
    "GraspTrajectory": "core.trajectory",
    "Metric": "core.metric",
    "ScoreRequest": "scoring.request",
    "Scorer": "scoring.scorer",
    "generate": "generation.sampler",
    "load_object": "objects.object_spec",
    "load_robot": "robots.robot_spec",
    "rank": "core.ranking",
    "read_bag": "recording.bag_reader",
    "read_grasps": "formats.grasp_file",
    "read_scores": "formats.score_file",
    "write_grasps": "formats.grasp_file",
}


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib import metadata

        return metadata.version("dr_grasp")
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
