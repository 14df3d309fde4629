"""What has changed since a grasp was scored: its score says nothing of what is there now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dr_grasp.common.resources import user_directory
from dr_grasp.core.fitness import GraspScore
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import DrGraspError
from dr_grasp.objects.object_spec import load_object
from dr_grasp.provenance.fingerprint import OBJECT, PROFILE, ROBOT, models_of
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.scoring.profiles import PROFILES, load_profile

UNSAID = "the scores do not say with which robot, object and profile they were made: score again"


@dataclass(frozen=True, slots=True)
class Changes:
    """What has changed since scores were made.

    Attributes:
        differ: A line for each robot, object and profile with another fingerprint than then.
        unknown: A line for each thing that cannot be compared.
    """

    differ: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """All lines."""
        return self.differ + self.unknown

    @classmethod
    def of_all(cls, changes: Iterable[Changes]) -> Changes:
        """Changes of several scores, each line once."""
        differ: dict[str, None] = {}
        unknown: dict[str, None] = {}
        for change in changes:
            differ |= dict.fromkeys(change.differ)
            unknown |= dict.fromkeys(change.unknown)
        return cls(tuple(differ), tuple(unknown))


def changes_since_scored(
    grasp: GraspTrajectory, score: GraspScore | None, now: Mapping[str, str]
) -> Changes:
    """Compare the models that a grasp was scored with and those that it is executed with.

    Args:
        grasp: The grasp.
        score: Its score; None if there is none.
        now: Fingerprints of robot and object, by kind; see `dr_grasp.provenance.fingerprint`.
    """
    if score is None:
        return Changes()
    if not score.models:  # of a version before 0.3.0, or written by hand
        return Changes(unknown=(UNSAID,))
    named = {ROBOT: grasp.robot, OBJECT: grasp.object, PROFILE: score.profile}
    differ, unknown = [], []
    for kind, name in named.items():
        then = score.models.get(kind)
        if then is None:
            unknown.append(f"{kind} {name}: the scores do not say what it was")
            continue
        try:
            present = now[kind] if kind != PROFILE else _profile(name)
        except (KeyError, DrGraspError):  # a profile may be on the computer alone that scored
            folder = user_directory() / PROFILES
            where = f"; its file belongs in {folder}" if kind == PROFILE else ""
            unknown.append(
                f"{kind} {name}: scored with {then}, now there is none to compare with{where}"
            )
            continue
        if present != then:
            differ.append(f"{kind} {name}: scored with {then}, now {present}: score again")
    return Changes(tuple(differ), tuple(unknown))


def changes_before_execution(
    chosen: Iterable[tuple[GraspTrajectory, GraspScore | None]], robot: RobotSpec
) -> Changes:
    """Compare the models that grasps were scored with and those that they would be executed with.

    Args:
        chosen: Grasps with their scores.
        robot: The robot that would execute them.
    """
    found = []
    for grasp, score in chosen:
        try:
            now = models_of(robot=robot, object=load_object(grasp.object))
        except DrGraspError:  # then the grasp will not be executed, with that reason
            now = models_of(robot=robot)
        found.append(changes_since_scored(grasp, score, now))
    return Changes.of_all(found)


def _profile(name: str) -> str:
    return models_of(profile=load_profile(name))[PROFILE]
