"""Batches of grasps in messages: the malformed ones are set aside, the others go on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from dr_grasp.core.refusal import RefusedGrasp
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.errors import DrGraspError
from dr_grasp.messages.decoding import decode_grasp


class GraspBatch:
    """Grasps of a request, with their positions in it."""

    def __init__(self, messages: Sequence[Any]) -> None:
        """Decode.

        Args:
            messages: GraspTrajectory messages.
        """
        self._positions: list[int] = []
        self._malformed: list[RefusedGrasp] = []
        grasps: list[GraspTrajectory] = []
        for position, message in enumerate(messages):
            try:
                grasps.append(decode_grasp(message))
                self._positions.append(position)
            except DrGraspError as error:
                self._malformed.append(RefusedGrasp(position, message.id, str(error)))
        self.grasps = tuple(grasps)

    def refusals(self, refused: Iterable[RefusedGrasp]) -> list[RefusedGrasp]:
        """All refusals by position in the request.

        Args:
            refused: Refusals of `grasps`, by position in that tuple.
        """
        later = [
            RefusedGrasp(self._positions[one.index], one.grasp_id, one.reason) for one in refused
        ]
        return sorted([*self._malformed, *later], key=lambda one: one.index)
