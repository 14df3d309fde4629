"""Reads fields of messages that repeat or may be missing; errors name their place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from dr_grasp.errors import DrGraspError, InvalidGraspError

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")


def at_most_one(
    field: str, messages: Sequence[Any], decode: Callable[[str, Any], ValueT]
) -> ValueT | None:
    """Read a field that is a list of at most one message; None if it is empty.

    Raises:
        InvalidGraspError: There are several.
    """
    if len(messages) > 1:
        raise InvalidGraspError(f"{field}: expected at most one, got {len(messages)}")
    return decode(field, messages[0]) if len(messages) else None


def texts(field: str, entries: Sequence[Any]) -> dict[str, str]:
    """Read a list of diagnostic_msgs/KeyValue.

    Raises:
        InvalidGraspError: A key comes twice.
    """
    return unique(field, [(str(entry.key), str(entry.value)) for entry in entries])


def unique(field: str, pairs: Sequence[tuple[KeyT, ValueT]]) -> dict[KeyT, ValueT]:
    """Make a dict of keys and values.

    Raises:
        InvalidGraspError: A key comes twice.
    """
    found = dict(pairs)
    if len(found) != len(pairs):
        raise InvalidGraspError(
            f"{field}: expected unique keys, got {len(pairs) - len(found)} repeated"
        )
    return found


@contextmanager
def within(place: str) -> Iterator[None]:
    """Put a place, such as a message or a field, in front of the errors in the block."""
    try:
        yield
    except DrGraspError as error:
        raise InvalidGraspError(f"{place} {error}") from error
    except ValueError as error:
        raise InvalidGraspError(f"{place}: {error}") from error


def one_line(text: Any) -> str:
    """A text of a message, in one line."""
    return " ".join(str(text).split())
