"""Fits friction, mass, centre of mass and gripper force to how attempts ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from dr_grasp.core.engine import Engine
from dr_grasp.core.named import NamedEnum
from dr_grasp.core.perturbation import DynamicsNoise, Perturbation, Profile
from dr_grasp.identification.evidence import Evidence
from dr_grasp.identification.findings import Estimate, Finding
from dr_grasp.identification.replica import Replayed, Replica
from dr_grasp.identification.worlds import Belief, Quantity

Run = Callable[[Sequence[Replica]], Sequence[Replayed]]
"""Simulates replicas; gives what came of each, in their order."""

Base = Callable[[np.random.Generator], Perturbation]
"""Draws a world's errors of control, as far as they are known: delay, lag, joint zeros."""


class Method(NamedEnum):
    """How outcomes are explained."""

    POSTERIOR = "posterior"
    SIMOPT = "simopt"


@dataclass(frozen=True, slots=True)
class ContactSettings:
    """How contact is fitted.

    Attributes:
        method: How outcomes are explained.
        engine: The engine of the rollouts.
        worlds: Number of worlds, in each of which every attempt is simulated once.
        iterations: Number of iterations, among which the worlds are divided.
        seed: Seed of all that is drawn.
    """

    method: Method = Method.POSTERIOR
    engine: Engine = Engine.MUJOCO
    worlds: int = 40
    iterations: int = 3
    seed: int = 0


@dataclass(frozen=True, slots=True)
class ItemEstimate:
    """What was found of one parameter of one object, or of the robot.

    Attributes:
        item: Name of the object; empty for the robot.
        quantity: The parameter.
        estimate: Its value with a 90 % interval, in its own unit.
        contraction: 1 minus the variance after over that before: 0 if nothing was learnt.
        fitted: Whether that is enough to be used.
    """

    item: str
    quantity: Quantity
    estimate: Estimate
    contraction: float
    fitted: bool


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
    """

    dynamics: DynamicsNoise
    findings: tuple[Finding, ...]
    items: tuple[ItemEstimate, ...]
    belief: Belief
    checks: tuple[str, ...]
    rollouts: int
    iterations: int


def fit_contact(
    evidence: Evidence, base: Base, old: Profile, settings: ContactSettings, run: Run
) -> ContactFit:
    """Fit contact to attempts.

    Args:
        evidence: The attempts.
        base: Draws errors of control for each world.
        old: The old profile; where objects stood before an attempt was not recorded, places are
            drawn from its `object_pose`.
        settings: How to fit.
        run: Simulates replicas.
    """
    raise NotImplementedError
