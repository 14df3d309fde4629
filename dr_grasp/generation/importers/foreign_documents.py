"""Reads JSON and YAML of other programs completely, or refuses them with one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from dr_grasp.common import reading
from dr_grasp.common.json_text import parse_json
from dr_grasp.common.yaml_text import MOST_YAML_VALUES, parse_yaml

LARGEST_TEXT_BYTES = 256 * 1024**2
"""Largest text file that is read. A file of 2,000 grasps has about one megabyte."""


class ForeignRecord(BaseModel):
    """Base class for the schemas of foreign formats; keys that we do not read are ignored."""

    model_config = ConfigDict(extra="ignore")


def read_text(path: Path) -> str:
    """Read a text file.

    Raises:
        FileFormatError: The file is no text in UTF-8, or too large.
    """
    return reading.read_text(path, LARGEST_TEXT_BYTES)


def load_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        FileFormatError: The file is no JSON, half-written, nested too deep, or has a key twice.
    """
    return parse_json(read_text(path))


def load_yaml(path: Path) -> Any:
    """Read a YAML file.

    Raises:
        FileFormatError: The file is no YAML, half-written, nested too deep, or has a key twice.
    """
    text = read_text(path)
    # Any number of grasps may be written out; only aliases cannot make more of it.
    return parse_yaml(text, max(MOST_YAML_VALUES, len(text)))
