"""Errors that dr_grasp raises for broken preconditions; a failed grasp is an `Outcome` instead."""

from __future__ import annotations

from collections.abc import Iterable


class DrGraspError(Exception):
    """Base of all errors; the message is one line that says what came and what was expected."""


class InvalidGraspError(DrGraspError):
    """A grasp trajectory that cannot be executed; the message names the grasp and the field."""


class UnknownNameError(DrGraspError):
    """A name of a robot, object, profile or criterion that does not exist."""

    def __init__(self, kind: str, name: str, valid: Iterable[str]) -> None:
        """Compose the message.

        Args:
            kind: Kind of thing that was looked for, e.g. "robot".
            name: The unknown name.
            valid: All names of this kind that exist.
        """
        super().__init__(f"unknown {kind} {name!r}; expected one of {', '.join(sorted(valid))}")


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


class ServerGoneError(BackendError):
    """A server was there, and gave no sign of life any more."""


class ResultLateError(BackendError):
    """A server accepted a goal but gave no result in time."""
