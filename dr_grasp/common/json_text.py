"""Reads JSON within bounds: the one reader for all JSON documents that we read."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any, NoReturn

import numpy as np

from dr_grasp.common.reading import one_line
from dr_grasp.errors import FileFormatError, quoted

DEEPEST_JSON = 100
"""Most levels of a JSON document. Our files have 6; Python's reader and our messages would fail at
about 1,000."""

_STEPS = np.zeros(256, dtype=np.int8)
_STEPS[[ord("["), ord("{")]] = 1
_STEPS[[ord("]"), ord("}")]] = -1

_NO_SIGNS = bytes(set(range(256)) - set(b'[]{}"'))
"""All bytes that say nothing about levels."""

_BLOCK_BYTES = 2**20
"""How much of a document is measured at once, to limit memory."""


def parse_json(text: str | bytes, *, finite: bool = False) -> Any:
    """Read a JSON document.

    Args:
        text: The document, in UTF-8.
        finite: Whether to refuse NaN and infinity; else a later check can name the field.

    Raises:
        FileFormatError: The text is no JSON, half-written, nested too deep, or has a key twice or a
            number that Python cannot read; the message does not name the file.
    """
    try:
        data = text.encode(errors="replace") if isinstance(text, str) else text
        if _levels(data) > DEEPEST_JSON:
            raise FileFormatError(f"expected at most {DEEPEST_JSON} levels, got more")
        return json.loads(
            text if isinstance(text, str) else text.decode(),
            object_pairs_hook=_without_loss,
            parse_constant=_refuse_constant if finite else None,
            parse_float=_finite if finite else None,
        )
    except (ValueError, RecursionError) as error:
        raise FileFormatError(
            f"expected a whole JSON document, got {one_line(error)} (half-written?)"
        ) from error


def _levels(data: bytes) -> int:
    """How deep a document is nested; brackets in strings do not count."""
    if b"\\" in data:  # without escaped quotes, each quote begins or ends a string
        data = data.replace(rb"\\", b"").replace(rb"\"", b"")
    signs = np.frombuffer(data.translate(None, delete=_NO_SIGNS), np.uint8)
    level = deepest = quotes = 0
    for start in range(0, len(signs), _BLOCK_BYTES):
        block = signs[start : start + _BLOCK_BYTES]
        before = quotes + np.cumsum(block == ord('"'), dtype=np.int32)
        levels = level + np.cumsum(_STEPS[block] * (before % 2 == 0), dtype=np.int32)
        quotes, level = int(before[-1]), int(levels[-1])
        deepest = max(deepest, int(levels.max()))
    return deepest


def _without_loss(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Python's reader keeps only the last of two equal keys, and would lose the first value.
    found = dict(pairs)
    if len(found) != len(pairs):
        ((twice, _),) = Counter(key for key, _ in pairs).most_common(1)
        key, value = pairs[0]
        raise FileFormatError(
            f"expected each key once, got {twice!r:.60} twice in the object that begins with "
            f"{key!r:.60}: {quoted(value)}"
        )
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise FileFormatError(f"expected finite numbers, got {name}")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise FileFormatError(f"expected finite numbers, got {text:.60}")
    return value
