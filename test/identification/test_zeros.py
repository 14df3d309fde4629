"""The arm's constant errors from objects that a hand put in its middle."""

from dataclasses import replace

import numpy as np
import pytest

from dr_grasp.core.engine import Engine
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.trajectory import Waypoints
from dr_grasp.identification.replica import Replayed, seen_at
from dr_grasp.identification.zeros import FEWEST_HELD, STAGES, fit_zeros
from dr_grasp.robots.forward_kinematics import link_in_base
from dr_grasp.scoring.profiles import load_profile

from .motions import at_place, attempt_of, evidence_of


def grip(robot, arm):
    return link_in_base(robot, robot.tcp_link, arm) @ robot.synergies[0].grip_in_tcp


def ended(robot, grasp, before, error, rng):
    """Where an object ends that the hand centres along y; it turns between the fingers."""
    hand = grip(robot, grasp.approach.positions[-1] + error)
    held = hand.inverse() @ before
    turn = rng.normal(0.0, 0.1)
    turned = Pose([0, 0, 0], [0, np.sin(turn / 2), 0, np.cos(turn / 2)]) @ Pose(
        [held.position[0], rng.normal(0.0, 1e-4), held.position[2]], held.quaternion_xyzw
    )
    return grip(robot, grasp.lift.positions[-1] + error) @ turned


class Laboratory:
    """Attempts of many grasps by an arm with constant errors, and rollouts of them."""

    def __init__(self, robot, grasp, error, grasps, repeats, seed):
        self.robot, self.rng, self.rollouts = robot, np.random.default_rng(seed), 0
        self.loses = frozenset()
        self.attempts = []
        for number in range(grasps):
            arm = robot.home + self.rng.uniform(-0.5, 0.5, len(robot.home))
            lifted = arm + self.rng.uniform(-0.1, 0.1, len(arm))
            other = replace(
                grasp,
                id=f"g{number}",
                approach=Waypoints(robot.arm_joints, [0.0, 1.0], [robot.home, arm]),
                lift=Waypoints(robot.arm_joints, [0.0, 1.0], [arm, lifted]),
                object_in_base=Pose(grip(robot, arm).position, [0, 0, 0, 1]),
            )
            for again in range(repeats):
                before = at_place(other.object_in_base, *self.rng.normal(0.0, 4e-3, 2), 0.02)
                self.attempts.append(
                    attempt_of(
                        other,
                        f"a{number}.{again}",
                        object_before=before,
                        object_after=ended(robot, other, before, error, self.rng),
                    )
                )

    def run(self, replicas):
        self.rollouts += len(replicas)
        halves = self.robot.arm_half_ranges
        for replica in replicas:
            if replica.attempt in self.loses:
                yield Replayed(Outcome.MISSED, Pose.identity(), None)
                continue
            grasp, world = replica.grasp, replica.perturbation
            before = grasp.object_in_base.perturbed(world.translation_m, world.rotation_rpy_rad)
            after = ended(self.robot, grasp, before, world.joint_offset * halves, self.rng)
            yield Replayed(Outcome.SUCCESS, after, None)

    def fit(self, profile, attempts=None, **settings):
        evidence = evidence_of(self.attempts if attempts is None else attempts)
        rng = np.random.default_rng(0)
        run = lambda replicas: list(self.run(replicas))  # noqa: E731
        return fit_zeros(evidence, self.robot, run, Engine.MUJOCO, profile, rng=rng, **settings)


@pytest.fixture(scope="module")
def profile():
    return load_profile("default")


def laboratory(franka, grasp, error, grasps=12, repeats=2, seed=1):
    return Laboratory(franka, grasp, error, grasps, repeats, seed)


def hand_error(robot, attempts, error, mean):
    """Mean distance between two hands at the ends of approaches."""
    ends = [attempt.grasp.approach.positions[-1] for attempt in attempts]
    apart = [grip(robot, end + error).position - grip(robot, end + mean).position for end in ends]
    return np.linalg.norm(apart, axis=1).mean()


@pytest.mark.parametrize("degrees", [0.15, 0.6])
def test_errors_are_found_within_their_intervals(franka, home_grasp, profile, degrees):
    distances = []
    for seed in range(3):
        error = np.random.default_rng(seed).normal(0.0, np.deg2rad(degrees), 7)
        cell = laboratory(franka, home_grasp(), error, seed=seed)
        fit = cell.fit(profile)
        assert fit.attempts == 24 and fit.rollouts == cell.rollouts == 24 * sum(STAGES)
        off = error - fit.mean
        distances.append(off @ np.linalg.solve(fit.covariance, off))
        before = hand_error(franka, cell.attempts, error, np.zeros(7))
        assert hand_error(franka, cell.attempts, error, fit.mean) < 0.4 * before
        assert fit.misfit_after_m < 0.4 * fit.misfit_before_m
        halves = franka.arm_half_ranges
        np.testing.assert_allclose(fit.offset_mean * halves, fit.mean)
        stds = np.sqrt(np.diag(fit.covariance))
        assert fit.offset_std == pytest.approx(np.sqrt(np.mean((stds / halves) ** 2)))
        for estimate, mean, std in zip(fit.estimates, fit.mean, stds, strict=True):
            assert estimate.value == mean
            assert estimate.high - mean == pytest.approx(mean - estimate.low)
            assert estimate.high - mean > 1.645 * std
    # Chi-square of 7 has a mean of 7; of 3 samples, it is known to 2.2.
    assert np.mean(distances) < 13.0


def test_what_the_profile_says_is_where_the_fit_begins(franka, home_grasp, profile):
    error = np.random.default_rng(3).normal(0.0, np.deg2rad(1.0), 7)
    told = replace(
        profile,
        joints=replace(profile.joints, offset_mean=tuple(error / franka.arm_half_ranges)),
    )
    fit = laboratory(franka, home_grasp(), error).fit(told)
    # Nothing is left to be found, and nothing is doubted more than before.
    assert fit.misfit_before_m < 0.3e-3
    assert np.abs(fit.mean - error).max() < np.deg2rad(0.2)
    assert fit.offset_std < 1.2 * profile.joints.offset_std


def test_worlds_are_the_profiles_with_the_object_where_it_stood(franka, home_grasp, profile):
    cell, seen = laboratory(franka, home_grasp(), np.zeros(7)), []
    run = cell.run

    def look(replicas):
        seen.extend(replicas)
        return run(replicas)

    cell.run = look
    late = replace(profile, joints=replace(profile.joints, delay_s=(0.02, 0.02)))
    cell.fit(late)
    assert {replica.perturbation.delay_s for replica in seen} == {0.02}
    # Each attempt has its own, in each world.
    assert len({replica.perturbation.lateral_friction_scale for replica in seen}) == len(seen)
    for replica in seen[::13]:
        place = cell.attempts[replica.attempt].object_before
        expected = seen_at(replica.perturbation, replica.grasp, place)
        np.testing.assert_allclose(
            replica.perturbation.translation_m, expected.translation_m, atol=1e-12
        )
        np.testing.assert_allclose(
            replica.perturbation.rotation_rpy_rad, expected.rotation_rpy_rad, atol=1e-12
        )
    # Errors of joints come in pairs of opposites, so that what is not linear cancels.
    first = {replica.world: replica.perturbation.joint_offset for replica in seen}
    np.testing.assert_allclose(first[0], -first[2])


def test_attempts_whose_objects_worlds_lose_do_not_count(franka, home_grasp, profile):
    cell = laboratory(franka, home_grasp(), np.zeros(7))
    cell.loses = frozenset(range(4))
    assert cell.fit(profile).attempts == 20
    cell.loses = frozenset(range(24 - FEWEST_HELD + 1))
    assert cell.fit(profile) is None


def test_objects_that_were_put_down_again_tell_nothing(franka, home_grasp, profile):
    cell = laboratory(franka, home_grasp(), np.zeros(7))
    down = [
        replace(a, object_after=at_place(a.object_after, x=0.15)) if n < 4 else a
        for n, a in enumerate(cell.attempts)
    ]
    assert cell.fit(profile, down).attempts == 20


def test_no_more_rollouts_than_allowed(franka, home_grasp, profile):
    cell = laboratory(franka, home_grasp(), np.zeros(7))
    fit = cell.fit(profile, most_rollouts=80)
    assert fit.rollouts == cell.rollouts == 78
    # As many grasps as possible, rather than the same ones again.
    assert cell.fit(profile, most_rollouts=12 * sum(STAGES)).attempts == 12


def test_too_few_attempts_tell_nothing(franka, home_grasp, profile):
    cell = laboratory(franka, home_grasp(), np.zeros(7))
    assert cell.fit(profile, cell.attempts[: FEWEST_HELD - 1]) is None
    lost = [replace(a, outcome=Outcome.DROPPED_LIFTING) for a in cell.attempts]
    unseen = [replace(a, object_after=None) for a in cell.attempts]
    believed = [replace(a, object_before=None) for a in cell.attempts]
    for attempts in (lost, unseen, believed):
        assert cell.fit(profile, attempts) is None
    assert cell.rollouts == 0
