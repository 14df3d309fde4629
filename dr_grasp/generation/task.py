"""What a search is asked, when it ends, and what it has found."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dr_grasp.core.perturbation import Criterion, Profile
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import SettingsError, UnknownNameError
from dr_grasp.formats.grasp_file import grasp_to_dict
from dr_grasp.objects.object_spec import load_object
from dr_grasp.provenance.fingerprint import fingerprint
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.scoring.request import MOST_TRIALS
from dr_grasp.scoring.tally import software_version

SAMPLER = "sampler"
ME_SCS = "me-scs"
ME_FIT = "me-fit"
METHODS = (SAMPLER, ME_SCS, ME_FIT)
"""Names of the methods of search."""

CANDIDATES_PER_GRASP = 200
"""A search that needs more candidates for each success gives up."""


@dataclass(frozen=True, slots=True)
class FitnessSettings:
    """The fitness that me-fit maximises.

    Attributes:
        criterion: What is doubted.
        profile: The noises.
        trials: Rollouts of a grasp.
    """

    criterion: Criterion
    profile: Profile
    trials: int = 20

    def __post_init__(self) -> None:
        """Check the number.

        Raises:
            SettingsError: No trial, or too many.
        """
        if not 1 <= self.trials <= MOST_TRIALS:
            raise SettingsError(f"trials: expected from 1 to {MOST_TRIALS}, got {self.trials}")


@dataclass(frozen=True, slots=True)
class Task:
    """What is searched for, and how: all that decides what is found.

    Attributes:
        robot: Robot name.
        object: Object name.
        method: One of `METHODS`.
        seed: Same seed, same grasps; at least 0.
        fitness: What is maximised; None for steadiness.
        start: Grasps to begin from, of this robot and this object.
    """

    robot: str
    object: str
    method: str
    seed: int = 0
    fitness: FitnessSettings | None = None
    start: tuple[GraspTrajectory, ...] = ()

    def __post_init__(self) -> None:
        """Check the method, the seed and the start.

        Raises:
            UnknownNameError: There is no such method.
            SettingsError: The seed is negative, or the method begins from no grasps.
        """
        if self.method not in METHODS:
            raise UnknownNameError("method", self.method, METHODS)
        if self.start and self.method == SAMPLER:
            raise SettingsError(
                f"start: only {ME_SCS} and {ME_FIT} begin from grasps, got {self.method}"
            )
        if self.seed < 0:
            raise SettingsError(f"seed: expected at least 0, got {self.seed}")

    def described(self) -> dict[str, Any]:
        """As plain data; two tasks that read the same find the same.

        Raises:
            DrGraspError: The robot or the object cannot be loaded.
        """
        fitness = self.fitness
        start = json.dumps([grasp_to_dict(grasp) for grasp in self.start])
        return {
            "robot": self.robot,
            "object": self.object,
            "method": self.method,
            "seed": self.seed,
            "fitness": None if fitness is None else fitness.criterion.value,
            "trials": None if fitness is None else fitness.trials,
            "profile": None if fitness is None else fitness.profile.name,
            "robot_fingerprint": fingerprint(load_robot(self.robot)),
            "object_fingerprint": fingerprint(load_object(self.object)),
            "profile_fingerprint": None if fitness is None else fingerprint(fitness.profile),
            "start": hashlib.sha256(start.encode()).hexdigest() if self.start else None,
            "software_version": software_version(),
        }


@dataclass(frozen=True, slots=True)
class Limits:
    """When a search ends; whichever comes first.

    Attributes:
        evaluations: Proposals tried.
        count: Distinct grasps found, looked at after each batch; no more are given.
    """

    evaluations: int | None = None
    count: int | None = None

    def __post_init__(self) -> None:
        """Check that it ends.

        Raises:
            SettingsError: No limit, or one below 1.
        """
        if self.evaluations is None and self.count is None:
            raise SettingsError("evaluations: expected a number where there is no count")
        for name in ("evaluations", "count"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise SettingsError(f"{name}: expected at least 1, got {value}")

    @property
    def most(self) -> int:
        """Proposals tried at most: with a count alone, a search gives up some time."""
        if self.evaluations is not None:
            return self.evaluations
        return CANDIDATES_PER_GRASP * (self.count or 1)


@dataclass(frozen=True, slots=True)
class Findings:
    """What a search has found, so far or in the end.

    Attributes:
        grasps: Those asked for of the distinct ones; none before the end.
        evaluations: Proposals tried, those that the journal knew included.
        simulated: How many of them the arm can do.
        successes: How many of them hold undisturbed.
        failures: Why the others came to nothing: how many proposals by reason, most first.
        distinct: How many successes differ from each other, see `distinct`.
        coverage: See `TouchArchive.coverage`.
        seconds: Time that this run took.
        fresh: Proposals tried in this run.
        interrupted: Whether it was cancelled.
    """

    grasps: tuple[GraspTrajectory, ...] = ()
    evaluations: int = 0
    simulated: int = 0
    successes: int = 0
    failures: Mapping[str, int] = field(default_factory=dict)
    distinct: int = 0
    coverage: float = 0.0
    seconds: float = 0.0
    fresh: int = 0
    interrupted: bool = False

    @property
    def rate(self) -> float:
        """Evaluations per second of this run."""
        return self.fresh / self.seconds if self.seconds > 0 else 0.0
