"""Says which of many grasps would tell most about a laboratory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dr_grasp.core.perturbation import Profile
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.identification.contact import Base, ContactSettings, Run
from dr_grasp.identification.worlds import Belief


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
    settings: ContactSettings,
    run: Run,
    count: int = 10,
) -> tuple[Suggestion, ...]:
    """Choose the grasps that would tell most, the most telling first.

    Args:
        grasps: Grasps of one robot.
        belief: What is known: of `ContactFit`, or `Belief.prior(Space.of(objects, old.dynamics))`.
        base: Draws errors of control for each world.
        old: The profile from which objects' places are drawn.
        settings: Engine, worlds (a fifth of them is simulated for each grasp) and seed.
        run: Simulates replicas.
        count: How many to choose.
    """
    raise NotImplementedError
