"""What identification found of each parameter of a profile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dr_grasp.core.engine import Engine
from dr_grasp.core.perturbation import Profile
from dr_grasp.identification.worlds import Belief


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimate of one number.

    Attributes:
        value: The estimate.
        low: Lower end of its interval, of 90 %.
        high: Upper end of its interval.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one parameter of a profile.

    Attributes:
        key: Key in the profile's file, e.g. "dynamics.mass_scale"; of a list, with the place, e.g.
            "joints.offset_mean.2".
        label: Name for users.
        unit: Unit of all values; empty for factors.
        old: What the old profile has: the low and high end of a range, the value twice of a number;
            None for null.
        new: What the new profile has.
        interval: The 90 % interval of what the attempts themselves showed: of a mean or spread, of
            the value itself if there is only one in the laboratory. None if they showed nothing.
        fitted: Whether the new profile has what was fitted; if not, it has the old.
        reason: On how much it rests; or why the old is kept, and which attempts would help.
        half_range_rad: The angle that a half range is, of errors of joints that turn [rad]: people
            read degrees. None for all others.
    """

    key: str
    label: str
    unit: str
    old: tuple[float, float] | None
    new: tuple[float, float] | None
    interval: tuple[float, float] | None
    fitted: bool
    reason: str
    half_range_rad: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """Motion of one joint in one attempt, to be drawn.

    Attributes:
        joint: Name of the joint.
        attempt_id: Id of the attempt.
        times_s: Times [s].
        commanded: Commanded positions [rad or m].
        measured: Measured positions [rad or m].
        before: What the old profile says would be measured [rad or m].
        after: What the new profile says would be measured [rad or m].
    """

    joint: str
    attempt_id: str
    times_s: tuple[float, ...]
    commanded: tuple[float, ...]
    measured: tuple[float, ...]
    before: tuple[float, ...]
    after: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well a profile foretells the attempts: those to which it was fitted, not new ones.

    Attributes:
        of_held: Mean share of simulated worlds in which a grasp holds, of attempts that held; None
            if none did.
        of_failed: The same, of attempts that did not hold.
        brier: Mean square of what that share is off, the noise of the shares taken out.
    """

    of_held: float | None
    of_failed: float | None
    brier: float


@dataclass(frozen=True, slots=True, eq=False)
class Identification:
    """The result of an identification.

    Attributes:
        profile: The new profile.
        old: The old profile.
        findings: One for each parameter.
        method: Name of the method by which outcomes were explained.
        engine: The engine of the rollouts.
        seed: Seed of all that was drawn.
        iterations: Number of iterations of the method.
        rollouts: Number of rollouts.
        attempts: Number of attempts.
        bags: Fingerprint of each bag by its name.
        checks: What was checked, in one line each, e.g. whether the simulator explains outcomes.
        traces: Some motions, to be drawn.
        before: How well the old profile foretells the attempts; None if that was not simulated.
        after: How well the new profile does.
        belief: What is known of contact, for suggestions; None if too little was tried.
    """

    profile: Profile
    old: Profile
    findings: tuple[Finding, ...]
    method: str
    engine: Engine
    seed: int
    iterations: int
    rollouts: int
    attempts: int
    bags: Mapping[str, str]
    checks: tuple[str, ...] = ()
    traces: tuple[Trace, ...] = field(default=())
    before: Agreement | None = None
    after: Agreement | None = None
    belief: Belief | None = None

    @property
    def fitted(self) -> int:
        """Number of parameters that were fitted."""
        return sum(finding.fitted for finding in self.findings)
