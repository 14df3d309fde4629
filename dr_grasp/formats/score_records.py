"""What pydantic checks of a scores file."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, Strict

from dr_grasp.core.engine import Engine
from dr_grasp.core.perturbation import Criterion
from dr_grasp.formats.collision_records import CollisionRecord
from dr_grasp.formats.documents import Count, Record
from dr_grasp.formats.margin_records import GraspMarginsRecord


class RefusalRecord(Record):
    """The schema of a `RefusedGrasp`."""

    index: Count
    grasp_id: str
    reason: str


class FitnessRecord(Record):
    """A fitness. Value and interval follow from the counts, for readers that do not compute.

    Attributes:
        value: Share of successes, in [0, 1].
        low: Lower end of the 95 % interval, in [0, 1].
        high: Upper end of the 95 % interval, in [0, 1].
    """

    successes: Count
    trials: Count
    value: float
    low: float
    high: float
    sequential: bool = False


class ScoreRecord(Record):
    """A score without seed, profile, version and engine, which all scores of a file share.

    Scores without collisions, metrics or margins have no such key, as those of older versions.

    Attributes:
        nominal_success: Whether the undisturbed rollout succeeded.
    """

    grasp_id: str
    nominal_success: bool
    nominal_outcome: str
    fitness: dict[str, FitnessRecord]
    failures: dict[str, Count]
    collisions: list[CollisionRecord] = Field(default_factory=list)
    whole: bool = False
    models: dict[str, str] = Field(default_factory=dict)
    transfer_probability: Annotated[float, Field(ge=0, le=1)] | None = None
    metrics: dict[str, float] = Field(default_factory=dict)
    margins: GraspMarginsRecord | None = None


class SelectionRecord(Record):
    """The schema of a `Selection`."""

    # In strict mode, pydantic accepts no name for a criterion and no list for a tuple.
    criterion: Annotated[Criterion, Strict(False)]
    chosen: Annotated[tuple[str, ...], Strict(False)]
    expected_share: float
    expected_shortfall: float
    most_missed: float


class ScoreFileRecord(Record):
    """The schema of a `ScoreFile`, beside its kind and version.

    Files of scores that PyBullet made have no key `engine`, as those of older versions.
    """

    seed: int
    profile: str
    software_version: str
    # In strict mode, pydantic accepts no name for an engine.
    engine: Annotated[Engine, Strict(False)] = Engine.BULLET
    scores: list[Any]
    refused: list[RefusalRecord]
    selection: SelectionRecord | None = None
