"""The best of many grasps, as far as sampling can tell."""

from __future__ import annotations

from dataclasses import dataclass

from dr_grasp.core.perturbation import Criterion


@dataclass(frozen=True, slots=True)
class Selection:
    """Which grasps are the best, and how sure that is.

    The numbers are about the grasps that hold undisturbed. Where fewer of them are found than asked
    for, all of them are chosen; the other places go to grasps that do not hold undisturbed, and the
    numbers are about those.

    Attributes:
        criterion: The criterion that decided.
        chosen: Ids of the best, in the order of the batch.
        expected_share: Share of the true best that is expected among them, in [0, 1].
        expected_shortfall: How far their mean fitness is expected to be below that of the true
            best, in [0, 1].
        most_missed: With 95 % confidence no grasp left out is better than the worst chosen by more
            than this, in [0, 1].
    """

    criterion: Criterion
    chosen: tuple[str, ...]
    expected_share: float
    expected_shortfall: float
    most_missed: float
