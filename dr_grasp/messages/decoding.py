"""From messages to the values of core, whichever library made the messages.

Fields are read by their names; numbers may come as lists, `array.array` or NumPy arrays. What a
message says more than our values hold (velocities of waypoints, frame ids) is left unread.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import numpy as np

from dr_grasp.core.arrays import frozen
from dr_grasp.core.attempt import GraspAttempt, OutcomeReport
from dr_grasp.core.fitness import Fitness, GraspScore
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.core.selection import Selection
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.core.waypoints import HandClose, Waypoints
from dr_grasp.errors import DrGraspError, InvalidGraspError
from dr_grasp.messages.encoding import NS_PER_S

LAST_STAMP_S = 2**31 - 120
"""Stamps of messages end at 2**31 s, and joint states follow an attempt for a minute."""

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")


def decode_grasp(message: Any) -> GraspTrajectory:
    """Read a GraspTrajectory message.

    Raises:
        InvalidGraspError: It cannot be replayed; the message begins with the grasp's id and the
            field.
    """
    with _naming(f"grasp {_one_line(message.id) or 'without an id'}:"):
        provenance = [(str(entry.key), str(entry.value)) for entry in message.provenance]
        return GraspTrajectory(
            id=str(message.id),
            robot=str(message.robot),
            object=str(message.object),
            object_in_base=decode_pose("object_in_base", message.object_in_base),
            approach=_waypoints("approach", message.approach),
            close=_close(message),
            lift=_waypoints("lift", message.lift),
            hold_s=_seconds(message.hold_duration),
            provenance=_unique("provenance", provenance),
        )


def decode_score(message: Any) -> GraspScore:
    """Read a GraspScore message.

    Raises:
        InvalidGraspError: It contradicts itself; the message begins with the grasp's id and the
            field.
    """
    with _naming(f"score of grasp {_one_line(message.grasp_id) or 'without an id'}:"):
        if not message.grasp_id:
            raise InvalidGraspError("grasp_id: expected a name, got an empty string")
        outcome = decode_outcome("nominal_outcome", message.nominal_outcome)
        if bool(message.nominal_success) != (outcome is Outcome.SUCCESS):
            raise InvalidGraspError(
                f"nominal_success: expected {outcome is Outcome.SUCCESS} for the nominal outcome "
                f"{outcome.label}, got {bool(message.nominal_success)}"
            )
        fitness = [decode_fitness(entry) for entry in message.fitness]
        failures = [
            (decode_outcome("failures", entry.reason), int(entry.count))
            for entry in message.failures
        ]
        return GraspScore(
            grasp_id=str(message.grasp_id),
            nominal_outcome=outcome,
            fitness=_unique("fitness", [(entry.criterion, entry) for entry in fitness]),
            failures=_unique("failures", failures),
            seed=int(message.seed),
            profile=str(message.profile),
            software_version=str(message.software_version),
            **_later_of_score(message),
        )


def _later_of_score(message: Any) -> dict[str, Any]:
    """What messages of older bags lack."""
    if not hasattr(message, "models"):
        return {}
    probability = float(message.transfer_probability)
    if not (math.isnan(probability) or 0.0 <= probability <= 1.0):
        raise InvalidGraspError(
            f"transfer_probability: expected from 0 to 1, or NaN, got {probability}"
        )
    return {
        "whole": bool(message.whole),
        "models": _key_values("models", message.models),
        "transfer_probability": None if math.isnan(probability) else probability,
    }


def _key_values(field: str, entries: Any) -> dict[str, str]:
    return _unique(field, [(str(entry.key), str(entry.value)) for entry in entries])


def decode_fitness(message: Any) -> Fitness:
    """Read a Fitness message.

    Raises:
        InvalidGraspError: An unknown criterion, counts out of bounds, or a value that does not
            follow from them.
    """
    with _naming("fitness:"):
        criterion = Criterion.from_name(str(message.criterion))
        return _make(
            criterion.value,
            partial(
                Fitness.stated,
                criterion,
                int(message.successes),
                int(message.trials),
                float(message.value),
                # Messages of older bags have no such field.
                bool(getattr(message, "sequential", False)),
            ),
        )


def decode_selection(message: Any) -> Selection:
    """Read a Selection message.

    Raises:
        InvalidGraspError: An unknown criterion, or a share that is none; the message begins with
            the field.
    """
    with _naming("selection:"):
        return Selection(
            Criterion.from_name(str(message.criterion)),
            tuple(map(str, message.chosen)),
            _share("expected_share", message),
            _share("expected_shortfall", message),
            _share("most_missed", message),
        )


def _share(field: str, message: Any) -> float:
    value = float(getattr(message, field))
    if not 0.0 <= value <= 1.0:
        raise InvalidGraspError(f"{field}: expected from 0 to 1, got {value}")
    return value


def decode_attempt(message: Any) -> GraspAttempt:
    """Read a GraspAttempt message.

    Raises:
        InvalidGraspError: It has no id, or something in it cannot be read; the message begins with
            the attempt's id and the field.
    """
    with _naming(f"attempt {_one_line(message.attempt_id) or 'without an id'}:"):
        if not message.attempt_id:
            raise InvalidGraspError("attempt_id: expected a name, got an empty string")
        grasp = decode_grasp(message.grasp)
        opening = float(message.gripper_opening)
        if message.robot != grasp.robot:
            raise InvalidGraspError(
                f"robot: expected {grasp.robot} as in the grasp, got {_one_line(message.robot)!r}"
            )
        return GraspAttempt(
            attempt_id=str(message.attempt_id),
            stamp_ns=_stamp_ns(message.stamp),
            backend=str(message.backend),
            seed=int(message.seed),
            attempt_index=int(message.attempt_index),
            grasp=grasp,
            score=_at_most_one("score", message.score, decode_score),
            outcome=decode_outcome("outcome", message.outcome),
            reason=str(message.reason),
            commanded=_waypoints_if_any("commanded", message.commanded),
            measured=_waypoints_if_any("measured", message.measured),
            gripper_opening=None if math.isnan(opening) else opening,
            object_before=_at_most_one(
                "object_before", message.object_before, partial(decode_pose, "object_before")
            ),
            object_after=_at_most_one(
                "object_after", message.object_after, partial(decode_pose, "object_after")
            ),
            **_later_of_attempt(message),
        )


def _later_of_attempt(message: Any) -> dict[str, Any]:
    """What messages of older bags lack."""
    if not hasattr(message, "models"):
        return {}
    return {
        "backend_profile": str(message.backend_profile),
        "models": _key_values("models", message.models),
        "software_version": str(message.software_version),
    }


def decode_report(message: Any) -> OutcomeReport:
    """Read an OutcomeReport message.

    Raises:
        InvalidGraspError: An outcome that does not exist.
    """
    with _naming(f"report on attempt {_one_line(message.attempt_id)}:"):
        return OutcomeReport(
            attempt_id=str(message.attempt_id),
            stamp_ns=_stamp_ns(message.stamp),
            outcome=decode_outcome("outcome", message.outcome),
            reason=str(message.reason),
            reporter=str(message.reporter),
        )


def decode_outcome(field: str, message: Any) -> Outcome:
    """Read an Outcome message.

    Raises:
        InvalidGraspError: A number that stands for nothing; the message begins with the field.
    """
    try:
        return Outcome(int(message.value))
    except ValueError:
        raise InvalidGraspError(
            f"{field}: expected an outcome from 0 to {max(Outcome):d}, got {int(message.value)}"
        ) from None


def decode_ns(message: Any) -> int:
    """Nanoseconds of a builtin_interfaces/Time or Duration."""
    return int(message.sec) * NS_PER_S + int(message.nanosec)


def _stamp_ns(message: Any) -> int:
    if not 0 <= message.sec < LAST_STAMP_S:
        raise InvalidGraspError(
            f"stamp: expected seconds since the epoch from 0 to {LAST_STAMP_S}, got {message.sec}"
        )
    return decode_ns(message)


def _seconds(message: Any) -> float:
    return decode_ns(message) / NS_PER_S


def decode_pose(field: str, message: Any) -> Pose:
    """A pose; `field` is what to call it in messages.

    Raises:
        InvalidGraspError: Its numbers are no pose.
    """
    position, turn = message.position, message.orientation
    return _make(
        field,
        lambda: Pose(
            frozen([position.x, position.y, position.z]), frozen([turn.x, turn.y, turn.z, turn.w])
        ),
    )


def _close(message: Any) -> HandClose:
    return _make(
        "close",
        lambda: HandClose(
            tuple(map(str, message.hand_joints)),
            frozen(message.preshape),
            frozen(message.close_positions),
            float(message.close_force),
            _seconds(message.close_duration),
        ),
    )


def _waypoints(field: str, message: Any) -> Waypoints:
    joints = tuple(map(str, message.joint_names))
    for index, point in enumerate(message.points):
        if len(point.positions) != len(joints):
            raise InvalidGraspError(
                f"{field} positions: expected {len(joints)} numbers at waypoint {index}, "
                f"got {len(point.positions)}"
            )
    times = frozen([_seconds(point.time_from_start) for point in message.points])
    positions = frozen([np.asarray(point.positions) for point in message.points])
    return _make(field, lambda: Waypoints(joints, times, positions))


def _waypoints_if_any(field: str, message: Any) -> Waypoints | None:
    if not len(message.joint_names) and not len(message.points):
        return None
    return _waypoints(field, message)


def _at_most_one(
    field: str, messages: Sequence[Any], decode: Callable[[Any], ValueT]
) -> ValueT | None:
    if len(messages) > 1:
        raise InvalidGraspError(f"{field}: expected at most one, got {len(messages)}")
    return decode(messages[0]) if len(messages) else None


def _unique(field: str, pairs: Sequence[tuple[KeyT, ValueT]]) -> dict[KeyT, ValueT]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise InvalidGraspError(
            f"{field}: expected unique keys, got {len(pairs) - len(found)} repeated"
        )
    return found


def _make(field: str, make: Callable[[], ValueT]) -> ValueT:
    # The values name their own fields; this adds the one they stand in.
    try:
        return make()
    except InvalidGraspError as error:
        raise InvalidGraspError(f"{field} {error}") from error
    except ValueError as error:
        raise InvalidGraspError(f"{field}: {error}") from error


@contextmanager
def _naming(what: str) -> Iterator[None]:
    try:
        yield
    except DrGraspError as error:
        raise InvalidGraspError(f"{what} {error}") from error


def _one_line(text: Any) -> str:
    return " ".join(str(text).split())
