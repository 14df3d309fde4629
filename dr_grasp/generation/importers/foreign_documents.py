"""Reads JSON and YAML of other programs completely, or refuses them with one line."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from dr_grasp.errors import FileFormatError

LARGEST_TEXT_BYTES = 256 * 1024**2
"""Largest text file that is read. A file of 2,000 grasps has about one megabyte."""

DEEPEST_YAML = 100
"""Most levels of a YAML file; the formats have 5. Thousands would crash PyYAML's loader in C."""


class ForeignRecord(BaseModel):
    """Base class for the schemas of foreign formats; keys that we do not read are ignored."""

    model_config = ConfigDict(extra="ignore")


def read_text(path: Path) -> str:
    """Read a text file.

    Raises:
        FileFormatError: The file is no text in UTF-8, or too large.
    """
    size = path.stat().st_size
    if size > LARGEST_TEXT_BYTES:
        raise FileFormatError(f"expected at most {LARGEST_TEXT_BYTES} bytes of text, got {size}")
    try:
        return path.read_text(encoding="utf-8-sig")  # spreadsheets write a byte order mark first
    except UnicodeDecodeError as error:
        raise FileFormatError("expected text in UTF-8, got other bytes") from error


def load_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        FileFormatError: The file is no JSON, half-written, or has a key twice.
    """
    text = read_text(path)
    try:
        return json.loads(text, object_pairs_hook=_without_loss)
    except (ValueError, RecursionError) as error:
        raise FileFormatError(
            f"expected a whole JSON document, got {one_line(error)} (half-written?)"
        ) from error


def load_yaml(path: Path) -> Any:
    """Read a YAML file.

    Raises:
        FileFormatError: The file is no YAML, half-written, nested too deep, or has a key twice.
    """
    text = read_text(path)
    try:
        _check_depth(text)
        return yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise FileFormatError(
            f"expected a whole YAML document, got {one_line(error)} (half-written?)"
        ) from error


def one_line(error: BaseException) -> str:
    """The message of an error, without its line breaks."""
    return " ".join(str(error).split())[:200]


def _without_loss(pairs: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    # Python's readers keep only the last of two equal keys, and would lose the first value.
    mapping: dict[Any, Any] = {}
    for key, value in pairs:
        if key in mapping:
            raise FileFormatError(f"expected each key once, got {key!r:.60} twice")
        mapping[key] = value
    return mapping


def _check_depth(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):  # parsing needs no recursion and little time
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST_YAML:
            raise FileFormatError(f"expected at most {DEEPEST_YAML} levels, got more")


# The loader in C, if PyYAML was built with it, is ten times as fast.
class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """A safe loader that refuses a key given twice."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        """Check the keys, then construct the mapping as the base class does."""
        if isinstance(node, yaml.MappingNode):
            _without_loss((str(key.value), None) for key, _ in node.value)
        return super().construct_mapping(node, deep)
