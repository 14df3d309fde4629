"""Says which of many grasps would tell most about a laboratory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from dr_grasp.core.arrays import FloatArray
from dr_grasp.core.engine import Engine
from dr_grasp.core.perturbation import Profile
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import SettingsError
from dr_grasp.identification.checks import USUAL_POWER
from dr_grasp.identification.likelihood import UNEXPLAINED, GraspModel, Surrogate
from dr_grasp.identification.outcomes import Group, simulated_outcomes
from dr_grasp.identification.rehearsal import Base, Rehearsal
from dr_grasp.identification.replica import Run
from dr_grasp.identification.worlds import Belief, Space

WORLDS_EACH = 20
"""Number of worlds in which each candidate is simulated: seven slopes are learnt from them."""

MOST_CANDIDATES = 5000
"""Most grasps of which some are suggested: 100,000 rollouts, some hours on one core. Of a larger
set, the best thousand by their scores are those that anybody would execute."""

LEAST_INFORMATION = 1e-3
"""A grasp that tells less than this is not suggested [nats]."""

TOLD_ABOUT = 3
"""Most parameters that are named for each suggestion."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A grasp whose execution would tell something.

    Attributes:
        grasp_id: Id of the grasp.
        information: What one attempt would add to those suggested before it [nats].
        about: Labels of the parameters that it tells most about, at most three.
    """

    grasp_id: str
    information: float
    about: tuple[str, ...]


def suggest(
    grasps: Sequence[GraspTrajectory],
    belief: Belief,
    base: Base,
    old: Profile,
    engine: Engine,
    run: Run,
    *,
    seed: int = 0,
    count: int = 10,
) -> tuple[Suggestion, ...]:
    """Choose the grasps that would tell most, the most telling first.

    Each candidate is simulated in worlds that are drawn from what is believed. How its outcome
    depends on the world gives the information of an attempt (Fisher's). Candidates are then taken
    one by one, each time that which adds most to the logarithm of the determinant of all that would
    be known (D-optimal design): so the second does not tell again what the first tells.

    Args:
        grasps: Grasps of one robot.
        belief: What is known: of `ContactFit`, or `Belief.prior(Space.of(objects, old.dynamics))`.
        base: Draws errors of control for each world.
        old: The profile from which objects' places are drawn, and unknown objects' parameters.
        engine: The engine of the rollouts.
        run: Simulates replicas, `WORLDS_EACH` of each grasp.
        seed: Seed of the worlds.
        count: How many to choose.

    Raises:
        SettingsError: There are too many grasps.
    """
    if len(grasps) > MOST_CANDIDATES:
        raise SettingsError(
            f"suggest: expected at most {MOST_CANDIDATES} grasps, got {len(grasps)}; take the best "
            "by their scores"
        )
    known = belief.including(sorted({grasp.object for grasp in grasps}), old.dynamics)
    worlds = known.draw(WORLDS_EACH, np.random.default_rng(seed))
    nowhere = tuple(None for _ in grasps)
    rehearsal = Rehearsal(tuple(grasps), nowhere, old.object_pose, known.space, base, engine, run)
    simulated = simulated_outcomes(rehearsal.simulate(worlds, 0, seed))
    # In standard deviations of what is believed: slopes of what is well known must not be noise.
    stds = np.sqrt(np.diag(known.covariance))
    coordinates = (worlds - known.mean) / stds
    groups = [Group(grasp, (place,)) for place, grasp in enumerate(grasps)]
    surrogate = Surrogate.fit(known.space, groups, coordinates, simulated)
    told = [_information(model, coordinates) for model in surrogate.grasps]
    return _chosen(grasps, told, known.covariance / np.outer(stds, stds), known.space, count)


def _information(model: GraspModel, coordinates: FloatArray) -> FloatArray:
    """Expected information of one attempt, shape (n, n), in units of `coordinates`."""
    columns, size = list(model.columns), coordinates.shape[1]
    chances = expit(coordinates[:, columns] @ model.logit_slopes + model.logits[0])
    information = np.zeros((size, size))
    part = np.ix_(columns, columns)
    slopes = model.logit_slopes
    information[part] += float((chances * (1 - chances)).mean()) * np.outer(slopes, slopes)
    if model.known.size:
        covariance = model.shared + model.own + UNEXPLAINED**2 * np.eye(len(model.known))
        seen = model.slopes @ np.linalg.solve(covariance, model.slopes.T)
        information[part] += float(chances.mean()) * seen
    return USUAL_POWER * information


def _chosen(
    grasps: Sequence[GraspTrajectory],
    told: Sequence[FloatArray],
    correlation: FloatArray,
    space: Space,
    count: int,
) -> tuple[Suggestion, ...]:
    """Choose greedily; a grasp that tells nothing is not suggested."""
    precision = np.linalg.inv(correlation)
    left = list(range(len(grasps)))
    chosen: list[Suggestion] = []
    while left and len(chosen) < count:
        known = np.linalg.slogdet(precision)[1]
        gains = [(np.linalg.slogdet(precision + told[i])[1] - known) / 2 for i in left]
        best = left.pop(int(np.argmax(gains)))
        if max(gains) < LEAST_INFORMATION:
            break
        after = precision + told[best]
        shrunk = 1 - np.diag(np.linalg.inv(after)) / np.diag(np.linalg.inv(precision))
        most = [i for i in np.argsort(-shrunk)[:TOLD_ABOUT] if shrunk[i] > shrunk.max() / 3]
        about = tuple(space.parameters[i].label for i in most)
        chosen.append(Suggestion(grasps[best].id, float(max(gains)), about))
        precision = after
    return tuple(chosen)
