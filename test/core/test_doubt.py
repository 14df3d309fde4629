"""Single doubts: their coordinates, and what they add to a perturbation."""

import math
from dataclasses import fields, replace

import numpy as np
import pytest

from dr_grasp.core.arrays import frozen
from dr_grasp.core.doubt import Doubt, perturbed, shrunk
from dr_grasp.core.perturbation import (
    Criterion,
    Perturbation,
    known_errors,
    sample_perturbation,
)
from dr_grasp.errors import UnknownNameError
from dr_grasp.scoring.profiles import load_profile

NOTHING = Perturbation.none()
HALVES = np.array([2.0, 1.0, 0.5])
FIELDS = {
    Doubt.X: "translation_m",
    Doubt.Y: "translation_m",
    Doubt.YAW: "rotation_rpy_rad",
    Doubt.JOINTS: "joint_offset",
    Doubt.FRICTION: "lateral_friction_scale",
    Doubt.MASS: "mass_scale",
    Doubt.CENTER_OF_MASS: "center_of_mass_m",
    Doubt.GRIPPER_FORCE: "gripper_force_scale",
}


@pytest.fixture
def base():
    return sample_perturbation(load_profile("default"), Criterion.MDR, 3, 5, len(HALVES))


def values(perturbation):
    return {field.name: np.asarray(getattr(perturbation, field.name), float).tolist()
            for field in fields(Perturbation)}  # fmt: skip


def with_doubts(base, coordinates, seed=0):
    return perturbed(base, coordinates, np.random.default_rng(seed), HALVES)


@pytest.mark.parametrize("doubt", Doubt)
def test_a_coordinate_of_zero_is_the_nominal_scene_and_comes_back(doubt):
    assert doubt.amount(0.0) == (1.0 if doubt.kind.is_factor else 0.0)
    for coordinate in (doubt.kind.low, doubt.kind.high, doubt.kind.step):
        assert doubt.coordinate(doubt.amount(coordinate)) == pytest.approx(coordinate, abs=1e-15)
    assert doubt.kind.low <= 0.0 < doubt.kind.high
    assert (doubt.kind.low < 0.0) == doubt.kind.two_sided


@pytest.mark.parametrize("doubt", Doubt)
def test_a_doubt_changes_its_own_field_only(base, doubt):
    before, after = values(with_doubts(base, {})), values(with_doubts(base, {doubt: 0.05}))
    assert {name for name in before if before[name] != after[name]} == {FIELDS[doubt]}


def test_no_doubt_changes_nothing(base):
    assert values(with_doubts(base, {})) == values(base)


def test_doubts_are_added_in_their_units(base):
    found = with_doubts(
        base, {Doubt.X: 0.01, Doubt.Y: -0.02, Doubt.YAW: 0.3, Doubt.MASS: math.log(2.0)}
    )
    np.testing.assert_allclose(found.translation_m - base.translation_m, [0.01, -0.02, 0.0])
    np.testing.assert_allclose(found.rotation_rpy_rad - base.rotation_rpy_rad, [0, 0, 0.3])
    assert found.mass_scale == pytest.approx(2.0 * base.mass_scale)


@pytest.mark.parametrize("start", [Perturbation.none(), None])
def test_the_joint_error_is_a_root_mean_square_in_radians(base, start):
    start = base if start is None else start
    offset = np.zeros(3) if not start.joint_offset.size else start.joint_offset
    found = with_doubts(start, {Doubt.JOINTS: 0.02})
    errors = (found.joint_offset - offset) * HALVES
    assert math.sqrt(np.mean(errors**2)) == pytest.approx(0.02)


def test_directions_depend_on_the_generator_alone(base):
    """More of an error is more in the same direction, whatever else is doubted."""
    once = with_doubts(base, {Doubt.CENTER_OF_MASS: 0.01}).center_of_mass_m
    many = dict.fromkeys(Doubt, 0.02)
    twice = with_doubts(base, many).center_of_mass_m
    shift = once - base.center_of_mass_m
    assert np.linalg.norm(shift) == pytest.approx(0.01)
    np.testing.assert_allclose(twice - base.center_of_mass_m, 2 * shift)
    assert not np.allclose(with_doubts(base, many, seed=1).center_of_mass_m, twice)


def test_shrunk_goes_from_the_nominal_scene_to_the_perturbation(base):
    assert values(shrunk(base, 1.0, NOTHING, 0.5, 0.5)) == pytest.approx(values(base))
    nothing = shrunk(base, 0.0, NOTHING, 0.001, 0.002)
    assert (nothing.rolling_friction, nothing.spinning_friction) == (0.001, 0.002)
    assert (nothing.lateral_friction_scale, nothing.mass_scale, nothing.jitter_std) == (1, 1, 0)
    assert not np.any([*nothing.translation_m, *nothing.joint_offset, *nothing.center_of_mass_m])


def test_shrunk_takes_a_share_of_errors_and_of_logarithms():
    whole = Perturbation(
        frozen([0.04, 0, 0]), frozen([0, 0, 0.4]), frozen([0.2]),
        lateral_friction_scale=0.5, rolling_friction=0.003, mass_scale=4.0,
        gripper_force_scale=0.25, delay_s=0.02, lag_s=0.04,
    )  # fmt: skip
    found = shrunk(whole, 0.5, NOTHING, 0.001, 0.0)
    assert found.lateral_friction_scale == pytest.approx(math.sqrt(0.5))
    assert (found.mass_scale, found.gripper_force_scale) == pytest.approx((2.0, 0.5))
    assert (found.delay_s, found.lag_s) == (0.01, 0.02)
    assert found.rolling_friction == pytest.approx(0.002) and found.spinning_friction is None
    assert (found.translation_m[0], found.rotation_rpy_rad[2], found.joint_offset[0]) == (
        pytest.approx((0.02, 0.2, 0.1))
    )


def test_what_is_known_of_errors_is_not_shrunk():
    """Of an identified profile, only the spread about means, delay and lag becomes smaller."""
    old = load_profile("default")
    profile = replace(
        old,
        object_pose=replace(old.object_pose, position_mean_m=(0.02, 0.0)),
        joints=replace(old.joints, offset_mean=(0.1, 0.0, -0.1), delay_s=(0.01, 0.03)),
    )
    known = known_errors(profile)
    drawn = sample_perturbation(profile, Criterion.MDR, 3, 5, len(HALVES))
    found = shrunk(drawn, 0.25, known, 0.001, 0.0)
    assert known.delay_s == pytest.approx(0.02)
    assert found.delay_s == pytest.approx(0.02 + 0.25 * (drawn.delay_s - 0.02))
    shifts = [each.translation_m - [0.02, 0.0, 0.0] for each in (found, drawn)]
    offsets = [each.joint_offset - [0.1, 0.0, -0.1] for each in (found, drawn)]
    for less, whole in (shifts, offsets):
        np.testing.assert_allclose(less, 0.25 * whole, atol=1e-15)
    nothing = shrunk(drawn, 0.0, known, 0.001, 0.0)
    np.testing.assert_array_equal(nothing.joint_offset, known.joint_offset)
    assert not np.any(known_errors(old).joint_offset) and known_errors(old).lag_s == 0.0


def test_an_unknown_parameter_is_named():
    with pytest.raises(
        UnknownNameError, match="unknown doubt 'z'; expected one of center_of_mass, friction"
    ):
        Doubt.from_name("z")
