"""What a contact of two geoms means for the judge, as tables that the device looks up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dr_grasp.core.outcome import LinkPair
from dr_grasp.simulation.mujoco.touches import HAND, MOVING, OBJECT, ROBOT, SUPPORT
from dr_grasp.simulation.warp.kernels import HAND_TOUCHES, NO_PAIR, OBJECT_SUPPORTED

Table = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class GeomTables:
    """Of each two of the g geoms of a model, what their contact means; see `TouchReader`.

    Attributes:
        bits: Shape (g, g), sum of `HAND_TOUCHES` and `OBJECT_SUPPORTED`.
        support_pairs: Shape (g, g), number of the pair of a moving link and a support; `NO_PAIR`
            for geoms of other bodies.
        own_pairs: Shape (g, g), number of the pair of two links of the robot, or `NO_PAIR`.
        pairs: The pairs by their numbers, in the order of the alphabet.
    """

    bits: Table
    support_pairs: Table
    own_pairs: Table
    pairs: tuple[LinkPair, ...]

    @classmethod
    def of(cls, kinds: list[int], names: list[str]) -> GeomTables:
        """Make the tables from what each geom belongs to, and the name of its body."""
        count = len(kinds)
        bits = np.zeros((count, count), dtype=np.int32)
        hits: dict[tuple[int, int], LinkPair] = {}
        collisions: dict[tuple[int, int], LinkPair] = {}
        for first, second in np.ndindex(count, count):
            one, other = kinds[first], kinds[second]
            both = one | other
            if both & OBJECT:
                bits[first, second] = HAND_TOUCHES * bool(both & HAND)
                bits[first, second] += OBJECT_SUPPORTED * bool(both & SUPPORT)
            elif one & other & ROBOT:
                collisions[first, second] = LinkPair.of_robot(names[first], names[second])
            elif both & SUPPORT and both & MOVING:
                link, support = (second, first) if one & SUPPORT else (first, second)
                hits[first, second] = LinkPair(names[link], names[support])
        pairs = tuple(sorted({*hits.values(), *collisions.values()}))
        numbers = {pair: number for number, pair in enumerate(pairs)}

        def table(found: dict[tuple[int, int], LinkPair]) -> Table:
            values = np.full((count, count), NO_PAIR, dtype=np.int32)
            for geoms, pair in found.items():
                values[geoms] = numbers[pair]
            return values

        return cls(bits, table(hits), table(collisions), pairs)
