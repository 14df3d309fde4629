"""Scores recorded grasps again, with the recorded seed, profile and numbers of trials."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from dr_grasp.core.attempt import GraspAttempt
from dr_grasp.core.fitness import GraspScore
from dr_grasp.core.perturbation import Criterion
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import DrGraspError
from dr_grasp.provenance.models import PROFILE, models_of
from dr_grasp.replaying.checks import Check, Verdict, likely_reason
from dr_grasp.scoring.profiles import load_profile
from dr_grasp.scoring.request import ScoreRequest
from dr_grasp.scoring.scorer import Scorer
from dr_grasp.simulation.shortcuts import ALL, Shortcuts
from dr_grasp.workers.pool import Pool

ScoredGrasp = tuple[GraspTrajectory, GraspScore]


def recorded_scores(attempts: Sequence[GraspAttempt]) -> list[ScoredGrasp]:
    """The grasps of some attempts with the scores they were chosen by, each once."""
    found: list[ScoredGrasp] = []
    for attempt in attempts:
        if attempt.score is None:
            continue
        # An id may come again with another trajectory or another score: then both count.
        if not any(attempt.grasp == one and attempt.score == score for one, score in found):
            found.append((attempt.grasp, attempt.score))
    return found


def rescore(
    scored: Sequence[ScoredGrasp], pool: Pool, is_cancelled: Callable[[], bool]
) -> Iterator[Check]:
    """Score grasps again and compare, fitness by fitness, exactly.

    Args:
        scored: Grasps and recorded scores.
        pool: Workers; not closed.
        is_cancelled: Polled; True ends the work.

    Raises:
        WorkerError: Workers died again and again without finishing anything.
    """
    left = list(scored)
    while left and not is_cancelled():
        # Those that were asked the same question, and of each id one, are scored together.
        question = _question(left[0][1])
        batch: dict[str, ScoredGrasp] = {}
        for grasp, score in left:
            if _question(score) == question:
                batch.setdefault(grasp.id, (grasp, score))
        taken = {id(score) for _, score in batch.values()}
        left = [one for one in left if id(one[1]) not in taken]
        yield from _rescore_batch(list(batch.values()), pool, is_cancelled)


def _question(score: GraspScore) -> tuple[object, ...]:
    trials = {criterion: one.trials for criterion, one in score.fitness.items()}
    return score.profile, score.seed, score.whole, tuple(sorted(trials.items(), key=str))


def _rescore_batch(
    batch: list[ScoredGrasp], pool: Pool, is_cancelled: Callable[[], bool]
) -> Iterator[Check]:
    first = batch[0][1]
    try:
        request = _request(first)
    except DrGraspError as error:
        for grasp, _ in batch:
            yield _refused(grasp.id, str(error))
        return
    answer = Scorer(pool=pool).score(
        [grasp for grasp, _ in batch], request, is_cancelled=is_cancelled
    )
    again = {score.grasp_id: score for score in answer.scores}
    reasons = {one.grasp_id: one.reason for one in answer.refused}
    for grasp, recorded in batch:
        if grasp.id in again:
            yield from compare_scores(recorded, again[grasp.id], _profile_now(first.profile))
        elif not answer.cancelled:
            yield _refused(grasp.id, reasons.get(grasp.id, "no score"))


def _request(score: GraspScore) -> ScoreRequest:
    profile = load_profile(score.profile)
    trials = {**profile.trials, **{c: one.trials for c, one in score.fitness.items()}}
    # One that failed undisturbed drops out of a race without any other rollout.
    if not score.fitness:
        trials = dict.fromkeys(Criterion, 1)
    return ScoreRequest(
        replace(profile, trials=trials),
        tuple(score.fitness) or (Criterion.MDR,),
        seed=score.seed,
        shortcuts=Shortcuts.none() if score.whole else ALL,
    )


def _profile_now(name: str) -> Mapping[str, str]:
    return {PROFILE: models_of(profile=load_profile(name))[PROFILE]}


def compare_scores(
    recorded: GraspScore, again: GraspScore, present: Mapping[str, str]
) -> Iterator[Check]:
    """Compare two scores of one grasp; without a fitness only how the undisturbed rollout ended.

    Args:
        recorded: What the bag has.
        again: What came out now.
        present: Fingerprints that take the place of those in `again`.
    """
    reason = likely_reason(
        recorded.models,
        recorded.software_version,
        {**again.models, **present},
        again.software_version,
    )
    subject = f"grasp {recorded.grasp_id}"
    yield Check.of(
        subject,
        "nominal outcome",
        recorded.nominal_outcome.label,
        again.nominal_outcome.label,
        reason,
    )
    for criterion, was in recorded.fitness.items():
        now = again.fitness[criterion]
        yield Check.of(
            subject,
            criterion.value,
            f"{was.successes} of {was.trials}",
            f"{now.successes} of {now.trials}",
            reason,
        )
    if recorded.fitness:
        yield Check.of(subject, "failures", _counts(recorded), _counts(again), reason)


def _counts(score: GraspScore) -> str:
    words = [f"{count} {reason.label}" for reason, count in sorted(score.failures.items())]
    return ", ".join(words) or "none"


def _refused(grasp_id: str, reason: str) -> Check:
    return Check(f"grasp {grasp_id}", "score", Verdict.DIFFERS, "a score", "refused", reason)
