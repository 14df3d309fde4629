"""Rollouts come in order, are kept, and are not simulated twice."""

from dataclasses import replace

import numpy as np
import pytest

from dr_grasp.core.arrays import frozen
from dr_grasp.core.engine import Engine
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Perturbation
from dr_grasp.errors import FileFormatError
from dr_grasp.identification import rollouts
from dr_grasp.identification.replica import Replayed, Replica
from dr_grasp.identification.rollouts import (
    Rollouts,
    RunCancelledError,
    open_journal,
    replayed_from_dict,
    replayed_to_dict,
)
from dr_grasp.identification.settings import IdentificationSettings
from dr_grasp.scoring.profiles import load_profile

from .made import HerePool, evidence_of


def height(replica):
    """In place of a simulation: the object ends as high as its mass."""
    after = Pose([0, 0, replica.perturbation.mass_scale], [0, 0, 0, 1])
    return Replayed(Outcome.SUCCESS, after, 0.01)


@pytest.fixture(autouse=True)
def simple(monkeypatch):
    monkeypatch.setattr(rollouts, "repeat", height)


@pytest.fixture
def replicas(home_grasp):
    return [
        Replica(
            n % 2, n, home_grasp(), replace(Perturbation.none(), mass_scale=1 + n), Engine.MUJOCO
        )
        for n in range(6)
    ]


def heights(ended):
    return [replayed.object_after.position[2] for replayed in ended]


def run_of(pool, journal=None, follow=lambda *told: None, is_cancelled=lambda: False):
    return Rollouts(pool, journal, follow, is_cancelled)


def test_results_come_in_the_order_of_what_was_asked(replicas):
    told = []
    run = run_of(HerePool(), follow=lambda *words: told.append(words))
    assert heights(run.named("worlds")(replicas)) == [1, 2, 3, 4, 5, 6]
    assert told == [("worlds", done, 6) for done in range(7)]
    assert run.done == 6


def journal(path, home_grasp, resume, **changes):
    settings = IdentificationSettings(**changes)
    evidence = evidence_of(home_grasp(), [True])
    return open_journal(path, evidence, load_profile("default"), settings, resume)


def test_a_run_that_was_cancelled_goes_on(tmp_path, home_grasp, replicas):
    path = tmp_path / "lab.yaml.journal"
    with (
        journal(path, home_grasp, False) as kept,
        pytest.raises(RunCancelledError, match="identification: cancelled"),
    ):
        run_of(HerePool(ends_after=4), kept)(replicas)
    rest = HerePool()
    with journal(path, home_grasp, True) as kept:
        # In another order, in which the same work has other numbers.
        again = [replace(piece, attempt=9, world=9) for piece in reversed(replicas)]
        assert heights(run_of(rest, kept)(again)) == [6, 5, 4, 3, 2, 1]
    assert len(rest.done) == 2


@pytest.mark.parametrize("changed", [{"seed": 1}, {"worlds": 50}, {"engine": Engine.BULLET}])
def test_a_journal_of_another_run_is_refused(tmp_path, home_grasp, changed):
    path = tmp_path / "lab.yaml.journal"
    journal(path, home_grasp, False).close()
    with pytest.raises(FileFormatError, match="without --resume the run begins anew"):
        journal(path, home_grasp, True, **changed)


def test_no_work_is_no_work():
    assert run_of(HerePool())([]) == []


@pytest.mark.parametrize("lost", [True, False])
def test_what_is_kept_is_what_was(samples, lost):
    outcome = Outcome.DIVERGED if lost else Outcome.MISSED
    was = Replayed(outcome, None if lost else samples.pose(), None if lost else 0.1 + 0.2)
    again = replayed_from_dict(replayed_to_dict(was))
    assert (again.outcome, again.gripper_opening) == (was.outcome, was.gripper_opening)
    assert again.object_after == was.object_after


def test_another_world_is_another_rollout(replicas):
    keys = {rollouts._key(piece) for piece in replicas}
    first = replicas[0]
    moved = replace(first.perturbation, translation_m=frozen([0.001, 0, 0]))
    changed = [
        replace(first, perturbation=moved),
        replace(first, engine=Engine.BULLET),
        replace(first, grasp=replace(first.grasp, hold_s=np.pi)),
    ]
    assert len(keys | {rollouts._key(piece) for piece in changed}) == 9
    assert rollouts._key(replace(first, grasp=replace(first.grasp, id="other"))) in keys
