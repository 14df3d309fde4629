"""`dr-grasp diagnose`: finds the doubts about the simulation that make each grasp fail."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from dr_grasp.cli.console import (
    as_they_come,
    check_any_done,
    complain,
    kept_from_ctrl_c,
    print_file,
    print_line,
    print_table,
    progress_bar,
    reports_errors,
)
from dr_grasp.cli.pools import PROCESSORS, Cluster, Jobs, make_pool
from dr_grasp.cli.scoring_options import EngineOfScores
from dr_grasp.common.run_lock import RunLock
from dr_grasp.core.collisions import listed, sentences
from dr_grasp.core.diagnosis import (
    QUANTITIES,
    CauseCounter,
    Diagnosis,
    DiagnosisThresholds,
)
from dr_grasp.core.engine import Engine
from dr_grasp.core.fitness import GraspScore, RefusedGrasp
from dr_grasp.core.metric import Metric
from dr_grasp.core.outcome import LinkPair, Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.core.ranking import rank
from dr_grasp.core.texts import first_names
from dr_grasp.diagnosis.parallel import diagnose_each
from dr_grasp.diagnosis.thresholds import load_thresholds
from dr_grasp.errors import DrGraspError
from dr_grasp.formats.diagnosis_file import write_diagnoses
from dr_grasp.formats.documents import check_writable
from dr_grasp.formats.grasp_file import GraspReader
from dr_grasp.formats.score_file import read_scores
from dr_grasp.scoring.tally import software_version
from dr_grasp.simulation.engine import check_single

SHOWN = 20
"""Largest number of grasps in the table; the file contains all grasps."""


@reports_errors
def command(
    grasps: Annotated[Path, typer.Argument(help="Grasp file.")],
    scores: Annotated[Path, typer.Option(help="Scores file of the grasps, with MDR and FDR.")],
    out: Annotated[Path | None, typer.Option(help="Diagnosis file to write.")] = None,
    thresholds: Annotated[
        str, typer.Option(help="Name of the thresholds in config/diagnosis.")
    ] = "default",
    engine: EngineOfScores = None,
    jobs: Jobs = PROCESSORS,
    cluster: Cluster = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the diagnoses as JSON.")] = False,
) -> None:
    """Measure what may break each grasp on an arm.

    The causes are friction, contact, inertia, model, exploit (the grasp holds in one engine only)
    and fragility.

    Grasps that are not valid are named on standard error. All other grasps are still diagnosed, and
    the exit status is 1.
    """
    limits = load_thresholds(thresholds)
    given = list(GraspReader(grasps))
    scored = read_scores(scores)
    score_of = {score.grasp_id: score for score in scored.scores}
    measured_in = scored.engine if engine is None else Engine.from_name(engine)
    if engine is None and measured_in is Engine.MUJOCO_WARP:
        measured_in = Engine.MUJOCO  # the same model, one rollout at a time
    check_single(measured_in)
    if engine is not None and measured_in is not scored.engine:
        complain(
            f"{scores}: scored in {scored.engine.value}, and measured in {measured_in.value}: the "
            "causes mix two engines"
        )
    if not any(getattr(grasp, "id", None) in score_of for grasp in given):
        raise DrGraspError(f"{scores}: expected scores of the grasps in {grasps}, got none of them")
    if out is not None:
        check_writable(out)
    summary = _Summary(limits, score_of, out, measured_in.other)
    with (
        nullcontext() if out is None else RunLock(out),
        tempfile.TemporaryDirectory() as scratch,
        make_pool(jobs, cluster) as pool,
        kept_from_ctrl_c() as pressed,
        progress_bar() as bar,
    ):
        task = bar.add_task("diagnosing", total=len(given), note="")

        each = diagnose_each(given, score_of, pool, pressed, measured_in)

        def followed() -> Iterator[Diagnosis | RefusedGrasp]:
            for result in summary.of(each):
                bar.advance(task)
                yield result

        path = out or Path(scratch) / "diagnosis.json"
        version = software_version(measured_in)
        write_diagnoses(path, followed(), limits, version, measured_in)
        if as_json:
            print_file(path)
    if not as_json:
        summary.show(out)
    if summary.refused:
        total = summary.refused + summary.count
        complain(f"{summary.refused} of {total} grasps refused, the others are diagnosed")
        raise typer.Exit(1)


class _Summary:
    """Collects from the diagnoses what is printed at the end."""

    def __init__(
        self,
        limits: DiagnosisThresholds,
        scores: Mapping[str, GraspScore],
        out: Path | None,
        other: Engine,
    ) -> None:
        self._out = out
        self._other = other
        self.count = 0
        self.refused = 0
        self._limits = limits
        self._scores = scores
        self._place = {score.grasp_id: place for place, score in enumerate(rank(scores.values()))}
        self._best: list[Diagnosis] = []
        self._counter = CauseCounter(limits)
        self._without_cause = 0
        self._failing = 0
        self._only_here: list[str] = []
        self._touched: Counter[tuple[Outcome, LinkPair]] = Counter()

    def of(
        self, results: Iterable[Diagnosis | RefusedGrasp | None]
    ) -> Iterator[Diagnosis | RefusedGrasp]:
        """Pass results on, count them, and print each refusal on standard error as it comes."""
        given: Iterator[Diagnosis | RefusedGrasp] = as_they_come(results)
        for result in given:
            if isinstance(result, RefusedGrasp):
                self.refused += 1
            else:
                self._note(result)
            yield result
        check_any_done(self.count, self.refused, self._out)

    def _note(self, diagnosis: Diagnosis) -> None:
        self.count += 1
        self._failing += not diagnosis.holds
        if diagnosis.links is not None:
            self._touched[diagnosis.outcome, diagnosis.links] += 1
        self._without_cause += diagnosis.holds and not diagnosis.causes(self._limits)
        self._counter.add(diagnosis)
        if diagnosis.other_outcome is not None and diagnosis.fails_in_other:
            self._only_here.append(f"{diagnosis.grasp_id} ({diagnosis.other_outcome.label})")
        last = len(self._place)
        best = [*self._best, diagnosis]
        self._best = sorted(best, key=lambda found: self._place.get(found.grasp_id, last))[:SHOWN]

    def show(self, out: Path | None) -> None:
        """Print a table of the best grasps, and a table of how often each cause was found."""
        labels = [f"{q.label}\n({q.unit})" if q.unit else q.label for q in QUANTITIES]
        print_table(
            ["grasp", "causes", *labels],
            [
                [found.grasp_id, self._causes(found), *(q.text(found.value(q)) for q in QUANTITIES)]
                for found in self._best
            ],
        )
        if self.count > SHOWN:
            where = f"; all are in {out}" if out is not None else ""
            print_line(f"the best {SHOWN} of {self.count} grasps{where}")
        print_table(
            ["cause", "grasps", "most severe in"],
            [
                *(
                    [counted.cause.value, str(counted.count), counted.example or "-"]
                    for counted in self._counter.counts
                ),
                ["none of these", str(self._without_cause), ""],
                *([["fails undisturbed", str(self._failing), ""]] if self._failing else []),
            ],
        )
        for line in sentences(listed(self._touched)).values():
            print_line(f"undisturbed, {line}")
        for criterion, consequence in (
            (Criterion.MDR, "what is fragile is not known"),
            (Criterion.FDR, "what friction noise costs is not known"),
        ):
            if not any(criterion in score.fitness for score in self._scores.values()):
                print_line(f"{criterion.name} was not scored: {consequence}")
        if self._only_here:
            print_line(
                f"{len(self._only_here)} of {self.count - self._failing} grasps that hold "
                f"undisturbed fail undisturbed in {self._other.value}: "
                f"{first_names(self._only_here)}"
            )
        if not any(Metric.ENGINE_GAP in score.metrics for score in self._scores.values()):
            print_line(
                f"the engine gap was not measured: {self._other.value} simulated undisturbed "
                "rollouts only"
            )

    def _causes(self, diagnosis: Diagnosis) -> str:
        if not diagnosis.holds:
            links = diagnosis.links
            return diagnosis.outcome.label + (f": {links}" if links is not None else "")
        return ", ".join(cause.value for cause in diagnosis.causes(self._limits)) or "-"
