"""The file of a transfer model: JSON, whole on disk or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from dr_grasp.core.arrays import as_floats, frozen
from dr_grasp.core.perturbation import Criterion
from dr_grasp.errors import FileFormatError
from dr_grasp.formats.documents import head, read_document, write_document
from dr_grasp.formats.grasp_records import Record, check_record, within
from dr_grasp.transfer.transfer_model import Loss, Steps, Training, TransferModel

MODEL_KIND = "dr_grasp/transfer_model"


class _LossRecord(Record):
    brier: float
    log_loss: float


class _TrainingRecord(Record):
    attempts: int
    held: int
    grasps: int
    objects: list[str]
    backends: dict[str, int]
    profiles: list[str]
    folds: int
    folds_by: Literal["object", "grasp"]
    model: _LossRecord
    constant: _LossRecord
    mdr: _LossRecord | None


class _StepsRecord(Record):
    given: list[float]
    calibrated: list[float]


class _ModelRecord(Record):
    schema_version: Literal[1]
    kind: Literal["dr_grasp/transfer_model"]
    software_version: str
    intercept: float
    coefficients: Annotated[dict[str, float], Field(min_length=1)]
    ranges: dict[str, Annotated[list[float], Field(min_length=2, max_length=2)]]
    robots: Annotated[dict[str, float], Field(min_length=1)]
    steps: _StepsRecord | None
    strength: float
    training: _TrainingRecord


def model_document(model: TransferModel) -> dict[str, Any]:
    """A model as plain data, as it stands in its file; equal models give equal text."""
    training, steps = model.training, model.steps
    return {
        **dict(head(MODEL_KIND)),
        "software_version": model.software_version,
        "intercept": model.intercept,
        "coefficients": {one.value: value for one, value in model.coefficients.items()},
        "ranges": {one.value: list(ends) for one, ends in model.ranges.items()},
        "robots": dict(sorted(model.robots.items())),
        "steps": steps
        and {"given": as_floats(steps.given), "calibrated": as_floats(steps.calibrated)},
        "strength": model.strength,
        "training": {
            "attempts": training.attempts,
            "held": training.held,
            "grasps": training.grasps,
            "objects": list(training.objects),
            "backends": dict(sorted(training.backends.items())),
            "profiles": list(training.profiles),
            "folds": training.folds,
            "folds_by": training.folds_by,
            "model": _loss_to_dict(training.model),
            "constant": _loss_to_dict(training.constant),
            "mdr": training.mdr and _loss_to_dict(training.mdr),
        },
    }


def write_model(path: Path, model: TransferModel) -> None:
    """Write a model's file, whole or not at all.

    Raises:
        FileFormatError: The file cannot be written.
    """
    write_document(path, model_document(model).items())


def read_model(path: Path) -> TransferModel:
    """Read a model's file.

    Raises:
        FileFormatError: The file is missing, half-written, of another kind or schema version, has
            an unknown key, or contradicts itself.
    """
    content = read_document(path, MODEL_KIND, allow_nan=False)
    try:
        record = check_record(_ModelRecord, content)
        given, told, steps = record.coefficients, record.training, record.steps
        found = within("coefficients", lambda: {Criterion.from_name(name) for name in given})
        if record.ranges.keys() != given.keys():
            raise FileFormatError(
                f"ranges: expected those of {', '.join(given)}, got {', '.join(record.ranges)}"
            )
        return TransferModel(
            intercept=record.intercept,
            coefficients={one: given[one.value] for one in Criterion if one in found},
            ranges={
                one: (min(record.ranges[one.value]), max(record.ranges[one.value]))
                for one in Criterion
                if one in found
            },
            robots=record.robots,
            steps=None
            if steps is None
            else within("steps", lambda: Steps(frozen(steps.given), frozen(steps.calibrated))),
            strength=record.strength,
            training=Training(
                told.attempts,
                told.held,
                told.grasps,
                tuple(told.objects),
                told.backends,
                tuple(told.profiles),
                told.folds,
                told.folds_by,
                _loss(told.model),
                _loss(told.constant),
                None if told.mdr is None else _loss(told.mdr),
            ),
            software_version=record.software_version,
        )
    except FileFormatError as error:
        raise FileFormatError(f"{path}: {error}") from error


def _loss_to_dict(loss: Loss) -> dict[str, float]:
    return {"brier": loss.brier, "log_loss": loss.log_loss}


def _loss(record: _LossRecord) -> Loss:
    return Loss(record.brier, record.log_loss)
