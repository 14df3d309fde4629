"""The rule of `EarlyEnd` for many rollouts at once, as arrays; a test holds both equal."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dr_grasp.core.arrays import BoolArray, FloatArray, IntArray
from dr_grasp.core.batch_judge import UNDECIDED, BatchJudge, Observations
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.trajectory import Phase
from dr_grasp.simulation.early_end import CREEP_M, RISEN_M, WINDOW
from dr_grasp.simulation.rollout import LOOK_EVERY

OutOfReach = Callable[[IntArray], BoolArray]
"""Given the numbers of k worlds, tells in which of them, shape (k,), the object is `LOST_M` or more
from the robot. Asked only where that decides."""


class BatchEarlyEnd:
    """Watches the rollouts in a number of worlds; see `EarlyEnd` for the rule."""

    def __init__(self, worlds: int, judge: BatchJudge, out_of_reach: OutOfReach) -> None:
        """Begin without any observation.

        Args:
            worlds: Number of worlds.
            judge: Decides outcomes as if at the end.
            out_of_reach: Tells whether an object is far from the robot.
        """
        self._judge = judge
        self._out_of_reach = out_of_reach
        self._steps = np.zeros(worlds, dtype=np.int64)
        self._closed_height = np.zeros(worlds)
        self._places = np.zeros((worlds, WINDOW, 3))
        self._count = np.zeros(worlds, dtype=np.int64)

    def begin(self, worlds: IntArray, steps: IntArray) -> None:
        """Forget what was observed in m worlds: rollouts of so many steps begin there."""
        self._steps[worlds] = steps
        self._closed_height[worlds] = 0.0
        self._count[worlds] = 0

    def observe(
        self,
        worlds: IntArray,
        steps: IntArray,
        phases: IntArray,
        seen: Observations,
        object_in_hand: FloatArray,
    ) -> IntArray:
        """Take one observation of each of m different worlds, of which the judge decided none.

        Args:
            worlds: Shape (m,), numbers of the worlds.
            steps: Shape (m,), steps after which they were observed.
            phases: Shape (m,), the `Phase` of each.
            seen: The observations.
            object_in_hand: Shape (m, 3), the object's centre of mass in the frame of the tool
                centre point [m].

        Returns:
            Shape (m,), outcomes that are certain; `UNDECIDED` for all others.
        """
        outcomes = np.full(len(worlds), UNDECIDED)
        closing = phases == Phase.CLOSE
        self._closed_height[worlds[closing]] = seen.hand_height[closing]
        after = (phases == Phase.LIFT) | (phases == Phase.HOLD)
        risen = after & (seen.hand_height - self._closed_height[worlds] > RISEN_M)
        dropped = np.flatnonzero(risen & seen.object_supported)
        if len(dropped):
            lost = dropped[self._out_of_reach(worlds[dropped])]
            outcomes[lost] = self._judge.failures(worlds[lost])
        held = risen & ~seen.object_supported & seen.hand_touches
        self._count[worlds[after & ~held]] = 0
        held_worlds = worlds[held]
        self._places[held_worlds, :-1] = self._places[held_worlds, 1:]
        self._places[held_worlds, -1] = object_in_hand[held]
        self._count[held_worlds] += 1
        watched = np.flatnonzero(held & (self._count[worlds] >= WINDOW))
        if len(watched):
            steady = watched[self._creep(worlds[watched], steps[watched]) < CREEP_M]
            ends = self._judge.at_end(worlds[steady], seen.of(steady))
            outcomes[steady] = np.where(ends == Outcome.SUCCESS, ends, UNDECIDED)
        return outcomes

    def _creep(self, worlds: IntArray, steps: IntArray) -> FloatArray:
        """How far objects will creep in the hand until the end, at their present pace [m]."""
        third = WINDOW // 3
        places = self._places[worlds]
        moved = places[:, -third:].mean(axis=1) - places[:, :third].mean(axis=1)
        looks_left = (self._steps[worlds] - steps) / LOOK_EVERY
        return np.asarray(np.linalg.norm(moved, axis=1) / (WINDOW - third) * looks_left)
