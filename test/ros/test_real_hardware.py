"""The node `moveit` before a real arm; doubles stand in for controllers and MoveIt."""

import threading
from contextlib import ExitStack

import numpy as np
import pytest
import rclpy
from rclpy.executors import MultiThreadedExecutor

from dr_grasp.core.outcome import Outcome
from dr_grasp.objects.object_spec import load_object
from dr_grasp.provenance.fingerprint import models_of
from dr_grasp.recording.bag_reader import read_bag
from dr_grasp.ros import moveit_node
from dr_grasp.ros.recorder_node import RecorderNode
from dr_grasp.ros.remote_backend import RemoteBackend
from dr_grasp.scoring.profiles import load_profile

from ..execution.arm_double import ArmDouble, PlannerDouble

LIMIT_S = 60.0


@pytest.fixture
def start(namespace, tmp_path, franka, monkeypatch):
    """Starts the node; gives a client of it, the double of the arm, and the bag."""
    monkeypatch.setattr(moveit_node, "start_planner", lambda robot, _: PlannerDouble(robot))
    with ExitStack() as stack:

        def start(*, recorder=True):
            arm = ArmDouble(franka)
            arm.places = False
            monkeypatch.setattr(moveit_node, "ControllerArm", lambda *_, **__: arm)
            bag = tmp_path / "bag"
            words = ["-p", "real:=true", "-p", f"bag:={bag}", "-p", "recorder_s:=2"]
            rclpy.init(args=["--ros-args", "-r", f"__ns:={namespace}", *words])
            stack.callback(rclpy.shutdown)
            client = rclpy.create_node("client")
            nodes = [*([RecorderNode()] if recorder else []), moveit_node.MoveItNode()]
            executor = MultiThreadedExecutor(6)
            for node in (client, *nodes):
                executor.add_node(node)
                stack.callback(node.destroy_node)
            thread = threading.Thread(target=executor.spin, daemon=True)
            thread.start()
            stack.callback(thread.join, 5.0)
            stack.callback(executor.shutdown, 5.0)
            for node in nodes:
                stack.callback(node.close)
            return RemoteBackend(client, "moveit", LIMIT_S, LIMIT_S), arm, bag

        yield start


def attempt(backend, grasp, **options):
    return backend.attempt(grasp, None, seed=0, attempt_index=0, **options)


def test_a_goal_sent_straight_to_a_real_arm_is_refused(start, home_grasp):
    backend, arm, bag = start()
    for token in ("", "let me"):
        done = attempt(backend, home_grasp(), confirmed=token)
        assert not done.success
        assert "confirmed: expected the token" in done.message
    assert arm.asked == [] and read_bag(bag).begun == ()


def test_a_confirmed_grasp_moves_a_real_arm_slowly_and_is_recorded(start, home_grasp, franka):
    backend, arm, bag = start()
    grasp = home_grasp()
    shown = attempt(backend, grasp, dry_run=True)
    assert shown.success and arm.asked == [] and "10 % of the limits" in shown.attempt.reason
    done = attempt(backend, grasp, confirmed=shown.token)
    assert done.success and done.recorded
    (made,) = read_bag(bag).attempts
    assert made.outcome is Outcome(done.attempt.outcome.value)
    paths = [path for kind, path in arm.asked if kind == "follow"]
    approach = next(path for path in paths if len(path.times_s) == len(grasp.approach.times_s))
    speeds = np.abs(np.diff(approach.positions, axis=0)) / np.diff(approach.times_s)[:, None]
    limits = np.array([joint.velocity for joint in franka.arm_limits])
    assert (speeds <= 0.1 * limits * (1 + 1e-9)).all()


def test_without_a_recorder_a_real_arm_does_not_move(start, home_grasp):
    backend, arm, _ = start(recorder=False)
    token = attempt(backend, home_grasp(), dry_run=True).token
    done = attempt(backend, home_grasp(), confirmed=token)
    assert "nothing moved, since no recorder keeps it" in done.message
    assert arm.asked == []


def test_a_changed_model_moves_a_real_arm_only_by_force(start, home_grasp, samples, franka):
    backend, arm, bag = start()
    grasp = home_grasp()
    now = models_of(robot=franka, object=load_object(grasp.object), profile=load_profile("default"))
    score = samples.score(grasp.id, models={**now, "robot": "0123456789abcdef"})
    line = f"robot franka: scored with 0123456789abcdef, now {now['robot']}: score again"

    def execute(**options):
        return backend.attempt(grasp, score, seed=0, attempt_index=0, **options)

    shown = execute(dry_run=True)
    assert shown.success and shown.warnings == [line]
    refused = execute(confirmed=shown.token)
    assert not refused.success and line in refused.message and "`force`" in refused.message
    assert "nothing moved" in refused.message
    assert arm.asked == [] and read_bag(bag).begun == ()
    moved = execute(confirmed=shown.token, force=True)
    assert moved.success and moved.recorded and moved.warnings == [line]
    score = samples.score(grasp.id, models=now)
    assert execute(dry_run=True).warnings == []
