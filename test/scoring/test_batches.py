"""Blocks in a runner of batches: the counts are those of workers, and a cancel ends it at once."""

import threading
from collections import Counter
from dataclasses import replace
from itertools import islice
from types import SimpleNamespace
from zlib import crc32

import pytest

from dr_grasp.core.engine import Engine
from dr_grasp.core.metric import Metric
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion, Perturbation
from dr_grasp.errors import SettingsError
from dr_grasp.scoring import batches as module
from dr_grasp.scoring import score_journal, tally
from dr_grasp.scoring import scorer as scorers
from dr_grasp.scoring.batches import Batches
from dr_grasp.scoring.blocks import Block
from dr_grasp.scoring.profiles import load_profile
from dr_grasp.scoring.request import ScoreRequest
from dr_grasp.scoring.score_journal import ScoreJournal
from dr_grasp.scoring.scorer import Scorer
from dr_grasp.simulation.rollout import Rollout
from dr_grasp.simulation.rollout_runner import ALL, Shortcuts

SHARES = [0.9, 0.5, 0.0, 1.0, 0.7]
MUG, BOX = "mug", "box"
CARD = "A card"


class FakeRunner:
    """Simulates nothing: the last of the worlds ends first, and luck is in the perturbation."""

    def __init__(self, worlds, shortcuts):
        self.worlds = worlds
        self.shortcuts = shortcuts
        self.most = 0
        self.taken = 0
        self.open = True

    def run(self, rollouts, is_cancelled):
        left = enumerate(rollouts)
        running = list(islice(left, self.worlds))
        while running:
            self.most = max(self.most, len(running))
            number, (grasp, perturbation) = running.pop()
            self.taken += 1
            yield number, Rollout(outcome_of(grasp, perturbation), 1)
            running.extend(islice(left, self.worlds - len(running)))

    def close(self):
        self.open = False


def outcome_of(grasp, perturbation):
    p = float(grasp.id.rpartition("@")[2])
    if perturbation.mass_scale == 1.0:  # undisturbed
        return Outcome.MISSED if p == 0 else Outcome.SUCCESS
    luck = crc32(f"{perturbation.mass_scale:.9f} {grasp.id}".encode()) % 1000 / 1000
    return Outcome.SUCCESS if luck < p else Outcome.DROPPED_LIFTING


@pytest.fixture
def opened(monkeypatch):
    """The runners that were opened, which simulate nothing."""
    runners = []

    def open_batches(worlds, shortcuts):
        runners.append(FakeRunner(worlds, shortcuts))
        return runners[-1]

    monkeypatch.setattr(module, "open_batches", open_batches)
    monkeypatch.setattr(scorers, "check_available", lambda engine: None)
    monkeypatch.setattr(tally, "engine_gpu", lambda engine: CARD)
    for user in (tally, score_journal):  # the package is not everywhere
        monkeypatch.setattr(user, "software_version", lambda engine: engine.value)
    return runners


class InTurn:
    """A pool that runs rollout by rollout what batches run, for comparison."""

    def run(self, function, work, is_cancelled):
        for block in work:
            counts = module.Counts(Counter())
            for perturbation in block.perturbations(7):
                counts.add(Rollout(outcome_of(block.grasp, perturbation), 1))
            yield block, counts

    def close(self):
        pass


def requests(**words):
    """The same request in an engine of workers and in one of batches."""
    return [
        ScoreRequest.from_names(
            "default",
            ["fdr", "mdr"],
            words.get("trials"),
            1,
            words.get("until"),
            words.get("top"),
            engine=engine,
        )
        for engine in ("bullet", "mujoco-warp")
    ]


def never():
    return False


def block_of(grasp, **changes):
    fields = {"criterion": Criterion.MDR, "seed": 1, "first": 5, "count": 5, **changes}
    return Block(0, grasp, load_profile("default"), **fields)


@pytest.mark.parametrize(
    "words", [{"trials": 12}, {"trials": 100, "until": 0.35}, {"trials": 20, "top": 2}]
)
def test_scores_are_those_of_workers(opened, fakes, home_grasp, tmp_path, words):
    grasps = fakes.grasps(home_grasp(), SHARES)
    by_workers, on_gpu = requests(**words)
    expected = Scorer(pool=InTurn()).score(grasps, by_workers)
    with Batches(7) as batches, ScoreJournal(tmp_path / "j", on_gpu, "abc") as journal:
        scorer = Scorer(pool=None, batches=batches)
        found = list(scorer.stream(grasps, on_gpu, len(grasps), journal))
    *scores, last = found if expected.selection else [*found, None]
    assert last == expected.selection
    same = {"engine": Engine.BULLET, "software_version": "", "models": {}}
    assert [replace(score, **same) for score in scores] == [
        replace(score, **same) for score in expected.scores
    ]
    assert {score.engine for score in scores} == {Engine.MUJOCO_WARP}
    assert {score.models["gpu"] for score in scores} == {CARD}
    # All in one runner, never with more rollouts than worlds; all is in the journal.
    (runner,) = opened
    assert runner.most == 7 and not runner.open
    with Batches() as idle, ScoreJournal(tmp_path / "j", on_gpu, "abc", resume=True) as journal:
        again = list(Scorer(batches=idle).stream(grasps, on_gpu, len(grasps), journal))
    assert again == found
    assert len(opened) == 1  # nothing was left to open a GPU for


def test_blocks_are_taken_as_worlds_become_free(opened, home_grasp):
    taken = []

    def blocks():
        for number in range(100):
            taken.append(number)
            yield block_of(home_grasp(id="g@0.5"), first=5 * number)

    with Batches(10) as batches:
        finished = batches.run(blocks(), never)
        first, counts = next(finished)
        assert counts.outcomes.total() == first.count == 5
        assert len(taken) <= 4  # two blocks for ten worlds, and what their ends made room for
        assert len(list(finished)) == 99
    assert opened[0].taken == 500


def test_perturbations_are_those_of_the_trials(home_grasp):
    block = block_of(home_grasp(id="g@0.5"))
    rows = list(block.perturbations(7))
    later = list(replace(block, first=7, count=1).perturbations(7))
    assert len(rows) == 5 and rows[2].mass_scale == later[0].mass_scale
    (undisturbed,) = replace(block, criterion=None, first=0, count=1).perturbations(7)
    assert undisturbed.mass_scale == Perturbation.none().mass_scale


def test_a_cancel_gives_up_the_rollouts_and_says_so(opened, home_grasp):
    blocks = [block_of(home_grasp(id="g@0.5"), first=5 * n) for n in range(20)]
    calls = iter([False] * 12)
    with Batches(10) as batches:
        found = list(batches.run(iter(blocks), lambda: next(calls, True)))
        assert found[-1] is None and 0 < len(found) < 4
        assert opened[0].taken < 15
        # The runner takes the next work as if nothing had been.
        assert len(list(batches.run(iter(blocks), never))) == 20
    assert len(opened) == 1


def test_a_cancel_before_any_rollout_has_ended_says_so(opened, home_grasp, monkeypatch):
    monkeypatch.setattr(FakeRunner, "run", lambda self, rollouts, is_cancelled: giving_up(rollouts))
    with Batches(10) as batches:
        assert list(batches.run(iter([block_of(home_grasp(id="g@0.5"))]), never)) == [None]


def giving_up(rollouts):
    list(islice(rollouts, 2))
    yield from ()


def test_worlds_are_kept_for_the_same_shortcuts(opened, home_grasp):
    blocks = [block_of(home_grasp(id="g@0.5"))]
    with Batches(10) as batches:
        for shortcuts in (ALL, ALL, Shortcuts.none()):
            list(batches.run(iter(blocks), never, shortcuts))
        assert [(one.shortcuts, one.open) for one in opened] == [
            (ALL, False),
            (Shortcuts.none(), True),
        ]
    assert not opened[-1].open
    batches.close()


def test_threads_take_turns_and_who_waits_can_be_cancelled(opened, home_grasp):
    blocks = [block_of(home_grasp(id="g@0.5"), first=5 * n) for n in range(20)]
    found = {}

    def work(name):
        found[name] = list(batches.run(iter(blocks), never))

    with Batches(10) as batches:
        first = batches.run(iter(blocks), never)
        next(first)
        assert list(batches.run(iter(blocks), lambda: True)) == [None]
        waiting = threading.Thread(target=work, args=("second",), daemon=True)
        waiting.start()
        waiting.join(0.2)
        assert waiting.is_alive() and found == {}
        first.close()
        waiting.join(10.0)
    assert len(found["second"]) == 20


@pytest.mark.parametrize("worlds", [0, -1, 65_537])
def test_the_number_of_worlds_has_bounds(worlds):
    with pytest.raises(SettingsError, match=f"worlds: expected 1 to 65536, got {worlds}"):
        Batches(worlds)


def test_an_engine_that_is_not_here_is_refused_before_any_work(monkeypatch, fakes, home_grasp):
    def refuse(engine):
        raise SettingsError(f"{engine.value}: no GPU")

    monkeypatch.setattr(scorers, "check_available", refuse)
    grasps = fakes.grasps(home_grasp(), SHARES)
    pool = SimpleNamespace(run=None, close=lambda: None)
    with Scorer(pool=pool) as scorer, pytest.raises(SettingsError, match="mujoco-warp: no GPU"):
        scorer.score(grasps, requests(trials=2)[1])


def test_metrics_are_measured_by_workers_in_mujoco_and_doubted_in_bullet(opened, fakes, home_grasp):
    grasps, pool = fakes.grasps(home_grasp(), SHARES), fakes.pool()
    metrics = (Metric.EPSILON, Metric.ENGINE_GAP)
    request = replace(requests(trials=12)[1], metrics=metrics)
    scores = Scorer(pool=pool).score(grasps, request).scores
    assert all(set(score.metrics) == {Metric.ENGINE_GAP} for score in scores)
    assert {(block.engine, block.metrics) for block in pool.blocks} == {
        (Engine.MUJOCO, (Metric.EPSILON,)),
        (Engine.BULLET, ()),
    }
    assert opened[0].taken == sum(1 + 2 * 12 for _ in grasps)
