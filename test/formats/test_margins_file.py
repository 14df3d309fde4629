"""The margins file: numbers come back to the bit, and what is wrong is named."""

import json
from dataclasses import replace

import pytest

from dr_grasp.core.adr import Boundary
from dr_grasp.core.doubt import Doubt
from dr_grasp.core.engine import Engine
from dr_grasp.core.fitness import RefusedGrasp
from dr_grasp.core.margin import Count, GraspMargins, JointRanges, Margin
from dr_grasp.core.outcome import Outcome
from dr_grasp.errors import FileFormatError, InvalidGraspError
from dr_grasp.formats.margins_file import (
    MeasuredWith,
    read_margins,
    read_margins_by_motion,
    write_margins,
)
from dr_grasp.formats.score_file import ScoreFile, read_scores, write_scores

WITH = MeasuredWith(
    software_version="dr_grasp 0.5.0, mujoco 3.17.0",
    engine=Engine.MUJOCO,
    profile="default",
    seed=2**64 - 1,
    high=0.8,
    low=0.5,
    trials=20,
    background=0.25,
    halvings=4,
    rounds=4,
)
ONE = GraspMargins(
    "g1",
    "0123456789abcdef",
    Outcome.SUCCESS,
    Count(5, 5),
    (
        Margin(Boundary(Doubt.Y, False), -0.1 / 3, Count(9, 11), -0.0375, Count(1, 4)),
        Margin(Boundary(Doubt.MASS, True), 10.0, Count(5, 5)),
    ),
    JointRanges({Doubt.Y: (-0.1 / 7, 0.0), Doubt.MASS: (1.0, 10.0 / 3)}),
    123,
)
OTHER = GraspMargins("g2", "fedcba9876543210", Outcome.DROPPED_LIFTING)
REFUSED = RefusedGrasp(1, "gx", "grasp gx: hold: expected something else")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "margins.json"
    write_margins(path, [ONE, REFUSED, OTHER], WITH)
    return path


def test_a_round_trip(file):
    content = read_margins(file)
    assert content.margins == (ONE, OTHER) and content.refused == (REFUSED,)
    assert content.measured_with == WITH
    again = file.with_name("again.json")
    write_margins(again, [*content.margins, *content.refused], content.measured_with)
    assert again.read_bytes() == file.read_bytes()


def test_one_grasp_a_line_with_what_follows_for_whom_reads_it(file):
    [line] = [line for line in file.read_text().split("\n") if '"g1"' in line]
    found = json.loads(line.rstrip(","))
    assert found["joint"]["entropy"] == ONE.joint.entropy
    assert found["margins"][0]["lost"]["high"] == Count(1, 4).interval[1]
    assert (found["margins"][1]["side"], found["margins"][1]["loses"]) == ("upper", None)


def test_margins_by_motion_for_a_report(file):
    assert read_margins_by_motion(file) == {"0123456789abcdef": ONE, "fedcba9876543210": OTHER}


def test_what_breaks_off_leaves_no_file(tmp_path):
    def results():
        yield ONE
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_margins(tmp_path / "margins.json", results(), WITH)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(kind="dr_grasp/scores"), "kind: expected 'dr_grasp/margins'"),
        (lambda c: c.update(schema_version=2), "schema_version: expected 1, got 2"),
        (lambda c: c.update(more=1), "more: expected no such key"),
        (
            lambda c: c["measured_with"].pop("seed"),
            "measured_with.seed: expected a value, got nothing",
        ),
        (
            lambda c: c["measured_with"].update(high=1.0),
            "measured_with.high: expected less than 1, got 1",
        ),
        (lambda c: c["measured_with"].update(engine="ode"), "measured_with.engine: expected"),
        (
            lambda c: c["margins"][0]["margins"][0].update(bears=-0.07),
            "margins of grasp g1: margin of y lower: bears: expected from 0 to -0.06, got -0.07",
        ),
        (
            lambda c: c["margins"][0]["margins"][0].update(loses=None),
            "margins of grasp g1: margin of y lower: lost: expected trials if, and only if",
        ),
        (
            lambda c: c["margins"][0]["margins"][0].update(parameter="z"),
            "margins of grasp g1: margin of z lower: unknown doubt 'z'",
        ),
        (
            lambda c: c["margins"][0]["margins"][0].update(side="left"),
            "margins of grasp g1: margins.0.side: expected 'lower' or 'upper', got 'left'",
        ),
        (
            lambda c: c["margins"][0]["margins"][0].update(parameter="joints"),
            "margins of grasp g1: margin of joints lower: side: expected upper, since only the",
        ),
        (
            lambda c: c["margins"][0]["margins"][0]["held"].update(successes=10),
            "margins of grasp g1: margin of y lower: held: low: expected",
        ),
        (
            lambda c: c["margins"][0]["background"].update(trials=3),
            "margins of grasp g1: background: expected 0 <= successes <= trials >= 1, got 5 of 3",
        ),
        (
            lambda c: c["margins"][0]["joint"].update(entropy=9.0),
            "margins of grasp g1: joint: entropy: expected",
        ),
        (
            lambda c: c["margins"][0]["joint"]["ranges"].update(y=[0.0]),
            "margins of grasp g1: joint.ranges.y: expected",
        ),
        (
            lambda c: c["margins"][1].update(outcome="fell"),
            "margins of grasp g2: outcome: expected one of unknown, success",
        ),
        (
            lambda c: c["margins"].append(c["margins"][0]),
            "margins: expected once for each grasp, got g1 twice",
        ),
    ],
)
def test_what_is_wrong_is_named(file, change, message):
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))
    with pytest.raises(FileFormatError) as caught:
        read_margins(file)
    assert str(caught.value).startswith(f"{file}: ") and message in str(caught.value)


@pytest.fixture
def scores(samples, tmp_path):
    """Writes a scores file with margins of the first score, or without any."""

    def write(margins):
        made = (samples.score("g1", margins=margins), samples.score("g2"))
        first = made[0]
        path = tmp_path / "scores.json"
        write_scores(path, ScoreFile(made, (), first.seed, first.profile, first.software_version))
        return path

    return write


def test_scores_carry_margins_if_there_are_any(scores):
    assert "margins" not in scores(None).read_text()
    path = scores(ONE)
    found = read_scores(path)
    assert [score.margins for score in found.scores] == [ONE, None]
    before = path.read_bytes()
    write_scores(path, found)
    assert path.read_bytes() == before


def test_margins_of_scores_are_checked(scores, samples):
    path = scores(ONE)
    content = json.loads(path.read_text())
    content["scores"][0]["margins"]["joint"]["entropy"] = 9.0
    path.write_text(json.dumps(content))
    with pytest.raises(FileFormatError, match="score of grasp g1: margins: joint: entropy: expec"):
        read_scores(path)
    with pytest.raises(InvalidGraspError, match="margins: expected those of grasp g1, got g9"):
        samples.score("g1", margins=replace(ONE, grasp_id="g9"))
