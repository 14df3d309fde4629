"""What became of a proposal that was tried, and what that is worth."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dr_grasp.core.arrays import FloatArray
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.generation.motion import Unreachable
from dr_grasp.generation.proposal import Proposal

STEADY_SLIP_M = 0.01
"""A grasp in which the object slips this far has a quality of 1/e."""


@dataclass(frozen=True, slots=True)
class Trials:
    """Rollouts of a success under domain randomisation.

    Attributes:
        successes: How many succeeded.
        done: How many there were; fewer than planned if more could not have changed anything.
        planned: How many there would have been.
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
        """What the fitness could become at most."""
        return (self.successes + self.planned - self.done) / self.planned

    def may_still_beat(self, fitness: float | None) -> bool:
        """Whether more trials could make the fitness better than another; None: there is none."""
        return self.done < self.planned and (fitness is None or self.bound > fitness)


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What became of a proposal.

    Attributes:
        proposal: The proposal.
        unreachable: Why the arm cannot do it; None if it can.
        outcome: Of the undisturbed rollout; None if there was none.
        touch_in_object: Shape (3,), where the hand first touched, in the object's frame at that
            moment [m]; None if it never did.
        slip_m: How far the object moved in the hand from the end of closing to the end of the
            hold; None without success.
        grasp: The trajectory; None without success.
        trials: Of the criterion that the search is to maximise, if there is one.
    """

    proposal: Proposal
    unreachable: Unreachable | None = None
    outcome: Outcome | None = None
    touch_in_object: FloatArray | None = None
    slip_m: float | None = None
    grasp: GraspTrajectory | None = None
    trials: Trials | None = None

    @property
    def success(self) -> bool:
        """Whether this is a grasp that holds undisturbed."""
        return self.outcome is Outcome.SUCCESS

    @property
    def failure(self) -> str | None:
        """Why it came to nothing, in words; None for a success."""
        if self.unreachable is not None:
            return self.unreachable.value
        return None if self.success or self.outcome is None else self.outcome.label

    @property
    def objective(self) -> float:
        """What a search maximises: 0 without success, else 1 plus a quality in [0, 1].

        The quality is the fitness where there were trials, else the steadiness exp(-slip / 10 mm).
        """
        if not self.success:
            return 0.0
        if self.trials is not None:
            return 1.0 + self.trials.value
        return 1.0 + math.exp(-(self.slip_m or 0.0) / STEADY_SLIP_M)
