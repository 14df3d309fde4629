"""What the twin's controllers share: the state of joints, and goals that are being worked on."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import Enum
from typing import Generic, TypeVar

from dr_grasp.core.arrays import FloatArray

ResultT = TypeVar("ResultT")
FeedbackT = TypeVar("FeedbackT")


class Status(Enum):
    """How a goal ended, in the words of action_msgs/GoalStatus."""

    SUCCEEDED = "succeeded"
    ABORTED = "aborted"
    CANCELED = "canceled"


@dataclass(slots=True, eq=False, kw_only=True)
class ActiveGoal(Generic[ResultT, FeedbackT]):
    """A goal that a controller works on. Any thread may read it and wait for its end.

    Attributes:
        began_s: When the controller took it on, in the twin's time.
        feedback: The latest; None before the first.
        result: How it ended; None as long as it has not.
    """

    began_s: float
    feedback: FeedbackT | None = None
    result: ResultT | None = None
    _ended: threading.Event = field(default_factory=threading.Event)

    def finish(self, result: ResultT) -> None:
        """End the goal; called by its controller alone. The first result stays."""
        if self.result is None:
            self.result = result
            self._ended.set()

    def wait(self, timeout_s: float) -> ResultT | None:
        """Wait for the result [s of the wall clock]; None if it has not come by then."""
        self._ended.wait(timeout_s)
        return self.result


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What drives and encoders report at one time.

    Attributes:
        stamp_s: The twin's time; 0 is when the twin was made.
        joints: Names of the k joints of the arm, of the driven joints of the hand, and of those
            that mimic them, in this order.
        positions: Shape (k,) [rad or m].
        velocities: Shape (k,) [rad/s or m/s]; those of the hand are means over 0.08 s.
        efforts: Shape (k,), without what carries the robot's own weight [N m or N].
    """

    stamp_s: float
    joints: tuple[str, ...]
    positions: FloatArray
    velocities: FloatArray
    efforts: FloatArray
