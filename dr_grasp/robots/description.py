"""Robot descriptions as text: URDF or xacro, SRDF, and names that differ from ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from dr_grasp.common.resources import package_folder, resolve_uri
from dr_grasp.common.xml_text import parse_xml, read_xml
from dr_grasp.errors import ModelError, quoted
from dr_grasp.robots.semantics import Semantics, read_semantics


@dataclass(frozen=True, slots=True)
class DescriptionSource:
    """Where a robot's description comes from.

    Attributes:
        urdf: Address of a URDF or of a xacro file.
        srdf: Address of the SRDF, which may be a xacro file, too; None for none.
        arguments: For xacro; a value that is an address becomes the path of that file.
        srdf_arguments: For the SRDF's xacro, where they differ from `arguments`.
        names: Name used here of a joint or link, to its name in the files. What is not listed is
            called the same.
        folder: Where relative paths start.
        limits: What <limit> says of joints otherwise than in the URDF, by the names used here: keys
            are its attributes, such as "velocity".
        concave_links: Links, by the names used here, whose collision meshes are cut into pieces.
    """

    urdf: str
    srdf: str | None = None
    arguments: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    srdf_arguments: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    concave_links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Description:
    """A description in our names.

    Attributes:
        root: The URDF's element <robot>.
        folder: Where the URDF's relative mesh paths start.
        semantics: What the SRDF says.
    """

    root: ElementTree.Element
    folder: Path
    semantics: Semantics


def read_description(source: DescriptionSource) -> Description:
    """Read a robot's description and give its joints and links the names used here.

    Raises:
        ModelError: A file is missing or not of its format, or a name to map or a joint to limit is
            not in it.
    """
    path = resolve_uri(source.urdf, source.folder)
    root = _read(path, source, source.arguments)
    if root.tag != "robot":
        other = ", which is MJCF" if root.tag == "mujoco" else ""
        raise ModelError(f"{path}: expected a URDF, got <{root.tag}>{other}")
    ours = {theirs: name for name, theirs in source.names.items()}
    links, joints = (
        frozenset(element.get("name", "") for element in root.findall(tag))
        for tag in ("link", "joint")
    )
    unknown = [name for name in ours if name not in links | joints]
    if unknown:
        raise ModelError(f"{path}: expected joints or links named {', '.join(unknown)}, got none")
    semantics = Semantics()
    if source.srdf is not None:
        srdf = resolve_uri(source.srdf, source.folder)
        arguments = {**source.arguments, **source.srdf_arguments}
        semantics = read_semantics(
            source.srdf, _read(srdf, source, arguments), links, joints
        ).renamed(ours)
    _rename(root, ours)
    _set_limits(path, root, source.limits)
    return Description(root, path.parent, semantics)


def _read(
    path: Path, source: DescriptionSource, arguments: Mapping[str, str]
) -> ElementTree.Element:
    """Read a URDF or SRDF, through xacro if it is one."""
    root = read_xml(path)  # refuses what would take xacro's own parser hours and gigabytes
    # As xacro's elements are: {http://www.ros.org/wiki/xacro}macro, or with an older address.
    if path.suffix == ".xacro" or any("/xacro}" in element.tag for element in root.iter()):
        root = _process_xacro(path, source.folder, arguments)
    for element in root.iter():
        for key, value in element.attrib.items():
            # Plugins' own parameters, in other elements, may contain such text.
            if "${" in value and key in ("name", "link", "link1", "link2", "joint"):
                raise ModelError(
                    f"{path}: <{element.tag}> {key}: expected a name, got {quoted(value)}; "
                    "is it a xacro file? Then its name has to end in .xacro"
                )
    return root


def _process_xacro(
    path: Path, folder: Path | None, given: Mapping[str, str]
) -> ElementTree.Element:
    import xacro  # only some robots need it

    arguments = {
        key: str(resolve_uri(value, folder)) if "://" in value else value
        for key, value in given.items()
    }
    try:
        with _packages_found_near(path.parent):
            text = xacro.process_file(str(path), mappings=arguments).toxml()
    except Exception as error:  # xacro raises what the XML parser, Python and itself raise
        inner = getattr(error, "exc", None)
        problem = inner if isinstance(inner, ModelError) else error  # it writes that twice
        raise ModelError(f"{path}: xacro: {' '.join(str(problem).split())}") from error
    return parse_xml(text, str(path))


@contextmanager
def _packages_found_near(folder: Path) -> Iterator[None]:
    """Let $(find package) find what package:// finds: a description as cloned, not installed.

    Xacro has no parameter for it; it asks ament's index, by this function.
    """
    from ament_index_python import packages

    installed = packages.get_package_share_directory

    def found(package_name: str, print_warning: bool = True) -> str:
        return str(package_folder(package_name, folder))

    packages.get_package_share_directory = found
    try:
        yield
    finally:
        packages.get_package_share_directory = installed


def _set_limits(
    path: Path, root: ElementTree.Element, limits: Mapping[str, Mapping[str, float]]
) -> None:
    joints = {joint.get("name", ""): joint for joint in root.findall("joint")}
    unknown = [name for name in limits if name not in joints]
    if unknown:
        raise ModelError(f"{path}: limits: expected joints of the file, got {', '.join(unknown)}")
    for name, values in limits.items():
        element = joints[name].find("limit")
        if element is None:
            element = ElementTree.SubElement(joints[name], "limit")
        for key, value in values.items():
            element.set(key, repr(value))


def _rename(root: ElementTree.Element, ours: Mapping[str, str]) -> None:
    for element in root.iter():
        if element.tag in ("link", "joint") and "name" in element.attrib:
            element.set("name", ours.get(element.get("name", ""), element.get("name", "")))
        for attribute in ("link", "joint"):
            if attribute in element.attrib:
                element.set(
                    attribute, ours.get(element.get(attribute, ""), element.get(attribute, ""))
                )
