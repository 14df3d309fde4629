"""How margins are measured."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from dr_grasp.core.adr import BOUNDARIES, Boundary, Thresholds
from dr_grasp.core.doubt import Doubt
from dr_grasp.core.engine import Engine
from dr_grasp.core.perturbation import MAX_SEED, Profile
from dr_grasp.errors import SettingsError
from dr_grasp.simulation.engine import check_single

MOST_HALVINGS = 12
"""Most halvings: a margin of 60 mm is then known to 0.015 mm, far below what a rate can tell."""

MOST_ROUNDS = 100
"""Most rounds in which ranges grow together: of about 70 rollouts each, as many as 70 labels."""

MOST_TRIALS = 1_000
"""Most trials of one test; a rate is then known to 3 %."""


@dataclass(frozen=True, slots=True)
class MarginRequest:
    """How the margins of grasps are measured.

    Attributes:
        profile: The profile that has the background's doubts.
        engine: The engine in which rollouts are simulated, one at a time.
        seed: Seed of all perturbations.
        thresholds: The wanted rates of success, and the most trials of a test.
        background: Share of the profile's MDR perturbations that is added while one parameter is
            tried, from 0 to 1: without any, a grasp that just holds would look as good as one that
            holds well. Errors that the profile says are always there, `known_errors`, stay whole.
        halvings: How often the range between what is borne and what is lost is halved.
        rounds: In how many rounds all ranges grow together at most; 0 for not at all.
        doubts: The parameters to measure.
    """

    profile: Profile
    engine: Engine
    seed: int = 0
    thresholds: Thresholds = field(default_factory=Thresholds)
    background: float = 0.25
    halvings: int = 4
    rounds: int = 4
    doubts: tuple[Doubt, ...] = tuple(Doubt)

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            SettingsError: One is out of its bounds, there is no parameter, or the engine cannot
                simulate one rollout at a time.
        """
        check_single(self.engine)
        for name, value, low, high in (
            ("seed", self.seed, 0, MAX_SEED),
            ("background", self.background, 0, 1),
            ("halvings", self.halvings, 1, MOST_HALVINGS),
            ("rounds", self.rounds, 0, MOST_ROUNDS),
            ("trials", self.thresholds.trials, 1, MOST_TRIALS),
        ):
            if not low <= value <= high:
                raise SettingsError(f"{name}: expected {low} to {high}, got {value}")
        rates = self.thresholds
        if not 0.0 < rates.low < rates.high < 1.0:
            raise SettingsError(
                f"rates: expected 0 < low < high < 1, got {rates.low:g} and {rates.high:g}"
            )
        if not self.doubts:
            raise SettingsError("parameters: expected at least one, got none")

    @property
    def boundaries(self) -> tuple[Boundary, ...]:
        """The ends of the ranges of the parameters to measure."""
        return tuple(each for each in BOUNDARIES if each.doubt in self.doubts)


def doubts_from_names(names: Iterable[str]) -> tuple[Doubt, ...]:
    """Find doubts by name, in the order of the enumeration and without repetition.

    Raises:
        UnknownNameError: There is no such doubt.
    """
    found = {Doubt.from_name(name) for name in names}
    return tuple(doubt for doubt in Doubt if doubt in found)
