"""`dr-grasp message`: prints a request to score grasps as the programs of ROS take it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
import yaml

from dr_grasp.cli.console import reports_errors, say_refusals
from dr_grasp.cli.scoring_options import (
    MetricNames,
    ProfileName,
    ScorersEngine,
    Seed,
    Top,
    Trials,
    Until,
    check_has_name,
    names_in,
)
from dr_grasp.core.engine import Engine
from dr_grasp.core.metric import metrics_from_names
from dr_grasp.core.perturbation import Criterion
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import DrGraspError, UnknownNameError
from dr_grasp.formats.grasp_file import read_grasps
from dr_grasp.messages.requests import encode_request
from dr_grasp.scoring.request import check_stopping, parse_trials


@reports_errors
def command(
    grasps: Annotated[Path, typer.Argument(help="Grasp file.")],
    only: Annotated[
        list[str] | None,
        typer.Option(help="Id of a grasp to send; may be given again.", show_default="all"),
    ] = None,
    count: Annotated[
        int | None, typer.Option(min=1, help="Send only this number of grasps, the first ones.")
    ] = None,
    trials: Trials = None,
    criteria: Annotated[
        str, typer.Option(help="Comma-separated criteria.", show_default="all")
    ] = "",
    seed: Seed = 0,
    profile: ProfileName = "default",
    until: Until = None,
    top: Top = None,
    engine: ScorersEngine = None,
    metrics: MetricNames = None,
) -> None:
    """Print a request to score grasps, as YAML; needs no ROS.

    It fits the service and the action:

    dr-grasp message grasps.json --trials 20 |
    ros2 service call /score_grasps dr_grasp_interfaces/srv/ScoreGrasps --stdin

    dr-grasp message grasps.json --trials 20 |
    ros2 action send_goal /score_grasps dr_grasp_interfaces/action/ScoreGrasps --stdin --feedback
    """
    check_stopping(until, top)
    given = read_grasps(grasps)
    say_refusals(given.refused)
    chosen = _chosen(given.grasps, only)[:count]
    if not chosen:
        raise DrGraspError(f"{grasps}: expected grasps to send, got none")
    names = [Criterion.from_name(name.strip()).value for name in criteria.split(",") if name]
    every, own = (None, []) if trials is None else parse_trials(trials)
    fields = encode_request(
        chosen,
        trials=every,
        own_trials=own,
        criteria=names,
        seed=seed,
        profile=check_has_name(profile),
        until=until,
        top=top,
        engine=None if engine is None else Engine.from_name(engine).value,
        metrics=[metric.value for metric in metrics_from_names(names_in(metrics))],
    )
    yaml.dump(fields, sys.stdout, getattr(yaml, "CSafeDumper", yaml.SafeDumper), sort_keys=False)


def _chosen(
    grasps: tuple[GraspTrajectory, ...], only: list[str] | None
) -> tuple[GraspTrajectory, ...]:
    by_id = {grasp.id: grasp for grasp in grasps}
    if not only:
        return grasps
    for name in only:
        if name not in by_id:
            raise UnknownNameError("grasp", name, by_id)
    return tuple(by_id[name] for name in only)
