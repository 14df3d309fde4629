"""Keeps derived files in folders of a cache; each is checked when a process first uses it."""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dr_grasp.common.atomic import sync
from dr_grasp.common.resources import PACKAGE
from dr_grasp.errors import ModelError

_LOGGER = logging.getLogger(__name__)

MANIFEST = "manifest.json"
"""File of a cached folder with the SHA-256 of each of its other files."""

_LAYOUT = b"with a manifest"
"""Part of all folders' names, so that those of versions without manifests are not met."""

LONGEST_BUILD_S = 86_400.0
"""Scratch folders older than this are leftovers [s]; building a folder takes minutes at most."""

_SCRATCH = ".building-"

_checked: set[Path] = set()
"""Folders that this process has checked or made."""


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
    full gets the final name. All its files are on disk before it has that name. A folder that is
    found damaged is mended file by file, with a warning: others may be reading from it.

    Args:
        kind: Folder below the cache.
        parts: The content that the derived files depend on.
        build: Called with an empty folder, to fill it, if there is none for this content.

    Raises:
        ModelError: The cache cannot be read or written.
    """
    digest = hashlib.sha256()
    for part in (_LAYOUT, *parts):
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    final = cache_directory() / kind / digest.hexdigest()[:24]
    with _readable_errors(final):
        if not final.is_dir():
            _make(final, build)
        elif final not in _checked and _problem(final):
            _mend(final, build)
    _checked.add(final)
    return final


def _make(final: Path, build: Callable[[Path], object]) -> None:
    final.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(final.parent)
    with _built(final, build) as scratch:
        try:
            scratch.rename(final)
        except OSError:
            if not final.is_dir():
                raise
    sync(final.parent)


def _mend(final: Path, build: Callable[[Path], object]) -> None:
    """Replace what is damaged; no file that should be there is ever missing to a reader."""
    with _locked(final.parent):
        problem = _problem(final)
        if not problem:  # another process has mended it
            return
        _LOGGER.warning("%s: damaged: %s; it is made again", final, problem)
        with _built(final, build) as scratch:
            good = _files(scratch)
            for path in _files(final) - good:
                (final / path).unlink()
            for path in sorted(good, key=lambda path: path == Path(MANIFEST)):
                (final / path).parent.mkdir(parents=True, exist_ok=True)
                (scratch / path).replace(final / path)
        _sync_all(final)


def _remove_leftovers(folder: Path) -> None:
    """Remove the scratch folders of builds that were killed long ago."""
    for scratch in folder.glob(f"{_SCRATCH}*"):
        with suppress(OSError):
            if time.time() - scratch.stat().st_mtime > LONGEST_BUILD_S:
                shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def _built(final: Path, build: Callable[[Path], object]) -> Iterator[Path]:
    """Fill a scratch folder; it is removed at the end of the block, if it is still there."""
    scratch = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=final.parent))
    try:
        build(scratch)
        scratch.chmod(0o755)
        (scratch / MANIFEST).write_text(json.dumps(_digests(scratch), indent=1), encoding="utf-8")
        _sync_all(scratch)
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _sync_all(folder: Path) -> None:
    for path in (*folder.rglob("*"), folder):
        sync(path)


def _problem(folder: Path) -> str:
    """What is wrong with a cached folder, in a few words; empty if it is as it was made."""
    try:
        stated = json.loads((folder / MANIFEST).read_bytes())
        found = _digests(folder)
    except OSError as error:
        return f"{error.filename}: {error.strerror}"
    except ValueError:
        stated, found = None, None
    if not isinstance(stated, dict) or found is None:
        return f"{MANIFEST} is not whole"
    unlike = [name for name in {**stated, **found} if stated.get(name) != found.get(name)]
    return f"{', '.join(unlike[:3])}: expected other content" if unlike else ""


def _files(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*") if not path.is_dir()}


def _digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file but the manifest, by its name."""
    return {
        path.as_posix(): hashlib.sha256((folder / path).read_bytes()).hexdigest()
        for path in sorted(_files(folder) - {Path(MANIFEST)})
    }


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let only one process at a time mend what is in a folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _readable_errors(final: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.filename is not None:
            named = Path(os.fsdecode(error.filename))
            if not named.is_relative_to(cache_directory()):
                raise  # a file that is read, to build
        raise ModelError(
            f"{final}: the cache cannot be written: {error.strerror}; name another place in "
            "DR_GRASP_CACHE"
        ) from error
