"""`dr-grasp dataset`, `calibrate` and `report` as their user meets them."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet
from typer.testing import CliRunner

from dr_grasp.cli.main import app
from dr_grasp.core.diagnosis import Diagnosis
from dr_grasp.core.fitness import Fitness
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.diagnosis.thresholds import load_thresholds
from dr_grasp.formats.diagnosis_file import write_diagnoses
from dr_grasp.recording.bag_writer import BagWriter
from dr_grasp.transfer.attempt_dataset import read_folder
from dr_grasp.transfer.transfer_model import read_model


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def write_bag(path, samples, attempts, prefix=""):
    """Attempts of the franka with mug and box; MDR decides which hold, but for every seventh."""
    with BagWriter(path) as writer:
        for number in range(attempts):
            successes = 5 * (number % 10)
            held = (successes > 20) != (number % 7 == 0)
            name = f"{prefix}g{number}"
            fitness = {one: Fitness(one, successes, 50) for one in Criterion}
            writer.write_attempt(
                samples.attempt(
                    f"{prefix}a{number}",
                    grasp=samples.grasp(name, object=("mug", "box")[number % 2]),
                    score=samples.score(name, fitness=fitness),
                    outcome=Outcome.SUCCESS if held else Outcome.MISSED,
                    stamp_ns=1_763_690_000_000_000_000 + number * 10**10,
                    commanded=None,
                    measured=None,
                )
            )
    return path


@pytest.fixture
def folder(tmp_path, tmp_path_factory, samples):
    made = tmp_path_factory.getbasetemp() / "fleet"  # once: every attempt is waited for on disk
    if not made.exists():
        write_bag(made / "monday" / "bag", samples, 40)
        write_bag(made / "tuesday", samples, 4, "t")
    return shutil.copytree(made, tmp_path / "fleet")


def break_bag(bag):
    (bag / "metadata.yaml").write_text("{")
    for file in bag.glob("*.mcap"):
        file.write_bytes(b"")


def test_bags_are_listed(folder):
    done = run("dataset", folder)
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    (monday,) = [line for line in lines if "monday/bag" in line]
    assert all(
        one in monday
        for one in (
            "2025-11-21 01:53",
            "franka",
            "box, mug",
            "20 of 40: 0.50 [0.34, 0.66], 40 grasps",
        )
    )
    assert lines[-1] == (
        "44 attempts in 2 bags; 44 say something about their grasp, and 21 of these held"
    )
    assert done.stderr == ""


def test_a_row_an_attempt_is_exported(folder, tmp_path):
    done = run("dataset", folder, "--csv", tmp_path / "t.csv", "--parquet", tmp_path / "t.parquet")
    assert done.exit_code == 0, done.output
    assert f"{tmp_path / 't.csv'}: 44 attempts" in done.stdout
    with (tmp_path / "t.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    table = parquet.read_table(tmp_path / "t.parquet").to_pylist()
    ids = [f"a{n}" for n in range(40)] + [f"ta{n}" for n in range(4)]
    assert [one["attempt_id"] for one in rows] == [one["attempt_id"] for one in table] == ids
    assert {one["bag"] for one in table} == {"monday/bag", "tuesday"}


def test_json_is_for_scripts(folder):
    done = run("dataset", folder, "--json")
    found = json.loads(done.stdout)
    assert (found["attempts"], found["counted"], found["held"], found["copies"]) == (44, 44, 21, 0)
    assert [one["bag"] for one in found["bags"]] == ["monday/bag", "tuesday"]
    assert found["bags"][0]["began"] == "2025-11-21T01:53:20.000000000Z"
    eta = found["bags"][0]["eta"]
    text = "{value:.2f} [{low:.2f}, {high:.2f}], {grasps} grasps".format(**eta)
    assert eta["value"] == found["bags"][0]["held"] / found["bags"][0]["counted"]
    assert text in run("dataset", folder).stdout
    assert found["unread"] == []


def test_a_broken_bag_is_named_and_the_exit_status_is_1(folder, tmp_path):
    break_bag(folder / "tuesday")
    page, model = tmp_path / "r.html", tmp_path / "m.json"
    for words in (
        ["dataset", folder],
        ["report", folder, "-o", page, "--pictures", 0],
        ["calibrate", folder, "-o", model],
    ):
        done = run(*words)
        assert done.exit_code == 1
        named, summary = done.stderr.splitlines()[-2:]
        assert named.startswith(f"dr-grasp: {folder / 'tuesday'}: cannot be read")
        assert summary == "dr-grasp: 1 of 2 bags could not be read and are left out"
        assert "40" in done.stdout
    assert "1 bag could not be read" in page.read_text()
    assert read_model(model).training.attempts == 40
    found = json.loads(run("dataset", folder, "--json").stdout)
    assert [one["bag"] for one in found["unread"]] == ["tuesday"]


def test_a_damaged_bag_is_named_too(folder):
    (file,) = (folder / "monday" / "bag").glob("*.mcap")
    os.truncate(file, file.stat().st_size // 2)
    done = run("dataset", folder)
    assert done.exit_code == 1
    assert "monday/bag: read up to its last whole message" in done.stderr


def test_copies_are_mentioned(folder, samples):
    write_bag(folder / "backup", samples, 3)
    done = run("dataset", folder)
    assert done.exit_code == 0
    assert "44 attempts in 3 bags" in done.stdout
    assert done.stderr == (
        "dr-grasp: 3 attempts are in several bags and count once: see monday/bag\n"
    )


def test_a_model_is_made(folder, tmp_path):
    done = run("calibrate", folder, "-o", tmp_path / "model.json")
    assert done.exit_code == 0, done.output
    assert "cross-validated by object; less is better" in done.stdout
    for line in ("model", "MDR itself", "the same for all"):
        assert line in done.stdout
    assert "model.json: from 44 attempts, 21 held, 44 grasps of 2 objects" in done.stdout
    model = read_model(tmp_path / "model.json")
    assert model.robots.keys() == {"franka"}
    as_json = run("calibrate", folder, "-o", tmp_path / "again.json", "--json")
    assert json.loads(as_json.stdout) == json.loads((tmp_path / "model.json").read_text())


def test_too_little_makes_no_model(folder, tmp_path):
    done = run("calibrate", folder / "tuesday", "-o", tmp_path / "model.json")
    assert done.exit_code == 1 and done.stdout == ""
    assert "expected at least 30 attempts" in done.stderr and "got 4" in done.stderr
    assert not (tmp_path / "model.json").exists()


def test_a_report_is_written(folder, tmp_path):
    done = run("report", folder, "-o", tmp_path / "r.html", "--pictures", 0)
    assert done.exit_code == 0, done.output
    assert done.stdout == f"{tmp_path / 'r.html'}: eta 0.48 of 44 attempts, 44 grasps\n"
    assert "<h1>What really happened</h1>" in (tmp_path / "r.html").read_text()
    done = run("report", folder, "-o", tmp_path / "r.html", "--pictures", 0, "--json")
    found = json.loads(done.stdout)
    assert (found["attempts"], found["held"], found["grasps"]) == (44, 21, 44)
    mdr = found["criteria"]["mdr"]
    assert 0.5 < mdr["auc"]["low"] < mdr["auc"]["value"] < mdr["auc"]["high"]
    assert set(mdr) == {"attempts", "grasps", "rho", "auc", "top_fifth_eta", "top_fifth_gain"}


def test_pictures_are_of_the_simulator(folder, tmp_path, monkeypatch):
    asked = []

    def picture_of(grasp, width, height):
        asked.append(grasp.id)
        return np.zeros((height, width, 3), np.uint8)

    monkeypatch.setattr("dr_grasp.simulation.pictures.picture_of", picture_of)
    assert run("report", folder, "-o", tmp_path / "r.html", "--pictures", 3).exit_code == 0
    assert len(asked) == 3
    assert (tmp_path / "r.html").read_text().count("data:image/jpeg") == 3


def test_a_grasp_that_its_robot_cannot_do_has_no_picture(folder, tmp_path):
    """A robot's file may have changed since; these grasps go beyond the joints' limits."""
    assert run("report", folder, "-o", tmp_path / "r.html", "--pictures", 2).exit_code == 0
    assert (tmp_path / "r.html").read_text().count("no picture: grasp ") == 2


@pytest.mark.parametrize("verb", ["dataset", "report", "calibrate"])
def test_bad_input_is_one_line_and_no_file(verb, folder, tmp_path):
    out = ["--csv"] if verb == "dataset" else ["-o"]
    (tmp_path / "notes").mkdir()
    for given, place, message in (
        (folder, "absent/out", "cannot be written: no folder"),
        (folder, ".", "is a folder, expected a file"),
        (tmp_path / "nowhere", "out", "expected a folder of bags, got none of that name"),
        (
            tmp_path / "notes",
            "out",
            "expected bags in it (folders with metadata.yaml, or with files",
        ),
    ):
        done = run(verb, given, *out, tmp_path / place)
        assert done.exit_code == 1 and done.stdout == ""
        (line,) = done.stderr.splitlines()
        assert line.startswith("dr-grasp: ") and message in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("verb", ["report", "calibrate"])
def test_an_unknown_backend_is_refused(verb, folder, tmp_path):
    done = run(verb, folder, "-o", tmp_path / "out", "--backend", "arm")
    assert done.exit_code == 1
    assert done.stderr == "dr-grasp: unknown backend 'arm'; expected one of twin\n"


@pytest.mark.parametrize("verb", ["report", "calibrate"])
def test_an_engine_that_scored_none_of_it_is_refused(verb, folder, tmp_path):
    done = run(verb, folder, "-o", tmp_path / "out", "--engine", "mujoco")
    assert done.exit_code == 1
    assert done.stderr == "dr-grasp: unknown engine 'mujoco'; expected one of bullet\n"


def test_the_program_loads_none_of_it_before_it_is_needed():
    names = {"sklearn", "pandas", "pyarrow", "jinja2", "matplotlib"}
    code = (
        "import sys, dr_grasp.cli.main\n"
        f"print(*sorted({names!r} & {{name.split('.')[0] for name in sys.modules}}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_causes_come_from_diagnosis_files(folder, tmp_path):
    thresholds = load_thresholds("default")
    trajectories = {one.grasp_id: one.trajectory for one in read_folder(folder).rows}
    files = []
    for name, changes in (("g0", {"deepest_penetration_m": 1.0}), ("g1", {"mdr": 0.0})):
        files += ["--diagnosis", tmp_path / f"{name}.json"]
        diagnosis = Diagnosis(name, Outcome.SUCCESS, trajectory=trajectories[name], **changes)
        write_diagnoses(files[-1], [diagnosis], thresholds, "dr_grasp")
    out = tmp_path / "r.html"
    assert run("report", folder, "-o", out, "--pictures", 0, *files).exit_code == 0
    page = out.read_text()
    assert "Which doubt breaks them?" in page
    assert "for example g0 of mug" in page and "for example g1 of box" in page
    assert '<td class="name">contact</td>' in page and '<td class="name">fragility</td>' in page
    done = run("report", folder, "-o", out, *files, *files[-2:])
    assert done.exit_code == 1 and "another file has diagnoses of the same grasps" in done.stderr
    done = run("report", folder, "-o", out, "--diagnosis", tmp_path / "absent.json")
    assert done.exit_code == 1 and "absent.json: cannot be read" in done.stderr


def test_what_is_not_read_is_named(folder):
    (folder / "notes.txt").write_text("cold")
    done = run("dataset", folder)
    assert done.exit_code == 0
    assert done.stderr == (
        f"dr-grasp: {folder}: not read, since they are no bags, or hidden or in a bag: notes.txt\n"
    )
    (folder / "old.bag").write_bytes(b"#ROSBAG V2.0\n")
    done = run("dataset", folder, "--json")
    assert done.exit_code == 1
    line = f"dr-grasp: {folder / 'old.bag'}: not read: a bag of ROS 1: convert it with rosbags-"
    assert done.stderr.splitlines()[0].startswith(line)
    said = json.loads(done.stdout)["left_out"]
    assert {Path(item["path"]).name for item in said} == {"notes.txt", "old.bag"}
