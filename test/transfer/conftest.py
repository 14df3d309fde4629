"""Attempts as tables of them have them."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dr_grasp.core.engine import Engine
from dr_grasp.core.fitness import Fitness
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.transfer.attempt_dataset import Dataset
from dr_grasp.transfer.rows import AttemptRow

DAY_NS = 86_400 * 10**9
TRIALS = 50
LOST = (Outcome.MISSED, Outcome.DROPPED_LIFTING, Outcome.DROPPED_HOLDING)


def make_row(name="a1", mdr=0.5, outcome=Outcome.SUCCESS, **changes):
    """One attempt; all four fitnesses are `mdr`, of 50 trials."""
    successes = round(mdr * TRIALS)
    row = AttemptRow(
        bag="bag",
        attempt_id=name,
        stamp_ns=1_763_690_000_123_456_789,
        robot="franka",
        object="mug",
        method="sampler",
        grasp_id="g1",
        trajectory="0123456789abcdef",
        backend="twin",
        profile="default",
        scored_by="dr_grasp 0.3.0, pybullet 3.2.7",
        fitness={one: Fitness(one, successes, TRIALS) for one in Criterion},
        nominal_outcome=Outcome.SUCCESS,
        failures={Outcome.DROPPED_LIFTING: 4 * (TRIALS - successes)} if mdr < 1 else {},
        transfer_probability=None,
        outcome=outcome,
        backend_outcome=outcome,
        reason="as it was",
        said_by="twin",
        said_ns=1_763_690_000_123_456_789,
        gripper_opening=0.0123,
        engine=Engine.BULLET,
    )
    return replace(row, **changes)


def make_rows(
    attempts, per_grasp=5, robots=("franka", "baxter"), objects=3, seed=0, slope=2.0, offset=-1.0
):
    """Attempts of grasps that hold with a probability of sigmoid(offset + slope * logit(MDR))."""
    rng = np.random.default_rng(seed)
    number = math.ceil(attempts / per_grasp)
    good = rng.beta(2.5, 1.2, number)
    successes = rng.binomial(TRIALS, good)
    logits = np.log((successes + 0.5) / (TRIALS - successes + 0.5))
    holds = 1 / (1 + np.exp(-(offset + slope * logits)))
    lucky = rng.uniform(size=(number, per_grasp)) < holds[:, None]
    reasons = rng.integers(len(LOST), size=(number, per_grasp))
    rows = []
    for grasp in range(number):
        robot = robots[grasp % len(robots)]
        first = make_row(
            "",
            successes[grasp] / TRIALS,
            robot=robot,
            object=f"object_{grasp % objects:03d}",
            method=("sampler", "me-fit")[grasp % 3 == 0],
            grasp_id=f"{robot}-{grasp:05d}",
        )
        for index in range(min(per_grasp, attempts - len(rows))):
            outcome = Outcome.SUCCESS if lucky[grasp, index] else LOST[reasons[grasp, index]]
            stamp = first.stamp_ns + len(rows) * 10**10
            rows.append(
                replace(
                    first,
                    attempt_id=f"a{len(rows)}",
                    stamp_ns=stamp,
                    said_ns=stamp,
                    outcome=outcome,
                    backend_outcome=outcome,
                )
            )
    return rows


@pytest.fixture
def row():
    return make_row


@pytest.fixture
def many_rows():
    return make_rows


@pytest.fixture
def dataset_of():
    """A data set of rows that are in no bag."""

    def dataset_of(rows, **changes):
        return replace(Dataset(Path("fleet"), tuple(rows), (), ()), **changes)

    return dataset_of
