"""Which doubt about the simulated world breaks a grasp.

The five causes of the reality gap are those that Huber et al. 2023 (arXiv 2310.04517) saw at work
on their arms; what is measured of each is ours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from dr_grasp.core.fitness import GraspScore
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion

LOWEST_FRICTION = 0.05
"""The smallest share of an object's friction that is tried: what holds with so little is caged, not
gripped. A `Diagnosis.least_friction` of this means at most this."""


class Cause(Enum):
    """Why a grasp that holds in simulation may not hold on the arm.

    FRICTION: the grasp needs much of the friction that the model gives it. CONTACT: hand and object
    are in each other, as no real ones can be. INERTIA: the hand holds the object far from its
    middle, or jerks it up. MODEL: the hand presses where the simulated shape is and the real one is
    not. FRAGILITY: the grasp hardly holds under noise, and nothing of the above says why.
    """

    FRICTION = "friction"
    CONTACT = "contact"
    INERTIA = "inertia"
    MODEL = "model"
    FRAGILITY = "fragility"

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """The quantities that speak for this cause."""
        return tuple(quantity for quantity in QUANTITIES if quantity.cause is self)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A field of `Diagnosis` that speaks for a cause, and how it is shown.

    Attributes:
        name: Name of the field, and of its threshold in `DiagnosisThresholds`.
        cause: The cause that it speaks for.
        label: Its name in words.
        unit: The unit in which it is shown.
        factor: From the field's unit to that.
        digits: Digits shown after the decimal point.
    """

    name: str
    cause: Cause
    label: str
    unit: str
    factor: float
    digits: int

    def text(self, value: float | None) -> str:
        """A value as it is shown, without its unit."""
        if value is None:
            return "-"
        at_most = self.name == "least_friction" and value <= LOWEST_FRICTION
        return f"{'<= ' * at_most}{value * self.factor:.{self.digits}f}"


QUANTITIES = (
    Quantity("least_friction", Cause.FRICTION, "least friction", "", 1.0, 2),
    Quantity("friction_loss", Cause.FRICTION, "FDR loss", "", 1.0, 2),
    Quantity("deepest_penetration_m", Cause.CONTACT, "penetration", "mm", 1e3, 1),
    Quantity("lift_acceleration", Cause.INERTIA, "acceleration", "m/s2", 1.0, 1),
    Quantity("grip_offset_m", Cause.INERTIA, "grip offset", "mm", 1e3, 0),
    Quantity("grip_lever_m", Cause.INERTIA, "lever", "mm", 1e3, 0),
    Quantity("surface_distance_m", Cause.MODEL, "off the surface", "mm", 1e3, 1),
    Quantity("mdr", Cause.FRAGILITY, "MDR", "", 1.0, 2),
)
"""All that is measured, in the order of the causes."""


@dataclass(frozen=True, slots=True)
class DiagnosisThresholds:
    """From where on each quantity of a `Diagnosis` speaks for its cause; in the same units.

    All but `mdr` do above their threshold, `mdr` below; with None a quantity is measured and speaks
    for nothing. Values, with their reasons, are in config/diagnosis. All are above 0.
    """

    least_friction: float | None
    friction_loss: float | None
    deepest_penetration_m: float | None
    lift_acceleration: float | None
    grip_offset_m: float | None
    grip_lever_m: float | None
    surface_distance_m: float | None
    mdr: float | None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was measured of one grasp; None is what was not.

    Attributes:
        grasp_id: Id of the trajectory.
        outcome: How the undisturbed rollout ended; if it failed, nothing is measured in simulation.
        mdr: Fitness under all doubts at once, if scored.
        least_friction: The least share of the object's own lateral friction that still holds, all
            else undisturbed; at most so much if it is `LOWEST_FRICTION`.
        friction_loss: What the fitness under other dynamics (FDR) lacks of 1, if scored.
        deepest_penetration_m: How deep hand and object are in each other at most, from the end of
            closing on [m].
        lift_acceleration: Largest acceleration of the object's centre of mass while it is lifted
            [m/s^2].
        grip_offset_m: From the middle of the gripping forces to the centre of mass [m].
        grip_lever_m: The lever that this gives the weight about the line along which the hand
            presses [m].
        surface_distance_m: From where the hand presses on the convex pieces to the surface that
            they stand for [m].
        trajectory: Fingerprint of the grasp's motion: attempts have it as well.
    """

    grasp_id: str
    outcome: Outcome
    mdr: float | None = None
    least_friction: float | None = None
    friction_loss: float | None = None
    deepest_penetration_m: float | None = None
    lift_acceleration: float | None = None
    grip_offset_m: float | None = None
    grip_lever_m: float | None = None
    surface_distance_m: float | None = None
    trajectory: str = ""

    @property
    def holds(self) -> bool:
        """Whether the grasp holds undisturbed."""
        return self.outcome is Outcome.SUCCESS

    def value(self, quantity: Quantity) -> float | None:
        """What was measured of a quantity; None if it was not."""
        value: float | None = getattr(self, quantity.name)
        return value

    def with_score(self, score: GraspScore | None) -> Diagnosis:
        """The same, with what scoring has measured, if the grasp was scored."""
        fitness = {} if score is None else score.fitness
        mdr, fdr = (fitness.get(criterion) for criterion in (Criterion.MDR, Criterion.FDR))
        return replace(
            self,
            mdr=None if mdr is None else mdr.value,
            friction_loss=1.0 - fdr.value if fdr is not None and self.holds else None,
        )

    def severities(self, thresholds: DiagnosisThresholds) -> dict[Cause, float]:
        """What may break the grasp on an arm, and how badly; nothing if it fails undisturbed.

        A severity is how far beyond its threshold the worst quantity of a cause is, above 1: a
        multiple of the threshold; of MDR, one more than what it lacks as a share of the threshold.
        """
        if not self.holds:
            return {}
        severities = {cause: self._severity(cause, thresholds) for cause in Cause}
        found = {cause: severity for cause, severity in severities.items() if severity > 1.0}
        if len(found) > 1:
            found.pop(Cause.FRAGILITY, None)  # which is what has no other name
        return found

    def causes(self, thresholds: DiagnosisThresholds) -> tuple[Cause, ...]:
        """The causes of `severities`, in their order."""
        return tuple(self.severities(thresholds))

    def _severity(self, cause: Cause, thresholds: DiagnosisThresholds) -> float:
        severity = 0.0
        for quantity in cause.quantities:
            value, limit = self.value(quantity), getattr(thresholds, quantity.name)
            if value is not None and limit is not None:
                share = value / limit
                severity = max(severity, 2.0 - share if cause is Cause.FRAGILITY else share)
        return severity


@dataclass(frozen=True, slots=True)
class CauseCount:
    """How often a cause was found, and the worst example.

    Attributes:
        cause: The cause.
        count: Number of grasps in which it was found.
        example: Id of the grasp in which it is most severe; None if there is none.
    """

    cause: Cause
    count: int
    example: str | None


class CauseCounter:
    """Counts causes as diagnoses pass by."""

    def __init__(self, thresholds: DiagnosisThresholds) -> None:
        """Begin at nothing.

        Args:
            thresholds: By which causes are found.
        """
        self._thresholds = thresholds
        self._counts = dict.fromkeys(Cause, 0)
        self._worst: dict[Cause, tuple[float, str | None]] = dict.fromkeys(Cause, (0.0, None))

    def add(self, diagnosis: Diagnosis) -> None:
        """Count the causes of one grasp."""
        for cause, severity in diagnosis.severities(self._thresholds).items():
            self._counts[cause] += 1
            if severity > self._worst[cause][0]:
                self._worst[cause] = severity, diagnosis.grasp_id

    @property
    def counts(self) -> tuple[CauseCount, ...]:
        """The counts of all five causes, in their order."""
        return tuple(
            CauseCount(cause, count, self._worst[cause][1]) for cause, count in self._counts.items()
        )
