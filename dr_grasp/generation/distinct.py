"""Which of many grasps differ: of those that grip at one place in one way, the first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dr_grasp.generation.proposal import Proposal

SAME_PLACE_M = 0.005
SAME_TURN_RAD = np.deg2rad(10.0)


def distinct(proposals: Sequence[Proposal]) -> list[int]:
    """Go through proposals, the best first, and keep what is unlike all that was kept before.

    Two are alike if they have the same synergy and their grip frames are within 5 mm and within
    10 degrees of each other.

    Returns:
        Positions of those that were kept, in order.
    """
    names = sorted({proposal.synergy for proposal in proposals})
    ways = np.array([names.index(proposal.synergy) for proposal in proposals])
    places = np.array([proposal.grip_in_object.position for proposal in proposals])
    turns = np.array([proposal.grip_in_object.quaternion_xyzw for proposal in proposals])
    kept: list[int] = []
    # Filled from the front, so that the ones kept so far are a slice and nothing is copied.
    kept_ways, kept_places, kept_turns = (np.empty_like(all_) for all_ in (ways, places, turns))
    for index in range(len(proposals)):
        count = len(kept)
        apart = kept_places[:count] - places[index]
        near = np.einsum("ij,ij->i", apart, apart) <= SAME_PLACE_M**2
        near &= kept_ways[:count] == ways[index]
        # Of unit quaternions: the cosine of half the angle, whichever of the two signs they have.
        near &= np.abs(kept_turns[:count] @ turns[index]) >= np.cos(SAME_TURN_RAD / 2)
        if not near.any():
            kept_ways[count], kept_places[count] = ways[index], places[index]
            kept_turns[count] = turns[index]
            kept.append(index)
    return kept
