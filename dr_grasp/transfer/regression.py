"""The regression behind a transfer model, and its cross-validation; scikit-learn does the work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.transfer.transfer_model import Loss, Steps

STRENGTHS: Final = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0)
"""Those of the data against the regularisation (scikit-learn's C) that are tried."""

MOST_FOLDS: Final = 10
MOST_INNER_FOLDS: Final = 5

IntArray = npt.NDArray[np.int64]
Folds = list[tuple[IntArray, IntArray]]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Grasps to learn from; each stands for its attempts.

    Attributes:
        features: Shape (g, f).
        held: Shape (g,), attempts in which each held.
        attempts: Shape (g,), attempts of each.
        objects: Shape (g,), a number for each one's object.
    """

    features: FloatArray
    held: FloatArray
    attempts: FloatArray
    objects: IntArray

    def of(self, indices: IntArray) -> Sample:
        """Some of them."""
        return Sample(
            self.features[indices],
            self.held[indices],
            self.attempts[indices],
            self.objects[indices],
        )

    def expanded(self, features: FloatArray) -> tuple[FloatArray, IntArray, FloatArray]:
        """What held and what did not as rows of their own: features, labels, weights."""
        labels = np.repeat([1, 0], len(self.held))
        weights = np.concatenate([self.held, self.attempts - self.held])
        some = weights > 0
        return np.concatenate([features, features])[some], labels[some], weights[some]


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A fitted regression.

    Attributes:
        intercept: Of the linear predictor.
        coefficients: Shape (f,), likewise.
        strength: The C that was chosen.
        steps: Isotonic regression on top, or None.
    """

    intercept: float
    coefficients: FloatArray
    strength: float
    steps: Steps | None = None

    def sigmoid(self, features: FloatArray) -> FloatArray:
        """Probabilities without the steps, shape (g,)."""
        linear = self.intercept + features @ self.coefficients
        return np.asarray(0.5 * (1 + np.tanh(linear / 2)))

    def predict(self, features: FloatArray) -> FloatArray:
        """Probabilities, shape (g,)."""
        found = self.sigmoid(features)
        if self.steps is None:
            return found
        return np.interp(found, self.steps.given, self.steps.calibrated)


def folds_of(sample: Sample, most: int = MOST_FOLDS) -> Folds:
    """Parts for a cross-validation: indices to learn from, indices to try on.

    By object, each one a part up to `most` of them; of a single object, by grasp.
    """
    from sklearn.model_selection import GroupKFold, KFold

    objects = len(np.unique(sample.objects))
    splitter: Any
    if objects > 1:
        splitter = GroupKFold(n_splits=min(most, objects))
        return list(splitter.split(sample.features, groups=sample.objects))
    # Shuffled, since grasps of one object are sorted by what made them.
    splitter = KFold(n_splits=min(most, len(sample.held)), shuffle=True, random_state=0)
    return list(splitter.split(sample.features))


def fit_regression(sample: Sample, steps: bool) -> Fit:
    """Fit, with the strength that cross-validates best; the stronger regularised of equal ones.

    Args:
        sample: At least one grasp.
        steps: Whether to put an isotonic regression on top, of what cross-validation predicts.
    """
    if len(sample.held) < 2:
        return _fit(sample, STRENGTHS[0])
    folds = folds_of(sample, MOST_INNER_FOLDS)
    tried = [(_predicted(sample, folds, strength), strength) for strength in STRENGTHS]
    # Hardly measurable differences are no reason to believe the data more.
    losses = [round(loss_of(sample, predicted).log_loss, 6) for predicted, _ in tried]
    predicted, strength = tried[int(np.argmin(losses))]
    fit = _fit(sample, strength)
    if not steps:
        return fit
    return Fit(fit.intercept, fit.coefficients, strength, _steps(sample, predicted))


def loss_of(sample: Sample, predicted: FloatArray) -> Loss:
    """Brier score and log loss of probabilities, attempt by attempt.

    Args:
        sample: What happened.
        predicted: Shape (g,), for each grasp.
    """
    number = float(sample.attempts.sum())
    failed = sample.attempts - sample.held
    brier = (sample.held * (1 - predicted) ** 2 + failed * predicted**2).sum() / number
    # As far from certainty as doubles can say, so that no rounding makes a loss infinite.
    sure = np.clip(predicted, 1e-15, 1 - 1e-15)
    log_loss = -(sample.held * np.log(sure) + failed * np.log1p(-sure)).sum() / number
    return Loss(float(brier), float(log_loss))


def _predicted(sample: Sample, folds: Folds, strength: float) -> FloatArray:
    found = np.zeros(len(sample.held))
    for inside, outside in folds:
        found[outside] = _fit(sample.of(inside), strength).sigmoid(sample.features[outside])
    return found


def _fit(sample: Sample, strength: float) -> Fit:
    from sklearn.linear_model import LogisticRegression

    held, attempts = float(sample.held.sum()), float(sample.attempts.sum())
    if held in (0.0, attempts):  # nothing to tell apart: a share that is not quite certain
        constant = float(np.log((held + 0.5) / (attempts - held + 0.5)))
        return Fit(constant, np.zeros(sample.features.shape[1]), strength)
    features, labels, weights = sample.expanded(sample.features)
    # Second order: few features, but maybe 100,000 attempts, and hundreds of fits.
    regression = LogisticRegression(C=strength, solver="newton-cholesky", max_iter=1000, tol=1e-6)
    regression.fit(features, labels, sample_weight=weights)
    return Fit(float(regression.intercept_[0]), regression.coef_[0], strength)


def _steps(sample: Sample, predicted: FloatArray) -> Steps:
    from sklearn.isotonic import IsotonicRegression

    given, labels, weights = sample.expanded(predicted)
    least = 0.5 / (sample.attempts.sum() + 1)  # never certain
    isotonic = IsotonicRegression(y_min=least, y_max=1 - least, out_of_bounds="clip")
    isotonic.fit(given, labels, sample_weight=weights)
    return Steps(frozen(isotonic.X_thresholds_), frozen(isotonic.y_thresholds_))
