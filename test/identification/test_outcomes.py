"""Outcomes as numbers."""

import math
from dataclasses import replace

import numpy as np
import pytest

from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Outcome
from dr_grasp.identification.evidence import Evidence, Tried
from dr_grasp.identification.outcomes import FEATURES, compare, groups_of
from dr_grasp.identification.replica import Replayed

UPRIGHT = Pose([0.5, 0.0, 0.3], [0, 0, 0, 1])


def held(shift=(0, 0, 0), turn=(0, 0, 0), opening=0.02):
    return Replayed(Outcome.SUCCESS, UPRIGHT.perturbed(shift, turn), opening)


LOST = Replayed(Outcome.DROPPED_LIFTING, UPRIGHT, 0.0)


def evidence_of(samples, after, opening, outcome=Outcome.SUCCESS):
    attempt = samples.attempt(object_after=after, gripper_opening=opening, outcome=outcome)
    return Evidence("franka", (Tried(attempt, outcome, outcome is Outcome.SUCCESS, "b"),), {})


def test_features_are_relative_to_the_middle_of_what_was_simulated_and_compressed(samples):
    evidence = evidence_of(samples, UPRIGHT.perturbed([0.0, 0.005, 0.0], [0, 0, 0.1]), 0.019)
    worlds = [held((-0.1, 0, 0)), held(), held((0.001, 0, 0)), LOST]

    real, simulated = compare(evidence, [worlds])

    one = math.asinh(1.0)
    np.testing.assert_allclose(real.features[0, 0], [0, one, 0, 0, 0, one, -one], atol=1e-9)
    assert simulated.features[0, 0, 0] == pytest.approx(math.asinh(-20.0))
    assert simulated.features[0, 2, 0] == pytest.approx(math.asinh(0.2))
    assert simulated.held[0].tolist() == [True, True, True, False]
    assert np.isnan(simulated.features[0, 3]).all()


def test_what_was_not_recorded_or_not_held_is_unknown(samples):
    unseen, _ = compare(evidence_of(samples, None, 0.02), [[held()]])
    lost, _ = compare(evidence_of(samples, UPRIGHT, 0.0, Outcome.PUSHED_AWAY), [[held()]])
    never, _ = compare(evidence_of(samples, UPRIGHT, 0.02), [[LOST]])

    assert np.isnan(unseen.features[0, 0]).tolist() == [True] * 6 + [False]
    for one in (lost, never):
        assert np.isnan(one.features).all()
        assert one.features.shape == (1, 1, FEATURES)
    assert [bool(one.held[0, 0]) for one in (unseen, lost, never)] == [True, False, True]


def test_simulated_worlds_tell_no_more_than_the_laboratory_records(samples):
    """A real arm without a camera records the hand's opening alone."""
    blind = evidence_of(samples, None, 0.02).attempts[0]
    lost = replace(blind, held=False, outcome=Outcome.MISSED)
    whole = evidence_of(samples, UPRIGHT, 0.02).attempts[0]
    worlds = [held(), held((0.001, 0, 0))]

    def known(*attempts):
        _, simulated = compare(Evidence("franka", attempts, {}), [worlds] * len(attempts))
        assert simulated.held.all()
        return np.isfinite(simulated.features).all(axis=1).tolist()

    opening, everything = [False] * 6 + [True], [True] * 7
    assert known(blind, lost) == [opening, opening]
    assert known(whole, lost, blind) == [everything, everything, opening]
    assert known(lost) == [everything]  # nothing held that could have been recorded


def test_attempts_of_one_motion_are_one_group_whatever_stands_between(samples):
    first, second = samples.grasp("a"), samples.grasp("b")

    groups = groups_of([first, second, first])

    assert [group.attempts for group in groups] == [(0, 2), (1,)]
