"""Runs rollouts with one robot and one object in a batch of worlds, and judges them together."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from dr_grasp.common.closing import Closing
from dr_grasp.core.arrays import BoolArray, IntArray
from dr_grasp.core.batch_judge import UNDECIDED, BatchJudge, Observations
from dr_grasp.core.outcome import LinkPair, Outcome
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.objects.object_spec import ObjectSpec
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.simulation.batch_early_end import BatchEarlyEnd
from dr_grasp.simulation.rollout import LOOK_EVERY, Rollout
from dr_grasp.simulation.rollout_runner import REST_LOOKS, REST_SPEED, Shortcuts
from dr_grasp.simulation.warp import kernels
from dr_grasp.simulation.warp.batch_worlds import BatchWorlds, Looks
from dr_grasp.simulation.warp.buffers import Buffers
from dr_grasp.simulation.warp.starts import Numbers, Start, StartingWorld
from dr_grasp.simulation.warp.trials import Trial, Trials

NumberedRollout = tuple[int, GraspTrajectory, Perturbation]
"""A rollout to simulate, with its number."""


class Batch(Closing):
    """A batch of worlds of one robot and one object, refilled as rollouts end.

    Attributes:
        buffers: For how much each world has memory; larger after an overflow.
    """

    def __init__(
        self,
        robot: RobotSpec,
        obj: ObjectSpec,
        count: int,
        device: Any,
        shortcuts: Shortcuts,
        buffers: Buffers,
        *,
        deterministic: bool = False,
    ) -> None:
        """Build the worlds; see `BatchRunner`."""
        self._template = StartingWorld(robot, obj)
        self._device, self._deterministic = device, deterministic
        self._count = count
        self._shortcuts = shortcuts
        self._radius = obj.radius
        self._trials = Trials(self._template, shortcuts.late_entry)
        self._judge = BatchJudge(count)
        self._early_end = BatchEarlyEnd(count, self._judge, self._out_of_reach)
        self._running: dict[int, Trial] = {}
        self._states: tuple[Numbers, Numbers] | None = None
        self._going = np.zeros(count, dtype=bool)
        self._resting = np.zeros(count, dtype=bool)
        self._settling = np.zeros(count, dtype=bool)
        self._first = np.zeros(count, dtype=np.int64)
        self._steps = np.zeros(count, dtype=np.int64)
        self._most = np.zeros(count, dtype=np.int64)
        self._ends = np.zeros((count, 4), dtype=np.int64)
        self._slow_looks = np.zeros(count, dtype=np.int64)
        self._open(buffers)

    def _open(self, buffers: Buffers) -> None:
        self.buffers = buffers
        self._worlds = BatchWorlds(
            self._template,
            self._count,
            self._device,
            buffers,
            deterministic=self._deterministic,
        )

    def close(self) -> None:
        """Free the worlds; may be called twice."""
        self._worlds.close()
        self._template.close()

    def run(
        self, rollouts: Iterable[NumberedRollout], is_cancelled: Callable[[], bool]
    ) -> Iterator[tuple[int, Rollout]]:
        """Simulate rollouts; see `BatchRunner.run`."""
        waiting = iter(rollouts)
        again: deque[Trial] = deque()
        self._running.clear()
        self._going[:] = self._resting[:] = False
        while True:
            self._refill(waiting, again)
            if not self._running or is_cancelled():
                return
            looks = self._worlds.advance()
            self._states = None
            lost = int(np.bitwise_or.reduce(looks.overflow[self._going]))
            if lost:
                again.extend(sorted(self._running.values(), key=lambda trial: trial.index))
                self._running.clear()
                self._going[:] = False
                buffers = self._worlds.larger_buffers(lost)
                self._worlds.close()
                self._open(buffers)
                continue
            yield from self._judge_all(looks)
            self._steps += LOOK_EVERY
            self._enter_settled()

    def _refill(self, waiting: Iterator[NumberedRollout], again: deque[Trial]) -> None:
        """Give worlds without a rollout one that waits; first those that must begin again."""
        begun: dict[int, tuple[Trial, Start]] = {}
        for world in np.flatnonzero(~self._going).tolist():
            if again:
                trial = again.popleft()
                begun[world] = trial, self._trials.again(trial)
                continue
            new = next(waiting, None)
            if new is None:
                break
            begun[world] = self._trials.first(*new)
        self._begin(begun)
        self._judge.begin(np.array([*begun], dtype=np.int64))
        idle = np.flatnonzero(~self._going & ~self._resting)
        self._worlds.rest(idle)
        self._resting[idle] = True

    def _begin(self, begun: dict[int, tuple[Trial, Start]]) -> None:
        if not begun:
            return
        worlds, starts = [*begun], [start for _, start in begun.values()]
        self._steps[worlds] = self._worlds.begin(worlds, starts)
        self._first[worlds] = [start.step for start in starts]
        self._most[worlds] = [trial.most for trial, _ in begun.values()]
        self._settling[worlds] = self._most[worlds] > 0
        self._slow_looks[worlds] = 0
        self._ends[worlds] = [trial.plan.ends for trial, _ in begun.values()]
        self._going[worlds], self._resting[worlds] = True, False
        self._early_end.begin(np.array(worlds), self._ends[worlds, -1])
        self._running.update((world, trial) for world, (trial, _) in begun.items())

    def _judge_all(self, looks: Looks) -> Iterator[tuple[int, Rollout]]:
        """Judge what was seen after each of the last steps; gives the rollouts that have ended."""
        steps = self._steps + np.arange(LOOK_EVERY)[:, None]
        phase_ends = (steps[:, :, None] + 1 == self._ends).any(axis=2) & ~self._settling
        due = phase_ends | (steps % LOOK_EVERY == 0)
        due &= self._going & (steps >= self._first)
        while due.any():
            # Of each world what was seen first, and has not been judged.
            worlds = np.flatnonzero(due.any(axis=0))
            slots = due[:, worlds].argmax(axis=0)
            due[slots, worlds] = False
            outcomes = self._observe(
                looks, slots, worlds, steps[slots, worlds], phase_ends[slots, worlds]
            )
            for row in np.flatnonzero(outcomes != UNDECIDED):
                world, slot = int(worlds[row]), int(slots[row])
                due[:, world] = False
                outcome = Outcome(int(outcomes[row]))
                links = self._links(outcome, looks.touching[slot, world])
                made = int(steps[slot, world] + 1 - self._first[world])
                self._going[world] = False
                yield self._running.pop(world).index, Rollout(outcome, made, links)

    def _observe(
        self,
        looks: Looks,
        slots: IntArray,
        worlds: IntArray,
        steps: IntArray,
        phase_ends: BoolArray,
    ) -> IntArray:
        numbers = looks.seen[slots, worlds].astype(np.float64)
        touching = looks.touching[slots, worlds]
        settling = self._settling[worlds]
        seen = _observations(numbers, touching, settling)
        phases = (steps[:, None] >= self._ends[worlds, :3]).sum(axis=1)
        outcomes = self._judge.observe(worlds, phases, seen, phase_ends)
        self._watch_settling(worlds[settling], numbers[settling])
        if self._shortcuts.early_end:
            still = (outcomes == UNDECIDED) & ~settling
            in_hand = numbers[still, kernels.IN_HAND : kernels.IN_HAND + 3]
            outcomes[still] = self._early_end.observe(
                worlds[still], steps[still], phases[still], seen.of(still), in_hand
            )
        return outcomes

    def _watch_settling(self, worlds: IntArray, numbers: Any) -> None:
        turning = self._radius * numbers[:, kernels.TURNING]
        slow = numbers[:, kernels.SPEED] + turning < REST_SPEED
        self._slow_looks[worlds] = np.where(slow, self._slow_looks[worlds] + 1, 0)

    def _enter_settled(self) -> None:
        """Enter rollouts whose objects have come to rest, or may be waited for no longer."""
        at_rest = self._slow_looks >= REST_LOOKS
        over = self._going & self._settling & (at_rest | (self._steps >= self._most))
        if not over.any():
            return
        world, (qpos, qvel) = self._template, self._now()
        begun = {}
        for place in np.flatnonzero(over).tolist():
            trial = self._running[place]
            start = self._trials.entered(
                trial,
                int(self._steps[place]),
                bool(at_rest[place]),
                qpos[place, world.object_qpos].astype(np.float64),
                qvel[place, world.object_dofs].astype(np.float64),
            )
            begun[place] = trial, start
            if start.step == 0:
                self._judge.begin(np.array([place]))
        self._begin(begun)

    def _now(self) -> tuple[Numbers, Numbers]:
        if self._states is None:
            self._states = self._worlds.states()
        return self._states

    def _out_of_reach(self, worlds: IntArray) -> BoolArray:
        qpos, _ = self._now()
        return np.array([self._template.is_lost(qpos[world]) for world in worlds], dtype=bool)

    def _links(self, outcome: Outcome, touching: Any) -> LinkPair | None:
        kind = {
            Outcome.ROBOT_HIT_TABLE: kernels.SUPPORT_PAIR,
            Outcome.SELF_COLLISION: kernels.OWN_PAIR,
        }.get(outcome)
        return None if kind is None else self._worlds.pairs[touching[kind]]


def _observations(numbers: Any, touching: Any, settling: BoolArray) -> Observations:
    bits = touching[:, kernels.BITS]
    with_robot = ~settling  # which waits aside, while the object comes to rest
    return Observations(
        object_position=numbers[:, kernels.POSITION : kernels.POSITION + 3],
        object_speed=numbers[:, kernels.SPEED],
        hand_height=numbers[:, kernels.HAND_HEIGHT],
        hand_touches=((bits & kernels.HAND_TOUCHES) != 0) & with_robot,
        object_supported=(bits & kernels.OBJECT_SUPPORTED) != 0,
        robot_hits_support=(touching[:, kernels.SUPPORT_PAIR] != kernels.NO_PAIR) & with_robot,
        self_collision=(touching[:, kernels.OWN_PAIR] != kernels.NO_PAIR) & with_robot,
    )
