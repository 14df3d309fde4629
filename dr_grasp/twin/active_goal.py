"""Goals that the twin's controllers work on, and readings of the joints."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import Enum
from typing import Generic, TypeVar

from dr_grasp.core.arrays import FloatArray

ResultT = TypeVar("ResultT")
FeedbackT = TypeVar("FeedbackT")


class Status(Enum):
    """Final status of a goal, with the names of action_msgs/GoalStatus."""

    SUCCEEDED = "succeeded"
    ABORTED = "aborted"
    CANCELED = "canceled"


@dataclass(slots=True, eq=False, kw_only=True)
class ActiveGoal(Generic[ResultT, FeedbackT]):
    """A goal that a controller works on. Any thread may read it and wait for its end.

    Attributes:
        began_s: Time at which the controller accepted the goal, in the twin's time [s].
        feedback: The latest feedback; None before the first.
        result: The final result; None until the goal has ended.
    """

    began_s: float
    feedback: FeedbackT | None = None
    result: ResultT | None = None
    _ended: threading.Event = field(default_factory=threading.Event)

    def finish(self, result: ResultT) -> None:
        """End the goal; only its controller calls this. Only the first call has an effect."""
        if self.result is None:
            self.result = result
            self._ended.set()

    def wait(self, timeout_s: float) -> ResultT | None:
        """Wait for the result, at most `timeout_s` of the wall clock [s]; None if there is none."""
        self._ended.wait(timeout_s)
        return self.result


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """Joint states that drives and encoders report at one time.

    Attributes:
        stamp_s: The twin's time, which began at 0 when the twin was made [s].
        joints: Names of k joints: of the arm, then driven joints of the hand, then mimicking ones.
        positions: Positions of the joints, shape (k,) [rad or m].
        velocities: Velocities, shape (k,) [rad/s or m/s]; of the hand, means over 0.08 s.
        efforts: Efforts, without those that carry the robot's weight, shape (k,) [N m or N].
    """

    stamp_s: float
    joints: tuple[str, ...]
    positions: FloatArray
    velocities: FloatArray
    efforts: FloatArray
