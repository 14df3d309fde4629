"""Which doubt about the simulated world breaks a grasp.

The five causes of the reality gap are those that Huber et al. 2023 (arXiv 2310.04517) saw at work
on their arms; what is measured of each is ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

from dr_grasp.core.fitness import GraspScore
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion

LOWEST_FRICTION = 0.05
"""Less of an object's friction is not looked at: what holds with so little is caged, not gripped. A
`Diagnosis.least_friction` of this means at most this."""


class Cause(Enum):
    """Why a grasp that holds in simulation may not hold on the arm.

    FRICTION: it needs much of the friction that the model gives it. CONTACT: hand and object are in
    each other, as no real ones can be. INERTIA: it holds the object far from its middle, or jerks
    it up. MODEL: it presses where the simulated shape is and the real one is not. FRAGILITY: it
    hardly holds under noise, and nothing of the above says why.
    """

    FRICTION = "friction"
    CONTACT = "contact"
    INERTIA = "inertia"
    MODEL = "model"
    FRAGILITY = "fragility"

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """What is measured of it."""
        return tuple(one for one in QUANTITIES if one.cause is self)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A field of `Diagnosis`, and how it is shown.

    Attributes:
        name: Of the field, and of its threshold.
        cause: What it speaks for.
        label: In words.
        unit: That it is shown in.
        factor: From the field's unit to that.
        digits: After the decimal point.
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
"""All of them, in the order of the causes."""


@dataclass(frozen=True, slots=True)
class DiagnosisThresholds:
    """From where on a quantity speaks for its cause.

    All but `mdr` do above their threshold, `mdr` below; with None a quantity is measured and speaks
    for nothing. Values, with their reasons, are in config/diagnosis. All are above 0.

    Attributes:
        least_friction: Share of the object's own friction.
        friction_loss: Part of a fitness.
        deepest_penetration_m: In metres.
        lift_acceleration: In m/s^2.
        grip_offset_m: In metres.
        grip_lever_m: In metres.
        surface_distance_m: In metres.
        mdr: A fitness.
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
class Finding:
    """A cause that was found of a grasp.

    Attributes:
        cause: The cause.
        severity: How far beyond its threshold the worst of its quantities is, above 1: a multiple
            of the threshold; of MDR, one more than what it lacks as a share of the threshold.
        quantities: What was measured of it, by name.
    """

    cause: Cause
    severity: float
    quantities: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was measured of one grasp; None is what was not.

    Attributes:
        grasp_id: Of the trajectory.
        outcome: Of the undisturbed rollout; if that fails, nothing is measured in simulation.
        mdr: Fitness under all doubts at once, if scored.
        least_friction: The least share of the object's own lateral friction that still holds, all
            else undisturbed; at most so much if it is `LOWEST_FRICTION`.
        friction_loss: What the fitness under other dynamics (FDR) lacks of 1, if scored.
        deepest_penetration_m: How deep hand and object are in each other at most, from the end of
            closing on [m].
        lift_acceleration: The largest of the object's centre of mass while it is lifted [m/s^2].
        grip_offset_m: From the middle of the gripping forces to the centre of mass [m].
        grip_lever_m: The lever that this gives the weight about the line along which the hand
            presses [m].
        surface_distance_m: From where the hand presses on the convex pieces to the surface that
            they stand for [m].
        trajectory: Fingerprint of what was looked at: attempts have it as well.
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
        """What was measured of a quantity."""
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

    def findings(self, thresholds: DiagnosisThresholds) -> tuple[Finding, ...]:
        """What may break it on an arm, by these thresholds; nothing if it fails undisturbed."""
        if not self.holds:
            return ()
        every = [self._look_at(cause, thresholds) for cause in Cause]
        found = tuple(one for one in every if one.severity > 1.0)
        # Fragility is what has no other name.
        return tuple(one for one in found if one.cause is not Cause.FRAGILITY) or found

    def causes(self, thresholds: DiagnosisThresholds) -> tuple[Cause, ...]:
        """The causes of `findings`."""
        return tuple(one.cause for one in self.findings(thresholds))

    def _look_at(self, cause: Cause, thresholds: DiagnosisThresholds) -> Finding:
        values, severity = {}, 0.0
        for quantity in cause.quantities:
            value, limit = self.value(quantity), getattr(thresholds, quantity.name)
            if value is not None:
                values[quantity.name] = value
            if value is not None and limit is not None:
                share = value / limit
                severity = max(severity, 2.0 - share if cause is Cause.FRAGILITY else share)
        return Finding(cause, severity, values)


@dataclass(frozen=True, slots=True)
class CauseCount:
    """How often a cause was found, and the worst example.

    Attributes:
        cause: The cause.
        count: Of grasps.
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
        self._counts = {cause: CauseCount(cause, 0, None) for cause in Cause}
        self._worst = dict.fromkeys(Cause, 0.0)

    def add(self, diagnosis: Diagnosis) -> None:
        """Count those of one grasp."""
        for finding in diagnosis.findings(self._thresholds):
            cause, known = finding.cause, self._counts[finding.cause]
            example = known.example
            if finding.severity > self._worst[cause]:
                self._worst[cause], example = finding.severity, diagnosis.grasp_id
            self._counts[cause] = CauseCount(cause, known.count + 1, example)

    @property
    def counts(self) -> tuple[CauseCount, ...]:
        """Of all five causes, in their order."""
        return tuple(self._counts.values())
