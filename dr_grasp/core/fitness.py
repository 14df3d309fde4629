"""What scoring finds of grasps: fitnesses, scores, refusals, and selections of the best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dr_grasp.core.confidence import check_counts, confidence_sequence, wilson_interval
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion

VALUE_TOLERANCE = 1e-9
"""How far a recorded value may be off its counts: rounding in a file, no more."""


@dataclass(frozen=True, slots=True)
class Fitness:
    """How many rollouts of a grasp succeeded under one criterion.

    Attributes:
        criterion: Which doubt the rollouts stand for.
        successes: Number of successful rollouts.
        trials: Number of rollouts, at least 1.
        sequential: Whether sampling stopped on what was seen, so that the number of trials depends
            on the outcomes.
    """

    criterion: Criterion
    successes: int
    trials: int
    sequential: bool = False

    def __post_init__(self) -> None:
        """Check the counts.

        Raises:
            ValueError: Counts out of bounds.
        """
        check_counts(self.successes, self.trials)

    @classmethod
    def stated(
        cls,
        criterion: Criterion,
        successes: int,
        trials: int,
        value: float,
        sequential: bool = False,
    ) -> Fitness:
        """Make a fitness of a record that also states the value.

        Raises:
            ValueError: Counts out of bounds, or a value that does not follow from them.
        """
        fitness = cls(criterion, successes, trials, sequential)
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
        """At 95 %: that of a confidence sequence if sequential, else the Wilson score interval."""
        if self.sequential:
            return confidence_sequence(self.successes, self.trials)
        return wilson_interval(self.successes, self.trials)


@dataclass(frozen=True, slots=True)
class GraspScore:
    """All that scoring says of one grasp.

    Attributes:
        grasp_id: Id of the trajectory.
        nominal_outcome: How the unperturbed rollout ended.
        fitness: The fitness under each criterion that was asked for.
        failures: How often the perturbed rollouts ended in each failure.
        seed: Seed of the perturbations.
        profile: Name of the randomisation profile.
        software_version: Versions of dr_grasp and of the simulator.
        whole: Whether every step of each rollout was simulated.
        models: What names stood for when it was scored: fingerprints of "robot", "object" and
            "profile", and the "processor".
        transfer_probability: Probability that the grasp holds on the arm, in [0, 1]; None if no
            calibrated model was asked.
    """

    grasp_id: str
    nominal_outcome: Outcome
    fitness: Mapping[Criterion, Fitness]
    failures: Mapping[Outcome, int] = field(default_factory=dict)
    seed: int = 0
    profile: str = ""
    software_version: str = ""
    whole: bool = False
    models: Mapping[str, str] = field(default_factory=dict)
    transfer_probability: float | None = None

    @property
    def nominal_success(self) -> bool:
        """Whether the unperturbed rollout succeeded."""
        return self.nominal_outcome is Outcome.SUCCESS


@dataclass(frozen=True, slots=True)
class Selection:
    """Which grasps are the best, and how sure that is.

    The numbers are about the grasps that hold undisturbed. Where fewer of them are found than asked
    for, all of them are chosen; the other places go to grasps that do not hold undisturbed, and the
    numbers are about those.

    Attributes:
        criterion: The criterion that decided.
        chosen: Ids of the best, in the order of the batch.
        expected_share: Share of the true best that is expected among them, in [0, 1].
        expected_shortfall: How far their mean fitness is expected to be below that of the true
            best, in [0, 1].
        most_missed: With 95 % confidence no grasp left out is better than the worst chosen by more
            than this, in [0, 1].
    """

    criterion: Criterion
    chosen: tuple[str, ...]
    expected_share: float
    expected_shortfall: float
    most_missed: float


@dataclass(frozen=True, slots=True)
class RefusedGrasp:
    """A grasp that cannot be simulated or executed, and why.

    Attributes:
        index: Its position in the batch.
        grasp_id: Its id as given, possibly empty.
        reason: One line that names the grasp, the field, what came and what was expected.
    """

    index: int
    grasp_id: str
    reason: str
