"""Finds files: our configuration, models of other packages, and the cache."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from dr_grasp.common.atomic import sync
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


def cache_directory() -> Path:
    """The folder for prepared models: $DR_GRASP_CACHE, or dr_grasp in the user's cache folder."""
    named = os.environ.get("DR_GRASP_CACHE")
    if named:
        return Path(named).absolute()  # files that are read from other folders contain this path
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / PACKAGE


def cached_folder(kind: str, parts: Iterable[bytes], build: Callable[[Path], object]) -> Path:
    """Find a cached folder of derived files; fill it first if there is none for this content.

    Several processes may build the same folder: each fills a scratch folder, and the first that is
    full gets the final name. All its files are on disk before it has that name.

    Args:
        kind: Folder below the cache.
        parts: The content that the derived files depend on.
        build: Called with an empty folder, to fill it, if there is none for this content.
    """
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    final = cache_directory() / kind / digest.hexdigest()[:24]
    if final.is_dir():
        return final
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".building-", dir=final.parent))
    except OSError as error:
        raise ModelError(
            f"{final.parent}: the cache cannot be written: {error.strerror}; name another place in "
            "DR_GRASP_CACHE"
        ) from error
    try:
        build(scratch)
        scratch.chmod(0o755)
        for path in (*scratch.rglob("*"), scratch):
            sync(path)
        try:
            scratch.rename(final)
        except OSError:
            if not final.is_dir():
                raise
        sync(final.parent)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return final
