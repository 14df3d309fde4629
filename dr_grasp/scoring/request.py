"""Requests to score grasps, and the results."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from dr_grasp.core.engine import Engine
from dr_grasp.core.fitness import GraspScore, RefusedGrasp, Selection
from dr_grasp.core.metric import (
    ENGINE_DOUBT,
    Metric,
    measurements,
    metrics_from_names,
    rollouts_of,
)
from dr_grasp.core.perturbation import MAX_SEED, Criterion, Profile
from dr_grasp.errors import SettingsError, quoted
from dr_grasp.scoring.profiles import engine_for, load_profile
from dr_grasp.simulation.rollout_runner import ALL, Shortcuts

MOST_TRIALS = 100_000
"""Most rollouts of a criterion; they make a 95 % interval of at most 0.6 percentage points."""

MOST_UNTIL = 10_000
"""Most rollouts of a criterion if `until` ends sampling and `trials` is not given: enough for a
width of 0.02 whatever the fitness. Smaller differences are within the simulator's own error."""

MOST_TOP = 2**32 - 1
"""Most grasps to choose: messages carry numbers of grasps as uint32."""

ProbabilityEstimator = Callable[[GraspScore, str], "float | None"]
"""Estimates the transfer probability from a score and the robot's name; None where it cannot."""

ScoreOrRefusal = GraspScore | RefusedGrasp


def check_stopping(until: float | None, top: int | None) -> None:
    """Check the `until` and `top` of a `ScoreRequest`, by which sampling ends.

    Raises:
        SettingsError: A number is out of bounds, or both are given.
    """
    if until is not None and not 0 < until < 1:
        raise SettingsError(f"until: expected a width between 0 and 1, got {until}")
    if top is not None and not 1 <= top <= MOST_TOP:
        bound = "at least 1" if top < 1 else f"at most {MOST_TOP}"
        raise SettingsError(f"top: expected {bound}, got {top}")
    if top is not None and until is not None:
        raise SettingsError("top: expected without until, since it decides itself when to stop")


def _check_trials(what: str, trials: int) -> None:
    if trials < 1:
        raise SettingsError(f"{what}: expected at least 1, got {trials}")
    if trials > MOST_TRIALS:
        raise SettingsError(f"{what}: expected at most {MOST_TRIALS}, got {trials}")


def parse_trials(text: str) -> tuple[int | None, list[tuple[str, int]]]:
    """Read numbers of trials, such as "200", "osdr=50,fdr=25" or "200,fdr=25".

    Returns:
        The arguments `trials` and `own_trials` of `ScoreRequest.from_names`.

    Raises:
        SettingsError: The text says something else, or two numbers without a criterion.
    """
    trials: int | None = None
    own: list[tuple[str, int]] = []
    for part in text.split(","):
        name, equals, number = (piece.strip() for piece in part.rpartition("="))
        if not re.fullmatch("-?[0-9]{1,18}", number) or (not equals and trials is not None):
            raise SettingsError(
                "trials: expected a number, or numbers by criterion as in osdr=50,fdr=25, "
                f"got {quoted(text)}"
            )
        if equals:
            own.append((name, int(number)))
        else:
            trials = int(number)
    return trials, own


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """How to score the grasps of a batch.

    Attributes:
        profile: The profile from which perturbations are drawn.
        criteria: The criteria to score by, without repetition.
        trials: Number of rollouts of each criterion, with `until` the largest number; None for the
            numbers of the profile.
        seed: Seed of the perturbations, from 0 to 2**64 - 1.
        until: Stop sampling a criterion once its `narrowed_interval` is no wider than this, in
            (0, 1); None for a fixed number of trials.
        top: How many of the best grasps to find with few rollouts, by a `Race`; None to score all
            grasps alike.
        shortcuts: What rollouts leave out because it decides nothing.
        estimate: Estimates transfer probabilities; None to leave scores uncalibrated.
        own_trials: Numbers of rollouts of those criteria that get another number than the others.
        engine: The engine in which rollouts are simulated.
        metrics: What is measured of each grasp beside its fitnesses; of the chosen grasps only if
            the request is for the best.
    """

    profile: Profile
    criteria: tuple[Criterion, ...] = tuple(Criterion)
    trials: int | None = None
    seed: int = 0
    until: float | None = None
    top: int | None = None
    shortcuts: Shortcuts = ALL
    estimate: ProbabilityEstimator | None = None
    own_trials: Mapping[Criterion, int] = field(default_factory=dict)
    engine: Engine = Engine.BULLET
    metrics: tuple[Metric, ...] = ()

    def __post_init__(self) -> None:
        """Check the numbers, and that the metrics can be measured.

        Raises:
            SettingsError: There is no criterion, a number is out of bounds, a criterion has its
                own number of trials and is not scored, or a metric compares MDR and that is not
                scored.
        """
        check_stopping(self.until, self.top)
        if self.trials is not None:
            _check_trials("trials", self.trials)
        if not 0 <= self.seed <= MAX_SEED:
            raise SettingsError(f"seed: expected from 0 to 2**64 - 1, got {self.seed}")
        if not self.criteria:
            raise SettingsError("criteria: expected at least one, got none")
        # In the order of the enumeration and without repetition, however they were given.
        object.__setattr__(self, "criteria", tuple(c for c in Criterion if c in set(self.criteria)))
        for criterion, trials in self.own_trials.items():
            _check_trials(f"trials of {criterion.value}", trials)
            if criterion not in self.criteria:
                scored = ", ".join(scored.value for scored in self.criteria)
                raise SettingsError(
                    f"trials: expected criteria that are scored ({scored}), got {criterion.value}"
                )
        if self.doubts_engine and Criterion.MDR not in self.criteria:
            asked = next(metric.value for metric in ENGINE_DOUBT if metric in self.metrics)
            scored = ", ".join(scored.value for scored in self.criteria)
            raise SettingsError(
                f"metrics: {asked}: expected criterion mdr among those scored, got {scored}"
            )

    @classmethod
    def from_names(
        cls,
        profile: str | Profile,
        criteria: Sequence[str],
        trials: int | None,
        seed: int,
        until: float | None = None,
        top: int | None = None,
        shortcuts: Shortcuts = ALL,
        estimate: ProbabilityEstimator | None = None,
        own_trials: Iterable[tuple[str, int]] = (),
        engine: str | None = None,
        metrics: Iterable[str] = (),
    ) -> ScoreRequest:
        """Make a request from names; no criteria means all four, no engine that of the profile.

        Raises:
            DrGraspError: A name is unknown, a number is out of bounds, or a criterion has two
                numbers of trials of its own.
        """
        chosen = tuple(Criterion.from_name(name) for name in criteria) or tuple(Criterion)
        own: dict[Criterion, int] = {}
        for name, number in own_trials:
            criterion = Criterion.from_name(name)
            if criterion in own:
                raise SettingsError(f"trials: expected {name} once, got it twice")
            own[criterion] = number
        loaded = load_profile(profile) if isinstance(profile, str) else profile
        return cls(
            loaded,
            chosen,
            trials,
            seed,
            until,
            top,
            shortcuts,
            estimate,
            own,
            engine_for(engine, loaded),
            metrics_from_names(metrics),
        )

    def trials_of(self, criterion: Criterion) -> int:
        """Number of rollouts of a criterion for a grasp; with `until`, the largest number."""
        given = self.own_trials.get(criterion, self.trials)
        if given is not None:
            return given
        return self.profile.trials[criterion] if self.until is None else MOST_UNTIL

    @property
    def racing_criterion(self) -> Criterion:
        """The criterion whose fitness decides which grasps are the best."""
        return Criterion.MDR if Criterion.MDR in self.criteria else self.criteria[0]

    @property
    def rollouts_per_grasp(self) -> int:
        """Number of rollouts of a grasp: undisturbed, of criteria and metrics, in any engine."""
        own = 1 + sum(self.trials_of(criterion) for criterion in self.criteria)
        others = self.trials_of(Criterion.MDR) if self.doubts_engine else 0
        return own + others + sum(map(rollouts_of, measurements(self.metrics)))

    @property
    def doubts_engine(self) -> bool:
        """Whether a metric needs rollouts in the other engine."""
        return any(metric in ENGINE_DOUBT for metric in self.metrics)

    def estimated(self, score: GraspScore, robot: str) -> GraspScore:
        """A score of a robot with its transfer probability, if there is an estimate."""
        if self.estimate is None:
            return score
        return replace(score, transfer_probability=self.estimate(score, robot))


@dataclass(frozen=True, slots=True)
class ScoreBatch:
    """The result of scoring a batch of grasps.

    Attributes:
        scores: The complete scores, in the order of the batch, without refused grasps.
        refused: Grasps that were not scored, and why.
        cancelled: Whether scoring was cancelled before all scores were complete.
        selection: The best grasps, if the request was for these and was not cancelled.
    """

    scores: tuple[GraspScore, ...]
    refused: tuple[RefusedGrasp, ...]
    cancelled: bool = False
    selection: Selection | None = None
