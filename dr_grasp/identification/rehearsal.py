"""Repeats attempts in many simulated worlds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dr_grasp.core.arrays import FloatArray
from dr_grasp.core.engine import Engine
from dr_grasp.core.geometry import Pose
from dr_grasp.core.noise import ObjectPoseNoise
from dr_grasp.core.perturbation import Perturbation, misplaced
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.identification.replica import Replayed, Replica, Run, seen_at
from dr_grasp.identification.worlds import Space

Base = Callable[[np.random.Generator], Perturbation]
"""Draws a world's errors of control, as far as they are known: delay, lag, joint zeros."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Grasps to repeat, and how.

    Attributes:
        grasps: The executed grasp of each attempt.
        places: Where the object stood before each attempt; None where that is not known.
        noise: The noise from which unknown places are drawn.
        space: The parameters of worlds.
        base: Draws each world's errors of control.
        engine: The engine that simulates.
        run: Simulates replicas.
    """

    grasps: tuple[GraspTrajectory, ...]
    places: tuple[Pose | None, ...]
    noise: ObjectPoseNoise
    space: Space
    base: Base
    engine: Engine
    run: Run

    def simulate(
        self, worlds: FloatArray, first: int, seed: int, same_base: bool = False
    ) -> list[list[Replayed]]:
        """Simulate every attempt in every world.

        Args:
            worlds: Shape (worlds, n), coordinates of each world.
            first: Number of the first world, on which with the seed all depends that is drawn.
            seed: Seed of errors of control and of unknown places.
            same_base: Whether all worlds have the same errors of control and unknown places (common
                random numbers), so that only contact tells them apart.

        Returns:
            For each attempt, what came of it in each world.
        """
        replicas = []
        for attempt, (grasp, place) in enumerate(zip(self.grasps, self.places, strict=True)):
            for number, world in enumerate(worlds, first):
                drawn = first if same_base else number
                base = self.base(np.random.default_rng(np.random.SeedSequence([seed, drawn])))
                contact = self.space.perturbation(base, world, grasp.object)
                # A key, since [seed, drawn, 0] would be the stream of [seed, drawn].
                own = np.random.SeedSequence([seed, drawn], spawn_key=(attempt,))
                rng = np.random.default_rng(own)
                if place is None:
                    standing = misplaced(contact, self.noise, rng)
                else:
                    standing = seen_at(contact, grasp, place)
                replicas.append(Replica(attempt, number, grasp, standing, self.engine))
        ended = list(self.run(replicas))
        size = len(worlds)
        return [ended[start : start + size] for start in range(0, len(ended), size)]
