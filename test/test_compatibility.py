"""The script that tries other people's files runs, and its page has all that it tries."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "benchmarks" / "compatibility.py"
PAGE = (ROOT / "docs" / "other-peoples-files.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Runs the script; returns what it ended with, and its results."""
    place = tmp_path_factory.mktemp("others")
    out = place / "results.json"

    def run(*words):
        options = ["--folder", str(place), "--out", str(out), "--jobs", "1", *words]
        done = subprocess.run(
            [sys.executable, str(SCRIPT), *options],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        return done, json.loads(out.read_text()) if out.exists() else {"rows": {}}

    return run


def test_a_file_of_somebody_else_is_tried_in_both_engines(run):
    done, results = run("--only", "pybullet_cube_small")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("pybullet_cube_small: done (")
    row = results["rows"]["pybullet_cube_small"]
    assert row["mass_kg"] == 0.1 and row["volume_m3"] == pytest.approx(125e-6)
    assert row["grasps"]["found"] == 3
    assert row["grasps"]["held"]["pybullet"] == 3


def test_a_refusal_is_in_the_words_of_the_product(run):
    done, results = run("--only", "pybullet_pr2_gripper")
    assert done.returncode == 0, done.stderr
    words = "joint 'left_gripper_joint' is revolute: expected a rigid object"
    assert words in results["rows"]["pybullet_pr2_gripper"]["error"]
    assert words in PAGE


def test_the_page_has_a_row_for_each_file(run):
    done, _ = run("--only", "nothing_like_it")
    named = re.search(r"expected some of (.+), got nothing_like_it", done.stderr)[1].split(", ")
    assert done.returncode == 2 and len(named) > 60
    rows = re.findall(r"^\| `(.+?)` \|", PAGE, re.MULTILINE)
    robots = [name for name in named if (ROOT / f"benchmarks/other_robots/{name}.yaml").is_file()]
    assert set(robots) <= set(rows)
    assert len(rows) == len(named) - 1  # the procedural objects share a table of their own
    assert "Not run" not in PAGE
