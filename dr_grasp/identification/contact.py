"""Fits friction, mass, centre of mass and gripper force to how attempts ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dr_grasp.core.arrays import FloatArray
from dr_grasp.core.noise import DynamicsNoise
from dr_grasp.core.perturbation import Profile
from dr_grasp.identification.checks import (
    USUAL_POWER,
    Calibration,
    Explained,
    calibrate,
    explain,
    mistaken,
)
from dr_grasp.identification.evidence import Evidence, measured_place
from dr_grasp.identification.findings import Finding
from dr_grasp.identification.likelihood import Surrogate
from dr_grasp.identification.outcomes import compare, groups_of
from dr_grasp.identification.posterior import Posterior, posterior_of
from dr_grasp.identification.ranges import ItemEstimate, Learnt, new_ranges
from dr_grasp.identification.rehearsal import Base, Rehearsal
from dr_grasp.identification.replica import Replayed, Run
from dr_grasp.identification.settings import ContactSettings, Method
from dr_grasp.identification.simopt import discrepancy, moved
from dr_grasp.identification.worlds import Belief, Space

PROPOSAL_WIDER = 1.5
"""Worlds of the next iteration are drawn from what is believed by then, with standard deviations
this many times larger, so that a wrong belief is found out."""


@dataclass(frozen=True, slots=True, eq=False)
class ContactFit:
    """What was found about contact.

    Attributes:
        dynamics: The new ranges; those that were not fitted are the old ones.
        findings: One for each range of the profile.
        items: One for each parameter of each object and of the robot.
        belief: All parameters together, for `suggestion`.
        checks: What was checked, in one line each.
        rollouts: Number of rollouts.
        iterations: Number of iterations.
        calibration: Calibration of the method in simulated worlds.
    """

    dynamics: DynamicsNoise
    findings: tuple[Finding, ...]
    items: tuple[ItemEstimate, ...]
    belief: Belief
    checks: tuple[str, ...]
    rollouts: int
    iterations: int
    calibration: Calibration


def fit_contact(
    evidence: Evidence, base: Base, old: Profile, settings: ContactSettings, run: Run
) -> ContactFit:
    """Fit contact to attempts.

    Args:
        evidence: The attempts, at least one.
        base: Draws errors of control for each world.
        old: The old profile; where objects stood before an attempt was not measured, places are
            drawn from its `object_pose`.
        settings: How to fit.
        run: Simulates replicas.
    """
    attempts = [tried.attempt for tried in evidence.attempts]
    space = Space.of(evidence.objects, old.dynamics)
    groups = groups_of([attempt.grasp for attempt in attempts])
    rehearsal = Rehearsal(
        grasps=tuple(attempt.grasp for attempt in attempts),
        places=tuple(map(measured_place, attempts)),
        noise=old.object_pose,
        space=space,
        base=base,
        engine=settings.engine,
        run=run,
    )
    rng = np.random.default_rng(settings.seed)
    prior = Belief.prior(space)
    belief = proposal = prior
    worlds: FloatArray = np.zeros((0, len(space)))
    drawn_from: list[Belief] = []
    replayed: list[list[Replayed]] = [[] for _ in attempts]
    for count in _shares(settings.worlds, settings.iterations):
        drawn = proposal.draw(count, rng)
        new = rehearsal.simulate(
            drawn, len(worlds), settings.seed, same_base=settings.method is Method.SIMOPT
        )
        for row, more in zip(replayed, new, strict=True):
            row.extend(more)
        worlds = np.vstack([worlds, drawn])
        drawn_from += [proposal] * count
        real, simulated = compare(evidence, replayed)
        surrogate = Surrogate.fit(space, groups, worlds, simulated)
        if settings.method is Method.SIMOPT:
            newest = np.arange(len(worlds) - count, len(worlds))
            costs = discrepancy(real, simulated[newest])
            belief = proposal = moved(belief, groups, drawn, costs)
        else:
            posterior = posterior_of(
                surrogate.terms(real), prior.mean, prior.covariance, USUAL_POWER
            )
            belief = _normal(space, posterior)
            proposal = Belief(space, belief.mean, belief.covariance * PROPOSAL_WIDER**2)
    calibration = calibrate(drawn_from, groups, worlds, simulated)
    posterior = posterior_of(surrogate.terms(real), prior.mean, prior.covariance, calibration.power)
    unaided = posterior_of(surrogate.terms(real, 0.0), prior.mean, prior.covariance)
    explained = explain(calibration, unaided)
    if settings.method is Method.POSTERIOR:
        belief = _normal(space, posterior)
    learnt = _learnt(space, belief, posterior, calibration, explained)
    dynamics, findings = new_ranges(learnt, old.dynamics)
    return ContactFit(
        dynamics=dynamics,
        findings=findings,
        items=tuple(one.estimate() for one in learnt),
        belief=_known(space, belief, learnt),
        checks=(explained.text, calibration.text),
        rollouts=len(worlds) * len(attempts),
        iterations=settings.iterations,
        calibration=calibration,
    )


def _shares(worlds: int, iterations: int) -> list[int]:
    """Divide worlds among iterations; the first have one more if they do not divide evenly."""
    return [len(part) for part in np.array_split(np.arange(worlds), iterations)]


def _normal(space: Space, posterior: Posterior) -> Belief:
    return Belief(space, posterior.mean, posterior.covariance)


def _learnt(
    space: Space,
    belief: Belief,
    posterior: Posterior,
    calibration: Calibration,
    explained: Explained,
) -> list[Learnt]:
    """Say of each parameter what is known, never more than the attempts show."""
    # SimOpt's distribution narrows by its own rule; the posterior says what outcomes can tell.
    stds = np.sqrt(np.maximum(np.diag(belief.covariance), np.diag(posterior.covariance)))
    stds = np.minimum(stds, 1.0)
    refusals = [explained.refusal or reason for reason in calibration.refusals()]
    return [
        Learnt(parameter, float(mean), float(std), refusal, other)
        for parameter, mean, std, refusal, other in zip(
            space.parameters,
            belief.mean,
            stds,
            refusals,
            mistaken(space, posterior.covariance),
            strict=True,
        )
    ]


def _known(space: Space, belief: Belief, learnt: Sequence[Learnt]) -> Belief:
    """The belief with the standard deviations that are reported."""
    stds = np.array([one.std for one in learnt])
    factors: FloatArray = stds / np.sqrt(np.diag(belief.covariance))
    return Belief(space, belief.mean, belief.covariance * np.outer(factors, factors))
