"""How likely outcomes are in any world, learnt from simulated worlds: a surrogate for rollouts.

For each grasp, two models of the world's coordinates z are fitted: a logistic one of whether it
holds, and a linear one, with a normal error, of how the object then lies (`outcomes`). The mean
over the attempts of a grasp is one observation: its error has a part that all attempts in the same
world share, since the linear model is not exact, and a part that each has for itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.covariance import ledoit_wolf
from sklearn.linear_model import BayesianRidge, LogisticRegression

from dr_grasp.core.arrays import BoolArray, FloatArray, IntArray, frozen
from dr_grasp.identification.outcomes import Group, Outcomes
from dr_grasp.identification.worlds import Space

FEWEST_HELD = 10
"""In fewer worlds than this, what a grasp's object does when held is not learnt: seven slopes and
their error could not be."""

UNEXPLAINED = 0.15
"""Standard deviation of what simulators cannot explain of each feature, of all attempts of a grasp
alike, in units of its scale: 0.75 mm, 0.9 degrees, 0.15 mm of opening."""

SLOPES_PENALTY = 1.0
"""Precision of the normal prior of the logistic slopes: a coordinate's standard deviation changes
the odds by a factor of e or so."""


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """The logarithm of a likelihood as a function of the world's coordinates z.

    It is that of normal observations, -(z'Az - 2b'z + c) / (2 s) - m / 2 log s for an error whose
    variance is s times what is expected, and the sum over rows of w log p(held), where the odds of
    holding are exp(x'z + o).

    Attributes:
        precision: A, shape (n, n).
        shift: b, shape (n,).
        constant: c.
        count: m, the number of normal observations.
        rows: The x, shape (rows, n).
        offsets: The o, shape (rows,).
        held: Whether each attempt held, shape (rows,).
        weights: The w, shape (rows,).
    """

    precision: FloatArray
    shift: FloatArray
    constant: float
    count: float
    rows: FloatArray
    offsets: FloatArray
    held: BoolArray
    weights: FloatArray

    def raised(self, power: float) -> Terms:
        """The likelihood raised to a power."""
        return Terms(
            self.precision * power,
            self.shift * power,
            self.constant * power,
            self.count * power,
            self.rows,
            self.offsets,
            self.held,
            self.weights * power,
        )


@dataclass(frozen=True, slots=True, eq=False)
class GraspModel:
    """What was learnt of one grasp.

    Attributes:
        group: Its attempts.
        columns: The coordinates that it depends on.
        logits: Shape (attempts,), logits of holding where all coordinates are 0.
        logit_slopes: Shape (columns,), slopes of the logits.
        known: The features that were learnt.
        means: Shape (attempts, known), features where all coordinates are 0; NaN of attempts that
            never held.
        slopes: Shape (columns, known), slopes of the features.
        shared: Shape (known, known), covariance of the error that all attempts share.
        own: Shape (known, known), covariance of the error that each attempt has for itself.
    """

    group: Group
    columns: tuple[int, ...]
    logits: FloatArray
    logit_slopes: FloatArray
    known: IntArray
    means: FloatArray
    slopes: FloatArray
    shared: FloatArray
    own: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Surrogate:
    """Models of all grasps.

    Attributes:
        space: The parameters.
        grasps: A model for each grasp.
        likeness: Correlation of the errors of the logistic models in attempts of the same grasp in
            the same world.
    """

    space: Space
    grasps: tuple[GraspModel, ...]
    likeness: float

    @classmethod
    def fit(
        cls, space: Space, groups: Sequence[Group], worlds: FloatArray, simulated: Outcomes
    ) -> Surrogate:
        """Learn from simulated worlds.

        Args:
            space: The parameters.
            groups: The attempts of each grasp.
            worlds: Shape (worlds, n), coordinates of each world.
            simulated: The outcomes in these worlds.
        """
        models = tuple(_fit_grasp(space, group, worlds, simulated) for group in groups)
        return cls(space, models, _likeness(models, worlds, simulated))

    def terms(self, observed: Outcomes, unexplained: float = UNEXPLAINED) -> Terms:
        """The likelihood of outcomes in one world.

        Args:
            observed: The outcomes; of several worlds, those in the first.
            unexplained: Standard deviation of what simulators cannot explain; see `UNEXPLAINED`.
        """
        size = len(self.space)
        precision, shift, constant, count = np.zeros((size, size)), np.zeros(size), 0.0, 0
        rows, offsets, held, weights = [], [], [], []
        for model in self.grasps:
            columns, attempts = list(model.columns), list(model.group.attempts)
            row = np.zeros(size)
            row[columns] = model.logit_slopes
            rows += [row] * len(attempts)
            offsets += model.logits.tolist()
            held += observed.held[attempts, 0].tolist()
            weights += [1 / (1 + (len(attempts) - 1) * self.likeness)] * len(attempts)
            rest = observed.features[attempts, 0][:, model.known] - model.means
            rest = rest[np.isfinite(rest).any(axis=1)]
            here = np.isfinite(rest).all(axis=0)  # some features may not have been recorded
            if not len(rest) or not here.any():
                continue
            mean = rest[:, here].mean(axis=0)
            covariance = (model.shared + model.own / len(rest))[np.ix_(here, here)]
            covariance = covariance + unexplained**2 * np.eye(len(mean))
            slopes = model.slopes[:, here]
            weighted = np.linalg.solve(covariance, slopes.T)
            precision[np.ix_(columns, columns)] += slopes @ weighted
            shift[columns] += weighted.T @ mean
            constant += float(mean @ np.linalg.solve(covariance, mean))
            count += len(mean)
        return Terms(
            precision,
            shift,
            constant,
            count,
            np.array(rows),
            np.array(offsets),
            np.array(held, dtype=np.bool_),
            np.array(weights),
        )


LEAST_ERROR = 0.02
"""Standard deviation that is added to errors of features, so that none is 0: 0.1 mm."""


def _fit_grasp(space: Space, group: Group, worlds: FloatArray, simulated: Outcomes) -> GraspModel:
    columns = space.columns(group.grasp.object)
    attempts, coordinates = list(group.attempts), worlds[:, columns]
    held, features = simulated.held[attempts], simulated.features[attempts]
    logits, logit_slopes = _fit_held(coordinates, held)
    known = np.flatnonzero(np.isfinite(features).any(axis=(0, 1)))
    if held.any(axis=0).sum() < FEWEST_HELD:
        known = known[:0]
    learnt = _fit_features(coordinates, features[:, :, known])
    return GraspModel(group, tuple(columns), logits, logit_slopes, known, *learnt)


def _fit_held(coordinates: FloatArray, held: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Fit the logits of holding: one slope for all attempts, and a logit of each attempt."""
    attempts, worlds = held.shape
    # Half an attempt of each kind is added: without, what always holds had infinite odds.
    share = (held.sum(axis=1) + 0.5) / (worlds + 1)
    base = np.log(share / (1 - share))
    if held.all() or not held.any():
        return base, np.zeros(coordinates.shape[1])
    own = np.repeat(np.eye(attempts) * OWN_SCALE, worlds, axis=0)
    design = np.hstack([own, np.tile(coordinates, (attempts, 1))])
    fitted = LogisticRegression(C=1 / SLOPES_PENALTY, max_iter=200).fit(design, held.ravel())
    coefficients = fitted.coef_[0]
    return fitted.intercept_ + OWN_SCALE * coefficients[:attempts], coefficients[attempts:]


OWN_SCALE = 2.0
"""Standard deviation under the prior of an attempt's logit about those of its grasp."""


def _fit_features(
    coordinates: FloatArray, features: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Fit features: the last four fields of a `GraspModel`.

    Args:
        coordinates: Shape (worlds, columns).
        features: Shape (attempts, worlds, features), NaN where not held.
    """
    attempts, _, count = features.shape
    slopes, nothing = np.zeros((coordinates.shape[1], count)), np.zeros((count, count))
    if not count:
        return np.zeros((attempts, 0)), slopes, nothing, nothing
    present: BoolArray = np.asarray(np.isfinite(features).all(axis=2))
    counts = present.sum(axis=0)
    usable = counts > 0
    filled = np.where(present[:, :, None], features, 0.0)
    centres = filled.sum(axis=1) / np.maximum(present.sum(axis=1), 1)[:, None]
    rest = np.where(present[:, :, None], features - centres[:, None], 0.0)
    mean = (rest.sum(axis=0) / np.maximum(counts, 1)[:, None])[usable]
    inputs, intercepts, errors = coordinates[usable], np.zeros(count), np.zeros(mean.shape)
    for k in range(count):
        model = BayesianRidge().fit(inputs, mean[:, k], sample_weight=counts[usable])
        slopes[:, k], intercepts[k] = model.coef_, model.intercept_
        errors[:, k] = _left_out(model, inputs, mean[:, k])
    whole = ledoit_wolf(errors, assume_centered=True)[0] + LEAST_ERROR**2 * np.eye(count)
    own = nothing
    freedom = present.sum() - usable.sum()
    if freedom >= FEWEST_HELD:
        deviations = (
            rest[:, usable][present[:, usable]]
            - np.repeat(mean[None], attempts, axis=0)[present[:, usable]]
        )
        own = ledoit_wolf(deviations, assume_centered=True)[0] * len(deviations) / freedom
    shared = _positive(whole - own * (1 / counts[usable]).mean())
    centres[present.sum(axis=1) == 0] = np.nan
    return centres + intercepts, slopes, shared + LEAST_ERROR**2 * np.eye(count), own


def _left_out(model: BayesianRidge, inputs: FloatArray, outputs: FloatArray) -> FloatArray:
    """The errors of a ridge regression for each row, had it been fitted without that row."""
    centred = inputs - inputs.mean(axis=0)
    penalty = model.lambda_ / model.alpha_
    gram = centred.T @ centred + penalty * np.eye(inputs.shape[1])
    leverage = np.einsum("ij,ji->i", centred, np.linalg.solve(gram, centred.T)) + 1 / len(inputs)
    return frozen((outputs - model.predict(inputs)) / (1 - np.minimum(leverage, 0.9)))


def _positive(matrix: FloatArray) -> FloatArray:
    """The nearest covariance: negative eigenvalues become 0."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    return np.asarray((vectors * np.maximum(values, 0.0)) @ vectors.T)


def _likeness(models: Sequence[GraspModel], worlds: FloatArray, simulated: Outcomes) -> float:
    """Correlation of the errors of holding in attempts of the same grasp in the same world."""
    products, squares, pairs, singles = 0.0, 0.0, 0, 0
    for model in models:
        attempts = list(model.group.attempts)
        logits = worlds[:, list(model.columns)] @ model.logit_slopes
        chance = 1 / (1 + np.exp(-(logits + model.logits[:, None])))
        error = simulated.held[attempts] - chance
        squares += float((error**2).sum())
        singles += error.size
        products += float((error.sum(axis=0) ** 2 - (error**2).sum(axis=0)).sum())
        pairs += len(attempts) * (len(attempts) - 1) * len(worlds)
    if not pairs or squares <= 0:
        return 0.0
    return float(np.clip((products / pairs) / (squares / singles), 0.0, 1.0))
