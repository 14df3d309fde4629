"""Stands in for workers: grasps that hold as often as is said, without physics."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from dr_grasp.core.outcome import Outcome
from dr_grasp.scoring.blocks import Block, Counts
from dr_grasp.workers.pool import Pool


class StandIn(Pool):
    """Bernoulli grasps in place of rollouts. Undisturbed, all of them hold.

    Attributes:
        rollouts: How many were asked for.
    """

    def __init__(self, fitness: Mapping[str, float] | None = None, seed: int = 0) -> None:
        """Begin.

        Args:
            fitness: Of grasps by their ids; of those that are not named it is 1.
            seed: Of the luck.
        """
        self._fitness = {} if fitness is None else fitness
        self._rng = np.random.default_rng(seed)
        self.rollouts = 0

    def close(self) -> None:
        """Nothing to end."""

    def run(
        self,
        function: Callable[[Any], Any],
        work: Iterable[Any],
        is_cancelled: Callable[[], bool],
    ) -> Iterator[tuple[Any, Any] | None]:
        """Draw instead of simulate."""
        for block in work:
            self.rollouts += block.count
            yield block, self._draw(block)

    def _draw(self, block: Block) -> Counts:
        share = self._fitness.get(block.grasp.id, 1.0)
        if block.criterion is None or share == 1.0:
            return Counts(Counter({Outcome.SUCCESS: block.count}))
        held = int(self._rng.binomial(block.count, share))
        counts = {Outcome.SUCCESS: held, Outcome.DROPPED_LIFTING: block.count - held}
        return Counts(Counter({outcome: n for outcome, n in counts.items() if n}))

    def _workers(self) -> int:
        return 1

    def _submit(self, function: Any, work: Any) -> Any:
        raise NotImplementedError
