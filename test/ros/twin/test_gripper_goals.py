"""What goals of grippers mean, with messages made up so that none of their packages is needed."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from sensor_msgs.msg import JointState

from dr_grasp.errors import InvalidGraspError
from dr_grasp.ros.twin.gripper_goals import FrankaGoals, GripperCommandGoals, ParallelGripperGoals
from dr_grasp.twin.active_goal import Status
from dr_grasp.twin.joint_path import JointPath
from dr_grasp.twin.live_twin import LiveTwin
from dr_grasp.twin.twin_profile import load_twin_profile

KIND = SimpleNamespace(Result=SimpleNamespace, Feedback=SimpleNamespace)
HARDWARE = SimpleNamespace(position_scale=2.0)


@pytest.fixture
def twin(franka):
    with LiveTwin(franka, load_twin_profile("default")) as twin:
        yield twin


def ended(twin, goals, request, after_s=2.0):
    motion = goals.start(request)
    twin.advance(after_s)
    return goals.ended(request, motion.end)


def test_gripper_command_in_units_of_its_own(twin):
    goals = GripperCommandGoals(twin, HARDWARE, KIND)
    request = SimpleNamespace(command=SimpleNamespace(position=0.03, max_effort=10.0))
    goals.check(request)
    motion = goals.start(request)
    twin.advance(0.04)
    feedback = goals.feedback(motion.news)
    assert 0.06 < feedback.position < 0.08
    twin.advance(1.0)
    status, result = goals.ended(request, motion.end)
    assert status is Status.SUCCEEDED
    assert (result.reached_goal, result.stalled) == (True, False)
    assert result.position == pytest.approx(0.03 + 2 * 0.01, abs=0.002)
    assert twin.reading().positions[7] == pytest.approx(0.015, abs=1e-4)
    assert goals.word(motion.end).startswith("reached its target at 0.02")


def test_parallel_gripper_takes_one_position_and_its_limits(twin, franka):
    goals = ParallelGripperGoals(twin, franka, HARDWARE, KIND)
    request = SimpleNamespace(command=JointState(position=[0.0], velocity=[0.02], effort=[5.0]))
    goals.check(request)
    motion = goals.start(request)
    twin.advance(1.0)
    assert twin.reading().positions[7] == pytest.approx(0.03, abs=1e-3)  # 10 mm/s for 1 s
    feedback = goals.feedback(motion.news)
    assert feedback.state.name == ["panda_finger_joint1"]
    assert feedback.state.position[0] == pytest.approx(0.06, abs=2e-3)
    for positions in ([], [0.0, 0.0]):
        request.command.position = positions
        with pytest.raises(InvalidGraspError, match="command: expected 1 position, got"):
            goals.check(request)


def franka_request(width, inner=0.005, outer=0.005):
    epsilon = SimpleNamespace(inner=inner, outer=outer)
    return SimpleNamespace(width=width, speed=0.1, force=20.0, epsilon=epsilon)


def test_franka_moves_until_it_is_there(twin):
    goals = FrankaGoals(twin, KIND)
    status, result = ended(twin, goals, SimpleNamespace(width=0.05, speed=0.1))
    assert (status, result.success, result.error) == (Status.SUCCEEDED, True, "")
    motion = goals.start(SimpleNamespace(width=0.0, speed=0.1))
    twin.advance(0.3)
    assert goals.feedback(motion.news).current_width == pytest.approx(0.023, abs=3e-3)
    assert motion.end is None
    twin.cancel(motion)
    status, result = goals.ended(None, motion.end)
    assert status is Status.CANCELED


def test_franka_has_grasped_what_is_as_wide_as_it_should_be(twin, block_grasps, franka):
    grasp = block_grasps[0]
    goals = FrankaGoals(twin, KIND)
    ended(twin, goals, SimpleNamespace(width=0.08, speed=0.1))
    twin.place(grasp.object, grasp.object_in_base, 0, 0)
    way = grasp.approach
    positions = [way.positions[0], *way.positions]
    twin.follow(JointPath.of(way.joints, [1.0, *(1.5 + way.times_s)], positions))
    twin.advance(1.6 + way.duration_s)
    status, result = ended(twin, goals, franka_request(0.0))
    assert (status, result.success) == (Status.ABORTED, False)
    assert result.error.startswith("expected the fingers 0 m apart, got 0.0")
    status, result = ended(twin, goals, franka_request(0.0, outer=0.08))
    assert (status, result.success) == (Status.SUCCEEDED, True)
    width = 2 * float(twin.reading().positions[7])
    assert ended(twin, goals, franka_request(width + 0.004))[1].success
    assert not ended(twin, goals, franka_request(width - 0.006))[1].success


def test_a_failure_has_its_text_where_there_is_a_place_for_it(twin, franka):
    assert FrankaGoals(twin, KIND).failure("why") == SimpleNamespace(success=False, error="why")
    assert GripperCommandGoals(twin, HARDWARE, KIND).failure("why") == SimpleNamespace()
    assert ParallelGripperGoals(twin, franka, HARDWARE, KIND).failure("why") == SimpleNamespace()
