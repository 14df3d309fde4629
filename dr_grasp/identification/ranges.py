"""New ranges of contact, and the reasons for those that stay as they were."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from dr_grasp.core.perturbation import DynamicsNoise
from dr_grasp.identification.findings import Estimate, Finding
from dr_grasp.identification.population import Item, population_of, spread_of
from dr_grasp.identification.worlds import Parameter, Quantity, old_range, prior_of

ENOUGH_LEARNT = 0.5
"""A parameter is used if its variance has shrunk by this share, from that of the broad prior."""

UNIFORM = math.sqrt(3)
"""Half the width of a uniform range, in its standard deviations."""


@dataclass(frozen=True, slots=True)
class ItemEstimate:
    """What was found of one parameter of one object, or of the robot.

    Attributes:
        item: Name of the object; empty for the robot.
        quantity: The parameter.
        estimate: Its value with a 90 % interval, in its own unit.
        contraction: 1 minus the variance after over that before: 0 if nothing was learnt.
        fitted: Whether that is enough to be used.
    """

    item: str
    quantity: Quantity
    estimate: Estimate
    contraction: float
    fitted: bool


@dataclass(frozen=True, slots=True)
class Learnt:
    """What is known of one parameter, in standardised coordinates.

    Attributes:
        parameter: The parameter.
        mean: Its mean.
        std: Its standard deviation.
        refusal: Why it must not be used; empty if it may.
    """

    parameter: Parameter
    mean: float
    std: float
    refusal: str

    @property
    def contraction(self) -> float:
        """1 minus the variance after over that of the prior."""
        return 1 - self.std**2

    @property
    def fitted(self) -> bool:
        """Whether it is used."""
        return not self.refusal and self.contraction >= ENOUGH_LEARNT

    def item(self) -> Item:
        """What the attempts say, without the prior, in the prior's own unit."""
        prior = self.parameter.prior
        found = Item.from_posterior(self.mean, self.std, 0.0, 1.0)
        return Item(prior.mean + prior.std * found.value, prior.std * found.std)

    def estimate(self) -> ItemEstimate:
        """For users."""
        low, value, high = (
            float(self.parameter.amounts(self.mean + score * self.std))
            for score in (-NINETY, 0.0, NINETY)
        )
        return ItemEstimate(
            self.parameter.item,
            self.parameter.quantity,
            Estimate(value, low, high),
            self.contraction,
            self.fitted,
        )


NINETY = 1.6449
"""Half of a 90 % interval of a normal distribution, in standard deviations."""


@dataclass(frozen=True, slots=True)
class Wording:
    """How a range is called, and what would help to find it.

    Attributes:
        key: Key in a profile.
        label: Name for users.
        unit: Unit.
        help: Attempts that would help.
    """

    key: str
    label: str
    unit: str
    help: str


WORDINGS = {
    Quantity.FRICTION: Wording(
        "dynamics.lateral_friction_scale",
        "friction",
        "",
        "grasps at the limit, in which the object slides, or that hold in some attempts only",
    ),
    Quantity.MASS: Wording(
        "dynamics.mass_scale",
        "mass",
        "",
        "grasps by which a heavier object would turn or slide in the hand; or weigh the object",
    ),
    Quantity.COM_X: Wording(
        "dynamics.center_of_mass_std_m",
        "centre of mass",
        "m",
        "grasps from several sides, beside the centre of mass, so that the object can turn in the "
        "hand",
    ),
    Quantity.SPINNING: Wording(
        "dynamics.spinning_friction",
        "spinning friction",
        "m",
        "grasps far from the centre of mass, by which the object can turn between the fingers",
    ),
    Quantity.FORCE: Wording(
        "dynamics.gripper_force_scale",
        "gripper force",
        "",
        "grasps at the limit of objects whose mass and friction are known; or measure the force",
    ),
}
"""The ranges that are fitted."""


def new_ranges(
    learnt: Sequence[Learnt], old: DynamicsNoise
) -> tuple[DynamicsNoise, tuple[Finding, ...]]:
    """Make new ranges of what was learnt.

    Args:
        learnt: One for each parameter.
        old: The old ranges.
    """
    new, findings = old, []
    for quantity, wording in WORDINGS.items():
        axes = (Quantity.COM_X, Quantity.COM_Y, Quantity.COM_Z)
        kinds = axes if quantity is Quantity.COM_X else (quantity,)
        found = [one for one in learnt if one.parameter.quantity in kinds]
        used = [one for one in found if one.fitted]
        before = _before(quantity, old)
        if not used:
            findings.append(
                Finding(
                    wording.key,
                    wording.label,
                    wording.unit,
                    before,
                    before,
                    None,
                    False,
                    _why_not(found, wording),
                )
            )
            continue
        after, interval = _after(quantity, used, old)
        if quantity is Quantity.COM_X:
            new = replace(new, center_of_mass_std_m=after[1])
        else:
            changed: dict[str, Any] = {wording.key.removeprefix("dynamics."): after}
            new = replace(new, **changed)
        findings.append(
            Finding(
                wording.key,
                wording.label,
                wording.unit,
                before,
                after,
                interval,
                True,
                _rests_on(used, found),
            )
        )
    return new, tuple(findings)


def _before(quantity: Quantity, old: DynamicsNoise) -> tuple[float, float] | None:
    if quantity is Quantity.COM_X:
        return (old.center_of_mass_std_m, old.center_of_mass_std_m)
    return old_range(quantity, old)


def _after(
    quantity: Quantity, used: Sequence[Learnt], old: DynamicsNoise
) -> tuple[tuple[float, float], tuple[float, float]]:
    """The new range and the interval of the population's mean, or spread of a centre of mass."""
    prior = prior_of(quantity, old)
    items = [one.item() for one in used]
    if quantity is Quantity.COM_X:
        spread = spread_of(items, old.center_of_mass_std_m or prior.std / 2)
        return (spread.std, spread.std), (spread.low, spread.high)
    if quantity.is_of_robot:
        # There is one robot: what is not known of it is the range.
        parameter, one = used[0].parameter, used[0]
        half = UNIFORM * one.std
        low, high = (float(parameter.amounts(one.mean + side * half)) for side in (-1, 1))
        found = one.estimate().estimate
        return (low, high), (found.low, found.high)
    bounds = old_range(quantity, old)
    old_std = prior.std
    if bounds is not None and bounds[0] > 0:
        old_std = max(math.log(bounds[1] / bounds[0]) / math.sqrt(12), prior.std / 4)
    found_population = population_of(items, prior.mean, old_std)
    half = UNIFORM * found_population.std
    low, high = found_population.mean - half, found_population.mean + half
    return (math.exp(low), math.exp(high)), (
        math.exp(found_population.low),
        math.exp(found_population.high),
    )


def _rests_on(used: Sequence[Learnt], found: Sequence[Learnt]) -> str:
    said = []
    for one in used:
        estimate = one.estimate().estimate
        name = _named(one)
        said.append(f"{name} {estimate.value:.3g} ({estimate.low:.3g} to {estimate.high:.3g})")
    rest = [_named(one) for one in found if not one.fitted]
    left = f"; not told by the attempts: {', '.join(rest)}" if rest else ""
    return f"fitted to {', '.join(said)}, each with its 90 % interval{left}"


def _why_not(found: Sequence[Learnt], wording: Wording) -> str:
    refusals = [one.refusal for one in found if one.refusal]
    if len(refusals) == len(found):
        return f"keeps the old range: {refusals[0]}"
    best = max(found, key=lambda one: one.contraction)
    return (
        f"keeps the old range: these attempts tell too little; at best, of {_named(best)}, they "
        f"take away {max(best.contraction, 0.0):.0%} of the variance, and {ENOUGH_LEARNT:.0%} is "
        f"needed. What would help: {wording.help}"
    )


def _named(one: Learnt) -> str:
    axis = one.parameter.quantity.value.removeprefix("com_")
    name = one.parameter.item or "the robot"
    return f"{name} ({axis})" if one.parameter.quantity.value.startswith("com_") else name
