"""Rank statistics against other people's code, laws that they obey, and honest intervals."""

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from dr_grasp.core.fitness import Fitness
from dr_grasp.core.metric import Metric
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.transfer import bootstrap
from dr_grasp.transfer.bootstrap import Cells
from dr_grasp.transfer.clustered import interval_over_grasps
from dr_grasp.transfer.grasp_tally import tally_grasps
from dr_grasp.transfer.statistics import Estimate, statistics_of

MDR = Criterion.MDR


def grasps(number=40, seed=0, most=4):
    """Fitness, held and attempts of grasps, with many ties."""
    rng = np.random.default_rng(seed)
    attempts = rng.integers(1, most + 1, number)
    fitness = rng.integers(0, 11, number) / 10
    return fitness, rng.binomial(attempts, fitness), attempts


@st.composite
def samples_of_grasps(draw, most=60):
    """Fitness, held and attempts of up to so many grasps, with ties."""
    number = draw(st.integers(2, most))
    fitness = draw(st.lists(st.integers(0, 10), min_size=number, max_size=number))
    attempts = draw(st.lists(st.integers(1, 5), min_size=number, max_size=number))
    held = [draw(st.integers(0, most)) for most in attempts]
    return np.array(fitness) / 10, np.array(held), np.array(attempts)


def on_sample(statistic, *columns):
    cells = Cells.of(*columns)
    (value,) = statistic(cells, cells.observed)
    return value


@given(samples_of_grasps())
def test_rho_is_that_of_scipy(columns):
    fitness, held, attempts = columns
    assume(len({*fitness}) > 1 and len({*(held / attempts)}) > 1)
    expected = spearmanr(fitness, held / attempts).statistic
    assert on_sample(bootstrap.rho, *columns) == pytest.approx(expected, abs=1e-9)


@given(samples_of_grasps())
def test_auc_is_that_of_scikit_learn(columns):
    fitness, held, attempts = columns
    assume(0 < held.sum() < attempts.sum())
    labels = [k < h for h, n in zip(held, attempts, strict=True) for k in range(n)]
    expected = roc_auc_score(labels, np.repeat(fitness, attempts))
    assert on_sample(bootstrap.auc, *columns) == pytest.approx(expected, abs=1e-12)


@given(samples_of_grasps())
def test_statistics_stay_within_their_bounds_and_gain_is_a_difference(columns):
    fitness, held, attempts = columns
    top, eta = on_sample(bootstrap.top_eta, *columns), on_sample(bootstrap.eta, *columns)
    assert 0 <= top <= 1 and eta == held.sum() / attempts.sum()
    assert on_sample(bootstrap.gain, *columns) == top - eta
    # Less fit is fitter the other way round.
    turned = 1 - fitness
    for statistic, about in ((bootstrap.rho, 0.0), (bootstrap.auc, 0.5)):
        value = on_sample(statistic, *columns)
        if np.isfinite(value):
            mirrored = on_sample(statistic, turned, held, attempts)
            assert value - about == pytest.approx(about - mirrored, abs=1e-9)


@settings(max_examples=25)
@given(samples_of_grasps(), st.integers(0, 2**32))
def test_intervals_are_in_order_and_that_of_eta_contains_it(columns, seed):
    """Percentile intervals of the others need not: rho and AUC of resamples are biased."""
    cells = Cells.of(*columns)
    statistics = (bootstrap.rho, bootstrap.auc, bootstrap.top_eta, bootstrap.eta)
    for statistic, ends in zip(
        statistics, bootstrap.intervals(cells, statistics, 200, seed), strict=True
    ):
        if ends is not None:
            low, high = ends
            assert low <= high
            if statistic is bootstrap.eta:
                assert low <= on_sample(statistic, *columns) <= high


def test_weights_stand_for_grasps():
    columns = grasps(12)
    cells = Cells.of(*columns)
    rng = np.random.default_rng(1)
    for weights in cells.resamples(20, rng):
        repeated = [
            np.repeat(column, weights[0].astype(int))
            for column in (cells.fitness, cells.held, cells.attempts)
        ]
        for statistic in (bootstrap.rho, bootstrap.auc, bootstrap.top_eta, bootstrap.eta):
            assert statistic(cells, weights)[0] == pytest.approx(on_sample(statistic, *repeated))


def test_resamples_are_of_as_many_grasps(monkeypatch):
    monkeypatch.setattr(bootstrap, "NUMBERS_AT_ONCE", 100)
    cells = Cells.of(*grasps(30))
    blocks = list(cells.resamples(25, np.random.default_rng(0)))
    assert sum(len(block) for block in blocks) == 25 and len(blocks) > 1
    assert all((block.sum(axis=1) == 30).all() for block in blocks)


def test_a_perfect_order_and_a_reversed_one():
    fitness, held, attempts = np.arange(5) / 4, np.array([0, 1, 2, 3, 4]), np.full(5, 4)
    assert on_sample(bootstrap.rho, fitness, held, attempts) == pytest.approx(1)
    assert on_sample(bootstrap.rho, 1 - fitness, held, attempts) == pytest.approx(-1)
    one, ones = np.ones(4), np.array([0, 0, 1, 1])
    assert on_sample(bootstrap.auc, fitness[:4], ones, one) == 1
    assert on_sample(bootstrap.auc, 1 - fitness[:4], ones, one) == 0


def test_what_is_not_defined_is_nan():
    one = np.ones(3)
    assert np.isnan(on_sample(bootstrap.rho, one, [0, 1, 0], one))
    assert np.isnan(on_sample(bootstrap.rho, [0, 0.5, 1], one, one))
    assert np.isnan(on_sample(bootstrap.auc, [0, 0.5, 1], one, one))


def test_the_top_fifth_without_ties():
    fitness, attempts = np.arange(10) / 10, np.full(10, 2)
    held = np.array([0, 0, 0, 0, 0, 0, 0, 0, 1, 2])
    assert on_sample(bootstrap.top_eta, fitness, held, attempts) == 3 / 4
    assert on_sample(bootstrap.gain, fitness, held, attempts) == 3 / 4 - 3 / 20
    # Of eleven grasps the fifth are three: rounded up.
    assert on_sample(bootstrap.top_eta, np.arange(11), np.arange(11) > 8, np.ones(11)) == 2 / 3


def test_grasps_equally_fit_at_the_border_count_in_part():
    """The top fifth of ten are two: the best, and one of four, of which one held."""
    fitness = np.array([0.9, 0.5, 0.5, 0.5, 0.5, 0.1, 0.1, 0.1, 0.1, 0.1])
    held = np.array([1, 1, 0, 0, 0, 0, 0, 0, 0, 0])
    expected = (1 + 1 / 4) / 2
    assert on_sample(bootstrap.top_eta, fitness, held, np.ones(10)) == expected


@pytest.mark.parametrize("transform", [np.exp, lambda f: f**3, lambda f: 5 * f - 2])
def test_a_monotone_transform_of_the_fitness_changes_nothing(transform):
    fitness, held, attempts = grasps()
    before, after = Cells.of(fitness, held, attempts), Cells.of(transform(fitness), held, attempts)
    three = (bootstrap.rho, bootstrap.auc, bootstrap.gain)
    assert bootstrap.intervals(before, three, 200, 0) == bootstrap.intervals(after, three, 200, 0)
    for statistic in three:
        assert statistic(before, before.observed) == statistic(after, after.observed)


def test_intervals_cover_what_they_should():
    """Grasps of a known population, attempts of one grasp alike; 95 % intervals of 200 samples."""
    statistics = (bootstrap.rho, bootstrap.auc, bootstrap.gain)

    def draw(number, rng):
        attempts = rng.integers(1, 6, number)
        holds = rng.beta(2, 1, number)
        fitness = np.round(np.clip(holds + rng.normal(0, 0.3, number), 0, 1) * 20) / 20
        return Cells.of(fitness, rng.binomial(attempts, holds), attempts)

    everybody = draw(300_000, np.random.default_rng(0))
    truth = [statistic(everybody, everybody.observed)[0] for statistic in statistics]
    covered = np.zeros(len(statistics))
    for seed in range(200):
        cells = draw(80, np.random.default_rng(seed + 1))
        ends = bootstrap.intervals(cells, statistics, 300, seed)
        covered += [low <= one <= high for one, (low, high) in zip(truth, ends, strict=True)]
    assert (covered / 200 >= 0.89).all() and (covered / 200 <= 0.99).all()


def test_a_criterion_that_sorts_is_seen_to(many_rows):
    found = statistics_of(tally_grasps(many_rows(300)), MDR)
    assert (found.attempts, found.grasps, found.top_grasps) == (300, 60, 12)
    assert found.overall.attempts == 300
    assert 0.5 < found.auc.low < found.auc.value < found.auc.high <= 1
    assert 0 < found.rho.low < found.rho.value < found.rho.high <= 1
    assert found.gain.value == pytest.approx(found.top_eta.value - found.overall.value)
    assert 0 < found.gain.low < found.gain.value < found.gain.high


@pytest.mark.parametrize(
    ("metric", "of_mdr"),
    [(Metric.TUG, lambda mdr: 40 * mdr), (Metric.PENETRATION, lambda mdr: 0.01 * (1 - mdr))],
)
def test_a_metric_that_sorts_alike_has_the_same_statistics(many_rows, metric, of_mdr):
    """Only the order counts, not the unit; where less is better, the lowest are the fittest."""
    rows = many_rows(300)
    expected = statistics_of(tally_grasps(rows), MDR)
    scored = [replace(one, metrics={metric: of_mdr(one.fitness[MDR].value)}) for one in rows]
    found = statistics_of(tally_grasps(scored), metric)
    assert found == replace(expected, predictor=metric)
    lacking = [replace(one, metrics={}) if one.robot == "franka" else one for one in scored]
    assert statistics_of(tally_grasps(lacking), metric).grasps == 30
    assert statistics_of(tally_grasps(rows), metric).rho.reason.startswith("no attempt has it")


def test_a_criterion_that_says_nothing_is_not_believed(many_rows):
    found = statistics_of(tally_grasps(many_rows(300, slope=0.0, offset=0.5)), MDR)
    assert found.rho.low < 0 < found.rho.high
    assert found.auc.low < 0.5 < found.auc.high
    assert found.gain.low < 0 < found.gain.high


def test_the_same_seed_gives_the_same_in_any_order(many_rows):
    tallies = tally_grasps(many_rows(100))
    shuffled = random.Random(0).sample(tallies, len(tallies))
    assert statistics_of(shuffled, MDR, seed=3) == statistics_of(tallies, MDR, seed=3)
    other = statistics_of(tallies, MDR, seed=4)
    assert other.rho.value == statistics_of(tallies, MDR, seed=3).rho.value
    assert other.rho.low != statistics_of(tallies, MDR, seed=3).rho.low


def alternating(row, number, **changes):
    """Each a grasp of its own, every second held."""
    outcomes = (Outcome.SUCCESS, Outcome.MISSED)
    return [
        row(f"a{n}", n / number, outcomes[n % 2], grasp_id=f"g{n}", **changes)
        for n in range(number)
    ]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda rows: rows[:9], "9 attempts have it; at least 10 are needed"),
        (lambda rows: rows[:1], "1 attempt has it; at least 10 are needed"),
        (
            lambda rows: [replace(one, fitness={}) for one in rows],
            "no attempt has it; at least 10 are needed",
        ),
        (
            lambda rows: [replace(one, grasp_id=f"g{n % 2}") for n, one in enumerate(rows)],
            "2 grasps have it; at least 3 are needed",
        ),
        (
            lambda rows: [replace(one, outcome=Outcome.SUCCESS) for one in rows],
            "all 12 attempts held",
        ),
        (
            lambda rows: [replace(one, outcome=Outcome.MISSED) for one in rows],
            "none of the 12 attempts held",
        ),
        (
            lambda rows: [replace(one, fitness={MDR: Fitness(MDR, 1, 2)}) for one in rows],
            "it is the same for all 12 grasps",
        ),
    ],
)
def test_what_cannot_be_said_is_said(row, change, reason):
    found = statistics_of(tally_grasps(change(alternating(row, 12))), MDR)
    for one in (found.rho, found.auc, found.gain, found.top_eta):
        assert one == Estimate(None, reason=reason)


def test_ten_attempts_are_enough_to_say_something(row):
    found = statistics_of(tally_grasps(alternating(row, 10)), MDR)
    assert found.auc.value is not None and found.auc.low < found.auc.value < found.auc.high


def test_equal_etas_leave_rho_unsaid(row):
    rows = [
        row(f"a{n}", n // 2 / 6, (Outcome.SUCCESS, Outcome.FAILED)[n % 2], grasp_id=f"g{n // 2}")
        for n in range(12)
    ]
    found = statistics_of(tally_grasps(rows), MDR)
    assert found.rho == Estimate(None, reason="eta is the same for all grasps")
    assert found.auc.value == 0.5


def test_where_resamples_cannot_differ_nothing_is_certain(row):
    """The fittest all held, and fitness tells all: a bootstrap gives that a width of 0."""
    rows = [
        row(f"a{n}", n / 12, Outcome.SUCCESS if n > 5 else Outcome.MISSED, grasp_id=f"g{n}")
        for n in range(12)
    ]
    found = statistics_of(tally_grasps(rows), MDR)
    assert found.auc == Estimate(1.0, reason="too few grasps differ for an interval")
    # The fittest three held: 0.025 ** (1 / 3) is the low end of 3 of 3.
    assert (found.top_eta.value, found.top_eta.high) == (1.0, 1.0)
    assert found.top_eta.low == pytest.approx(0.025 ** (1 / 3))
    # Of the nine others three held. The gain is nine twelfths of the difference.
    least, most = interval_over_grasps([1] * 3 + [0] * 6, [1] * 9)
    assert found.gain.value == pytest.approx(9 / 12 * (1 - 3 / 9))
    down = np.hypot(1 - 0.025 ** (1 / 3), most - 3 / 9)
    assert found.gain.low == pytest.approx(9 / 12 * (2 / 3 - down))
    assert found.gain.high == pytest.approx(9 / 12 * (2 / 3 + 3 / 9 - least))


def test_where_resamples_say_little_there_is_no_interval(row):
    rows = [row(f"a{n}", n / 12, grasp_id=f"g{n}") for n in range(12)]
    rows[0] = replace(rows[0], outcome=Outcome.MISSED)
    found = statistics_of(tally_grasps(rows), MDR)
    assert found.rho.value > 0 and found.rho.low is None
    assert found.rho.reason == "too few grasps differ for an interval"
