"""What the README, the tutorials and the concepts say can be typed, is typed here, page by page."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dr_grasp.common.cache import cache_directory

ROOT = Path(__file__).resolve().parents[2]
RUNNER = ROOT / "docs/run_page.py"
# Installs packages of the system: its workflow runs it, in a container of its own.
ROBOT_PC = ROOT / "docs/tutorials/robot_pc.md"
PAGES = [
    ROOT / "README.md",
    *sorted(set((ROOT / "docs/tutorials").glob("*.md")) - {ROBOT_PC}),
    *sorted((ROOT / "docs/concepts").glob("*.md")),
]


def pages(pattern):
    having = re.compile(pattern, re.MULTILINE)
    return [page for page in PAGES if having.search(page.read_text(encoding="utf-8"))]


def name(page):
    return str(page.relative_to(ROOT))


@pytest.fixture
def reader(tmp_path):
    """Variables of a reader with a new home, a terminal of 100 columns, and our programs."""
    (tmp_path / "home").mkdir()
    ours = {name: value for name, value in os.environ.items() if name != "DR_GRASP_CONFIG"}
    return ours | {
        "HOME": str(tmp_path / "home"),
        "DR_GRASP_CACHE": str(cache_directory()),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "COLUMNS": "100",
    }


def run(page, folder, reader, *options):
    command = [sys.executable, RUNNER, page, "--folder", folder, *options]
    done = subprocess.run(command, env=reader, capture_output=True, text=True, timeout=3000)
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    assert "-- line" in done.stdout  # of a block that was run


def test_the_page_of_the_robot_pc_is_run_by_its_workflow():
    workflow = (ROOT / ".github/workflows/robot_pc.yml").read_text(encoding="utf-8")
    assert f"docs/run_page.py ~/ws/src/dr_grasp/{name(ROBOT_PC)}\n" in workflow


# Where each block has a comment, as on the page of a real arm, nothing can be run here.
@pytest.mark.parametrize("page", pages(r"(?<! -->\n)^ *```(sh|console|python)"), ids=name)
def test_a_page_runs(page, tmp_path, reader):
    run(page, tmp_path / "folder", reader)


@pytest.mark.soak
@pytest.mark.parametrize("page", pages("^<!-- slow: "), ids=name)
def test_all_of_a_page_runs(page, tmp_path, reader):
    if not re.search("^make ", page.read_text(encoding="utf-8"), re.MULTILINE):
        run(page, tmp_path / "folder", reader, "--slow")
        return
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", ROOT, clone], check=True)
    # Of our own set-up nothing is on the path: the page makes its own.
    others = [folder for folder in reader["PATH"].split(":") if str(ROOT) not in folder]
    reader["PATH"] = ":".join([str(clone / ".venv/bin"), *others])
    run(clone / page.relative_to(ROOT), clone, reader, "--slow")
