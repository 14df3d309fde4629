import math
from dataclasses import fields, replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dr_grasp.core.arrays import frozen
from dr_grasp.core.noise import DynamicsNoise, JointNoise, ObjectPoseNoise
from dr_grasp.core.perturbation import (
    MAX_SEED,
    Criterion,
    Perturbation,
    Profile,
    sample_perturbation,
)
from dr_grasp.errors import UnknownNameError

OSDR, JSDR, FDR, MDR = Criterion
PERCEPTION = {"translation_m", "rotation_rpy_rad"}
CONTROL = {"joint_offset", "jitter_std", "jitter_seed", "delay_s", "lag_s"}
DYNAMICS = {
    "lateral_friction_scale",
    "rolling_friction",
    "spinning_friction",
    "mass_scale",
    "center_of_mass_m",
    "gripper_force_scale",
}

PROFILE = Profile(
    name="test",
    description="All noises differ",
    object_pose=ObjectPoseNoise(0.005, (0.01, 0.02, 0.03)),
    joints=JointNoise(0.002, 0.004, delay_s=(0.01, 0.03), lag_s=(0.02, 0.05)),
    dynamics=DynamicsNoise((0.5, 1.5), (0.0, 0.02), (0.1, 0.4), (0.8, 1.1), 0.003, (0.7, 1.1)),
    trials=dict.fromkeys(Criterion, 5),
)


def draw(criterion, trial=0, seed=0, profile=PROFILE):
    return sample_perturbation(profile, criterion, seed, trial, 7)


def values(perturbation):
    return {f.name: np.asarray(getattr(perturbation, f.name)) for f in fields(perturbation)}


def differing(first, second):
    first, second = values(first), values(second)
    return {name for name in first if not np.array_equal(first[name], second[name])}


TOUCHED = {OSDR: PERCEPTION, JSDR: CONTROL, FDR: DYNAMICS, MDR: PERCEPTION | CONTROL | DYNAMICS}
KEYS = st.tuples(st.sampled_from(Criterion), st.integers(0, 10**6), st.integers(0, MAX_SEED))
"""Criterion, trial and seed."""


@given(KEYS)
def test_a_criterion_touches_what_it_doubts_and_nothing_else(key):
    assert differing(draw(*key), Perturbation.none()) == TOUCHED[key[0]]


@given(st.lists(KEYS, min_size=2, max_size=5, unique=True), st.integers(0, 2**32 - 1))
def test_a_perturbation_depends_on_criterion_trial_and_seed_alone(keys, global_seed):
    first = [draw(*key) for key in keys]
    np.random.seed(global_seed)  # noqa: NPY002 - the global generator must not matter
    again = [draw(*key) for key in reversed(keys)]
    for drawn, repeated in zip(first, reversed(again), strict=True):
        assert not differing(drawn, repeated)
    # And each of the three matters: no number is drawn twice.
    for name in ("translation_m", "joint_offset", "mass_scale"):
        numbers = [np.ravel(getattr(drawn, name)) for drawn in first]
        drawn_numbers = [tuple(n) for n in numbers if n.size and n.any() and n[0] != 1.0]
        assert len({*drawn_numbers}) == len(drawn_numbers)


RANGES = {
    "lateral_friction_scale": (0.5, 1.5),
    "rolling_friction": (0.0, 0.02),
    "spinning_friction": (0.1, 0.4),
    "mass_scale": (0.8, 1.1),
    "gripper_force_scale": (0.7, 1.1),
    "delay_s": (0.01, 0.03),
    "lag_s": (0.02, 0.05),
}


@given(KEYS)
def test_uniform_noises_stay_within_the_ranges_of_the_profile(key):
    perturbation = draw(MDR, *key[1:])
    for name, (low, high) in RANGES.items():
        assert low <= getattr(perturbation, name) <= high


@pytest.mark.parametrize(
    ("changed", "moves"),
    [
        (replace(PROFILE, object_pose=ObjectPoseNoise(0.05, (0.1, 0.1, 0.1))), PERCEPTION),
        (replace(PROFILE, joints=JointNoise(0.01, 0.02)), CONTROL - {"jitter_seed"}),
        (replace(PROFILE, joints=replace(PROFILE.joints, lag_s=(0.1, 0.2))), {"lag_s"}),
        (
            replace(PROFILE, dynamics=replace(PROFILE.dynamics, gripper_force_scale=None)),
            {"gripper_force_scale"},
        ),
        (
            replace(PROFILE, dynamics=replace(PROFILE.dynamics, mass_scale=(0.1, 0.2))),
            {"mass_scale"},
        ),
        (
            replace(PROFILE, dynamics=replace(PROFILE.dynamics, lateral_friction_scale=None)),
            {"lateral_friction_scale"},
        ),
        (
            replace(PROFILE, dynamics=replace(PROFILE.dynamics, center_of_mass_std_m=0.1)),
            {"center_of_mass_m"},
        ),
    ],
)
def test_changing_one_part_of_a_profile_leaves_the_others_draws(changed, moves):
    for trial in range(5):
        assert differing(draw(MDR, trial), draw(MDR, trial, profile=changed)) == moves


@cache
def many():
    return [draw(MDR, trial) for trial in range(4000)]


def sampled(name):
    return np.array([getattr(perturbation, name) for perturbation in many()])


def assert_normal(samples, std):
    """Mean and standard deviation within five standard errors."""
    count = len(samples)
    assert abs(samples.mean(axis=0)).max() < 5 * std / math.sqrt(count)
    assert abs(samples.std(axis=0) / std - 1).max() < 5 / math.sqrt(2 * count)


def test_normal_noises_have_the_standard_deviations_of_the_profile():
    translation = sampled("translation_m")
    assert_normal(translation[:, :2], 0.005)
    assert (translation[:, 2] == 0).all()
    for axis, std in enumerate((0.01, 0.02, 0.03)):
        assert_normal(sampled("rotation_rpy_rad")[:, axis], std)
    assert_normal(sampled("joint_offset"), 0.004)
    assert_normal(sampled("center_of_mass_m"), 0.003)


@pytest.mark.parametrize("name", RANGES)
def test_uniform_noises_fill_the_ranges_of_the_profile(name):
    low, high = RANGES[name]
    samples = sampled(name)
    width = high - low
    assert samples.min() < low + 0.01 * width and high - 0.01 * width < samples.max()
    assert abs(samples.mean() - (low + high) / 2) < 5 * width / math.sqrt(12 * len(samples))


def test_mean_errors_move_what_is_drawn_and_nothing_else():
    off = replace(
        PROFILE,
        object_pose=replace(
            PROFILE.object_pose,
            position_mean_m=(0.01, -0.02),
            rotation_mean_rad=(0.1, 0.2, 0.3),
        ),
        joints=replace(PROFILE.joints, offset_mean=tuple(0.001 * np.arange(7))),
    )
    for trial in range(5):
        before, after = draw(MDR, trial), draw(MDR, trial, profile=off)
        moved = {"translation_m", "rotation_rpy_rad", "joint_offset"}
        assert differing(before, after) == moved
        by = {name: getattr(after, name) - getattr(before, name) for name in moved}
        np.testing.assert_allclose(by["translation_m"], [0.01, -0.02, 0.0], atol=1e-12)
        np.testing.assert_allclose(by["rotation_rpy_rad"], [0.1, 0.2, 0.3], atol=1e-12)
        np.testing.assert_allclose(by["joint_offset"], 0.001 * np.arange(7), atol=1e-12)


def test_parts_are_independent_of_each_other():
    columns = np.column_stack(
        [
            sampled("translation_m")[:, :2],
            sampled("joint_offset")[:, :2],
            sampled("mass_scale"),
            sampled("lateral_friction_scale"),
        ]
    )
    correlation = np.corrcoef(columns.T) - np.eye(columns.shape[1])
    assert np.abs(correlation).max() < 5 / math.sqrt(4000)


def test_parts_that_are_switched_off_stay_nominal():
    off = replace(PROFILE, dynamics=DynamicsNoise(None, None, None, None, 0.0))
    assert not differing(draw(FDR, profile=off), Perturbation.none())


def test_command_noise_is_in_half_ranges_and_white():
    half_ranges = np.array([2.0, 0.5])
    noise = replace(Perturbation.none(), jitter_std=0.002, jitter_seed=4).command_noise(
        8000, half_ranges
    )
    assert noise.shape == (8000, 2)
    for column, half_range in zip(noise.T, half_ranges, strict=True):
        assert_normal(column, 0.002 * half_range)
        assert abs(np.corrcoef(column[1:], column[:-1])[0, 1]) < 5 / math.sqrt(8000)


def test_command_noise_of_an_offset_stays_the_same_for_the_whole_rollout():
    offset = replace(Perturbation.none(), joint_offset=frozen([0.01, -0.02]))
    expected = np.tile([0.02, -0.01], (50, 1))
    np.testing.assert_allclose(offset.command_noise(50, np.array([2.0, 0.5])), expected)


def test_command_noise_is_repeatable_and_a_longer_one_begins_with_a_shorter_one():
    jitter = draw(JSDR)
    half_ranges = frozen(np.arange(1, 8))
    long = jitter.command_noise(100, half_ranges)
    assert np.array_equal(long, jitter.command_noise(100, half_ranges))
    assert np.array_equal(long[:30], jitter.command_noise(30, half_ranges))
    other = replace(jitter, jitter_seed=jitter.jitter_seed + 1)
    assert not np.array_equal(long, other.command_noise(100, half_ranges))


def test_no_perturbation_makes_no_command_noise():
    assert not Perturbation.none().command_noise(10, frozen(np.ones(7))).any()


def test_criteria_by_name():
    assert [Criterion.from_name(name) for name in ("osdr", "jsdr", "fdr", "mdr")] == [*Criterion]
    expected = "unknown criterion 'OSDR'; expected one of fdr, jsdr, mdr, osdr"
    with pytest.raises(UnknownNameError, match=expected):
        Criterion.from_name("OSDR")


@pytest.mark.parametrize(
    ("changes", "rolling", "spinning", "said"),
    [
        ({}, 0.001, 0.2, []),
        (
            {},
            0.03,
            0.001,
            [
                "rolling friction 0.03 m: profile test draws from 0 to 0.02 m",
                "spinning friction 0.001 m: profile test draws from 0.1 to 0.4 m",
            ],
        ),
        (
            {"lateral_friction_scale": (0.5, 0.9), "mass_scale": (1.1, 1.3)},
            0.0,
            0.1,
            [
                "factor on lateral friction 1: profile test draws from 0.5 to 0.9",
                "factor on mass 1: profile test draws from 1.1 to 1.3",
            ],
        ),
        (dict.fromkeys(("rolling_friction", "spinning_friction")), 9.0, 9.0, []),
    ],
)
def test_what_a_profile_never_draws_of_the_nominal_object_is_said(changes, rolling, spinning, said):
    profile = replace(PROFILE, dynamics=replace(PROFILE.dynamics, **changes))
    assert profile.leaves_out(rolling, spinning) == said
