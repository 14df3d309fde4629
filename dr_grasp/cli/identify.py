"""`dr-grasp identify`: fits the ranges of a profile to what happened in a laboratory."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import Progress as ProgressBar

from dr_grasp.cli.console import (
    complain,
    journal_of,
    kept_from_ctrl_c,
    print_json,
    print_line,
    progress_bar,
    reports_errors,
)
from dr_grasp.cli.identification_tables import show_findings, show_suggestions
from dr_grasp.cli.pools import PROCESSORS, Cluster, Jobs, make_pool
from dr_grasp.cli.scoring_options import ProfileNameOrFile, SingleEngineName, profile_named
from dr_grasp.cli.start import INTERRUPTED
from dr_grasp.core.engine import Engine
from dr_grasp.core.perturbation import Profile
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import DrGraspError
from dr_grasp.formats.documents import check_writable
from dr_grasp.formats.grasp_file import GraspReader
from dr_grasp.identification.evidence import Evidence
from dr_grasp.identification.findings import Identification
from dr_grasp.identification.profile_file import identified_document, write_profile
from dr_grasp.identification.reading import read_evidence
from dr_grasp.identification.rollouts import RunCancelledError, open_journal
from dr_grasp.identification.settings import IdentificationSettings, Method
from dr_grasp.scoring.profiles import engine_for
from dr_grasp.workers.pool import Pool

if TYPE_CHECKING:
    from dr_grasp.identification.suggestion import Suggestion

DEFAULTS = IdentificationSettings()

TIMED = 24
"""Rollouts by which the whole time is estimated, after a first third in which workers start."""


@reports_errors
def command(
    sessions: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="SESSIONS",
            help="Folders with bags in them, at any depth; or bags, or their files.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Profile to write, NAME.yaml.")
    ] = None,
    robot: Annotated[
        str | None, typer.Option(help="Robot, if the bags have attempts of several.")
    ] = None,
    profile: ProfileNameOrFile = "default",
    method: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help=f"How outcomes are explained: {', '.join(known.value for known in Method)}.",
        ),
    ] = DEFAULTS.method.value,
    engine: SingleEngineName = None,
    worlds: Annotated[
        int, typer.Option(help="Worlds, in each of which every attempt is repeated.")
    ] = DEFAULTS.worlds,
    iterations: Annotated[
        int, typer.Option(help="Iterations, among which the worlds are divided.")
    ] = DEFAULTS.iterations,
    seed: Annotated[int, typer.Option(help="Same seed, same profile.")] = 0,
    jobs: Jobs = PROCESSORS,
    cluster: Cluster = None,
    html: Annotated[Path | None, typer.Option(help="HTML page to write.")] = None,
    suggest: Annotated[
        Path | None,
        typer.Option(
            metavar="GRASPS",
            help="Grasp file: print the ten grasps whose execution would tell most.",
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run whose results are in OUT.journal.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Fit the ranges of a profile to recorded attempts, for `score --profile`.

    Joint motion tells delay, lag and jitter; objects' poses and outcomes tell the error of
    perception, the errors of the joints, friction, mass, centre of mass and gripper force. A range
    that the attempts do not tell stays as it was, with the reason. A run that has ended early, for
    example by Ctrl-C, can go on by --resume.
    """
    if out is None and suggest is None:
        raise DrGraspError("-o: expected the profile to write, or --suggest, got neither")
    if out is not None and out.suffix != ".yaml":
        raise DrGraspError(f"{out}: expected a name that ends with .yaml, as profiles have")
    if not sessions and (out is not None or html is not None):
        raise DrGraspError("sessions: expected folders with bags, got none")
    # This takes a second, which --help must not wait.
    from dr_grasp.identification.identify import suggest_grasps

    old = profile_named(profile)
    chosen = Engine.from_name(engine) if engine else engine_for(None, old).single
    settings = IdentificationSettings(Method.from_name(method), chosen, worlds, iterations, seed)
    for file in (out, html):
        if file is not None:
            check_writable(file)
    grasps = None if suggest is None else _grasps(suggest)
    evidence = read_evidence(sessions, robot) if sessions else None
    for problem in () if evidence is None else evidence.problems:
        complain(problem)
    with make_pool(jobs, cluster) as pool, kept_from_ctrl_c() as pressed, progress_bar() as bar:
        rollouts = 0 if as_json else _say_cost(evidence, grasps, settings)
        follow = _Follower(bar, rollouts)
        found = None
        try:
            if evidence is not None:
                found = _identify(evidence, old, settings, pool, out, resume, follow, pressed)
            told = (
                ()
                if grasps is None
                else suggest_grasps(
                    grasps, found, old, settings, pool, follow=follow, is_cancelled=pressed
                )
            )
        except RunCancelledError:
            goes_on = out is not None and found is None
            complain("interrupted; --resume goes on" if goes_on else "interrupted")
            raise typer.Exit(INTERRUPTED) from None
    if found is not None and html is not None:
        from dr_grasp.report.identification_page import write_identification_page

        write_identification_page(html, found)
    if as_json:
        print_json(_document(found, told))
        return
    if found is not None:
        show_findings(found, out, html)
    if told:
        show_suggestions(told)
    elif grasps is not None:
        print_line(f"{suggest}: no grasp would tell anything that is not known")


def _grasps(path: Path) -> list[GraspTrajectory]:
    grasps = [grasp for grasp in GraspReader(path) if isinstance(grasp, GraspTrajectory)]
    if not grasps:
        raise DrGraspError(f"{path}: expected grasps to choose from, got none that is valid")
    return grasps


def _identify(
    evidence: Evidence,
    old: Profile,
    settings: IdentificationSettings,
    pool: Pool,
    out: Path | None,
    resume: bool,
    follow: _Follower,
    is_cancelled: Callable[[], bool],
) -> Identification:
    from dr_grasp.identification.identify import identify

    if out is None:
        return identify(evidence, old, settings, pool, follow=follow, is_cancelled=is_cancelled)
    with open_journal(journal_of(out), evidence, old, settings, resume) as journal:
        found = identify(
            evidence,
            old,
            settings,
            pool,
            name=out.stem,
            journal=journal,
            follow=follow,
            is_cancelled=is_cancelled,
        )
        write_profile(out, found)
        journal.remove()
    return found


def _say_cost(
    evidence: Evidence | None,
    grasps: list[GraspTrajectory] | None,
    settings: IdentificationSettings,
) -> int:
    """Say how much will be simulated, and return the number of rollouts."""
    from dr_grasp.identification.identify import expected_rollouts
    from dr_grasp.identification.suggestion import WORLDS_EACH

    rollouts, of = 0, []
    if evidence is not None:
        attempts = len(evidence.attempts)
        rollouts += expected_rollouts(attempts, settings)
        of.append(f"{attempts} attempts of {evidence.robot} with {', '.join(evidence.objects)}")
    if grasps is not None:
        rollouts += WORLDS_EACH * len(grasps)
        of.append(f"{len(grasps)} grasps to choose from")
    print_line(f"{'; '.join(of)}: at most {rollouts:,} rollouts in {settings.engine.value}")
    return rollouts


class _Follower:
    """Shows the progress, and once says how long it will take."""

    def __init__(self, bar: ProgressBar, rollouts: int) -> None:
        """Prepare to say how long a number of rollouts will take; 0 to say nothing."""
        self._bar = bar
        self._task = bar.add_task("identifying", total=None, note="")
        self._left = rollouts
        self._what = ""
        self._first = 0
        self._began: tuple[int, float] | None = None

    def __call__(self, what: str, done: int, total: int) -> None:
        """Take note of the progress."""
        self._bar.update(self._task, completed=done, total=total, note=what)
        if not self._left:
            return
        if what != self._what:
            self._what, self._first, self._began = what, done, None
        if self._began is None:
            if done >= self._first + TIMED // 3:
                self._began = done, time.monotonic()
        elif done >= self._first + TIMED:
            before, at = self._began
            rate = (done - before) / max(time.monotonic() - at, 1e-9)
            minutes = self._left / rate / 60
            print_line(f"about {max(minutes, 1):.0f} min, at {rate:.0f} rollouts a second")
            self._left = 0


def _document(found: Identification | None, told: Sequence[Suggestion]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    if found is not None:
        document = {
            "profile": found.profile.name,
            **identified_document(found),
            "before": None if found.before is None else asdict(found.before),
            "after": None if found.after is None else asdict(found.after),
        }
    if told:
        document["suggestions"] = [asdict(each) for each in told]
    return document
