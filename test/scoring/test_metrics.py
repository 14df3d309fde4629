"""Metrics beside fitnesses: who gets them, engine doubt, a journal, a cancel."""

from collections import Counter
from dataclasses import replace

import pytest

from dr_grasp.core.engine import Engine
from dr_grasp.core.fitness import RefusedGrasp, Selection
from dr_grasp.core.metric import Metric, measurements, metrics_from_names
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.errors import FileFormatError, SettingsError, UnknownNameError
from dr_grasp.scoring.blocks import Counts
from dr_grasp.scoring.request import ScoreRequest
from dr_grasp.scoring.score_journal import ScoreJournal
from dr_grasp.scoring.scorer import Scorer

SHARES = [0.9, 0.5, 0.0, 1.0, 0.7]
ASKED = ("tug", "epsilon", "engine_gap", "worst_engine_mdr")
TUG, EPSILON = Metric.TUG, Metric.EPSILON
GAP, WORST = Metric.ENGINE_GAP, Metric.WORST_ENGINE_MDR


def request_of(trials=12, metrics=ASKED, criteria=("fdr", "mdr"), **words):
    words = {"engine": "bullet", **words}
    return ScoreRequest.from_names("default", criteria, trials, 1, metrics=metrics, **words)


@pytest.fixture
def pool_of(fakes):
    """Makes pools in which grasps hold in MuJoCo in all trials, and that measure a fixed tug."""

    def make(**words):
        pool = fakes.pool(**words)
        run = pool.run

        def measuring(function, work, is_cancelled):
            for done in run(function, work, is_cancelled):
                if done is not None:
                    block, counts = done
                    if block.metrics:
                        found = {TUG: 2.5} if TUG in block.metrics else {}
                        counts = Counts(Counter(), metrics=found)
                    elif block.engine is Engine.MUJOCO:
                        counts = Counts(Counter({Outcome.SUCCESS: block.count}))
                    done = block, counts
                yield done

        pool.run = measuring
        return pool

    return make


def results_of(pool, grasps, request, journal=None, **words):
    return list(Scorer(pool=pool).stream(grasps, request, len(grasps), journal, **words))


def test_scores_get_their_metrics_and_stay_the_same_otherwise(fakes, pool_of, home_grasp):
    grasps = fakes.grasps(home_grasp(), SHARES)
    refused = RefusedGrasp(2, "bad", "no grasp")
    grasps[2:3] = [refused]
    progress, scores = [], []
    pool = pool_of()
    batch = Scorer(pool=pool).score(grasps, request_of(), progress.append, scores.append)
    without = Scorer(pool=fakes.pool()).score(grasps, request_of(metrics=()))
    assert batch.refused == without.refused == (refused,)
    for found, plain in zip(batch.scores, without.scores, strict=True):
        mdr = plain.fitness[Criterion.MDR]
        # Of the epsilon there is none: the hand closed without any contact.
        assert found.metrics == {TUG: 2.5, GAP: (12 - mdr.successes) / 12, WORST: mdr.value}
        assert list(found.metrics) == [TUG, GAP, WORST]
        assert found.models.keys() - plain.models.keys() == {"other_engine"}
        assert found.models["other_engine"].startswith("mujoco 3.")
        assert replace(found, metrics={}, models=plain.models) == plain
    assert sorted(scores, key=lambda score: score.grasp_id) == list(batch.scores)
    # 1 undisturbed, 12 of FDR, 12 of MDR in both engines, 1 for contacts and 7 for the tug of each.
    assert progress[-1].rollouts_done == progress[-1].rollouts_total == 4 * (1 + 3 * 12 + 1 + 7)


def test_the_other_engine_meets_the_same_perturbations(fakes, pool_of, home_grasp):
    pool = pool_of()
    results_of(pool, fakes.grasps(home_grasp(), [0.5]), request_of(metrics=["engine_gap"]))
    own, other = (
        {(b.profile.name, b.seed, b.first, b.count) for b in pool.blocks if found(b)}
        for found in (
            lambda b: b.criterion is Criterion.MDR and b.engine is Engine.BULLET,
            lambda b: b.criterion is Criterion.MDR and b.engine is Engine.MUJOCO,
        )
    )
    assert own == other
    assert {(e, e.other, e.single) for e in Engine} == {
        (Engine.BULLET, Engine.MUJOCO, Engine.BULLET),
        (Engine.MUJOCO, Engine.BULLET, Engine.MUJOCO),
        (Engine.MUJOCO_WARP, Engine.BULLET, Engine.MUJOCO),
    }


def test_the_other_engine_runs_as_many_trials_as_an_interval_took(fakes, pool_of, home_grasp):
    pool = pool_of()
    request = request_of(100, metrics=["worst_engine_mdr"], until=0.4)
    (score,) = results_of(pool, fakes.grasps(home_grasp(), [0.9]), request)
    tried = sum(block.count for block in pool.blocks if block.engine is Engine.MUJOCO)
    assert tried == score.fitness[Criterion.MDR].trials < 100
    assert score.metrics == {WORST: score.fitness[Criterion.MDR].value}


def test_of_a_race_the_chosen_get_metrics(fakes, pool_of, home_grasp):
    *scores, selection = results_of(
        pool_of(), fakes.grasps(home_grasp(), SHARES), request_of(40, top=2)
    )
    assert isinstance(selection, Selection)
    assert [s.grasp_id for s in scores if s.metrics] == list(selection.chosen)
    assert len(selection.chosen) == 2


def test_a_model_sees_the_metrics(fakes, pool_of, home_grasp):
    request = request_of(estimate=lambda score, robot: score.metrics[TUG] / 10)
    (score,) = results_of(pool_of(), fakes.grasps(home_grasp(), [0.5]), request)
    assert score.transfer_probability == 0.25


@pytest.mark.parametrize("words", [{}, {"top": 2, "trials": 40}])
def test_a_run_goes_on_from_wherever_it_ended(tmp_path, fakes, pool_of, home_grasp, words):
    grasps, request = fakes.grasps(home_grasp(), SHARES), request_of(**words)
    reference = results_of(pool_of(), grasps, request)
    done, results, seed = [], [None], 0
    while results[-1] is None:
        pool = pool_of(in_flight=3, seed=seed, cancel_after=20)
        with ScoreJournal(tmp_path / "j", request, "abc", resume=True) as journal:
            results = results_of(pool, grasps, request, journal)
        done += [(b.grasp_index, b.criterion, b.first, b.engine, b.metrics) for b in pool.blocks]
        seed += 1
    assert results == reference
    assert seed > 1
    assert len(done) == len(set(done)), "a rollout was run twice"


def test_a_cancel_ends_both(fakes, pool_of, home_grasp):
    results = results_of(
        pool_of(), fakes.grasps(home_grasp(), SHARES), request_of(), is_cancelled=lambda: True
    )
    assert results == [None]


@pytest.mark.parametrize("metrics", [(), ["tug"]])
def test_a_journal_of_other_metrics_is_refused(tmp_path, metrics):
    ScoreJournal(tmp_path / "j", request_of(), "abc").close()
    with pytest.raises(FileFormatError, match="metrics: expected"):
        ScoreJournal(tmp_path / "j", request_of(metrics=metrics), "abc", resume=True)


def test_names_of_metrics():
    assert metrics_from_names(["tug", "epsilon", "tug"]) == (EPSILON, TUG)
    assert metrics_from_names(["all"]) == tuple(Metric)
    assert metrics_from_names([]) == ()
    with pytest.raises(UnknownNameError, match="unknown metric 'grip'"):
        metrics_from_names(["grip"])


def test_what_takes_long_is_measured_alone():
    assert measurements(Metric) == [
        (EPSILON, Metric.VOLUME, Metric.PENETRATION, Metric.COM_DISTANCE),
        (Metric.ROBUST_EPSILON,),
        (TUG,),
    ]
    assert measurements([GAP]) == []


def test_engine_doubt_needs_mdr():
    with pytest.raises(SettingsError) as caught:
        request_of(criteria=["osdr", "fdr"], metrics=["worst_engine_mdr"])
    assert str(caught.value) == (
        "metrics: worst_engine_mdr: expected criterion mdr among those scored, got osdr, fdr"
    )
