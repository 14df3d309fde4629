"""A simulator that is a formula, so that tests know what identification should find."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.identification.evidence import Evidence, Tried
from dr_grasp.identification.replica import Replayed, Replica
from dr_grasp.identification.worlds import Quantity, Space

NOISE_M = 0.001


@dataclass(frozen=True)
class Toy:
    """How grasps depend on the world: each grasp has its own sensitivities.

    Attributes:
        sensitivities: For each grasp by its id, how far a standard deviation of each quantity
            moves the object along x, y and z [m]; shape (3, quantities).
        slips: For each grasp by its id, by how much friction must exceed what is needed to hold, in
            logarithms; -inf if it always holds.
        space: The parameters.
        shift_m: How far objects end elsewhere than worlds say: what no world explains.
    """

    sensitivities: dict[str, np.ndarray]
    slips: dict[str, float]
    space: Space
    shift_m: float = 0.0

    def run(self, replicas: Sequence[Replica]) -> list[Replayed]:
        return [self.replay(replica) for replica in replicas]

    def replay(self, replica: Replica) -> Replayed:
        p, grasp = replica.perturbation, replica.grasp
        amounts = {
            Quantity.FRICTION: p.lateral_friction_scale,
            Quantity.MASS: p.mass_scale,
            Quantity.COM_X: p.center_of_mass_m[0],
            Quantity.COM_Y: p.center_of_mass_m[1],
            Quantity.COM_Z: p.center_of_mass_m[2],
            Quantity.SPINNING: p.spinning_friction,
            Quantity.FORCE: p.gripper_force_scale,
        }
        z = np.array(
            [
                self.space.parameters[i].coordinate(amounts[self.space.parameters[i].quantity])
                for i in self.space.columns(grasp.object)
            ]
        )
        # World 0 is the real one; its number only seeds the noise.
        rng = np.random.default_rng([replica.attempt, replica.world])
        margin = math.log(p.lateral_friction_scale * p.gripper_force_scale / p.mass_scale)
        if margin + 0.1 * rng.normal() < self.slips[grasp.id]:
            return Replayed(Outcome.DROPPED_LIFTING, grasp.object_in_base, 0.0)
        shift = self.sensitivities[grasp.id] @ z + rng.normal(0, NOISE_M, 3) + self.shift_m
        after = grasp.object_in_base.perturbed(shift, [0, 0, 0])
        return Replayed(Outcome.SUCCESS, after, 0.01)

    def really(self, grasps, world: np.ndarray, samples) -> Evidence:
        """What really happens in a world: each grasp is tried twice."""
        tried = []
        for number, grasp in enumerate([g for g in grasps for _ in range(2)]):
            perturbation = self.space.perturbation(Perturbation.none(), world, grasp.object)
            seen = self.replay(Replica(number, 10**6, grasp, perturbation, None))
            attempt = samples.attempt(
                f"a{number}",
                grasp=grasp,
                outcome=seen.outcome,
                gripper_opening=seen.gripper_opening,
                object_before=grasp.object_in_base,
                object_after=seen.object_after,
            )
            tried.append(Tried(attempt, seen.outcome, seen.outcome is Outcome.SUCCESS, "bag"))
        return Evidence("franka", tuple(tried), {})


def toy_grasps(samples, objects=("mug", "box"), each=4) -> list:
    place = Pose([0.5, 0.0, 0.1], [0, 0, 0, 1])
    return [
        samples.grasp(f"{item}{k}", object=item, object_in_base=place)
        for item in objects
        for k in range(each)
    ]


def telling_toy(grasps, space: Space, told: Sequence[Quantity], size_m=0.004, seed=3) -> Toy:
    """A toy in which objects move by some quantities alone, by a random amount in each grasp."""
    rng = np.random.default_rng(seed)
    order = [space.parameters[i].quantity for i in space.columns(grasps[0].object)]
    mask = np.array([quantity in told for quantity in order])
    sensitivities = {grasp.id: size_m * rng.normal(size=(3, 7)) * mask for grasp in grasps}
    slips = {grasp.id: -math.inf for grasp in grasps}
    return Toy(sensitivities, slips, space)


def without_noise(_rng: np.random.Generator) -> Perturbation:
    return Perturbation.none()
