"""The program `dr-grasp`, with all its commands."""

from __future__ import annotations

import logging
import signal
import sys
from io import TextIOWrapper

import typer

from dr_grasp import __version__
from dr_grasp.cli import (
    calibrate,
    dataset,
    demo,
    diagnose,
    execute,
    generate,
    importing,
    listing,
    message,
    objects,
    policies,
    replay,
    report,
    score,
)
from dr_grasp.cli.console import (
    CRASHED,
    complain,
    complain_of_warnings,
    report_crash,
)
from dr_grasp.cli.start import INTERRUPTED

app = typer.Typer(
    name="dr-grasp",
    help="Which simulated grasps will hold on the real arm: score, rank, execute, record.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("generate")(generate.command)
app.command("import")(importing.command)
app.command("score")(score.command)
app.command("diagnose")(diagnose.command)
app.command("execute")(execute.command)
app.command("replay")(replay.command)
app.command("dataset")(dataset.command)
app.command("report")(report.command)
app.command("calibrate")(calibrate.command)
app.command("demo")(demo.command)
app.command("message")(message.command)
app.command("policies")(policies.command)
app.command("robots")(listing.robots)
app.add_typer(objects.app, name="objects")


def _version(wanted: bool) -> None:
    if wanted:
        print(f"dr-grasp {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Options of all commands."""
    complain_of_warnings()


def main() -> None:
    """Run the program; what goes wrong in the program itself becomes one line and status 70."""
    logging.raiseExceptions = False  # it would print the tracebacks of errors in logging
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal may lack characters that names have
            stream.reconfigure(errors="backslashreplace")
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # instead of that of `start`
    try:
        app()
    except KeyboardInterrupt:  # before or after a command
        complain("interrupted")
        sys.exit(INTERRUPTED)
    except Exception as error:  # any error that is not ours: RecursionError, MemoryError, ...
        report_crash(error)
        sys.exit(CRASHED)


if __name__ == "__main__":
    main()
