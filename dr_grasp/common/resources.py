"""Finds files: our configuration, and models of other packages."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from dr_grasp.errors import ModelError, SettingsError, UnknownNameError

PACKAGE = "dr_grasp"

_SOURCE = Path(__file__).resolve().parents[2]


def share_directory() -> Path:
    """The folder that holds config/ and urdf/: a source checkout or an installed share folder.

    Raises:
        SettingsError: The package was installed without its data files.
    """
    return _find_folder(_SOURCE, PACKAGE, "config/robots")


def user_directory() -> Path:
    """The folder of the user's own robots/, objects/, profiles/ and twin/; it need not exist.

    It is $DR_GRASP_CONFIG if that is set, or dr_grasp in the user's configuration folder.
    """
    named = os.environ.get("DR_GRASP_CONFIG")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / PACKAGE


def config_names(kind: str) -> list[str]:
    """Names of the YAML files in config/<kind>, built-in ones and the user's own, sorted."""
    return sorted({stem for folder in _config_folders(kind) for stem in _stems(folder)})


def config_file(kind: str, name: str, what: str) -> Path:
    """Find config/<kind>/<name>.yaml; a user's file replaces a built-in file of the same name.

    Args:
        kind: Folder below config/.
        name: Name of the file without its ending.
        what: What the error message calls such a file, for example "object".

    Raises:
        UnknownNameError: There is no such file.
    """
    for folder in _config_folders(kind):
        if name in _stems(folder):
            return folder / f"{name}.yaml"
    raise UnknownNameError(what, name, config_names(kind))


def built_in_files(kind: str) -> list[Path]:
    """The YAML files in config/<kind> that come with this package, sorted."""
    return sorted((share_directory() / "config" / kind).glob("*.yaml"))


def own_names(kind: str) -> list[str]:
    """Names of the YAML files in the folder <kind> of `user_directory`, sorted."""
    return sorted(_stems(user_directory() / kind))


def _config_folders(kind: str) -> tuple[Path, Path]:
    return user_directory() / kind, share_directory() / "config" / kind


def _stems(folder: Path) -> set[str]:
    return {path.stem for path in folder.glob("*.yaml")}


def resolve_uri(uri: str, relative_to: Path | None = None) -> Path:
    """Turn package://, pybullet_data:// and file:// addresses, or a path, into an existing file.

    Args:
        uri: The address.
        relative_to: Folder that a relative path starts from; None for the current folder.

    Raises:
        ModelError: There is no such file, or it is empty.
    """
    scheme, separator, rest = uri.partition("://")
    if not separator:
        tried = [(relative_to or Path.cwd()) / uri]
    elif scheme == "file":
        tried = [Path(rest)]
    elif scheme == "pybullet_data":
        tried = [folder / rest for folder in _package_folders("pybullet_data")]
    elif scheme == "package":
        tried = [prefix / "share" / rest for prefix in _prefixes()]
        package, _, inside = rest.partition("/")
        if package == PACKAGE:
            tried.insert(0, share_directory() / inside)
    else:
        raise ModelError(
            f"{uri}: expected a path or package://, pybullet_data:// or file://, got {scheme}://"
        )
    for path in tried:
        if path.is_file():
            if path.stat().st_size == 0:
                raise ModelError(f"{path}: expected a model, got an empty file")
            return path
    raise ModelError(f"{uri}: file not found")


def find_share(package: str, holds: str) -> Path:
    """The share folder of a ROS package of this project, in a source checkout or as installed.

    Args:
        package: Name of the package.
        holds: Path of a file that the folder must hold, relative to the folder.

    Raises:
        SettingsError: There is no such folder.
    """
    return _find_folder(_SOURCE / package, package, holds)


def _find_folder(source: Path, package: str, holds: str) -> Path:
    candidates = [source, *(prefix / "share" / package for prefix in _prefixes())]
    for candidate in candidates:
        if (candidate / holds).exists():
            return candidate
    raise SettingsError(
        f"{package}: {holds} not found in any of {', '.join(map(str, candidates))}; "
        f"is {package} installed, or its setup.bash sourced?"
    )


def _prefixes() -> Iterator[Path]:
    for variable in ("AMENT_PREFIX_PATH", "CMAKE_PREFIX_PATH"):
        for entry in os.environ.get(variable, "").split(os.pathsep):
            if entry:
                yield Path(entry)
    yield Path(sys.prefix)
    # Robot descriptions on PyPI live in the prefix of cmeel, the packager of the Pinocchio family.
    for folder in sys.path:
        prefix = Path(folder) / "cmeel.prefix"
        if prefix.is_dir():
            yield prefix


def _package_folders(name: str) -> list[Path]:
    spec = importlib.util.find_spec(name)
    return [Path(folder) for folder in (spec.submodule_search_locations or [])] if spec else []
