"""New ranges of contact, and the reasons for those that stay as they were."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from dr_grasp.core.noise import DynamicsNoise
from dr_grasp.identification.findings import Estimate, Finding
from dr_grasp.identification.population import NINETY, Item, population_of, spread_of
from dr_grasp.identification.worlds import Parameter, Quantity, old_range, prior_of

ENOUGH_LEARNT = 0.5
"""A parameter is used if its variance has shrunk by this share, from that of the broad prior."""

MIDDLE = 0.9
"""Share of a uniform range, about its middle, that is the 90 % interval of what was found."""


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
        mistaken_for: Label of the parameter from which the attempts cannot tell it apart; empty if
            there is none.
    """

    parameter: Parameter
    mean: float
    std: float
    refusal: str = ""
    mistaken_for: str = ""

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
        if quantity is Quantity.COM_X:
            used = _known_well(used, old.center_of_mass_std_m)
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


FEWEST_FOR_SPREAD = 3
"""A spread about 0 is not fitted to fewer values than this."""


def _known_well(used: list[Learnt], spread: float) -> list[Learnt]:
    """The values by which a spread can be judged: of errors below it; none if they are too few."""
    well = [one for one in used if one.std * one.parameter.prior.std <= spread]
    return well if len(well) >= FEWEST_FOR_SPREAD else []


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
        return (spread.std, spread.std), spread.found
    if quantity.is_of_robot:
        # There is one robot: what is not known of it is the range.
        parameter, one = used[0].parameter, used[0]
        half = NINETY * one.std / MIDDLE
        low, high = (float(parameter.amounts(one.mean + side * half)) for side in (-1, 1))
        found = one.estimate().estimate
        return (low, high), (found.low, found.high)
    bounds = old_range(quantity, old)
    old_std = prior.std
    if bounds is not None and bounds[0] > 0:
        old_std = max(math.log(bounds[1] / bounds[0]) / math.sqrt(12), prior.std / 4)
    population = population_of(items, prior.mean, old_std)
    low, high = (math.exp(end) for end in population.others)
    edge = (high - low) * (1 / MIDDLE - 1) / 2
    # A factor stays positive, however wide its range.
    mean_low, mean_high = population.found
    return (max(low - edge, low / 2), high + edge), (math.exp(mean_low), math.exp(mean_high))


def _rests_on(used: Sequence[Learnt], found: Sequence[Learnt]) -> str:
    said = []
    for one in used:
        estimate = one.estimate().estimate
        name = _named(one)
        said.append(f"{name} {estimate.value:.2g} ({estimate.low:.2g} to {estimate.high:.2g})")
    rest = [_named(one) for one in found if one not in used]
    left = f"; not told well enough: {', '.join(rest)}" if rest else ""
    return f"values with 90 % intervals: {', '.join(said)}{left}"


def _why_not(found: Sequence[Learnt], wording: Wording) -> str:
    refused = [one for one in found if one.refusal]
    if len(refused) == len(found):
        return f"keeps the old range: {refused[0].refusal}"
    if any(one.fitted for one in found):
        return (
            "keeps the old range: a spread needs three values that are known better than to this "
            f"range. What would help: {wording.help}"
        )
    best = max((one for one in found if not one.refusal), key=lambda one: one.contraction)
    apart = f" They do not tell it apart from {best.mistaken_for}." if best.mistaken_for else ""
    return (
        "keeps the old range: these attempts tell too little. They take away "
        f"{100 * max(best.contraction, 0.0):.0f} % of the variance of what is possible, at best "
        f"(of {_named(best)}); {100 * ENOUGH_LEARNT:.0f} % is needed.{apart}{_refused(refused)} "
        f"What would help: {wording.help}"
    )


def _refused(refused: Sequence[Learnt]) -> str:
    return f" Of {', '.join(map(_named, refused))}: {refused[0].refusal}." if refused else ""


def _named(one: Learnt) -> str:
    axis = one.parameter.quantity.value.removeprefix("com_")
    name = one.parameter.item or "the robot"
    return f"{name} ({axis})" if one.parameter.quantity.value.startswith("com_") else name
