"""Measures metrics of a grasp in simulation: of its contacts when the hand closes, and of pulling.

A measurement depends on the grasp, its robot, its object, the profile, the seed and the engine
alone.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import numpy as np

from dr_grasp.core.arrays import frozen
from dr_grasp.core.metric import LONG, Metric
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion, Perturbation, Profile, sample_perturbation
from dr_grasp.core.trajectory import GraspTrajectory, Phase
from dr_grasp.objects.object_spec import ObjectSpec
from dr_grasp.quality.tug import tug
from dr_grasp.quality.wrench_set import epsilon, volume
from dr_grasp.quality.wrenches import ContactPoints, primitive_wrenches
from dr_grasp.robots.robot_spec import RobotSpec
from dr_grasp.simulation.rollout_runner import RolloutRunner
from dr_grasp.simulation.scene import Contacts

ROBUST_TRIALS: Final = LONG[Metric.ROBUST_EPSILON]
"""Perturbations over which the robust epsilon is a mean. On 16 grasps of Franka and Baxter the
standard error was 0.002, and the means had a standard deviation of 0.012 between grasps."""

OF_CONTACTS: Final = frozenset(
    {Metric.EPSILON, Metric.VOLUME, Metric.PENETRATION, Metric.COM_DISTANCE}
)
"""Metrics of the contacts of one closed hand, which one rollout serves."""

NO_CONTACTS: Final = Contacts(
    (), frozen(np.zeros((0, 3))), frozen(np.zeros((0, 3))), frozen([]), frozen([]), 0.0
)


def measure(
    runner: RolloutRunner,
    grasp: GraspTrajectory,
    metrics: Collection[Metric],
    profile: Profile,
    seed: int,
) -> dict[Metric, float]:
    """Measure metrics of a grasp, in the engine of the runner's world.

    Args:
        runner: Runs rollouts of the grasp's robot and object; see `kept_runner`.
        grasp: The grasp, checked against the robot.
        metrics: What to measure; those of `ENGINE_DOUBT`, which need two engines, are left out.
        profile: Has the perception error of the robust epsilon.
        seed: Seed of that error: the perturbations are the first ones of OSDR.

    Returns:
        A number for each metric that the grasp has: a hand that touches nothing has neither
        penetration nor distance from the centre of mass; all else is 0 then.
    """
    found: dict[Metric, float] = {}
    if not OF_CONTACTS.isdisjoint(metrics):
        contacts = closed_contacts(runner, grasp, Perturbation.none())
        robot, item = runner.world.robot, runner.world.object
        wrenches = primitive_wrenches(contact_points(contacts, robot, item))
        found[Metric.EPSILON] = epsilon(wrenches)
        found[Metric.VOLUME] = volume(wrenches)
        if contacts.links:
            found[Metric.PENETRATION] = max(0.0, float(contacts.depths.max()))
            found[Metric.COM_DISTANCE] = com_distance(contacts, item)
    if Metric.ROBUST_EPSILON in metrics:
        found[Metric.ROBUST_EPSILON] = robust_epsilon(runner, grasp, profile, seed)
    if Metric.TUG in metrics:
        found[Metric.TUG] = tug(runner, grasp)
    return {metric: found[metric] for metric in Metric if metric in metrics and metric in found}


def robust_epsilon(
    runner: RolloutRunner, grasp: GraspTrajectory, profile: Profile, seed: int
) -> float:
    """Mean of epsilon over perturbations of OSDR, 0 where the hand does not hold the object [1].

    The robust epsilon of J. Mahler et al., "Dex-Net 2.0: Deep learning to plan robust grasps with
    synthetic point clouds and analytic grasp metrics", RSS 2017. There the contacts follow from the
    hand's geometry; here from a rollout with the object at the place that the perturbation says.
    """
    robot, item = runner.world.robot, runner.world.object
    epsilons = []
    for trial in range(ROBUST_TRIALS):
        perturbation = sample_perturbation(
            profile, Criterion.OSDR, seed, trial, len(robot.arm_joints)
        )
        contacts = closed_contacts(runner, grasp, perturbation)
        epsilons.append(epsilon(primitive_wrenches(contact_points(contacts, robot, item))))
    return float(np.mean(epsilons))


def closed_contacts(
    runner: RolloutRunner, grasp: GraspTrajectory, perturbation: Perturbation
) -> Contacts:
    """Contacts at the last step of the closing; none if the rollout fails before.

    Args:
        runner: Runs rollouts of the grasp's robot and object.
        grasp: The grasp, checked against the robot.
        perturbation: How the rollout differs from the nominal scene.
    """
    rollout = runner.run(grasp, perturbation, Phase.CLOSE)
    return runner.world.hand_contacts() if rollout.outcome is Outcome.UNKNOWN else NO_CONTACTS


def contact_points(contacts: Contacts, robot: RobotSpec, item: ObjectSpec) -> ContactPoints:
    """Contacts with the friction that both engines use: the object's times the hand's."""
    reaches = np.linalg.norm(item.points - item.center_of_mass, axis=1)
    return ContactPoints(
        points=contacts.points,
        inward=-contacts.normals,
        friction=item.lateral_friction * robot.hand_friction,
        torsional_friction_m=item.spinning_friction * robot.hand_friction,
        center_of_mass=item.center_of_mass,
        radius_m=float(reaches.max()),
    )


def com_distance(contacts: Contacts, item: ObjectSpec) -> float:
    """Distance of the contacts' mean, weighted by force, from the centre of mass [m]."""
    middle = np.average(contacts.points, axis=0, weights=contacts.forces)
    return float(np.linalg.norm(middle - item.center_of_mass))
