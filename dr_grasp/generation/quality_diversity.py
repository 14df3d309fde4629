"""MAP-Elites for grasps (Mouret and Clune 2015), with the selections of Huber et al. 2023.

J. Huber et al., "Quality Diversity under Sparse Reward and Sparse Interaction: Application to
Grasping in Robotics" (arXiv 2308.05483): parents are either drawn from the successes first
(ME-scs), or are the fittest (ME-fit).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dr_grasp.core.arrays import FloatArray
from dr_grasp.generation.archive import Elites, TouchArchive
from dr_grasp.generation.genome import GenomeSpace
from dr_grasp.generation.proposal import Proposal
from dr_grasp.generation.result import Result

Selection = Callable[[Elites, int, np.random.Generator], npt.NDArray[np.int64]]
"""From elites, a number of parents and a source of randomness: the parents' places."""


def select_successes_first(
    elites: Elites, count: int, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Draw parents from the successes; if these are too few, all of them and others at random.

    Nobody is drawn twice before everybody was drawn once.
    """
    order = rng.permutation(len(elites.objectives))
    order = order[np.argsort(~elites.successful[order], kind="stable")]
    return np.resize(order, count)


def select_fittest(elites: Elites, count: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Take as parents the elites of highest objective, and chance for those that are equal."""
    order = rng.permutation(len(elites.objectives))
    order = order[np.argsort(-elites.objectives[order], kind="stable")]
    return np.resize(order, count)


@dataclass(frozen=True, slots=True)
class Ancestor:
    """A proposal that a search is to begin from.

    Attributes:
        proposal: The proposal; its index does not count.
        name: What descendants call it.
    """

    proposal: Proposal
    name: str


class MapElites:
    """Proposes changed copies of elites, and keeps what turns out better where it touches.

    Asks and tells on the archive directly, not through `ribs.schedulers.Scheduler`: that takes a
    place in the archive for every proposal, and most of ours never touch the object.
    """

    best_first = True

    def __init__(
        self,
        archive: TouchArchive,
        space: GenomeSpace,
        select: Selection,
        seed: int,
        ancestors: Sequence[Ancestor] = (),
        propose: Callable[[int], Proposal] | None = None,
    ) -> None:
        """Begin with the first generation.

        Args:
            archive: Empty.
            space: The genomes.
            select: How parents are selected.
            seed: Same seed and same results told, same proposals.
            ancestors: The first proposals.
            propose: Makes every other of the first random proposals, from their index; without it
                all are uniform, as in the paper. Of 384 proposals for a flat object, 153 held where
                the antipodal sampler had proposed 12 of the first 24, and 62 where it had not.
        """
        self.archive = archive
        self._space = space
        self._select = select
        self._seed = seed
        self._ancestors = list(ancestors)
        self._propose = propose
        self._generation = 0
        self._asked = 0
        self._genomes: dict[int, FloatArray] = {}

    def ask(self, count: int) -> list[Proposal]:
        """The next generation: ancestors that are left, then children, or strangers at first."""
        rng = np.random.default_rng([self._seed, 3, self._generation])
        ancestors, self._ancestors = self._ancestors[:count], self._ancestors[count:]
        genomes = [self._space.encode(one.proposal) for one in ancestors]
        parents = [one.name for one in ancestors]
        missing = count - len(genomes)
        if len(self.archive) == 0:
            genomes += self._strangers(missing, rng)
            parents += [""] * missing
        else:
            elites = self.archive.elites()
            chosen = self._select(elites, missing, rng)
            genomes += [*self._space.mutated(elites.genomes[chosen], rng)]
            parents += [str(index) for index in elites.indices[chosen]]
        proposals = []
        for genome, parent in zip(genomes, parents, strict=True):
            provenance = {"generation": str(self._generation)}
            if parent:
                provenance["parent"] = parent
            self._genomes[self._asked] = genome
            proposals.append(self._space.decode(genome, self._asked, provenance))
            self._asked += 1
        self._generation += 1
        return proposals

    def tell(self, results: Sequence[Result]) -> None:
        """Learn what became of what was asked, in the order of the proposals."""
        for result in results:
            self.archive.add(self._genomes.pop(result.proposal.index), result)

    def _strangers(self, count: int, rng: np.random.Generator) -> list[FloatArray]:
        genomes = [*self._space.random(count, rng)]
        if self._propose is not None:
            for place in range(0, count, 2):
                genomes[place] = self._space.encode(self._propose(self._asked + place))
        return genomes
