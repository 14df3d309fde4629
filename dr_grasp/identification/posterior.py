"""What attempts say about a laboratory: the distribution of its parameters given their outcomes.

Given the scale of what is unexplained, the logarithm of the likelihood is concave (`Terms`), and
the prior is normal; so there is one maximum, about which the posterior is taken to be normal
(Laplace). The scale is unknown: over a few values of it, normal distributions are mixed by their
evidence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logsumexp
from scipy.stats import multivariate_normal, norm

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.identification.likelihood import Terms

SCALES = (1.0, 2.0, 4.0, 8.0, 16.0)
"""How many times larger the variance of normal errors may be than in simulated worlds."""

STEPS = 50
"""Most steps of Newton's method; it needs five to ten."""

ENOUGH = 1e-6
"""Newton's method ends when a step is shorter than this."""


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """A mixture of normal distributions of standardised coordinates.

    Attributes:
        weights: Shape (parts,), sum 1.
        means: Shape (parts, n).
        covariances: Shape (parts, n, n).
        evidence: Logarithm of the probability of the outcomes, up to a constant of the model.
        scale: Mean of the scale of the errors; see `SCALES`.
    """

    weights: FloatArray
    means: FloatArray
    covariances: FloatArray
    evidence: float
    scale: float

    @property
    def mean(self) -> FloatArray:
        """Mean, shape (n,)."""
        return np.asarray(self.weights @ self.means)

    @property
    def covariance(self) -> FloatArray:
        """Covariance, shape (n, n)."""
        apart = self.means - self.mean
        within = np.einsum("p,pij->ij", self.weights, self.covariances)
        return np.asarray(within + np.einsum("p,pi,pj->ij", self.weights, apart, apart))

    def cumulative(self, values: FloatArray) -> FloatArray:
        """Probability that each coordinate is below a value, shape (n,)."""
        stds = np.sqrt(np.diagonal(self.covariances, axis1=1, axis2=2))
        return np.asarray(self.weights @ norm.cdf((values - self.means) / stds))

    def log_density(self, values: FloatArray) -> float:
        """Logarithm of the density at coordinates of shape (n,)."""
        parts = [
            multivariate_normal.logpdf(values, mean, covariance)
            for mean, covariance in zip(self.means, self.covariances, strict=True)
        ]
        return float(logsumexp(parts, b=self.weights))

    def draw(self, count: int, rng: np.random.Generator) -> FloatArray:
        """Draw coordinates, shape (count, n)."""
        parts = rng.choice(len(self.weights), count, p=self.weights)
        roots = np.linalg.cholesky(self.covariances)
        noise = rng.normal(size=(count, self.means.shape[1]))
        return np.asarray(self.means[parts] + np.einsum("cij,cj->ci", roots[parts], noise))


def posterior_of(
    terms: Terms, mean: FloatArray, covariance: FloatArray, power: float = 1.0
) -> Posterior:
    """Find the posterior.

    Args:
        terms: The likelihood.
        mean: Shape (n,), mean of the prior.
        covariance: Shape (n, n), covariance of the prior.
        power: Exponent of the likelihood, at most 1: how much of it is believed, see `checks`.
    """
    terms = terms.raised(power)
    prior: FloatArray = np.asarray(np.linalg.inv(covariance), dtype=np.float64)
    parts: list[tuple[FloatArray, FloatArray, float]] = []
    for scale in SCALES:
        # One maximum is near the next.
        start = parts[-1][0] if parts else mean
        parts.append(_laplace(terms, mean, prior, scale, start))
    # Halved at each doubling: errors are more often as in simulated worlds than much larger.
    logs = np.array([part[2] for part in parts]) - np.log(SCALES)
    evidence = float(logsumexp(logs))
    weights = np.exp(logs - evidence)
    return Posterior(
        weights / weights.sum(),
        np.array([part[0] for part in parts]),
        np.array([part[1] for part in parts]),
        evidence,
        float(weights @ np.array(SCALES)),
    )


def _laplace(
    terms: Terms, mean: FloatArray, prior: FloatArray, scale: float, start: FloatArray
) -> tuple[FloatArray, FloatArray, float]:
    """The normal distribution about the maximum: its mean, covariance and log evidence."""
    signs = np.where(terms.held, 1.0, -1.0)

    def log_density(z: FloatArray) -> float:
        normal = z @ terms.precision @ z - 2 * terms.shift @ z + terms.constant
        logits = signs * (terms.rows @ z + terms.offsets)
        held = terms.weights @ -np.logaddexp(0.0, -logits)
        away = z - mean
        return float(-normal / (2 * scale) + held - away @ prior @ away / 2)

    z, hessian, now = start, prior, log_density(start)
    for _ in range(STEPS):
        chance = expit(terms.rows @ z + terms.offsets)
        gradient = (
            (terms.shift - terms.precision @ z) / scale
            + terms.rows.T @ (terms.weights * (terms.held - chance))
            - prior @ (z - mean)
        )
        curvature = (terms.rows.T * (terms.weights * chance * (1 - chance))) @ terms.rows
        hessian = terms.precision / scale + curvature + prior
        step = np.linalg.solve(hessian, gradient)
        size, then = 1.0, log_density(z + step)
        while then < now - 1e-9 and size > ENOUGH:
            size /= 2
            then = log_density(z + size * step)
        z, now = z + size * step, then
        if np.linalg.norm(size * step) < ENOUGH:
            break
    log_evidence = (
        now
        - terms.count / 2 * np.log(scale)
        + (np.linalg.slogdet(prior)[1] - np.linalg.slogdet(hessian)[1]) / 2
    )
    return z, frozen(np.linalg.inv(hessian)), float(log_evidence)
