"""Result of trying a proposal, and the objective that a search maximises."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dr_grasp.core.arrays import FloatArray
from dr_grasp.core.outcome import LinkPair, Outcome
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.generation.motion import Unreachable
from dr_grasp.generation.proposal import Proposal

STEADY_SLIP_M = 0.01
"""If the object slips this far in the hand, the quality of the grasp is 1/e."""


@dataclass(frozen=True, slots=True)
class Trials:
    """Counts of a success's rollouts under domain randomisation.

    Attributes:
        successes: Number of rollouts that succeeded.
        done: Number of rollouts that were run; fewer than planned if more cannot change the elites.
        planned: Largest number of rollouts.
    """

    successes: int
    done: int
    planned: int

    @property
    def value(self) -> float:
        """The fitness, in [0, 1]; its lower bound if trials are missing."""
        return self.successes / self.planned

    @property
    def bound(self) -> float:
        """The largest fitness that is still possible, in [0, 1]."""
        return (self.successes + self.planned - self.done) / self.planned

    def may_still_beat(self, fitness: float | None) -> bool:
        """Whether more trials could raise the fitness above `fitness`; None counts as worst."""
        return self.done < self.planned and (fitness is None or self.bound > fitness)


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """Result of trying a proposal.

    Attributes:
        proposal: The grip that was tried.
        unreachable: Reason why the arm cannot execute the grip; None if it can.
        outcome: Outcome of the undisturbed rollout; None if the grip is unreachable.
        touch_in_object: Where the hand first touched, shape (3,), in the object's frame at that
            moment [m]; None if the hand never touched the object.
        slip_m: Distance that the object moved in the hand from the end of closing to the end of the
            hold [m]; None without success.
        grasp: The grasp; None without success.
        trials: Trials under the criterion that the search maximises; None if it has no criterion.
        links: What touched, if the robot hit itself, the table or the ground; else None.
    """

    proposal: Proposal
    unreachable: Unreachable | None = None
    outcome: Outcome | None = None
    touch_in_object: FloatArray | None = None
    slip_m: float | None = None
    grasp: GraspTrajectory | None = None
    trials: Trials | None = None
    links: LinkPair | None = None

    @property
    def success(self) -> bool:
        """Whether the grasp holds in the undisturbed rollout."""
        return self.outcome is Outcome.SUCCESS

    @property
    def failure(self) -> str | None:
        """Reason why the proposal gave no grasp, in words; None for a success."""
        if self.unreachable is not None:
            return self.unreachable.value
        return None if self.success or self.outcome is None else self.outcome.label

    @property
    def objective(self) -> float:
        """The number that a search maximises: 0 without success, else 1 plus a quality in [0, 1].

        The quality is the fitness if there are trials, else the steadiness exp(-slip / 10 mm).
        """
        if not self.success:
            return 0.0
        if self.trials is not None:
            return 1.0 + self.trials.value
        return 1.0 + math.exp(-(self.slip_m or 0.0) / STEADY_SLIP_M)
