"""Our texts of others' messages are those of the packages that are installed.

Of a ROS installation that is a check of our texts; of what `make test` builds, one of the build.
"""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

try:
    import tomllib
except ImportError:  # Python 3.10
    import tomli as tomllib

HERE = Path(__file__).parent
INTERFACES = HERE.parents[1] / "dr_grasp_interfaces"
DEFINITIONS = sorted(path.relative_to(HERE) for path in HERE.glob("*_msgs/*/*"))


def lines(text):
    """Fields, defaults and constants in their order, without comments and spaces for looks."""
    bare = (re.sub(r"\s*=\s*", "=", line.partition("#")[0]).split() for line in text.splitlines())
    return [words for words in bare if words]


@pytest.mark.parametrize("definition", DEFINITIONS, ids=str)
def test_a_definition_is_that_of_the_installed_package(definition):
    package = definition.parts[0]
    spec = importlib.util.find_spec(package)
    if spec is None:
        pytest.skip(f"{package} is not installed")
    # lib/python3.x/site-packages/<package>/__init__.py, or dist-packages
    prefix = Path(spec.origin).parents[4]
    installed = (prefix / "share" / definition).read_text(encoding="utf-8")
    assert lines((HERE / definition).read_text(encoding="utf-8")) == lines(installed)


def test_texts_are_compared_word_by_word():
    assert lines("# why\nuint8 A = 1 # one\n\nfloat64 x   0.5\n---\n") == [
        ["uint8", "A=1"],
        ["float64", "x", "0.5"],
        ["---"],
    ]


def test_they_are_built_with_what_builds_our_own():
    ours, theirs = (
        set(tomllib.loads((folder / "pyproject.toml").read_text())["build-system"]["requires"])
        for folder in (INTERFACES, HERE)
    )
    assert {line.partition("==")[0] for line in ours ^ theirs} == {
        "ros-jazzy-diagnostic-msgs",
        "ros-jazzy-sensor-msgs",
        "ros-jazzy-shape-msgs",
        "ros-jazzy-std-msgs",
    }
