"""Our message types for rosbags, read from their .msg files; no ROS needed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any

import numpy as np
from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from dr_grasp.common.resources import find_share

INTERFACES = "dr_grasp_interfaces"
SCORE_TYPE = f"{INTERFACES}/msg/GraspScore"
ATTEMPT_TYPE = f"{INTERFACES}/msg/GraspAttempt"
BEGUN_TYPE = f"{INTERFACES}/msg/AttemptBegun"
FITNESS_TYPE = f"{INTERFACES}/msg/Fitness"
REPORT_TYPE = f"{INTERFACES}/msg/OutcomeReport"
JOINT_STATE_TYPE = "sensor_msgs/msg/JointState"


_ADDED = (
    {SCORE_TYPE: ("metrics",), ATTEMPT_TYPE: ("backend_engine",)},
    {SCORE_TYPE: ("engine",)},
    {SCORE_TYPE: ("collisions",)},
    {
        SCORE_TYPE: ("whole", "models", "transfer_probability"),
        ATTEMPT_TYPE: ("backend_profile", "models", "software_version"),
    },
    {FITNESS_TYPE: ("sequential",)},
)
"""Fields that a version added to our messages, the latest first: two after 0.4.0, 0.4.0, 0.3.0,
0.2.0."""


def our_typestore() -> Typestore:
    """The message types of ROS 2 Jazzy and of dr_grasp.

    Raises:
        SettingsError: Our .msg files are not installed.
    """
    return past_typestore(0)


@lru_cache
def past_typestore(versions: int) -> Typestore:
    """The message types of ROS 2 Jazzy, and those of an earlier version of dr_grasp.

    Args:
        versions: Number of versions to go back, counting versions that changed a type.

    Raises:
        SettingsError: Our .msg files are not installed.
    """
    types: dict[str, Any] = {}
    folder = find_share(INTERFACES, "msg/GraspAttempt.msg") / "msg"
    for path in sorted(folder.glob("*.msg")):
        text = path.read_text(encoding="utf-8")
        types |= get_types_from_msg(text, f"{INTERFACES}/msg/{path.stem}")
    for added in _ADDED[:versions]:
        for name, later in added.items():
            constants, fields = types[name]
            types[name] = (constants, [field for field in fields if field[0] not in later])
    typestore = get_typestore(Stores.ROS2_JAZZY)
    typestore.register(types)
    return typestore


def typestore_of(typename: str, digest: str) -> Typestore | None:
    """Find the version of our types that a message was written with; None if there is none.

    Args:
        typename: Name of the type, such as "package/msg/Name".
        digest: Hash of the type, as ROS computes it.

    Raises:
        SettingsError: Our .msg files are not installed.
    """
    for typestore in map(past_typestore, range(len(_ADDED) + 1)):
        if typestore.hash_rihs01(typename) == digest:
            return typestore
    return None


def digest_of(typename: str, definition: str) -> str:
    """Compute the hash that ROS gives a type that a bag defines; empty without a definition.

    Args:
        typename: Name of the type, such as "package/msg/Name".
        definition: Text that defines the type and all types in it.
    """
    if not definition:
        return ""
    typestore = get_typestore(Stores.EMPTY)
    typestore.register(get_types_from_msg(definition, typename))
    digest: str = typestore.hash_rihs01(typename)
    return digest


def serialize(typename: str, message: Any) -> memoryview:
    """Make the CDR bytes of a message.

    Args:
        typename: Name of the type, such as "package/msg/Name".
        message: A message of rclpy, or nested dicts with all fields by name.
    """
    typestore = our_typestore()
    return typestore.serialize_cdr(_build(typestore, typename, message), typename)


def _build(typestore: Typestore, typename: str, message: Any) -> Any:
    """Make the message as an object of rosbags."""
    _, definitions = typestore.fielddefs[typename]
    field = message.__getitem__ if isinstance(message, Mapping) else partial(getattr, message)
    values = {
        name: _build_value(typestore, definition, field(name)) for name, definition in definitions
    }
    return typestore.types[typename](**values)


def _build_value(typestore: Typestore, definition: Any, value: Any) -> Any:
    kind, detail = definition
    if kind is Nodetype.BASE:
        return value
    if kind is Nodetype.NAME:
        return _build(typestore, detail, value)
    (element_kind, element), _ = detail
    if element_kind is Nodetype.NAME:
        return [_build(typestore, element, entry) for entry in value]
    base = element[0]
    return list(value) if base == "string" else np.array(value, dtype=np.dtype(base))
