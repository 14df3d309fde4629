from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dr_grasp.core.geometry import Pose
from dr_grasp.core.trajectory import GraspTrajectory, HandClose, Phase, Waypoints
from dr_grasp.errors import InvalidGraspError

RATE_HZ = 100.0


@st.composite
def paths(draw):
    steps_s = draw(st.lists(st.floats(1e-3, 10.0), min_size=1, max_size=8))
    size = (len(steps_s), draw(st.integers(1, 3)))
    positions = draw(arrays(np.float64, size, elements=st.floats(-10.0, 10.0)))
    return Waypoints(tuple("abc"[: size[1]]), np.cumsum(steps_s), positions)


@given(paths(), st.floats(0.0, 1.0))
def test_waypoints_are_hit_joined_by_lines_and_kept_beyond_their_ends(path, share):
    assert path.duration_s == path.times_s[-1]
    np.testing.assert_array_equal(path.at(path.times_s), path.positions)
    between = path.at(path.times_s[:-1] + share * np.diff(path.times_s))
    line = path.positions[:-1] + share * np.diff(path.positions, axis=0)
    np.testing.assert_allclose(between, line, atol=1e-9)
    beyond = path.at([0.0, path.times_s[0], path.duration_s + 9.0])
    np.testing.assert_array_equal(beyond, path.positions[[0, 0, -1]])


def test_waypoints_copy_in_and_equal_to_the_bit():
    times, positions = np.array([0.0, 1.0]), np.array([[1.0], [2.0]])
    path = Waypoints(("a",), times, positions)
    same = Waypoints(("a",), times.copy(), positions.copy())
    times[1] = 7
    assert path == same and path.times_s[1] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        path.positions[0, 0] = 0
    assert path != Waypoints(("a",), [0, 1], [[1], [np.nextafter(2, 3)]])
    assert path != Waypoints(("b",), [0, 1], [[1], [2]])


@pytest.mark.parametrize(
    ("joints", "times", "positions", "message"),
    [
        ((), [0.0], [[]], "joints: expected at least one name, got none"),
        (("a", "b", "a"), [0.0], [[1, 2, 3]], "joints: expected unique names, got a twice"),
        (("a",), [], np.zeros((0, 1)), "times: expected at least one waypoint, got none"),
        (("a",), 0.5, [[1]], r"times: expected shape \(m,\), got \(\)"),
        (("a",), [[0.5]], [[1]], r"times: expected shape \(m,\), got \(1, 1\)"),
        (("a",), [0, 1], [[1]], r"positions: expected shape \(2, 1\), got \(1, 1\)"),
        (("a", "b"), [0], [[1]], r"positions: expected shape \(1, 2\), got \(1, 1\)"),
        (("a",), [0, 1], [1, 2], r"positions: expected shape \(2, 1\), got \(2,\)"),
        (("a",), [0], [["x"]], r"positions: expected an array of numbers, got \[\['x'\]\]"),
        (("a",), [0, 1], [[1], [np.nan]], r"positions: expected finite .*, got nan at \[1, 0\]"),
        (("a",), [0], [[-np.inf]], r"positions: expected finite numbers, got -inf at \[0, 0\]"),
        (("a",), [0, np.nan], [[1], [2]], r"times: expected finite numbers, got nan at \[1\]"),
        (("a",), [-0.1, 1], [[1], [2]], "from 0 s, got -0.1 s at waypoint 0"),
        (("a",), [0, 1, 0.5], [[1]] * 3, "strictly increasing from 0 s, got 0.5 s at waypoint 2"),
        (("a",), [0, 1, 1], [[1]] * 3, "strictly increasing from 0 s, got 1 s at waypoint 2"),
        (("a",), [0, 3601], [[1], [2]], "times: expected at most 3600 s, got 3601 s"),
        (("a",), [0], [[-2e6]], "positions: expected at most 1e\\+06 rad or m, got 2e\\+06"),
        (("a\x1b",), [0], [[0]], r"joints: expected printable characters, got 'a\\x1b'"),
        (("a" * 501,), [0], [[0]], "joints: expected at most 500 characters, got 501"),
        (range(300_000), [0], [[0]], "joints: expected at most 200 names, got 300000"),
    ],
)
def test_waypoints_refuse(joints, times, positions, message):
    with pytest.raises(InvalidGraspError, match=message):
        Waypoints(joints, times, positions)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"joints": ("f", "f")}, "joints: expected unique names, got f twice"),
        ({"joints": ()}, "joints: expected at least one name, got none"),
        ({"preshape": [0.1]}, r"preshape: expected 2 numbers, got shape \(1,\)"),
        ({"positions": [[0, 0]]}, r"positions: expected 2 numbers, got shape \(1, 2\)"),
        ({"preshape": [0, np.nan]}, r"preshape: expected finite numbers, got nan at \[1\]"),
        ({"positions": [np.inf, 0]}, r"positions: expected finite numbers, got inf at \[0\]"),
        ({"positions": [None, 0]}, r"positions: expected .*numbers, got"),
        ({"force": 0.0}, "force: expected more than 0 and at most 1000 N or N m, got 0.0"),
        ({"force": np.nan}, "force: expected more than 0 .* got nan"),
        ({"force": 1001.0}, "force: expected more than 0 and at most 1000 .* got 1001.0"),
        ({"duration_s": -1.0}, "duration: expected more than 0 and at most 60 s, got -1.0"),
        ({"duration_s": np.inf}, "duration: expected more than 0 and at most 60 s, got inf"),
    ],
)
def test_hand_close_refuses(changes, message):
    good = {
        "joints": ("f", "g"),
        "preshape": [0.1, 0.1],
        "positions": [0.0, 0.0],
        "force": 20.0,
        "duration_s": 0.5,
    }
    HandClose(**good)
    with pytest.raises(InvalidGraspError, match=message):
        HandClose(**{**good, **changes})


def test_an_hour_at_a_thousand_waypoints_a_second_is_a_path():
    times = np.linspace(0, 3600, 3_600_001)
    assert Waypoints(("a",), times, np.zeros((len(times), 1))).duration_s == 3600.0
    with pytest.raises(
        InvalidGraspError, match="times: expected at most 4000000 waypoints, got 4000001"
    ):
        Waypoints(("a",), np.linspace(0, 3600, 4_000_001), np.zeros((4_000_001, 1)))


def simple_grasp(samples, **changes) -> GraspTrajectory:
    grasp = samples.grasp(
        approach=Waypoints(("a", "b"), [0.0, 0.4, 1.0], [[0, 0], [0.2, 0.4], [0.5, 0.1]]),
        close=HandClose(("f",), [0.04], [0.01], 20.0, 0.3),
        lift=Waypoints(("a", "b"), [0.0, 0.5], [[0.5, 0.1], [0.0, 0.6]]),
        hold_s=0.2,
    )
    return replace(grasp, **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"provenance": {"k": "\ud800"}}, "provenance k: expected Unicode, got"),
        (
            {"object_in_base": Pose([0, -1001, 0], [0, 0, 0, 1])},
            "object_in_base position: expected at most 1000 m along an axis, got 1001 m",
        ),
        (
            {"approach": Waypoints(("a", "b"), np.arange(100_001) / 1e4, np.zeros((100_001, 2)))},
            "approach times: expected at most 100000 waypoints, got 100001",
        ),
        ({"id": ""}, "id: expected a name, got an empty string"),
        ({"id": "g\n1"}, r"id: expected printable characters, got 'g\\n1'"),
        ({"hold_s": 0.0}, "hold: expected more than 0 and at most 60 s, got 0.0"),
        ({"hold_s": np.nan}, "hold: expected more than 0 and at most 60 s, got nan"),
        ({"hold_s": 54.0}, "duration: expected at most 55 s in all, got "),
        (
            {"lift": Waypoints(("b", "a"), [0.0], [[0.5, 0.1]])},
            r"lift joints: expected those of approach \['a', 'b'\], got \['b', 'a'\]",
        ),
        (
            {"lift": Waypoints(("a", "b"), [0.0], [[0.5, 0.2]])},
            "lift positions: expected the first waypoint within 0.001 .* got a jump of 0.1",
        ),
    ],
)
def test_grasp_refuses(samples, changes, message):
    with pytest.raises(InvalidGraspError, match=message):
        simple_grasp(samples, **changes)


def test_schedule_gives_each_phase_its_time(samples):
    grasp = simple_grasp(samples)
    plan = grasp.schedule(RATE_HZ)
    steps = [int((plan.phases == phase).sum()) for phase in Phase]
    assert steps == [100, 30, 50, 20]
    assert len(plan.phases) == round(grasp.duration_s * RATE_HZ)
    assert (np.diff(plan.phases) >= 0).all()
    assert len(plan.arm) == len(plan.hand) == len(plan.arm_velocity) == 200


def test_every_phase_has_a_step_however_short(samples):
    plan = simple_grasp(samples, hold_s=1e-6).schedule(RATE_HZ)
    assert int((plan.phases == Phase.HOLD).sum()) == 1


def test_schedule_is_where_the_waypoints_are_at_the_end_of_each_step(samples):
    grasp = simple_grasp(samples)
    plan = grasp.schedule(RATE_HZ)
    times = (np.arange(100) + 1) / RATE_HZ
    np.testing.assert_allclose(plan.arm[:100], grasp.approach.at(times))
    np.testing.assert_allclose(plan.arm[39], [0.2, 0.4])
    np.testing.assert_array_equal(plan.arm[99:130], np.tile([0.5, 0.1], (31, 1)))
    np.testing.assert_allclose(plan.arm[130:180], grasp.lift.at(times[:50]))
    np.testing.assert_array_equal(plan.arm[179:], np.tile([0.0, 0.6], (21, 1)))


def test_hand_closes_at_its_time_and_stays_closed(samples):
    hand = simple_grasp(samples).schedule(RATE_HZ).hand[:, 0]
    np.testing.assert_array_equal(hand, [0.04] * 100 + [0.01] * 100)


def test_velocity_is_the_rate_of_the_positions(samples):
    grasp = simple_grasp(samples)
    plan = grasp.schedule(RATE_HZ)
    from_start = grasp.approach.positions[0] + np.cumsum(plan.arm_velocity, axis=0) / RATE_HZ
    np.testing.assert_allclose(from_start, plan.arm, atol=1e-12)
    np.testing.assert_allclose(plan.arm_velocity[:40], np.tile([0.5, 1.0], (40, 1)))
    np.testing.assert_array_equal(plan.arm_velocity[plan.phases == Phase.CLOSE], 0.0)


def test_a_lift_that_begins_later_is_entered_from_the_grasp(samples):
    late = Waypoints(("a", "b"), [0.2, 0.5], [[0.3, 0.1], [0.0, 0.6]])
    grasp = simple_grasp(samples, lift=late)
    np.testing.assert_array_equal(grasp.lift_from_grasp.times_s, [0.0, 0.2, 0.5])
    lift = grasp.schedule(RATE_HZ)
    arm = lift.arm[lift.phases == Phase.LIFT]
    np.testing.assert_allclose(arm[9], [0.4, 0.1])
    np.testing.assert_allclose(arm[19], [0.3, 0.1])
    assert grasp.lift == late


def test_a_lift_from_time_zero_is_taken_as_it_is(samples):
    grasp = simple_grasp(samples)
    assert grasp.lift_from_grasp is grasp.lift


def test_a_grasp_of_one_waypoint_stands_still_while_approaching(samples):
    grasp = simple_grasp(samples, approach=Waypoints(("a", "b"), [0.1], [[0.5, 0.1]]))
    plan = grasp.schedule(RATE_HZ)
    approach = plan.phases == Phase.APPROACH
    assert int(approach.sum()) == 10
    np.testing.assert_array_equal(plan.arm_velocity[approach], 0.0)
