"""Checks of an identification: may its result be believed?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import kstest

from dr_grasp.core.arrays import FloatArray
from dr_grasp.identification.likelihood import Surrogate, Terms
from dr_grasp.identification.outcomes import Group, Outcomes
from dr_grasp.identification.posterior import Posterior, posterior_of
from dr_grasp.identification.worlds import Belief, Space

FOLDS = 10
"""Into so many parts the worlds are divided; each is judged by what was learnt from the others."""

POWERS = (1.0, 0.7, 0.5, 0.35, 0.25, 0.15, 0.08)
"""Exponents of the likelihood that are tried. A surrogate takes errors for independent that are
not, and curved dependencies for straight: it would be too sure. In 40 worlds with 60 attempts of
the Franka, 90 % intervals were right in 74 % of cases with exponent 1, and in 90 % with 0.25."""

USUAL_POWER = 0.25
"""The exponent that was best there: for use before calibration has found one."""

FAILS = 0.001
"""A parameter whose ranks are this improbable is not calibrated. There are some twenty parameters,
of which one in fifty identifications would lose one by chance."""

FEWEST_WORLDS = 20
"""With fewer worlds, neither check can tell anything, and nothing is fitted."""

UNEXPLAINABLE = 0.03
"""Outcomes are not what the simulator can explain if this share of simulated worlds, or less, have
outcomes that are no more probable; with few worlds, if all have more probable ones."""


ALIKE = 0.5
"""Attempts do not tell two parameters apart if their posterior correlation is this, or more."""


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """How often intervals were right in simulated worlds (simulation-based calibration).

    Each simulated world is taken for the real one, and its parameters are found from its outcomes
    by a surrogate that has not seen it. The share of the posterior below the true value, its rank,
    is then uniform (Talts et al. 2018, arXiv 1804.06788).

    Attributes:
        power: The exponent of the likelihood, of `POWERS`, under which the true values of all
            worlds were most probable.
        ranks: Shape (worlds, n), rank of each true value.
        p_values: Shape (n,), of Kolmogorov and Smirnov's test that the ranks are uniform.
        evidence: Shape (worlds,), log probability of the outcomes of each world.
    """

    power: float
    ranks: FloatArray
    p_values: FloatArray
    evidence: FloatArray

    @property
    def coverage(self) -> float:
        """Share of all parameters in all worlds that were in their 90 % intervals."""
        return float((np.abs(self.ranks - 0.5) < 0.45).mean())

    def refusals(self) -> list[str]:
        """Why each parameter must not be used; empty for those that may."""
        worlds = len(self.ranks)
        if worlds < FEWEST_WORLDS:
            few = f"{worlds} simulated worlds are too few to check it: {FEWEST_WORLDS} are needed"
            return [few] * len(self.p_values)
        return [
            f"it is not calibrated: in simulated worlds its intervals are wrong (p = {p:.2g})"
            if p < FAILS
            else ""
            for p in self.p_values.tolist()
        ]

    @property
    def text(self) -> str:
        """The result in one line."""
        return (
            f"calibration: in {len(self.ranks)} simulated worlds, of which all is known, "
            f"{100 * self.coverage:.0f} % of the true values were in the 90 % intervals (smallest "
            f"p-value of {len(self.p_values)} parameters {self.p_values.min():.2g}, and below "
            f"{FAILS:g} one is refused; weight of the likelihood {self.power:g})"
        )


@dataclass(frozen=True, slots=True)
class Explained:
    """Whether the simulator can explain what really happened.

    Attributes:
        share: Share of simulated worlds whose outcomes are no more probable than the real ones, the
            real one counted with them.
        scale: Variance of real errors over that in simulated worlds.
        worlds: Number of simulated worlds.
    """

    share: float
    scale: float
    worlds: int

    @property
    def refusal(self) -> str:
        """Why nothing must be fitted; empty if it may."""
        if self.share > max(UNEXPLAINABLE, 1 / (self.worlds + 1)):
            return ""
        return (
            "the simulator cannot explain these attempts: their outcomes are less probable than "
            f"those of nearly all of {self.worlds} simulated worlds. Are robot and objects as they "
            "are described, the places of objects recorded rightly, and control errors known?"
        )

    @property
    def text(self) -> str:
        """The result in one line."""
        verdict = "does NOT explain" if self.refusal else "explains"
        return (
            f"misspecification: the simulator {verdict} these attempts: in "
            f"{100 * self.share:.0f} % of the simulated worlds, outcomes are no more probable than "
            f"the real ones (whose errors have {self.scale:.2g} times the variance)"
        )


def calibrate(
    beliefs: Sequence[Belief],
    groups: Sequence[Group],
    worlds: FloatArray,
    simulated: Outcomes,
) -> Calibration:
    """Check the method in simulated worlds.

    Args:
        beliefs: For each world, the distribution that it was drawn from.
        groups: The attempts of each grasp.
        worlds: Shape (worlds, n), coordinates of each world.
        simulated: The outcomes in these worlds.
    """
    terms = _unseen_terms(beliefs[0], groups, worlds, simulated)
    best: tuple[float, float, list[Posterior]] | None = None
    for power in POWERS:
        found = [
            posterior_of(each, belief.mean, belief.covariance, power)
            for each, belief in zip(terms, beliefs, strict=True)
        ]
        density = sum(
            posterior.log_density(world) for posterior, world in zip(found, worlds, strict=True)
        )
        if best is None or density > best[0]:
            best = density, power, found
    assert best is not None
    ranks = np.array(
        [posterior.cumulative(world) for posterior, world in zip(best[2], worlds, strict=True)]
    )
    prior = Belief.prior(beliefs[0].space)
    return Calibration(
        power=best[1],
        ranks=ranks,
        p_values=np.array([kstest(column, "uniform").pvalue for column in ranks.T]),
        evidence=np.array(
            [posterior_of(each, prior.mean, prior.covariance).evidence for each in terms]
        ),
    )


def explain(calibration: Calibration, real: Posterior) -> Explained:
    """Check whether the simulator can explain what really happened.

    Args:
        calibration: Knows how probable the outcomes of simulated worlds are.
        real: Posterior of the real outcomes under the prior, with exponent 1 and without a term for
            what simulators cannot explain, as for simulated worlds.
    """
    as_improbable = int((calibration.evidence <= real.evidence).sum())
    worlds = len(calibration.evidence)
    return Explained((as_improbable + 1) / (worlds + 1), real.scale, worlds)


def mistaken(space: Space, covariance: FloatArray) -> list[str]:
    """For each parameter, the label of that from which it is not told apart; empty if none.

    Args:
        space: The parameters.
        covariance: Shape (n, n), posterior covariance. Under the prior, nothing correlates.
    """
    stds = np.sqrt(np.diag(covariance))
    alike = np.abs(covariance / np.outer(stds, stds)) - np.eye(len(space))
    most = np.argmax(alike, axis=1)
    return [
        space.parameters[other].label if alike[place, other] >= ALIKE else ""
        for place, other in enumerate(most)
    ]


def _unseen_terms(
    belief: Belief, groups: Sequence[Group], worlds: FloatArray, simulated: Outcomes
) -> list[Terms]:
    """The likelihood of each world's outcomes by a surrogate that was learnt without that world."""
    everyone, terms = np.arange(len(worlds)), {}
    for fold in range(min(FOLDS, len(worlds))):
        tested = everyone[fold::FOLDS]
        kept = np.setdiff1d(everyone, tested)
        surrogate = Surrogate.fit(belief.space, groups, worlds[kept], simulated[kept])
        for world in tested:
            terms[int(world)] = surrogate.terms(simulated[np.array([world])], unexplained=0.0)
    return [terms[world] for world in range(len(worlds))]
