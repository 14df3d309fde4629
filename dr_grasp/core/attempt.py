"""Attempts to execute a grasp on an arm or on the twin, and operators' reports on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dr_grasp.core.fitness import GraspScore
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.texts import check_entries, check_name, check_text
from dr_grasp.core.trajectory import GraspTrajectory, Waypoints

TWIN = "twin"
"""Name of the backend that is the twin."""


@dataclass(frozen=True, slots=True)
class GraspAttempt:
    """One execution of a grasp on an arm or on the twin; by default as before it begins.

    Attributes:
        attempt_id: Id of the attempt, unique among all attempts.
        stamp_ns: Wall-clock time when the attempt began, in nanoseconds since the epoch.
        backend: Name of the backend that executed the grasp, e.g. "twin".
        seed: Seed of the backend's own noise; 0 on a real arm.
        attempt_index: Index of the attempt among those with the same seed, from 0.
        grasp: The grasp that was sent.
        score: The score by which the grasp was chosen; None if it has no score.
        outcome: The outcome as the backend judged it.
        reason: Why the attempt ended with this outcome, in one line.
        commanded: Commanded arm and hand positions over the attempt; None if nothing moved.
        measured: Measured arm and hand positions over the attempt; None if nothing was measured.
        gripper_opening: Mean position of the hand joints after the lift [rad or m], if known.
        object_before: Object's pose in the base frame before the attempt, if known.
        object_after: Object's pose in the base frame at the end of the attempt, if known.
        backend_profile: Name of the twin's profile; empty on a real arm.
        models: Fingerprints of the "robot", "object" and "twin" of the attempt, and of the settings
            of the "twin_engine" if it is not MuJoCo; and the kind of "processor".
        software_version: Versions of dr_grasp and of the backend's engine.
        backend_engine: Name of the engine in which the twin ran; empty on a real arm.
    """

    attempt_id: str
    stamp_ns: int
    backend: str
    seed: int
    attempt_index: int
    grasp: GraspTrajectory
    score: GraspScore | None
    outcome: Outcome = Outcome.UNKNOWN
    reason: str = ""
    commanded: Waypoints | None = None
    measured: Waypoints | None = None
    gripper_opening: float | None = None
    object_before: Pose | None = None
    object_after: Pose | None = None
    backend_profile: str = ""
    models: Mapping[str, str] = field(default_factory=dict)
    software_version: str = ""
    backend_engine: str = ""

    def __post_init__(self) -> None:
        """Check the texts.

        Raises:
            InvalidGraspError: A name or text is too long, or no Unicode.
        """
        for name in ("attempt_id", "backend", "backend_profile", "backend_engine"):
            check_name(name, getattr(self, name))
        for name in ("reason", "software_version"):
            check_text(name, getattr(self, name))
        check_entries("models", self.models)

    @property
    def robot(self) -> str:
        """Name of the robot."""
        return self.grasp.robot


@dataclass(frozen=True, slots=True)
class OutcomeReport:
    """An operator's report on an attempt; the backend's outcome is kept beside it.

    Attributes:
        attempt_id: Id of the attempt.
        stamp_ns: Wall-clock time of the report, in nanoseconds since the epoch.
        outcome: The outcome that the operator saw.
        reason: Why the attempt ended with this outcome, in one line; may be empty.
        reporter: Name of the operator.
    """

    attempt_id: str
    stamp_ns: int
    outcome: Outcome
    reason: str
    reporter: str

    def __post_init__(self) -> None:
        """Check the texts.

        Raises:
            InvalidGraspError: A name or text is too long, or no Unicode.
        """
        for name in ("attempt_id", "reporter"):
            check_name(name, getattr(self, name))
        check_text("reason", self.reason)
