"""What recorded attempts say about a laboratory: the attempts of one robot, from bags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from dr_grasp.core.attempt import GraspAttempt
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Outcome
from dr_grasp.provenance.fingerprint import grasp_fingerprint


@dataclass(frozen=True, slots=True, eq=False)
class Tried:
    """An attempt that tells something about its grasp.

    Attributes:
        attempt: The attempt as recorded.
        outcome: The outcome that counts: of the operator's latest report, or else the backend's.
        held: Whether the grasp held.
        bag: Path of the bag below the folder that was read.
    """

    attempt: GraspAttempt
    outcome: Outcome
    held: bool
    bag: str


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Attempts of one robot.

    Attributes:
        robot: Name of the robot.
        attempts: The attempts, by time; each id once.
        bags: Fingerprint of each bag by its path below the folder that was read.
        moved: Attempts that say nothing about their grasp, but in which the arm moved: joint motion
            is learnt from these, too.
        problems: What is wrong with bags, and what was not read, in one line each.
    """

    robot: str
    attempts: tuple[Tried, ...]
    bags: Mapping[str, str]
    moved: tuple[GraspAttempt, ...] = field(default=())
    problems: tuple[str, ...] = ()

    @property
    def objects(self) -> tuple[str, ...]:
        """Names of the objects, sorted."""
        return tuple(sorted({tried.attempt.grasp.object for tried in self.attempts}))


SAME_M = SAME_RAD = 1e-7
"""A pose nearer than this to what was believed is the belief itself: a file or a message repeats
the number, and no camera measures so well [m, rad]."""


def measured_place(attempt: GraspAttempt) -> Pose | None:
    """Where the object really stood before an attempt; None if nobody measured that.

    A robot that repeats what it believed has measured nothing.
    """
    believed, real = attempt.grasp.object_in_base, attempt.object_before
    if real is None:
        return None
    shift = np.abs(real.position - believed.position).max()
    turn = (real.rotation * believed.rotation.inv()).magnitude()
    return None if shift < SAME_M and turn < SAME_RAD else real


def varied(attempts: Iterable[GraspAttempt], most: int) -> dict[str, list[GraspAttempt]]:
    """Choose attempts of as many grasps as possible, and of each grasp as equally many.

    Args:
        attempts: The attempts.
        most: Most attempts to choose.

    Returns:
        The attempts by their grasp's fingerprint: repeated attempts of one grasp have much in
        common, so they are no independent evidence.
    """
    by_grasp: dict[str, list[GraspAttempt]] = {}
    for attempt in attempts:
        by_grasp.setdefault(grasp_fingerprint(attempt.grasp), []).append(attempt)
    chosen: dict[str, list[GraspAttempt]] = {}
    for number in range(max(map(len, by_grasp.values()), default=0)):
        for grasp, repeated in by_grasp.items():
            if number < len(repeated) and most > 0:
                chosen.setdefault(grasp, []).append(repeated[number])
                most -= 1
    return chosen
