"""The order of the fits: what each is told of what was found before, and what comes of all."""

from dataclasses import replace

import numpy as np
import pytest

from dr_grasp.core.outcome import Outcome
from dr_grasp.errors import DrGraspError, SettingsError
from dr_grasp.identification import identify as steps
from dr_grasp.identification import rollouts
from dr_grasp.identification.contact import ContactFit
from dr_grasp.identification.findings import Finding
from dr_grasp.identification.identify import expected_rollouts, identify
from dr_grasp.identification.replica import Replayed
from dr_grasp.identification.rollouts import RunCancelledError
from dr_grasp.identification.settings import IdentificationSettings
from dr_grasp.identification.worlds import Belief, Space
from dr_grasp.scoring.profiles import load_profile

from .made import HerePool, evidence_of
from .test_motion_ranges import CONTROL, PERCEPTION, zeros

OLD = load_profile("default")
SETTINGS = IdentificationSettings(seed=5)
HELD = [True, False] * 10


def holds_if_slow(replica):
    """In place of a simulation: the grasp holds where the arm is late."""
    good = replica.perturbation.delay_s > 0
    return Replayed(Outcome.SUCCESS if good else Outcome.MISSED, None, None)


@pytest.fixture
def told(monkeypatch):
    """What the fits were told; they find what is made here."""
    told = {}
    friction = Finding(
        "dynamics.lateral_friction_scale",
        "friction",
        "",
        OLD.dynamics.lateral_friction_scale,
        (0.654321, 0.87654321),
        (0.7, 0.8),
        True,
        "over 1 object",
    )

    def fit_zeros(evidence, robot, run, engine, profile, *, rng):
        told.update(zeros=profile)
        return zeros(0.003, 0.001)

    def fit_contact(evidence, base, old, settings, run):
        told.update(contact=old, base=base, settings=settings)
        belief = Belief.prior(Space.of(evidence.objects, old.dynamics))
        return ContactFit(
            old.dynamics, (friction,), (), belief, ("explained",), 0, settings.iterations, None
        )

    monkeypatch.setattr(rollouts, "repeat", holds_if_slow)
    monkeypatch.setattr(steps, "fit_control", lambda *words: CONTROL)
    monkeypatch.setattr(steps, "fit_perception", lambda evidence: PERCEPTION)
    monkeypatch.setattr(steps, "fit_zeros", fit_zeros)
    monkeypatch.setattr(steps, "fit_contact", fit_contact)
    return told


def test_each_fit_knows_what_was_found_before(told, home_grasp):
    found = identify(evidence_of(home_grasp(), HELD), OLD, SETTINGS, HerePool(), name="lab")
    assert told["zeros"].joints.delay_s == pytest.approx((0.018, 0.022))
    assert told["zeros"].object_pose.position_mean_m[1] == pytest.approx(0.004, rel=0.02)
    assert told["zeros"].joints.offset_mean == ()
    assert told["contact"].joints.offset_mean == (0.0004,) * 7
    assert told["contact"].dynamics == OLD.dynamics and told["settings"] is SETTINGS
    base = told["base"](np.random.default_rng(0))
    assert 0.018 <= base.delay_s <= 0.022
    np.testing.assert_allclose(base.joint_offset, 0.0004, atol=5 * 0.0003)
    assert base.mass_scale == 1 and not base.translation_m.any()
    assert found.profile.name == "lab" and found.profile.robot == "franka"
    assert found.profile.dynamics.lateral_friction_scale == (0.6543, 0.8765)
    assert found.checks == ("explained",) and found.old is OLD and found.attempts == 20
    # The old profile knows no delay, so that nothing holds; with the new one, everything does.
    assert (found.before.of_held, found.before.brier) == (0, 0.5)
    assert (found.after.of_held, found.after.of_failed, found.after.brier) == (1, 1, 0.5)
    assert found.rollouts == 2 * 4 * 20


def test_a_profile_that_foretells_its_own_attempts_worse_is_said_to(told, home_grasp):
    found = identify(evidence_of(home_grasp(), [False] * 20), OLD, SETTINGS, HerePool())
    assert (found.before.brier, found.after.brier) == (0, 1)
    assert found.checks[0] == "explained" and "WORSE" in found.checks[1]


def test_the_same_seed_finds_the_same(told, home_grasp):
    evidence = evidence_of(home_grasp(), HELD)
    one, other = (identify(evidence, OLD, SETTINGS, HerePool()) for _ in range(2))
    assert one.profile == other.profile and one.findings == other.findings


def test_too_few_attempts_for_contact_leave_it_as_it_was(told, home_grasp):
    found = identify(evidence_of(home_grasp(), HELD[:14]), OLD, SETTINGS, HerePool())
    assert "contact" not in told and found.rollouts == 0
    assert found.profile.dynamics == OLD.dynamics
    assert found.profile.joints.delay_s == pytest.approx((0.018, 0.022))
    kept = [finding for finding in found.findings if finding.key.startswith("dynamics.")]
    assert len(kept) == 5 and not any(finding.fitted for finding in kept)
    assert "expected 15 attempts or more that tell of their grasp, got 14" in kept[0].reason


def test_attempts_that_tell_nothing_are_refused(told, monkeypatch, home_grasp):
    for name in ("fit_control", "fit_perception", "fit_zeros"):
        monkeypatch.setattr(steps, name, lambda *words, **options: None)
    message = "3 attempts of franka: they tell nothing of any parameter: expected the motion of 5"
    with pytest.raises(DrGraspError, match=message):
        identify(evidence_of(home_grasp(), HELD[:3]), OLD, SETTINGS, HerePool())


def test_the_profile_of_another_robot_is_refused(told, home_grasp):
    other = replace(OLD, robot="baxter")
    with pytest.raises(SettingsError, match="expected grasps of baxter, of which it is, got"):
        identify(evidence_of(home_grasp(), HELD), other, SETTINGS, HerePool())


def test_a_cancelled_run_ends_at_once(told, home_grasp):
    pool = HerePool()
    with pytest.raises(RunCancelledError):
        identify(evidence_of(home_grasp(), HELD), OLD, SETTINGS, pool, is_cancelled=lambda: True)
    assert pool.done == []


def test_no_more_is_simulated_than_was_said():
    assert expected_rollouts(60, SETTINGS) == 60 * (40 + 8) + 400
    assert expected_rollouts(14, SETTINGS) == 400


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"worlds": 19}, "worlds: expected from 20 to 2000, got 19"),
        ({"iterations": 7, "worlds": 20}, "worlds: expected from 21 to 2000, got 20"),
        ({"iterations": 101}, "iterations: expected from 3 to 100, got 101"),
        ({"seed": 2**64}, "seed: expected from 0 to 18446744073709551615"),
    ],
)
def test_settings_out_of_bounds_are_refused(changes, message):
    with pytest.raises(SettingsError, match=message):
        IdentificationSettings(**changes)
