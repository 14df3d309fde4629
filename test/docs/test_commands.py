"""Each command that a page names is understood, also where it is not run."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from dr_grasp.bringup.arguments import BringupArguments, ReplayArguments, ScorerArguments
from dr_grasp.cli.main import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))]
TYPED = re.compile(r"^ *(?:\$ |.venv/bin/)?((?:dr-grasp|ros2 launch dr_grasp) .+)$", re.MULTILINE)
LAUNCH_FILES = {
    "bringup.launch.py": BringupArguments,
    "replay.launch.py": ReplayArguments,
    "scorer.launch.py": ScorerArguments,
}
VERBS = typer.main.get_command(app).commands


def typed(program):
    """The lines of all pages that begin with a program, each with the page's name."""
    return [
        pytest.param(line, id=f"{page.stem}: {line[:60]}")
        for page in PAGES
        for line in dict.fromkeys(TYPED.findall(page.read_text("utf-8").replace("\\\n", " ")))
        if line.startswith(program)
    ]


def words(line):
    """What a shell hands to the program."""
    return shlex.split(re.split(r"\s(?:#|&|>|<|\|)", line)[0])


@pytest.mark.parametrize("line", typed("dr-grasp"))
def test_a_command_is_understood(line):
    verb, *rest = words(line)[1:]
    command = VERBS[verb]
    if rest and rest[0] in getattr(command, "commands", {}):
        verb, *rest = rest
        command = command.commands[verb]
    # Parsed as if typed, but not run; an unknown option or a missing argument raises.
    command.make_context(verb, rest)


@pytest.mark.parametrize("line", typed("ros2 launch"))
def test_launch_arguments_are_there(line):
    file, *arguments = words(line)[3:]
    names = {argument.partition(":=")[0] for argument in arguments if ":=" in argument}
    assert names <= set(LAUNCH_FILES[file].model_fields)


def test_every_verb_and_launch_file_is_shown_somewhere():
    assert {words(shown.values[0])[1] for shown in typed("dr-grasp")} == set(VERBS)
    assert {words(shown.values[0])[3] for shown in typed("ros2 launch")} == set(LAUNCH_FILES)
