"""Grips that a search method proposes, and the choice of distinct ones among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from dr_grasp.core.geometry import Pose

SAME_PLACE_M = 0.005
SAME_TURN_RAD = np.deg2rad(10.0)


@dataclass(frozen=True, slots=True)
class Proposal:
    """Where and how to grip an object.

    Attributes:
        index: Number of the proposal in its search, from 0.
        grip_in_object: The grip frame (see `Synergy.grip_in_tcp`) in the object's frame when the
            hand begins to close.
        synergy: Name of the synergy by which the hand closes.
        opening: Opening of the hand before it closes: 1 is fully open, 0 is closed.
        name: Last part of the grasp's id; if empty, the seed and the index.
        provenance: Entries of the grasp's provenance besides method, seed and index.
    """

    index: int
    grip_in_object: Pose
    synergy: str
    opening: float = 1.0
    name: str = ""
    provenance: Mapping[str, str] = field(default_factory=dict)


def distinct(proposals: Sequence[Proposal]) -> list[int]:
    """Choose distinct proposals: each that differs from all that were chosen before it.

    Two proposals are alike if they have the same synergy and their grip frames are within 5 mm and
    10 degrees of each other.

    Args:
        proposals: The proposals, the best first.

    Returns:
        Indices of the chosen proposals, in order.
    """
    names = sorted({proposal.synergy for proposal in proposals})
    synergies = np.array([names.index(proposal.synergy) for proposal in proposals])
    places = np.array([proposal.grip_in_object.position for proposal in proposals])
    turns = np.array([proposal.grip_in_object.quaternion_xyzw for proposal in proposals])
    kept = np.empty(len(proposals), dtype=np.int64)
    count = 0
    for index in range(len(proposals)):
        earlier = kept[:count]
        apart = places[earlier] - places[index]
        near = np.einsum("ij,ij->i", apart, apart) <= SAME_PLACE_M**2
        near &= synergies[earlier] == synergies[index]
        # The product of unit quaternions is the cosine of half the angle, up to its sign.
        near &= np.abs(turns[earlier] @ turns[index]) >= np.cos(SAME_TURN_RAD / 2)
        if not near.any():
            kept[count] = index
            count += 1
    return [int(index) for index in kept[:count]]
