"""The parameters of contact that are fitted, and worlds made of them.

Every object has its own friction, mass, centre of mass and spinning friction, and the robot one
gripper force. A world is one value of each. Coordinates are standardised: each has mean 0 and
standard deviation 1 under the prior.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.named import NamedEnum
from dr_grasp.core.noise import DynamicsNoise
from dr_grasp.core.perturbation import Perturbation

BROADER = 2.0
"""How many times the standard deviation of the old range that of the prior is. The old range may
be wrong, which is why it is fitted: friction of half the lowest value that profile default draws is
then 2.8 standard deviations off, and not impossible."""


class Quantity(NamedEnum):
    """A kind of parameter."""

    FRICTION = "friction"
    MASS = "mass"
    COM_X = "com_x"
    COM_Y = "com_y"
    COM_Z = "com_z"
    SPINNING = "spinning"
    FORCE = "force"

    @property
    def is_of_robot(self) -> bool:
        """Whether the robot has one, instead of each object."""
        return self is Quantity.FORCE

    @property
    def is_factor(self) -> bool:
        """Whether it is positive, with a normal prior of its logarithm."""
        return self not in (Quantity.COM_X, Quantity.COM_Y, Quantity.COM_Z)

    @property
    def label(self) -> str:
        """Name for users."""
        return _LABELS[self]


_LABELS = {
    Quantity.FRICTION: "friction",
    Quantity.MASS: "mass",
    Quantity.COM_X: "centre of mass (x)",
    Quantity.COM_Y: "centre of mass (y)",
    Quantity.COM_Z: "centre of mass (z)",
    Quantity.SPINNING: "spinning friction",
    Quantity.FORCE: "gripper force",
}

OF_OBJECT = tuple(quantity for quantity in Quantity if not quantity.is_of_robot)
"""The quantities that each object has its own value of."""

LEAST_LOG_STD = {
    Quantity.FRICTION: 0.5,
    Quantity.MASS: 0.3,
    Quantity.SPINNING: 0.7,
    Quantity.FORCE: 0.3,
}
"""Smallest standard deviation of the logarithm under the prior. Friction of one pair of materials
differs by a factor of two between dry and dusty; masses are weighed or read off a package; levers
against spinning depend on how round and how soft a finger is, 0.4 to 6 mm; grippers' data sheets
promise their force to some tens of per cent."""

LEAST_COM_STD_M = 0.006
"""Smallest standard deviation of the centre of mass under the prior [m]."""

NOMINAL_SPINNING_M = 0.0015
"""Median of the prior of spinning friction if the profile has none [m]; see `DynamicsNoise`."""


@dataclass(frozen=True, slots=True)
class Prior:
    """Normal prior of a quantity, or of its logarithm if it `is_factor`.

    Attributes:
        mean: Its mean.
        std: Its standard deviation.
    """

    mean: float
    std: float


def prior_of(quantity: Quantity, noise: DynamicsNoise) -> Prior:
    """The prior: centred on the old range, and broader.

    Args:
        quantity: The quantity.
        noise: The old ranges.
    """
    if not quantity.is_factor:
        return Prior(0.0, max(BROADER * noise.center_of_mass_std_m, LEAST_COM_STD_M))
    bounds = old_range(quantity, noise)
    least = LEAST_LOG_STD[quantity]
    if bounds is None:
        nominal = NOMINAL_SPINNING_M if quantity is Quantity.SPINNING else 1.0
        return Prior(math.log(nominal), least)
    if bounds[0] <= 0:  # spinning friction from 0 on: no logarithm
        return Prior(math.log(max(sum(bounds) / 2, NOMINAL_SPINNING_M)), least)
    low, high = math.log(bounds[0]), math.log(bounds[1])
    return Prior((low + high) / 2, max(BROADER * (high - low) / math.sqrt(12), least))


def old_range(quantity: Quantity, noise: DynamicsNoise) -> tuple[float, float] | None:
    """The range of a quantity in a profile; of a centre of mass, one standard deviation."""
    ranges = {
        Quantity.FRICTION: noise.lateral_friction_scale,
        Quantity.MASS: noise.mass_scale,
        Quantity.SPINNING: noise.spinning_friction,
        Quantity.FORCE: noise.gripper_force_scale,
    }
    std = noise.center_of_mass_std_m
    return ranges.get(quantity, (-std, std))


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a laboratory.

    Attributes:
        item: Name of the object that has it; empty for the robot.
        quantity: What it is.
        prior: Its prior.
    """

    item: str
    quantity: Quantity
    prior: Prior

    @property
    def label(self) -> str:
        """Name for users."""
        return f"{self.quantity.label} of {self.item or 'the robot'}"

    def amounts(self, coordinates: FloatArray | float) -> FloatArray:
        """Turn standardised coordinates into the parameter's own unit."""
        values = self.prior.mean + self.prior.std * np.asarray(coordinates, dtype=np.float64)
        return np.exp(values) if self.quantity.is_factor else values

    def coordinate(self, amount: float) -> float:
        """Turn an amount in the parameter's own unit into its standardised coordinate."""
        value = math.log(amount) if self.quantity.is_factor else amount
        return (value - self.prior.mean) / self.prior.std


@dataclass(frozen=True, slots=True)
class Space:
    """All parameters of a laboratory, in a fixed order.

    Attributes:
        parameters: The parameters.
    """

    parameters: tuple[Parameter, ...]

    @classmethod
    def of(cls, objects: Sequence[str], noise: DynamicsNoise) -> Space:
        """The parameters of some objects and of the robot, with priors about old ranges."""
        each = [(item, quantity) for item in objects for quantity in OF_OBJECT]
        named = [*each, ("", Quantity.FORCE)]
        return cls(tuple(Parameter(item, kind, prior_of(kind, noise)) for item, kind in named))

    def __len__(self) -> int:
        """Number of parameters."""
        return len(self.parameters)

    def columns(self, item: str) -> list[int]:
        """Places of the parameters on which attempts with an object depend."""
        return [i for i, found in enumerate(self.parameters) if found.item in (item, "")]

    def values(self, world: FloatArray, item: str) -> Mapping[Quantity, float]:
        """The values that count for an object in a world.

        Args:
            world: Shape (n,), standardised coordinates of all parameters.
            item: Name of the object.
        """
        return {
            self.parameters[i].quantity: float(self.parameters[i].amounts(world[i]))
            for i in self.columns(item)
        }

    def perturbation(self, base: Perturbation, world: FloatArray, item: str) -> Perturbation:
        """Give a perturbation the contact of a world.

        Args:
            base: Has the errors of control.
            world: Shape (n,), standardised coordinates of all parameters.
            item: Name of the object.
        """
        values = self.values(world, item)
        shift = [values[kind] for kind in (Quantity.COM_X, Quantity.COM_Y, Quantity.COM_Z)]
        return replace(
            base,
            lateral_friction_scale=values[Quantity.FRICTION],
            mass_scale=values[Quantity.MASS],
            center_of_mass_m=frozen(shift),
            spinning_friction=values[Quantity.SPINNING],
            gripper_force_scale=values[Quantity.FORCE],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Belief:
    """What is believed of a laboratory's parameters: a normal distribution of their coordinates.

    Attributes:
        space: The parameters.
        mean: Shape (n,), mean of the standardised coordinates.
        covariance: Shape (n, n), their covariance.
    """

    space: Space
    mean: FloatArray
    covariance: FloatArray

    @classmethod
    def prior(cls, space: Space) -> Belief:
        """What is believed before any attempt."""
        return cls(space, frozen(np.zeros(len(space))), frozen(np.eye(len(space))))

    def including(self, objects: Sequence[str], noise: DynamicsNoise) -> Belief:
        """The same belief with further objects, of which nothing is known but the old ranges."""
        known = {found.item for found in self.space.parameters}
        more = sorted(set(objects) - known)
        wider = Space.of([*sorted(known - {""}), *more], noise)
        prior = Belief.prior(wider)
        mean, covariance = np.array(prior.mean), np.array(prior.covariance)
        kept = [i for i, found in enumerate(wider.parameters) if found.item not in more]
        mean[kept], covariance[np.ix_(kept, kept)] = self.mean, self.covariance
        return Belief(wider, frozen(mean), frozen(covariance))

    def draw(self, count: int, rng: np.random.Generator) -> FloatArray:
        """Draw worlds, shape (count, n)."""
        return rng.multivariate_normal(self.mean, self.covariance, count, method="eigh")
