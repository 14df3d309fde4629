"""What is tried, chosen before anything was: arms, objects, generators, noise, laboratories.

The work goes in rounds. A round has one grasp of each source, on each object, for each arm; their
labels in each engine; and attempts of each grasp in each laboratory of each twin. So a study that
ends early is cut evenly, and one that goes on adds rounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from dr_grasp.core.engine import Engine
from dr_grasp.generation.task import ME_SCS, SAMPLER

IMPORT = "import"


@dataclass(frozen=True, slots=True)
class Source:
    """Where grasps come from.

    Attributes:
        method: A search method, or `IMPORT`.
        engine: The engine in which the grasps hold undisturbed; None for any of `ENGINES`.
    """

    method: str
    engine: Engine | None

    @property
    def name(self) -> str:
        """Name of the source's files."""
        return self.method if self.engine is None else f"{self.method}_{self.engine.value}"


ENGINES = (Engine.BULLET, Engine.MUJOCO)
"""The engines whose labels are compared."""

SOURCES = (
    Source(SAMPLER, Engine.BULLET),
    Source(SAMPLER, Engine.MUJOCO),
    Source(ME_SCS, Engine.BULLET),
    Source(ME_SCS, Engine.MUJOCO),
    Source(IMPORT, None),
)
"""Half of what a search finds is found in either engine, so that neither is favoured by the grasps
on which it is judged."""

OBJECTS = ("mug", "box", "cylinder", "procedural_000", "procedural_001")

LABORATORIES = (20231017, 20260101)
"""Seeds of a twin's hidden parameters; the first is that of the profiles in config/twin."""


class Step(Enum):
    """What is made of the grasps of a round, on one object for one arm; in this order.

    OPTIMISED and its attempts are no part of a round, and come after the rounds.
    """

    LABELS = "labels"
    METRICS = "metrics"
    ATTEMPTS = "attempts"
    OPTIMISED = "optimised"


@dataclass(frozen=True, slots=True)
class Plan:
    """The study.

    Attributes:
        out: Folder in which everything is kept.
        arms: Names of the robots.
        objects: Names of the objects.
        twins: Names of the twins' profiles, one for each engine that plays the real world.
        rounds: Number of rounds: 8 make 40 grasps an object.
        trials: Rollouts of each criterion in each engine.
        attempts: Attempts of each grasp in each laboratory of each twin.
        seed: Seed of searches, perturbations and perception's errors.
        profile: Randomisation profile of the labels.
    """

    out: Path
    arms: tuple[str, ...]
    objects: tuple[str, ...]
    twins: tuple[str, ...]
    rounds: int
    trials: int
    attempts: int
    seed: int
    profile: str

    def folder(self, arm: str, obj: str) -> Path:
        """Folder of the grasps of an arm and an object."""
        return self.out / arm / obj

    def round_folder(self, number: int, arm: str, obj: str) -> Path:
        """Folder of the labels, metrics and attempts of a round."""
        return self.folder(arm, obj) / f"round_{number}"


def bag_name(twin: str, laboratory: int) -> str:
    """Name of the folder of a bag."""
    return f"bag_{twin}_{laboratory}"
