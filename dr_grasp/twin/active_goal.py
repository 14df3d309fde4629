"""A goal on its way: what a controller makes of it, and what others see of that."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import Enum
from typing import Generic, Protocol, TypeVar


class Status(Enum):
    """How a goal ended, in the words of action_msgs/GoalStatus."""

    SUCCEEDED = "succeeded"
    ABORTED = "aborted"
    CANCELED = "canceled"


class End(Protocol):
    """How and why."""

    @property
    def status(self) -> Status:
        """How."""
        raise NotImplementedError


EndT = TypeVar("EndT", bound=End)
NewsT = TypeVar("NewsT")


@dataclass(slots=True, eq=False)
class Motion(Generic[EndT, NewsT]):
    """A goal on its way. Any thread may look at it and wait; the twin alone ends it.

    Attributes:
        began_s: When it was taken on, by the twin's time.
        news: What there is to say of it by now; None before it has begun to move.
        end: How it ended; None as long as it has not.
    """

    began_s: float
    _ended: threading.Event
    news: NewsT | None = None
    end: EndT | None = None

    @classmethod
    def begun(cls, now_s: float) -> Motion[EndT, NewsT]:
        """One that begins now."""
        return cls(now_s, threading.Event())

    def finish(self, end: EndT) -> None:
        """Note how it ended; the first word counts."""
        if self.end is None:
            self.end = end
            self._ended.set()

    def wait(self, timeout_s: float) -> EndT | None:
        """How it ended; None if it has not after so many seconds of the wall clock."""
        self._ended.wait(timeout_s)
        return self.end
