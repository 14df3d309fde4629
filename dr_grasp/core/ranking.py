"""Ranks grasps by their scores: which to try first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from dr_grasp.core.fitness import GraspScore
from dr_grasp.core.perturbation import Criterion
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import DrGraspError


def ranking_value(score: GraspScore) -> float:
    """The value to rank by: transfer probability if there is one, else MDR, else mean fitness."""
    if score.transfer_probability is not None:
        return score.transfer_probability
    if Criterion.MDR in score.fitness:
        return score.fitness[Criterion.MDR].value
    return mean_fitness(score)


def mean_fitness(score: GraspScore) -> float:
    """Mean fitness over the scored criteria; 0 if there are none."""
    values = [fitness.value for fitness in score.fitness.values()]
    return sum(values) / len(values) if values else 0.0


def _key(score: GraspScore) -> tuple[bool, bool, bool, float, float, str]:
    # Grasps that fail even undisturbed come last; before them come grasps whose sampling stopped
    # early: five successes of five are no reason to prefer a grasp to another with 98 of 100. A
    # calibrated probability and a fitness cannot be compared, so grasps with a probability come
    # first. Ties go to the higher mean, then by id, so that the order of arrival does not matter.
    return (
        not score.nominal_success,
        any(fitness.sequential for fitness in score.fitness.values()),
        score.transfer_probability is None,
        -ranking_value(score),
        -mean_fitness(score),
        score.grasp_id,
    )


def rank(scores: Iterable[GraspScore]) -> list[GraspScore]:
    """Sort scores, best first; the result does not depend on the order in which they came."""
    return sorted(scores, key=_key)


def rank_grasps(
    grasps: Sequence[GraspTrajectory], scores: Sequence[GraspScore]
) -> list[tuple[GraspTrajectory, GraspScore | None]]:
    """Pair grasps with their scores, best first; those without a score come last, by id.

    Raises:
        DrGraspError: Two grasps, or two scores, share an id.
    """
    by_id = {grasp.id: grasp for grasp in grasps}
    score_of: Mapping[str, GraspScore] = {score.grasp_id: score for score in scores}
    for kind, found, given in (("grasps", by_id, grasps), ("scores", score_of, scores)):
        if len(found) != len(given):
            raise DrGraspError(
                f"{kind}: expected unique ids, got {len(given) - len(found)} repeated"
            )
    ranked = [(by_id[score.grasp_id], score) for score in rank(scores) if score.grasp_id in by_id]
    unscored = sorted(set(by_id) - set(score_of))
    return [*ranked, *((by_id[name], None) for name in unscored)]
