"""Errors of objects' poses: their mean and spread, with intervals that hold."""

from dataclasses import replace

import numpy as np
import pytest

from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Outcome
from dr_grasp.identification.perception import FEWEST_DRAWS, fit_perception

from .motions import at_place, attempt_of, evidence_of

STRAIGHT = Pose([0.5, 0.1, 0.02], [0, 0, 0, 1])


def attempts(grasp, shifts, yaws=None, **changes):
    yaws = np.zeros(len(shifts)) if yaws is None else yaws
    return [
        attempt_of(grasp, f"a{n}", object_before=at_place(STRAIGHT, *shift, yaw), **changes)
        for n, (shift, yaw) in enumerate(zip(shifts, yaws, strict=True))
    ]


@pytest.fixture
def grasp(samples):
    return samples.grasp(object_in_base=STRAIGHT)


def test_mean_and_spread_are_those_of_textbooks(grasp):
    x = np.array([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]) * 1e-3
    fit = fit_perception(evidence_of(attempts(grasp, np.stack([x, 0 * x], axis=1), 10 * x)))
    # Of 1 to 10: mean 5.5, standard deviation 3.0277; t of 9 at 95 % is 1.8331, and chi-square of 9
    # at 5 and 95 % 3.3251 and 16.919.
    mean, spread = fit.position_mean_m[0], fit.axis_std_m[0]
    assert mean.value == pytest.approx(5.5e-3)
    assert mean.high - mean.value == pytest.approx(1.8331 * 3.0277e-3 / np.sqrt(10), rel=1e-4)
    assert mean.value - mean.low == pytest.approx(mean.high - mean.value)
    assert spread.value == pytest.approx(3.0277e-3, rel=1e-4)
    assert spread.low == pytest.approx(3e-3 * np.sqrt(9.1667 / 16.919), rel=1e-3)
    assert spread.high == pytest.approx(3e-3 * np.sqrt(9.1667 / 3.3251), rel=1e-3)
    # Both axes together: of y, nothing differs.
    assert fit.position_std_m.value == pytest.approx(3.0277e-3 / np.sqrt(2), rel=1e-4)
    assert fit.rotation_mean_rad[2].value == pytest.approx(0.055)
    assert fit.rotation_std_rad[2].value == pytest.approx(0.030277, rel=1e-4)
    assert fit.draws == 10


def test_turns_are_about_fixed_axes_in_the_order_of_rollouts(grasp):
    rpy = np.array([0.02, -0.03, 0.4])
    turned = STRAIGHT.perturbed([0, 0, 0], rpy)
    fit = fit_perception(
        evidence_of([attempt_of(grasp, f"a{n}", object_before=turned) for n in range(FEWEST_DRAWS)])
    )
    assert [mean.value for mean in fit.rotation_mean_rad] == pytest.approx(rpy)


def test_intervals_hold_the_truth_in_nine_of_ten_cases(grasp):
    rng, held = np.random.default_rng(5), np.zeros(3)
    for _ in range(100):
        shifts = rng.normal([2e-3, 0.0], 4e-3, (12, 2))
        fit = fit_perception(evidence_of(attempts(grasp, shifts, rng.normal(0.0, 0.03, 12))))
        held += [
            fit.position_mean_m[0].low < 2e-3 < fit.position_mean_m[0].high,
            fit.position_std_m.low < 4e-3 < fit.position_std_m.high,
            fit.rotation_std_rad[2].low < 0.03 < fit.rotation_std_rad[2].high,
        ]
    # Of 100 at 0.9, three standard deviations are 9.
    assert np.abs(held - 90).max() <= 9


def test_what_the_twin_draws_twice_counts_once(grasp):
    shifts = np.random.default_rng(1).normal(0.0, 4e-3, (FEWEST_DRAWS, 2))
    once = attempts(grasp, shifts, backend="twin", seed=3)
    once = [replace(attempt, attempt_index=n) for n, attempt in enumerate(once)]
    again = [replace(attempt, attempt_id=f"b{attempt.attempt_id}") for attempt in once]
    assert fit_perception(evidence_of(once + again)) == fit_perception(evidence_of(once))
    assert fit_perception(evidence_of(once[1:] + again[1:])) is None
    # On an arm, the same numbers are other attempts.
    arm = [replace(attempt, backend="moveit") for attempt in once + again]
    assert fit_perception(evidence_of(arm)).draws == 2 * FEWEST_DRAWS


def test_a_belief_that_is_repeated_is_no_measurement(grasp):
    shifts = np.random.default_rng(1).normal(0.0, 4e-3, (FEWEST_DRAWS, 2))
    measured = attempts(grasp, shifts)
    repeated = [attempt_of(grasp, f"b{n}", object_before=STRAIGHT) for n in range(50)]
    unknown = [attempt_of(grasp, "c")]
    assert fit_perception(evidence_of(repeated)) is None
    assert fit_perception(evidence_of(unknown)) is None
    mixed = fit_perception(evidence_of(measured + repeated + unknown))
    assert mixed == fit_perception(evidence_of(measured))


def test_attempts_that_say_nothing_about_the_grasp_show_the_error_too(grasp):
    shifts = np.random.default_rng(1).normal(0.0, 4e-3, (FEWEST_DRAWS, 2))
    known = attempts(grasp, shifts)
    fit = fit_perception(evidence_of(known[:1], moved=tuple(known[1:])))
    assert fit.draws == FEWEST_DRAWS


def test_noise_of_readings_shows_in_objects_that_nobody_touched(grasp):
    rng = np.random.default_rng(2)
    missed = [
        replace(
            attempt,
            outcome=Outcome.MISSED,
            object_before=at_place(attempt.object_before, *rng.normal(0.0, 2e-3, 2)),
            object_after=at_place(attempt.object_before, *rng.normal(0.0, 2e-3, 2)),
        )
        for attempt in attempts(grasp, rng.normal(0.0, 4e-3, (200, 2)))
    ]
    fit = fit_perception(evidence_of(missed))
    assert fit.reading_std_m == pytest.approx(2e-3, rel=0.15)
    # It is not taken off the spread: ranges are never narrower than the evidence.
    assert fit.position_std_m.value == pytest.approx(np.hypot(4e-3, 2e-3), rel=0.1)
    assert fit_perception(evidence_of(missed[:10], moved=())).reading_std_m is not None
    held = [replace(attempt, outcome=Outcome.SUCCESS) for attempt in missed]
    assert fit_perception(evidence_of(held)).reading_std_m is None
