"""One score, however it was worked out: jobs, order, subsets, deaths, cancels."""

import functools
import math
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from dr_grasp.core.noise import DynamicsNoise, JointNoise, ObjectPoseNoise
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion, Perturbation, Profile, sample_perturbation
from dr_grasp.core.trajectory import Waypoints
from dr_grasp.errors import SettingsError, UnknownNameError, WorkerError
from dr_grasp.robots.checking import check_each
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.scoring.blocks import Block, run_block
from dr_grasp.scoring.request import ScoreRequest
from dr_grasp.scoring.scorer import Scorer
from dr_grasp.scoring.tally import software_version
from dr_grasp.workers import worker_process

OSDR, JSDR, FDR, MDR = Criterion

# Doubts enough for a good grasp to fail sometimes: equal scores then mean something.
HARSH = Profile(
    name="harsh",
    description="For tests",
    object_pose=ObjectPoseNoise(0.015, (0.05, 0.05, 0.3)),
    joints=JointNoise(0.001, 0.01),
    dynamics=DynamicsNoise((0.1, 0.6), (0.0, 0.002), (0.0, 0.002), (0.7, 3.0), 0.01),
    trials={OSDR: 3, JSDR: 3, FDR: 3, MDR: 7},
)
SEED = 6
REQUEST = ScoreRequest(HARSH, seed=SEED)
ONLY_MDR = ScoreRequest(HARSH, (MDR,), seed=SEED)


def by_id(batch):
    return {score.grasp_id: score for score in batch.scores}


@pytest.fixture(scope="module")
def grasps(mug_grasps, block_grasps, shortened):
    return [shortened(grasp) for grasp in (*mug_grasps[:2], *block_grasps[:1])]


@pytest.fixture(scope="module")
def one_worker():
    """A scorer with one worker process, kept for all tests of this module."""
    with Scorer(jobs=1) as scorer:
        yield scorer


@pytest.fixture(scope="module")
def reference(grasps, one_worker):
    """What every other way of scoring must give; and the progress it reported."""
    progress = []
    batch = one_worker.score(grasps, REQUEST, on_progress=progress.append)
    assert not batch.cancelled and not batch.refused
    return batch, progress


def new_children(before):
    return [child for child in multiprocessing.active_children() if child.pid not in before]


def test_the_reference_is_worth_comparing_with(reference):
    batch, _ = reference
    values = {score.fitness[MDR].value for score in batch.scores}
    assert any(0 < value < 1 for value in values)
    assert sum(sum(score.failures.values()) for score in batch.scores) > 3


def test_scores_come_in_the_order_of_the_batch_and_say_what_made_them(reference, grasps):
    batch, _ = reference
    assert [score.grasp_id for score in batch.scores] == [grasp.id for grasp in grasps]
    for score in batch.scores:
        assert score.nominal_success
        assert (score.seed, score.profile) == (SEED, "harsh")
        assert score.software_version == software_version()
        assert "dr_grasp" in score.software_version and "pybullet" in score.software_version
        assert {c: f.trials for c, f in score.fitness.items()} == HARSH.trials


def test_failures_are_the_trials_without_the_successes(reference):
    for score in reference[0].scores:
        failed = sum(f.trials - f.successes for f in score.fitness.values())
        assert sum(score.failures.values()) == failed
        assert Outcome.SUCCESS not in score.failures
        assert list(score.failures) == sorted(score.failures)


def test_progress_grows_to_the_total_and_names_the_best(reference, grasps):
    batch, progress = reference
    total = len(grasps) * (1 + 3 + 3 + 3 + 7)
    done = [p.rollouts_done for p in progress]
    assert done == sorted(set(done)) and done[-1] == total
    assert {p.rollouts_total for p in progress} == {total}
    assert progress[0].best_grasp_id == "" and math.isnan(progress[0].best_value)
    best = max(score.fitness[MDR].value for score in batch.scores)
    assert progress[-1].best_value == best
    assert by_id(batch)[progress[-1].best_grasp_id].fitness[MDR].value == best


def test_the_number_of_workers_and_the_order_of_grasps_do_not_matter(reference, grasps):
    with Scorer(jobs=2) as scorer:
        batch = scorer.score(grasps[::-1], REQUEST)
    assert [score.grasp_id for score in batch.scores] == [grasp.id for grasp in grasps[::-1]]
    assert by_id(batch) == by_id(reference[0])


def test_a_subset_of_the_criteria_gives_the_same_numbers(reference, grasps, one_worker):
    batch = one_worker.score(grasps[:2], ScoreRequest(HARSH, (MDR, FDR, MDR), seed=SEED))
    for score in batch.scores:
        assert list(score.fitness) == [FDR, MDR]
        for criterion, fitness in score.fitness.items():
            assert fitness == by_id(reference[0])[score.grasp_id].fitness[criterion]


def test_more_trials_go_on_from_fewer(reference, grasps, one_worker):
    # Worked off in blocks of five and two; here they are cut elsewhere.
    grasp = grasps[0]
    (score,) = one_worker.score([grasp], ONLY_MDR).scores
    trials = [run_block(Block(0, grasp, HARSH, MDR, SEED, trial, 1)).outcomes for trial in range(7)]
    assert score.failures == sum(trials, Counter()) - Counter({Outcome.SUCCESS: 7})
    assert score.fitness[MDR] == by_id(reference[0])[grasp.id].fitness[MDR]
    # Which block a trial is in changes nothing.
    block = run_block(Block(0, grasp, HARSH, MDR, SEED, 2, 4))
    assert block.outcomes == sum(trials[2:6], Counter())
    # Had the second block repeated the trials of the first, it would have shown.
    assert sum(trials[:2], Counter()) != sum(trials[5:], Counter())


def test_a_block_counts_the_outcomes_of_its_trials(grasps, mug_world):
    from dr_grasp.simulation.rollout import run_rollout

    outcomes = [
        run_rollout(mug_world, grasps[1], sample_perturbation(HARSH, OSDR, SEED, trial, 7)).outcome
        for trial in (2, 3)
    ]
    block = run_block(Block(0, grasps[1], HARSH, OSDR, SEED, 2, 2))
    assert sorted(block.outcomes.elements()) == sorted(outcomes)
    nominal = run_block(Block(0, grasps[1], HARSH, None, 5, 0, 1))
    expected = run_rollout(mug_world, grasps[1], Perturbation.none()).outcome
    assert dict(nominal.outcomes) == {expected: 1}


def test_another_seed_is_other_noise(grasps):
    def first(seed):
        return sample_perturbation(HARSH, OSDR, seed, 0, 7).translation_m

    assert not (first(SEED) == first(SEED + 1)).all()


def test_a_killed_worker_costs_time_only(reference, grasps):
    before = {child.pid for child in multiprocessing.active_children()}
    killed = []

    def kill_once(progress):
        if not killed and progress.rollouts_done >= 6:
            killed.append(new_children(before)[0].pid)
            os.kill(killed[0], signal.SIGKILL)

    with Scorer(jobs=2) as scorer:
        batch = scorer.score(grasps[:2], ONLY_MDR, on_progress=kill_once)
    assert killed and len(batch.scores) == 2
    for score in batch.scores:
        assert score.fitness[MDR] == by_id(reference[0])[score.grasp_id].fitness[MDR]
        assert score.nominal_success


def test_all_workers_killed_before_anything_is_done(reference, grasps):
    before = {child.pid for child in multiprocessing.active_children()}
    killed = []

    def kill_them_all():
        # Asked while the workers start.
        if not killed:
            killed.extend(child.pid for child in new_children(before))
            for pid in killed:
                os.kill(pid, signal.SIGKILL)
        return False

    with Scorer(jobs=2) as scorer:
        batch = scorer.score(grasps[:1], ONLY_MDR, is_cancelled=kill_them_all)
    assert killed
    assert batch.scores[0].fitness[MDR] == by_id(reference[0])[grasps[0].id].fitness[MDR]


def test_workers_that_always_die_are_an_error(grasps, monkeypatch):
    # Spawned processes import our modules, not this one: what kills them must live elsewhere.
    monkeypatch.setattr(worker_process, "start_worker", functools.partial(os._exit, 3))
    with Scorer(jobs=1) as scorer:
        # Which of the first pieces of work is met by the third death, is a matter of chance.
        message = r"worker processes died 3 times at .* with status 3: grasp \S+-00000, "
        message += r"(undisturbed|mdr), trials from \d+ on;"
        with pytest.raises(WorkerError, match=message):
            scorer.score(grasps[:1], ONLY_MDR)
        monkeypatch.undo()
        batch = scorer.score(grasps[:1], ScoreRequest(HARSH, (MDR,), trials=1, seed=SEED))
        assert len(batch.scores) == 1


def test_cancel_stops_at_once_and_the_scorer_lives_on(reference, grasps, one_worker):
    heard = []
    endless = ScoreRequest(HARSH, trials=1000, seed=SEED)
    batch = one_worker.score(
        grasps, endless, on_progress=heard.append, is_cancelled=lambda: bool(heard)
    )
    assert batch.cancelled and batch.scores == ()
    # What had ended when it was asked for; nothing was waited for.
    assert len(heard) <= 2
    again = one_worker.score(grasps[:1], ONLY_MDR)
    assert not again.cancelled
    assert again.scores[0].fitness[MDR] == by_id(reference[0])[grasps[0].id].fitness[MDR]


def test_cancelled_before_it_began(grasps):
    with Scorer(jobs=1) as scorer:
        batch = scorer.score(grasps, REQUEST, is_cancelled=lambda: True)
    assert batch.cancelled and batch.scores == ()


def bad_batch(good, franka):
    """The good grasp among others, with what is wrong with those."""
    fast = Waypoints(franka.arm_joints, [0.0, 0.01], good.approach.positions[[0, -1]])
    beyond = good.approach.positions + 3.0
    return [
        (replace(good, id="fast", approach=fast), "grasp fast: approach velocity: expected panda"),
        (
            replace(
                good,
                id="far",
                approach=replace(good.approach, positions=beyond),
                lift=replace(good.lift, positions=good.lift.positions + 3.0),
            ),
            "grasp far: approach positions: expected panda_joint",
        ),
        (good, None),
        (good, f"grasp {good.id}: id: expected unique ids, got it a second time"),
        (replace(good, id="what", object="spoon"), "grasp what: unknown object 'spoon'; expected"),
        (replace(good, id="who", robot="pr2"), "grasp who: unknown robot 'pr2'; expected one of"),
    ]


def test_refused_grasps_leave_the_others(grasps, franka, one_worker):
    pairs = bad_batch(grasps[0], franka)
    batch = one_worker.score(
        [grasp for grasp, _ in pairs], ScoreRequest(HARSH, (MDR,), trials=1, seed=SEED)
    )
    assert [score.grasp_id for score in batch.scores] == [grasps[0].id]
    assert [refused.index for refused in batch.refused] == [0, 1, 3, 4, 5]
    for refused in batch.refused:
        grasp, reason = pairs[refused.index]
        assert refused.grasp_id == grasp.id
        assert refused.reason.startswith(reason) and "\n" not in refused.reason


def test_grasps_of_a_robot_of_which_the_profile_is_not_are_refused(grasps, one_worker):
    other = replace(HARSH, robot="baxter")
    batch = one_worker.score(grasps[:1], ScoreRequest(other, (MDR,), trials=1, seed=SEED))
    [refused] = batch.refused
    assert "expected grasps of baxter, of which it is, got franka" in refused.reason


def test_a_batch_of_refused_grasps_is_no_error_and_starts_no_worker(grasps, franka):
    before = {child.pid for child in multiprocessing.active_children()}
    with Scorer(jobs=2) as scorer:
        batch = scorer.score([replace(grasps[0], robot="pr2")], REQUEST)
        assert not new_children(before)
    assert batch.scores == () and len(batch.refused) == 1 and not batch.cancelled
    assert list(check_each([], load_robot)) == []


@pytest.mark.parametrize("jobs", [0, -1])
def test_no_jobs_are_refused(jobs):
    with pytest.raises(SettingsError, match=f"jobs: expected at least 1, got {jobs}"):
        Scorer(jobs)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("default", [], 0, 0), SettingsError, "trials: expected at least 1, got 0"),
        (("default", [], 100_001, 0), SettingsError, "trials: expected at most 100000, got 100001"),
        (("default", [], -5, 0), SettingsError, "trials: expected at least 1, got -5"),
        (("default", [], 1, -1), SettingsError, r"seed: expected from 0 to 2\*\*64 - 1, got -1"),
        (("default", [], 1, 2**64), SettingsError, r"seed: expected from 0 to 2\*\*64 - 1"),
        (("default", ["osdr", "xdr"], 1, 0), UnknownNameError, "unknown criterion 'xdr'; expected"),
        (("gentle", [], 1, 0), UnknownNameError, "unknown profile 'gentle'; expected one of def"),
    ],
)
def test_requests_are_refused_by_what_is_wrong(arguments, error, message):
    with pytest.raises(error, match=message):
        ScoreRequest.from_names(*arguments)


def test_a_request_without_criteria_is_refused():
    with pytest.raises(SettingsError, match="criteria: expected at least one, got none"):
        ScoreRequest(HARSH, ())


def test_requests_know_their_size():
    everything = ScoreRequest.from_names("huber2023", [], None, 0)
    assert everything.criteria == tuple(Criterion)
    assert everything.rollouts_per_grasp == 551
    some = ScoreRequest.from_names("huber2023", ["mdr", "osdr", "mdr"], 10, 2**64 - 1)
    assert some.criteria == (OSDR, MDR)
    assert some.rollouts_per_grasp == 21


def test_closing_twice_does_no_harm():
    scorer = Scorer()
    scorer.close()
    scorer.close()


SCORES_FOREVER = """
import pickle, sys
from pathlib import Path
from dr_grasp.scoring.request import ScoreRequest
from dr_grasp.scoring.scorer import Scorer

def say(progress):
    print(progress.rollouts_done, flush=True)

if __name__ == "__main__":
    grasps = pickle.loads(Path(sys.argv[1]).read_bytes())
    with Scorer(jobs=2) as scorer:
        scorer.score(grasps, ScoreRequest.from_names("default", [], 10000, 0), on_progress=say)
"""


def lives(pid):
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_workers_end_when_their_parent_is_killed(tmp_path, grasps, children_of):
    import pickle

    (tmp_path / "grasps.pickle").write_bytes(pickle.dumps(grasps))
    (tmp_path / "forever.py").write_text(SCORES_FOREVER)
    parent = subprocess.Popen(
        [sys.executable, tmp_path / "forever.py", tmp_path / "grasps.pickle"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert parent.stdout.readline().strip()  # under way
        children = children_of(parent.pid)
        assert len(children) >= 2
    finally:
        parent.kill()
        parent.wait()
        parent.stdout.close()
    deadline = time.monotonic() + 60
    while any(lives(pid) for pid in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    left = [pid for pid in children if lives(pid)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert not left


def test_scores_are_told_as_they_are_completed(reference, grasps, one_worker):
    told = []
    batch = one_worker.score(grasps[:2], ONLY_MDR, on_score=told.append)
    assert sorted(told, key=lambda score: score.grasp_id) == sorted(
        batch.scores, key=lambda score: score.grasp_id
    )


def test_a_batch_of_billions_of_rollouts_begins_at_once(grasps, one_worker):
    many = [replace(grasps[0], id=f"g{number}") for number in range(3_000)]
    first = []
    batch = one_worker.score(
        many,
        ScoreRequest(HARSH, trials=100_000),
        on_progress=first.append,
        is_cancelled=lambda: bool(first),
    )
    assert batch.cancelled
    assert first[0].rollouts_total == 3_000 * 400_001
