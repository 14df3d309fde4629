"""The twin behind controllers of other robots and hands than the Franka's: real processes."""

from __future__ import annotations

import time

import pytest
from action_msgs.msg import GoalStatus
from sensor_msgs.msg import JointState

from dr_grasp.errors import GoalRefusedError
from dr_grasp.robots.robot_spec import load_robot

from .driving import LIMIT_S, actions, follow, running, trajectory


def test_a_hand_of_many_joints_and_a_faster_clock(tmp_path):
    robot = load_robot("ur5_schunk_sih")
    with running(tmp_path, robot="ur5_schunk_sih", speed=4.0) as client:
        began = time.monotonic()
        response = follow(client, robot, trajectory(robot, [(4.0, robot.home + 0.1)]))
        assert response.result.error_code == 0
        assert time.monotonic() - began < 3.9 + LIMIT_S / 4
        goal = trajectory(robot, [(0.6, robot.hand_closed)], robot.hand_joints)
        response = client.run(
            actions.FollowJointTrajectory, robot.hardware.controllers.hand.action, goal
        )
        assert response.result.error_code == 0
        time.sleep(0.3)
        state = client.state()
        assert len(state.name) == 6 + 11
        found = dict(zip(state.name, state.position, strict=True))
        hand = [found[joint] for joint in robot.hand_joints]
        assert hand == pytest.approx(robot.hand_closed.tolist(), abs=0.03)


def test_a_parallel_gripper_with_names_and_a_scale_of_its_own(own_robot, tmp_path):
    own_robot(
        "mine",
        "extends: franka\n"
        "controllers:\n"
        "  hand: {interface: parallel_gripper_command, action: hand/gripper_cmd,"
        " position_scale: 2.0, holding_margin: 0.001}\n",
    )
    kind = actions.ParallelGripperCommand
    with running(tmp_path, robot="mine", allow_stalling=True, gripper_tolerance=0.001) as client:
        goal = kind.Goal(command=JointState(position=[0.03], velocity=[0.02], effort=[10.0]))
        began = time.monotonic()
        response = client.run(kind, "hand/gripper_cmd", goal)
        # 50 mm at 20 mm/s.
        assert time.monotonic() - began > 2.0
        assert response.status == GoalStatus.STATUS_SUCCEEDED
        assert response.result.reached_goal
        assert response.result.state.name == ["panda_finger_joint1"]
        assert response.result.state.position[0] == pytest.approx(0.03, abs=0.003)
        assert client.position("panda_finger_joint1") == pytest.approx(0.015, abs=0.002)
        goal.command.position = [0.01, 0.01]
        with pytest.raises(GoalRefusedError):
            client.run(kind, "hand/gripper_cmd", goal)
        client.set(gripper_stuck=True)
        goal.command.position = [0.08]
        response = client.run(kind, "hand/gripper_cmd", goal)
        assert response.status == GoalStatus.STATUS_SUCCEEDED  # allow_stalling
        assert response.result.stalled


def test_with_franka_msgs_its_gripper_grasps_and_moves(own_robot, tmp_path):
    franka = pytest.importorskip("franka_msgs.action", reason="franka_msgs is not installed")
    own_robot(
        "mine",
        "extends: franka\n"
        "controllers:\n"
        "  hand:\n"
        "    {interface: franka_grasp, action: panda_gripper/grasp, holding_margin: 0.001}\n",
    )
    with running(tmp_path, robot="mine") as client:
        goal = franka.Grasp.Goal(width=0.02, speed=0.1, force=20.0)
        goal.epsilon.inner = goal.epsilon.outer = 0.0
        response = client.run(franka.Grasp, "panda_gripper/grasp", goal)
        assert response.status == GoalStatus.STATUS_ABORTED
        assert "expected the fingers 0.02 m apart" in response.result.error
        goal.epsilon.inner = goal.epsilon.outer = 0.005
        assert client.run(franka.Grasp, "panda_gripper/grasp", goal).result.success
        response = client.run(
            franka.Move, "panda_gripper/move", franka.Move.Goal(width=0.06, speed=0.1)
        )
        assert response.status == GoalStatus.STATUS_SUCCEEDED
        assert client.position("panda_finger_joint1") == pytest.approx(0.03, abs=2e-3)
