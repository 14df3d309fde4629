"""Options of the commands that say what is to be scored, how often, and in which engine."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from dr_grasp.common.resources import user_directory
from dr_grasp.core.engine import SINGLE, Engine
from dr_grasp.core.metric import EVERY_METRIC, Metric
from dr_grasp.core.perturbation import Profile
from dr_grasp.errors import DrGraspError
from dr_grasp.scoring.profiles import PROFILES, load_profile, profile_at
from dr_grasp.scoring.request import MOST_UNTIL
from dr_grasp.simulation.engine import MOST_WORLDS

Trials = Annotated[
    str | None,
    typer.Option(
        help="Rollouts for each criterion, as in 200; or for some, as in osdr=50,fdr=25.",
        show_default="the profile's",
    ),
]
Seed = Annotated[int, typer.Option(help="Seed of the perturbations.")]
ProfileName = Annotated[str, typer.Option(help="Name of the randomisation profile.")]
ProfileNameOrFile = Annotated[
    str,
    typer.Option(
        metavar="NAME|FILE",
        help="Name of the randomisation profile, or its file, whose name ends with .yaml.",
    ),
]
Until = Annotated[
    float | None,
    typer.Option(
        help="Sample each criterion until its 95 % interval is no wider, or --trials are done "
        f"({MOST_UNTIL} if not given)."
    ),
]
Top = Annotated[
    int | None,
    typer.Option(
        help="Find only this number of best grasps, with fewer rollouts for the rest. The best "
        "by MDR, or else by the first criterion."
    ),
]

MetricNames = Annotated[
    str | None,
    typer.Option(
        help="Comma-separated numbers to measure beside the criteria: "
        f"{', '.join(metric.value for metric in Metric)}; or {EVERY_METRIC}.",
        show_default="what a transfer model needs",
    ),
]


def is_file(profile: str) -> bool:
    """Whether a user named a profile by its file."""
    return profile.endswith((".yaml", ".yml"))


def profile_named(profile: str) -> Profile:
    """Load a profile by its name or from its file.

    Raises:
        DrGraspError: There is no such profile, or the file is none.
    """
    return profile_at(Path(profile)) if is_file(profile) else load_profile(profile)


def check_has_name(profile: str) -> str:
    """Refuse a profile's file where only a name is understood.

    Raises:
        DrGraspError: The user named a file.
    """
    if is_file(profile):
        raise DrGraspError(
            f"--profile: expected a name, since the scorer knows profiles by name, got {profile}: "
            f"put the file into {user_directory() / PROFILES} where the scorer runs"
        )
    return profile


def names_in(text: str | None) -> list[str]:
    """Names that a user wrote with commas between them; none without a text."""
    return [] if text is None else [name.strip() for name in text.split(",")]


def _engine_option(default: str, engines: Iterable[Engine] = Engine) -> Any:
    words = f"Physics engine: {', '.join(engine.value for engine in engines)}."
    return typer.Option("--engine", metavar="NAME", help=words, show_default=default)


EngineName = Annotated[str | None, _engine_option("the profile's, else bullet")]
ScorersEngine = Annotated[str | None, _engine_option("the scorer's choice")]
SingleEngineName = Annotated[str | None, _engine_option("the profile's, else bullet", SINGLE)]
SearchEngine = Annotated[str | None, _engine_option("bullet; of me-fit, the profile's", SINGLE)]
EngineOfScores = Annotated[str | None, _engine_option("that of the scores", SINGLE)]
Worlds = Annotated[
    int,
    typer.Option(
        min=1,
        max=MOST_WORLDS,
        help=f"With {Engine.MUJOCO_WARP.value}: rollouts that the GPU simulates at once; each "
        "takes some of its memory.",
    ),
]

IN_THIS_PROCESS = ("jobs", "cluster")
"""Options of workers, which an engine on a GPU does not use."""


def was_typed(context: typer.Context, name: str) -> bool:
    """Whether a user typed an option; `name` is that of the function's parameter."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def check_workers(context: typer.Context, engine: Engine, measures: bool = False) -> None:
    """Refuse options of workers or of a GPU that make no sense with an engine.

    Args:
        context: What the user typed.
        engine: The engine of the scores.
        measures: Whether metrics are measured, which is work for workers with any engine.

    Raises:
        DrGraspError: One was typed.
    """
    on_gpu = engine is Engine.MUJOCO_WARP
    if not on_gpu and was_typed(context, "worlds"):
        raise DrGraspError(
            f"--worlds: expected with --engine {Engine.MUJOCO_WARP.value}, got {engine.value}"
        )
    for name in IN_THIS_PROCESS:
        if on_gpu and not measures and was_typed(context, name):
            raise DrGraspError(
                f"--engine {engine.value}: expected without --{name}: it simulates all rollouts in "
                "this process, on one GPU"
            )
