"""A test of a rate of success that takes no more trials than it needs.

A. Wald, "Sequential tests of statistical hypotheses", 1945, cut off at a largest number of trials.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from dr_grasp.core.adr import Thresholds

ERROR_RATE = 0.1
"""Wald's rate of either error, for a test without a largest number of trials. With the default
thresholds (0.8, 0.5 and 20 trials), a rate of 0.8 is found too low with a probability of 0.104, and
a rate of 0.5 is found high enough with 0.094, computed exactly. Three failures at the begin decide,
or five successes; a rate between takes up to 12 trials in the mean."""


def is_borne(succeeds: Callable[[int], bool], thresholds: Thresholds) -> tuple[bool, int, int]:
    """Decide whether a rate of success is high rather than low.

    Args:
        succeeds: Runs a trial, of which it gets the index, from 0.
        thresholds: The rates to tell apart, above 0 and below 1, and the largest number of trials.

    Returns:
        Whether the rate is high; the number of successes; and the number of trials. Between the two
        rates, either answer may come.
    """
    decided = math.log((1 - ERROR_RATE) / ERROR_RATE)
    gain = math.log(thresholds.high / thresholds.low)
    loss = math.log((1 - thresholds.high) / (1 - thresholds.low))
    ratio, successes = 0.0, 0
    for trial in range(thresholds.trials):
        success = succeeds(trial)
        successes += success
        ratio += gain if success else loss
        if abs(ratio) >= decided:
            break
    return ratio >= 0.0, successes, trial + 1
