"""Requests to score grasps, the results, and the progress on the way."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from dr_grasp.core.engine import Engine
from dr_grasp.core.fitness import GraspScore, RefusedGrasp, Selection
from dr_grasp.core.perturbation import MAX_SEED, Criterion, Profile
from dr_grasp.core.ranking import rank, ranking_value
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

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            SettingsError: There is no criterion, a number is out of bounds, or a criterion has its
                own number of trials and is not scored.
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

    @classmethod
    def from_names(
        cls,
        profile: str,
        criteria: Sequence[str],
        trials: int | None,
        seed: int,
        until: float | None = None,
        top: int | None = None,
        shortcuts: Shortcuts = ALL,
        estimate: ProbabilityEstimator | None = None,
        own_trials: Iterable[tuple[str, int]] = (),
        engine: str | None = None,
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
        loaded = load_profile(profile)
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
        """Number of all rollouts of a grasp, the undisturbed one included."""
        return 1 + sum(self.trials_of(criterion) for criterion in self.criteria)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far scoring has come.

    Attributes:
        rollouts_done: Rollouts finished.
        rollouts_total: Rollouts in all, the finished ones included; estimated if not yet known.
        best_grasp_id: Id of the best grasp with a complete score; empty while there is none.
        best_value: Value by which the best grasp is ranked; NaN while there is none.
    """

    rollouts_done: int
    rollouts_total: int
    best_grasp_id: str = ""
    best_value: float = math.nan


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


class ProgressTracker:
    """Counts rollouts and complete scores, and reports the progress."""

    def __init__(
        self,
        grasps: int,
        rollouts_per_grasp: int,
        on_progress: Callable[[Progress], None] | None = None,
        on_score: Callable[[GraspScore], None] | None = None,
    ) -> None:
        """Begin before the first rollout.

        Args:
            grasps: Number of grasps in the batch; `refused` reduces it by 1.
            rollouts_per_grasp: Expected number until a grasp is complete; then the mean so far.
            on_progress: Called with the progress after each block of rollouts.
            on_score: Called with each score once it is complete.
        """
        self.grasps = grasps
        self._each = float(rollouts_per_grasp)
        self._on_progress = on_progress or (lambda progress: None)
        self._on_score = on_score or (lambda score: None)
        self._done = 0
        self._complete = 0
        self._done_of_complete = 0
        self._total: int | None = None
        self._best: list[GraspScore] = []

    def refused(self) -> None:
        """Note that a grasp will not be scored."""
        self.grasps -= 1

    def expect(self, more: int) -> None:
        """Set the number of rollouts to come, which is otherwise estimated from complete grasps."""
        self._total = self._done + more

    def counted(self, rollouts: int) -> None:
        """Add finished rollouts, and report the progress."""
        self._done += rollouts
        total = self._total
        if total is None:
            # A grasp that takes longer than the average takes at least one rollout more.
            left = self.grasps - self._complete
            total = max(round(self.grasps * self._each), self._done + left)
        leader = ("", math.nan)
        if self._best:
            leader = self._best[0].grasp_id, ranking_value(self._best[0])
        self._on_progress(Progress(self._done, max(self._done, total), *leader))

    def completed(self, score: GraspScore, rollouts: int) -> None:
        """Note a complete score, with the number of rollouts that it took."""
        self._complete += 1
        self._done_of_complete += rollouts
        self._each = self._done_of_complete / self._complete
        self._best = rank([*self._best, score])[:1]
        self._on_score(score)
