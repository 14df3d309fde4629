"""`dr-grasp generate`: sample grasps that succeed in the undisturbed simulation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dr_grasp.cli.console import print_json, progress_bar, reports_errors
from dr_grasp.files import check_writable, write_grasps
from dr_grasp.generation.evaluation import Evaluation
from dr_grasp.generation.sampler import generate


@reports_errors
def command(
    robot: Annotated[str, typer.Option(help="Robot; see `dr-grasp robots`.")],
    obj: Annotated[str, typer.Option("--object", help="Object; see `dr-grasp objects`.")],
    out: Annotated[Path, typer.Option(help="Grasp file to write.")],
    count: Annotated[int, typer.Option(help="How many grasps.")] = 40,
    seed: Annotated[int, typer.Option(help="Same seed, same grasps.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON summary.")] = False,
) -> None:
    """Sample reach-and-grasp trajectories that succeed in the undisturbed simulation."""
    check_writable(out)
    tried = reached = 0
    with progress_bar() as bar:
        task = bar.add_task("generating", total=count, note="")

        def follow(evaluation: Evaluation) -> None:
            nonlocal tried, reached
            tried += 1
            reached += evaluation.grasp is not None
            bar.update(task, advance=int(evaluation.success), note=f"{tried} candidates")

        grasps = generate(robot, obj, count, seed, follow)
    write_grasps(out, grasps)
    if as_json:
        print_json(
            {"out": str(out), "grasps": len(grasps), "candidates": tried, "simulated": reached}
        )
    else:
        print(f"{out}: {len(grasps)} grasps from {tried} candidates, {reached} of them simulated")
