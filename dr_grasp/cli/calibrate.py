"""`dr-grasp calibrate`: learns the probability that a grasp holds from fitnesses and metrics."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dr_grasp.cli.console import complain, print_json, print_line, print_table, reports_errors
from dr_grasp.cli.dataset import Folder, read, say_unread
from dr_grasp.cli.scoring_options import names_in
from dr_grasp.core.engine import Engine
from dr_grasp.core.metric import metrics_from_names
from dr_grasp.formats.documents import check_writable
from dr_grasp.transfer.calibration import calibrate
from dr_grasp.transfer.transfer_model import Training, model_document, write_model

Backend = Annotated[
    str | None,
    typer.Option(help="Use only attempts of this backend, e.g. twin.", show_default="all"),
]

ScoredIn = Annotated[
    str | None,
    typer.Option(
        "--engine",
        metavar="NAME",
        help="Use only attempts whose scores this engine made: "
        f"{', '.join(engine.value for engine in Engine)}.",
        show_default="all",
    ),
]


@reports_errors
def command(
    folder: Folder,
    out: Annotated[Path, typer.Option("--out", "-o", help="Model file to write.")],
    backend: Backend = None,
    engine: ScoredIn = None,
    metrics: Annotated[
        str | None,
        typer.Option(
            help="Comma-separated metrics of the scores to learn from beside the criteria, e.g. "
            "tug,epsilon.",
            show_default="none",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the model file.")] = False,
) -> None:
    """Learn from a folder of bags how probable it is that a grasp with given fitnesses holds.

    The model is a logistic regression on fitnesses, metrics and robot, cross-validated by object.
    What is chosen by looking at outcomes is chosen anew in each part, so that it has no say in the
    losses.
    """
    check_writable(out)
    used = metrics_from_names(names_in(metrics))
    dataset = read(folder)
    found = calibrate(dataset.of_backend(backend).of_engine(engine).rows, used)
    write_model(out, found.model)
    if as_json:
        print_json(model_document(found.model))
    else:
        _show(found.model.training, out)
    for note in found.notes:
        complain(note)
    say_unread(dataset)


def _show(training: Training, out: Path) -> None:
    ways = {
        "model": training.model,
        "MDR itself": training.mdr,
        "the same for all": training.constant,
    }
    print_table(
        ["probability", "Brier score", "log loss"],
        [
            [name, *([f"{loss.brier:.3f}", f"{loss.log_loss:.3f}"] if loss else ["-", "-"])]
            for name, loss in ways.items()
        ],
        title=f"cross-validated by {training.folds_by}; less is better",
    )
    if training.mdr:
        print_line(
            "MDR's log loss is of (successes + 1/2) / (rollouts + 1): "
            "that of a wrong certainty is infinite"
        )
    objects = "1 object" if len(training.objects) == 1 else f"{len(training.objects)} objects"
    print_line(
        f"{out}: from {training.attempts} attempts, {training.held} held, "
        f"{training.grasps} grasps of {objects}, scored in {training.engine.value}"
    )
