"""Decodes messages, of rclpy or of rosbags, to the values of `core`.

Fields are read by their names; numbers may be lists, `array.array` or NumPy arrays. Fields without
a counterpart in our values (velocities of waypoints, frame ids) are ignored. Values that messages
of older bags lack keep their defaults.
"""

from __future__ import annotations

import math
from typing import Any

from dr_grasp.core.arrays import check_widths, frozen
from dr_grasp.core.attempt import GraspAttempt, OutcomeReport
from dr_grasp.core.collisions import Collision
from dr_grasp.core.engine import Engine
from dr_grasp.core.fitness import Fitness, GraspScore, Selection
from dr_grasp.core.geometry import Pose
from dr_grasp.core.metric import Metric
from dr_grasp.core.outcome import LinkPair, Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.core.trajectory import LONGEST_PATH_S, GraspTrajectory, HandClose, Waypoints
from dr_grasp.errors import InvalidGraspError
from dr_grasp.messages.encoding import NS_PER_S
from dr_grasp.messages.fields import at_most_one, one_line, texts, unique, within

LAST_STAMP_S = 2**31 - int(LONGEST_PATH_S) - 120
"""Stamps must be below this [s]: messages end at 2**31 s, and the joint states of an attempt are
stamped up to the end of its path, which may begin a minute late."""


def decode_grasp(message: Any) -> GraspTrajectory:
    """Read a GraspTrajectory message.

    Raises:
        InvalidGraspError: The grasp is not valid; the error begins with the grasp's id and the
            field.
    """
    with within(f"grasp {one_line(message.id) or 'without an id'}:"):
        return GraspTrajectory(
            id=str(message.id),
            robot=str(message.robot),
            object=str(message.object),
            object_in_base=decode_pose("object_in_base", message.object_in_base),
            approach=_waypoints("approach", message.approach),
            close=_close(message),
            lift=_waypoints("lift", message.lift),
            hold_s=_seconds(message.hold_duration),
            provenance=texts("provenance", message.provenance),
        )


def decode_score(message: Any) -> GraspScore:
    """Read a GraspScore message.

    Raises:
        InvalidGraspError: The score contradicts itself; the error begins with the grasp's id and
            the field.
    """
    with within(f"score of grasp {one_line(message.grasp_id) or 'without an id'}:"):
        if not message.grasp_id:
            raise InvalidGraspError("grasp_id: expected a name, got an empty string")
        outcome = decode_outcome("nominal_outcome", message.nominal_outcome)
        if bool(message.nominal_success) != (outcome is Outcome.SUCCESS):
            raise InvalidGraspError(
                f"nominal_success: expected {outcome is Outcome.SUCCESS} for the nominal outcome "
                f"{outcome.label}, got {bool(message.nominal_success)}"
            )
        probability = float(getattr(message, "transfer_probability", math.nan))
        if not (math.isnan(probability) or 0.0 <= probability <= 1.0):
            raise InvalidGraspError(
                f"transfer_probability: expected from 0 to 1, or NaN, got {probability}"
            )
        fitness = [decode_fitness(entry) for entry in message.fitness]
        failures = [
            (decode_outcome("failures", entry.reason), int(entry.count))
            for entry in message.failures
        ]
        return GraspScore(
            grasp_id=str(message.grasp_id),
            nominal_outcome=outcome,
            fitness=unique("fitness", [(entry.criterion, entry) for entry in fitness]),
            failures=unique("failures", failures),
            collisions=tuple(map(decode_collision, getattr(message, "collisions", ()))),
            seed=int(message.seed),
            profile=str(message.profile),
            software_version=str(message.software_version),
            whole=bool(getattr(message, "whole", False)),
            models=texts("models", getattr(message, "models", ())),
            transfer_probability=None if math.isnan(probability) else probability,
            engine=_engine(str(getattr(message, "engine", ""))),
            metrics=_metrics(getattr(message, "metrics", ())),
        )


def decode_collision(message: Any) -> Collision:
    """Read a Collision message.

    Raises:
        InvalidGraspError: The criterion is unknown, the outcome is no collision, or the count is 0.
    """
    with within("collisions:"):
        return Collision(
            Criterion.from_name(str(message.criterion)) if message.criterion else None,
            decode_outcome("outcome", message.outcome),
            LinkPair(str(message.first), str(message.second)),
            int(message.count),
        )


def decode_fitness(message: Any) -> Fitness:
    """Read a Fitness message.

    Raises:
        InvalidGraspError: The criterion is unknown, a count is out of bounds, or the value does not
            follow from the counts.
    """
    with within("fitness:"):
        criterion = Criterion.from_name(str(message.criterion))
        with within(criterion.value):
            return Fitness.stated(
                criterion,
                int(message.successes),
                int(message.trials),
                float(message.value),
                bool(getattr(message, "sequential", False)),
                (float(message.low), float(message.high)),
            )


def decode_selection(message: Any) -> Selection:
    """Read a Selection message.

    Raises:
        InvalidGraspError: The criterion is unknown, or a share is outside of [0, 1]; the error
            names the field.
    """
    with within("selection:"):
        return Selection(
            Criterion.from_name(str(message.criterion)),
            tuple(map(str, message.chosen)),
            _share("expected_share", message.expected_share),
            _share("expected_shortfall", message.expected_shortfall),
            _share("most_missed", message.most_missed),
        )


def decode_attempt(message: Any) -> GraspAttempt:
    """Read a GraspAttempt message.

    Raises:
        InvalidGraspError: The attempt has no id, or a field is not valid; the error begins with the
            attempt's id and the field.
    """
    with within(f"attempt {one_line(message.attempt_id) or 'without an id'}:"):
        if not message.attempt_id:
            raise InvalidGraspError("attempt_id: expected a name, got an empty string")
        grasp = decode_grasp(message.grasp)
        if message.robot != grasp.robot:
            raise InvalidGraspError(
                f"robot: expected {grasp.robot} as in the grasp, got {one_line(message.robot)!r}"
            )
        opening = float(message.gripper_opening)
        return GraspAttempt(
            attempt_id=str(message.attempt_id),
            stamp_ns=_stamp_ns(message.stamp),
            backend=str(message.backend),
            seed=int(message.seed),
            attempt_index=int(message.attempt_index),
            grasp=grasp,
            score=at_most_one("score", message.score, lambda _, score: decode_score(score)),
            outcome=decode_outcome("outcome", message.outcome),
            reason=str(message.reason),
            commanded=_waypoints_if_any("commanded", message.commanded),
            measured=_waypoints_if_any("measured", message.measured),
            gripper_opening=None if math.isnan(opening) else opening,
            object_before=at_most_one("object_before", message.object_before, decode_pose),
            object_after=at_most_one("object_after", message.object_after, decode_pose),
            backend_profile=str(getattr(message, "backend_profile", "")),
            models=texts("models", getattr(message, "models", ())),
            software_version=str(getattr(message, "software_version", "")),
            backend_engine=str(getattr(message, "backend_engine", "")),
        )


def decode_begun(message: Any) -> GraspAttempt:
    """Read an AttemptBegun message; raises the errors of `decode_attempt`."""
    return decode_attempt(message.attempt)


def decode_report(message: Any) -> OutcomeReport:
    """Read an OutcomeReport message.

    Raises:
        InvalidGraspError: The outcome is unknown, or the stamp is too large for a bag.
    """
    with within(f"report on attempt {one_line(message.attempt_id)}:"):
        return OutcomeReport(
            attempt_id=str(message.attempt_id),
            stamp_ns=_stamp_ns(message.stamp),
            outcome=decode_outcome("outcome", message.outcome),
            reason=str(message.reason),
            reporter=str(message.reporter),
        )


def decode_outcome(field: str, message: Any) -> Outcome:
    """Read an Outcome message; `field` is its name in error messages.

    Raises:
        InvalidGraspError: The number is no outcome.
    """
    try:
        return Outcome(int(message.value))
    except ValueError:
        raise InvalidGraspError(
            f"{field}: expected an outcome from 0 to {max(Outcome):d}, got {int(message.value)}"
        ) from None


def decode_pose(field: str, message: Any) -> Pose:
    """Read a geometry_msgs/Pose; `field` is its name in error messages.

    Raises:
        InvalidGraspError: A number is not finite, or the quaternion is far from unit length.
    """
    position, turn = message.position, message.orientation
    with within(field):
        return Pose(
            frozen([position.x, position.y, position.z]), frozen([turn.x, turn.y, turn.z, turn.w])
        )


def decode_ns(message: Any) -> int:
    """Nanoseconds of a builtin_interfaces/Time or Duration."""
    return int(message.sec) * NS_PER_S + int(message.nanosec)


def _engine(name: str) -> Engine:
    return Engine.from_name(name) if name else Engine.BULLET


def _metrics(messages: Any) -> dict[Metric, float]:
    with within("metrics:"):
        found = [(Metric.from_name(str(entry.name)), float(entry.value)) for entry in messages]
    return unique("metrics", found)


def _stamp_ns(message: Any) -> int:
    if not 0 <= message.sec < LAST_STAMP_S:
        raise InvalidGraspError(
            f"stamp: expected seconds since the epoch from 0 to {LAST_STAMP_S}, got {message.sec}"
        )
    return decode_ns(message)


def _seconds(message: Any) -> float:
    return decode_ns(message) / NS_PER_S


def _share(field: str, value: float) -> float:
    if not 0.0 <= value <= 1.0:
        raise InvalidGraspError(f"{field}: expected from 0 to 1, got {float(value)}")
    return float(value)


def _close(grasp: Any) -> HandClose:
    with within("close"):
        return HandClose(
            tuple(map(str, grasp.hand_joints)),
            frozen(grasp.preshape),
            frozen(grasp.close_positions),
            float(grasp.close_force),
            _seconds(grasp.close_duration),
        )


def _waypoints(field: str, message: Any) -> Waypoints:
    joints = tuple(map(str, message.joint_names))
    rows = [list(point.positions) for point in message.points]
    times_s = frozen([_seconds(point.time_from_start) for point in message.points])
    with within(field):
        check_widths("positions", rows, len(joints))
        return Waypoints(joints, times_s, frozen(rows))


def _waypoints_if_any(field: str, message: Any) -> Waypoints | None:
    if not len(message.joint_names) and not len(message.points):
        return None
    return _waypoints(field, message)
