"""Margins of toy worlds, in which the truth is known."""

import math
from dataclasses import replace

import numpy as np
import pytest

from dr_grasp.core.adr import Thresholds
from dr_grasp.core.doubt import Doubt
from dr_grasp.core.margin import Count
from dr_grasp.core.outcome import Outcome
from dr_grasp.margins import measurement
from dr_grasp.margins.measurement import measure
from dr_grasp.provenance.fingerprint import grasp_fingerprint


@pytest.fixture
def grasp(home_grasp):
    return home_grasp()


def named(found):
    return {margin.name: margin for margin in found.margins}


def sharp(p):
    """Holds from -10 to 23 mm in y, above 0.4 of the friction, below 3 times the mass."""
    return -0.010 < p.translation_m[1] < 0.023 and p.lateral_friction_scale > 0.4 and (
        p.mass_scale < 3.0
    )  # fmt: skip


def test_a_bisection_encloses_a_known_boundary_on_either_side(toy, grasp, ask):
    runner = toy(sharp)
    found = measure(runner, grasp, ask(halvings=6))
    assert found.outcome is Outcome.SUCCESS and found.background == Count(5, 5)
    assert found.trajectory == grasp_fingerprint(grasp) and found.joint is None
    margins = named(found)
    assert len(margins) == 14 and list(margins)[:3] == ["x lower", "x upper", "y lower"]
    for name, truth in (("y lower", -0.010), ("y upper", 0.023)):
        ends = sorted((margins[name].bears, margins[name].loses))
        assert ends[0] <= truth <= ends[1]
        bears, loses = (math.sqrt(abs(end) / 0.06) for end in sorted(ends, key=abs))
        assert loses - bears == pytest.approx(1 / 2**6)
    assert margins["friction lower"].loses <= 0.4 < margins["friction lower"].bears
    assert margins["mass upper"].bears < 3.0 <= margins["mass upper"].loses
    assert margins["y upper"].held == Count(5, 5) and margins["y upper"].lost == Count(0, 3)
    # What does not matter is borne as far as it is tried.
    for name, limit in (("x lower", -0.06), ("joints upper", 0.08), ("mass lower", 0.1)):
        assert margins[name].bears == pytest.approx(limit)
        assert (margins[name].loses, margins[name].lost) == (None, None)
    assert found.rollouts == len(runner.perturbations)


def test_only_what_is_asked_for_is_measured(toy, grasp, ask):
    found = measure(toy(sharp), grasp, ask(doubts=(Doubt.Y, Doubt.JOINTS)))
    assert list(named(found)) == ["y lower", "y upper", "joints upper"]


def test_what_fails_undisturbed_costs_one_rollout(toy, grasp, ask):
    found = measure(toy(lambda p: False), grasp, ask())
    assert (found.outcome, found.rollouts) == (Outcome.MISSED, 1)
    assert (found.background, found.margins, found.joint) == (None, (), None)


def test_what_the_background_breaks_has_no_margins(toy, grasp, ask):
    runner = toy(lambda p: not np.any(p.translation_m))
    found = measure(runner, grasp, ask(background=0.25, rounds=4))
    assert found.background == Count(0, 3) and not found.margins and found.joint is None
    assert found.rollouts == 4


def test_a_rate_between_is_found_where_it_is_reached(toy, grasp, ask):
    """The background's 5 mm in y let the rate fall slowly: 0.8 at 25.8 mm, 0.5 at 30 mm."""
    found = measure(
        toy(lambda p: p.translation_m[1] < 0.030),
        grasp,
        ask(background=1.0, halvings=5, doubts=(Doubt.Y,)),
    )
    upper = named(found)["y upper"]
    # 2 mm apart; an error of a test moves an end by another step.
    assert 0.022 < upper.bears < 0.032 and 0.024 < upper.loses < 0.035


def test_all_values_and_grasps_meet_the_same_noise(toy, grasp, home_grasp, ask):
    request = ask(background=0.5, doubts=(Doubt.MASS,), halvings=2)
    runs = []
    for each in (grasp, home_grasp(id="g2", hold_s=0.5)):
        runner = toy(lambda p: p.mass_scale < 2.0)
        measure(runner, each, request)
        runs.append(runner.perturbations[1:])
    for perturbations in runs:
        first = perturbations[0]
        same = [p for p in perturbations if np.array_equal(p.translation_m, first.translation_m)]
        assert len(same) == 5  # alone, at both ends' farthest value, and at two values between
        assert len({p.mass_scale for p in same}) == 5
        assert {(p.lateral_friction_scale, p.jitter_seed) for p in same} == {
            (first.lateral_friction_scale, first.jitter_seed)
        }
    assert [p.mass_scale for p in runs[0]] == [p.mass_scale for p in runs[1]]
    runner = toy(lambda p: p.mass_scale < 2.0)
    measure(runner, grasp, ask(background=0.5, doubts=(Doubt.MASS,), halvings=2, seed=1))
    assert runner.perturbations[1].mass_scale != runs[0][0].mass_scale


def test_parameters_that_do_not_meddle_grow_to_what_each_bears_alone(toy, grasp, ask):
    def holds(p):
        return abs(p.translation_m[1]) < 0.020 and p.lateral_friction_scale > 0.4

    found = measure(toy(holds), grasp, ask(halvings=6, rounds=4, doubts=(Doubt.Y, Doubt.FRICTION)))
    margins = named(found)
    for doubt in (Doubt.Y, Doubt.FRICTION):
        low, high = found.joint.bounds[doubt]
        assert low == pytest.approx(margins[f"{doubt.value} lower"].bears)
        assert high == pytest.approx(margins[f"{doubt.value} upper"].bears)
    widths = (high_y - low_y for low_y, high_y in [found.joint.bounds[Doubt.Y]])
    friction = math.log(4.0 / margins["friction lower"].bears) / 0.1
    expected = (math.log1p(next(widths) / 0.002) + math.log1p(friction)) / 2
    assert found.joint.entropy == pytest.approx(expected)


def test_parameters_that_share_what_is_borne_grow_less_together(toy, grasp, ask):
    def holds(p):
        return abs(p.translation_m[0]) + abs(p.translation_m[1]) < 0.030

    doubts = (Doubt.X, Doubt.Y)
    found = measure(toy(holds), grasp, ask(halvings=6, rounds=12, doubts=doubts))
    for doubt in doubts:
        low, high = found.joint.bounds[doubt]
        alone = named(found)[f"{doubt.value} upper"].bears
        assert 0.25 * 2 * alone <= high - low < 0.9 * 2 * alone


def test_a_range_that_bears_nothing_stays_where_it_is(toy, grasp, ask):
    found = measure(
        toy(lambda p: p.translation_m[1] <= 0.0), grasp, ask(rounds=4, doubts=(Doubt.Y,))
    )
    assert named(found)["y upper"].bears == 0.0
    assert found.joint.bounds == {Doubt.Y: (pytest.approx(-0.06), 0.0)}


def test_the_first_round_of_growing_costs_nothing(toy, grasp, ask):
    """Ranges of width 0 are the nominal scene, which is known to hold."""
    alone = measure(toy(sharp), grasp, ask())
    one = measure(toy(sharp), grasp, ask(rounds=1))
    assert one.rollouts == alone.rollouts
    assert one.joint.bounds[Doubt.X] == pytest.approx((-0.015, 0.015))
    two = measure(toy(sharp), grasp, ask(rounds=2))
    assert two.rollouts == alone.rollouts + measurement.TRIALS_A_MOVE * len(alone.margins)


def test_known_errors_stay_whole_in_every_trial(toy, grasp, ask):
    """An identified profile's mean of 8 mm is no noise: it is there alone and with all together."""
    request = ask(background=0.25, rounds=3, doubts=(Doubt.Y,), halvings=2)
    pose = replace(request.profile.object_pose, position_mean_m=(0.008, 0.0), position_std_m=0.0)
    profile = replace(request.profile, object_pose=pose)
    runner = toy(sharp)
    assert measure(runner, grasp, replace(request, profile=profile)).joint is not None
    # The first is the undisturbed rollout.
    assert {p.translation_m[0] for p in runner.perturbations[1:]} == {0.008}


def test_fewer_trials_are_taken_where_fewer_are_allowed(toy, grasp, ask):
    request = ask(thresholds=Thresholds(trials=2), halvings=2, doubts=(Doubt.Y,))
    assert measure(toy(sharp), grasp, request).rollouts == 1 + 2 * (1 + 3 * 2)
