"""Which outcomes count, and as what."""

import pytest

from dr_grasp.core.outcome import Outcome
from dr_grasp.transfer.held import held

COUNT_AGAINST = {
    "missed",
    "pushed_away",
    "slipped_closing",
    "dropped_lifting",
    "dropped_holding",
    "robot_hit_table",
    "self_collision",
    "failed",
}


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_is_decided(outcome):
    expected = {"success": True, **dict.fromkeys(COUNT_AGAINST, False)}.get(outcome.label)
    assert held(outcome) is expected
