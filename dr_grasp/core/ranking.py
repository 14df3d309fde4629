"""Ranks grasps by their scores: which to try first.

In this order, each deciding where those before leave a tie:

1. Grasps that hold undisturbed come before those that do not.
2. Grasps with a fixed number of rollouts come before those whose sampling stopped early.
3. Grasps with a transfer probability come before those without.
4. The higher value: the transfer probability, or else MDR, or else the mean fitness.
5. The higher low end of the fitness's interval: 50 of 50 is surer than 5 of 5.
6. The higher mean fitness.
7. The id, in the order of its characters.

Whatever ranks grasps by scores does so here: the tables, the executor, `execute`, and the demo.
"""

from __future__ import annotations

import math
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
    return _mean(fitness.value for fitness in score.fitness.values())


def sure_fitness(score: GraspScore) -> float:
    """Low end of MDR's 95 % interval, or without MDR the mean of those of the scored criteria."""
    if Criterion.MDR in score.fitness:
        return score.fitness[Criterion.MDR].interval[0]
    return _mean(fitness.interval[0] for fitness in score.fitness.values())


def _mean(values: Iterable[float]) -> float:
    # Without rounding on the way, on which the order of the criteria would have an influence.
    found = list(values)
    return math.fsum(found) / len(found) if found else 0.0


def _key(score: GraspScore) -> tuple[bool, bool, bool, float, float, float, str]:
    # Five successes of five are no reason to prefer a grasp to another with 98 of 100: so grasps
    # whose sampling stopped early come later. A calibrated probability and a fitness cannot be
    # compared, so grasps with a probability come first. By the id, no order of arrival matters.
    return (
        not score.nominal_success,
        any(fitness.sequential for fitness in score.fitness.values()),
        score.transfer_probability is None,
        -ranking_value(score),
        -sure_fitness(score),
        -mean_fitness(score),
        score.grasp_id,
    )


def rank(scores: Iterable[GraspScore]) -> list[GraspScore]:
    """Sort scores, best first, by the rule above, whatever order they came in."""
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
