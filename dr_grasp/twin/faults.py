"""Faults that the live twin can be given, so that what drives it can be seen to cope with them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

from dr_grasp.errors import SettingsError, UnknownNameError

LONGEST_LAG_S = 10.0
LONGEST_WAIT_S = 3600.0


@dataclass(frozen=True, slots=True)
class Faults:
    """What is wrong with an arm; by default nothing is. Times are the twin's.

    Attributes:
        lagging_joint: Joint of arm or hand that is slow to do as it is told; empty for none.
        lag_s: Time constant of its first-order lag: at constant speed it is so far behind [s].
        gripper_stuck: Whether the hand stays as it is, whatever it is told.
        abort_after_s: How long after it began each motion of the arm aborts [s]; 0 for never.
        joint_states_stop_after_s: How long after the first motion begun with this fault joint
            states stop [s]; 0 for never.
    """

    lagging_joint: str = ""
    lag_s: float = 0.5
    gripper_stuck: bool = False
    abort_after_s: float = 0.0
    joint_states_stop_after_s: float = 0.0

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            SettingsError: One is out of bounds.
        """
        for one in fields(self):
            if not one.name.endswith("_s"):
                continue
            value = getattr(self, one.name)
            longest = LONGEST_LAG_S if one.name == "lag_s" else LONGEST_WAIT_S
            if not (math.isfinite(value) and 0.0 <= value <= longest):
                raise SettingsError(f"{one.name}: expected 0 to {longest:g} s, got {value}")

    def check_joint(self, joints: Sequence[str]) -> None:
        """Refuse a lagging joint that a robot has not.

        Args:
            joints: Names of those it has.

        Raises:
            UnknownNameError: It is none of them.
        """
        if self.lagging_joint and self.lagging_joint not in joints:
            raise UnknownNameError("lagging_joint", self.lagging_joint, joints)
