"""Encodes the values of `core` as nested dicts that have the exact structure of our messages.

`dr_grasp.ros.conversions` makes rclpy messages from these dicts, `dr_grasp.messages.typestore`
makes those of rosbags; so both use the same mapping. `decoding` is its inverse.

Times are sent as whole nanoseconds: times that are rounded to the nanosecond are read back exactly.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from dr_grasp.core.arrays import as_floats
from dr_grasp.core.attempt import GraspAttempt, OutcomeReport
from dr_grasp.core.collisions import Collision
from dr_grasp.core.fitness import Fitness, GraspScore, Selection
from dr_grasp.core.geometry import Pose
from dr_grasp.core.metric import Metric
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.core.trajectory import GraspTrajectory, Waypoints

Fields = dict[str, Any]

NS_PER_S = 1_000_000_000


def encode_grasp(grasp: GraspTrajectory) -> Fields:
    """Fields of a GraspTrajectory message."""
    return {
        "id": grasp.id,
        "robot": grasp.robot,
        "object": grasp.object,
        "object_in_base": encode_pose(grasp.object_in_base),
        "approach": _waypoints(grasp.approach),
        "hand_joints": list(grasp.close.joints),
        "preshape": as_floats(grasp.close.preshape),
        "close_positions": as_floats(grasp.close.positions),
        "close_force": float(grasp.close.force),
        "close_duration": encode_time(to_ns(grasp.close.duration_s)),
        "lift": _waypoints(grasp.lift),
        "hold_duration": encode_time(to_ns(grasp.hold_s)),
        "provenance": _key_values(grasp.provenance),
    }


def encode_score(score: GraspScore) -> Fields:
    """Fields of a GraspScore message."""
    return {
        "grasp_id": score.grasp_id,
        "nominal_success": score.nominal_success,
        "nominal_outcome": encode_outcome(score.nominal_outcome),
        "fitness": [
            encode_fitness(score.fitness[criterion])
            for criterion in Criterion
            if criterion in score.fitness
        ],
        "failures": [
            {"reason": encode_outcome(reason), "count": score.failures[reason]}
            for reason in sorted(score.failures)
        ],
        "collisions": [encode_collision(collision) for collision in score.collisions],
        "seed": score.seed,
        "profile": score.profile,
        "software_version": score.software_version,
        "whole": score.whole,
        "models": _key_values(score.models),
        "transfer_probability": (
            math.nan if score.transfer_probability is None else score.transfer_probability
        ),
        "engine": score.engine.value,
        "metrics": [
            {"name": metric.value, "value": score.metrics[metric]}
            for metric in Metric
            if metric in score.metrics
        ],
    }


def encode_collision(collision: Collision) -> Fields:
    """Fields of a Collision message."""
    return {
        "criterion": "" if collision.criterion is None else collision.criterion.value,
        "outcome": encode_outcome(collision.outcome),
        "first": collision.links.first,
        "second": collision.links.second,
        "count": collision.count,
    }


def encode_fitness(fitness: Fitness) -> Fields:
    """Fields of a Fitness message."""
    low, high = fitness.interval
    return {
        "criterion": fitness.criterion.value,
        "successes": fitness.successes,
        "trials": fitness.trials,
        "value": fitness.value,
        "low": low,
        "high": high,
        "sequential": fitness.sequential,
    }


def encode_selection(selection: Selection) -> Fields:
    """Fields of a Selection message."""
    return {
        **asdict(selection),
        "criterion": selection.criterion.value,
        "chosen": list(selection.chosen),
    }


def encode_attempt(attempt: GraspAttempt) -> Fields:
    """Fields of a GraspAttempt message."""
    return {
        "stamp": encode_time(attempt.stamp_ns),
        "attempt_id": attempt.attempt_id,
        "robot": attempt.robot,
        "backend": attempt.backend,
        "seed": attempt.seed,
        "attempt_index": attempt.attempt_index,
        "grasp": encode_grasp(attempt.grasp),
        "score": [] if attempt.score is None else [encode_score(attempt.score)],
        "outcome": encode_outcome(attempt.outcome),
        "reason": attempt.reason,
        "commanded": _waypoints(attempt.commanded),
        "measured": _waypoints(attempt.measured),
        "gripper_opening": math.nan if attempt.gripper_opening is None else attempt.gripper_opening,
        "object_before": [encode_pose(pose) for pose in (attempt.object_before,) if pose],
        "object_after": [encode_pose(pose) for pose in (attempt.object_after,) if pose],
        "backend_profile": attempt.backend_profile,
        "models": _key_values(attempt.models),
        "software_version": attempt.software_version,
        "backend_engine": attempt.backend_engine,
    }


def encode_begun(attempt: GraspAttempt) -> Fields:
    """Fields of an AttemptBegun message."""
    return {"attempt": encode_attempt(attempt)}


def encode_report(report: OutcomeReport) -> Fields:
    """Fields of an OutcomeReport message."""
    return {
        "stamp": encode_time(report.stamp_ns),
        "attempt_id": report.attempt_id,
        "outcome": encode_outcome(report.outcome),
        "reason": report.reason,
        "reporter": report.reporter,
    }


def encode_outcome(outcome: Outcome) -> Fields:
    """Fields of an Outcome message."""
    return {"value": int(outcome)}


def encode_joint_state(stamp_ns: int, joints: Sequence[str], positions: Any) -> Fields:
    """Fields of a sensor_msgs/JointState with positions only.

    Args:
        stamp_ns: Time of the positions, nanoseconds since the epoch.
        joints: Names of the n joints.
        positions: Shape (n,), positions of the joints [rad or m].
    """
    return {
        "header": {"stamp": encode_time(stamp_ns), "frame_id": ""},
        "name": list(joints),
        "position": as_floats(positions),
        "velocity": [],
        "effort": [],
    }


def _key_values(mapping: Mapping[str, str]) -> list[Fields]:
    return [{"key": key, "value": value} for key, value in sorted(mapping.items())]


def encode_pose(pose: Pose) -> Fields:
    """Fields of a geometry_msgs/Pose."""
    return {
        "position": dict(zip("xyz", as_floats(pose.position), strict=True)),
        "orientation": dict(zip("xyzw", as_floats(pose.quaternion_xyzw), strict=True)),
    }


def _waypoints(waypoints: Waypoints | None) -> Fields:
    # A trajectory_msgs/JointTrajectory with positions only; without points for None.
    timed = zip(waypoints.times_s, waypoints.positions, strict=True) if waypoints else ()
    return {
        "header": {"stamp": encode_time(0), "frame_id": ""},
        "joint_names": list(waypoints.joints) if waypoints else [],
        "points": [
            {
                "positions": as_floats(positions),
                "velocities": [],
                "accelerations": [],
                "effort": [],
                "time_from_start": encode_time(to_ns(time_s)),
            }
            for time_s, positions in timed
        ],
    }


def encode_time(time_ns: int) -> Fields:
    """Fields of a builtin_interfaces/Time or Duration."""
    sec, nanosec = divmod(int(time_ns), NS_PER_S)
    return {"sec": sec, "nanosec": nanosec}


def to_ns(time_s: float) -> int:
    """Convert seconds to nanoseconds, rounded to a whole number."""
    return round(float(time_s) * NS_PER_S)
