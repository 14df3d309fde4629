"""What is compared of attempts: whether they held, and how the object then lay in the hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from dr_grasp.core.arrays import BoolArray, FloatArray, IntArray
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.identification.evidence import Evidence
from dr_grasp.identification.replica import Replayed

POSITION_SCALE_M = 0.005
"""Differences of position beyond this count by their logarithm [m]: of an object that has begun to
slide or to swing, nobody can predict where it stops."""

ROTATION_SCALE_RAD = 0.1
"""The same of rotations [rad]."""

OPENING_SCALE = 0.001
"""The same of the hand's opening [m or rad]."""

FEATURES = 7
"""Number of features: differences of position (3), rotation (3) and opening (1) at the end."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """Outcomes of the attempts in one or more worlds.

    Attributes:
        held: Shape (attempts, worlds), whether the grasp held.
        features: Shape (attempts, worlds, `FEATURES`), how the object lay at the end, relative to a
            reference that is the same in all worlds; NaN where unknown or not held.
    """

    held: BoolArray
    features: FloatArray

    def __getitem__(self, worlds: IntArray) -> Outcomes:
        """The outcomes in some of the worlds."""
        return Outcomes(self.held[:, worlds], self.features[:, worlds])


@dataclass(frozen=True, slots=True)
class Group:
    """The attempts of one grasp.

    Attributes:
        grasp: The grasp.
        attempts: Their places in the evidence.
    """

    grasp: GraspTrajectory
    attempts: tuple[int, ...]


def groups_of(grasps: Sequence[GraspTrajectory]) -> tuple[Group, ...]:
    """Put attempts of the same grasp together; grasps are the same if their motion is."""
    found: list[Group] = []
    for place, grasp in enumerate(grasps):
        for number, group in enumerate(found):
            if group.grasp == grasp:
                found[number] = Group(grasp, (*group.attempts, place))
                break
        else:
            found.append(Group(grasp, (place,)))
    return tuple(found)


def compare(
    evidence: Evidence, replayed: Sequence[Sequence[Replayed]]
) -> tuple[Outcomes, Outcomes]:
    """Make numbers of what happened and of what was simulated.

    Args:
        evidence: The attempts.
        replayed: For each attempt, what came of it in each world.

    Returns:
        The real outcomes, in one world, and the simulated ones. Of these, only features that the
        laboratory recorded are known: a simulated world that is taken for the real one must not
        tell more than that does.
    """
    simulated = simulated_outcomes(replayed)
    real_features = np.full((len(evidence.attempts), 1, FEATURES), np.nan)
    for place, (tried, row) in enumerate(zip(evidence.attempts, replayed, strict=True)):
        reference = _reference(row)
        if tried.held and reference is not None:
            attempt = tried.attempt
            real_features[place, 0] = _features(
                attempt.object_after, attempt.gripper_opening, reference
            )
    held = np.array([[tried.held] for tried in evidence.attempts], dtype=np.bool_)
    recorded = _recorded(evidence)[:, None, :]
    known = np.where(recorded, simulated.features, np.nan)
    return Outcomes(held, real_features), Outcomes(simulated.held, known)


def _recorded(evidence: Evidence) -> BoolArray:
    """Which features the laboratory records of each attempt that holds, (attempts, `FEATURES`).

    Of an attempt that did not hold, that is not known: it would have had what any other has.
    """
    recorded = np.array(
        [
            [tried.attempt.object_after is not None] * (FEATURES - 1)
            + [tried.attempt.gripper_opening is not None]
            for tried in evidence.attempts
        ],
        dtype=np.bool_,
    )
    held = np.array([tried.held for tried in evidence.attempts], dtype=np.bool_)
    recorded[~held] = recorded[held].any(axis=0) if held.any() else True
    return recorded


def simulated_outcomes(replayed: Sequence[Sequence[Replayed]]) -> Outcomes:
    """Make numbers of what was simulated: for each attempt, what came of it in each world."""
    held = np.array([[_is_held(one) for one in row] for row in replayed], dtype=np.bool_)
    features = np.full((*held.shape, FEATURES), np.nan)
    for place, row in enumerate(replayed):
        reference = _reference(row)
        if reference is None:
            continue
        for world, one in enumerate(row):
            if held[place, world]:
                features[place, world] = _features(one.object_after, one.gripper_opening, reference)
    return Outcomes(held, features)


def _is_held(replayed: Replayed) -> bool:
    return replayed.outcome is Outcome.SUCCESS and replayed.object_after is not None


def _reference(row: Sequence[Replayed]) -> Replayed | None:
    """The held rollout whose object ended nearest to the median of all; None without any."""
    held = [one for one in row if _is_held(one)]
    places = np.array([one.object_after.position for one in held if one.object_after is not None])
    if not held:
        return None
    return held[int(np.argmin(np.linalg.norm(places - np.median(places, axis=0), axis=1)))]


def _features(after: Pose | None, opening: float | None, reference: Replayed) -> FloatArray:
    """Differences from a reference, each in units of its scale and compressed beyond it."""
    values = np.full(FEATURES, np.nan)
    expected = reference.object_after
    if after is not None and expected is not None:
        turn: Rotation = after.rotation * expected.rotation.inv()
        values[:3] = (after.position - expected.position) / POSITION_SCALE_M
        values[3:6] = turn.as_rotvec() / ROTATION_SCALE_RAD
    if opening is not None and reference.gripper_opening is not None:
        values[6] = (opening - reference.gripper_opening) / OPENING_SCALE
    return np.asarray(np.arcsinh(values))
