"""Base class for objects that hold processes, files or worlds and must release them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import TypeVar

SelfT = TypeVar("SelfT", bound="Closing")


class Closing(ABC):
    """A context manager that calls `close` at the end of the block."""

    @abstractmethod
    def close(self) -> None:
        """Release everything that this object holds; may be called twice."""

    def __enter__(self: SelfT) -> SelfT:
        """Use as a context manager."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close at the end of the block."""
        self.close()
