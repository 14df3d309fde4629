"""The task of a search, its limits, and its findings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from dr_grasp.core.adr import Thresholds
from dr_grasp.core.arrays import as_floats
from dr_grasp.core.collisions import Collision
from dr_grasp.core.engine import Engine
from dr_grasp.core.geometry import Pose
from dr_grasp.core.perturbation import Criterion, Profile
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import SettingsError, UnknownNameError
from dr_grasp.formats.grasp_file import grasp_to_dict
from dr_grasp.generation.grown_ranges import GrownRanges
from dr_grasp.objects.object_spec import load_object
from dr_grasp.provenance.fingerprint import fingerprint
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.scoring.profiles import check_profile
from dr_grasp.scoring.request import MOST_TRIALS
from dr_grasp.scoring.tally import engine_asked, software_version
from dr_grasp.simulation.engine import check_single

SAMPLER = "sampler"
ME_SCS = "me-scs"
ME_FIT = "me-fit"
METHODS = (SAMPLER, ME_SCS, ME_FIT)
"""Names of the search methods."""

ADR = "adr"
"""Name of the fitness under ranges that grow with the success of the archive."""

CANDIDATES_PER_GRASP = 200
"""A search gives up if it needs more candidates than this for each success."""


@dataclass(frozen=True, slots=True)
class FitnessSettings:
    """The fitness that me-fit maximises.

    Attributes:
        criterion: Which quantities are perturbed.
        profile: Sizes of the perturbations.
        trials: Largest number of trials of a grasp.
        engines: A trial succeeds if its rollouts succeed in all of these engines; empty for that of
            the search alone.
        adr: When the ranges of errors grow that are added to the profile's; see
            `generation.curriculum`. None for the profile's errors alone.
    """

    criterion: Criterion
    profile: Profile
    trials: int = 20
    engines: tuple[Engine, ...] = ()
    adr: Thresholds | None = None

    def __post_init__(self) -> None:
        """Check the number of trials, the engines, and the criterion under growing ranges.

        Raises:
            SettingsError: There are no trials, or too many; or an engine is named twice, or
                simulates only many rollouts at a time; or ranges grow under another criterion
                than MDR.
        """
        if self.adr is not None and self.criterion is not Criterion.MDR:
            raise SettingsError(
                f"criterion: expected mdr where ranges grow, got {self.criterion.value}"
            )
        for engine in self.engines:
            check_single(engine)
        if len(set(self.engines)) != len(self.engines):
            named = ", ".join(engine.value for engine in self.engines)
            raise SettingsError(f"engines: expected each once, got {named}")
        if not 1 <= self.trials <= MOST_TRIALS:
            raise SettingsError(f"trials: expected from 1 to {MOST_TRIALS}, got {self.trials}")

    @property
    def name(self) -> str:
        """The name by which users select the fitness."""
        return self.criterion.value if self.adr is None else ADR


@dataclass(frozen=True, slots=True)
class Task:
    """Everything that decides which grasps a search finds.

    Attributes:
        robot: Name of the robot.
        object: Name of the object.
        method: Name of the search method, one of `METHODS`.
        seed: Seed of all random draws, at least 0. Same seed, same grasps.
        fitness: The fitness to maximise; None to maximise steadiness.
        start: Grasps to begin from, for this robot and this object.
        object_in_base: Where the object is said to stand; None for the robot's usual place.
        engine: The engine in which rollouts are simulated.
    """

    robot: str
    object: str
    method: str
    seed: int = 0
    fitness: FitnessSettings | None = None
    start: tuple[GraspTrajectory, ...] = ()
    object_in_base: Pose | None = None
    engine: Engine = Engine.BULLET

    def __post_init__(self) -> None:
        """Check the method, the seed, the grasps to begin from, and the engine.

        Raises:
            UnknownNameError: There is no such method.
            SettingsError: The seed is negative, the method cannot begin from grasps, the engine
                simulates only many rollouts at a time, or the profile is of another robot.
        """
        if self.method not in METHODS:
            raise UnknownNameError("method", self.method, METHODS)
        if self.start and self.method == SAMPLER:
            raise SettingsError(
                f"start: only {ME_SCS} and {ME_FIT} begin from grasps, got {self.method}"
            )
        if self.seed < 0:
            raise SettingsError(f"seed: expected at least 0, got {self.seed}")
        check_single(self.engine)
        if self.fitness is not None:
            check_profile(self.fitness.profile, load_robot(self.robot))

    def described(self) -> dict[str, Any]:
        """Describe the task as plain data; equal descriptions mean equal findings.

        Raises:
            DrGraspError: The robot or the object cannot be loaded.
        """
        fitness = self.fitness
        start = json.dumps([grasp_to_dict(grasp) for grasp in self.start])
        place = self.object_in_base
        # Absent by default, so that the journals of earlier versions are gone on with.
        standing = {} if place is None else {"object_in_base": as_floats(place.matrix)}
        adr = None if fitness is None else fitness.adr
        return {
            **standing,
            **({} if adr is None else {"thresholds": asdict(adr)}),
            "robot": self.robot,
            "object": self.object,
            "method": self.method,
            "seed": self.seed,
            "fitness": None if fitness is None else fitness.name,
            "trials": None if fitness is None else fitness.trials,
            "profile": None if fitness is None else fitness.profile.name,
            "robot_fingerprint": fingerprint(load_robot(self.robot)),
            "object_fingerprint": fingerprint(load_object(self.object)),
            "profile_fingerprint": None if fitness is None else fingerprint(fitness.profile),
            "start": hashlib.sha256(start.encode()).hexdigest() if self.start else None,
            "software_version": software_version(self.engine),
            **engine_asked(self.engine),
            "fitness_engines": self._fitness_engines(),
        }

    def _fitness_engines(self) -> list[dict[str, Any]] | None:
        """Engines of the fitness; None if it says none, as in journals of earlier versions."""
        engines = () if self.fitness is None else self.fitness.engines
        return [
            {**engine_asked(engine), "software_version": software_version(engine)}
            for engine in engines
        ] or None


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a search, which ends with the first that is reached.

    Attributes:
        evaluations: Largest number of proposals to try; None if `count` alone is the limit.
        count: Number of distinct grasps that ends the search after a batch; None for no limit.
    """

    evaluations: int | None = None
    count: int | None = None

    def __post_init__(self) -> None:
        """Check that the search ends.

        Raises:
            SettingsError: There is no limit, or a limit is below 1.
        """
        if self.evaluations is None and self.count is None:
            raise SettingsError("evaluations: expected a number where there is no count")
        for name in ("evaluations", "count"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise SettingsError(f"{name}: expected at least 1, got {value}")

    @property
    def most(self) -> int:
        """Largest number of proposals to try; with `count` alone, 200 for each wanted grasp."""
        if self.evaluations is not None:
            return self.evaluations
        return CANDIDATES_PER_GRASP * (self.count or 1)


@dataclass(frozen=True, slots=True)
class Findings:
    """Result of a search, during the search or at its end.

    Attributes:
        grasps: The distinct grasps, at most as many as the limit; empty before the end.
        evaluations: Number of proposals tried, with those in the journal of an earlier run.
        simulated: Number of tried proposals that the arm can execute.
        successes: Number of tried proposals that hold in the undisturbed rollout.
        failures: Number of failed proposals by reason, the most frequent reason first.
        collisions: Which links touched in the proposals that failed by a collision.
        distinct: Number of distinct successes; see `proposal.distinct`.
        coverage: Share of the surface's cells with a success; see `TouchArchive.coverage`.
        seconds: Duration of this run [s].
        fresh: Number of proposals tried in this run.
        interrupted: Whether the run was cancelled.
        ranges: The ranges that were added to the profile's errors, if any grow; else None.
    """

    grasps: tuple[GraspTrajectory, ...] = ()
    evaluations: int = 0
    simulated: int = 0
    successes: int = 0
    failures: Mapping[str, int] = field(default_factory=dict)
    collisions: tuple[Collision, ...] = ()
    distinct: int = 0
    coverage: float = 0.0
    seconds: float = 0.0
    fresh: int = 0
    interrupted: bool = False
    ranges: GrownRanges | None = None

    @property
    def rate(self) -> float:
        """Evaluations per second of this run."""
        return self.fresh / self.seconds if self.seconds > 0 else 0.0
