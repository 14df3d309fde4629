import json
import os
import stat
from dataclasses import replace

import pytest

from dr_grasp.core.engine import Engine
from dr_grasp.core.fitness import Fitness, RefusedGrasp, Selection
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.errors import FileFormatError, InvalidGraspError
from dr_grasp.formats.grasp_file import (
    GraspFile,
    GraspReader,
    grasp_from_dict,
    grasp_to_dict,
    read_grasps,
    write_grasps,
)
from dr_grasp.formats.score_file import ScoreFile, read_scores, write_scores

SHARED = {"seed": 2**64 - 1, "profile": "default", "software_version": "v"}


@pytest.fixture
def grasps(samples):
    return tuple(samples.grasp(f"g{index}") for index in range(3))


@pytest.fixture
def score_file(samples):
    scores = tuple(samples.score(f"g{index}", **SHARED) for index in range(3))
    refused = (RefusedGrasp(3, "g3", "grasp g3: id: expected a better one"),)
    return ScoreFile(scores, refused, **SHARED)


def refusal(call, *args):
    with pytest.raises(FileFormatError) as caught:
        call(*args)
    message = str(caught.value)
    assert "\n" not in message
    return message


def put(value, raw, *keys):
    """Set raw[a][b][c] = value."""
    for key in keys[:-1]:
        raw = raw[key]
    raw[keys[-1]] = value


def test_grasps_come_back_to_the_bit(tmp_path, grasps):
    path = tmp_path / "grasps.json"
    write_grasps(path, grasps)
    assert read_grasps(path) == GraspFile(grasps, ())


def test_scores_come_back_to_the_bit(tmp_path, score_file):
    path = tmp_path / "scores.json"
    write_scores(path, score_file)
    assert read_scores(path) == score_file


def test_a_file_of_before_links_were_named_is_read(tmp_path, samples):
    path = tmp_path / "scores.json"
    write_scores(path, ScoreFile((samples.score(**SHARED, collisions=()),), (), **SHARED))
    assert "collisions" not in path.read_text()
    assert read_scores(path).scores[0].collisions == ()


def test_a_file_says_its_engine_if_that_is_not_bullet(tmp_path, score_file, samples):
    path = tmp_path / "scores.json"
    write_scores(path, score_file)
    assert "engine" not in json.loads(path.read_text())
    score = samples.score(**SHARED, engine=Engine.MUJOCO)
    write_scores(path, ScoreFile((score,), (), **SHARED, engine=Engine.MUJOCO))
    assert json.loads(path.read_text())["engine"] == "mujoco"
    assert read_scores(path).scores == (score,) and read_scores(path).engine is Engine.MUJOCO
    with pytest.raises(FileFormatError, match="engine: expected 'bullet' as for the"):
        ScoreFile((score,), (), **SHARED)
    path.write_text(path.read_text().replace('"mujoco"', '"ode"'))
    message = "engine: expected 'bullet', 'mujoco' or 'mujoco-warp', got 'ode'"
    assert refusal(read_scores, path) == f"{path}: {message}"


def test_collisions_that_cannot_be_are_refused(tmp_path, score_file):
    path = tmp_path / "scores.json"
    write_scores(path, score_file)
    for key, value, problem in (
        ("criterion", "x", "unknown criterion 'x'; expected one of fdr, jsdr, mdr, osdr"),
        ("outcome", "missed", "outcome: expected robot_hit_table or self_collision, got missed"),
        ("links", ["a"], "collisions.0.links"),
        ("count", 0, "count: expected at least 1, got 0"),
    ):
        bad = json.loads(path.read_text())
        bad["scores"][0]["collisions"][0][key] = value
        other = tmp_path / "bad.json"
        other.write_text(json.dumps(bad))
        message = refusal(read_scores, other)
        assert message.startswith(f"{other}: score of grasp g0: collisions") and problem in message


def test_empty_files_come_back(tmp_path):
    path = tmp_path / "x.json"
    write_grasps(path, [])
    assert read_grasps(path) == GraspFile(())
    write_scores(path, ScoreFile((), (), **SHARED))
    assert read_scores(path) == ScoreFile((), (), **SHARED)


def test_equal_data_give_equal_bytes(tmp_path, samples, grasps):
    flipped = [replace(g, provenance=dict(reversed(g.provenance.items()))) for g in grasps]
    write_grasps(tmp_path / "a", grasps)
    write_grasps(tmp_path / "b", flipped)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    score = samples.score(**SHARED)
    flipped = replace(
        score,
        fitness=dict(reversed(score.fitness.items())),
        failures=dict(reversed(score.failures.items())),
    )
    write_scores(tmp_path / "a", ScoreFile((score,), (), **SHARED))
    write_scores(tmp_path / "b", ScoreFile((flipped,), (), **SHARED))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_scores_file_has_the_documented_keys(tmp_path, samples):
    score = samples.score(
        nominal_outcome=Outcome.MISSED, fitness={Criterion.MDR: Fitness(Criterion.MDR, 1, 4)}
    )
    content = ScoreFile((score,), (), score.seed, score.profile, score.software_version)
    write_scores(tmp_path / "s", content)
    document = json.loads((tmp_path / "s").read_text())
    assert document["schema_version"] == 1
    (entry,) = document["scores"]
    low, high = Fitness(Criterion.MDR, 1, 4).interval
    assert entry == {
        "grasp_id": "g1",
        "nominal_success": False,
        "nominal_outcome": "missed",
        "fitness": {"mdr": {"successes": 1, "trials": 4, "value": 0.25, "low": low, "high": high}},
        "failures": {"missed": 2, "dropped_lifting": 3},
        "collisions": [
            {"criterion": criterion, "outcome": outcome, "links": links, "count": count}
            for criterion, outcome, links, count in (
                ("osdr", "self_collision", ["panda_hand", "panda_link5"], 2),
                ("mdr", "robot_hit_table", ["finger", "table"], 1),
                ("mdr", "self_collision", ["panda_hand", "panda_link5"], 1),
            )
        ],
        "whole": True,
        "models": {"processor": "x86_64 fma", "robot": "b67413e90d76c9b8"},
        "transfer_probability": 0.625,
        "metrics": {"tug": 3.5, "com_distance": 0.0123},
    }


@pytest.mark.parametrize("by_width", [False, True])
def test_a_sequential_fitness_comes_back_and_says_so(tmp_path, samples, by_width):
    fitness = Fitness(Criterion.MDR, 1, 4, sequential=True, by_width=by_width)
    score = samples.score(fitness={Criterion.MDR: fitness}, **SHARED)
    content = ScoreFile((score,), (), **SHARED)
    write_scores(tmp_path / "s", content)
    entry = json.loads((tmp_path / "s").read_text())["scores"][0]["fitness"]["mdr"]
    assert entry["sequential"] is True
    assert (entry["low"], entry["high"]) == fitness.interval
    assert read_scores(tmp_path / "s") == content


def test_permissions_follow_the_umask(tmp_path, grasps):
    before = os.umask(0o027)
    try:
        write_grasps(tmp_path / "g", grasps)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "g").stat().st_mode) == 0o640


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, grasps, monkeypatch):
    path = tmp_path / "g"
    write_grasps(path, grasps[:1])

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    message = refusal(write_grasps, path, grasps)
    assert message == f"{path}: cannot be written: No space left on device"
    assert read_grasps(path).grasps == grasps[:1]
    assert [entry.name for entry in tmp_path.iterdir()] == ["g"]


def test_a_write_through_a_link_replaces_its_target(tmp_path, grasps):
    (tmp_path / "link").symlink_to(tmp_path / "target")
    write_grasps(tmp_path / "link", grasps)
    assert (tmp_path / "link").is_symlink()
    assert read_grasps(tmp_path / "target").grasps == grasps


def test_where_nothing_can_be_written(tmp_path, grasps):
    path = tmp_path / "no" / "g"
    assert refusal(write_grasps, path, grasps) == (
        f"{path}: cannot be written: No such file or directory"
    )
    assert "Is a directory" in refusal(write_grasps, tmp_path, grasps)
    assert not list(tmp_path.parent.glob(f".{tmp_path.name}*"))


def test_grasps_that_share_an_id_are_not_written(tmp_path, grasps):
    message = refusal(write_grasps, tmp_path / "g", [*grasps, grasps[0]])
    assert message == f"{tmp_path / 'g'}: grasps: expected unique ids, got g0 twice"
    assert not (tmp_path / "g").exists()


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_half_written_files_are_refused(tmp_path, grasps, score_file, share):
    for write, read, content in (
        (write_grasps, read_grasps, grasps),
        (write_scores, read_scores, score_file),
    ):
        path = tmp_path / "x.json"
        write(path, content)
        text = path.read_bytes()
        path.write_bytes(text[: int(len(text) * share)])
        message = refusal(read, path)
        assert message.startswith(f"{path}: expected a whole JSON document, got ")
        assert message.endswith("(half-written?)")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[]", "expected a JSON object, got a list"),
        ("{}", "kind: expected 'dr_grasp/grasps', got nothing"),
        ('{"kind": "dr_grasp/scores"}', "kind: expected 'dr_grasp/grasps', got 'dr_grasp/scores'"),
        ('{"kind": "dr_grasp/grasps"}', "schema_version: expected 1, got nothing"),
        (
            '{"kind": "dr_grasp/grasps", "schema_version": 2}',
            "schema_version: expected 1, got 2",
        ),
        (
            '{"kind": "dr_grasp/grasps", "schema_version": true}',
            "schema_version: expected 1, got True",
        ),
        (
            '{"kind": "dr_grasp/grasps", "schema_version": 1}',
            "grasps: expected a value, got nothing",
        ),
        (
            '{"kind": "dr_grasp/grasps", "schema_version": 1, "grasps": {}}',
            "grasps: expected a valid list, got {}",
        ),
        (
            '{"kind": "dr_grasp/grasps", "schema_version": 1, "grasps": [], "x": 1}',
            "x: expected no such key",
        ),
        ("[" * 100_000, None),
        ("9" * 5000, None),
    ],
)
def test_grasp_files_that_are_refused_as_a_whole(tmp_path, text, expected):
    path = tmp_path / "g.json"
    path.write_text(text)
    message = refusal(read_grasps, path)
    if expected is not None:
        assert message == f"{path}: {expected}"


def test_files_that_cannot_be_read(tmp_path):
    path = tmp_path / "g.json"
    assert refusal(read_grasps, path) == f"{path}: cannot be read: No such file or directory"
    assert refusal(read_scores, tmp_path) == f"{tmp_path}: cannot be read: Is a directory"
    path.write_bytes(b"\xff\xfe{}")
    assert refusal(read_grasps, path) == f"{path}: expected text in UTF-8, got other bytes"


BAD_GRASPS = [
    ((float("nan"), "approach", "positions", 1, 2), "approach positions: expected finite numbers"),
    ((float("inf"), "lift", "positions", 0, 0), "lift positions: expected finite numbers"),
    ((None, "approach", "positions", 1, 2), "approach.positions.1.2: expected a valid number, got"),
    (("1", "hold_s"), "hold_s: expected a valid number, got '1'"),
    ((True, "hold_s"), "hold_s: expected a valid number, got True"),
    ((10**400, "hold_s"), "hold_s: "),
    ((-1, "hold_s"), "hold: expected more than 0 and at most 60 s, got -1"),
    (([0.1], "approach", "positions", 3), "approach positions: expected 7 numbers at waypoint 3"),
    (([], "approach", "positions"), "approach positions: expected shape (5, 7), got (0,)"),
    ((9.0, "lift", "times_s", 0), "lift times: expected strictly increasing from 0 s, got"),
    (("panda_joint1", "approach", "joints", 6), "approach joints: expected unique names, got"),
    (("other", "lift", "joints", 0), "lift joints: expected those of approach"),
    (([0.1, 0.2], "close", "preshape"), "close preshape: expected 1 numbers, got shape (2,)"),
    ((-1.0, "close", "force"), "close force: expected more than 0"),
    (([0, 0], "object_in_base", "position"), "object_in_base: position: expected 3 finite"),
    (([0, 0, 0, 0], "object_in_base", "quaternion_xyzw"), "object_in_base: quaternion xyzw: "),
    (({"a": 1}, "provenance"), "provenance.a: expected a valid string, got 1"),
    ((1, "close", "colour"), "close.colour: expected no such key"),
]


@pytest.mark.parametrize(("change", "reason"), BAD_GRASPS, ids=[text for _, text in BAD_GRASPS])
def test_a_bad_grasp_is_named_and_the_others_stay(tmp_path, grasps, change, reason):
    path = tmp_path / "g.json"
    write_grasps(path, grasps)
    document = json.loads(path.read_text())
    put(change[0], document["grasps"][1], *change[1:])
    path.write_text(json.dumps(document))
    found = read_grasps(path)
    assert found.grasps == (grasps[0], grasps[2])
    (refused,) = found.refused
    assert (refused.index, refused.grasp_id) == (1, "g1")
    assert refused.reason.startswith(f"grasp g1: {reason}")
    assert "\n" not in refused.reason


def test_grasps_without_an_id_or_without_a_shape(tmp_path, grasps):
    path = tmp_path / "g.json"
    write_grasps(path, grasps[:2])
    document = json.loads(path.read_text())
    del document["grasps"][0]["id"]
    document["grasps"].append(7)
    path.write_text(json.dumps(document))
    found = read_grasps(path)
    assert found.grasps == grasps[1:2]
    assert [(one.index, one.grasp_id, one.reason) for one in found.refused] == [
        (0, "", "grasp without an id: id: expected a value, got nothing"),
        (
            2,
            "",
            "grasp without an id: document: expected a valid dictionary or instance of "
            "GraspRecord, got 7",
        ),
    ]


def test_a_dict_of_a_grasp_that_lacks_something_is_refused(samples):
    raw = grasp_to_dict(samples.grasp())
    del raw["lift"]["joints"]
    with pytest.raises(InvalidGraspError, match=r"^grasp g1: lift\.joints: expected a value, got"):
        grasp_from_dict(raw)


BAD_SCORES = [
    ((0.5, "fitness", "jsdr", "value"), "fitness: jsdr: value: expected successes / trials ="),
    ((24, "fitness", "jsdr", "successes"), "fitness: jsdr: expected 0 <= successes <= trials"),
    ((0, "fitness", "osdr", "trials"), "fitness: osdr: expected 0 <= successes <= trials >= 1"),
    ((-1, "fitness", "osdr", "trials"), "fitness.osdr.trials: expected greater than or equal"),
    ((None, "fitness", "osdr", "low"), "fitness.osdr.low: expected a valid number, got None"),
    (({}, "fitness", "xdr"), "fitness.xdr.successes: expected a value, got nothing"),
    ((-1, "failures", "missed"), "failures.missed: expected greater than or equal to 0, got -1"),
    ((1, "failures", "bored"), "failures: outcome: expected one of unknown, success,"),
    ((False, "nominal_success"), "nominal_success: expected True for the nominal outcome success"),
    (("bored", "nominal_outcome"), "nominal_outcome: outcome: expected one of unknown,"),
    ((1, "seed"), "seed: expected no such key"),
]


@pytest.mark.parametrize(("change", "reason"), BAD_SCORES, ids=[text for _, text in BAD_SCORES])
def test_a_bad_score_refuses_the_file(tmp_path, score_file, change, reason):
    path = tmp_path / "s.json"
    write_scores(path, score_file)
    document = json.loads(path.read_text())
    put(change[0], document["scores"][2], *change[1:])
    path.write_text(json.dumps(document))
    assert refusal(read_scores, path).startswith(f"{path}: score of grasp g2: {reason}")


def test_an_unknown_criterion_is_named(tmp_path, score_file):
    path = tmp_path / "s.json"
    write_scores(path, score_file)
    document = json.loads(path.read_text())
    document["scores"][0]["fitness"]["xdr"] = document["scores"][0]["fitness"]["mdr"]
    path.write_text(json.dumps(document))
    assert refusal(read_scores, path) == (
        f"{path}: score of grasp g0: fitness: unknown criterion 'xdr'; "
        "expected one of fdr, jsdr, mdr, osdr"
    )


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("criterion", "xdr", "expected 'osdr', 'jsdr', 'fdr' or 'mdr', got 'xdr'"),
        ("chosen", "g0", "expected a valid tuple, got 'g0'"),
        ("expected_share", "1", "expected a valid number, got '1'"),
        ("best", "g0", "expected no such key"),
    ],
)
def test_a_bad_selection_is_named(tmp_path, score_file, field, value, reason):
    path = tmp_path / "s.json"
    write_scores(path, replace(score_file, selection=Selection(Criterion.MDR, (), 0.9, 0.1, 0.2)))
    document = json.loads(path.read_text())
    document["selection"][field] = value
    path.write_text(json.dumps(document))
    assert refusal(read_scores, path) == f"{path}: selection.{field}: {reason}"


def test_scores_files_refuse_numbers_that_are_none(tmp_path, score_file):
    path = tmp_path / "s.json"
    write_scores(path, score_file)
    document = json.loads(path.read_text())
    document["scores"][0]["fitness"]["osdr"]["high"] = float("nan")
    path.write_text(json.dumps(document))
    assert refusal(read_scores, path) == f"{path}: expected finite numbers, got NaN"


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_seeds_that_cannot_travel_are_refused(tmp_path, score_file, seed):
    path = tmp_path / "s.json"
    write_scores(path, score_file)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"seed": seed}))
    assert f"seed: expected 0 to {2**64 - 1}, got {seed}" in refusal(read_scores, path)


def test_scores_of_a_file_belong_together(samples):
    score = samples.score(**SHARED)
    assert refusal(lambda: ScoreFile((score, score), (), **SHARED)) == (
        "scores: expected one for each grasp, got g1 twice"
    )
    other = replace(score, profile="huber2023")
    assert refusal(lambda: ScoreFile((other,), (), **SHARED)) == (
        "score of grasp g1: profile: expected 'default' as for the whole file, got 'huber2023'"
    )


def test_a_grasp_file_that_changes_after_it_was_looked_through_is_refused(samples, tmp_path):
    path = tmp_path / "grasps.json"
    write_grasps(path, [samples.grasp("g1")])
    reader = GraspReader(path)
    write_grasps(path, [samples.grasp("g2")])
    with pytest.raises(FileFormatError, match="expected the file as it was, got another"):
        list(reader)
