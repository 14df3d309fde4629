"""Results of scoring: fitnesses, scores, refused grasps, and selections of the best grasps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from dr_grasp.core.collisions import Collision
from dr_grasp.core.confidence import (
    check_counts,
    confidence_sequence,
    narrowed_interval,
    wilson_interval,
)
from dr_grasp.core.engine import Engine
from dr_grasp.core.margin import GraspMargins
from dr_grasp.core.metric import Metric
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.core.texts import (
    LONGEST_NAME,
    LONGEST_TEXT,
    check_entries,
    check_name,
    check_text,
)
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import InvalidGraspError, printable

VALUE_TOLERANCE = 1e-9
"""Largest difference between a recorded number and what follows from the counts: rounding."""


MOST_COLLISIONS = 10_000
"""Most collisions of a score. Even if each of the 1,770 pairs of links of a robot of 60 links came
under each of the four criteria and undisturbed, there would be 8,850."""


@dataclass(frozen=True, slots=True)
class Fitness:
    """How many rollouts of a grasp succeeded under one criterion.

    Attributes:
        criterion: The criterion by which the rollouts were perturbed.
        successes: Number of successful rollouts.
        trials: Number of rollouts, at least 1.
        sequential: Whether the number of trials depends on the outcomes, since sampling stopped
            because of them.
        by_width: Whether nothing but the width of the interval decided when sampling stopped, or
            the largest number of trials; only if `sequential`.
    """

    criterion: Criterion
    successes: int
    trials: int
    sequential: bool = False
    by_width: bool = False

    def __post_init__(self) -> None:
        """Check the counts.

        Raises:
            ValueError: The counts are out of bounds, or sampling both stopped by width and did not.
        """
        check_counts(self.successes, self.trials)
        if self.by_width and not self.sequential:
            raise ValueError("by_width: expected only with sequential")

    @classmethod
    def stated(
        cls,
        criterion: Criterion,
        successes: int,
        trials: int,
        value: float,
        sequential: bool = False,
        ends: tuple[float, float] | None = None,
    ) -> Fitness:
        """Make a fitness from a record that also states the value and its interval.

        Records say whether sampling was sequential, not why it stopped; the stated interval does.
        Where that is not the one of sampling by width, it is taken for a confidence sequence, which
        holds however sampling stopped (and which versions up to 0.4 always used).

        Args:
            criterion: The criterion.
            successes: Number of successful rollouts.
            trials: Number of rollouts, at least 1.
            value: The stated value, in [0, 1].
            sequential: Whether the number of trials depends on the outcomes.
            ends: Low and high end of the stated interval; None if there is none.

        Raises:
            ValueError: The counts are out of bounds, or the value is not successes / trials.
        """
        check_counts(successes, trials)
        by_width = False
        if sequential and ends is not None:
            by_width = _are_near(ends, narrowed_interval(successes, trials))
        fitness = cls(criterion, successes, trials, sequential, by_width)
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
        """95 % interval of the value, by how sampling stopped.

        Wilson's for a fixed number of trials, `narrowed_interval` if it stopped by width, and that
        of a confidence sequence if it stopped for another reason.
        """
        if self.by_width:
            return narrowed_interval(self.successes, self.trials)
        if self.sequential:
            return confidence_sequence(self.successes, self.trials)
        return wilson_interval(self.successes, self.trials)


@dataclass(frozen=True, slots=True)
class GraspScore:
    """The score of one grasp: its fitnesses and what they were made with.

    Attributes:
        grasp_id: Id of the trajectory.
        nominal_outcome: How the unperturbed rollout ended.
        fitness: The fitness under each criterion that was asked for.
        failures: Number of perturbed rollouts that ended in each failure.
        seed: Seed of the perturbations.
        profile: Name of the randomisation profile.
        software_version: Versions of dr_grasp and of the engine.
        whole: Whether every step of each rollout was simulated.
        models: Fingerprints of the "robot", "object" and "profile" of the score, and of the
            "engine" if its settings are ours; the kind of "processor"; the name of the "gpu" if one
            simulated; and version and settings of the "other_engine" that metrics compare with.
        transfer_probability: Probability that the grasp holds on the arm, in [0, 1]; None if no
            transfer model was used.
        collisions: Which links touched in the rollouts, the undisturbed one included, in which the
            robot hit itself, the table or the ground: criterion by criterion, the most frequent
            pair first. Scores of older versions have none.
        engine: The engine that simulated the rollouts; scores of older versions are of PyBullet.
        metrics: Other numbers about the grasp that were asked for; without those that it has not,
            such as the distance of contacts where the hand closed without any.
        margins: How far each parameter may be off, if that was measured; messages leave it out.
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
    collisions: tuple[Collision, ...] = ()
    engine: Engine = Engine.BULLET
    metrics: Mapping[Metric, float] = field(default_factory=dict)
    margins: GraspMargins | None = None

    def __post_init__(self) -> None:
        """Check the texts, the number of collisions, the metrics, and the margins.

        Raises:
            InvalidGraspError: A name or text is too long, or no Unicode; there are too many
                collisions; a metric is not finite; or the margins are those of another grasp.
        """
        check_name("grasp_id", self.grasp_id)
        check_name("profile", self.profile)
        check_text("software_version", self.software_version)
        check_entries("models", self.models)
        if len(self.collisions) > MOST_COLLISIONS:
            raise InvalidGraspError(
                f"collisions: expected at most {MOST_COLLISIONS}, got {len(self.collisions)}"
            )
        for metric, value in self.metrics.items():
            if not math.isfinite(value):
                raise InvalidGraspError(f"{metric.value}: expected a finite number, got {value}")
        if self.margins is not None and self.margins.grasp_id != self.grasp_id:
            raise InvalidGraspError(
                f"margins: expected those of grasp {self.grasp_id}, got {self.margins.grasp_id}"
            )

    @property
    def nominal_success(self) -> bool:
        """Whether the unperturbed rollout succeeded."""
        return self.nominal_outcome is Outcome.SUCCESS

    @property
    def nominal_text(self) -> str:
        """How the unperturbed rollout ended, e.g. "self_collision: panda_hand with panda_link5"."""
        links = [str(found.links) for found in self.collisions if found.criterion is None]
        return ": ".join([self.nominal_outcome.label, *links])


@dataclass(frozen=True, slots=True)
class Selection:
    """Which grasps are the best, and how sure that is.

    The numbers compare grasps that hold undisturbed. If there are fewer of them than were asked
    for, all of them are chosen; the other places go to grasps that do not hold undisturbed, and the
    numbers compare these grasps instead.

    Attributes:
        criterion: The criterion whose fitness decided.
        chosen: Ids of the chosen grasps, in the order of the batch.
        expected_share: Share of the true best that is expected among the chosen, in [0, 1].
        expected_shortfall: How far the mean fitness of the chosen is expected to be below that of
            the true best, in [0, 1].
        most_missed: How much fitter a grasp left out is than the least fit chosen grasp, at most,
            with 95 % confidence, in [0, 1].
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
        index: Position of the grasp in the batch, from 0.
        grasp_id: Id of the grasp as given, possibly empty.
        reason: One line that names the grasp, the field, its value and what was expected.
    """

    index: int
    grasp_id: str
    reason: str

    def __post_init__(self) -> None:
        """Make id and reason fit to be shown: they may be what the grasp was refused for."""
        object.__setattr__(self, "grasp_id", printable(self.grasp_id)[:LONGEST_NAME])
        object.__setattr__(self, "reason", printable(self.reason)[:LONGEST_TEXT])


GraspOrRefusal = GraspTrajectory | RefusedGrasp


def _are_near(stated: tuple[float, float], expected: tuple[float, float]) -> bool:
    return all(
        abs(one - other) <= VALUE_TOLERANCE for one, other in zip(stated, expected, strict=True)
    )
