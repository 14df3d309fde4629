"""Measures what may break one grasp: in an undisturbed rollout, and in others on worse friction.

All of it depends on the grasp, its robot and its object alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from dr_grasp.core.arrays import FloatArray, frozen
from dr_grasp.core.diagnosis import LOWEST_FRICTION, Diagnosis
from dr_grasp.core.outcome import Observation, Outcome
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.core.trajectory import GraspTrajectory, Phase
from dr_grasp.objects.surface import surface_distances, surface_of
from dr_grasp.provenance.fingerprint import grasp_fingerprint
from dr_grasp.simulation.bullet.table_world import RATE_HZ
from dr_grasp.simulation.bullet.world import BulletWorld, Contacts
from dr_grasp.simulation.rollout import LOOK_EVERY, run_rollout
from dr_grasp.simulation.rollout_runner import RolloutRunner

HALVINGS = 7
"""How often the range of the friction looked for is halved: after eight rollouts it is known within
0.0075."""


def diagnose(runner: RolloutRunner, grasp: GraspTrajectory) -> Diagnosis:
    """Measure a grasp.

    Args:
        runner: Has the world of the grasp's robot and object.
        grasp: Checked against the robot already.
    """
    watcher, trajectory = _Watcher(runner.world), grasp_fingerprint(grasp)
    nominal = Perturbation.none()
    outcome = run_rollout(runner.world, grasp, nominal, on_observation=watcher.observed).outcome
    if outcome is not Outcome.SUCCESS:
        return Diagnosis(grasp.id, outcome, trajectory=trajectory)

    looked_at = watcher.diagnosis(grasp.id)  # while the world still stands as it ended

    def holds(scale: float) -> bool:
        perturbation = replace(nominal, lateral_friction_scale=scale)
        return runner.run(grasp, perturbation).outcome is Outcome.SUCCESS

    return replace(looked_at, trajectory=trajectory, least_friction=least_friction(holds))


def least_friction(holds: Callable[[float], bool]) -> float:
    """The least friction that holds, if more of it never does harm; `LOWEST_FRICTION` at least.

    Args:
        holds: Whether a share of the object's friction does; all of it is taken to.
    """
    if holds(LOWEST_FRICTION):
        return LOWEST_FRICTION
    low, high = LOWEST_FRICTION, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


class _Watcher:
    """Looks at an undisturbed rollout, whole, once at each of the judge's observations."""

    def __init__(self, world: BulletWorld) -> None:
        self._world = world
        self._velocities: list[FloatArray] = []
        self._depths: list[float] = []
        self._held: list[Contacts] = []

    def observed(self, step: int, phase: Phase, seen: Observation) -> None:
        if phase < Phase.LIFT:
            return
        contacts = self._world.hand_contacts()
        self._depths += contacts.depths.tolist()
        # The last look of a phase may come at another time than the others.
        if phase is Phase.LIFT and step % LOOK_EVERY == 0:
            self._velocities.append(np.array(self._world.object_state.velocity))
        if phase is Phase.HOLD:
            self._held.append(contacts)

    def diagnosis(self, grasp_id: str) -> Diagnosis:
        """Of a grasp that has held to the end: the hand touches at the last look at least."""
        forces = np.concatenate([contacts.forces for contacts in self._held])
        points = np.concatenate([contacts.points for contacts in self._held])
        offset = np.average(points, axis=0, weights=forces) - self._world.object.center_of_mass
        return Diagnosis(
            grasp_id,
            Outcome.SUCCESS,
            deepest_penetration_m=max(self._depths),
            lift_acceleration=self._lift_acceleration(),
            grip_offset_m=float(np.linalg.norm(offset)),
            grip_lever_m=self._grip_lever_m(offset, forces),
            surface_distance_m=self._surface_distance_m(),
        )

    def _grip_lever_m(self, offset: FloatArray, forces: FloatArray) -> float:
        """Lever of the weight about the line along which the hand presses.

        About other lines the fingers hold by pressing; about this one by friction alone.
        """
        normals = np.concatenate([contacts.normals for contacts in self._held])
        line = np.linalg.eigh((normals.T * forces) @ normals)[1][:, -1]
        pose = self._world.object_pose()
        return float(abs(np.cross(pose.rotate(offset), [0.0, 0.0, 1.0]) @ pose.rotate(line)))

    def _lift_acceleration(self) -> float | None:
        """The largest change of velocity between two looks, by their time.

        They are 1/48 s apart, over which the chatter of single steps averages out.
        """
        if len(self._velocities) < 2:
            return None
        changes = np.linalg.norm(np.diff(self._velocities, axis=0), axis=1)
        return float(changes.max() / (LOOK_EVERY / RATE_HZ))

    def _surface_distance_m(self) -> float:
        """Mean over the hold, by force, of that link of the hand of which it is largest.

        One finger on a surface that is not there is enough to lose the object.
        """
        links = np.concatenate([contacts.links for contacts in self._held])
        forces = np.concatenate([contacts.forces for contacts in self._held])
        # Bullet's shapes stand out by a margin from the pieces that they were made of.
        points = np.concatenate([c.points - c.margin * c.normals for c in self._held])
        distances = surface_distances(surface_of(self._world.object), frozen(points))
        return max(
            float(np.average(distances[links == link], weights=forces[links == link]))
            for link in np.unique(links)
        )
