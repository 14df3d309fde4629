"""The errors that dr_grasp raises: broken preconditions, never outcomes of the world."""

from __future__ import annotations

from collections.abc import Iterable


class DrGraspError(Exception):
    """Base of all errors; the message is one line that says what came and what was expected."""


class InvalidGraspError(DrGraspError):
    """A grasp trajectory that cannot be replayed; names the grasp and the field."""


class UnknownNameError(DrGraspError):
    """A name (robot, object, profile, criterion) that nothing answers to."""

    def __init__(self, kind: str, name: str, valid: Iterable[str]) -> None:
        """Compose the message.

        Args:
            kind: What the name should have named, e.g. "robot".
            name: The name that came.
            valid: The names that would have worked.
        """
        super().__init__(f"unknown {kind} {name!r}; expected one of {', '.join(sorted(valid))}")


class ModelError(DrGraspError):
    """A robot or object model that is missing, empty or inconsistent."""


class SettingsError(DrGraspError):
    """A setting or configuration file with an unknown key or a value out of bounds."""


class FileFormatError(DrGraspError):
    """A file that is not of the documented format or schema version."""


class WorkerError(DrGraspError):
    """Workers that died repeatedly on the same work, or a cluster of them that is of no use."""


class BackendError(DrGraspError):
    """An execution backend that cannot be reached or broke down."""


class RecordingError(DrGraspError):
    """A bag that cannot be written or read."""


class GoalRefusedError(BackendError):
    """A server refused a goal; nothing was done of it."""


class ResultLateError(BackendError):
    """A server gave no result in time."""
