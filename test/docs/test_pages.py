"""What the README and the pages say can be typed, is typed here, page by page."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from dr_grasp.bringup.arguments import BringupArguments, ReplayArguments, ScorerArguments
from dr_grasp.cli.main import app
from dr_grasp.common.cache import cache_directory

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs/tutorials").glob("*.md")),
    *sorted((ROOT / "docs/concepts").glob("*.md")),
]
RUN = [page for page in PAGES if page.parent.name in ("tutorials", "concepts", ROOT.name)]
FENCES = re.compile(r"^ *```(?:sh|console|python)", re.MULTILINE)
SLOW = re.compile(r"^<!-- slow: .+ -->$", re.MULTILINE)
COMMANDS = [
    pytest.param(line, id=f"{page.stem}: {line[:60]}")
    for page in PAGES
    for line in sorted(set(re.findall(r"^ *(?:\$ )?(dr-grasp .+|ros2 launch .+)$",
                                      page.read_text(encoding="utf-8").replace("\\\n", " "),
                                      re.MULTILINE)))
]  # fmt: skip
LAUNCH_FILES = {
    "bringup.launch.py": BringupArguments,
    "replay.launch.py": ReplayArguments,
    "scorer.launch.py": ScorerArguments,
}


def name(page):
    return str(page.relative_to(ROOT))


def environment(tmp_path):
    """That of a reader with a home of its own, a terminal of 100 columns, and our programs."""
    return os.environ | {
        "HOME": str(tmp_path / "home"),
        "DR_GRASP_CACHE": str(cache_directory()),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "COLUMNS": "100",
    }


def run_page(page, folder, environment, *options):
    runner = ROOT / "docs/run_page.py"
    command = [sys.executable, runner, page, "--folder", folder, *options]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=1800, check=False
    )
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"


@pytest.mark.parametrize(
    "page", [p for p in RUN if FENCES.search(p.read_text(encoding="utf-8"))], ids=name
)
def test_a_page_runs(page, tmp_path):
    (tmp_path / "home").mkdir()
    run_page(page, tmp_path / "folder", environment(tmp_path))


@pytest.mark.soak
@pytest.mark.parametrize(
    "page", [p for p in RUN if SLOW.search(p.read_text(encoding="utf-8"))], ids=name
)
def test_a_page_runs_whole_in_a_fresh_clone(page, tmp_path):
    (tmp_path / "home").mkdir()
    subprocess.run(["git", "clone", "-q", ROOT, tmp_path / "clone"], check=True)
    clean = environment(tmp_path) | {"PATH": os.defpath + ":/usr/local/bin"}
    python = Path(sys.executable).resolve().parent
    clean["PATH"] = f"{tmp_path}/clone/.venv/bin:{python}:{clean['PATH']}"
    run_page(tmp_path / "clone" / page.relative_to(ROOT), tmp_path / "clone", clean, "--slow")


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_is_understood(line):
    line = re.sub(r"\s(#|&|>|\|\|).*", "", line)
    words = shlex.split(line)
    if words[0] == "ros2":
        assert words[2] == "dr_grasp"
        arguments = dict(word.split(":=") for word in words[4:] if ":=" in word)
        assert set(arguments) <= set(LAUNCH_FILES[words[3]].model_fields)
        return
    verb, *words = words[1:]
    command = typer.main.get_command(app).commands[verb]
    if words and words[0] in getattr(command, "commands", {}):
        verb, *words = words
        command = command.commands[verb]
    # Parsed as if typed, but not run; an unknown option or a missing argument raises.
    command.make_context(verb, words)


def test_there_are_commands_of_every_verb():
    verbs = {parameter.values[0].split()[1] for parameter in COMMANDS}
    assert verbs >= set(typer.main.get_command(app).commands) - {"dr-grasp"}


def test_bash_is_there():
    assert shutil.which("bash")
