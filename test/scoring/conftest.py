"""Grasps without physics: each succeeds with a probability of its own, the noise is in the hash."""

import hashlib
from collections import Counter, deque
from dataclasses import replace
from itertools import islice
from types import SimpleNamespace

import numpy as np
import pytest

from dr_grasp.core.outcome import TABLE, LinkPair, Outcome
from dr_grasp.scoring.blocks import Counts
from dr_grasp.workers.pool import Pool

FAILURES = (
    (Outcome.DROPPED_LIFTING, None),
    (Outcome.ROBOT_HIT_TABLE, LinkPair("finger", TABLE)),
    (Outcome.SELF_COLLISION, LinkPair("elbow", "hand")),
    (Outcome.SELF_COLLISION, LinkPair("elbow", "wrist")),
)
"""How trials fail, each as often as the others, and what touches then."""


def unit(*what):
    """A number from [0, 1) that depends on what it is asked for alone."""
    digest = hashlib.blake2b(repr(what).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") / 2**64


def fake_block(block):
    """What a block comes to; a grasp's id ends in its probability of success, as in "g7@0.85"."""
    p = float(block.grasp.id.rpartition("@")[2])
    if block.criterion is None:
        return Counts(Counter([Outcome.MISSED if p == 0 else Outcome.SUCCESS]))
    # The luck is the trial's and the grasp's: the same for whoever asks.
    counts = Counts(Counter())
    for trial in range(block.first, block.first + block.count):
        luck = block.seed, block.criterion.value, block.grasp.id, trial
        failure, links = FAILURES[int(unit(*luck, "failure") * len(FAILURES))]
        outcome = Outcome.SUCCESS if unit(*luck) < p else failure
        counts.outcomes[outcome] += 1
        if outcome is failure and links is not None:
            counts.collisions[outcome, links] += 1
    return counts


class FakePool(Pool):
    """Works off blocks in this process, a random one of those in flight at a time."""

    def __init__(self, in_flight=4, seed=0, cancel_after=None):
        self.in_flight = in_flight
        self.rng = np.random.default_rng(seed)
        self.cancel_after = cancel_after
        self.blocks = []

    @property
    def rollouts(self):
        return sum(block.count for block in self.blocks)

    def run(self, function, work, is_cancelled):
        left = iter(work)
        flying = deque(islice(left, self.in_flight))
        while flying:
            if is_cancelled() or len(self.blocks) == self.cancel_after:
                yield None
                return
            flying.rotate(int(self.rng.integers(len(flying))))
            block = flying.popleft()
            self.blocks.append(block)
            yield block, fake_block(block)
            flying.extend(islice(left, self.in_flight - len(flying)))

    def close(self):
        pass

    def _workers(self):
        raise NotImplementedError

    def _submit(self, function, work):
        raise NotImplementedError


def fake_grasps(grasp, shares):
    """Copies of a grasp with those probabilities of success."""
    return [replace(grasp, id=f"g{i}@{p:.4f}") for i, p in enumerate(shares)]


@pytest.fixture(scope="session")
def fakes():
    """Scoring without physics: a pool, what a block comes to in it, and grasps for it."""
    return SimpleNamespace(pool=FakePool, block=fake_block, grasps=fake_grasps)


@pytest.fixture(scope="session")
def shares():
    """Two hundred grasps as a sampler makes them: some fail, most are shaky, some are good."""
    return np.round(np.random.default_rng(3).beta(2.0, 2.0, 200), 4).tolist() + [0.0] * 20
