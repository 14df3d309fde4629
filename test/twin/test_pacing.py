from __future__ import annotations

import time

from dr_grasp.twin.pacing import LATE_S, Pacer


def test_steps_keep_pace_with_the_clock():
    steps = []
    with Pacer(lambda: steps.append(time.monotonic()), 0.01, 2.0) as pacer:
        began = time.monotonic()
        pacer.start()
        while len(steps) < 60:
            time.sleep(0.01)
    took = steps[59] - began
    assert took >= 59 * 0.005 - 0.001
    assert took < 59 * 0.005 + LATE_S + pacer.lost_s


def test_what_takes_too_long_is_given_up():
    steps = []

    def step():
        steps.append(time.monotonic())
        if len(steps) == 1:
            time.sleep(2 * LATE_S)

    with Pacer(step, 0.01, 1.0) as pacer:
        pacer.start()
        time.sleep(2 * LATE_S + 0.2)
    assert pacer.lost_s >= 2 * LATE_S - 0.011
    # Not made up for.
    assert len(steps) <= 2 + (steps[-1] - steps[0] - pacer.lost_s + LATE_S / 2) / 0.01


def test_after_close_nothing_happens():
    steps = []
    pacer = Pacer(lambda: steps.append(1), 0.001, 1.0)
    assert not pacer.running
    pacer.start()
    assert pacer.running
    pacer.close()
    count = len(steps)
    pacer.close()
    time.sleep(0.02)
    assert len(steps) == count
    assert not pacer.running
