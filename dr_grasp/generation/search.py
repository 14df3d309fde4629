"""Searches for grasps: a method makes proposals, workers try them, the archive stores the results.

The grasps that are found depend on the task alone: batches have the same size for any number of
workers, and results enter the archive in the order in which they were proposed.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from dr_grasp.core.collisions import listed
from dr_grasp.core.outcome import LinkPair, Outcome
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.generation.archive import TouchArchive
from dr_grasp.generation.curriculum import LEADERS, Curriculum
from dr_grasp.generation.evaluation import Job, evaluate
from dr_grasp.generation.fitness_trials import add_trials
from dr_grasp.generation.methods import Method
from dr_grasp.generation.proposal import Proposal, distinct
from dr_grasp.generation.result import Result, Trials
from dr_grasp.generation.search_journal import SearchJournal
from dr_grasp.generation.task import SAMPLER, Findings, FitnessSettings, Limits, Task
from dr_grasp.objects.object_spec import load_object
from dr_grasp.workers.pool import Pool

BATCH = 24
"""Number of proposals in a batch, which is one generation of MAP-Elites."""

T = TypeVar("T")


class Search:
    """One search with one method."""

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
            task: Robot, object, method and seed.
            method: Method of the task, which has made no proposals yet.
            pool: Workers that try the proposals.
            journal: Results of an earlier run, if any; new results are added to it.
            on_progress: Called with the findings after each proposal, and after the trials of each
                success. Coverage and, if it limits the search, the number of distinct grasps are
                updated only after each batch.
            is_cancelled: Polled every 50 ms; True ends the run at once.

        Raises:
            DrGraspError: The object cannot be loaded.
        """
        self._task = task
        self._method = method
        self._archive = TouchArchive(load_object(task.object))
        self._pool = pool
        self._journal = journal
        self._on_progress = on_progress or (lambda findings: None)
        self._is_cancelled = is_cancelled or (lambda: False)
        self._findings = Findings()
        self._failures: Counter[str] = Counter()
        self._touched: Counter[tuple[Outcome, LinkPair]] = Counter()
        self._interrupted = False
        self._began = 0.0
        fitness = task.fitness
        self._curriculum: Curriculum | None = None
        if fitness is not None and fitness.adr is not None:
            self._curriculum = Curriculum(task, fitness, fitness.adr, journal)

    def run(self, limits: Limits) -> Findings:
        """Search until a limit is reached or the run is cancelled.

        Raises:
            DrGraspError: Workers died repeatedly, or the journal cannot be read or written.
        """
        self._began = time.monotonic()
        results: list[Result] = []
        while len(results) < limits.most and not self._interrupted:
            if self._curriculum is not None:
                self._widen(self._curriculum, results)
            # Always a whole batch is proposed, so that a later run with a higher limit can go on.
            proposals = self._method.ask(BATCH, self._archive)[: limits.most - len(results)]
            tried = self._try(proposals)
            for result in tried:
                self._archive.add(result)
            results += tried
            if self._curriculum is not None:
                self._curriculum.note([result for result in tried if result.trials is not None])
            self._update(coverage=self._archive.coverage)
            if limits.count is not None:
                self._update(distinct=len(self._distinct(results)))
                if self._findings.distinct >= limits.count:
                    break
        if self._curriculum is not None:
            self._measure_leaders(self._curriculum, results)
            self._update(ranges=self._curriculum.ranges)
        found = self._distinct(results)
        self._update(
            grasps=tuple(self._grasp(result) for result in found[: limits.count]),
            distinct=len(found),
            interrupted=self._interrupted,
        )
        return self._findings

    def _try(self, proposals: Sequence[Proposal]) -> list[Result]:
        """Results in the order of the proposals; fewer if the search was cancelled."""
        task = self._task
        done: dict[int, Result] = {}
        unknown = []
        for proposal in proposals:
            known = self._journal.result_of(proposal)
            if known is None:
                unknown.append(proposal)
            else:
                done[proposal.index] = known
                self._note(known)
        # Each job names its robot and object, which a cluster's workers compare with their own.
        said = task.object_in_base, task.engine
        jobs = [
            Job(task.robot, task.object, task.method, task.seed, proposal, *said)
            for proposal in unknown
        ]
        work = self._pool.run(evaluate, jobs, self._is_cancelled)
        for _, result in self._until_cancelled(work):
            self._journal.add(result)
            done[result.proposal.index] = result
            self._update(fresh=self._findings.fresh + 1)
            self._note(result)
        results = [done[index] for index in sorted(done)]
        return results if task.fitness is None else self._with_trials(results, task.fitness)

    def _with_trials(self, results: Sequence[Result], fitness: FitnessSettings) -> list[Result]:
        """Add trials to the successes among the results."""
        held = [result for result in results if result.success and result.trials is None]
        # A success without trials, because the search was cancelled before, is ranked last.
        untried = Trials(0, 0, fitness.trials)
        added = {result.proposal.index: replace(result, trials=untried) for result in held}
        work = add_trials(
            self._pool,
            [] if self._interrupted else held,
            self._to_beat,
            fitness,
            self._task.seed,
            self._is_cancelled,
            self._task.engine,
            None if self._curriculum is None else self._curriculum.make_block,
        )
        for result in self._until_cancelled(work):
            self._journal.add(result)
            added[result.proposal.index] = result
            self._update()
            self._on_progress(self._findings)
        return [added.get(result.proposal.index, result) for result in results]

    def _widen(self, curriculum: Curriculum, results: list[Result]) -> None:
        """Let ranges grow if it is time, and the archive hold what is the best in them.

        Args:
            curriculum: The ranges.
            results: All results so far by index; those that are measured again are replaced.
        """
        if not curriculum.is_ready(self._distinct(results)[:LEADERS]):
            return
        curriculum.begin_stage()
        self._measure_leaders(curriculum, results)
        # An elite that got worse may give way to another grasp of its cell.
        self._archive.clear()
        for result in results:
            self._archive.add(result)

    def _measure_leaders(self, curriculum: Curriculum, results: list[Result]) -> None:
        """Measure again, until the fittest grasps were all measured in the present ranges."""
        while not self._interrupted:
            outdated = curriculum.outdated(self._distinct(results)[:LEADERS])
            if not outdated:
                return
            renewed = curriculum.measure(outdated, self._pool, self._is_cancelled)
            for result in self._until_cancelled(renewed):
                results[result.proposal.index] = result

    def _until_cancelled(self, work: Iterable[T | None]) -> Iterator[T]:
        for result in work:
            if result is None:
                self._interrupted = True
            else:
                yield result

    def _to_beat(self, result: Result) -> float | None:
        """Fitness of the elite in the cell where a success touches; None if there is no elite."""
        touch = result.touch_in_object
        objective = None if touch is None else self._archive.objective_at(touch)
        return None if objective is None or objective < 1.0 else objective - 1.0

    def _note(self, result: Result) -> None:
        if result.failure is not None:
            self._failures[result.failure] += 1
        if result.outcome is not None and result.links is not None:
            self._touched[result.outcome, result.links] += 1
        self._update(
            evaluations=self._findings.evaluations + 1,
            simulated=self._findings.simulated + (result.outcome is not None),
            successes=self._findings.successes + result.success,
            failures=dict(self._failures.most_common()),
            collisions=listed(self._touched),
        )
        self._on_progress(self._findings)

    def _update(self, **changes: Any) -> None:
        seconds = time.monotonic() - self._began
        self._findings = replace(self._findings, seconds=seconds, **changes)

    def _distinct(self, results: Sequence[Result]) -> list[Result]:
        """The distinct successes: for the sampler in the order proposed, else the best first."""
        successes = [result for result in results if result.success]
        if self._task.method != SAMPLER:
            successes.sort(key=lambda result: -result.objective)
        return [successes[place] for place in distinct([found.proposal for found in successes])]

    def _grasp(self, result: Result) -> GraspTrajectory:
        """The grasp of a success; its provenance contains the fitness that it was selected by."""
        grasp, trials, fitness = result.grasp, result.trials, self._task.fitness
        assert grasp is not None, "a success has a trajectory"
        if trials is None or fitness is None:
            return grasp
        selected_by = {
            "fitness": f"{fitness.name} {trials.successes}/{trials.done}",
            "profile": fitness.profile.name,
        }
        if fitness.engines:
            selected_by["fitness engines"] = ", ".join(each.value for each in fitness.engines)
        if self._curriculum is not None:
            ranges = self._curriculum.measured_in(result)
            selected_by["fitness ranges"] = str(ranges)
            selected_by["fitness entropy"] = f"{ranges.entropy:.3f}"
        return replace(grasp, provenance={**grasp.provenance, **selected_by})
