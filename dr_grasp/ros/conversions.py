"""Converts values to rclpy messages, and the grasps of a request to values."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from rosidl_parser.definition import AbstractNestedType, NamespacedType

from dr_grasp.core.attempt import GraspAttempt, OutcomeReport
from dr_grasp.core.fitness import GraspOrRefusal, GraspScore, RefusedGrasp, Selection
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import DrGraspError
from dr_grasp.messages import encoding
from dr_grasp.messages.decoding import decode_grasp
from dr_grasp.messages.requests import check_number_of_grasps
from dr_grasp_interfaces import msg

MessageT = TypeVar("MessageT")


def to_msg(message_class: type[MessageT], fields: Mapping[str, Any]) -> MessageT:
    """Make a message from nested dicts.

    Args:
        message_class: Class of the message.
        fields: Values of the message's fields by name; fields left out keep their defaults.
    """
    message = message_class()
    names = message_class.get_fields_and_field_types()  # type: ignore[attr-defined]
    kinds = dict(zip(names, message_class.SLOT_TYPES, strict=True))  # type: ignore[attr-defined]
    for name, value in fields.items():
        setattr(message, name, _value(kinds[name], value))
    return message


def grasp_to_msg(grasp: GraspTrajectory) -> msg.GraspTrajectory:
    """Convert a grasp to a message."""
    return to_msg(msg.GraspTrajectory, encoding.encode_grasp(grasp))


def score_to_msg(score: GraspScore) -> msg.GraspScore:
    """Convert a score to a message."""
    return to_msg(msg.GraspScore, encoding.encode_score(score))


def selection_to_msg(selection: Selection) -> msg.Selection:
    """Convert a selection to a message."""
    return to_msg(msg.Selection, encoding.encode_selection(selection))


def attempt_to_msg(attempt: GraspAttempt) -> msg.GraspAttempt:
    """Convert an attempt to a message."""
    return to_msg(msg.GraspAttempt, encoding.encode_attempt(attempt))


def report_to_msg(report: OutcomeReport) -> msg.OutcomeReport:
    """Convert an operator's report on an attempt to a message."""
    return to_msg(msg.OutcomeReport, encoding.encode_report(report))


def outcome_to_msg(outcome: Outcome) -> msg.Outcome:
    """Convert an outcome to a message."""
    return to_msg(msg.Outcome, encoding.encode_outcome(outcome))


def refusal_to_msg(refusal: RefusedGrasp) -> msg.GraspRefusal:
    """Convert a refused grasp to a message."""
    return msg.GraspRefusal(index=refusal.index, grasp_id=refusal.grasp_id, reason=refusal.reason)


def grasps_to_msgs(grasps: Sequence[GraspTrajectory]) -> list[msg.GraspTrajectory]:
    """Convert the grasps of a request to messages.

    Raises:
        SettingsError: There are more than `MOST_GRASPS`.
    """
    check_number_of_grasps(len(grasps))
    return [grasp_to_msg(grasp) for grasp in grasps]


def decode_grasps(messages: Iterable[msg.GraspTrajectory]) -> list[GraspOrRefusal]:
    """Convert the grasps of a request to values; an invalid grasp becomes a refusal."""
    decoded: list[GraspOrRefusal] = []
    for index, message in enumerate(messages):
        try:
            decoded.append(decode_grasp(message))
        except DrGraspError as error:
            decoded.append(RefusedGrasp(index, message.id, str(error)))
    return decoded


def _value(kind: Any, value: Any) -> Any:
    if isinstance(kind, NamespacedType):
        return to_msg(_message_class(kind), value)
    if isinstance(kind, AbstractNestedType) and isinstance(kind.value_type, NamespacedType):
        element = _message_class(kind.value_type)
        return [to_msg(element, entry) for entry in value]
    return value


def _message_class(kind: NamespacedType) -> type[Any]:
    module = importlib.import_module(".".join(kind.namespaces))
    found: type[Any] = getattr(module, kind.name)
    return found
