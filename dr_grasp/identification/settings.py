"""How to identify: the method, the engine, and how much is simulated."""

from __future__ import annotations

from dataclasses import dataclass

from dr_grasp.core.perturbation import MAX_SEED
from dr_grasp.errors import SettingsError
from dr_grasp.identification.contact import ContactSettings
from dr_grasp.simulation.engine import check_single

FEWEST_WORLDS = 20
"""Fewest worlds: what attempts depend on is learnt from these worlds, and each is left out once to
check the intervals. Fewer could refute nothing."""

MOST_WORLDS = 1000
"""Most worlds; with 60 attempts they are 60,000 rollouts, about an hour of 16 processors."""

FEWEST_ITERATIONS = 3
"""Fewest iterations of SimOpt; Chebotar et al. 2019 had two to three until little changed."""

MOST_ITERATIONS = 50
"""Most iterations of SimOpt; its bound on each step lets it leave any prior in far fewer."""


@dataclass(frozen=True, slots=True)
class IdentificationSettings(ContactSettings):
    """How to identify; see `ContactSettings`."""

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            SettingsError: A number is out of bounds, or the engine has no single worlds.
        """
        check_single(self.engine)
        for name, value, low, high in (
            ("worlds", self.worlds, FEWEST_WORLDS, MOST_WORLDS),
            ("iterations", self.iterations, FEWEST_ITERATIONS, MOST_ITERATIONS),
            ("seed", self.seed, 0, MAX_SEED),
        ):
            if not low <= value <= high:
                raise SettingsError(f"{name}: expected from {low} to {high}, got {value}")
