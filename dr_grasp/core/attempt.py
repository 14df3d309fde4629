"""What really happened: an attempt on an arm or on the twin, and words said about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dr_grasp.core.fitness import GraspScore
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.core.waypoints import Waypoints


@dataclass(frozen=True, slots=True)
class GraspAttempt:
    """One execution of a grasp.

    Attributes:
        attempt_id: Unique.
        stamp_ns: Wall clock when it began, nanoseconds since the epoch.
        backend: What executed it, e.g. "twin".
        seed: Seed of the backend's own noise; 0 on a real arm.
        attempt_index: Number of this attempt under that seed.
        grasp: What was sent.
        score: The score it was chosen by, if any.
        outcome: As the backend judged it.
        reason: One line in words.
        commanded: Arm and hand as commanded, seconds from the beginning; None if nothing moved.
        measured: Arm and hand as measured, likewise.
        gripper_opening: Mean position of the hand joints after the lift [rad or m], if known.
        object_before: Object in the base frame before the attempt, if known.
        object_after: Object in the base frame at its end, if known.
        backend_profile: Name of the twin's profile; empty on a real arm.
        models: What names stood for: fingerprints of "robot", "object" and "twin", and the
            "processor".
        software_version: Of dr_grasp and of the backend's engine.
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

    __hash__ = None  # type: ignore[assignment]

    @property
    def robot(self) -> str:
        """Name of the robot."""
        return self.grasp.robot


@dataclass(frozen=True, slots=True)
class OutcomeReport:
    """Somebody's word on an attempt; it stands beside the backend's and never replaces it.

    Attributes:
        attempt_id: The attempt it is about.
        stamp_ns: Wall clock when it was said, nanoseconds since the epoch.
        outcome: What they say.
        reason: One line in words, may be empty.
        reporter: Who says so.
    """

    attempt_id: str
    stamp_ns: int
    outcome: Outcome
    reason: str
    reporter: str
