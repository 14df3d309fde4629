"""Repeats all that a bag records: scores anew, attempts again on the twin."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dr_grasp.recording.bag_reader import BagContents
from dr_grasp.replaying.checks import Check
from dr_grasp.replaying.reexecution import reexecute
from dr_grasp.replaying.rescoring import recorded_scores, rescore
from dr_grasp.workers.pool import Pool


def replay(
    contents: BagContents, pool: Pool, is_cancelled: Callable[[], bool] = lambda: False
) -> Iterator[Check]:
    """Repeat and compare.

    Scores of grasps that were never attempted cannot be repeated: only attempts carry a trajectory.

    Args:
        contents: Of the bag.
        pool: Workers; not closed.
        is_cancelled: Polled; True ends the work.

    Raises:
        WorkerError: Workers died again and again without finishing anything.
    """
    yield from rescore(recorded_scores(contents.attempts), pool, is_cancelled)
    yield from reexecute(contents.attempts, pool, is_cancelled)
