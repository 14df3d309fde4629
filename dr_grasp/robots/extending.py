"""Robot files that say only what differs from another: `extends`."""

from __future__ import annotations

from functools import reduce
from pathlib import Path

from dr_grasp.common import resources
from dr_grasp.common.resources import config_file
from dr_grasp.common.settings import merged, read_yaml
from dr_grasp.errors import SettingsError


def read_extended(path: Path) -> object:
    """The content of a robot's file, on top of that of the one that it extends, and so on.

    A file that extends its own name means the next one of that name: the user's means ours.

    Raises:
        UnknownNameError: There is no such robot to extend.
        SettingsError: A file cannot be read, or extends itself, be it by way of others.
    """
    chain, contents = [path], []
    while True:
        content = read_yaml(chain[-1])
        contents.append(content)
        if not isinstance(content, dict) or "extends" not in content:
            return reduce(merged, reversed(contents))
        base = _base(chain[-1], str(content.pop("extends")))
        chain.append(base)
        if base in chain[:-1]:
            names = " -> ".join(file.stem for file in chain)
            raise SettingsError(f"{path}: extends: expected a chain that ends, got {names}")


def _base(path: Path, name: str) -> Path:
    """The file that another one extends by name."""
    if name != path.stem:
        return config_file("robots", name, "robot")
    ours = resources.share_directory() / "config" / "robots" / path.name
    if not ours.is_file() or ours.samefile(path):
        raise SettingsError(f"{path}: extends: expected another robot, got {name}")
    return ours
