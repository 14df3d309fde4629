"""`dr-grasp generate`: searches for grasps that succeed in the undisturbed simulation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from dr_grasp.cli.console import (
    complain,
    journal_of,
    kept_from_ctrl_c,
    print_json,
    print_line,
    progress_bar,
    reports_errors,
)
from dr_grasp.cli.object_pose import ObjectPoseText
from dr_grasp.cli.pools import PROCESSORS, Cluster, Jobs, make_pool
from dr_grasp.cli.scoring_options import SearchEngine, profile_named
from dr_grasp.cli.start import INTERRUPTED
from dr_grasp.core.collisions import sentences
from dr_grasp.core.engine import Engine
from dr_grasp.core.perturbation import Criterion
from dr_grasp.errors import DrGraspError, SettingsError, UnknownNameError
from dr_grasp.formats.collision_records import collision_to_dict
from dr_grasp.formats.documents import check_writable
from dr_grasp.formats.grasp_file import write_grasps
from dr_grasp.generation.curriculum import THRESHOLDS
from dr_grasp.generation.grown_ranges import GrownRanges
from dr_grasp.generation.importers.object_pose import parse_object_pose
from dr_grasp.generation.methods import make_method
from dr_grasp.generation.search import BATCH, Search
from dr_grasp.generation.search_journal import SearchJournal
from dr_grasp.generation.start import read_start
from dr_grasp.generation.task import (
    ADR,
    ME_FIT,
    METHODS,
    SAMPLER,
    Findings,
    FitnessSettings,
    Limits,
    Task,
)
from dr_grasp.objects.object_spec import check_object_name
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.scoring.profiles import engine_for

DEFAULT_COUNT = 40


@reports_errors
def command(
    robot: Annotated[str, typer.Option(help="Robot; see `dr-grasp robots`.")],
    obj: Annotated[str, typer.Option("--object", help="Object; see `dr-grasp objects`.")],
    out: Annotated[Path, typer.Option(help="Grasp file to write.")],
    method: Annotated[
        str, typer.Option(help=f"Search method: one of {', '.join(METHODS)}.")
    ] = SAMPLER,
    evaluations: Annotated[
        int | None, typer.Option(help="Proposals to try.", show_default="as many as --count needs")
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(
            help="End when this number of distinct grasps is found.",
            show_default=f"{DEFAULT_COUNT} without --evaluations",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same grasps.")] = 0,
    jobs: Jobs = PROCESSORS,
    cluster: Cluster = None,
    start: Annotated[
        Path | None, typer.Option(help="Grasp file that me-scs and me-fit begin from.")
    ] = None,
    fitness: Annotated[
        str | None,
        typer.Option(
            help="Criterion that me-fit maximises; or adr, for mdr with further errors, whose "
            "ranges grow while the best grasps bear them.",
            show_default="mdr",
        ),
    ] = None,
    trials: Annotated[
        int | None, typer.Option(help="Rollouts of a grasp for that criterion.", show_default="20")
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help="Profile for that criterion, or its file, whose name ends with .yaml.",
            show_default="default",
        ),
    ] = None,
    fitness_engines: Annotated[
        str | None,
        typer.Option(
            help="Engines in all of which a rollout for that criterion must succeed, such as "
            "bullet,mujoco: grasps that hold in one engine alone are of no use.",
            show_default="the engine of the search",
        ),
    ] = None,
    object_pose: ObjectPoseText = None,
    engine: SearchEngine = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run whose results are in OUT.journal.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON summary.")] = False,
) -> None:
    """Find reach-and-grasp trajectories that succeed in the undisturbed simulation.

    Distinct grasps are written, the best first. Ctrl-C keeps the grasps found so far, and exits
    with status 130.
    """
    check_writable(out)
    load_robot(robot)
    check_object_name(obj)
    if evaluations is None and count is None:
        count = DEFAULT_COUNT
    limits = Limits(evaluations, count)
    wanted = _fitness(method, fitness, trials, profile, fitness_engines)
    task = Task(
        robot,
        obj,
        method,
        seed,
        wanted,
        () if start is None else read_start(start, robot, obj),
        None if object_pose is None else parse_object_pose(object_pose),
        engine_for(engine, None if wanted is None else wanted.profile),
    )
    header = {**task.described(), "batch": BATCH}
    source = make_method(task)  # first, so that a run that cannot begin does not change a journal
    path = journal_of(out)
    with make_pool(jobs, cluster) as pool, SearchJournal(path, header, resume) as journal:
        with kept_from_ctrl_c() as pressed, progress_bar() as bar:
            by_count = evaluations is None
            bar_task = bar.add_task(
                "generating", total=limits.count if by_count else limits.most, note=""
            )

            def follow(found: Findings) -> None:
                bar.update(
                    bar_task,
                    completed=found.distinct if by_count else found.evaluations,
                    note=f"{found.evaluations} tried, {found.rate:.1f}/s, "
                    f"{found.successes} successes, {found.coverage:.0%} covered",
                )

            findings = Search(task, source, pool, journal, follow, pressed).run(limits)
        if findings.interrupted and not findings.grasps:
            complain(f"interrupted: no grasps yet, {out} was not written; --resume goes on")
            raise typer.Exit(INTERRUPTED)
        if findings.grasps:
            write_grasps(out, findings.grasps)
        if findings.interrupted:
            kept = len(findings.grasps)
            complain(f"interrupted: {kept} grasps kept in {out}; --resume goes on")
            raise typer.Exit(INTERRUPTED)
        journal.remove()
    if as_json:
        print_json(
            {
                "out": str(out) if findings.grasps else None,
                "method": method,
                "grasps": len(findings.grasps),
                "evaluations": findings.evaluations,
                "simulated": findings.simulated,
                "successes": findings.successes,
                "failures": dict(findings.failures),
                "collisions": [collision_to_dict(found) for found in findings.collisions],
                "distinct": findings.distinct,
                "coverage": round(findings.coverage, 4),
                "seconds": round(findings.seconds, 3),
                "evaluations_per_second": round(findings.rate, 3),
                **_ranges_to_dict(findings.ranges),
            }
        )
    else:
        grasps = f"{out}: {len(findings.grasps)}" if findings.grasps else "0"
        print_line(
            f"{grasps} grasps, of {findings.distinct} distinct among "
            f"{findings.successes} successes from {findings.evaluations} evaluations, "
            f"{findings.simulated} of them simulated; {findings.coverage:.0%} of the surface "
            f"covered; {findings.seconds:.0f} s, {findings.rate:.1f} evaluations a second"
        )
        said = sentences(findings.collisions)
        for reason, number in findings.failures.items():
            print_line(f"  {number} x {said.get(reason, reason)}")
        if findings.ranges is not None:
            print_line(f"errors added to the profile's, of entropy {findings.ranges.entropy:.2f}:")
            for line in findings.ranges.lines():
                print_line(f"  {line}")
    if not findings.grasps:
        raise DrGraspError(
            f"{robot} with {obj}: no grasp found in {findings.evaluations} evaluations; "
            f"{out} not written"
        )
    if by_count and len(findings.grasps) < (limits.count or 0):
        raise DrGraspError(
            f"{robot} with {obj}: expected {limits.count} distinct grasps, "
            f"got {len(findings.grasps)} from {findings.evaluations} evaluations; "
            f"they are in {out}"
        )


def _fitness(
    method: str,
    criterion: str | None,
    trials: int | None,
    profile: str | None,
    engines: str | None,
) -> FitnessSettings | None:
    if method == ME_FIT:
        grows = criterion == ADR
        return FitnessSettings(
            Criterion.MDR if grows or criterion is None else _criterion(criterion),
            profile_named(profile or "default"),
            20 if trials is None else trials,
            tuple(Engine.from_name(name.strip()) for name in engines.split(",")) if engines else (),
            THRESHOLDS if grows else None,
        )
    given = {
        "fitness": criterion,
        "trials": trials,
        "profile": profile,
        "fitness-engines": engines,
    }
    for name, value in given.items():
        if value is not None:
            raise SettingsError(f"{name}: only {ME_FIT} maximises a fitness, got {method}")
    return None


def _criterion(name: str) -> Criterion:
    names = [criterion.value for criterion in Criterion]
    if name not in names:
        raise UnknownNameError("criterion", name, [*names, ADR])
    return Criterion.from_name(name)


def _ranges_to_dict(ranges: GrownRanges | None) -> dict[str, Any]:
    """What the summary says of ranges that grew: nothing if none did."""
    if ranges is None:
        return {}
    bounds = {doubt.value: list(ends) for doubt, ends in ranges.bounds.items()}
    return {"ranges": bounds, "entropy": round(ranges.entropy, 4)}
