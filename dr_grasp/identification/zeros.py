"""The arm's constant joint errors, from where held objects ended.

Encoders do not show errors of their own zeros, nor of the arm's model. But a hand that closes puts
the object in its middle, along the direction of closing: where the object is after the lift tells
where the hand was, along that direction. (Along the fingers, and across, the object stays where it
was before, and turns about the line between the fingers: that tells little.) Grasps of many
directions tell the errors of most joints.

What else moves an object along that direction, by its shape and its friction, is simulated: each
attempt is repeated, with the object where it really stood, in worlds that the profile draws. By how
much the object ends elsewhere than in a world, plus by how much that world's joint errors moved the
hand, is one measurement of by how much the real ones did. An attempt of which the worlds disagree
says little, and counts little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.attempt import GraspAttempt
from dr_grasp.core.engine import Engine
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion, Perturbation, Profile, sample_perturbation
from dr_grasp.identification.evidence import Evidence, measured_place, varied
from dr_grasp.identification.findings import Estimate
from dr_grasp.identification.least_squares import half_width
from dr_grasp.identification.linear_posterior import Measurements, posterior
from dr_grasp.identification.replica import Replayed, Replica, Run, seen_at
from dr_grasp.robots.forward_kinematics import link_in_base
from dr_grasp.robots.robot_spec import RobotSpec

MOST_ROLLOUTS = 400
"""Most rollouts of a fit, if not said otherwise: a minute of one core with MuJoCo."""

STAGES = (4, 2)
"""Worlds of each attempt, in pairs of opposite joint errors: first about what the profile says,
then about what the first told, since a hand far off grasps otherwise."""

FEWEST_HELD = 10
"""Fewest held attempts that are compared: an arm of seven joints has seven errors."""

HELD_SHARE = 0.5
"""An attempt counts if its object is held in this share of its worlds, too."""

FARTHEST_M = 0.1
"""An object that ended farther than this from where it ends in a world was not held in the same
way, or had been put down when it was looked at [m]."""

LEAST_STD = 0.0005
"""Joint errors are taken to be usually no smaller than this, in half joint ranges: 0.08 deg of a
Panda's joint. Good industrial arms are calibrated to about a millimetre at the hand."""

LEAST_SCATTER_M = 0.05e-3
"""No measurement is more exact than this [m]: what simulators and records of poses are good for."""

_TO_STD = 1.4826
"""From the median deviation to the standard deviation, of a normal distribution."""

_OF_MEDIAN = 1.2533
"""By how much a median errs more than a mean, of a normal distribution."""


@dataclass(frozen=True, slots=True, eq=False)
class ZerosFit:
    """Constant errors of the arm's joints: true minus commanded positions.

    Attributes:
        mean: Shape (n,), posterior mean [rad or m].
        covariance: Shape (n, n), posterior covariance [rad^2 or m^2].
        offset_mean: The mean in half joint ranges, as `JointNoise.offset_mean`.
        offset_std: One standard deviation for all joints, in half joint ranges, as
            `JointNoise.offset_std`: the root mean square of those of the posterior.
        estimates: For each arm joint: mean and 90 % interval of the posterior [rad or m].
        attempts: Number of attempts that were compared.
        rollouts: Number of rollouts.
        misfit_before_m: Median distance, along the direction of closing, between where objects
            ended and where they would have with the profile's joint errors [m].
        misfit_after_m: The same with the mean of the posterior [m].
    """

    mean: FloatArray
    covariance: FloatArray
    offset_mean: tuple[float, ...]
    offset_std: float
    estimates: tuple[Estimate, ...]
    attempts: int
    rollouts: int
    misfit_before_m: float
    misfit_after_m: float


@dataclass(slots=True, eq=False)
class _Lifted:
    """A held attempt, and what its repetitions told.

    Attributes:
        attempt: The attempt.
        grasp: Fingerprint of the grasp.
        hand: Pose of the grip frame after the lift, without errors: closing is along y.
        slope: Shape (n,), motion of the hand along that y for each joint [m/rad or 1].
        told: One measurement of the hand's error along y from each world that held it [m].
    """

    attempt: GraspAttempt
    grasp: str
    hand: Pose
    slope: FloatArray
    told: list[float]

    def tell(self, replayed: Replayed, error: FloatArray) -> None:
        """Take in how a world with joint errors, shape (n,), ended."""
        if replayed.outcome is not Outcome.SUCCESS or replayed.object_after is None:
            return
        assert self.attempt.object_after is not None
        # The point of the object that the hand holds: so turns of the object do not matter.
        held = replayed.object_after.inverse().apply(self.hand.position[None])
        moved = self.attempt.object_after.apply(held)[0] - self.hand.position
        if np.linalg.norm(moved) > FARTHEST_M:
            return
        along = float(self.hand.rotation.inv().apply(moved)[1])
        self.told.append(along + float(self.slope @ error))

    @property
    def value(self) -> float:
        """The measurement of all worlds [m]."""
        return float(np.median(self.told))

    @property
    def std(self) -> float:
        """Its standard deviation, as far as worlds differ [m]."""
        told = np.array(self.told)
        spread = _TO_STD * float(np.median(np.abs(told - np.median(told))))
        spread = max(spread, float(told.std(ddof=1)) / 2.0)
        return max(LEAST_SCATTER_M, _OF_MEDIAN * spread / float(np.sqrt(len(told))))


def fit_zeros(
    evidence: Evidence,
    robot: RobotSpec,
    run: Run,
    engine: Engine,
    profile: Profile,
    *,
    most_rollouts: int = MOST_ROLLOUTS,
    rng: np.random.Generator,
) -> ZerosFit | None:
    """Fit the constant errors of the arm's joints.

    Args:
        evidence: Attempts of the robot.
        robot: The robot.
        run: Runs rollouts.
        engine: The engine of the rollouts.
        profile: What is known or believed of the laboratory, delay and lag among it; its joint
            errors are what is usual before the attempts are looked at.
        most_rollouts: Most rollouts.
        rng: Draws the worlds.

    Returns:
        The fit; None if fewer than `FEWEST_HELD` attempts that held tell where the object was
        before and after, or their objects are held in too few worlds.
    """
    lifted = _lifted(evidence, robot, most_rollouts // sum(STAGES))
    if len(lifted) < FEWEST_HELD:
        return None
    halves, joints = robot.arm_half_ranges, profile.joints
    usual = max(joints.offset_std, LEAST_STD) * halves
    center = np.array(joints.offset_mean or np.zeros(len(halves))) * halves
    mean, rollouts, seed = center, 0, int(rng.integers(2**63))
    for worlds in STAGES:
        pairs = rng.normal(0.0, usual, (worlds // 2, len(halves)))
        errors = mean + np.vstack([pairs, -pairs])
        replicas = []
        for number, one in enumerate(lifted):
            for world, error in enumerate(errors, rollouts):
                drawn = _world(profile, seed + number, world, error / halves, one.attempt)
                replicas.append(Replica(number, world, one.attempt.grasp, drawn, engine))
        for replica, replayed in zip(replicas, run(replicas), strict=True):
            lifted[replica.attempt].tell(replayed, errors[replica.world - rollouts])
        rollouts += worlds
        known = [one for one in lifted if len(one.told) >= HELD_SHARE * rollouts]
        if len(known) < FEWEST_HELD:
            return None
        found, grasps = _by_grasp(known, center)
        shift, covariance = posterior(found, usual)
        mean = center + shift
    stds = np.sqrt(np.diag(covariance))
    values, slopes = np.array([one.value for one in known]), [one.slope for one in known]
    return ZerosFit(
        mean=frozen(mean),
        covariance=frozen(covariance),
        offset_mean=tuple((mean / halves).tolist()),
        offset_std=float(np.sqrt(np.mean((stds / halves) ** 2))),
        estimates=tuple(
            Estimate(value, value - half, value + half)
            for value, half in (
                (float(middle), half_width(std, grasps))
                for middle, std in zip(mean, stds, strict=True)
            )
        ),
        attempts=len(known),
        rollouts=rollouts * len(lifted),
        misfit_before_m=float(np.median(np.abs(values - slopes @ center))),
        misfit_after_m=float(np.median(np.abs(values - slopes @ mean))),
    )


def _lifted(evidence: Evidence, robot: RobotSpec, most: int) -> list[_Lifted]:
    """Attempts to be repeated, those of one object and grasp in a row."""
    held = [
        tried.attempt
        for tried in evidence.attempts
        if tried.held
        and measured_place(tried.attempt) is not None
        and tried.attempt.object_after is not None
    ]
    held.sort(key=lambda attempt: attempt.grasp.object)
    return [
        _Lifted(attempt, grasp, *_hand_motion(robot, attempt), [])
        for grasp, some in varied(held, most).items()
        for attempt in some
    ]


def _hand_motion(robot: RobotSpec, attempt: GraspAttempt) -> tuple[Pose, FloatArray]:
    """Grip frame after the lift, and how far each joint moves it along its y, shape (n,)."""
    arm, step = attempt.grasp.lift.positions[-1], 1e-4
    grip_in_tcp = robot.synergy_of(attempt.grasp.provenance).grip_in_tcp

    def grip(positions: FloatArray) -> Pose:
        return link_in_base(robot, robot.tcp_link, positions) @ grip_in_tcp

    hand = grip(arm)
    steps = step * np.eye(len(arm))
    moved = [grip(arm + one).position - grip(arm - one).position for one in steps]
    return hand, hand.rotation.inv().apply(np.array(moved))[:, 1] / (2.0 * step)


def _world(
    profile: Profile, seed: int, number: int, error: FloatArray, attempt: GraspAttempt
) -> Perturbation:
    """A world that the profile draws, with given joint errors and the object where it stood.

    Each attempt has its own: the friction of a single one would push all objects to the same side.
    """
    drawn = sample_perturbation(profile, Criterion.MDR, seed, number, len(error))
    assert attempt.object_before is not None
    wrong = replace(drawn, joint_offset=frozen(error))
    return seen_at(wrong, attempt.grasp, attempt.object_before)


def _by_grasp(known: Sequence[_Lifted], center: FloatArray) -> tuple[Measurements, int]:
    """One measurement of each grasp, relative to a center, shape (n,); and their number.

    A simulator errs in the same way whenever a grasp is repeated.
    """
    grasps: dict[str, list[_Lifted]] = {}
    for one in known:
        grasps.setdefault(one.grasp, []).append(one)
    apart = [
        abs(one.value - float(np.median([other.value for other in repeated])))
        for repeated in grasps.values()
        if len(repeated) > 1
        for one in repeated
    ]
    # Of two that are repeated, each is off their middle by less than from the truth.
    repeated_std = _TO_STD * np.sqrt(2.0) * float(np.median(apart)) if apart else 0.0
    slopes, values, variances = [], [], []
    for repeated in grasps.values():
        weights = np.array([1.0 / (one.std**2 + repeated_std**2) for one in repeated])
        shares = weights / weights.sum()
        slopes.append(shares @ np.array([one.slope for one in repeated]))
        values.append(shares @ np.array([one.value - one.slope @ center for one in repeated]))
        variances.append(1.0 / weights.sum())
    return Measurements(*map(frozen, (slopes, values, variances))), len(grasps)
