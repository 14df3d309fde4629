"""Fitness: the share of successful rollouts under one criterion, with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from scipy.special import ndtri

from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion

VALUE_TOLERANCE = 1e-9
"""How far a recorded value may be off its counts: rounding in a file, no more."""


def wilson_interval(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson score interval of a proportion, for a number of trials fixed beforehand.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927.

    Args:
        successes: From 0 to trials.
        trials: At least 1.
        confidence: Coverage, between 0 and 1.

    Returns:
        Low and high end, in [0, 1].

    Raises:
        ValueError: Counts out of bounds.
    """
    if trials < 1 or not 0 <= successes <= trials:
        raise ValueError(f"expected 0 <= successes <= trials >= 1, got {successes} of {trials}")
    z = float(ndtri(0.5 + confidence / 2))
    share = successes / trials
    denominator = 1 + z * z / trials
    center = (share + z * z / (2 * trials)) / denominator
    spread = z / denominator * (share * (1 - share) / trials + z * z / (4 * trials**2)) ** 0.5
    # At the ends the bound is exactly 0 or 1; rounding must not say otherwise.
    low = 0.0 if successes == 0 else max(0.0, center - spread)
    high = 1.0 if successes == trials else min(1.0, center + spread)
    return low, high


@dataclass(frozen=True, slots=True)
class Fitness:
    """Successes of one criterion.

    Attributes:
        criterion: What was doubted.
        successes: Number of successful rollouts.
        trials: Number of rollouts, at least 1.
    """

    criterion: Criterion
    successes: int
    trials: int

    def __post_init__(self) -> None:
        """Check the counts.

        Raises:
            ValueError: Counts out of bounds.
        """
        wilson_interval(self.successes, self.trials)

    @classmethod
    def stated(cls, criterion: Criterion, successes: int, trials: int, value: float) -> Fitness:
        """Make a fitness of a record that also states the value.

        Raises:
            ValueError: Counts out of bounds, or a value that does not follow from them.
        """
        fitness = cls(criterion, successes, trials)
        if not abs(fitness.value - value) <= VALUE_TOLERANCE:
            raise ValueError(
                f"value: expected successes / trials = {fitness.value:.12g}, got {float(value)}"
            )
        return fitness

    @property
    def value(self) -> float:
        """Share of successes, in [0, 1]."""
        return self.successes / self.trials

    @property
    def interval(self) -> tuple[float, float]:
        """95 % Wilson score interval."""
        return wilson_interval(self.successes, self.trials)


@dataclass(frozen=True, slots=True)
class GraspScore:
    """All that scoring says of one grasp.

    Attributes:
        grasp_id: Of the trajectory.
        nominal_outcome: How the unperturbed rollout ended.
        fitness: One entry for each criterion that was asked for.
        failures: How often the perturbed rollouts ended in each failure.
        seed: Of the perturbations.
        profile: Name of the randomisation profile.
        software_version: Of dr_grasp and of the simulator.
    """

    grasp_id: str
    nominal_outcome: Outcome
    fitness: Mapping[Criterion, Fitness]
    failures: Mapping[Outcome, int] = field(default_factory=dict)
    seed: int = 0
    profile: str = ""
    software_version: str = ""

    __hash__ = None  # type: ignore[assignment]

    @property
    def nominal_success(self) -> bool:
        """Whether the unperturbed rollout succeeded."""
        return self.nominal_outcome is Outcome.SUCCESS
