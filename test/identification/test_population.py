"""From some objects to the population that they come from."""

import math

import numpy as np
import pytest

from dr_grasp.identification.population import Item, population_of, spread_of

UNKNOWN = Item(0.0, math.inf)


def test_without_evidence_the_old_range_stays():
    found = population_of([UNKNOWN, UNKNOWN], 0.3, 0.2)

    assert found.mean == pytest.approx(0.3, abs=1e-3)
    # And that it may be wrong is not forgotten.
    assert found.others[0] < 0.3 - 1.645 * 0.2 < 0.3 + 1.645 * 0.2 < found.others[1]


def test_without_evidence_the_old_spread_stays():
    found = spread_of([UNKNOWN], 0.004)

    assert found.std == pytest.approx(0.004, rel=0.02)
    assert found.others == pytest.approx((-1.645 * 0.004, 1.645 * 0.004), rel=0.02)


def test_many_well_known_objects_count_and_the_old_range_does_not():
    rng = np.random.default_rng(0)
    values = rng.normal(-1.0, 0.3, 200)

    found = population_of([Item(value, 0.01) for value in values], 0.5, 0.2)

    assert found.mean == pytest.approx(values.mean(), abs=0.01)
    assert found.std == pytest.approx(values.std(), rel=0.05)
    reach = 1.645 * values.std()
    expected = (values.mean() - reach, values.mean() + reach)
    assert found.others == pytest.approx(expected, rel=0.05)
    low, high = found.found
    assert high - low == pytest.approx(2 * 1.645 * values.std() / math.sqrt(200), rel=0.15)


def test_errors_of_what_is_known_of_each_object_are_not_taken_for_spread():
    rng = np.random.default_rng(1)
    values = rng.normal(0.0, math.hypot(0.2, 0.3), 400)

    found = population_of([Item(value, 0.3) for value in values], 0.0, 0.2)

    assert found.std == pytest.approx(math.sqrt(values.var() - 0.3**2), rel=0.15)


def test_the_range_holds_others_of_a_laboratory_that_the_old_range_did_not_know():
    """Of three objects at 40 % friction in a range about 80 %, the next lies inside."""
    found = population_of([Item(math.log(f), 0.1) for f in (0.35, 0.40, 0.48)], -0.215, 0.276)

    low, high = found.others
    assert low < math.log(0.3)
    assert math.log(0.5) < high < math.log(0.9)


def test_a_prior_is_taken_out_of_a_posterior():
    item = Item.from_posterior(mean=0.8, std=math.sqrt(0.2), prior_mean=0.0, prior_std=1.0)

    assert item.std == pytest.approx(0.5)
    assert item.value == pytest.approx(1.0)
    assert math.isinf(Item.from_posterior(0.0, 1.0, 0.0, 1.0).std)


def test_the_spread_of_centres_of_mass_grows_with_what_was_found():
    far = spread_of([Item(value, 0.001) for value in (0.012, -0.010, 0.009)], 0.004)
    near = spread_of([Item(value, 0.001) for value in (0.001, -0.001, 0.0)], 0.004)

    assert far.std > 0.007
    assert near.std < 0.004
    assert far.found[0] < far.std < far.found[1]
    assert far.mean == 0.0
