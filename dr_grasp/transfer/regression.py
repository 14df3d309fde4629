"""Logistic and isotonic regression for a transfer model, with cross-validation, by scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from dr_grasp.core.arrays import FloatArray, IntArray
from dr_grasp.transfer.model_terms import Steps
from dr_grasp.transfer.transfer_model import Loss

STRENGTHS: Final = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0)
"""Strengths of the data against the regularisation (scikit-learn's C) that are tried."""

MOST_FOLDS: Final = 10
MOST_INNER_FOLDS: Final = 5

Folds = list[tuple[IntArray, IntArray]]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Grasps to learn from, with the outcomes of their attempts.

    Attributes:
        features: Shape (g, f), features of each grasp.
        held: Shape (g,), number of attempts in which each grasp held.
        attempts: Shape (g,), number of attempts of each grasp.
        objects: Shape (g,), number that identifies the object of each grasp.
    """

    features: FloatArray
    held: FloatArray
    attempts: FloatArray
    objects: IntArray

    def of(self, indices: IntArray) -> Sample:
        """The sample with only some of the grasps, by their indices."""
        return Sample(
            self.features[indices],
            self.held[indices],
            self.attempts[indices],
            self.objects[indices],
        )

    def expanded(self, values: FloatArray) -> tuple[FloatArray, IntArray, FloatArray]:
        """Split each grasp into attempts that held and attempts that did not, for scikit-learn.

        Args:
            values: Shape (g,) or (g, n), features or predictions of each grasp.

        Returns:
            Values, labels (1 held, 0 did not) and weights (numbers of attempts, above 0).
        """
        labels = np.repeat([1, 0], len(self.held))
        weights = np.concatenate([self.held, self.attempts - self.held])
        some = weights > 0
        return np.concatenate([values, values])[some], labels[some], weights[some]


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A fitted regression.

    Attributes:
        intercept: Intercept of the linear predictor.
        coefficients: Shape (f,), coefficients of the linear predictor.
        strength: Strength of the data against the regularisation that was chosen, scikit-learn's C.
        steps: Isotonic regression of the sigmoid's probabilities; None without.
    """

    intercept: float
    coefficients: FloatArray
    strength: float
    steps: Steps | None = None

    def sigmoid(self, features: FloatArray) -> FloatArray:
        """Probabilities that grasps hold, before the isotonic regression, shape (g,)."""
        linear = self.intercept + features @ self.coefficients
        return np.asarray(0.5 * (1 + np.tanh(linear / 2)))

    def predict(self, features: FloatArray) -> FloatArray:
        """Probabilities that grasps hold, shape (g,)."""
        found = self.sigmoid(features)
        return found if self.steps is None else self.steps.predict(found)


def folds_of(sample: Sample, most: int = MOST_FOLDS) -> Folds:
    """Split a sample for cross-validation: in each fold, indices to learn from and to test on.

    There are at most `most` folds. An object is tested in one fold only, unless it is the only one.
    """
    from sklearn.model_selection import GroupKFold, KFold

    objects = len(np.unique(sample.objects))
    splitter: Any
    if objects > 1:
        splitter = GroupKFold(n_splits=min(most, objects))
        return list(splitter.split(sample.features, groups=sample.objects))
    # Shuffled, since grasps of an object are sorted by id, and so by the method that made them.
    splitter = KFold(n_splits=min(most, len(sample.held)), shuffle=True, random_state=0)
    return list(splitter.split(sample.features))


def fit_regression(sample: Sample, steps: bool) -> Fit:
    """Fit with the strength that cross-validates best; of equals, the most regularised.

    Args:
        sample: At least one grasp.
        steps: Whether an isotonic regression, of cross-validated predictions, may follow; it does
            if it cross-validates better.
    """
    if len(sample.held) < 2:
        return _fit(sample, STRENGTHS[0])
    folds = folds_of(sample, MOST_INNER_FOLDS)
    predicted = [_cross_predicted(sample, folds, strength) for strength in STRENGTHS]
    # Rounded, since tiny differences are no reason for less regularisation.
    losses = [round(loss_of(sample, probabilities).log_loss, 6) for probabilities in predicted]
    best = int(np.argmin(losses))
    fit = _fit(sample, STRENGTHS[best])
    if not steps:
        return fit
    stepped = np.zeros(len(sample.held))
    for inside, outside in folds:
        found = _steps(sample.of(inside), predicted[best][inside])
        stepped[outside] = found.predict(predicted[best][outside])
    if loss_of(sample, stepped).log_loss >= losses[best]:
        return fit
    return replace(fit, steps=_steps(sample, predicted[best]))


def loss_of(sample: Sample, predicted: FloatArray) -> Loss:
    """Compute Brier score and log loss of probabilities, attempt by attempt.

    Args:
        sample: Grasps with the outcomes of their attempts.
        predicted: Shape (g,), probability that each grasp holds.
    """
    from sklearn.metrics import brier_score_loss, log_loss

    said, labels, weights = sample.expanded(predicted)
    return Loss(
        float(brier_score_loss(labels, said, sample_weight=weights, pos_label=1)),
        float(log_loss(labels, said, sample_weight=weights, labels=[0, 1])),
    )


def _cross_predicted(sample: Sample, folds: Folds, strength: float) -> FloatArray:
    found = np.zeros(len(sample.held))
    for inside, outside in folds:
        found[outside] = _fit(sample.of(inside), strength).sigmoid(sample.features[outside])
    return found


def _fit(sample: Sample, strength: float) -> Fit:
    from sklearn.linear_model import LogisticRegression

    held, attempts = float(sample.held.sum()), float(sample.attempts.sum())
    if held in (0.0, attempts):  # all outcomes are equal: a constant that is not quite certain
        constant = float(np.log((held + 0.5) / (attempts - held + 0.5)))
        return Fit(constant, np.zeros(sample.features.shape[1]), strength)
    features, labels, weights = sample.expanded(sample.features)
    # A second-order solver: few features, but maybe 100,000 attempts, and hundreds of fits.
    regression = LogisticRegression(C=strength, solver="newton-cholesky", max_iter=1000, tol=1e-6)
    regression.fit(features, labels, sample_weight=weights)
    return Fit(float(regression.intercept_[0]), regression.coef_[0], strength)


def _steps(sample: Sample, predicted: FloatArray) -> Steps:
    from sklearn.isotonic import IsotonicRegression

    given, labels, weights = sample.expanded(predicted)
    least = 0.5 / (sample.attempts.sum() + 1)  # never certain
    isotonic = IsotonicRegression(y_min=least, y_max=1 - least, out_of_bounds="clip")
    isotonic.fit(given, labels, sample_weight=weights)
    return Steps(tuple(isotonic.X_thresholds_.tolist()), tuple(isotonic.y_thresholds_.tolist()))
