"""How to identify: the method, the engine, and how much is simulated."""

from __future__ import annotations

from dataclasses import dataclass

from dr_grasp.core.engine import Engine
from dr_grasp.core.named import NamedEnum
from dr_grasp.core.perturbation import MAX_SEED
from dr_grasp.errors import SettingsError
from dr_grasp.simulation.engine import check_single

FEWEST_WORLDS = 20
"""Fewest worlds of an identification: what attempts depend on is learnt from these worlds, and each
is left out once to check the intervals. Fewer could refute nothing."""

MOST_WORLDS = 2000
"""Most worlds; with 60 attempts, these are 120,000 rollouts, three hours of CPU. What is learnt
stops growing long before, since linear models stay linear."""

FEWEST_A_STEP = 3
"""Fewest worlds of an iteration: CMA-ES, by which SimOpt moves, compares no fewer."""

FEWEST_ITERATIONS = 3
"""Fewest iterations of an identification; Chebotar et al. 2019 had two to three until little
changed."""

MOST_ITERATIONS = 100
"""Most iterations. SimOpt's authors used three; by then, a distribution rests."""


class Method(NamedEnum):
    """How outcomes are explained."""

    POSTERIOR = "posterior"
    SIMOPT = "simopt"


@dataclass(frozen=True, slots=True)
class ContactSettings:
    """How contact is fitted.

    Attributes:
        method: How outcomes are explained.
        engine: The engine of the rollouts.
        worlds: Number of worlds, in each of which every attempt is simulated once.
        iterations: Number of iterations, among which the worlds are divided.
        seed: Seed of all that is drawn.
    """

    method: Method = Method.POSTERIOR
    engine: Engine = Engine.MUJOCO
    worlds: int = 40
    iterations: int = 3
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            SettingsError: A number is out of bounds.
        """
        for name, value, low, high in (
            ("iterations", self.iterations, 1, MOST_ITERATIONS),
            ("worlds", self.worlds, FEWEST_A_STEP * self.iterations, MOST_WORLDS),
        ):
            if not low <= value <= high:
                raise SettingsError(f"{name}: expected {low} to {high}, got {value}")


@dataclass(frozen=True, slots=True)
class IdentificationSettings(ContactSettings):
    """How to identify: enough worlds and iterations that the checks can refute something."""

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            SettingsError: A number is out of bounds, or the engine has no single worlds.
        """
        check_single(self.engine)
        for name, value, low, high in (
            ("iterations", self.iterations, FEWEST_ITERATIONS, MOST_ITERATIONS),
            (
                "worlds",
                self.worlds,
                max(FEWEST_WORLDS, FEWEST_A_STEP * self.iterations),
                MOST_WORLDS,
            ),
            ("seed", self.seed, 0, MAX_SEED),
        ):
            if not low <= value <= high:
                raise SettingsError(f"{name}: expected from {low} to {high}, got {value}")
