"""Measures why a grasp may fail: in an undisturbed rollout, and in rollouts with less friction.

The measurements depend on the grasp, its robot and its object alone.
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
from dr_grasp.simulation.engine import World
from dr_grasp.simulation.motors import RATE_HZ
from dr_grasp.simulation.rollout import LOOK_EVERY, run_rollout
from dr_grasp.simulation.rollout_runner import RolloutRunner
from dr_grasp.simulation.scene import Contacts

HALVINGS = 7
"""How often the range of the least friction is halved: after eight rollouts it is known within
0.0075."""


def diagnose(runner: RolloutRunner, grasp: GraspTrajectory) -> Diagnosis:
    """Measure all quantities of a grasp that need no score.

    Args:
        runner: Runs rollouts of the grasp's robot and object.
        grasp: The grasp, checked against the robot.
    """
    watcher, trajectory = _Watcher(runner.world), grasp_fingerprint(grasp)
    nominal = Perturbation.none()
    rollout = run_rollout(runner.world, grasp, nominal, on_observation=watcher.observed)
    if rollout.outcome is not Outcome.SUCCESS:
        return Diagnosis(grasp.id, rollout.outcome, trajectory=trajectory, links=rollout.links)

    diagnosis = watcher.diagnosis(grasp.id)  # before other rollouts change the world's state

    def holds(scale: float) -> bool:
        perturbation = replace(nominal, lateral_friction_scale=scale)
        return runner.run(grasp, perturbation).outcome is Outcome.SUCCESS

    return replace(diagnosis, trajectory=trajectory, least_friction=least_friction(holds))


def least_friction(holds: Callable[[float], bool]) -> float:
    """Find the smallest factor on friction, from `LOWEST_FRICTION` to 1, with which a grasp holds.

    Args:
        holds: Whether the grasp holds with a factor; assumed to be True from the smallest up to 1.
    """
    if holds(LOWEST_FRICTION):
        return LOWEST_FRICTION
    low, high = LOWEST_FRICTION, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


class _Watcher:
    """Watches a whole undisturbed rollout, at each of the judge's observations."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._velocities: list[FloatArray] = []
        self._depths: list[float] = []
        self._held: list[Contacts] = []

    def observed(self, step: int, phase: Phase, seen: Observation) -> None:
        if phase < Phase.LIFT:
            return
        contacts = self._world.hand_contacts()
        self._depths += contacts.depths.tolist()
        # Velocities at equal intervals only; the last observation of a phase may come sooner.
        if phase is Phase.LIFT and step % LOOK_EVERY == 0:
            self._velocities.append(np.array(self._world.object_state.velocity))
        if phase is Phase.HOLD:
            self._held.append(contacts)

    def diagnosis(self, grasp_id: str) -> Diagnosis:
        """Measurements of a grasp that held to the end, where the hand touches the object."""
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

        The fingers resist turning about other lines by pressing; about this line by friction alone.
        """
        normals = np.concatenate([contacts.normals for contacts in self._held])
        line = np.linalg.eigh((normals.T * forces) @ normals)[1][:, -1]
        pose = self._world.object_pose()
        return float(abs(np.cross(pose.rotate(offset), [0.0, 0.0, 1.0]) @ pose.rotate(line)))

    def _lift_acceleration(self) -> float | None:
        """Largest acceleration between two observations in the lift [m/s^2].

        They are 1/48 s apart, over which the chatter of single steps averages out.
        """
        if len(self._velocities) < 2:
            return None
        changes = np.linalg.norm(np.diff(self._velocities, axis=0), axis=1)
        return float(changes.max() / (LOOK_EVERY / RATE_HZ))

    def _surface_distance_m(self) -> float:
        """Largest of the links' mean distances, by force, from contact to surface in the hold [m].

        A single finger on a surface that the real object lacks is enough to lose the object.
        """
        links = np.array([link for contacts in self._held for link in contacts.links])
        forces = np.concatenate([contacts.forces for contacts in self._held])
        # Bullet's shapes are larger by a margin than the convex pieces that they were made from.
        points = np.concatenate([c.points - c.margin * c.normals for c in self._held])
        distances = surface_distances(surface_of(self._world.object), frozen(points))
        return max(
            float(np.average(distances[links == link], weights=forces[links == link]))
            for link in np.unique(links)
        )
