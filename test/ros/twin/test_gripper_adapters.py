"""What goals of grippers mean."""

from __future__ import annotations

import pytest
from sensor_msgs.msg import JointState

from dr_grasp.errors import InvalidGraspError
from dr_grasp.ros.twin.gripper_adapters import (
    FrankaAdapter,
    GripperCommandAdapter,
    ParallelGripperAdapter,
)
from dr_grasp.twin.active_goal import Status
from dr_grasp.twin.joint_path import JointPath, PathPoint
from dr_grasp.twin.live_twin import LiveTwin
from dr_grasp.twin.twin_profile import load_twin_profile

control = pytest.importorskip("control_msgs.action", reason="control_msgs is not installed")
franka_actions = pytest.importorskip("franka_msgs.action", reason="franka_msgs is not installed")
Grasp, Move = franka_actions.Grasp, franka_actions.Move


@pytest.fixture
def twin(franka):
    with LiveTwin(franka, load_twin_profile("default")) as twin:
        yield twin


def ended(twin, adapter, request, after_s=2.0):
    goal = adapter.start(request)
    twin.advance(after_s)
    return adapter.result(request, goal.result)


def test_gripper_command_in_units_of_its_own(twin):
    adapter = GripperCommandAdapter(twin, control.GripperCommand, 2.0)
    request = control.GripperCommand.Goal()
    request.command.position, request.command.max_effort = 0.03, 10.0
    adapter.check(request)
    goal = adapter.start(request)
    twin.advance(0.04)
    feedback = adapter.feedback(goal.feedback)
    assert 0.06 < feedback.position < 0.08
    twin.advance(1.0)
    status, result = adapter.result(request, goal.result)
    assert status is Status.SUCCEEDED
    assert (result.reached_goal, result.stalled) == (True, False)
    assert result.position == pytest.approx(0.03 + 2 * 0.01, abs=0.002)
    assert twin.reading().positions[7] == pytest.approx(0.015, abs=1e-4)
    assert str(goal.result).startswith("reached its target at 0.02")


def test_parallel_gripper_takes_one_position_and_its_limits(twin, franka):
    adapter = ParallelGripperAdapter(twin, control.ParallelGripperCommand, 2.0, franka)
    request = control.ParallelGripperCommand.Goal(
        command=JointState(position=[0.0], velocity=[0.02], effort=[5.0])
    )
    adapter.check(request)
    goal = adapter.start(request)
    twin.advance(1.0)
    assert twin.reading().positions[7] == pytest.approx(0.03, abs=1e-3)  # 10 mm/s for 1 s
    feedback = adapter.feedback(goal.feedback)
    assert feedback.state.name == ["panda_finger_joint1"]
    assert feedback.state.position[0] == pytest.approx(0.06, abs=2e-3)
    for positions in ([], [0.0, 0.0]):
        request.command.position = positions
        with pytest.raises(InvalidGraspError, match="command: expected 1 position, got"):
            adapter.check(request)


def franka_request(width, inner=0.005, outer=0.005):
    request = Grasp.Goal(width=width, speed=0.1, force=20.0)
    request.epsilon.inner, request.epsilon.outer = inner, outer
    return request


def test_franka_moves_until_it_is_there(twin):
    adapter = FrankaAdapter(twin, Move)
    status, result = ended(twin, adapter, Move.Goal(width=0.05, speed=0.1))
    assert (status, result.success, result.error) == (Status.SUCCEEDED, True, "")
    goal = adapter.start(Move.Goal(width=0.0, speed=0.1))
    twin.advance(0.3)
    assert adapter.feedback(goal.feedback).current_width == pytest.approx(0.023, abs=3e-3)
    assert goal.result is None
    twin.cancel(goal)
    status, result = adapter.result(None, goal.result)
    assert status is Status.CANCELED


def test_franka_has_grasped_what_is_as_wide_as_it_should_be(twin, block_grasps, franka):
    grasp = block_grasps[0]
    adapter = FrankaAdapter(twin, Grasp)
    ended(twin, FrankaAdapter(twin, Move), Move.Goal(width=0.08, speed=0.1))
    twin.place(grasp.object, grasp.object_in_base, 0, 0)
    way = grasp.approach
    points = [PathPoint(1.0, way.positions[0])]
    points += map(PathPoint, 1.5 + way.times_s, way.positions)
    twin.follow(JointPath(way.joints, tuple(points)))
    twin.advance(1.6 + way.duration_s)
    status, result = ended(twin, adapter, franka_request(0.0))
    assert (status, result.success) == (Status.ABORTED, False)
    assert result.error.startswith("expected the fingers 0 m apart, got 0.0")
    status, result = ended(twin, adapter, franka_request(0.0, outer=0.08))
    assert (status, result.success) == (Status.SUCCEEDED, True)
    width = 2 * float(twin.reading().positions[7])
    assert ended(twin, adapter, franka_request(width + 0.004))[1].success
    assert not ended(twin, adapter, franka_request(width - 0.006))[1].success


def test_a_failure_has_its_text_where_there_is_a_place_for_it(twin, franka):
    command, parallel = control.GripperCommand, control.ParallelGripperCommand
    for kind in (Grasp, Move):
        assert FrankaAdapter(twin, kind).failure("why") == kind.Result(success=False, error="why")
    assert GripperCommandAdapter(twin, command, 2.0).failure("why") == command.Result()
    adapter = ParallelGripperAdapter(twin, parallel, 2.0, franka)
    assert adapter.failure("why") == parallel.Result()
