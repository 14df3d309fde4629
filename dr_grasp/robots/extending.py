"""Robot files that say only what differs from another: `extends`."""

from __future__ import annotations

from functools import reduce
from pathlib import Path

from dr_grasp.common import resources
from dr_grasp.common.resources import config_file
from dr_grasp.common.settings import merged, read_yaml
from dr_grasp.errors import SettingsError


def read_extended(path: Path) -> object:
    """The content of a robot's file, merged over that of the file that it extends, and so on.

    A user's file that extends a robot of its own name extends the built-in robot of that name.

    Raises:
        UnknownNameError: The robot to extend does not exist.
        SettingsError: A file cannot be read, or extends itself, directly or through others.
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
    """The file of the robot that the file at `path` extends."""
    if name != path.stem:
        return config_file("robots", name, "robot")
    built_in = resources.share_directory() / "config" / "robots" / path.name
    if not built_in.is_file() or built_in.samefile(path):
        raise SettingsError(f"{path}: extends: expected another robot, got {name}")
    return built_in
