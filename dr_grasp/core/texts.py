"""Bounds of names and texts, which anybody on the network or in a file may choose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dr_grasp.errors import InvalidGraspError, quoted

LONGEST_NAME = 500
"""Most characters of a name or an id; a file's name, from which some are made, has up to 255."""

LONGEST_TEXT = 100_000
"""Most characters of any other text, such as a reason or a value of the provenance, which may be a
whole configuration file."""

MOST_ENTRIES = 1_000
"""Most entries of a provenance, or of the models of a score or an attempt; ours have about 20."""


def first_names(names: Sequence[str], most: int = 3) -> str:
    """The first of some names, and how many more there are, e.g. "a, b, c and 5 more"."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def check_name(field: str, name: str) -> None:
    """Refuse a name that is too long or cannot be printed: it stands in messages and tables.

    Raises:
        InvalidGraspError: The name is too long, or not printable.
    """
    if len(name) > LONGEST_NAME:
        raise InvalidGraspError(
            f"{field}: expected at most {LONGEST_NAME} characters, got {len(name)}"
        )
    if not name.isprintable():
        raise InvalidGraspError(f"{field}: expected printable characters, got {quoted(name)}")


def check_text(field: str, text: str) -> None:
    """Refuse a text that is too long, or that UTF-8 cannot write.

    Raises:
        InvalidGraspError: The text is too long, or has half of a character.
    """
    if len(text) > LONGEST_TEXT:
        raise InvalidGraspError(
            f"{field}: expected at most {LONGEST_TEXT} characters, got {len(text)}"
        )
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidGraspError(f"{field}: expected Unicode, got {quoted(text)}") from None


def check_entries(field: str, entries: Mapping[str, str]) -> None:
    """Refuse a mapping of texts that has too many of them, or too long ones.

    Raises:
        InvalidGraspError: There are too many entries, or a key or value is not valid.
    """
    if len(entries) > MOST_ENTRIES:
        raise InvalidGraspError(
            f"{field}: expected at most {MOST_ENTRIES} entries, got {len(entries)}"
        )
    for key, value in entries.items():
        check_text(f"{field} key", key)
        check_text(f"{field} {key:.40}", value)
