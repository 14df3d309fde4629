"""Each joint of a hand follows a driven joint as its mimic tag says."""

import numpy as np
import pytest

from dr_grasp.robots.hand_joints import HandJoints
from dr_grasp.robots.robot_spec import load_robot, robot_names


@pytest.mark.parametrize("name", robot_names())
def test_joints_follow_as_their_mimic_tags_say(name):
    robot = load_robot(name)
    joints, closed = HandJoints.of(robot), robot.hand_closed
    positions = dict(zip(joints.names, joints.positions(closed), strict=True))
    speeds = dict(zip(joints.names, joints.velocities, strict=True))
    count = len(robot.hand_joints)
    assert joints.names[:count] == robot.hand_joints
    assert [positions[driven] for driven in robot.hand_joints] == closed.tolist()
    np.testing.assert_array_equal(joints.velocities[:count], robot.hand_velocities)
    assert len(joints.names) == len(robot.hand_force_shares) > count
    for mimic in robot.model.mimics:
        expected = mimic.multiplier * positions[mimic.follows] + mimic.offset
        assert positions[mimic.joint] == pytest.approx(expected, abs=1e-15)
        assert speeds[mimic.joint] == abs(mimic.multiplier) * speeds[mimic.follows]
