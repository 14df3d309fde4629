"""The surrogate learns what simulated worlds show."""

import numpy as np
import pytest

from dr_grasp.identification.likelihood import Surrogate
from dr_grasp.identification.outcomes import FEATURES, Group, Outcomes
from dr_grasp.identification.worlds import Space
from dr_grasp.scoring.profiles import load_profile

SPACE = Space.of(["mug"], load_profile("default").dynamics)
WORLDS = np.random.default_rng(0).normal(size=(200, len(SPACE)))


@pytest.fixture
def group(samples):
    return Group(samples.grasp(), (0, 1, 2))


def simulated(slopes, shared=0.1, own=0.2, held=None):
    """Features that are linear in the world, with errors that attempts share and their own."""
    rng = np.random.default_rng(1)
    expected = (WORLDS @ slopes)[None] + np.array([0.0, 0.5, -0.5])[:, None, None]
    size = (len(WORLDS), FEATURES)
    features = expected + shared * rng.normal(size=size) + own * rng.normal(size=(3, *size))
    held = np.ones((3, len(WORLDS)), dtype=bool) if held is None else held
    return Outcomes(held, np.where(held[:, :, None], features, np.nan))


def test_slopes_and_both_errors_are_recovered(group):
    slopes = np.random.default_rng(2).normal(size=(len(SPACE), FEATURES))

    model = Surrogate.fit(SPACE, [group], WORLDS, simulated(slopes)).grasps[0]

    np.testing.assert_allclose(model.slopes, slopes, atol=0.05)
    np.testing.assert_allclose(model.means, np.repeat([[0.0], [0.5], [-0.5]], 7, 1), atol=0.06)
    assert np.diag(model.own) == pytest.approx(np.full(7, 0.04), rel=0.2)
    assert np.diag(model.shared) == pytest.approx(np.full(7, 0.01), rel=0.6)


def test_more_attempts_tell_more_but_no_more_than_their_shared_error_lets_them(group):
    slopes = np.zeros((len(SPACE), FEATURES))
    slopes[0] = 1.0
    surrogate = Surrogate.fit(SPACE, [group], WORLDS, simulated(slopes))
    features = np.zeros((3, 1, FEATURES))
    told = []
    for count in (1, 3):
        few = np.where(np.arange(3)[:, None, None] < count, features, np.nan)
        seen = Outcomes(np.ones((3, 1), dtype=bool), few)
        told.append(surrogate.terms(seen, unexplained=0.0).precision[0, 0])

    # Of variances 0.01 shared and 0.04 own: (0.01 + 0.04) / (0.01 + 0.04 / 3).
    assert told[1] / told[0] == pytest.approx(0.05 / (0.01 + 0.04 / 3), rel=0.2)


def test_the_logistic_model_finds_what_decides_about_holding(group):
    rng = np.random.default_rng(3)
    logits = 2.0 * WORLDS[:, 0] - 1.0 + rng.logistic(size=(3, len(WORLDS)))
    outcomes = simulated(np.zeros((len(SPACE), FEATURES)), held=logits > 0)

    surrogate = Surrogate.fit(SPACE, [group], WORLDS, outcomes)

    model = surrogate.grasps[0]
    assert model.logit_slopes[0] == pytest.approx(2.0, abs=0.4)
    assert np.abs(model.logit_slopes[1:]).max() < 0.4
    assert model.logits == pytest.approx(np.full(3, -1.0), abs=0.5)
    assert surrogate.likeness < 0.1  # attempts were independent


def test_attempts_that_share_their_fate_count_as_one(group):
    rng = np.random.default_rng(4)
    logits = WORLDS[:, 0] + rng.logistic(size=len(WORLDS))
    held = np.repeat(logits[None] > 0, 3, axis=0)
    outcomes = simulated(np.zeros((len(SPACE), FEATURES)), held=held)

    surrogate = Surrogate.fit(SPACE, [group], WORLDS, outcomes)

    assert surrogate.likeness > 0.9
    terms = surrogate.terms(outcomes[np.array([0])])
    assert terms.weights.sum() == pytest.approx(1.0, abs=0.2)


def test_features_are_not_learnt_where_a_grasp_hardly_ever_holds(group):
    held = np.zeros((3, len(WORLDS)), dtype=bool)
    held[:, :9] = True
    outcomes = simulated(np.zeros((len(SPACE), FEATURES)), held=held)

    surrogate = Surrogate.fit(SPACE, [group], WORLDS, outcomes)

    assert surrogate.grasps[0].known.size == 0
    assert surrogate.terms(outcomes[np.array([0])]).count == 0
