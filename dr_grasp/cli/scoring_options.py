"""Options of the commands that say what is to be scored, and how often."""

from __future__ import annotations

from typing import Annotated

import typer

from dr_grasp.scoring.request import MOST_UNTIL

Trials = Annotated[
    str | None,
    typer.Option(
        help="Rollouts for each criterion, as in 200; or for some, as in osdr=50,fdr=25.  "
        "[default: the profile's]"
    ),
]
Seed = Annotated[int, typer.Option(help="Seed of the perturbations.")]
ProfileName = Annotated[str, typer.Option(help="Randomisation profile.")]
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
