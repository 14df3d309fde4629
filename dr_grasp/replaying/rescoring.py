"""Scores recorded grasps again, with the recorded seed, profile and numbers of trials."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Final

from dr_grasp.core.attempt import GraspAttempt
from dr_grasp.core.collisions import most_frequent
from dr_grasp.core.fitness import GraspScore
from dr_grasp.core.perturbation import Criterion
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import DrGraspError
from dr_grasp.provenance.fingerprint import PROFILE, models_of
from dr_grasp.replaying.checks import Check, Verdict, likely_reason
from dr_grasp.scoring.batches import Batches
from dr_grasp.scoring.profiles import load_profile
from dr_grasp.scoring.request import ScoreRequest
from dr_grasp.scoring.scorer import Scorer
from dr_grasp.simulation.engine import check_available
from dr_grasp.simulation.rollout_runner import ALL, Shortcuts
from dr_grasp.workers.pool import Pool

PRECISION: Final = 1e-6
"""Largest relative difference of a repeated metric that counts as none: on another processor,
libraries of linear algebra round in another way."""


def rescore(
    attempts: Iterable[GraspAttempt], pool: Pool, is_cancelled: Callable[[], bool]
) -> Iterator[Check]:
    """Score the grasps of attempts again and compare, fitness by fitness, exactly; metrics, too.

    Each is scored in the engine of its score; where that cannot be used here, that is skipped.

    Scores of grasps that were never attempted cannot be repeated: only attempts carry a trajectory.

    Args:
        attempts: Recorded attempts; each pair of grasp and score is scored once.
        pool: Workers; the pool stays open.
        is_cancelled: Polled; True ends the work.

    Yields:
        Checks of the nominal outcomes, the fitnesses, the metrics and the failures.

    Raises:
        WorkerError: Workers died again and again without finishing anything.
    """
    done: list[tuple[GraspTrajectory, GraspScore]] = []
    with Batches() as batches:
        scorer = Scorer(pool=pool, batches=batches)  # not closed: the pool stays open
        for attempt in attempts:
            recorded = attempt.score
            # The same id may come again with another trajectory or score: then both are scored.
            if recorded is None or (attempt.grasp, recorded) in done:
                continue
            done.append((attempt.grasp, recorded))
            try:
                check_available(recorded.engine)
            except DrGraspError as error:
                yield _without_answer(recorded, Verdict.SKIPPED, "", str(error))
                continue
            try:
                request = _request(recorded)
            except DrGraspError as error:
                yield _refused(recorded, str(error))
                continue
            answer = scorer.score([attempt.grasp], request, is_cancelled=is_cancelled)
            for refusal in answer.refused:
                yield _refused(recorded, refusal.reason)
            if answer.cancelled:
                return
            for score in answer.scores:
                profile = models_of(profile=load_profile(recorded.profile))[PROFILE]
                again = replace(score, models={**score.models, PROFILE: profile})
                yield from compare_scores(recorded, again)


def compare_scores(recorded: GraspScore, again: GraspScore) -> Iterator[Check]:
    """Compare two scores of one grasp; without a fitness, only the undisturbed rollouts' outcomes.

    Args:
        recorded: Score in the bag.
        again: Score of the repetition.
    """
    reason = likely_reason(
        recorded.models, recorded.software_version, again.models, again.software_version
    )
    if not recorded.engine.repeats:
        reason += f"; {recorded.engine.value} does not promise the same counts twice"
    subject = f"grasp {recorded.grasp_id}"
    # Scores of older versions do not say which links touched.
    linked = bool(recorded.collisions)
    outcomes = recorded.nominal_outcome.label, again.nominal_outcome.label
    if linked:
        outcomes = recorded.nominal_text, again.nominal_text
    yield Check.of(subject, "nominal outcome", *outcomes, reason)
    for criterion, was in recorded.fitness.items():
        now = again.fitness[criterion]
        counts = f"{was.successes} of {was.trials}", f"{now.successes} of {now.trials}"
        yield Check.of(subject, criterion.value, *counts, reason)
    for metric, value in recorded.metrics.items():
        found = again.metrics.get(metric)
        same = found is not None and math.isclose(value, found, rel_tol=PRECISION, abs_tol=1e-9)
        numbers = str(value), "none" if found is None else str(value if same else found)
        yield Check.of(subject, metric.value, *numbers, reason)
    if recorded.fitness:
        texts = _failures(recorded, linked), _failures(again, linked)
        yield Check.of(subject, "failures", *texts, reason)


def _request(score: GraspScore) -> ScoreRequest:
    profile = load_profile(score.profile)
    trials = {**profile.trials, **{c: fitness.trials for c, fitness in score.fitness.items()}}
    # A race drops a grasp that fails undisturbed, so its score has no fitness.
    if not score.fitness:
        trials = dict.fromkeys(Criterion, 1)
    return ScoreRequest(
        replace(profile, trials=trials),
        tuple(score.fitness) or (Criterion.MDR,),
        seed=score.seed,
        shortcuts=Shortcuts.none() if score.whole else ALL,
        engine=score.engine,
        metrics=tuple(score.metrics),
    )


def _failures(score: GraspScore, linked: bool) -> str:
    perturbed = [found for found in score.collisions if found.criterion is not None]
    links = most_frequent(perturbed) if linked else {}
    words = [
        f"{count} {reason.label}" + (f": {links[reason]}" if reason in links else "")
        for reason, count in sorted(score.failures.items())
    ]
    return ", ".join(words) or "none"


def _refused(score: GraspScore, reason: str) -> Check:
    return _without_answer(score, Verdict.DIFFERS, "refused", reason)


def _without_answer(score: GraspScore, verdict: Verdict, replayed: str, reason: str) -> Check:
    return Check(f"grasp {score.grasp_id}", "score", verdict, "a score", replayed, reason)
