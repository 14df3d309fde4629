"""Which outcomes say something about a grasp, and what."""

from __future__ import annotations

from typing import Final

from dr_grasp.core.outcome import Outcome

LOST: Final = frozenset(
    {
        Outcome.MISSED,
        Outcome.PUSHED_AWAY,
        Outcome.SLIPPED_CLOSING,
        Outcome.DROPPED_LIFTING,
        Outcome.DROPPED_HOLDING,
        Outcome.ROBOT_HIT_TABLE,
        Outcome.SELF_COLLISION,
        Outcome.FAILED,
    }
)
"""The grasp was tried as it was meant, and the object was not held in the end."""


def held(outcome: Outcome) -> bool | None:
    """Whether a grasp held; None where the attempt says nothing about the grasp.

    Nothing is said by what ended before or beside the grasp: UNKNOWN, REFUSED, CANCELLED,
    BACKEND_ERROR, START_TOO_FAR, IN_COLLISION, PLAN_FAILED, CONTROLLER_ABORTED,
    TOLERANCE_VIOLATED and TIMED_OUT, of which the arm, its planner or an operator is the reason;
    NOT_SETTLED, where the object still moved before the hand touched it, so that another scene was
    met than was meant; and DIVERGED, which only an engine does. A robot that hits the table or
    itself was sent there by the grasp: that counts against it, as it does in a rollout.
    """
    return _HELD[outcome]


_HELD: Final = {
    outcome: True if outcome is Outcome.SUCCESS else False if outcome in LOST else None
    for outcome in Outcome
}
