"""Writes grips as vectors of numbers in [0, 1], which a search draws and changes at random."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.spatial.transform import Rotation

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.generation.antipodal import STEEPEST_RAD
from dr_grasp.generation.archive import neighbourhood
from dr_grasp.generation.proposal import Proposal
from dr_grasp.objects.object_spec import ObjectSpec
from dr_grasp.robots.robot_spec import RobotSpec

ROLL = 5
"""Index of the gene for the roll, a full turn: 0 and 1 mean the same angle."""

SELECTOR = 7
"""Index of the gene that selects the synergy, present if the robot has several."""

DOWN = Rotation.from_euler("x", np.pi)
"""Rotation in the base frame of a grip frame with its approach, z, straight down."""

TILT_RAD = STEEPEST_RAD
"""Largest angle of the approach from straight down, about each of two axes."""

LEAST_OPENING = 0.3
"""Smallest opening of the hand before it closes: 1 is fully open, 0 is closed."""

SIGMA = 0.05
"""Standard deviation of a mutation, as a share of the gene's range.

Among 0.03, 0.05, 0.1 and 0.2, it found the most distinct grasps, and as much surface as 0.03.
"""

SELECTOR_RATE = 0.15
"""Probability that a mutation draws the synergy's gene anew."""


class GenomeSpace:
    """Genomes for one robot and one object.

    The genes are the grip's position in the object's neighbourhood (three), the approach as
    rotations about the base's x and then y axis from straight down (two), the roll about the
    approach, the opening of the hand and, where the robot has several, the synergy.
    """

    def __init__(self, robot: RobotSpec, item: ObjectSpec, object_in_base: Pose) -> None:
        """Set the ranges of the genes.

        Args:
            robot: The robot; its synergies can be selected.
            item: The object; positions of grips lie in its neighbourhood.
            object_in_base: Pose of the object, since approaches come from above.
        """
        self._synergies = [synergy.name for synergy in robot.synergies]
        self._low, self._high = neighbourhood(item)
        self._object_in_base = object_in_base
        self._base_in_object = object_in_base.inverse()
        self.length = SELECTOR + (len(self._synergies) > 1)

    def random(self, count: int, rng: np.random.Generator) -> FloatArray:
        """Draw genomes uniformly, shape (count, d)."""
        return rng.uniform(size=(count, self.length))

    def mutated(self, genomes: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Add normal noise to genomes, shape (n, d); reflect values outside [0, 1] into it."""
        moved = genomes + SIGMA * rng.standard_normal(genomes.shape)
        mutated = 1.0 - np.abs(1.0 - moved % 2.0)
        mutated[:, ROLL] = moved[:, ROLL] % 1.0
        anew = rng.random(len(genomes)) < SELECTOR_RATE
        drawn = rng.random(genomes[:, SELECTOR:].shape)
        mutated[:, SELECTOR:] = np.where(anew[:, None], drawn, genomes[:, SELECTOR:])
        return mutated

    def decode(
        self, genome: FloatArray, index: int, provenance: Mapping[str, str] | None = None
    ) -> Proposal:
        """Make the proposal that a genome describes.

        Args:
            genome: Genes in [0, 1], shape (d,).
            index: Number of the proposal in its search, from 0.
            provenance: Entries for the grasp's provenance; None for no entries.
        """
        about_x, about_y = TILT_RAD * (2.0 * genome[3:5] - 1.0)
        roll = np.pi * (2.0 * genome[ROLL] - 1.0)
        turn_in_base = _tilted(about_x, about_y) * Rotation.from_euler("z", roll)
        turn = self._base_in_object.rotation * turn_in_base
        selector = int(genome[SELECTOR] * len(self._synergies)) if self.length > SELECTOR else 0
        return Proposal(
            index,
            Pose(frozen(self._low + genome[:3] * (self._high - self._low)), frozen(turn.as_quat())),
            self._synergies[min(selector, len(self._synergies) - 1)],
            LEAST_OPENING + float(genome[6]) * (1.0 - LEAST_OPENING),
            provenance=provenance or {},
        )

    def encode(self, proposal: Proposal) -> FloatArray:
        """The genome nearest to a proposal, shape (d,); exact if the grip is within the ranges."""
        grip = proposal.grip_in_object
        genome = np.empty(self.length)
        genome[:3] = (grip.position - self._low) / (self._high - self._low)
        turn = self._object_in_base.rotation * grip.rotation
        approach = turn.apply([0.0, 0.0, 1.0])
        about_x = np.arcsin(np.clip(approach[1], -1.0, 1.0))
        about_y = np.arctan2(-approach[0], -approach[2])
        genome[3:5] = (np.array([about_x, about_y]) / TILT_RAD + 1.0) / 2.0
        rolled = (_tilted(about_x, about_y).inv() * turn).as_matrix()
        genome[ROLL] = (np.arctan2(rolled[1, 0], rolled[0, 0]) / np.pi + 1.0) / 2.0
        genome[6] = (proposal.opening - LEAST_OPENING) / (1.0 - LEAST_OPENING)
        if self.length > SELECTOR:
            place = self._synergies.index(proposal.synergy)
            genome[SELECTOR] = (place + 0.5) / len(self._synergies)
        return np.clip(genome, 0.0, 1.0)


def _tilted(about_x: float, about_y: float) -> Rotation:
    """Rotation of a grip frame without roll in the base frame: first about x, then about y."""
    return Rotation.from_euler("xy", [about_x, about_y]) * DOWN
