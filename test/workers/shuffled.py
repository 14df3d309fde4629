"""A pool that finishes work in any order, without processes."""

from collections import deque
from itertools import islice

import numpy as np

from dr_grasp.workers.pool import Pool


class ShuffledPool(Pool):
    """Works in this process, at a random one of four pieces in flight."""

    def __init__(self, cancel_after=None):
        self.cancel_after = cancel_after

    def run(self, function, work, is_cancelled):
        rng, left, done = np.random.default_rng(0), iter(work), 0
        flying = deque(islice(left, 4))
        while flying:
            if done == self.cancel_after or is_cancelled():
                yield None
                return
            flying.rotate(int(rng.integers(len(flying))))
            task = flying.popleft()
            yield task, function(task)
            done += 1
            flying.extend(islice(left, 1))

    def close(self):
        pass

    def _workers(self):
        return 1

    def _submit(self, function, task):
        raise NotImplementedError
