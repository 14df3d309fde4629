"""Single parameters of a rollout, of which a grasp bears some range, and perturbations by them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.named import NamedEnum
from dr_grasp.core.perturbation import Perturbation


class Doubt(NamedEnum):
    """A parameter of a rollout that is one number, 0 in the nominal scene."""

    X = "x"
    Y = "y"
    YAW = "yaw"
    JOINTS = "joints"
    FRICTION = "friction"
    MASS = "mass"
    CENTER_OF_MASS = "center_of_mass"
    GRIPPER_FORCE = "gripper_force"

    @property
    def kind(self) -> Kind:
        """What the number means."""
        return _KINDS[self]

    def amount(self, coordinate: float) -> float:
        """The parameter in its own unit: itself, or for a factor its exponential."""
        return math.exp(coordinate) if self.kind.is_factor else coordinate

    def coordinate(self, amount: float) -> float:
        """The coordinate of an amount in the parameter's own unit; see `amount`."""
        return math.log(amount) if self.kind.is_factor else amount


@dataclass(frozen=True, slots=True)
class Kind:
    """What a `Doubt` means.

    Attributes:
        label: Name for users.
        unit: Unit of its values; empty for factors.
        is_factor: Whether the coordinate is the logarithm of a factor on the nominal value.
        low: Lowest coordinate that is ever tried.
        high: Highest coordinate that is ever tried.
        step: By how much a range grows at a time, in coordinates.
        two_sided: Whether negative coordinates mean anything: not for sizes of errors whose
            direction is drawn.
    """

    label: str
    unit: str
    is_factor: bool
    low: float
    high: float
    step: float
    two_sided: bool = True


_KINDS = {
    Doubt.X: Kind("object along x", "m", False, -0.06, 0.06, 0.002),
    Doubt.Y: Kind("object along y", "m", False, -0.06, 0.06, 0.002),
    Doubt.YAW: Kind("object's yaw", "rad", False, -math.pi / 2, math.pi / 2, 0.035),
    Doubt.JOINTS: Kind("joint error", "rad", False, 0.0, 0.08, 0.002, two_sided=False),
    Doubt.FRICTION: Kind("friction", "", True, math.log(0.05), math.log(4.0), 0.1),
    Doubt.MASS: Kind("mass", "", True, math.log(0.1), math.log(10.0), 0.1),
    Doubt.CENTER_OF_MASS: Kind("centre of mass", "m", False, 0.0, 0.06, 0.002, two_sided=False),
    Doubt.GRIPPER_FORCE: Kind("gripper force", "", True, math.log(0.05), math.log(2.0), 0.1),
}


def shrunk(
    perturbation: Perturbation,
    share: float,
    known: Perturbation,
    rolling_friction_m: float,
    spinning_friction_m: float,
) -> Perturbation:
    """A perturbation of the same kind, nearer to the nominal scene with the errors that are known.

    Args:
        perturbation: The perturbation.
        share: What is left of each error, beyond what is known of it, and of the logarithm of each
            factor, from 0 to 1.
        known: Errors of pose and joints, delay and lag that are known, and stay: `known_errors`.
        rolling_friction_m: Nominal rolling friction of the object [m].
        spinning_friction_m: Nominal spinning friction of the object [m].
    """

    def nearer(value: float | None, nominal: float) -> float | None:
        return None if value is None else nominal + share * (value - nominal)

    def around(value: FloatArray, center: FloatArray) -> FloatArray:
        return frozen(center + share * (value - center))

    offset = perturbation.joint_offset
    return replace(
        perturbation,
        translation_m=around(perturbation.translation_m, known.translation_m),
        rotation_rpy_rad=around(perturbation.rotation_rpy_rad, known.rotation_rpy_rad),
        joint_offset=around(offset, known.joint_offset if known.joint_offset.size else 0 * offset),
        jitter_std=share * perturbation.jitter_std,
        lateral_friction_scale=perturbation.lateral_friction_scale**share,
        rolling_friction=nearer(perturbation.rolling_friction, rolling_friction_m),
        spinning_friction=nearer(perturbation.spinning_friction, spinning_friction_m),
        mass_scale=perturbation.mass_scale**share,
        center_of_mass_m=frozen(share * perturbation.center_of_mass_m),
        gripper_force_scale=perturbation.gripper_force_scale**share,
        delay_s=known.delay_s + share * (perturbation.delay_s - known.delay_s),
        lag_s=known.lag_s + share * (perturbation.lag_s - known.lag_s),
    )


def perturbed(
    base: Perturbation,
    coordinates: Mapping[Doubt, float],
    directions: np.random.Generator,
    half_ranges: object,
) -> Perturbation:
    """Add doubts to a perturbation.

    Args:
        base: The perturbation to add to.
        coordinates: The doubts' coordinates; those that are missing stay as they are.
        directions: Gives the directions of errors of which only the size is known: of the joint
            error, a unit vector of all joints, times the square root of their number, so that the
            coordinate is the root mean square; and of the centre of mass.
        half_ranges: Shape (n,), half of each arm joint's range [rad or m].
    """
    halves = np.asarray(half_ranges, dtype=np.float64)
    # Drawn even if unused, so that one doubt's size does not change the others' directions.
    joints, place = directions.normal(size=len(halves)), directions.normal(size=3)
    joints *= math.sqrt(len(halves)) / np.linalg.norm(joints)
    place /= np.linalg.norm(place)
    get = coordinates.get
    offset = base.joint_offset if base.joint_offset.size else np.zeros(len(halves))
    shift = np.array([get(Doubt.X, 0.0), get(Doubt.Y, 0.0), 0.0])
    turn = np.array([0.0, 0.0, get(Doubt.YAW, 0.0)])
    return replace(
        base,
        translation_m=frozen(base.translation_m + shift),
        rotation_rpy_rad=frozen(base.rotation_rpy_rad + turn),
        joint_offset=frozen(offset + get(Doubt.JOINTS, 0.0) * joints / halves),
        lateral_friction_scale=base.lateral_friction_scale * math.exp(get(Doubt.FRICTION, 0.0)),
        mass_scale=base.mass_scale * math.exp(get(Doubt.MASS, 0.0)),
        center_of_mass_m=frozen(base.center_of_mass_m + get(Doubt.CENTER_OF_MASS, 0.0) * place),
        gripper_force_scale=base.gripper_force_scale * math.exp(get(Doubt.GRIPPER_FORCE, 0.0)),
    )
