"""Names and texts of strangers have bounds, in every value that holds one."""

from dataclasses import replace

import pytest

from dr_grasp.core.diagnosis import Diagnosis
from dr_grasp.core.fitness import RefusedGrasp
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.texts import LONGEST_NAME, LONGEST_TEXT, MOST_ENTRIES, first_names
from dr_grasp.errors import InvalidGraspError

TOO_LONG = "x" * (LONGEST_NAME + 1)
TOO_MUCH = "x" * (LONGEST_TEXT + 1)
TOO_MANY = {str(number): "" for number in range(MOST_ENTRIES + 1)}


@pytest.mark.parametrize(
    ("kind", "field", "value", "message"),
    [
        ("grasp", "id", TOO_LONG, "id: expected at most 500 characters, got 501"),
        ("grasp", "robot", "a\x1b[1m", r"robot: expected printable characters, got 'a\\x1b\[1m'"),
        ("grasp", "object", "\u202e", r"object: expected printable characters, got '\\u202e'"),
        ("grasp", "provenance", TOO_MANY, "provenance: expected at most 1000 entries, got 1001"),
        ("grasp", "provenance", {"k": TOO_MUCH}, "provenance k: expected at most 100000 charac"),
        ("grasp", "provenance", {TOO_MUCH: ""}, "provenance key: expected at most 100000"),
        ("score", "grasp_id", TOO_LONG, "grasp_id: expected at most 500 characters, got 501"),
        ("score", "profile", "\n", r"profile: expected printable characters, got '\\n'"),
        ("score", "software_version", TOO_MUCH, "software_version: expected at most 100000"),
        ("score", "models", TOO_MANY, "models: expected at most 1000 entries, got 1001"),
        ("attempt", "attempt_id", TOO_LONG, "attempt_id: expected at most 500 characters"),
        ("attempt", "backend", "\x07", r"backend: expected printable characters, got '\\x07'"),
        ("attempt", "reason", TOO_MUCH, "reason: expected at most 100000 characters, got 100001"),
        ("attempt", "reason", "\ud800", r"reason: expected Unicode, got '\\ud800'"),
        ("attempt", "models", TOO_MANY, "models: expected at most 1000 entries, got 1001"),
        ("report", "reporter", TOO_LONG, "reporter: expected at most 500 characters, got 501"),
        ("report", "reason", TOO_MUCH, "reason: expected at most 100000 characters, got 100001"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 20 else "",
)
def test_what_is_refused(samples, kind, field, value, message):
    with pytest.raises(InvalidGraspError, match=message):
        getattr(samples, kind)(**{field: value})


def test_as_much_as_is_allowed_passes(samples):
    entries = {str(number): "" for number in range(MOST_ENTRIES - 1)}
    samples.grasp("x" * LONGEST_NAME, provenance={**entries, "k": "y" * LONGEST_TEXT})
    samples.attempt(reason="two\nlines", models=entries)


def test_a_diagnosis_has_a_name_of_bounded_length():
    diagnosis = Diagnosis("g1", Outcome.SUCCESS)
    for field in ("grasp_id", "trajectory"):
        with pytest.raises(InvalidGraspError, match=f"{field}: expected at most 500 characters"):
            replace(diagnosis, **{field: TOO_LONG})


def test_a_refusal_can_always_be_made_and_shown():
    refusal = RefusedGrasp(0, "\x1b[1m" + TOO_LONG, "two\nlines" + TOO_MUCH)
    assert refusal.grasp_id == ("\\x1b[1m" + TOO_LONG)[:LONGEST_NAME]
    assert refusal.reason == ("two\\nlines" + TOO_MUCH)[:LONGEST_TEXT]


def test_the_first_names_say_how_many_more_there_are():
    assert first_names([]) == ""
    assert first_names(["a", "b", "c"]) == "a, b, c"
    assert first_names(["a", "b", "c", "d"]) == "a, b, c and 1 more"
    assert first_names(["a", "b", "c", "d"], most=1) == "a and 3 more"
