"""Pieces of work of a study, each of which makes one file or folder."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol, TypeVar


class Piece(Protocol):
    """A piece of work."""

    @property
    def path(self) -> Path:
        """What it makes."""


PieceT = TypeVar("PieceT", bound=Piece)


def missing(work: Iterable[PieceT], end: float) -> Iterator[PieceT]:
    """Pieces of work that are not done, until the time is over."""
    for piece in work:
        if time.time() > end:
            return
        if not piece.path.exists():
            yield piece
