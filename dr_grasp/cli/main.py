"""The program `dr-grasp`, with all its commands."""

from __future__ import annotations

import inspect
import logging
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from io import TextIOWrapper

import typer

from dr_grasp import __version__
from dr_grasp.cli.console import CRASHED, complain, complain_of_warnings, report_crash
from dr_grasp.cli.start import INTERRUPTED

VERBS = {
    "generate": "generate:command",
    "import": "importing:command",
    "score": "score:command",
    "diagnose": "diagnose:command",
    "margins": "margins:command",
    "execute": "execute:command",
    "replay": "replay:command",
    "dataset": "dataset:command",
    "report": "report:command",
    "identify": "identify:command",
    "calibrate": "calibrate:command",
    "demo": "demo:command",
    "message": "message:command",
    "policies": "policies:command",
    "robots": "listing:robots",
    "objects": "objects:app",
}
"""Where each verb is, as module and name in dr_grasp.cli."""


def make_app(only: str = "") -> typer.Typer:
    """Make the program.

    Args:
        only: The one verb to load, which saves up to half a second; all, if none is of this name.
    """
    app = typer.Typer(
        name="dr-grasp",
        help="Which simulated grasps will hold on the real arm: score, rank, execute, record.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(options)
    for verb in [only] if only in VERBS else VERBS:
        module, name = VERBS[verb].split(":")
        found = getattr(import_module(f"dr_grasp.cli.{module}"), name)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=verb)
        else:
            app.command(verb, help=_in_whole_paragraphs(found))(found)
    return app


def _in_whole_paragraphs(command: Callable[..., None]) -> str:
    """The docstring of a command without its line breaks, since terminals break lines as well."""
    paragraphs = (inspect.getdoc(command) or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def __getattr__(name: str) -> typer.Typer:
    """The whole program as `app`, for Typer's own tools."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return make_app()


def _version(wanted: bool) -> None:
    if wanted:
        print(f"dr-grasp {__version__}")
        raise typer.Exit


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
        make_app(next((word for word in sys.argv[1:] if not word.startswith("-")), ""))()
    except KeyboardInterrupt:  # before or after a command
        complain("interrupted")
        sys.exit(INTERRUPTED)
    except Exception as error:  # any error that is not ours: RecursionError, MemoryError, ...
        report_crash(error)
        sys.exit(CRASHED)


if __name__ == "__main__":
    main()
