"""Grasps as plain dicts, as they stand in a grasp file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from dr_grasp.common.settings import first_problem
from dr_grasp.core.arrays import frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.core.trajectory import GraspTrajectory, HandClose, Waypoints
from dr_grasp.errors import DrGraspError, FileFormatError, InvalidGraspError


class Record(BaseModel):
    """Base of the schemas of our files; NaN may pass, so that a later check can name the field."""

    model_config = ConfigDict(extra="forbid", strict=True)


def _as_list(value: Any) -> Any:
    """What a grasp holds, as lists; what a file holds is left to the schema to check."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    return list(value) if isinstance(value, tuple) else value


Names = Annotated[list[str], BeforeValidator(_as_list)]
Floats = Annotated[list[float], BeforeValidator(_as_list)]
Rows = Annotated[list[list[float]], BeforeValidator(_as_list)]


class PoseRecord(Record):
    """A `Pose`."""

    position: Floats
    quaternion_xyzw: Floats


class WaypointsRecord(Record):
    """A `Waypoints`."""

    joints: Names
    times_s: Floats
    positions: Rows


class CloseRecord(Record):
    """A `HandClose`."""

    joints: Names
    preshape: Floats
    positions: Floats
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
    record = GraspRecord.model_validate(grasp, from_attributes=True).model_dump()
    return {**record, "provenance": dict(sorted(grasp.provenance.items()))}


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
