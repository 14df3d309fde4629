"""What docs/security.md tells a user to type can be typed."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from dr_grasp.bringup.arguments import BringupArguments
from dr_grasp.bringup.security import environment
from dr_grasp.cli.main import app

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^ *```bash\n(.*?)^ *```", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = [shlex.split(line) for block in BLOCKS for line in block.splitlines()]


@pytest.mark.parametrize("words", [words for words in COMMANDS if words[0] == "dr-grasp"])
def test_our_commands_are_understood(words):
    _, verb, *options = words
    typer.main.get_command(app).commands[verb].make_context(verb, options)


@pytest.mark.parametrize("words", [words for words in COMMANDS if words[:2] == ["ros2", "launch"]])
def test_launch_files_and_their_arguments_are_ours(words):
    package, file, *typed = words[2:]
    assert package == "dr_grasp" and (ROOT / "launch" / file).is_file()
    assert {word.split(":=")[0] for word in typed} <= BringupArguments.model_fields.keys()


def test_the_environment_is_that_of_our_launch_file():
    exported = dict(words[1].split("=") for words in COMMANDS if words[0] == "export")
    assert exported.pop("ROS_DOMAIN_ID")
    keystore = Path(exported["ROS_SECURITY_KEYSTORE"])
    assert exported == environment(keystore, exported["ROS_SECURITY_ENCLAVE_OVERRIDE"])


def test_all_kinds_of_commands_were_found():
    assert {words[0] for words in COMMANDS} == {"sudo", "umask", "export", "dr-grasp", "ros2"}
