"""What the README says can be typed, can be typed; what it says is there, is there."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from dr_grasp.cli.main import app
from dr_grasp.common.resources import config_names
from dr_grasp.robots.robot_spec import robot_names
from dr_grasp.transfer.export import COLUMNS

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    (?:\$ )?dr-grasp (\w.+)$", README, re.MULTILINE)


def test_there_are_commands():
    assert {line.split()[0] for line in COMMANDS} == {
        "generate",
        "import",
        "score",
        "execute",
        "replay",
        "dataset",
        "report",
        "calibrate",
        "diagnose",
        "demo",
        "robots",
        "objects",
    }


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_is_understood(line):
    verb, *words = shlex.split(line)
    command = typer.main.get_command(app).commands[verb]
    if words and words[0] in getattr(command, "commands", {}):
        verb, *words = words
        command = command.commands[verb]
    # Parsed as if typed, but not run; an unknown option or a missing argument raises.
    command.make_context(verb, words)


def test_make_knows_its_targets():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"`?make (\w+)", README)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_named_folders_and_pictures_are_there():
    folders = re.findall(r"`([\w/]+/)`", README.partition("## Layout")[2])
    assert len(folders) > 8
    for folder in folders:
        assert (ROOT / folder).is_dir() or (ROOT / "dr_grasp" / folder).is_dir(), folder
    for picture in re.findall(r"!\[.*?\]\((.+?)\)", README):
        assert (ROOT / picture).stat().st_size > 10_000


def test_contributing_names_every_room_and_only_files_that_are_there():
    rooms = CONTRIBUTING.partition("## The rooms")[2].partition("## How to add")[0]
    named = {name for name in re.findall(r"`(\w+)/`", rooms) if name != "bullet"}
    package = ROOT / "dr_grasp"
    assert named == {path.parent.name for path in package.glob("*/__init__.py")}
    files = {*re.findall(r"`([\w/]+\.(?:py|toml|xml))\b", CONTRIBUTING)}
    assert len(files) > 10
    for file in files:
        assert (ROOT / file).is_file() or (package / file).is_file(), file


def test_named_profiles_and_robots_are_there():
    assert "`default` and `huber2023`" in README
    assert {"default", "huber2023"} <= set(config_names("profiles"))
    assert re.findall(r"--robot (\w+)", README)
    assert set(re.findall(r"--robot (\w+)", README)) <= set(robot_names())


def test_every_column_of_the_table_of_attempts_is_described():
    table = README.partition("| columns | what |")[2].partition("\n\n")[0]
    named = {name for name in re.findall(r"`(\w+)`", table) if name not in ("twin", "moveit")}
    columns = {column.name for column in COLUMNS}
    assert named <= columns
    # What is there for each criterion and each failure is described once.
    others = re.compile(r"(jsdr|fdr|mdr)(_\w+)?|predicted_\w+")
    assert {name for name in columns - named if not others.fullmatch(name)} == set()
