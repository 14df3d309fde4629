"""`dr-grasp dataset`: lists the bags of a folder, and exports all their attempts as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Any

import typer

from dr_grasp.cli.console import (
    complain,
    print_json,
    print_line,
    print_table,
    progress_bar,
    reports_errors,
)
from dr_grasp.core.texts import first_names
from dr_grasp.formats.documents import check_writable
from dr_grasp.recording.bag_files import LeftOut
from dr_grasp.transfer.attempt_dataset import BagSummary, Dataset, read_folder, readable
from dr_grasp.transfer.clustered import Eta
from dr_grasp.transfer.export import iso_time, write_csv, write_parquet
from dr_grasp.transfer.rows import OPEN_ENDED

MOST_NAMES = 10
"""Most names of files without a bag in a line; `dataset --json` has all of them."""

Folder = Annotated[
    Path, typer.Argument(help="Folder with bags in it, at any depth; or one bag, or its file.")
]


@reports_errors
def command(
    folder: Folder,
    csv: Annotated[Path | None, typer.Option(help="CSV file to write, a row per attempt.")] = None,
    parquet: Annotated[
        Path | None, typer.Option(help="Parquet file to write, a row per attempt.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the bags as JSON.")] = False,
) -> None:
    """List the bags of a folder and export their attempts as one table.

    Bags that cannot be read, or not completely, are named on standard error. All readable attempts
    are still listed and exported, and the exit status is 1. Intervals are of 95 %, over grasps.
    """
    for out in (csv, parquet):
        if out is not None:
            check_writable(out)
    dataset = read(folder)
    if csv is not None:
        write_csv(csv, dataset.rows)
    if parquet is not None:
        write_parquet(parquet, dataset.rows)
    if as_json:
        print_json(_document(dataset))
    else:
        _show(dataset)
        for out in (csv, parquet):
            if out is not None:
                print_line(f"{out}: {len(dataset.rows)} attempts")
    say_unread(dataset)


def read(folder: Path) -> Dataset:
    """Read a folder of bags with a progress bar, and warn of attempts that are in several bags."""
    with progress_bar() as bar:
        task = bar.add_task("reading", total=None, note="")

        def follow(name: str, number: int, total: int) -> None:
            bar.update(task, completed=number - 1, total=total, note=name)

        dataset = read_folder(folder, follow)
    if dataset.copies:
        copied = ", ".join(bag.bag for bag in dataset.bags if bag.copies)
        complain(f"{dataset.copies} attempts are in several bags and count once: see {copied}")
    for row in dataset.open_ended:
        complain(f"{row.bag}: attempt {row.attempt_id} of grasp {row.grasp_id}: {OPEN_ENDED}")
    return dataset


def say_unread(dataset: Dataset) -> None:
    """Name what was not read, or not completely; exit with status 1 if attempts may be missing."""
    damaged = [bag for bag in dataset.bags if bag.damage]
    for bag in damaged:
        complain(f"{bag.path}: {bag.damage}")
    for unread in dataset.unread:
        complain(unread.reason)
    if dataset.unread:
        total = len(dataset.unread) + len(dataset.bags)
        complain(f"{len(dataset.unread)} of {total} bags could not be read and are left out")
    missed = say_left_out(dataset.folder, dataset.left_out)
    if dataset.unread or damaged or missed:
        raise typer.Exit(1)


def say_left_out(folder: Path, left_out: Sequence[LeftOut]) -> bool:
    """Name the files of a folder that were not read.

    Returns:
        Whether one of them looks like a bag, so that attempts may be missing.
    """
    like_bags = [item for item in left_out if item.like_a_bag]
    for item in like_bags:
        complain(f"{item.path}: not read: {item.reason}")
    others = [readable(item.path.relative_to(folder)) for item in left_out if not item.like_a_bag]
    if others:
        names = first_names(others, MOST_NAMES)
        complain(f"{folder}: not read, since they are no bags, or hidden or in a bag: {names}")
    return bool(like_bags)


def _show(dataset: Dataset) -> None:
    print_table(
        ["bag", "began (UTC)", "robots", "objects", "attempts", "held of counted"],
        [
            [
                bag.bag,
                _minute(bag.first_ns),
                first_names(bag.robots) or "-",
                first_names(bag.objects) or "-",
                str(bag.attempts),
                _share(bag),
            ]
            for bag in dataset.bags
        ],
    )
    counted = [row.held for row in dataset.rows if row.held is not None]
    bags = "1 bag" if len(dataset.bags) == 1 else f"{len(dataset.bags)} bags"
    print_line(
        f"{len(dataset.rows)} attempts in {bags}; {len(counted)} say something about their grasp, "
        f"and {sum(counted)} of these held"
    )


def _share(bag: BagSummary) -> str:
    if bag.eta is None:
        return "-"
    low, high = bag.eta.interval
    grasps = "1 grasp" if bag.eta.grasps == 1 else f"{bag.eta.grasps} grasps"
    return f"{bag.held} of {bag.counted}: {bag.eta.value:.2f} [{low:.2f}, {high:.2f}], {grasps}"


def _minute(stamp_ns: int | None) -> str:
    if stamp_ns is None:
        return "-"
    return f"{datetime.fromtimestamp(stamp_ns // 10**9, timezone.utc):%Y-%m-%d %H:%M}"


def _eta(eta: Eta) -> dict[str, float]:
    low, high = eta.interval
    return {"value": eta.value, "low": low, "high": high, "grasps": eta.grasps}


def _document(dataset: Dataset) -> dict[str, Any]:
    return {
        "attempts": len(dataset.rows),
        "counted": sum(row.held is not None for row in dataset.rows),
        "held": sum(bool(row.held) for row in dataset.rows),
        "copies": dataset.copies,
        "open_ended": [row.attempt_id for row in dataset.open_ended],
        "bags": [
            {
                "bag": bag.bag,
                "began": None if bag.first_ns is None else iso_time(bag.first_ns),
                "last": None if bag.last_ns is None else iso_time(bag.last_ns),
                "robots": list(bag.robots),
                "objects": list(bag.objects),
                "attempts": bag.attempts,
                "counted": bag.counted,
                "held": bag.held,
                "eta": None if bag.eta is None else _eta(bag.eta),
                "copies": bag.copies,
                "damage": bag.damage,
            }
            for bag in dataset.bags
        ],
        "unread": [asdict(bag) for bag in dataset.unread],
        "left_out": [
            {"path": readable(item.path), "reason": item.reason} for item in dataset.left_out
        ],
    }
