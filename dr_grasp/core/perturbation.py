"""Domain randomisation as data: criteria, profiles, and the perturbation of one rollout.

The criteria are those of Huber et al. 2023 (arXiv 2310.04517): OSDR doubts perception, JSDR
control, FDR dynamics, MDR all three at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.engine import Engine
from dr_grasp.core.metadata import IGNORED, IGNORED_AT_DEFAULT
from dr_grasp.core.named import NamedEnum
from dr_grasp.core.noise import DynamicsNoise, JointNoise, ObjectPoseNoise

NominalT = TypeVar("NominalT", float, None)

MAX_SEED = 2**64 - 1
"""The largest seed: seeds travel as uint64."""


class Criterion(NamedEnum):
    """A kind of doubt about the simulated world, under which a grasp is scored."""

    OSDR = "osdr"
    JSDR = "jsdr"
    FDR = "fdr"
    MDR = "mdr"

    @property
    def doubts_perception(self) -> bool:
        """Whether rollouts put the object elsewhere than it is believed to stand."""
        return self in (Criterion.OSDR, Criterion.MDR)

    @property
    def doubts_control(self) -> bool:
        """Whether rollouts move the arm's joints otherwise than commanded."""
        return self in (Criterion.JSDR, Criterion.MDR)

    @property
    def doubts_dynamics(self) -> bool:
        """Whether rollouts have other friction and mass than modelled."""
        return self in (Criterion.FDR, Criterion.MDR)


@dataclass(frozen=True, slots=True)
class Profile:
    """A named set of noises and of numbers of trials.

    Attributes:
        name: The name by which users select the profile.
        description: One line about the profile, for users.
        object_pose: Perception error under OSDR and MDR.
        joints: Control error under JSDR and MDR.
        dynamics: Dynamics error under FDR and MDR.
        trials: Default number of rollouts of each criterion.
        engine: The engine that the profile is meant for, which scoring uses if none is named; None
            for any. What is drawn does not depend on it.
        robot: Name of the robot for which the profile was made; None for any.
    """

    name: str
    description: str
    object_pose: ObjectPoseNoise
    joints: JointNoise
    dynamics: DynamicsNoise
    trials: Mapping[Criterion, int]
    # Scores record the engine by itself.
    engine: Engine | None = field(default=None, metadata={IGNORED: True})
    robot: str | None = field(default=None, metadata={IGNORED_AT_DEFAULT: True})

    def leaves_out(self, rolling_friction_m: float, spinning_friction_m: float) -> list[str]:
        """List the nominal dynamics of an object that FDR never draws, in one line each.

        With a range that excludes the nominal value, no rollout simulates the object as modelled.

        Args:
            rolling_friction_m: Nominal rolling friction of the object [m].
            spinning_friction_m: Nominal spinning friction of the object [m].
        """
        dynamics = self.dynamics
        return [
            f"{what} {nominal:g}{unit}: profile {self.name} draws from "
            f"{bounds[0]:g} to {bounds[1]:g}{unit}"
            for what, nominal, bounds, unit in (
                ("factor on lateral friction", 1.0, dynamics.lateral_friction_scale, ""),
                ("rolling friction", rolling_friction_m, dynamics.rolling_friction, " m"),
                ("spinning friction", spinning_friction_m, dynamics.spinning_friction, " m"),
                ("factor on mass", 1.0, dynamics.mass_scale, ""),
                ("factor on gripper force", 1.0, dynamics.gripper_force_scale, ""),
            )
            if bounds is not None and not bounds[0] <= nominal <= bounds[1]
        ]


@dataclass(frozen=True, slots=True, eq=False)
class Perturbation:
    """How one rollout differs from the nominal scene.

    Attributes:
        translation_m: Shape (3,), shift of the object in the base frame [m].
        rotation_rpy_rad: Shape (3,), turn of the object about the base frame's axes [rad].
        joint_offset: Shape (n,), constant error of commands in half joint ranges; (0,) for none.
        jitter_std: Standard deviation of white noise on commands in half joint ranges.
        jitter_seed: Seed of the white noise: the noise itself would be as long as the trajectory.
        lateral_friction_scale: Factor on the object's lateral friction.
        rolling_friction: Rolling friction of the object [m]; None for the nominal value.
        spinning_friction: Spinning friction of the object [m]; None for the nominal value.
        mass_scale: Factor on the object's mass.
        center_of_mass_m: Shape (3,), shift of the centre of mass in the object's frame [m].
        gripper_force_scale: Factor on the largest force of the hand's drives.
        delay_s: Time from a command, of arm or hand, to its effect [s].
        lag_s: Time by which a moving arm is behind its delayed commands [s].
    """

    translation_m: FloatArray
    rotation_rpy_rad: FloatArray
    joint_offset: FloatArray
    jitter_std: float = 0.0
    jitter_seed: int = 0
    lateral_friction_scale: float = 1.0
    rolling_friction: float | None = None
    spinning_friction: float | None = None
    mass_scale: float = 1.0
    center_of_mass_m: FloatArray = field(default_factory=lambda: frozen([0, 0, 0]))
    gripper_force_scale: float = 1.0
    delay_s: float = 0.0
    lag_s: float = 0.0

    @classmethod
    def none(cls) -> Perturbation:
        """The perturbation that leaves the nominal scene as it is."""
        return cls(frozen([0, 0, 0]), frozen([0, 0, 0]), frozen([]))

    @property
    def disturbs_object(self) -> bool:
        """Whether the object stands elsewhere, or has other dynamics, than in the nominal scene."""
        return not (
            self.lateral_friction_scale == self.mass_scale == 1.0
            and self.rolling_friction is None
            and self.spinning_friction is None
            and not np.any(self.translation_m)
            and not np.any(self.rotation_rpy_rad)
            and not np.any(self.center_of_mass_m)
        )

    def command_noise(self, steps: int, half_ranges: FloatArray) -> FloatArray:
        """Compute the error that is added to arm commands, shape (steps, n) [rad or m].

        Args:
            steps: Number of control steps.
            half_ranges: Shape (n,), half of each arm joint's range [rad or m].
        """
        noise = np.zeros((steps, len(half_ranges)))
        if self.jitter_std > 0:
            rng = np.random.default_rng(self.jitter_seed)
            noise += rng.normal(0.0, self.jitter_std, noise.shape)
        if self.joint_offset.size:
            noise += self.joint_offset
        return noise * half_ranges


def sample_perturbation(
    profile: Profile, criterion: Criterion, seed: int, trial: int, arm_joints: int
) -> Perturbation:
    """Draw the perturbation of one trial.

    It depends on (profile, seed, criterion, trial) alone: every grasp meets the same noise (common
    random numbers) and no order of work can change a result. Pose, joints and dynamics are drawn
    from separate random streams, so that a changed range of one leaves the others as they were.

    Args:
        profile: The profile that has the ranges of the noises.
        criterion: The criterion, by which some of the noises apply.
        seed: Seed of the perturbations, from 0 to 2**64 - 1.
        trial: Index of the trial from 0.
        arm_joints: Number of arm joints n; that of the profile's robot, if it has one.
    """
    code = list(Criterion).index(criterion)
    sequence = np.random.SeedSequence(seed, spawn_key=(code, trial))
    pose_rng, joint_rng, dynamics_rng = (np.random.default_rng(s) for s in sequence.spawn(3))
    perturbation = Perturbation.none()
    if criterion.doubts_perception:
        perturbation = misplaced(perturbation, profile.object_pose, pose_rng)
    if criterion.doubts_control:
        joints = profile.joints
        perturbation = replace(
            perturbation,
            joint_offset=frozen(
                joint_rng.normal(joints.offset_mean or 0.0, joints.offset_std, arm_joints)
            ),
            jitter_std=joints.jitter_std,
            jitter_seed=int(joint_rng.integers(2**63)),
        )
        # What came later is drawn last, so that older profiles draw as they did.
        delay, lag = joint_rng.uniform(size=2).tolist()
        perturbation = replace(
            perturbation,
            delay_s=_between(joints.delay_s, delay, 0.0),
            lag_s=_between(joints.lag_s, lag, 0.0),
        )
    if criterion.doubts_dynamics:
        dynamics = profile.dynamics
        # Numbers are drawn even if unused, so that switching one off leaves the others as they are.
        lateral, rolling, spinning, mass = dynamics_rng.uniform(size=4).tolist()
        perturbation = replace(
            perturbation,
            lateral_friction_scale=_between(dynamics.lateral_friction_scale, lateral, 1.0),
            rolling_friction=_between(dynamics.rolling_friction, rolling, None),
            spinning_friction=_between(dynamics.spinning_friction, spinning, None),
            mass_scale=_between(dynamics.mass_scale, mass, 1.0),
            center_of_mass_m=frozen(dynamics_rng.normal(0.0, dynamics.center_of_mass_std_m, 3)),
        )
        force = float(dynamics_rng.uniform())
        perturbation = replace(
            perturbation,
            gripper_force_scale=_between(dynamics.gripper_force_scale, force, 1.0),
        )
    return perturbation


def known_errors(profile: Profile) -> Perturbation:
    """The errors that a profile says are always there: means, and the middles of delay and lag."""
    pose, joints = profile.object_pose, profile.joints
    return replace(
        Perturbation.none(),
        translation_m=frozen([*pose.position_mean_m, 0.0]),
        rotation_rpy_rad=frozen(pose.rotation_mean_rad),
        joint_offset=frozen(joints.offset_mean),
        delay_s=_between(joints.delay_s, 0.5, 0.0),
        lag_s=_between(joints.lag_s, 0.5, 0.0),
    )


def misplaced(
    perturbation: Perturbation, noise: ObjectPoseNoise, rng: np.random.Generator
) -> Perturbation:
    """Draw where the object stands, in place of where the perturbation has it."""
    shift = rng.normal(noise.position_mean_m, noise.position_std_m, 2)
    turn = rng.normal(noise.rotation_mean_rad, noise.rotation_std_rad)
    return replace(perturbation, translation_m=frozen([*shift, 0.0]), rotation_rpy_rad=frozen(turn))


def _between(
    bounds: tuple[float, float] | None, share: float, nominal: NominalT
) -> float | NominalT:
    return nominal if bounds is None else bounds[0] + (bounds[1] - bounds[0]) * share
