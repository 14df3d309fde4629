"""Margins: how far each parameter may be off, alone and together, before a grasp is lost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from dr_grasp.core.adr import BOUNDARIES, Boundary, entropy
from dr_grasp.core.confidence import check_counts, confidence_sequence
from dr_grasp.core.doubt import Doubt
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.texts import check_name

ERRORS = (Doubt.X, Doubt.Y, Doubt.YAW, Doubt.JOINTS, Doubt.CENTER_OF_MASS)
"""Doubts that are errors; all others are factors."""

ROUNDING = 1e-9
"""Share of the farthest value by which a value may be beyond it: a factor's logarithm rounds."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many of the trials at one value succeeded.

    Attributes:
        successes: Number of successes.
        trials: Number of trials, at least 1, which ended as soon as they had decided.
    """

    successes: int
    trials: int

    def __post_init__(self) -> None:
        """Check the counts.

        Raises:
            ValueError: The counts are out of bounds.
        """
        check_counts(self.successes, self.trials)

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the rate of success over the background, whenever the trials ended."""
        return confidence_sequence(self.successes, self.trials)


@dataclass(frozen=True, slots=True)
class Margin:
    """How far one parameter may be off to one side, while all others are nearly as believed.

    The true margin, where the rate of success falls through the wanted rates, is between `bears`
    and `loses`, but for the errors of the tests.

    Attributes:
        boundary: The parameter, and to which side it is off.
        bears: The farthest value that it bears, in the parameter's unit [m, rad or a factor].
        held: Trials at that value.
        loses: The nearest value that it does not bear; None if it bears the farthest tried.
        lost: Trials at that value; None if there is none.
    """

    boundary: Boundary
    bears: float
    held: Count
    loses: float | None = None
    lost: Count | None = None

    def __post_init__(self) -> None:
        """Check that the values are in order.

        Raises:
            ValueError: The parameter has no such side, a value is on the wrong side or beyond what
                is tried, `loses` is not farther than `bears`, or it has no trials.
        """
        if self.boundary not in BOUNDARIES:
            raise ValueError("side: expected upper, since only the size of this error is doubted")
        if (self.loses is None) != (self.lost is None):
            raise ValueError(
                "lost: expected trials if, and only if, there is a value that it loses"
            )
        doubt, limit = self.boundary.doubt, self.boundary.limit
        nearest, before = doubt.amount(0.0), -ROUNDING
        for name, value in (("bears", self.bears), ("loses", self.loses)):
            if value is None:
                continue
            positive = value > 0.0 or not doubt.kind.is_factor
            share = doubt.coordinate(value) / limit if positive else math.inf
            if not before < share <= 1.0 + ROUNDING:
                raise ValueError(
                    f"{name}: expected from {nearest:g} to {doubt.amount(limit):g}, got {value:g}"
                )
            nearest, before = value, share

    @property
    def name(self) -> str:
        """Parameter and side, e.g. "y lower"."""
        return f"{self.boundary.doubt.value} {'upper' if self.boundary.upper else 'lower'}"

    @property
    def share(self) -> float:
        """Which part it bears of the farthest that is tried, in [0, 1]; of a factor, logarithms."""
        return self._share_of(self.bears)

    @property
    def lost_share(self) -> float:
        """The same of the value that it loses; 1 if it loses none."""
        return 1.0 if self.loses is None else self._share_of(self.loses)

    @property
    def text(self) -> str:
        """What it bears and loses in words, e.g. "bears 8 mm, loses 11 mm"."""
        doubt = self.boundary.doubt
        borne = f"bears {value_text(doubt, self.bears)}"
        if self.loses is None:
            return f"{borne}, the farthest tried"
        return f"{borne}, loses {value_text(doubt, self.loses)}"

    def _share_of(self, value: float) -> float:
        share = self.boundary.doubt.coordinate(value) / self.boundary.limit
        return min(max(share, 0.0), 1.0)


@dataclass(frozen=True, slots=True)
class JointRanges:
    """Ranges of all parameters at once, which ADR has grown.

    Attributes:
        bounds: Low and high end of each range, in the parameter's unit [m, rad or a factor].
    """

    bounds: Mapping[Doubt, tuple[float, float]]

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ValueError: There is none, or one does not hold the nominal value.
        """
        if not self.bounds:
            raise ValueError("ranges: expected at least one, got none")
        for doubt, (low, high) in self.bounds.items():
            nominal = doubt.amount(0.0)
            if not low <= nominal <= high < math.inf or (doubt.kind.is_factor and low <= 0.0):
                raise ValueError(
                    f"range of {doubt.value}: expected around {nominal:g}, got {low:g} to {high:g}"
                )

    @property
    def entropy(self) -> float:
        """The entropy of the ranges; see `adr.entropy` [nats]."""
        return entropy(
            {
                doubt: (doubt.coordinate(low), doubt.coordinate(high))
                for doubt, (low, high) in self.bounds.items()
            }
        )


@dataclass(frozen=True, slots=True)
class GraspMargins:
    """All that was measured of one grasp.

    Attributes:
        grasp_id: Id of the grasp.
        trajectory: Fingerprint of the grasp's motion, by which its attempts are found.
        outcome: How the undisturbed rollout ended.
        background: Trials with the background alone; None if the undisturbed rollout failed.
        margins: Margins of each parameter alone, in the order of `BOUNDARIES`; none if the grasp
            does not hold undisturbed, or with the background alone.
        joint: Ranges that grew together; None if they were not asked for, or there are no margins.
        rollouts: Number of rollouts that all of this took.
    """

    grasp_id: str
    trajectory: str
    outcome: Outcome
    background: Count | None = None
    margins: tuple[Margin, ...] = ()
    joint: JointRanges | None = None
    rollouts: int = 1

    def __post_init__(self) -> None:
        """Check the texts, and that nothing contradicts.

        Raises:
            InvalidGraspError: The id or the fingerprint is too long or not printable.
            ValueError: There are trials of a grasp that fails undisturbed, a margin comes twice, or
                there are ranges without margins.
        """
        check_name("grasp_id", self.grasp_id)
        check_name("trajectory", self.trajectory)
        if self.outcome is not Outcome.SUCCESS and self.background is not None:
            raise ValueError(f"background: expected none after {self.outcome.label}")
        if self.background is None and self.margins:
            raise ValueError("margins: expected none without trials of the background")
        names = [margin.name for margin in self.margins]
        if len(set(names)) < len(names):
            raise ValueError(f"margins: expected each once, got {', '.join(names)}")
        if self.joint is not None and not self.margins:
            raise ValueError("joint: expected none without margins")

    @property
    def width(self) -> tuple[float, float]:
        """By what grasps are compared: the entropy, 0 without any; then the mean share borne."""
        shares = sum(margin.share for margin in self.margins) / max(len(self.margins), 1)
        return (0.0 if self.joint is None else self.joint.entropy), shares

    @property
    def rows(self) -> tuple[tuple[Doubt, Margin | None, Margin], ...]:
        """The margins of each parameter, for pictures: to the lower side, if any, and the upper."""
        margin_of = {margin.boundary: margin for margin in self.margins}
        return tuple(
            (doubt, margin_of.get(Boundary(doubt, False)), margin_of[Boundary(doubt, True)])
            for doubt in Doubt
            if Boundary(doubt, True) in margin_of
        )

    @property
    def sentence(self) -> str:
        """The margins in words, e.g. "loses it at 8 mm in y; bears 50 % of the friction"."""
        if self.outcome is not Outcome.SUCCESS:
            return f"fails undisturbed: {self.outcome.label}"
        if not self.margins and self.background is not None:
            count = self.background
            return f"holds with the background alone in {count.successes} of {count.trials} only"
        said = []
        errors = [each for each in self.margins if each.boundary.doubt in ERRORS]
        weakest = min(errors, key=lambda margin: margin.share, default=None)
        if weakest is not None and weakest.loses is None:
            said.append("bears every error that was tried")
        elif weakest is not None and weakest.loses is not None:
            said.append(f"loses it at {amount_text(weakest, weakest.loses)}")
        factors = [
            amount_text(margin, margin.bears)
            for margin in self.margins
            if (margin.boundary.doubt, margin.boundary.upper) in WORST_SIDES
        ]
        return "; ".join([*said, *([f"bears {listed(factors)}"] if factors else [])])


WORST_SIDES = ((Doubt.FRICTION, False), (Doubt.MASS, True), (Doubt.GRIPPER_FORCE, False))
"""The sides to which factors make holding harder, which a sentence about a grasp says."""

_PLACES = {
    Doubt.X: "in x",
    Doubt.Y: "in y",
    Doubt.YAW: "of yaw",
    Doubt.JOINTS: "in the joints",
    Doubt.CENTER_OF_MASS: "of the centre of mass",
}


def listed(texts: list[str]) -> str:
    """Texts as in a sentence, e.g. "a, b and c"."""
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def amount_text(margin: Margin, value: float) -> str:
    """A value of a margin in words, e.g. "-8 mm in y", "50 % of the friction"."""
    doubt = margin.boundary.doubt
    if doubt.kind.is_factor:
        return f"{value_text(doubt, value)} of the {doubt.kind.label}"
    return f"{value_text(doubt, value)} {_PLACES[doubt]}"


def value_text(doubt: Doubt, value: float) -> str:
    """A value with its unit: millimetres, degrees, or per cent of the nominal value."""
    if doubt.kind.is_factor:
        return f"{100 * value:.0f} %"
    if doubt.kind.unit == "m":
        return f"{1e3 * value:.0f} mm"
    return f"{math.degrees(value):.{1 if doubt is Doubt.JOINTS else 0}f} deg"
