"""Finds files: our configuration, and models of other packages."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote

from dr_grasp.errors import ModelError, SettingsError, UnknownNameError

PACKAGE = "dr_grasp"

PREFIX_PATHS = ("AMENT_PREFIX_PATH", "CMAKE_PREFIX_PATH")
"""Environment variables that list where packages are installed, in share/<package>."""

PACKAGE_PATHS = ("ROS_PACKAGE_PATH", "GZ_SIM_RESOURCE_PATH", "GAZEBO_MODEL_PATH")
"""Environment variables that list packages, folders of packages, and folders of repositories."""

PARENTS_TO_SEARCH = 7
"""Folders that are looked through for a package that is not installed, upwards from a URDF. A
workspace's src/<repository>/<stack>/<package>/urdf/<robot>/<variant> are as many."""

LARGEST_NAME_CHARACTERS = 10_000
"""Characters of a package.xml that are read for the package's name; it stands at the top."""

_PACKAGE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_NAME_TAG = re.compile(r"<name>\s*([^<\s]+)\s*</name>")

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
    """Turn an address in a YAML file or a URDF, or a path, into an existing file.

    A package:// or model:// address is looked for among installed packages, in the folders that
    `PACKAGE_PATHS` name, and from `relative_to` upwards, where a cloned description has its meshes.

    Args:
        uri: A path, or an address that begins with package://, model://, pybullet_data:// or
            file://; backslashes, as programs on Windows write them, count as slashes.
        relative_to: Folder that a relative path starts from; None for the current folder.

    Raises:
        ModelError: There is no such file, or it is empty.
    """
    with_slashes = uri.replace("\\", "/")
    scheme, separator, rest = with_slashes.partition("://")
    folder = relative_to or Path.cwd()
    tried: Iterable[Path]
    if not separator:
        tried = [folder / uri, folder / with_slashes]
    elif scheme == "file":
        tried = [folder / rest, folder / unquote(rest)]
    elif scheme == "pybullet_data":
        tried = [data / rest for data in _package_folders("pybullet_data")]
    elif scheme in ("package", "model"):
        tried = _in_packages(rest, relative_to)
    else:
        raise ModelError(
            f"{uri}: expected a path or package://, model://, pybullet_data:// or file://, "
            f"got {scheme}://"
        )
    for path in tried:
        if path.is_file():
            if path.stat().st_size == 0:
                raise ModelError(f"{path}: expected a model, got an empty file")
            return path
    if scheme not in ("package", "model"):
        raise ModelError(f"{uri}: file not found")
    found = package_folder(rest.partition("/")[0], relative_to, f"{uri}: file not found: ")
    raise ModelError(f"{uri}: file not found in {found}")


def package_folder(package: str, near: Path | None = None, where: str = "") -> Path:
    """The folder of a ROS package, looked for where `resolve_uri` looks for its files.

    Args:
        package: Name of the package.
        near: Folder to look from upwards; None to look among installed packages only.
        where: What the message begins with.

    Raises:
        ModelError: There is no such folder.
    """
    for folder in _folders_of(package, near):
        if folder.is_dir():
            return folder
    variables = ", ".join(
        name if os.environ.get(name) else f"{name} (not set)"
        for name in (*PREFIX_PATHS, *PACKAGE_PATHS[:1])
    )
    upwards = "" if near is None else f" and from {near.resolve()} upwards"
    raise ModelError(
        f"{where}package {package} not found in {variables}{upwards}; source the setup.bash of the "
        "workspace that has it, or name the folder that holds it in ROS_PACKAGE_PATH"
    )


def _in_packages(address: str, near: Path | None) -> Iterator[Path]:
    """Where a file of a package may be; `address` begins with the package's name."""
    package, _, inside = address.partition("/")
    for folder in _folders_of(package, near):
        yield folder / inside
    for parent in _upwards(near):  # a clone under another name, without its package.xml
        yield parent / inside


def _folders_of(package: str, near: Path | None) -> Iterator[Path]:
    """Where a package may be, the first choice first; the folders need not exist."""
    if package == PACKAGE:
        yield share_directory()
    for prefix in _prefixes():
        yield prefix / "share" / package
    if not _PACKAGE_NAME.fullmatch(package):
        return  # else ".." and patterns would be searched for
    for root in (*_entries(PACKAGE_PATHS), *_upwards(near)):
        if root.name == package or _package_named_by(root) == package:
            yield root
        yield root / package
        with suppress(OSError):  # a folder that we may not read
            yield from sorted(root.glob(f"*/{package}"))  # in another repository of a workspace
            for child in sorted(path.parent for path in root.glob("*/package.xml")):
                if _package_named_by(child) == package:
                    yield child


def _upwards(near: Path | None) -> list[Path]:
    if near is None:
        return []
    folder = near.resolve()
    return [folder, *folder.parents][:PARENTS_TO_SEARCH]


def _package_named_by(folder: Path) -> str:
    """The name that a folder's package.xml gives its package; empty if it has none."""
    try:
        with (folder / "package.xml").open(encoding="utf-8", errors="replace") as file:
            found = _NAME_TAG.search(file.read(LARGEST_NAME_CHARACTERS))
    except OSError:
        return ""
    return found[1] if found else ""


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
    yield from _entries(PREFIX_PATHS)
    yield Path(sys.prefix)
    # Robot descriptions on PyPI live in the prefix of cmeel, the packager of the Pinocchio family.
    for folder in sys.path:
        prefix = Path(folder) / "cmeel.prefix"
        if prefix.is_dir():
            yield prefix


def _entries(variables: Iterable[str]) -> Iterator[Path]:
    """The folders that environment variables list."""
    for variable in variables:
        for entry in os.environ.get(variable, "").split(os.pathsep):
            if entry:
                yield Path(entry)


def _package_folders(name: str) -> list[Path]:
    spec = importlib.util.find_spec(name)
    return [Path(folder) for folder in (spec.submodule_search_locations or [])] if spec else []
