"""Robot descriptions as text: URDF or xacro, SRDF, and names that differ from ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from dr_grasp.common.resources import resolve_uri
from dr_grasp.common.xml_text import parse_xml, read_xml
from dr_grasp.errors import ModelError


@dataclass(frozen=True, slots=True)
class DescriptionSource:
    """Where a robot's description comes from.

    Attributes:
        urdf: Address of a URDF, or of a xacro file, which ends in .xacro.
        srdf: Address of the SRDF; None for none.
        arguments: For xacro; a value that is an address becomes the path of that file.
        names: Name used here of a joint or link, to its name in the files. What is not listed is
            called the same.
        folder: Where relative paths start.
    """

    urdf: str
    srdf: str | None = None
    arguments: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Description:
    """A description in our names.

    Attributes:
        root: The URDF's element <robot>.
        folder: Where the URDF's relative mesh paths start.
        disabled_collisions: Pairs of links that the SRDF says not to check.
    """

    root: ElementTree.Element
    folder: Path
    disabled_collisions: frozenset[frozenset[str]]


def read_description(source: DescriptionSource) -> Description:
    """Read a robot's description and give its joints and links the names used here.

    Raises:
        ModelError: A file is missing or not of its format, or a name to map is not in it.
    """
    path = resolve_uri(source.urdf, source.folder)
    root = _process_xacro(path, source) if path.suffix == ".xacro" else read_xml(path)
    ours = {theirs: name for name, theirs in source.names.items()}
    named = {element.get("name") for tag in ("link", "joint") for element in root.findall(tag)}
    unknown = [name for name in ours if name not in named]
    if unknown:
        raise ModelError(f"{path}: expected joints or links named {', '.join(unknown)}, got none")
    _rename(root, ours)
    disabled: frozenset[frozenset[str]] = frozenset()
    if source.srdf is not None:
        srdf = read_xml(resolve_uri(source.srdf, source.folder))
        pairs = [
            (pair.get("link1", ""), pair.get("link2", ""))
            for pair in srdf.iter("disable_collisions")
        ]
        disabled = frozenset(frozenset(ours.get(name, name) for name in pair) for pair in pairs)
    return Description(root, path.parent, disabled)


def _process_xacro(path: Path, source: DescriptionSource) -> ElementTree.Element:
    import xacro  # only some robots need it

    read_xml(path)  # refuses what would take xacro's own parser hours and gigabytes
    arguments = {
        key: str(resolve_uri(value, source.folder)) if "://" in value else value
        for key, value in source.arguments.items()
    }
    try:
        text = xacro.process_file(str(path), mappings=arguments).toxml()
    except Exception as error:  # xacro raises what the XML parser, Python and itself raise
        raise ModelError(f"{path}: xacro: {' '.join(str(error).split())}") from error
    return parse_xml(text, str(path))


def _rename(root: ElementTree.Element, ours: Mapping[str, str]) -> None:
    for element in root.iter():
        if element.tag in ("link", "joint") and "name" in element.attrib:
            element.set("name", ours.get(element.get("name", ""), element.get("name", "")))
        for attribute in ("link", "joint"):
            if attribute in element.attrib:
                element.set(
                    attribute, ours.get(element.get(attribute, ""), element.get(attribute, ""))
                )
