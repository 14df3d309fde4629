"""Errors that dr_grasp raises for broken preconditions; a failed grasp is an `Outcome` instead."""

from __future__ import annotations

from collections.abc import Iterable
from reprlib import Repr

LONGEST_MESSAGE = 4000
"""Most characters of an error's message: a page. What a hostile file quotes may be megabytes."""


def printable(text: str) -> str:
    """Text that is safe in one line of a terminal, a log or a table.

    Whatever is not printable is shown escaped, as in Python's literals: line breaks, control
    characters, escape sequences of terminals, and marks that reverse the direction of writing.
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


_SHORT = Repr()
_SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxdict = 20
_SHORT.maxstring = _SHORT.maxlong = _SHORT.maxother = 100


def quoted(value: object) -> str:
    """A value of any size and kind in at most 60 characters, for messages."""
    try:
        return f"{_SHORT.repr(value):.60}"
    except ValueError:  # an integer of more digits than Python converts
        return f"a too long {type(value).__name__}"


class DrGraspError(Exception):
    """Base of all errors; the message is one line that says what came and what was expected.

    Messages quote files and messages of strangers, so they are made printable here, for all.
    """

    def __str__(self) -> str:
        """The message, in one printable line of bounded length."""
        text = printable(super().__str__())
        if len(text) <= LONGEST_MESSAGE:
            return text
        return f"{text[:LONGEST_MESSAGE]} ... ({len(text) - LONGEST_MESSAGE} characters more)"


class InvalidGraspError(DrGraspError):
    """A grasp trajectory that cannot be executed; the message names the grasp and the field."""


class UnknownNameError(DrGraspError):
    """A name of a robot, object, profile or criterion that does not exist."""

    def __init__(self, kind: str, name: str, valid: Iterable[str], hint: str = "") -> None:
        """Compose the message.

        Args:
            kind: Kind of thing that was looked for, e.g. "robot".
            name: The unknown name.
            valid: All names of this kind that exist.
            hint: What else may help; empty for nothing.
        """
        told = f"unknown {kind} {name!r}; expected one of {', '.join(sorted(valid))}"
        super().__init__(f"{told}; {hint}" if hint else told)


class ModelError(DrGraspError):
    """A robot or object model that is missing, empty or inconsistent."""


class SettingsError(DrGraspError):
    """A setting or configuration file with an unknown key or a value out of bounds."""


class FileFormatError(DrGraspError):
    """A file that is not of the documented format or schema version."""


class WorkerError(DrGraspError):
    """Workers that died repeatedly on the same work, or a cluster that cannot be used."""


class BackendError(DrGraspError):
    """An execution backend that cannot be reached or broke down."""


class RecordingError(DrGraspError):
    """A bag that cannot be written or read."""


class GoalRefusedError(BackendError):
    """A server refused a goal and has not begun it."""


class NoAnswerError(BackendError):
    """A server got a request, as far as anybody knows, and has not answered it."""


class ServerGoneError(NoAnswerError):
    """A server was there, and gave no sign of life any more."""


class ResultLateError(NoAnswerError):
    """A server accepted a goal but gave no result in time."""
