"""The diagnosis file: numbers come back to the bit, and what is wrong is named."""

import json
from dataclasses import replace

import pytest

from dr_grasp.core.diagnosis import Cause, Diagnosis
from dr_grasp.core.fitness import RefusedGrasp
from dr_grasp.core.outcome import Outcome
from dr_grasp.diagnosis.thresholds import load_thresholds
from dr_grasp.errors import FileFormatError
from dr_grasp.formats.diagnosis_file import read_causes, read_diagnoses, write_diagnoses

VERSION = "dr_grasp 0.3.0, pybullet 3.2.7"
ONE = Diagnosis(
    "g1",
    Outcome.SUCCESS,
    mdr=1 / 3,
    least_friction=0.972265625,
    deepest_penetration_m=-0.1 / 3,
    lift_acceleration=2.8,
    grip_offset_m=0.01,
    grip_lever_m=0.005,
    surface_distance_m=0.05,
    trajectory="0123456789abcdef",
    engine_gap=0.1 / 3,
    other_outcome=Outcome.SUCCESS,
)
OTHER = Diagnosis("g2", Outcome.DROPPED_LIFTING, trajectory="fedcba9876543210")
REFUSED = RefusedGrasp(1, "gx", "grasp gx: hold: expected something else")


@pytest.fixture
def thresholds():
    return load_thresholds("default")


@pytest.fixture
def file(tmp_path, thresholds):
    path = tmp_path / "diagnosis.json"
    write_diagnoses(path, [ONE, REFUSED, OTHER], thresholds, VERSION)
    return path


def test_a_round_trip(file, thresholds):
    content = read_diagnoses(file)
    assert content.diagnoses == (ONE, OTHER) and content.refused == (REFUSED,)
    assert content.thresholds == thresholds and content.software_version == VERSION
    again = file.with_name("again.json")
    write_diagnoses(again, [*content.diagnoses, *content.refused], content.thresholds, VERSION)
    assert again.read_bytes() == file.read_bytes()


def test_one_diagnosis_a_line_and_the_causes_for_whom_reads_it(file):
    lines = [line for line in file.read_text().split("\n") if '"outcome"' in line]
    assert [json.loads(line.rstrip(","))["causes"] for line in lines] == [["friction", "model"], []]


def test_causes_by_trajectory_for_a_report(file, thresholds):
    assert read_causes(file) == {"0123456789abcdef": ("friction", "model"), "fedcba9876543210": ()}
    assert ONE.causes(thresholds) == (Cause.FRICTION, Cause.MODEL)


def test_what_breaks_off_leaves_no_file(tmp_path, thresholds):
    def results():
        yield ONE
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_diagnoses(tmp_path / "diagnosis.json", results(), thresholds, VERSION)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(kind="dr_grasp/scores"), "kind: expected 'dr_grasp/diagnosis'"),
        (lambda c: c.update(schema_version=2), "schema_version: expected 1, got 2"),
        (lambda c: c.update(more=1), "more: expected no such key"),
        (lambda c: c["thresholds"].pop("mdr"), "thresholds.mdr: expected a value, got nothing"),
        (lambda c: c["thresholds"].update(mdr=0.0), "thresholds.mdr: expected greater than 0"),
        (
            lambda c: c["thresholds"].update(mdr=7),
            "thresholds.mdr: expected less than or equal to 1",
        ),
        (
            lambda c: c["diagnoses"][0].update(causes=["contact"]),
            "diagnosis of grasp g1: causes: expected ['friction', 'model'] by the file's "
            "thresholds, got ['contact']",
        ),
        (
            lambda c: c["diagnoses"][0].update(least_friction=1.5),
            "diagnosis of grasp g1: least_friction: expected less than or equal to 1, got 1.5",
        ),
        (
            lambda c: c["diagnoses"][1].update(outcome="fell"),
            "diagnosis of grasp g2: outcome: expected one of unknown, success",
        ),
        (
            lambda c: c["diagnoses"][0].update(other_outcome="fell"),
            "diagnosis of grasp g1: outcome: expected one of unknown, success",
        ),
        (
            lambda c: c["diagnoses"][0].update(other_outcome="missed"),
            "diagnosis of grasp g1: causes: expected ['friction', 'model', 'exploit'] by the",
        ),
        (
            lambda c: c["diagnoses"].append(c["diagnoses"][0]),
            "diagnoses: expected one for each grasp, got g1 twice",
        ),
    ],
)
def test_what_is_wrong_is_named(file, change, message):
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))
    with pytest.raises(FileFormatError) as caught:
        read_diagnoses(file)
    assert str(caught.value).startswith(f"{file}: ") and message in str(caught.value)


def test_a_file_from_before_there_was_a_second_engine_is_read(file):
    content = json.loads(file.read_text())
    del content["thresholds"]["engine_gap"]
    for diagnosis in content["diagnoses"]:
        del diagnosis["engine_gap"], diagnosis["other_outcome"]
    file.write_text(json.dumps(content))
    found = read_diagnoses(file)
    assert found.diagnoses == (replace(ONE, engine_gap=None, other_outcome=None), OTHER)
    assert found.thresholds.engine_gap is None


def test_half_a_file_is_refused(file):
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(FileFormatError, match="half-written"):
        read_diagnoses(file)


def test_fragility_is_written_too(tmp_path, thresholds):
    path = tmp_path / "one.json"
    write_diagnoses(
        path, [replace(ONE, least_friction=0.1, surface_distance_m=0.0, mdr=0.0)], thresholds, ""
    )
    assert read_causes(path) == {ONE.trajectory: ("fragility",)}
