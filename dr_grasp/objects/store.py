"""Writes and removes objects in the user's configuration, each completely or not at all."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from dr_grasp.common.atomic import write_whole
from dr_grasp.common.resources import own_names, user_directory
from dr_grasp.common.settings import load_yaml
from dr_grasp.errors import SettingsError, UnknownNameError
from dr_grasp.objects.mesh_files import MeshSource
from dr_grasp.objects.object_settings import ObjectSettings
from dr_grasp.objects.object_spec import built_in_object


def mesh_address(name: str, source: MeshSource) -> str:
    """Path for the copy of an object's mesh, relative to the YAML file that describes the object.

    Another content has another path, so no mesh is replaced while an old YAML file refers to it.
    """
    return f"meshes/{name}-{hashlib.sha256(source.data).hexdigest()[:8]}{source.ending}"


def write_object(name: str, mesh: bytes, settings: Mapping[str, Any], origin: str) -> None:
    """Write an object into the user's configuration, or replace it there.

    Args:
        name: The name of the object.
        mesh: Content of the object's mesh file, which is written to `settings["mesh"]`.
        settings: The keys and values of an `ObjectSettings`.
        origin: Name of the file that the object was made from.

    Raises:
        SettingsError: The user's configuration cannot be written.
    """
    file = _folder() / f"{name}.yaml"
    copy = file.parent / settings["mesh"]
    text = yaml.safe_dump(dict(settings), sort_keys=False, allow_unicode=True)
    comment = f"# From {origin!r}, by `dr-grasp objects add`; the mesh is a copy.\n"
    with _writing(file):
        copy.parent.mkdir(parents=True, exist_ok=True)
        write_whole(copy, mesh)
        # The mesh first: only this file makes the object exist, or replaces it.
        write_whole(file, (comment + text).encode())
    _remove_unused_meshes(name)


def remove_object(name: str) -> Path:
    """Remove an object from the user's configuration.

    Returns:
        The file that described it.

    Raises:
        UnknownNameError: The user has no object of that name.
        SettingsError: The object is built in, or its file cannot be removed.
    """
    own = own_names("objects")
    if name not in own:
        if built_in_object(name):
            raise SettingsError(f"object {name!r} is built in: expected one of your own to remove")
        raise UnknownNameError("object of your own", name, own or ["none"])
    file = _folder() / f"{name}.yaml"
    with _writing(file):
        file.unlink()
    _remove_unused_meshes(name)
    return file


def _folder() -> Path:
    return user_directory() / "objects"


@contextmanager
def _writing(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SettingsError(
            f"{file}: cannot be written: {error.strerror}; name another folder in DR_GRASP_CONFIG"
        ) from error


def _remove_unused_meshes(name: str) -> None:
    """Remove the mesh copies of an object that no object's file refers to any more."""
    used = set()
    for own in own_names("objects"):
        with suppress(SettingsError):
            mesh = load_yaml(_folder() / f"{own}.yaml", ObjectSettings).mesh
            used.add((_folder() / (mesh or "")).resolve())
    copies = re.compile(re.escape(name) + r"-[0-9a-f]{8}\.(obj|stl|ply)")
    for copy in (_folder() / "meshes").glob("*"):
        if copies.fullmatch(copy.name) and copy.resolve() not in used:
            with suppress(OSError):
                copy.unlink()
