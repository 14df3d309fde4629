"""From fitnesses to the probability that a grasp holds on the real arm: the model."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.fitness import Fitness, GraspScore
from dr_grasp.core.perturbation import Criterion


@dataclass(frozen=True, slots=True)
class Uncalibrated:
    """A score that a model says nothing about.

    Attributes:
        reason: One line that begins with "uncalibrated: ".
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Loss:
    """How good probabilities are; less is better.

    Attributes:
        brier: Mean of (probability - held)^2, in [0, 1].
        log_loss: Mean of -log(probability of what happened), in nats.
    """

    brier: float
    log_loss: float


@dataclass(frozen=True, slots=True)
class Training:
    """What a model was made from, and how good it is on what it was not made from.

    Attributes:
        attempts: How many say something about their grasp.
        held: Those whose grasp held.
        grasps: How many there were.
        objects: Names, sorted.
        backends: Attempts of each backend.
        profiles: Randomisation profiles of the scores, sorted.
        folds: Parts of the cross-validation.
        folds_by: "object": no object is in two parts; "grasp": there was only one object.
        model: Loss of the model, cross-validated, as all of these.
        constant: Loss of saying for each attempt what share of the others held.
        mdr: Loss of MDR itself as a probability; None if the model does without MDR.
    """

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

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Steps:
    """An isotonic regression on top: probabilities are mapped linearly between knots.

    Attributes:
        given: Shape (k,), strictly increasing.
        calibrated: Shape (k,), never decreasing, in [0, 1].
    """

    given: FloatArray
    calibrated: FloatArray

    __hash__ = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        """Check the knots.

        Raises:
            ValueError: They are none, of two lengths, or not in order.
        """
        x, y = frozen(self.given), frozen(self.calibrated)
        if x.ndim != 1 or x.shape != y.shape or not x.size:
            raise ValueError(
                f"expected as many knots given as calibrated, got {x.shape}, {y.shape}"
            )
        if (np.diff(x) <= 0).any() or (np.diff(y) < 0).any() or y[0] < 0 or y[-1] > 1:
            raise ValueError("expected knots in order and probabilities in [0, 1]")
        object.__setattr__(self, "given", x)
        object.__setattr__(self, "calibrated", y)


@dataclass(frozen=True, slots=True)
class TransferModel:
    """P(holds on the real arm | fitnesses, robot), a logistic regression.

        p = 1 / (1 + exp(-(intercept + sum_c coefficient_c * logit_c + offset_robot)))

    of logit_c = log((s + 1/2) / (n - s + 1/2)) for s successes of n rollouts of criterion c, the
    logit of the smoothed fitness (s + 1/2) / (n + 1), finite where all or none succeeded. It grows
    with n, so a logit beyond those that the model was made from counts as the nearest of them: more
    rollouts than anybody has held against an arm make no grasp more certain.

    Attributes:
        intercept: Of the above.
        coefficients: By criterion, in the order of `Criterion`; it needs all of these.
        ranges: The least and the greatest logit of each criterion that it was made from.
        robots: Offsets of the robots that it knows.
        steps: What its probabilities go through in the end, or None.
        strength: Strength C of the data against the regularisation, as scikit-learn has it.
        training: What it was made from.
        software_version: Of what made it.
    """

    intercept: float
    coefficients: Mapping[Criterion, float]
    ranges: Mapping[Criterion, tuple[float, float]]
    robots: Mapping[str, float]
    steps: Steps | None
    strength: float
    training: Training
    software_version: str

    __hash__ = None  # type: ignore[assignment]

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """The criteria that it needs."""
        return tuple(self.coefficients)

    def predict(self, score: GraspScore, robot: str) -> float | Uncalibrated:
        """The probability that a grasp holds, or why the model cannot say.

        Args:
            score: Of the grasp.
            robot: The robot that will execute it.
        """
        missing = [one.value for one in self.criteria if one not in score.fitness]
        for problem, expected, got in (
            (robot not in self.robots, f"robot {_either(self.robots)}", robot),
            (
                score.profile not in self.training.profiles,
                f"scores of profile {_either(self.training.profiles)}",
                score.profile or "none",
            ),
            (
                bool(missing),
                f"criteria {', '.join(one.value for one in self.criteria)}",
                f"none of {', '.join(missing)}",
            ),
        ):
            if problem:
                return Uncalibrated(f"uncalibrated: the model expects {expected}, got {got}")
        sum_ = self.intercept + self.robots[robot]
        for criterion, coefficient in self.coefficients.items():
            low, high = self.ranges[criterion]
            sum_ += coefficient * min(max(smoothed_logit(score.fitness[criterion]), low), high)
        probability = 0.5 * (1 + math.tanh(sum_ / 2))  # the same, and never overflows
        if self.steps is None:
            return probability
        return float(np.interp(probability, self.steps.given, self.steps.calibrated))


def smoothed_logit(fitness: Fitness) -> float:
    """Logit of (successes + 1/2) / (trials + 1)."""
    return math.log((fitness.successes + 0.5) / (fitness.trials - fitness.successes + 0.5))


def _either(names: Iterable[str]) -> str:
    return " or ".join(sorted(names))
