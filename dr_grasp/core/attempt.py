"""What really happened: an attempt on an arm or on the twin, and what people say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dr_grasp.core.fitness import GraspScore
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.trajectory import GraspTrajectory, Waypoints


@dataclass(frozen=True, slots=True)
class GraspAttempt:
    """One execution of a grasp on an arm or on the twin.

    Attributes:
        attempt_id: Unique among all attempts.
        stamp_ns: Wall clock when it began, nanoseconds since the epoch.
        backend: What executed it, e.g. "twin".
        seed: Seed of the backend's own noise; 0 on a real arm.
        attempt_index: Number of this attempt under that seed, from 0.
        grasp: The grasp that was sent.
        score: The score it was chosen by, if any.
        outcome: The outcome as the backend judged it.
        reason: Why, in one line.
        commanded: Arm and hand as commanded, seconds from the beginning; None if nothing moved.
        measured: Arm and hand as measured, seconds from the beginning; None if nothing was.
        gripper_opening: Mean position of the hand joints after the lift [rad or m], if known.
        object_before: Object in the base frame before the attempt, if known.
        object_after: Object in the base frame at the end of the attempt, if known.
        backend_profile: Name of the twin's profile; empty on a real arm.
        models: What names stood for: fingerprints of "robot", "object" and "twin", and the
            "processor".
        software_version: Versions of dr_grasp and of the backend's engine.
    """

    attempt_id: str
    stamp_ns: int
    backend: str
    seed: int
    attempt_index: int
    grasp: GraspTrajectory
    score: GraspScore | None
    outcome: Outcome
    reason: str
    commanded: Waypoints | None
    measured: Waypoints | None
    gripper_opening: float | None
    object_before: Pose | None
    object_after: Pose | None
    backend_profile: str = ""
    models: Mapping[str, str] = field(default_factory=dict)
    software_version: str = ""

    @property
    def robot(self) -> str:
        """Name of the robot."""
        return self.grasp.robot


@dataclass(frozen=True, slots=True)
class OutcomeReport:
    """What a person says of an attempt; it stands beside the backend's outcome.

    Attributes:
        attempt_id: The attempt that it is about.
        stamp_ns: Wall clock when it was said, nanoseconds since the epoch.
        outcome: The outcome that they saw.
        reason: Why, in one line; may be empty.
        reporter: Name of the person.
    """

    attempt_id: str
    stamp_ns: int
    outcome: Outcome
    reason: str
    reporter: str
