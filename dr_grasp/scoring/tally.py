"""Counts the outcomes of a grasp's rollouts, and decides which rollouts it still needs.

Trials are counted in the order of their indices, whatever order they finish in: so a score depends
neither on the number of workers nor on their speed.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

from dr_grasp import __version__
from dr_grasp.core.collisions import listed
from dr_grasp.core.confidence import narrowed_interval
from dr_grasp.core.engine import Engine
from dr_grasp.core.fitness import Fitness, GraspScore
from dr_grasp.core.outcome import LinkPair, Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.objects.object_spec import load_object
from dr_grasp.provenance.fingerprint import ENGINE, GPU, OTHER_ENGINE, fingerprint, models_of
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.scoring.blocks import Block, Counts
from dr_grasp.scoring.request import ScoreRequest
from dr_grasp.simulation.engine import engine_gpu, engine_settings, engine_version
from dr_grasp.simulation.rollout_runner import Shortcuts

BLOCK_TRIALS = 5
"""Most trials of a block: they take about a second, so sending or losing a block costs little."""

CAUTION = 0.7
"""Share of the trials probably still needed that are given out at once. With 0.7, 1 to 5 % of the
trials are run in vain; with rounds of 1.25 or 2 times the trials so far, 10 to 25 % are."""


class Track:
    """The trials of one grasp under one criterion."""

    def __init__(self, most: int, until: float | None = None) -> None:
        """Begin without any trial.

        Args:
            most: Largest number of trials.
            until: Width of the interval at which to stop; None to run all trials.
        """
        self.counts: Counter[Outcome] = Counter()
        self.collisions: Counter[tuple[Outcome, LinkPair]] = Counter()
        self.used = 0
        self._given = 0
        self._most = most
        self._until = until
        self._early: dict[int, tuple[int, Counts]] = {}
        self._wide = True

    @property
    def complete(self) -> bool:
        """Whether no more trials are needed."""
        return self.used >= self._most or not self._wide

    def next(self, goal: int | None = None) -> tuple[int, int] | None:
        """Choose the next block: its first trial and its number of trials.

        None if there is nothing to do for now: blocks that are being run may be enough.

        Args:
            goal: Number of trials to have in the end; None for as many as are probably needed.
        """
        if self.complete or self._given >= (self._goal() if goal is None else goal):
            return None
        first = self._given
        count = min(BLOCK_TRIALS, self._most - first)
        self._given += count
        return first, count

    def add(self, first: int, count: int, counts: Counts) -> int:
        """Count a block once all blocks before it are counted; returns the number of trials added.

        Blocks after the block at which sampling stopped are not counted.
        """
        self._early[first] = count, counts
        before = self.used
        while not self.complete and self.used in self._early:
            count, counts = self._early.pop(self.used)
            self.counts.update(counts.outcomes)
            self.collisions.update(counts.collisions)
            self.used += count
            if self._until is not None:
                low, high = narrowed_interval(self.counts[Outcome.SUCCESS], self.used)
                self._wide = high - low > self._until
        if self.complete:
            self._early.clear()
        return self.used - before

    def _goal(self) -> int:
        """Number of trials up to which blocks may be given out, by the outcomes so far."""
        if self._until is None:
            return self._most
        share = (self.counts[Outcome.SUCCESS] + 0.5) / (self.used + 1) if self.used else 0.0
        # In steps of a twentieth, so that the cache of `_trials_needed` stays small.
        goal = _trials_needed(round(20 * min(share, 1 - share)), self._until, self._most)
        # Not all of them: more can be given out later, but trials that are not needed are lost.
        goal = self.used + max(BLOCK_TRIALS, int(CAUTION * (goal - self.used)))
        return min(goal, self._most)


@lru_cache(maxsize=4096)
def _trials_needed(twentieths: int, until: float, most: int) -> int:
    """Trials that make the interval narrow enough at a share; at most `most`."""

    def is_enough(trials: int) -> bool:
        low, high = narrowed_interval(trials * twentieths // 20, trials)
        return high - low <= until

    ends = range(BLOCK_TRIALS, most, BLOCK_TRIALS)
    place = bisect_left(ends, True, key=is_enough)
    return ends[place] if place < len(ends) else most


class Tally:
    """The trials of one grasp: the undisturbed rollout, and those of each criterion."""

    def __init__(self, index: int, grasp: GraspTrajectory, request: ScoreRequest) -> None:
        """Begin without any trial.

        Args:
            index: Position of the grasp in the batch.
            grasp: The grasp, checked.
            request: How to score the grasp.
        """
        self._index = index
        self._grasp = grasp
        self._request = request
        self._broken_off = False
        self._tracks: dict[Criterion | None, Track] = {None: Track(1)}
        for criterion in request.criteria:
            self._tracks[criterion] = Track(request.trials_of(criterion), request.until)

    def break_off(self) -> None:
        """Stop asking for trials; the fitnesses will be marked as `sequential`."""
        self._broken_off = True

    @property
    def complete(self) -> bool:
        """Whether no more trials are needed."""
        return self._broken_off or all(track.complete for track in self._tracks.values())

    @property
    def final(self) -> bool:
        """Whether the score is what was asked for, with no metrics to add."""
        return not self._request.metrics

    @property
    def used(self) -> int:
        """Number of trials counted, the undisturbed one included."""
        return sum(track.used for track in self._tracks.values())

    def next_block(self) -> Block | None:
        """The block to run next; None if there is none for now, though there may be one later."""
        if self._broken_off:
            return None
        for criterion, track in self._tracks.items():
            trials = track.next()
            if trials is not None:
                return self._block(criterion, trials)
        return None

    def blocks_up_to(self, goal: int, criterion: Criterion | None) -> Iterator[Block]:
        """Blocks to run to have `goal` trials of a criterion; None is the undisturbed rollout."""
        while (trials := self._tracks[criterion].next(goal)) is not None:
            yield self._block(criterion, trials)

    def add(self, block: Block, counts: Counts) -> int:
        """Count the outcomes of a block; returns the number of trials added."""
        return self._tracks[block.criterion].add(block.first, block.count, counts)

    def score(self) -> GraspScore:
        """The score, once no more trials are needed."""
        counts = {key: track.counts for key, track in self._tracks.items() if track.used}
        (nominal,) = counts.pop(None)
        by_width = self._request.until is not None and not self._broken_off
        sequential = by_width or self._broken_off
        failures: Counter[Outcome] = Counter()
        for of_criterion in counts.values():
            failures.update(of_criterion)
        del failures[Outcome.SUCCESS]
        score = GraspScore(
            grasp_id=self._grasp.id,
            nominal_outcome=nominal,
            fitness={
                criterion: Fitness(
                    criterion, found[Outcome.SUCCESS], found.total(), sequential, by_width
                )
                for criterion, found in counts.items()
                if criterion is not None
            },
            failures=dict(sorted(failures.items())),
            collisions=tuple(
                collision
                for criterion, track in self._tracks.items()
                for collision in listed(track.collisions, criterion)
            ),
            seed=self._request.seed,
            profile=self._request.profile.name,
            software_version=software_version(self._request.engine),
            whole=self._request.shortcuts == Shortcuts.none(),
            models={
                **models_of(
                    robot=load_robot(self._grasp.robot),
                    object=load_object(self._grasp.object),
                    profile=self._request.profile,
                    **settings_of(self._request.engine),
                ),
                **gpu_of(self._request.engine),
            },
            engine=self._request.engine,
        )
        return self._request.estimated(score, self._grasp.robot) if self.final else score

    def _block(self, criterion: Criterion | None, trials: tuple[int, int]) -> Block:
        profile, seed = self._request.profile, self._request.seed
        shortcuts, engine = self._request.shortcuts, self._request.engine
        return Block(self._index, self._grasp, profile, criterion, seed, *trials, shortcuts, engine)


@lru_cache(maxsize=len(Engine))
def software_version(engine: Engine = Engine.BULLET) -> str:
    """Versions of dr_grasp and of the engine, which scores carry."""
    return f"dr_grasp {__version__}, {engine_version(engine)}"


def settings_of(engine: Engine) -> dict[str, object]:
    """An engine's settings by the kind under which fingerprints have them; empty without any."""
    settings = engine_settings(engine)
    return {} if settings is None else {ENGINE: settings}


def gpu_of(engine: Engine) -> dict[str, str]:
    """Name of the GPU that an engine uses, by the kind under which scores have it; or empty."""
    name = engine_gpu(engine)
    return {} if name is None else {GPU: name}


def other_engine(engine: Engine) -> dict[str, str]:
    """Version and settings of the other engine, by the kind under which scores have it."""
    settings = (fingerprint(each) for each in settings_of(engine.other).values())
    return {OTHER_ENGINE: " ".join([engine_version(engine.other), *settings])}


def engine_asked(engine: Engine) -> dict[str, str]:
    """What journals keep of an engine, beside the version.

    Nothing of PyBullet, so that journals of earlier versions are gone on with.
    """
    if engine is Engine.BULLET:
        return {}
    settings = {f"{kind}_fingerprint": fingerprint(s) for kind, s in settings_of(engine).items()}
    return {"engine": engine.value, **settings, **gpu_of(engine)}
