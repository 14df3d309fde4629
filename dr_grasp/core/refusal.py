"""A grasp of a batch that was set aside, so that the others are not lost."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RefusedGrasp:
    """One refused grasp.

    Attributes:
        index: Position in the batch.
        grasp_id: Id as given, possibly empty.
        reason: One line: the grasp, the field, what came, what was expected.
    """

    index: int
    grasp_id: str
    reason: str
