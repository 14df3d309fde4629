"""How to identify: the method, the engine, and how much is simulated."""

from __future__ import annotations

from dataclasses import dataclass

from dr_grasp.core.engine import Engine
from dr_grasp.core.named import NamedEnum
from dr_grasp.core.perturbation import MAX_SEED
from dr_grasp.errors import SettingsError
from dr_grasp.simulation.engine import check_single


class Method(NamedEnum):
    """How outcomes are explained."""

    POSTERIOR = "posterior"
    SIMOPT = "simopt"


FEWEST_WORLDS = 20
"""Fewest worlds: the response to eight parameters is fitted to them, and each is left out once to
check the intervals; with fewer, that check could not refute anything."""

MOST_WORLDS = 1000
"""Most worlds; with 60 attempts they are 60,000 rollouts, about an hour of 16 processors."""

FEWEST_ITERATIONS = 3
"""Fewest iterations of SimOpt; Chebotar et al. 2019 needed two to three until little changed."""

MOST_ITERATIONS = 50
"""Most iterations of SimOpt; the bound on each step lets any prior be left in far fewer."""


@dataclass(frozen=True, slots=True)
class IdentificationSettings:
    """How to identify.

    Attributes:
        method: How outcomes are explained.
        engine: The engine of the rollouts.
        worlds: Number of worlds in each of which every attempt is repeated; of SimOpt, in each
            iteration.
        iterations: Number of iterations of SimOpt; the posterior has one.
        seed: Seed of all that is drawn.
    """

    method: Method = Method.POSTERIOR
    engine: Engine = Engine.MUJOCO
    worlds: int = 40
    iterations: int = FEWEST_ITERATIONS
    seed: int = 0

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
