"""Diagnosis: why a grasp that holds in simulation may fail on an arm.

Five of the six causes are those that Huber et al. 2023 (arXiv 2310.04517) observed on their arms.
The exploit of a simulation is the fault of automatically generated grasps that they want domain
randomisation to remove; a second engine shows it. The quantities measured for each cause are our
own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from dr_grasp.core.fitness import GraspScore
from dr_grasp.core.metric import Metric
from dr_grasp.core.outcome import LinkPair, Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.core.texts import check_name

LOWEST_FRICTION = 0.05
"""The smallest factor on an object's friction that is tried; a grasp that holds with so little
encloses the object. A `Diagnosis.least_friction` of this value means this value or less."""


NOT_OF_THE_GRASP = (Outcome.NOT_SETTLED, Outcome.DIVERGED)
"""Outcomes of rollouts that say nothing about the grasp: the object moved before the hand touched
it, or the engine failed."""


class Cause(Enum):
    """Why a grasp that holds in simulation may not hold on the arm.

    FRICTION: the grasp needs much of the modelled friction. CONTACT: hand and object penetrate each
    other, which real ones cannot. INERTIA: the hand holds the object far from its centre of mass or
    lifts it with a jerk. MODEL: the hand presses on the simulated shape where the real object has
    no surface. EXPLOIT: the grasp holds in one engine only, so that it makes use of how this engine
    simulates, not of physics. FRAGILITY: the grasp often fails under noise, for none of the other
    reasons.
    """

    FRICTION = "friction"
    CONTACT = "contact"
    INERTIA = "inertia"
    MODEL = "model"
    EXPLOIT = "exploit"
    FRAGILITY = "fragility"

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """The measured quantities that indicate this cause."""
        return tuple(quantity for quantity in QUANTITIES if quantity.cause is self)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A measured quantity, a field of `Diagnosis`, with the cause it indicates and how to show it.

    Attributes:
        name: Name of the field in `Diagnosis`, and of its threshold in `DiagnosisThresholds`.
        cause: The cause that the quantity indicates.
        label: Name of the quantity in words, e.g. "grip offset".
        unit: The unit in which the quantity is shown; empty if it has none.
        factor: Factor from the field's unit to the unit that is shown.
        digits: Number of digits shown after the decimal point.
    """

    name: str
    cause: Cause
    label: str
    unit: str
    factor: float
    digits: int

    def text(self, value: float | None) -> str:
        """Text that shows a value, without its unit; "-" for None."""
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
    Quantity("engine_gap", Cause.EXPLOIT, "engine gap", "", 1.0, 2),
    Quantity("mdr", Cause.FRAGILITY, "MDR", "", 1.0, 2),
)
"""All measured quantities, in the order of the causes."""


@dataclass(frozen=True, slots=True)
class DiagnosisThresholds:
    """Thresholds beyond which the quantities of a `Diagnosis` indicate their cause, in their units.

    `mdr` indicates its cause below its threshold, all others above. A quantity with threshold None
    indicates nothing. Thresholds are above 0; their values and reasons are in config/diagnosis.
    """

    least_friction: float | None
    friction_loss: float | None
    deepest_penetration_m: float | None
    lift_acceleration: float | None
    grip_offset_m: float | None
    grip_lever_m: float | None
    surface_distance_m: float | None
    mdr: float | None
    engine_gap: float | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was measured of one grasp; a quantity that was not measured is None.

    Attributes:
        grasp_id: Id of the grasp.
        outcome: How the undisturbed rollout ended; if it failed, nothing is measured in simulation.
        mdr: Fitness under all doubts at once (MDR), if scored.
        least_friction: Smallest factor on the object's lateral friction with which the grasp still
            holds, all else undisturbed; `LOWEST_FRICTION` stands for this or less.
        friction_loss: 1 minus the fitness under other dynamics (FDR), if scored.
        deepest_penetration_m: Largest depth to which hand and object penetrate each other in lift
            and hold [m].
        lift_acceleration: Largest acceleration of the object's centre of mass while it is lifted
            [m/s^2].
        grip_offset_m: Distance from the contacts' mean, by force, to the centre of mass [m].
        grip_lever_m: Lever of the object's weight about the line along which the hand presses, in
            the hold [m].
        surface_distance_m: Distance from the contacts on the object's convex pieces to the surface
            of its mesh, which the pieces approximate [m].
        engine_gap: By how much MDR differs between PyBullet and MuJoCo, if the score has it.
        other_outcome: How the undisturbed rollout ended in the other engine, if it was simulated.
        trajectory: Fingerprint of the grasp's motion, by which its attempts are found.
        links: What touched, if the robot hit itself, the table or the ground undisturbed; else
            None.
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
    links: LinkPair | None = None
    engine_gap: float | None = None
    other_outcome: Outcome | None = None

    def __post_init__(self) -> None:
        """Check the texts.

        Raises:
            InvalidGraspError: The id or the fingerprint is too long or not printable.
        """
        check_name("grasp_id", self.grasp_id)
        check_name("trajectory", self.trajectory)

    @property
    def holds(self) -> bool:
        """Whether the grasp holds undisturbed."""
        return self.outcome is Outcome.SUCCESS

    def value(self, quantity: Quantity) -> float | None:
        """The measured value of a quantity; None if it was not measured."""
        value: float | None = getattr(self, quantity.name)
        return value

    def with_score(self, score: GraspScore | None) -> Diagnosis:
        """A copy with the fitnesses of a score; without them if the grasp was not scored."""
        fitness = {} if score is None else score.fitness
        gap = None if score is None else score.metrics.get(Metric.ENGINE_GAP)
        mdr, fdr = (fitness.get(criterion) for criterion in (Criterion.MDR, Criterion.FDR))
        return replace(
            self,
            mdr=None if mdr is None else mdr.value,
            friction_loss=1.0 - fdr.value if fdr is not None and self.holds else None,
            engine_gap=gap if self.holds else None,
        )

    @property
    def fails_in_other(self) -> bool:
        """Whether the grasp fails undisturbed in the other engine, as far as that can be said."""
        return self.other_outcome not in (None, Outcome.SUCCESS, *NOT_OF_THE_GRASP)

    def severities(self, thresholds: DiagnosisThresholds) -> dict[Cause, float]:
        """Severities of causes that may break the grasp on an arm; none if it fails undisturbed.

        The severity of a cause, above 1, is the largest value / threshold of its quantities. For
        MDR, which indicates its cause below its threshold, it is 2 - value / threshold. A grasp
        that fails undisturbed in the other engine has the largest engine gap, 1.
        """
        if not self.holds:
            return {}
        severities = {cause: self._severity(cause, thresholds) for cause in Cause}
        found = {cause: severity for cause, severity in severities.items() if severity > 1.0}
        if len(found) > 1:
            found.pop(Cause.FRAGILITY, None)  # the cause of grasps that have no other
        return found

    def causes(self, thresholds: DiagnosisThresholds) -> tuple[Cause, ...]:
        """Causes that may break the grasp on an arm, in the order of `Cause`; see `severities`."""
        return tuple(self.severities(thresholds))

    def _severity(self, cause: Cause, thresholds: DiagnosisThresholds) -> float:
        severity = 0.0
        for quantity in cause.quantities:
            value, limit = self.value(quantity), getattr(thresholds, quantity.name)
            if cause is Cause.EXPLOIT and self.fails_in_other:
                value = 1.0
            if value is not None and limit is not None:
                share = value / limit
                severity = max(severity, 2.0 - share if cause is Cause.FRAGILITY else share)
        return severity


@dataclass(frozen=True, slots=True)
class CauseCount:
    """How many grasps have a cause, and the worst example.

    Attributes:
        cause: The cause.
        count: Number of grasps with the cause.
        example: Id of the grasp in which the cause is most severe; None if no grasp has it.
    """

    cause: Cause
    count: int
    example: str | None


class CauseCounter:
    """Counts the causes found in many diagnoses, without keeping the diagnoses."""

    def __init__(self, thresholds: DiagnosisThresholds) -> None:
        """Begin without any diagnosis.

        Args:
            thresholds: Thresholds by which causes are found.
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
        """The counts of all six causes, in their order."""
        return tuple(
            CauseCount(cause, count, self._worst[cause][1]) for cause, count in self._counts.items()
        )
