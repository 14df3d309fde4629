"""A search for grasps: ask a method, try what it proposes on worker processes, tell it.

What is found depends on the task alone: batches have one size whatever the number of workers, and
a method is told results in the order in which it proposed.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol

from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.generation.archive import TouchArchive
from dr_grasp.generation.distinct import distinct
from dr_grasp.generation.evaluation_worker import Job, evaluate
from dr_grasp.generation.noisy_fitness import FitnessSettings, appraise
from dr_grasp.generation.proposal import Proposal
from dr_grasp.generation.result import Result, Trials
from dr_grasp.generation.search_journal import SearchJournal
from dr_grasp.generation.task import Findings, Limits, Task
from dr_grasp.workers.pool import Pool

BATCH = 24
"""Proposals between two tellings: one generation."""


class Method(Protocol):
    """Proposes grips and learns from what becomes of them.

    Attributes:
        best_first: Whether its grasps are given in order of objective, or as it proposed them.
        archive: What it has found, by place; of all methods, so that they can be compared.
    """

    best_first: bool
    archive: TouchArchive

    def ask(self, count: int) -> list[Proposal]:
        """The next proposals; they depend on the seed and on what was told alone."""

    def tell(self, results: Sequence[Result]) -> None:
        """What became of what was asked for last, in order; of less only at the end of a run."""


class Search:
    """One run of one method."""

    def __init__(
        self,
        task: Task,
        method: Method,
        pool: Pool,
        journal: SearchJournal,
        on_progress: Callable[[Findings], None] | None = None,
        is_cancelled: Callable[[], bool] | None = None,
    ) -> None:
        """Prepare to search.

        Args:
            task: What for.
            method: Not asked yet.
            pool: Workers.
            journal: What is known from before, and where results go.
            on_progress: Told after each proposal, and after the trials of each success; coverage,
                and the number of distinct grasps where that limits the search, are of the batch
                before.
            is_cancelled: Asked every 50 ms; True ends the run at once.
        """
        self._task = task
        self._method = method
        self._pool = pool
        self._journal = journal
        self._on_progress = on_progress or (lambda findings: None)
        self._is_cancelled = is_cancelled or (lambda: False)
        self._findings = Findings()
        self._failures: Counter[str] = Counter()
        self._interrupted = False

    def run(self, limits: Limits) -> Findings:
        """Search until a limit is reached or the run is cancelled.

        Raises:
            DrGraspError: Workers died repeatedly, or the journal is broken.
        """
        begin = time.monotonic()
        results: list[Result] = []
        while len(results) < limits.most and not self._interrupted:
            # Always asked for a whole batch, so that a later run with a higher limit can go on.
            proposals = self._method.ask(BATCH)[: limits.most - len(results)]
            tried = self._try(proposals, begin)
            self._method.tell(tried)
            results += tried
            self._update(coverage=self._method.archive.coverage)
            if limits.count is not None:
                self._update(distinct=len(self._distinct(results)))
                if self._findings.distinct >= limits.count:
                    break
        found = self._distinct(results)
        self._update(
            grasps=tuple(self._grasp(result) for result in found[: limits.count]),
            distinct=len(found),
            seconds=time.monotonic() - begin,
            interrupted=self._interrupted,
        )
        return self._findings

    def _try(self, proposals: Sequence[Proposal], begin: float) -> list[Result]:
        """Results in the order of the proposals; of fewer if cancelled."""
        known = [self._journal.result_of(proposal) for proposal in proposals]
        done = {one.proposal.index: one for one in known if one is not None}
        for result in done.values():
            self._note(result, begin)
        for fresh in self._simulated([one for one in proposals if one.index not in done]):
            self._journal.add(fresh)
            done[fresh.proposal.index] = fresh
            self._update(fresh=self._findings.fresh + 1)
            self._note(fresh, begin)
        fitness = self._task.fitness
        if fitness is not None:
            held = [one for _, one in sorted(done.items()) if one.success and one.trials is None]
            # Who is interrupted before has none, and comes last.
            untried = Trials(0, 0, fitness.trials)
            done |= {one.proposal.index: replace(one, trials=untried) for one in held}
            for appraised in self._appraised([] if self._interrupted else held, fitness):
                self._journal.add(appraised)
                done[appraised.proposal.index] = appraised
                self._update(seconds=time.monotonic() - begin)
                self._on_progress(self._findings)
        return [done[index] for index in sorted(done)]

    def _simulated(self, proposals: Sequence[Proposal]) -> Iterator[Result]:
        """What became of proposals, in any order; of fewer if cancelled."""
        task = self._task
        jobs = [Job(task.robot, task.object, task.method, task.seed, one) for one in proposals]
        for finished in self._pool.run(evaluate, jobs, self._is_cancelled):
            if finished is None:
                self._interrupted = True
            else:
                yield finished[1]

    def _appraised(self, held: Sequence[Result], fitness: FitnessSettings) -> Iterator[Result]:
        """Successes with their trials, in any order; fewer if cancelled."""
        for appraised in appraise(
            self._pool, held, self._to_beat, fitness, self._task.seed, self._is_cancelled
        ):
            if appraised is None:
                self._interrupted = True
            else:
                yield appraised

    def _to_beat(self, result: Result) -> float | None:
        """Fitness of the elite where a success touches."""
        touch = result.touch_in_object
        objective = None if touch is None else self._method.archive.objective_at(touch)
        return None if objective is None or objective < 1.0 else objective - 1.0

    def _note(self, result: Result, begin: float) -> None:
        if result.failure is not None:
            self._failures[result.failure] += 1
        self._update(
            evaluations=self._findings.evaluations + 1,
            simulated=self._findings.simulated + (result.outcome is not None),
            successes=self._findings.successes + result.success,
            failures=dict(self._failures.most_common()),
            seconds=time.monotonic() - begin,
        )
        self._on_progress(self._findings)

    def _update(self, **changes: Any) -> None:
        self._findings = replace(self._findings, **changes)

    def _distinct(self, results: Sequence[Result]) -> list[Result]:
        """The distinct successes, in the order in which they are given."""
        successes = [result for result in results if result.success]
        if self._method.best_first:
            successes.sort(key=lambda result: -result.objective)
        return [successes[place] for place in distinct([one.proposal for one in successes])]

    def _grasp(self, result: Result) -> GraspTrajectory:
        """The trajectory, which says what it was selected by."""
        grasp, trials, fitness = result.grasp, result.trials, self._task.fitness
        assert grasp is not None, "a success has a trajectory"
        if trials is None or fitness is None:
            return grasp
        said = {
            "fitness": f"{fitness.criterion.value} {trials.successes}/{trials.done}",
            "profile": fitness.profile.name,
        }
        return replace(grasp, provenance={**grasp.provenance, **said})
