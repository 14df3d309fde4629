"""MAP-Elites for grasps (Mouret and Clune 2015), with the selections of Huber et al. 2023.

J. Huber et al., "Quality Diversity under Sparse Reward and Sparse Interaction: Application to
Grasping in Robotics" (arXiv 2308.05483): parents are either drawn from the successes first
(ME-scs), or are the fittest (ME-fit).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from dr_grasp.core.arrays import FloatArray
from dr_grasp.generation.archive import TouchArchive
from dr_grasp.generation.genome import GenomeSpace
from dr_grasp.generation.proposal import Proposal


def select_parents(
    merits: FloatArray, count: int, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Draw parents by merit: the best first, chance among equals, none twice before all once.

    Args:
        merits: Shape (k,), of those to draw from.
        count: How many to draw.
        rng: Source of randomness.

    Returns:
        Shape (count,), positions among the merits.
    """
    order = rng.permutation(len(merits))
    return np.resize(order[np.argsort(-merits[order], kind="stable")], count)


class MapElites:
    """Proposes changed copies of elites.

    Works on the archive directly, not through `ribs.schedulers.Scheduler`: that takes a place in
    the archive for every proposal, and most of ours never touch the object.
    """

    def __init__(
        self,
        space: GenomeSpace,
        fittest: bool,
        seed: int,
        ancestors: Sequence[Proposal] = (),
        propose: Callable[[int], Proposal] | None = None,
    ) -> None:
        """Begin with the first generation.

        Args:
            space: The genomes.
            fittest: Whether parents are the elites of highest objective, as in ME-fit, or are
                drawn from all successes alike, as in ME-scs.
            seed: Same seed and same archive, same proposals.
            ancestors: The first proposals, of which the names count: descendants tell them.
            propose: Makes every other of the first random proposals, from their index; without it
                all are uniform, as in the paper. Of 384 proposals for a flat object, 153 held where
                the antipodal sampler had proposed 12 of the first 24, and 62 where it had not.
        """
        self._space = space
        self._fittest = fittest
        self._seed = seed
        self._ancestors = list(ancestors)
        self._propose = propose
        self._generation = 0
        self._genomes: list[FloatArray] = []  # by the index of the proposal

    def ask(self, count: int, archive: TouchArchive) -> list[Proposal]:
        """The next generation: ancestors that are left, then children of elites or random grips."""
        rng = np.random.default_rng([self._seed, 3, self._generation])
        first = len(self._genomes)
        ancestors, self._ancestors = self._ancestors[:count], self._ancestors[count:]
        genomes = [self._space.encode(ancestor) for ancestor in ancestors]
        parents = [ancestor.name for ancestor in ancestors]
        missing = count - len(ancestors)
        if len(archive) == 0:
            genomes += self._random(first, missing, rng)
            parents += [""] * missing
        else:
            indices, objectives = archive.elites()
            merits = objectives if self._fittest else (objectives >= 1.0).astype(np.float64)
            chosen = indices[select_parents(merits, missing, rng)]
            genomes += self._children(chosen, rng)
            parents += [str(index) for index in chosen]
        self._genomes += genomes
        proposals = []
        for index, (genome, parent) in enumerate(zip(genomes, parents, strict=True), start=first):
            provenance = {"generation": str(self._generation)}
            if parent:
                provenance["parent"] = parent
            proposals.append(self._space.decode(genome, index, provenance))
        self._generation += 1
        return proposals

    def _children(
        self, parents: npt.NDArray[np.int64], rng: np.random.Generator
    ) -> list[FloatArray]:
        genomes = [self._genomes[index] for index in parents]
        return [*self._space.mutated(np.reshape(genomes, (-1, self._space.length)), rng)]

    def _random(self, first: int, count: int, rng: np.random.Generator) -> list[FloatArray]:
        genomes = [*self._space.random(count, rng)]
        if self._propose is not None:
            for place in range(0, count, 2):
                genomes[place] = self._space.encode(self._propose(first + place))
        return genomes
