"""How an object's dynamics differ from its description, as data."""

from __future__ import annotations

from dataclasses import dataclass

from dr_grasp.core.perturbation import Perturbation
from dr_grasp.objects.object_spec import ObjectSpec


@dataclass(frozen=True, slots=True)
class ObjectDynamics:
    """How an object differs from its description.

    Attributes:
        friction_factor: Factor on lateral friction against table and hand.
        mass_factor: Factor on mass and inertia.
        center_of_mass_shift_m: Shift of the centre of mass along the object's axes [m].
        torsional_friction_m: Friction torque about a contact's normal per force along it [m].
        rolling_friction_m: Friction torque about a contact's tangents per normal force [m].
    """

    friction_factor: float = 1.0
    mass_factor: float = 1.0
    center_of_mass_shift_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    torsional_friction_m: float = 0.003
    rolling_friction_m: float = 0.0001

    @classmethod
    def under(cls, perturbation: Perturbation, item: ObjectSpec) -> ObjectDynamics:
        """The dynamics of an object in a rollout; without its own friction, as described."""
        rolling, spinning = perturbation.rolling_friction, perturbation.spinning_friction
        x, y, z = perturbation.center_of_mass_m.tolist()
        return cls(
            friction_factor=perturbation.lateral_friction_scale,
            mass_factor=perturbation.mass_scale,
            center_of_mass_shift_m=(x, y, z),
            torsional_friction_m=item.spinning_friction if spinning is None else spinning,
            rolling_friction_m=item.rolling_friction if rolling is None else rolling,
        )
