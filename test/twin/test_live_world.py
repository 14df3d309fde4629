from __future__ import annotations

import pytest

from dr_grasp.errors import SettingsError
from dr_grasp.twin.live_world import Faults


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lag_s": -0.1}, "lag_s: expected 0 to 10 s, got -0.1"),
        ({"lag_s": 11.0}, "lag_s: expected 0 to 10 s, got 11"),
        ({"abort_after_s": float("nan")}, "abort_after_s: expected 0 to 3600 s, got nan"),
        ({"joint_states_stop_after_s": -1.0}, "joint_states_stop_after_s: expected 0 to 3600 s"),
    ],
)
def test_numbers_out_of_bounds_are_refused(changes, message):
    with pytest.raises(SettingsError, match=message):
        Faults(**changes)
