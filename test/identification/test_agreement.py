"""How well a profile foretells attempts."""

import pytest

from dr_grasp.core.engine import Engine
from dr_grasp.core.outcome import Outcome
from dr_grasp.identification.agreement import WORLDS_EACH, agreement, foretold
from dr_grasp.identification.replica import Replayed
from dr_grasp.scoring.profiles import load_profile

from .made import evidence_of


def ended(*successes):
    return [
        Replayed(Outcome.SUCCESS if number < good else Outcome.MISSED, None, None)
        for good in successes
        for number in range(WORLDS_EACH)
    ]


def test_shares_and_the_brier_score(home_grasp):
    evidence = evidence_of(home_grasp(), [True, True, False])
    found = agreement(evidence, ended(4, 2, 0))
    assert (found.of_held, found.of_failed) == (0.75, 0.0)
    # Of the second attempt: (1/2 - 1)^2 less its noise, 1/2 * 1/2 / 3.
    assert found.brier == pytest.approx((0.25 - 0.25 / 3) / 3)


def test_the_noise_of_few_worlds_is_taken_out(home_grasp):
    """The mean over all that may come of an attempt with p = 1/2 is that of endless worlds."""
    evidence = evidence_of(home_grasp(), [True])
    ways = [1, 4, 6, 4, 1]
    mean = sum(way / 16 * agreement(evidence, ended(good)).brier for good, way in enumerate(ways))
    assert mean == pytest.approx(0.25)


def test_where_all_held_nothing_is_said_of_those_that_did_not(home_grasp):
    assert agreement(evidence_of(home_grasp(), [True]), ended(4)).of_failed is None


def test_two_profiles_get_the_same_numbers(home_grasp):
    evidence = evidence_of(home_grasp(), [True, False])
    profile = load_profile("default")
    one, other = (foretold(evidence, profile, Engine.MUJOCO, 5, 7) for _ in range(2))
    assert len(one) == 2 * WORLDS_EACH
    masses = [piece.perturbation.mass_scale for piece in one]
    assert masses == [piece.perturbation.mass_scale for piece in other]
    assert len(set(masses)) == 2 * WORLDS_EACH
    assert [piece.attempt for piece in one] == [0] * WORLDS_EACH + [1] * WORLDS_EACH
