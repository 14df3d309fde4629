"""Fingerprints of the models that a score or an attempt was made with, and the kind of processor.

A result that cannot be repeated later was often made with another model of the same name: a mesh
was repaired, a profile edited. On another kind of processor, mathematical libraries round in
another way.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from dr_grasp.provenance.fingerprint import fingerprint

ROBOT, OBJECT, PROFILE, TWIN, PROCESSOR = "robot", "object", "profile", "twin", "processor"

VECTOR_UNITS = ("fma", "avx2", "avx512f")
"""Processor flags by which libm, NumPy and MuJoCo choose between variants of a function."""


def models_of(**made_of: Any) -> Mapping[str, str]:
    """Compute the fingerprints of models, and name the kind of processor.

    Args:
        made_of: Robots, objects and profiles by kind ("robot", "object", "profile", "twin").
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
