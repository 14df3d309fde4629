"""Delay and lag of drives, from motion that was computed from their equations."""

from dataclasses import replace

import numpy as np
import pytest

from dr_grasp.core.outcome import Outcome
from dr_grasp.core.trajectory import Waypoints
from dr_grasp.identification.control import FEWEST_MOTIONS, fit_control

from .motions import attempt_of, critically_damped, evidence_of, way

DELAY_S, OMEGA = 0.017, 80.0
SAMPLE_S = 0.02


def motion(franka, grasp, seed, omegas=None, noise=1e-4, pushed=None, rest=0.0):
    """An attempt: the way, and then closing for half a second, in which the arm may be pushed."""
    rng = np.random.default_rng(seed)
    path = way(rng, franka.arm_joints)
    grasp = replace(grasp, approach=path, lift=replace(grasp.lift, joints=path.joints))
    closing_s = path.duration_s
    times = np.arange(0.0, closing_s + 0.5, SAMPLE_S)
    arm = path.at(times)
    hand = np.where(times < closing_s, grasp.close.preshape[0], grasp.close.positions[0])
    moved = Waypoints(franka.arm_joints, times, arm)
    measured = critically_damped(moved, times, DELAY_S, omegas or [OMEGA] * 7)
    measured += rng.normal(0.0, noise, measured.shape) + rest
    if pushed is not None:
        measured[times >= closing_s + pushed, 5] += 0.3
    joints = (*franka.arm_joints, *grasp.close.joints)
    return attempt_of(
        grasp,
        f"a{seed}",
        commanded=Waypoints(joints, times, np.column_stack([arm, hand])),
        measured=Waypoints(joints, times, np.column_stack([measured, hand])),
    )


@pytest.fixture(scope="module")
def grasp(franka, home_grasp):
    grasp = home_grasp()
    # Approach and lift need not fit each other here.
    return replace(grasp, lift=Waypoints(franka.arm_joints, [0.5], [franka.home]))


@pytest.fixture(scope="module")
def motions(franka, grasp):
    return [motion(franka, grasp, seed) for seed in range(6)]


def test_delay_and_lag_are_found(franka, motions):
    fit = fit_control(evidence_of(motions), franka)
    assert fit.delay_s.value == pytest.approx(DELAY_S, abs=1e-3)
    assert fit.lag_s.value == pytest.approx(2.0 / OMEGA, abs=1e-3)
    assert fit.delay_s.low < DELAY_S < fit.delay_s.high
    assert fit.lag_s.low < 2.0 / OMEGA < fit.lag_s.high
    assert fit.joints_agree
    assert (fit.attempts, len(fit.resting)) == (6, 7)
    assert np.array(fit.noise) == pytest.approx(1e-4, rel=0.3)
    # White noise of measurements would be that of commands, filtered by the simulated motors.
    middle = np.median(1e-4 / np.sqrt(0.1 / 1.9) / franka.arm_half_ranges)
    assert fit.jitter_std.value == pytest.approx(middle, rel=0.2)
    assert fit.jitter_std.low < middle < fit.jitter_std.high


def test_what_pushes_the_closed_hand_changes_nothing(franka, grasp, motions):
    calm = fit_control(evidence_of(motions), franka)
    pushed = [motion(franka, grasp, seed, pushed=0.0) for seed in range(6)]
    # One is pushed before the hand closes.
    pushed[3] = motion(franka, grasp, 3, pushed=-0.5)
    fit = fit_control(evidence_of(pushed), franka)
    assert fit.delay_s.value == pytest.approx(calm.delay_s.value, abs=5e-4)
    assert fit.lag_s.value == pytest.approx(calm.lag_s.value, abs=5e-4)
    assert fit.resting[0].value == pytest.approx(0.0, abs=1e-4)
    assert fit.resting[5].value == pytest.approx(0.3, abs=1e-3)


def test_joints_that_differ_widen_the_interval(franka, grasp):
    omegas = [OMEGA] * 6 + [25.0]
    evidence = evidence_of([motion(franka, grasp, seed, omegas) for seed in range(5)])
    fit = fit_control(evidence, franka)
    assert not fit.joints_agree
    assert fit.lag_s.low < 2.0 / OMEGA
    assert fit.lag_s.high == pytest.approx(2.0 / 25.0, abs=0.005)


def test_resting_error_is_told_with_its_interval(franka, grasp):
    rests = np.linspace(1e-3, 2e-3, 9)
    evidence = evidence_of(
        [motion(franka, grasp, n, noise=0.0, rest=rest) for n, rest in enumerate(rests)]
    )
    fit = fit_control(evidence, franka)
    assert fit.resting[2].value == pytest.approx(rests[4], abs=1e-5)
    # By the sign test, the second smallest and second largest of 9 hold the median in 96 %.
    assert fit.resting[2].low == pytest.approx(rests[1], abs=1e-5)
    assert fit.resting[2].high == pytest.approx(rests[7], abs=1e-5)


def test_repeated_attempts_of_a_grasp_are_no_more_evidence(franka, motions, monkeypatch):
    monkeypatch.setattr("dr_grasp.identification.control.RESOLUTION_S", 0.0)
    once = fit_control(evidence_of(motions), franka)
    repeated = [replace(a, attempt_id=f"{a.attempt_id}{n}") for a in motions for n in range(3)]
    fit = fit_control(evidence_of(repeated), franka)
    assert fit.attempts == 18
    width = once.delay_s.high - once.delay_s.low
    assert fit.delay_s.high - fit.delay_s.low == pytest.approx(width, rel=0.05)


def test_traces_show_what_old_and_new_say(franka, motions):
    evidence = evidence_of(motions)
    traces = fit_control(evidence, franka, 0.0, 0.0).traces
    assert len(traces) == 3 and {trace.attempt_id for trace in traces} == {"a0"}
    for trace in traces:
        assert trace.before == pytest.approx(trace.commanded, abs=1e-6)
        assert trace.after == pytest.approx(trace.measured, abs=2e-3)
        assert len(trace.times_s) == len(trace.measured)


def test_endless_joints_may_be_counted_from_minus_pi_to_pi(franka, motions):
    """The driver says that a joint that passes pi is at minus pi."""
    wound = []
    for attempt in motions:
        # As if joint 7 were endless, and moved about pi.
        column = np.arange(len(attempt.commanded.joints)) == 6
        commanded, measured = attempt.commanded.positions, attempt.measured.positions
        turned = measured + np.pi * column
        turned = np.where(column, (turned + np.pi) % (2 * np.pi) - np.pi, turned)
        wound.append(
            replace(
                attempt,
                commanded=replace(attempt.commanded, positions=commanded + np.pi * column),
                measured=replace(attempt.measured, positions=turned),
            )
        )
    assert np.ptp(wound[0].measured.positions[:, 6]) > 6.0
    plain, fit = (fit_control(evidence_of(some), franka) for some in (motions, wound))
    assert fit.delay_s.value == pytest.approx(plain.delay_s.value, abs=1e-6)
    assert fit.noise == pytest.approx(plain.noise, abs=1e-9)
    assert fit.resting[6].value == pytest.approx(plain.resting[6].value, abs=1e-9)


def test_too_little_motion_is_not_fitted(franka, motions):
    assert fit_control(evidence_of(motions[: FEWEST_MOTIONS - 1]), franka) is None
    hit = [replace(a, outcome=Outcome.ROBOT_HIT_TABLE) for a in motions]
    unrecorded = [replace(a, measured=None) for a in motions]
    still = [replace(a, commanded=replace_positions(a.commanded)) for a in motions]
    others = [replace(a, measured=replace(a.measured, joints=tuple("abcdefgh"))) for a in motions]
    for attempts in (hit, unrecorded, still, others):
        assert fit_control(evidence_of(attempts), franka) is None
    aborted = evidence_of(motions[:1], moved=tuple(motions[1:]))
    assert fit_control(aborted, franka).attempts == 6


def test_attempts_without_motion_take_the_place_of_no_others(franka, motions, monkeypatch):
    monkeypatch.setattr("dr_grasp.identification.free_motion.MOST_MOTIONS", len(motions))
    unrecorded = [replace(a, attempt_id=f"b{a.attempt_id}", measured=None) for a in motions]
    assert fit_control(evidence_of(unrecorded + motions), franka).attempts == len(motions)


def replace_positions(waypoints):
    return replace(waypoints, positions=0.0 * waypoints.positions + waypoints.positions[0])
