"""What is measured decides what is found, by thresholds and nothing else."""

from dataclasses import fields, replace

import pytest

from dr_grasp.core.diagnosis import (
    LOWEST_FRICTION,
    QUANTITIES,
    Cause,
    CauseCounter,
    Diagnosis,
    DiagnosisThresholds,
)
from dr_grasp.core.fitness import Fitness
from dr_grasp.core.metric import Metric
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion

THRESHOLDS = DiagnosisThresholds(
    least_friction=0.5,
    friction_loss=0.2,
    deepest_penetration_m=0.003,
    lift_acceleration=6.0,
    grip_offset_m=0.05,
    grip_lever_m=0.03,
    surface_distance_m=0.002,
    mdr=0.4,
    engine_gap=0.2,
)
SOUND = Diagnosis(
    "g1",
    Outcome.SUCCESS,
    mdr=0.9,
    least_friction=0.3,
    friction_loss=0.1,
    deepest_penetration_m=0.001,
    lift_acceleration=3.0,
    grip_offset_m=0.02,
    grip_lever_m=0.01,
    surface_distance_m=0.0,
    engine_gap=0.1,
)


def test_a_sound_grasp_has_no_causes():
    assert SOUND.causes(THRESHOLDS) == ()


def test_each_quantity_is_a_measurement_with_a_threshold():
    names = [quantity.name for quantity in QUANTITIES]
    assert sorted(names) == sorted(field.name for field in fields(DiagnosisThresholds))
    others = {"grasp_id", "outcome", "trajectory", "links", "other_outcome"}
    assert {*names} == {field.name for field in fields(Diagnosis)} - others
    assert {*QUANTITIES} == {quantity for cause in Cause for quantity in cause.quantities}


@pytest.mark.parametrize("quantity", [q for q in QUANTITIES if q.cause is not Cause.FRAGILITY])
def test_what_is_above_its_threshold_is_a_cause(quantity):
    limit = getattr(THRESHOLDS, quantity.name)
    at = replace(SOUND, **{quantity.name: limit})
    assert at.causes(THRESHOLDS) == ()
    above = replace(SOUND, **{quantity.name: limit * 1.5})
    assert above.severities(THRESHOLDS) == {quantity.cause: pytest.approx(1.5)}
    # A user with higher thresholds finds nothing.
    assert at.causes(replace(THRESHOLDS, **{quantity.name: limit * 2})) == ()


def test_a_low_mdr_and_nothing_else_is_fragile():
    fragile = replace(SOUND, mdr=0.1)
    assert fragile.severities(THRESHOLDS) == {Cause.FRAGILITY: pytest.approx(1.75)}
    assert replace(fragile, lift_acceleration=9.0).causes(THRESHOLDS) == (Cause.INERTIA,)
    assert replace(SOUND, mdr=0.4).causes(THRESHOLDS) == ()


def test_what_fails_undisturbed_in_the_other_engine_is_an_exploit():
    held = replace(SOUND, other_outcome=Outcome.SUCCESS, engine_gap=None)
    assert held.causes(THRESHOLDS) == ()
    failed = replace(held, other_outcome=Outcome.DROPPED_LIFTING, mdr=0.1)
    assert failed.severities(THRESHOLDS) == {Cause.EXPLOIT: pytest.approx(5.0)}
    assert failed.causes(replace(THRESHOLDS, engine_gap=None)) == (Cause.FRAGILITY,)
    for nothing in (Outcome.DIVERGED, Outcome.NOT_SETTLED):
        assert replace(held, other_outcome=nothing).causes(THRESHOLDS) == ()


def test_a_threshold_of_none_is_measured_and_speaks_for_nothing():
    far = replace(SOUND, grip_offset_m=0.2)
    silent = replace(THRESHOLDS, grip_offset_m=None)
    assert far.causes(THRESHOLDS) == (Cause.INERTIA,) and far.causes(silent) == ()
    jerked = replace(far, lift_acceleration=9.0)
    assert jerked.severities(silent) == {Cause.INERTIA: pytest.approx(1.5)}
    assert replace(SOUND, mdr=0.0).causes(replace(THRESHOLDS, mdr=None)) == ()


def test_several_causes_come_in_their_order():
    bad = replace(SOUND, mdr=0.0, surface_distance_m=0.01, least_friction=0.9)
    assert bad.causes(THRESHOLDS) == (Cause.FRICTION, Cause.MODEL)


def test_what_was_not_measured_speaks_for_nothing():
    assert Diagnosis("g1", Outcome.SUCCESS).causes(THRESHOLDS) == ()
    only = Diagnosis("g1", Outcome.SUCCESS, least_friction=0.8)
    assert only.causes(THRESHOLDS) == (Cause.FRICTION,)


def test_what_fails_undisturbed_needs_no_doubt_to_break_it(samples):
    score = samples.score(nominal_outcome=Outcome.DROPPED_LIFTING)
    failed = Diagnosis("g1", Outcome.DROPPED_LIFTING).with_score(score)
    assert failed.mdr == 21 / 23 and failed.friction_loss is None
    assert replace(failed, mdr=0.0).causes(THRESHOLDS) == ()


def test_a_score_tells_mdr_and_what_friction_noise_costs(samples):
    fitness = {
        Criterion.FDR: Fitness(Criterion.FDR, 3, 4),
        Criterion.MDR: Fitness(Criterion.MDR, 1, 10),
    }
    bare = Diagnosis("g1", Outcome.SUCCESS)
    metrics = {Metric.ENGINE_GAP: 0.3}
    scored = bare.with_score(samples.score(fitness=fitness, metrics=metrics))
    assert (scored.mdr, scored.friction_loss, scored.engine_gap) == (0.1, 0.25, 0.3)
    failed = Diagnosis("g1", Outcome.MISSED)
    assert failed.with_score(samples.score(metrics=metrics)).engine_gap is None
    del fitness[Criterion.FDR]
    assert bare.with_score(samples.score(fitness=fitness)) == replace(bare, mdr=0.1)
    assert bare.with_score(None) == bare


def test_counts_and_the_worst_example_of_each_cause():
    counter = CauseCounter(THRESHOLDS)
    for name, changes in (
        ("a", {"least_friction": 0.6}),
        ("b", {"least_friction": 0.9, "deepest_penetration_m": 0.02}),
        ("c", {"least_friction": 0.7}),
        ("d", {"mdr": 0.2}),
        ("e", {"mdr": 0.1}),
        ("f", {}),
    ):
        counter.add(replace(SOUND, grasp_id=name, **changes))
    assert [(count.cause, count.count, count.example) for count in counter.counts] == [
        (Cause.FRICTION, 3, "b"),
        (Cause.CONTACT, 1, "b"),
        (Cause.INERTIA, 0, None),
        (Cause.MODEL, 0, None),
        (Cause.EXPLOIT, 0, None),
        (Cause.FRAGILITY, 2, "e"),
    ]


def test_quantities_are_shown_in_their_units():
    shown = {q.name: q.text(SOUND.value(q)) for q in QUANTITIES}
    assert shown["deepest_penetration_m"] == "1.0" and shown["grip_offset_m"] == "20"
    assert shown["least_friction"] == "0.30"
    friction = QUANTITIES[0]
    assert friction.text(LOWEST_FRICTION) == "<= 0.05" and friction.text(None) == "-"
