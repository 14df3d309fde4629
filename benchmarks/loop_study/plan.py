"""What is tried, chosen before anything was: laboratories, arms, objects, attempts.

In each laboratory an arm tries the same grasps of some objects. From these attempts a profile is
identified. Then it tries grasps of other objects, whose labels before and after are compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from transfer_study.plan import Plan as GraspPlan


@dataclass(frozen=True, slots=True)
class Laboratory:
    """A laboratory: a twin's profile, and the seed of its hidden parameters.

    Attributes:
        twin: Name of the twin's profile.
        seed: Seed of what is drawn once for each robot and object.
    """

    twin: str
    seed: int

    @property
    def name(self) -> str:
        """Name of the laboratory's folder."""
        return f"{self.twin}_{self.seed}"


LABORATORIES = (
    *(Laboratory("default", seed) for seed in (20231017, 20260101, 1, 2, 3)),
    Laboratory("slippery", 20231017),
    Laboratory("badly_calibrated", 20231017),
)

ARMS = ("franka", "baxter")

TRIED = ("mug", "box", "cylinder")
"""Objects whose attempts are learnt from."""

UNSEEN = ("procedural_000", "procedural_001")
"""Objects on which labels are judged."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The study.

    Attributes:
        out: Folder in which everything is kept.
        arms: Names of the robots.
        laboratories: The laboratories.
        tried: Names of the objects that are learnt from.
        unseen: Names of the objects on which labels are judged.
        attempts: Number of attempts on the objects of each of the two kinds.
        grasps: Number of grasps of each object.
        trials: Rollouts of MDR.
        worlds: Worlds in which identification simulates every attempt.
        method: Method of identification.
        seed: Seed of searches, perturbations, perception's errors and identification.
        profile: Randomisation profile to begin from.
    """

    out: Path
    arms: tuple[str, ...]
    laboratories: tuple[Laboratory, ...]
    tried: tuple[str, ...]
    unseen: tuple[str, ...]
    attempts: int
    grasps: int
    trials: int
    worlds: int
    method: str
    seed: int
    profile: str

    @property
    def grasp_plan(self) -> GraspPlan:
        """Where the grasps come from: the sources of the study of labels."""
        return GraspPlan(
            out=self.out / "grasps",
            arms=self.arms,
            objects=(*self.tried, *self.unseen),
            twins=(),
            rounds=self.grasps,
            trials=0,
            attempts=0,
            seed=self.seed,
            profile=self.profile,
        )
