"""What results are worth, and when more trials could change that."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Outcome
from dr_grasp.generation.proposal import Proposal
from dr_grasp.generation.result import Result, Trials


def test_objectives_put_any_success_before_any_failure():
    proposal = Proposal(0, Pose.identity(), "pinch")
    assert Result(proposal, outcome=Outcome.MISSED).objective == 0.0
    steady = Result(proposal, outcome=Outcome.SUCCESS, slip_m=0.0)
    assert steady.objective == 2.0
    assert replace(steady, slip_m=0.01).objective == pytest.approx(1.0 + np.exp(-1.0))
    assert replace(steady, slip_m=10.0).objective >= 1.0
    # The fitness counts where there is one; what was left out counts as failed.
    assert replace(steady, trials=Trials(3, 4, 12)).objective == 1.25


def test_when_more_trials_could_win():
    assert Trials(0, 0, 20).may_still_beat(None) and not Trials(20, 20, 20).may_still_beat(None)
    assert Trials(0, 5, 20).may_still_beat(0.7)
    assert not Trials(0, 5, 20).may_still_beat(0.75)  # equal is not better


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.integers(0, 30), st.floats(0, 1))
def test_trials_that_are_left_out_could_not_have_won(outcomes, done, fitness):
    done = min(done, len(outcomes))
    trials = Trials(sum(outcomes[:done]), done, len(outcomes))
    whole = sum(outcomes) / len(outcomes)
    assert trials.value <= whole <= trials.bound
    assert trials.may_still_beat(fitness) or done == len(outcomes) or whole <= fitness
