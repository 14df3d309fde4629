"""How well a profile foretells the attempts, by rollouts under MDR as scoring draws them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dr_grasp.core.engine import Engine
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion, Profile, sample_perturbation
from dr_grasp.identification.evidence import Evidence
from dr_grasp.identification.findings import Agreement
from dr_grasp.identification.replica import Replayed, Replica

WORLDS_EACH = 4
"""Worlds in which each attempt is simulated. Of 60 attempts these are 240: their mean is known to
some 3 %, and both profiles together take a fifth of the rollouts that fitting contact takes."""


def foretold(
    evidence: Evidence, profile: Profile, engine: Engine, seed: int, joints: int
) -> list[Replica]:
    """The rollouts that foretell each attempt, `WORLDS_EACH` for each, one attempt after another.

    Two profiles get the same random numbers.

    Args:
        evidence: The attempts.
        profile: The profile.
        engine: The engine of the rollouts.
        seed: Seed of the worlds.
        joints: Number of the robot's arm joints.
    """
    return [
        Replica(
            number,
            world,
            tried.attempt.grasp,
            sample_perturbation(profile, Criterion.MDR, seed, number * WORLDS_EACH + world, joints),
            engine,
        )
        for number, tried in enumerate(evidence.attempts)
        for world in range(WORLDS_EACH)
    ]


def agreement(evidence: Evidence, ended: Sequence[Replayed]) -> Agreement:
    """Compare attempts with what was simulated.

    A share of few worlds is off by chance, too, and its square by p (1 - p) / n in the mean, which
    is taken out: the Brier score is that of very many worlds, without bias.

    Args:
        evidence: The attempts.
        ended: How the rollouts of `foretold` ended.
    """
    held = np.array([tried.held for tried in evidence.attempts], np.float64)
    successes = np.array([replayed.outcome is Outcome.SUCCESS for replayed in ended], np.float64)
    share = successes.reshape(len(held), WORLDS_EACH).mean(axis=1)
    chance = share * (1 - share) / (WORLDS_EACH - 1)
    means = [
        float(share[chosen].mean()) if chosen.any() else None for chosen in (held > 0, held == 0)
    ]
    return Agreement(means[0], means[1], float(np.mean((share - held) ** 2 - chance)))
