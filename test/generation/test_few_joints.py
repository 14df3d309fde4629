"""An arm of five joints finds grasps: with a tilt of its own, its fingers where they should be."""

import numpy as np
import pytest

from dr_grasp.core.outcome import Outcome
from dr_grasp.generation.evaluation import Evaluator
from dr_grasp.generation.sampler import AntipodalSampler
from dr_grasp.objects.object_spec import load_object
from dr_grasp.robots.forward_kinematics import link_in_base
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.simulation.bullet.world import BulletWorld

PAN_THREE_PITCHES_ROLL = """
extends: franka
arm:
  joints: [panda_joint1, panda_joint2, panda_joint4, panda_joint6, panda_joint7]
  home: [0.0, -0.785398, -2.356194, 1.570796, 0.785398]
  standoff_m: 0.06
  lift_m: 0.12
moveit: {accelerations: [3.75, 1.875, 3.125, 5.0, 5.0]}
"""


@pytest.fixture
def robot(tmp_path, monkeypatch):
    (tmp_path / "robots").mkdir()
    (tmp_path / "robots" / "five_joints.yaml").write_text(PAN_THREE_PITCHES_ROLL)
    monkeypatch.setenv("DR_GRASP_CONFIG", str(tmp_path))
    return load_robot("five_joints")


def test_the_grip_is_where_it_was_proposed_and_closes_along_its_axis(robot):
    item = load_object("box")
    with BulletWorld(robot, item) as world:
        evaluator = Evaluator(world, "sampler", 0)
        sampler = AntipodalSampler(robot, item, evaluator.object_in_base, 0)
        results = [evaluator.evaluate(sampler.propose(index)) for index in range(20)]
    assert any(result.outcome is Outcome.SUCCESS for result in results)
    for result in results:
        if result.grasp is None:
            continue
        tcp = link_in_base(robot, robot.tcp_link, result.grasp.approach.positions[-1])
        grip = tcp @ robot.synergies[0].grip_in_tcp
        wanted = evaluator.object_in_base @ result.proposal.grip_in_object
        np.testing.assert_allclose(grip.position, wanted.position, atol=6e-4)
        closing, proposed = (pose.rotate([0, 1, 0]) for pose in (grip, wanted))
        np.testing.assert_allclose(closing, proposed, atol=6e-3)


def test_it_lifts_as_high_and_comes_from_as_far_as_its_file_says(robot):
    item = load_object("box")
    with BulletWorld(robot, item) as world:
        evaluator = Evaluator(world, "sampler", 0)
        sampler = AntipodalSampler(robot, item, evaluator.object_in_base, 0)
        grasps = [evaluator.evaluate(sampler.propose(index)).grasp for index in range(10)]
    lifts = [grasp.lift.positions for grasp in grasps if grasp is not None]
    assert lifts
    grip_in_tcp = robot.synergies[0].grip_in_tcp
    for path in lifts:
        low, high = (
            (link_in_base(robot, robot.tcp_link, at) @ grip_in_tcp).position for at in path[[0, -1]]
        )
        np.testing.assert_allclose(high - low, [0, 0, 0.12], atol=2e-3)
