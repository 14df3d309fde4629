"""A grasp on an arm behind real controllers' actions, which the twin serves in a process."""

from __future__ import annotations

import importlib.util
import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest
import rclpy
from rclpy.executors import MultiThreadedExecutor

from dr_grasp.bringup.processes import NodeProcesses
from dr_grasp.core.outcome import Outcome
from dr_grasp.execution.arm_backend import ArmBackend
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.ros.arm import joint_listener
from dr_grasp.ros.arm.controller_arm import ControllerArm

from ...execution.arm_double import PlannerDouble

pytest.importorskip("control_msgs", reason="control_msgs is not installed")


def wait_for(condition):
    deadline = time.monotonic() + 60.0
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """Where many tests share a processor, a twin may be silent for longer than an arm."""
    monkeypatch.setattr(joint_listener, "STALE_S", 10.0)


@contextmanager
def arm_of(robot, folder, space, **parameters):
    commands = {"twin": {"controllers": True, "robot": robot.name, **parameters}}
    with NodeProcesses(commands, space, folder / "logs") as nodes:
        context = rclpy.Context()
        rclpy.init(context=context)
        node = rclpy.create_node("driver", namespace=space, context=context)
        executor = MultiThreadedExecutor(4, context=context)
        executor.add_node(node)
        thread = threading.Thread(target=executor.spin, daemon=True)
        thread.start()
        try:
            arm = ControllerArm(node, robot, connect_s=60.0, places=True)
            wait_for(arm.efforts)  # with the first joint states
            yield arm
            nodes.check()
        finally:
            executor.shutdown(timeout_sec=2.0)
            thread.join(5.0)
            node.destroy_node()
            context.try_shutdown()


def test_a_grasp_is_executed_and_recorded(franka, block_grasps, tmp_path, namespace):
    grasp = block_grasps[0]
    with (
        arm_of(franka, tmp_path, namespace) as arm,
        ArmBackend(franka, PlannerDouble(franka), arm, speed=1.0) as backend,
    ):
        phases = []
        attempt = backend.attempt(grasp, None, seed=1, attempt_index=0, on_phase=phases.append)
        assert attempt.outcome is Outcome.SUCCESS, attempt.reason
        assert attempt.reason == "held to the end of the hold"
        assert phases[:5] == ["prepare", "approach", "close", "lift", "hold"]
        assert attempt.object_before is not None
        assert 0.0 < attempt.gripper_opening < 0.04
        joints = (*franka.arm_joints, *franka.hand_joints)
        for record in (attempt.commanded, attempt.measured):
            assert record.joints == joints
        for posture in (grasp.approach.positions[-1], grasp.lift.positions[-1]):
            off = np.abs(attempt.measured.positions[:, :7] - posture).max(axis=1)
            assert off.min() < 0.02

        began = []
        cancelled = backend.attempt(
            grasp,
            None,
            seed=1,
            attempt_index=1,
            on_phase=began.append,
            is_cancelled=lambda: "approach" in began,
        )
        assert cancelled.outcome is Outcome.CANCELLED


@pytest.mark.parametrize(
    "interface",
    [
        "parallel_gripper_command",
        "follow_joint_trajectory",
        pytest.param(
            "franka_grasp",
            marks=pytest.mark.skipif(
                importlib.util.find_spec("franka_msgs") is None, reason="needs franka_msgs"
            ),
        ),
    ],
)
def test_hands_of_every_interface_close_and_open(
    interface, own_configuration, monkeypatch, tmp_path, namespace
):
    folder = tmp_path / "own" / "robots"
    folder.mkdir(parents=True)
    monkeypatch.setenv("DR_GRASP_CONFIG", str(folder.parent))
    (folder / f"mine_{interface}.yaml").write_text(
        "extends: franka\n"
        "controllers:\n"
        f"  hand: {{interface: {interface}, action: hand/grasp, holding_margin: 0.001}}\n"
    )
    robot = load_robot(f"mine_{interface}")
    with arm_of(robot, tmp_path, namespace, gripper_tolerance=0.001) as arm:
        for target in (robot.hand_closed, robot.hand_open):
            assert arm.move_hand(target, 20.0, 30.0, lambda: False) is None
            aim = float(target[0])
            # A trajectory without tolerances ends on time, a little before the fingers arrive.
            wait_for(lambda aim=aim: abs(arm.positions()[robot.hand_joints[0]] - aim) < 2e-3)
