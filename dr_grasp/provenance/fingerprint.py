"""What a score or an attempt was made of: fingerprints of models, and the kind of processor.

A name may come to mean another thing: a mesh is repaired, a profile edited. A result that cannot be
repeated later was often made of something else of the same name. On another kind of processor,
mathematical libraries round in another way.
"""

from __future__ import annotations

import hashlib
import platform
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from dr_grasp.core.metadata import IGNORED, IGNORED_AT_DEFAULT
from dr_grasp.core.trajectory import GraspTrajectory

LENGTH = 16
"""Number of hexadecimal digits of a fingerprint: 64 bits tell any number of models apart."""

ROBOT, OBJECT, PROFILE, TWIN, PROCESSOR = "robot", "object", "profile", "twin", "processor"
ENGINE, GPU, OTHER_ENGINE, TWIN_ENGINE = "engine", "gpu", "other_engine", "twin_engine"

VECTOR_UNITS = ("fma", "avx2", "avx512f")
"""Processor flags by which libm, NumPy and MuJoCo choose between variants of a function."""

_FOLDER = re.compile(rb'(filename=")[^"]*/')


def fingerprint(value: Any) -> str:
    """Compute a digest of a value that is the same for the same content, on any machine.

    Args:
        value: Plain data, arrays, enumerations, dataclasses of these without their `IGNORED` fields
            and without `IGNORED_AT_DEFAULT` fields at their default. A path counts by the content
            of its file. Meshes that a URDF names count by their file names, which identify their
            content.

    Raises:
        TypeError: The value holds something else.
        OSError: A file cannot be read.
    """
    digest = hashlib.sha256()
    for part in _parts(value):
        digest.update(part)
        digest.update(b"\0")
    return digest.hexdigest()[:LENGTH]


def grasp_fingerprint(grasp: GraspTrajectory) -> str:
    """Fingerprint of a grasp's motion: the id and the provenance of the grasp do not affect it."""
    return fingerprint(replace(grasp, id="any", provenance={}))


def models_of(**made_of: Any) -> Mapping[str, str]:
    """Compute the fingerprints of models, and name the kind of processor.

    Args:
        made_of: What results are made of, by kind ("robot", "object", "profile", "twin", and
            "engine" or "twin_engine" for an engine's settings).
    """
    found = {kind: _fingerprint(value) for kind, value in made_of.items()}
    return {**found, PROCESSOR: processor()}


@lru_cache(maxsize=1)
def processor() -> str:
    """The kind of this machine's processor, as far as results may depend on it."""
    flags: set[str] = set()
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("flags"):
                flags.update(line.partition(":")[2].split())
                break
    except OSError:  # not Linux
        pass
    return " ".join([platform.machine(), *(unit for unit in VECTOR_UNITS if unit in flags)])


def _fingerprint(value: Any) -> str:
    try:
        return _fingerprint_once(value)
    except TypeError:  # the value cannot be hashed, so its fingerprint is not cached
        return fingerprint(value)


@lru_cache(maxsize=64)
def _fingerprint_once(value: Any) -> str:
    return fingerprint(value)


def _parts(value: Any) -> Iterator[bytes]:
    if value is None or isinstance(value, bool | int | float | str):
        yield repr(value).encode()
    elif isinstance(value, Enum):
        yield value.name.encode()
    elif isinstance(value, np.ndarray):
        yield f"{value.dtype.str}{value.shape}".encode()
        yield value.tobytes()
    elif isinstance(value, Path):
        status = value.stat()
        yield _content(value, status.st_ino, status.st_mtime_ns, status.st_size)
    elif isinstance(value, Mapping):
        yield from _sorted(value.items())
    elif isinstance(value, frozenset | set):
        yield from _sorted(value)
    elif isinstance(value, tuple | list):
        yield str(len(value)).encode()
        for part in value:
            yield from _parts(part)
    elif is_dataclass(value):
        yield type(value).__name__.encode()
        for field in fields(value):
            content = getattr(value, field.name)
            if field.metadata.get(IGNORED):
                continue
            if field.metadata.get(IGNORED_AT_DEFAULT) and content == field.default:
                continue
            yield field.name.encode()
            yield from _parts(content)
    else:
        raise TypeError(f"expected data, got {type(value).__name__}")


def _sorted(values: Any) -> Iterator[bytes]:
    yield from sorted(fingerprint(value).encode() for value in values)


@lru_cache(maxsize=1024)
def _content(path: Path, inode: int, time_ns: int, size: int) -> bytes:
    data = path.read_bytes()
    if path.suffix == ".urdf":
        data = _FOLDER.sub(rb"\1", data)
    return hashlib.sha256(data).digest()
