"""Reads XML within bounds: the one parser for the URDFs and SRDFs that we read.

The standard library's parser loads nothing from outside. What remains are entities, which may grow
to gigabytes; they are refused together with the <!DOCTYPE> that defines them, which no robot's
description needs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn
from xml.etree import ElementTree

from dr_grasp.common.reading import one_line, read_bytes
from dr_grasp.errors import FileFormatError, ModelError

LARGEST_XML_BYTES = 16 * 1024**2
"""Largest XML file that is read; the URDF of a humanoid has less than 1 MB."""

MOST_XML_ELEMENTS = 100_000
"""Most elements of an XML file; the URDF of a humanoid with two hands has about 3,000."""

DEEPEST_XML = 100
"""Most levels of an XML file; a URDF has 5. Python cannot write one of a thousand."""


def read_xml(path: Path, what: str = "XML") -> ElementTree.Element:
    """Read an XML file.

    Args:
        path: The file.
        what: What the message says was expected.

    Raises:
        ModelError: The file cannot be read, or is not XML within our bounds.
    """
    try:
        data = read_bytes(path, LARGEST_XML_BYTES)
    except OSError as error:
        raise ModelError(f"{path}: expected {what}, got {error.strerror}") from error
    except FileFormatError as error:
        raise ModelError(f"{path}: {error}") from error
    return parse_xml(data, str(path), what)


def parse_xml(data: str | bytes, file: str, what: str = "XML") -> ElementTree.Element:
    """Read XML from text.

    Args:
        data: The text.
        file: Name of the file in messages.
        what: What the message says was expected.

    Raises:
        ModelError: The text is not XML within our bounds.
    """
    try:
        return ElementTree.fromstring(data, ElementTree.XMLParser(target=_BoundedBuilder()))
    except FileFormatError as error:
        raise ModelError(f"{file}: {error}") from error
    except (ElementTree.ParseError, LookupError, ValueError) as error:  # or an unknown encoding
        raise ModelError(f"{file}: expected {what}, got {one_line(error)}") from error


class _BoundedBuilder(ElementTree.TreeBuilder):
    def __init__(self) -> None:
        super().__init__()
        self._count = self._level = 0

    def doctype(self, name: str, pubid: str | None, system: str | None) -> NoReturn:
        raise FileFormatError(f"expected no <!DOCTYPE>, got one of {name!r:.60}")

    def start(self, tag: Any, attrs: Any) -> ElementTree.Element:
        self._count += 1
        self._level += 1
        if self._count > MOST_XML_ELEMENTS:
            raise FileFormatError(f"expected at most {MOST_XML_ELEMENTS} elements, got more")
        if self._level > DEEPEST_XML:
            raise FileFormatError(f"expected at most {DEEPEST_XML} levels, got more")
        return super().start(tag, attrs)

    def end(self, tag: str) -> ElementTree.Element:
        self._level -= 1
        return super().end(tag)
