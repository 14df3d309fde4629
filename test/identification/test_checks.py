"""Checks find what must not be believed."""

from types import SimpleNamespace

import numpy as np
import pytest

from dr_grasp.identification.checks import Calibration, explain, mistaken
from dr_grasp.identification.worlds import Space
from dr_grasp.scoring.profiles import load_profile

RNG = np.random.default_rng(0)


def calibration(ranks):
    from scipy.stats import kstest

    p_values = np.array([kstest(column, "uniform").pvalue for column in ranks.T])
    return Calibration(0.5, ranks, p_values, np.linspace(-100.0, -50.0, len(ranks)))


def test_a_parameter_whose_ranks_are_not_uniform_is_refused():
    ranks = RNG.uniform(size=(40, 3))
    ranks[:, 1] = np.where(RNG.uniform(size=40) < 0.5, 0.01, 0.99)  # always too sure

    found = calibration(ranks)

    first, second, third = found.refusals()
    assert first == third == ""
    assert "not calibrated" in second
    assert found.coverage == pytest.approx((np.abs(ranks - 0.5) < 0.45).mean())


def test_too_few_worlds_check_nothing():
    refusals = calibration(RNG.uniform(size=(19, 2))).refusals()

    assert refusals == ["19 simulated worlds are too few to check it: 20 are needed"] * 2


@pytest.mark.parametrize(
    ("evidence", "share", "refused"), [(-101.0, 1 / 41, True), (-99.0, 2 / 41, False)]
)
def test_outcomes_less_probable_than_in_all_worlds_are_not_explained(evidence, share, refused):
    real = SimpleNamespace(evidence=evidence, scale=2.0)

    found = explain(calibration(RNG.uniform(size=(40, 1))), real)

    assert found.share == pytest.approx(share)
    assert bool(found.refusal) is refused
    assert found.text.startswith("misspecification: the simulator ")


def test_parameters_of_which_only_a_product_is_known_are_named():
    space = Space.of(["mug"], load_profile("default").dynamics)
    # One observation of friction times force.
    precision, both = np.eye(len(space)), [0, len(space) - 1]
    precision[np.ix_(both, both)] += 5.0

    found = mistaken(space, np.linalg.inv(precision))

    assert found == ["gripper force of the robot", "", "", "", "", "", "friction of mug"]
