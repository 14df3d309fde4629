from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dr_grasp.execution.motion_log import MotionLog

STARTS = st.lists(st.floats(0.001, 10.0), min_size=1, max_size=8)
STEPS = st.lists(st.floats(0.001, 5.0), min_size=0, max_size=8)


def test_nothing_noted_is_nothing():
    assert MotionLog(("a",)).waypoints() is None


def test_what_a_stopped_motion_would_still_have_done_is_dropped():
    log = MotionLog(("a",), began_s=100.0)
    log.add(101.0, [[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0])
    log.add(102.5, [[1.5], [1.0]], [0.0, 1.0])
    made = log.waypoints()
    assert made.times_s.tolist() == [1.0, 2.0, 2.5, 3.5]
    assert made.positions.tolist() == [[0.0], [1.0], [1.5], [1.0]]
    assert log.waypoints(102.7).times_s.tolist() == [1.0, 2.0, 2.5]


@given(STARTS, STEPS)
def test_times_increase_and_the_latest_motion_is_whole(gaps, steps):
    log, now = MotionLog(("a",)), 0.0
    times = [0.0]
    for step in steps:
        times.append(times[-1] + step)
    for gap in gaps:
        now += gap
        log.add(now, [[time_s] for time_s in times], times)
    made = log.waypoints()  # Waypoints refuse times that do not increase
    assert made.times_s[-len(times) :].tolist() == [now + time_s for time_s in times]
