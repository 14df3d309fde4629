"""Grasps as plain dicts, as they stand in a grasp file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from dr_grasp.common.settings import first_problem
from dr_grasp.core.arrays import as_floats, frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.core.waypoints import HandClose, Waypoints
from dr_grasp.errors import DrGraspError, FileFormatError, InvalidGraspError


class Record(BaseModel):
    """Base of the schemas of our files; NaN may pass, so that a later check can name the field."""

    model_config = ConfigDict(extra="forbid", strict=True)


class PoseRecord(Record):
    """A `Pose`."""

    position: list[float]
    quaternion_xyzw: list[float]


class WaypointsRecord(Record):
    """A `Waypoints`."""

    joints: list[str]
    times_s: list[float]
    positions: list[list[float]]


class CloseRecord(Record):
    """A `HandClose`."""

    joints: list[str]
    preshape: list[float]
    positions: list[float]
    force: float
    duration_s: float


class GraspRecord(Record):
    """A `GraspTrajectory`."""

    id: str
    robot: str
    object: str
    object_in_base: PoseRecord
    approach: WaypointsRecord
    close: CloseRecord
    lift: WaypointsRecord
    hold_s: float
    provenance: dict[str, str] = {}


RecordT = TypeVar("RecordT", bound=BaseModel)
ValueT = TypeVar("ValueT")


def grasp_to_dict(grasp: GraspTrajectory) -> dict[str, Any]:
    """A grasp as it stands in a grasp file; equal grasps give equal text."""
    return {
        "id": grasp.id,
        "robot": grasp.robot,
        "object": grasp.object,
        "object_in_base": {
            "position": as_floats(grasp.object_in_base.position),
            "quaternion_xyzw": as_floats(grasp.object_in_base.quaternion_xyzw),
        },
        "approach": _waypoints_to_dict(grasp.approach),
        "close": {
            "joints": list(grasp.close.joints),
            "preshape": as_floats(grasp.close.preshape),
            "positions": as_floats(grasp.close.positions),
            "force": float(grasp.close.force),
            "duration_s": float(grasp.close.duration_s),
        },
        "lift": _waypoints_to_dict(grasp.lift),
        "hold_s": float(grasp.hold_s),
        "provenance": dict(sorted(grasp.provenance.items())),
    }


def grasp_from_dict(raw: object) -> GraspTrajectory:
    """Inverse of `grasp_to_dict`.

    Raises:
        InvalidGraspError: Anything is missing, unknown, of a wrong type or out of bounds; the
            message begins with the grasp's id and the field.
    """
    try:
        record = check_record(GraspRecord, raw)
        close = record.close
        return GraspTrajectory(
            id=record.id,
            robot=record.robot,
            object=record.object,
            object_in_base=within(
                "object_in_base",
                lambda: Pose(
                    frozen(record.object_in_base.position),
                    frozen(record.object_in_base.quaternion_xyzw),
                ),
            ),
            approach=within("approach", lambda: _waypoints(record.approach)),
            close=within(
                "close",
                lambda: HandClose(
                    tuple(close.joints),
                    frozen(close.preshape),
                    frozen(close.positions),
                    close.force,
                    close.duration_s,
                ),
            ),
            lift=within("lift", lambda: _waypoints(record.lift)),
            hold_s=record.hold_s,
            provenance=record.provenance,
        )
    except DrGraspError as error:
        named = given_id(raw, "id") or "without an id"
        raise InvalidGraspError(f"grasp {named}: {error}") from error


def check_record(schema: type[RecordT], raw: object) -> RecordT:
    """Check plain data against a schema.

    Raises:
        FileFormatError: It does not fit; one line with the field, what was expected, what came.
    """
    try:
        return schema.model_validate(raw)
    except ValidationError as error:
        raise FileFormatError(first_problem(error)) from error


def given_id(raw: object, key: str) -> str:
    """The id in a broken record, in one line; empty if it has none."""
    name = raw.get(key) if isinstance(raw, dict) else None
    return " ".join(name.split()) if isinstance(name, str) else ""


def _waypoints_to_dict(waypoints: Waypoints) -> dict[str, Any]:
    return {
        "joints": list(waypoints.joints),
        "times_s": as_floats(waypoints.times_s),
        "positions": [as_floats(row) for row in waypoints.positions],
    }


def _waypoints(record: WaypointsRecord) -> Waypoints:
    for index, row in enumerate(record.positions):
        if len(row) != len(record.joints):
            raise InvalidGraspError(
                f"positions: expected {len(record.joints)} numbers at waypoint {index}, "
                f"got {len(row)}"
            )
    return Waypoints(tuple(record.joints), frozen(record.times_s), frozen(record.positions))


def within(field: str, make: Callable[[], ValueT]) -> ValueT:
    """Make a value of a field; an error of it names the field.

    Raises:
        FileFormatError: The value refused its arguments; the message begins with the field.
    """
    try:
        return make()
    except InvalidGraspError as error:
        raise FileFormatError(f"{field} {error}") from error
    except (DrGraspError, ValueError) as error:
        raise FileFormatError(f"{field}: {error}") from error
