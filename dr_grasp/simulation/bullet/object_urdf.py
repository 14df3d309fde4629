"""Writes an object as a URDF with convex pieces as collision shapes."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from dr_grasp.common.cache import cached_folder
from dr_grasp.core.arrays import FloatArray
from dr_grasp.objects.object_spec import ObjectSpec


def object_urdf(spec: ObjectSpec) -> Path:
    """Make the URDF of an object, or find it in the cache; returns its path."""
    root = ElementTree.Element("robot", {"name": spec.name})
    link = ElementTree.SubElement(root, "link", {"name": "object"})
    inertial = ElementTree.SubElement(link, "inertial")
    ElementTree.SubElement(inertial, "origin", {"xyz": _numbers(spec.center_of_mass)})
    ElementTree.SubElement(inertial, "mass", {"value": repr(spec.mass)})
    axes = "xyz"
    ElementTree.SubElement(
        inertial,
        "inertia",
        {
            f"i{axes[row]}{axes[column]}": repr(float(spec.inertia[row, column]))
            for row in range(3)
            for column in range(row, 3)
        },
    )
    _add_mesh(link, "visual", spec.visual)
    for piece in spec.pieces:
        _add_mesh(link, "collision", piece)
    text = ElementTree.tostring(root)
    folder = cached_folder(
        "object_urdfs", [text], lambda scratch: (scratch / "object.urdf").write_bytes(text)
    )
    return folder / "object.urdf"


def _numbers(values: FloatArray) -> str:
    return " ".join(repr(float(value)) for value in values)


def _add_mesh(link: ElementTree.Element, tag: str, mesh: Path) -> None:
    geometry = ElementTree.SubElement(ElementTree.SubElement(link, tag), "geometry")
    ElementTree.SubElement(geometry, "mesh", {"filename": str(mesh)})
