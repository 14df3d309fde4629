"""The transfer model: from fitnesses to the probability that a grasp holds on the real arm.

A model's file is JSON, written whole or not at all, with the fields of `TransferModel` as keys.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from dr_grasp.common.settings import first_problem
from dr_grasp.core.engine import Engine
from dr_grasp.core.fitness import Fitness, GraspScore
from dr_grasp.core.metric import Metric
from dr_grasp.core.perturbation import Criterion
from dr_grasp.errors import FileFormatError
from dr_grasp.formats.documents import head, read_document, write_document
from dr_grasp.provenance.fingerprint import PROFILE, ROBOT
from dr_grasp.transfer.grasp_tally import Predictor
from dr_grasp.transfer.model_terms import AS_WRITTEN, MetricTerm, Steps

MODEL_KIND: Final = "dr_grasp/transfer_model"


@dataclass(frozen=True, slots=True)
class Loss:
    """How well probabilities predict outcomes; less is better.

    Attributes:
        brier: Brier score: mean of (probability - held)^2, in [0, 1].
        log_loss: Mean of -log(predicted probability of the outcome) [nats].
    """

    __pydantic_config__ = AS_WRITTEN

    brier: float
    log_loss: float


@dataclass(frozen=True, slots=True)
class Training:
    """What a model was made from, and its cross-validated losses.

    Attributes:
        attempts: Number of attempts that the model was made from.
        held: Number of these attempts whose grasp held.
        grasps: Number of grasps of these attempts.
        objects: Names of the objects, sorted.
        backends: Number of attempts of each backend, by its name.
        profiles: Names of the randomisation profiles of the scores, sorted.
        folds: Number of parts of the cross-validation.
        folds_by: "object" if no object is in two parts; "grasp" if there was only one object.
        model: Cross-validated loss of the model, with all that was chosen by looking chosen anew
            in each part.
        constant: Cross-validated loss of predicting eta of the other parts for every attempt.
        mdr: Loss of MDR itself as a probability; None if the model does not use MDR. The Brier
            score is of MDR as it is. The log loss is of (successes + 1/2) / (trials + 1): of MDR
            itself it is infinite once a grasp of MDR 1 fails.
        made_with: Fingerprints of the robots and profiles that the scores were made with, by texts
            such as "robot franka"; without those of scores that did not say it.
        engine: Engine that simulated the scores. Models of scores of PyBullet have no such key in
            their file, as those of older versions.
    """

    __pydantic_config__ = AS_WRITTEN
    __hash__ = None  # type: ignore[assignment]

    attempts: int
    held: int
    grasps: int
    objects: tuple[str, ...]
    backends: Mapping[str, int]
    profiles: tuple[str, ...]
    folds: int
    folds_by: Literal["object", "grasp"]
    model: Loss
    constant: Loss
    mdr: Loss | None
    made_with: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    engine: Engine = Engine.BULLET


@dataclass(frozen=True, slots=True)
class TransferModel:
    """P(holds on the real arm | fitnesses, metrics, robot), a logistic regression.

        p = 1 / (1 + exp(-l))
        l = intercept + sum_c coefficient_c * logit_c + sum_m term_m + offset_robot

    with logit_c = log((s + 1/2) / (n - s + 1/2)) for s successes of n rollouts of criterion c: the
    logit of the smoothed fitness (s + 1/2) / (n + 1), finite also if all or none succeeded. Its
    size grows with n, so it is clipped to the range of logits that the model was made from: a grasp
    does not become more certain by more rollouts than were ever compared with an arm. Metrics, if
    the model was made with any, are standardised, and clipped in the same way; see `MetricTerm`.

    Attributes:
        software_version: Versions of dr_grasp and scikit-learn that made the model.
        intercept: Intercept of the linear predictor.
        coefficients: Coefficient of each criterion's logit; the model needs all these criteria.
        ranges: Smallest and largest logit of each criterion that the model was made from.
        robots: Offset of each robot that the model knows.
        steps: Isotonic regression of the probabilities; None without.
        strength: Strength of the data against the regularisation, scikit-learn's C.
        training: What the model was made from, and how good it is.
        metrics: Terms of the metrics; the model needs all these metrics. Models without metrics
            have no such key in their file, as those of older versions.
    """

    __pydantic_config__ = AS_WRITTEN
    __hash__ = None  # type: ignore[assignment]

    software_version: str
    intercept: float
    coefficients: Annotated[Mapping[Criterion, float], Field(min_length=1)]
    ranges: Mapping[Criterion, tuple[float, float]]
    robots: Annotated[Mapping[str, float], Field(min_length=1)]
    steps: Steps | None
    strength: float
    training: Training
    metrics: Mapping[Metric, MetricTerm] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that ranges and coefficients belong together.

        Raises:
            ValueError: Ranges and coefficients are of different criteria, or a range is reversed.
        """
        if self.ranges.keys() != self.coefficients.keys():
            raise ValueError(
                f"ranges: expected those of {_names(self.coefficients)}, got {_names(self.ranges)}"
            )
        for criterion, (low, high) in self.ranges.items():
            if low > high:
                raise ValueError(
                    f"ranges: {criterion.value}: expected low <= high, got {low} > {high}"
                )

    def problem_with(self, score: GraspScore, robot: str) -> str:
        """Say in one line why the model cannot be used for a score; empty if it can.

        Args:
            score: Score of a grasp.
            robot: Name of the robot that will execute the grasp.
        """
        missing = [criterion for criterion in self.coefficients if criterion not in score.fitness]
        unmeasured = [metric for metric in self.metrics if metric not in score.metrics]
        profiles = self.training.profiles
        if robot not in self.robots:
            expected, got = f"robot {_either(self.robots)}", robot
        elif score.profile not in profiles:
            expected, got = f"scores of profile {_either(profiles)}", score.profile or "none"
        elif score.engine is not self.training.engine:
            expected, got = f"scores of engine {self.training.engine.value}", score.engine.value
        elif missing:
            expected, got = f"criteria {_names(self.coefficients)}", f"none of {_names(missing)}"
        elif unmeasured:
            expected, got = f"metrics {_names(self.metrics)}", f"none of {_names(unmeasured)}"
        else:
            return ""
        return f"uncalibrated: the model expects {expected}, got {got}"

    def doubts_about(self, score: GraspScore, robot: str) -> Iterator[str]:
        """Say of robot and profile whether they have changed since the model's scores were made.

        Args:
            score: Score of a grasp.
            robot: Name of the robot that will execute the grasp.

        Yields:
            A line for each that has another fingerprint than any of the model's scores.
        """
        for kind, name in ((ROBOT, robot), (PROFILE, score.profile)):
            known = self.training.made_with.get(f"{kind} {name}", ())
            found = score.models.get(kind)
            if known and found and found not in known:
                yield (
                    f"{kind} {name}: the transfer model is of scores made with {_either(known)}, "
                    f"these are made with {found}: calibrate it with new attempts"
                )

    def predict(self, score: GraspScore, robot: str) -> float:
        """Compute the probability that a grasp holds.

        Args:
            score: Score of the grasp, for which `problem_with` is empty.
            robot: Name of the robot that will execute the grasp.
        """
        linear = self.intercept + self.robots[robot]
        for criterion, coefficient in self.coefficients.items():
            low, high = self.ranges[criterion]
            linear += coefficient * min(max(smoothed_logit(score.fitness[criterion]), low), high)
        linear += sum(term.of(score.metrics[metric]) for metric, term in self.metrics.items())
        probability = 0.5 * (1 + math.tanh(linear / 2))  # the sigmoid, without overflow
        if self.steps is None:
            return probability
        return float(self.steps.predict(np.array(probability)))


def smoothed_logit(fitness: Fitness) -> float:
    """Logit of the smoothed fitness (successes + 1/2) / (trials + 1)."""
    return math.log((fitness.successes + 0.5) / (fitness.trials - fitness.successes + 0.5))


def model_document(model: TransferModel) -> dict[str, Any]:
    """A model as plain data, as in its file; equal models give equal text."""
    fields: dict[str, Any] = TypeAdapter(TransferModel).dump_python(model, mode="json")
    if model.training.engine is Engine.BULLET:
        del fields["training"]["engine"]
    if not model.metrics:
        del fields["metrics"]
    return {**head(MODEL_KIND), **fields}


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
        return TypeAdapter(TransferModel).validate_json(to_json(content))
    except ValidationError as error:
        raise FileFormatError(f"{path}: {first_problem(error)}") from error
    except PydanticSerializationError as error:
        raise FileFormatError(f"{path}: expected texts in Unicode, got half a character") from error


def _names(predictors: Iterable[Predictor]) -> str:
    return ", ".join(predictor.value for predictor in predictors)


def _either(names: Iterable[str]) -> str:
    return " or ".join(sorted(names))
