"""`dr-grasp replay`: repeats the scoring and the attempts in a bag, and reports differences."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from dr_grasp.cli.console import (
    complain,
    kept_from_ctrl_c,
    print_json,
    print_line,
    print_table,
    progress_bar,
    reports_errors,
)
from dr_grasp.cli.dataset import say_left_out
from dr_grasp.cli.pools import PROCESSORS, Jobs
from dr_grasp.cli.start import INTERRUPTED
from dr_grasp.formats.documents import check_writable
from dr_grasp.recording.bag_files import left_out_of
from dr_grasp.recording.bag_reader import read_bag
from dr_grasp.replaying.checks import Check, Verdict
from dr_grasp.replaying.junit import write_junit
from dr_grasp.replaying.reexecution import reexecute
from dr_grasp.replaying.rescoring import rescore
from dr_grasp.workers.pool import WorkerPool

SHOWN = 50
"""Largest number of checks in the table; the JUnit file contains all checks."""


@reports_errors
def command(
    bag: Annotated[Path, typer.Argument(help="Folder of a bag, or a file of MCAP or SQLite.")],
    junit: Annotated[Path | None, typer.Option(help="JUnit file to write, for CI.")] = None,
    jobs: Jobs = PROCESSORS,
    as_json: Annotated[bool, typer.Option("--json", help="Print the checks as JSON.")] = False,
) -> None:
    """Score every recorded grasp and execute every attempt of the twin again, and compare.

    The exit status is 1 if any result differs, or if not all of the bag could be read.
    """
    if junit is not None:
        check_writable(junit)
    contents = read_bag(bag)
    if contents.damage:
        complain(f"{bag}: {contents.damage}")
    missed = say_left_out(bag, left_out_of(bag))
    checks: list[Check] = []
    cancelled = False
    with WorkerPool(jobs) as pool, progress_bar() as bar, kept_from_ctrl_c() as interrupted:
        task = bar.add_task("replaying", total=None, note="")
        for check in chain(
            rescore(contents.attempts, pool, interrupted),
            reexecute(contents.attempts, pool, interrupted),
        ):
            checks.append(check)
            bar.update(task, note=f"{check.subject} {check.aspect}")
        cancelled = interrupted()
    if junit is not None:
        write_junit(junit, bag.name, checks)
    counts = Counter(check.verdict for check in checks)
    differing = [check for check in checks if check.verdict is Verdict.DIFFERS]
    if as_json:
        print_json([{**asdict(check), "verdict": check.verdict.value} for check in checks])
    else:
        if differing:
            print_table(
                ["what", "of it", "recorded", "now", "likely reason"],
                [
                    [check.subject, check.aspect, check.recorded, check.replayed, check.reason]
                    for check in differing[:SHOWN]
                ],
            )
        for reason, number in Counter(
            check.reason for check in checks if check.verdict is Verdict.SKIPPED
        ).items():
            print_line(f"{number} checks not repeated: {reason}")
        print_line(
            f"{bag}: {counts[Verdict.SAME]} checks the same, {counts[Verdict.DIFFERS]} differ, "
            f"{counts[Verdict.SKIPPED]} skipped"
        )
    if cancelled:
        raise typer.Exit(INTERRUPTED)
    if not checks:
        complain(f"{bag}: no attempts, so nothing was checked")
    if differing or contents.damage or missed or not checks:
        raise typer.Exit(1)
