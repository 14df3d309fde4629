"""Our message types for rosbags, read from their .msg files; no ROS needed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from dr_grasp.common.resources import find_share

INTERFACES = "dr_grasp_interfaces"
SCORE_TYPE = f"{INTERFACES}/msg/GraspScore"
ATTEMPT_TYPE = f"{INTERFACES}/msg/GraspAttempt"
FITNESS_TYPE = f"{INTERFACES}/msg/Fitness"
REPORT_TYPE = f"{INTERFACES}/msg/OutcomeReport"
JOINT_STATE_TYPE = "sensor_msgs/msg/JointState"


@lru_cache(maxsize=1)
def our_typestore() -> Typestore:
    """The types of ROS 2 Jazzy and ours.

    Raises:
        SettingsError: Our .msg files are not installed.
    """
    return _typestore(_our_types())


_ADDED = (
    {
        SCORE_TYPE: ("whole", "models", "transfer_probability"),
        ATTEMPT_TYPE: ("backend_profile", "models", "software_version"),
    },
    {FITNESS_TYPE: ("sequential",)},
)
"""Fields that came to our messages in a version, the latest first: 0.3.0, 0.2.0."""


@lru_cache(maxsize=4)
def past_typestore(versions: int) -> Typestore:
    """The types of bags of some versions ago.

    Args:
        versions: How many, of those that changed a type.

    Raises:
        SettingsError: Our .msg files are not installed.
    """
    types = _our_types()
    for added in _ADDED[:versions]:
        for name, later in added.items():
            constants, fields = types[name]
            types[name] = (constants, [one for one in fields if one[0] not in later])
    return _typestore(types)


def typestore_of(typename: str, digest: str) -> Typestore | None:
    """The types by which a message of ours was written; None if we never had such.

    Args:
        typename: As "package/msg/Name".
        digest: Hash of the type, as ROS computes it.

    Raises:
        SettingsError: Our .msg files are not installed.
    """
    for typestore in map(past_typestore, range(len(_ADDED) + 1)):
        if typestore.hash_rihs01(typename) == digest:
            return typestore
    return None


def digest_of(typename: str, definition: str) -> str:
    """Hash of a type as a bag defines it, as ROS computes it.

    Args:
        typename: As "package/msg/Name".
        definition: Its text and that of the types it uses.
    """
    typestore = get_typestore(Stores.EMPTY)
    typestore.register(get_types_from_msg(definition, typename))
    digest: str = typestore.hash_rihs01(typename)
    return digest


def _our_types() -> dict[str, Any]:
    types: dict[str, Any] = {}
    folder = find_share(INTERFACES, "msg/GraspAttempt.msg") / "msg"
    for path in sorted(folder.glob("*.msg")):
        text = path.read_text(encoding="utf-8")
        types |= get_types_from_msg(text, f"{INTERFACES}/msg/{path.stem}")
    return types


def _typestore(types: dict[str, Any]) -> Typestore:
    typestore = get_typestore(Stores.ROS2_JAZZY)
    typestore.register(types)
    return typestore


def build(typestore: Typestore, typename: str, fields: Mapping[str, Any]) -> Any:
    """Make a rosbags message of nested dicts.

    Args:
        typestore: Knows the type.
        typename: As "package/msg/Name".
        fields: Every field of the message, by name.
    """
    _, definitions = typestore.fielddefs[typename]
    values = {
        name: _build_value(typestore, definition, fields[name]) for name, definition in definitions
    }
    return typestore.types[typename](**values)


def serialize(typename: str, fields: Mapping[str, Any]) -> memoryview:
    """The CDR bytes of a message given as nested dicts."""
    typestore = our_typestore()
    return typestore.serialize_cdr(build(typestore, typename, fields), typename)


def _build_value(typestore: Typestore, definition: Any, value: Any) -> Any:
    kind, detail = definition
    if kind is Nodetype.BASE:
        return value
    if kind is Nodetype.NAME:
        return build(typestore, detail, value)
    (element_kind, element), _ = detail
    if element_kind is Nodetype.NAME:
        return [build(typestore, element, entry) for entry in value]
    base = element[0]
    return list(value) if base == "string" else np.array(value, dtype=np.dtype(base))
