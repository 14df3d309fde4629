"""A grasp of a batch that was set aside, so that the others are not lost."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RefusedGrasp:
    """A grasp that cannot be simulated or executed, and why.

    Attributes:
        index: Its position in the batch.
        grasp_id: Its id as given, possibly empty.
        reason: One line that names the grasp, the field, what came and what was expected.
    """

    index: int
    grasp_id: str
    reason: str
