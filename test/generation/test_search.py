"""One run, however it came about: jobs, interruptions, resumptions; and where it may start."""

import json
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from dr_grasp.core.arrays import frozen
from dr_grasp.core.engine import Engine
from dr_grasp.core.geometry import Pose
from dr_grasp.core.outcome import LinkPair, Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.errors import DrGraspError, FileFormatError, SettingsError, UnknownNameError
from dr_grasp.formats.grasp_file import grasp_to_dict, write_grasps
from dr_grasp.generation import fitness_trials, methods
from dr_grasp.generation import search as search_module
from dr_grasp.generation.archive import TouchArchive
from dr_grasp.generation.evaluation import Job
from dr_grasp.generation.fitness_trials import ROUND_TRIALS, add_trials, noise_seed
from dr_grasp.generation.genome import GenomeSpace
from dr_grasp.generation.methods import make_method
from dr_grasp.generation.motion import Unreachable
from dr_grasp.generation.proposal import Proposal
from dr_grasp.generation.result import Result, Trials
from dr_grasp.generation.sampler import generate
from dr_grasp.generation.search import Search
from dr_grasp.generation.search_journal import SearchJournal
from dr_grasp.generation.start import ancestor, read_start
from dr_grasp.generation.task import METHODS, FitnessSettings, Limits, Task
from dr_grasp.objects.object_spec import load_object
from dr_grasp.scoring.blocks import Counts
from dr_grasp.scoring.profiles import load_profile
from dr_grasp.simulation.bullet.world import BulletWorld
from dr_grasp.simulation.rollout import settled_pose
from dr_grasp.workers.pool import Pool, WorkerPool

BATCH = 6
TOTAL = 2 * BATCH + 3
FDR = FitnessSettings(Criterion.FDR, load_profile("huber2023"), trials=6)
SCS = Task("franka", "procedural_000", "me-scs", seed=4)


@pytest.fixture(scope="module", autouse=True)
def small_batches():
    """Several generations of few proposals."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search_module, "BATCH", BATCH)
        yield


@pytest.fixture(scope="module")
def pools():
    """Kept for all tests of this module: with one worker, and with two."""
    with WorkerPool(1) as one, WorkerPool(2) as two:
        yield one, two


@pytest.fixture(scope="module")
def fit_task(block_grasps):
    """Starts from successes, so that few evaluations hold several."""
    return Task("franka", "procedural_000", "me-fit", 3, FDR, tuple(block_grasps))


@pytest.fixture
def run(pools, tmp_path):
    """Runs a task; returns what was found, as the bytes of a file too."""

    def run(task, limits, *, pool=0, resume=False, on_progress=None, is_cancelled=None):
        path = tmp_path / "grasps.json"
        with SearchJournal(tmp_path / "journal", task.described(), resume) as journal:
            method = make_method(task)
            search = Search(task, method, pools[pool], journal, on_progress, is_cancelled)
            findings = search.run(limits)
        write_grasps(path, findings.grasps)
        return findings, path.read_bytes()

    return run


@pytest.fixture(scope="module")
def references(pools, fit_task, tmp_path_factory):
    """What a run in one go gives, for two tasks: findings, and the bytes of the file."""
    path = tmp_path_factory.mktemp("references") / "grasps.json"
    found = []
    for task in (SCS, fit_task):
        with SearchJournal(path.with_name("journal"), task.described()) as journal:
            findings = Search(task, make_method(task), pools[1], journal).run(Limits(TOTAL))
        write_grasps(path, findings.grasps)
        found.append((findings, path.read_bytes()))
    return found


def counts(findings):
    return (
        findings.evaluations,
        findings.simulated,
        findings.successes,
        findings.distinct,
        findings.coverage,
    )


def test_the_references_are_worth_comparing_with(references, fit_task):
    for (findings, *_), task in zip(references, (SCS, fit_task), strict=True):
        assert findings.evaluations == findings.fresh == TOTAL
        assert findings.evaluations >= findings.simulated >= findings.successes
        assert findings.successes >= findings.distinct == len(findings.grasps) >= 3
        assert 0 < findings.coverage < 1
        ids = [grasp.id for grasp in findings.grasps]
        assert len(set(ids)) == len(ids)
        assert all(name.startswith(f"franka-procedural_000-{task.method}-") for name in ids)
        generations = {grasp.provenance["generation"] for grasp in findings.grasps}
        assert len(generations) > 1


def test_the_number_of_workers_does_not_matter(run, references):
    findings, content = run(SCS, Limits(TOTAL))
    assert content == references[0][1]
    assert counts(findings) == counts(references[0][0])


@pytest.mark.parametrize("done", [BATCH, BATCH + 2])
def test_a_run_that_goes_on_ends_as_one_in_one_go(run, references, done):
    first, _ = run(SCS, Limits(done))
    assert first.evaluations == done
    findings, content = run(SCS, Limits(TOTAL), resume=True)
    assert content == references[0][1]
    assert counts(findings) == counts(references[0][0])
    assert findings.fresh == TOTAL - done
    # All is known now; nothing needs to be tried.
    again, content = run(SCS, Limits(TOTAL), resume=True)
    assert (again.fresh, content) == (0, references[0][1])


def test_a_cancelled_run_keeps_what_it_found_and_goes_on(run, references):
    heard = []
    first, _ = run(
        SCS,
        Limits(TOTAL),
        on_progress=heard.append,
        is_cancelled=lambda: bool(heard) and heard[-1].evaluations >= BATCH + 2,
    )
    assert first.interrupted and BATCH + 2 <= first.evaluations < TOTAL
    assert first.distinct == len(first.grasps) > 0
    findings, content = run(SCS, Limits(TOTAL), resume=True)
    assert not findings.interrupted and content == references[0][1]
    assert counts(findings) == counts(references[0][0])


def test_successes_that_were_to_get_trials_are_kept_too(run, references, fit_task):
    heard = []
    first, _ = run(
        fit_task,
        Limits(BATCH),
        pool=1,
        on_progress=heard.append,
        is_cancelled=lambda: len(heard) >= BATCH,
    )
    assert first.interrupted and first.evaluations == BATCH
    assert first.distinct == len(first.grasps) > 0
    shares = [grasp.provenance["fitness"].removeprefix("fdr ") for grasp in first.grasps]
    assert shares[-1] == "0/0"  # nobody knows of it but that it holds undisturbed
    findings, content = run(fit_task, Limits(TOTAL), pool=1, resume=True)
    assert (content, findings.fresh) == (references[1][1], TOTAL - BATCH)


def test_cancelled_before_it_began(run):
    findings, _ = run(SCS, Limits(TOTAL), is_cancelled=lambda: True)
    assert findings.interrupted and findings.evaluations == 0 and findings.grasps == ()


def test_progress_counts_up(run):
    heard = []
    findings, _ = run(SCS, Limits(BATCH + 1), on_progress=heard.append)
    assert [one.evaluations for one in heard] == [*range(1, BATCH + 2)]
    for before, after in pairwise(heard):
        assert after.successes >= before.successes and after.simulated >= before.simulated
        assert after.seconds >= before.seconds and after.coverage >= before.coverage
    assert counts(findings)[:3] == counts(heard[-1])[:3]
    assert findings.rate == pytest.approx(findings.fresh / findings.seconds)


def test_the_sampler_finds_what_it_always_found_and_ends_at_the_count(run):
    heard = []
    task = Task("franka", "procedural_000", "sampler")
    findings, _ = run(task, Limits(count=3), pool=1, on_progress=heard.append)
    found = generate("franka", "procedural_000", findings.successes, 0)
    assert [grasp_to_dict(one) for one in findings.grasps] == [grasp_to_dict(g) for g in found[:3]]
    assert findings.evaluations % BATCH == 0 and findings.distinct >= 3
    # It ended at the first batch with enough.
    assert heard[-1].distinct < 3


def test_the_best_come_first_and_say_what_they_were_selected_by(references, fit_task):
    findings, *_ = references[1]
    values, complete = [], 0
    for grasp in findings.grasps:
        assert grasp.provenance["profile"] == "huber2023"
        criterion, _, share = grasp.provenance["fitness"].partition(" ")
        successes, done = map(int, share.split("/"))
        assert criterion == "fdr" and 0 <= successes <= done <= FDR.trials
        complete += done == FDR.trials
        values.append(successes)
    assert values == sorted(values, reverse=True)
    assert complete > 0
    # The grasps of the file came first, and their descendants say so.
    parents = {grasp.provenance.get("parent") for grasp in findings.grasps}
    assert parents & {grasp.id for grasp in fit_task.start}


def test_the_noise_of_a_search_is_not_that_of_scoring_with_its_seed():
    seeds = {noise_seed(seed) for seed in range(100)}
    assert len(seeds) == 100 and not seeds & set(range(100))
    assert all(0 <= seed < 2**64 for seed in seeds)


class TablePool:
    """Knows the outcome of each trial of each grasp; counts what it was asked."""

    def __init__(self, table, rng):
        self._table, self._rng = table, rng
        self.trials = 0

    def run(self, function, work, is_cancelled):
        for trial in self._rng.permutation(np.array(list(work), dtype=object)):
            (block,) = trial.blocks
            self.trials += block.count
            yield trial, bool(self._table[block.grasp.id][block.first])


@pytest.mark.parametrize("seed", range(10))
def test_stopping_early_changes_no_elite(seed, samples):
    """Against all trials for everybody, in batches that meet in few cells."""
    rng = np.random.default_rng(seed)
    settings = replace(FDR, trials=int(rng.integers(1, 23)))
    names = [f"g{index}" for index in range(48)]
    table = {name: rng.random(settings.trials) < rng.random() for name in names}
    cells = rng.integers(0, 4, len(names))
    pool = TablePool(table, rng)
    grasp = samples.grasp()
    everything, stopped = {}, {}
    for first in range(0, len(names), 8):
        batch = [
            Result(
                Proposal(index, Pose.identity(), "pinch"),
                outcome=Outcome.SUCCESS,
                grasp=replace(grasp, id=names[index]),
            )
            for index in range(first, first + 8)
        ]
        told = {
            one.proposal.index: one
            for one in add_trials(
                pool,
                batch,
                lambda one: stopped.get(cells[one.proposal.index], (None, None))[1],
                settings,
                0,
                lambda: False,
            )
        }
        assert sorted(told) == list(range(first, first + 8))
        for index in sorted(told):
            trials, cell = told[index].trials, cells[index]
            full = table[names[index]].mean()
            assert trials.successes == table[names[index]][: trials.done].sum()
            assert trials.value <= full + 1e-12 and full <= trials.bound + 1e-12
            for elites, value in ((everything, full), (stopped, trials.value)):
                if cell not in elites or value > elites[cell][1] + 1e-12:
                    elites[cell] = (index, value)
    assert {cell: one[0] for cell, one in stopped.items()} == {
        cell: one[0] for cell, one in everything.items()
    }
    assert pool.trials <= settings.trials * len(names)
    if settings.trials > 2 * ROUND_TRIALS:
        assert pool.trials < settings.trials * len(names)


def test_a_trial_succeeds_in_all_engines_or_not_at_all(samples, monkeypatch):
    """Each engine meets the same noise, and after a failure the others are not asked."""
    holds = {Engine.BULLET: [1, 1, 0, 1, 0], Engine.MUJOCO: [1, 0, 1, 1, 0]}
    asked = []

    def run_block(block):
        asked.append((block.engine, block.first, block.seed))
        held = holds[block.engine][block.first]
        return Counts(Counter({Outcome.SUCCESS if held else Outcome.MISSED: 1}))

    class Here(TablePool):
        def run(self, function, work, is_cancelled):
            yield from ((trial, function(trial)) for trial in work)

    monkeypatch.setattr(fitness_trials, "run_block", run_block)
    success = Result(
        Proposal(0, Pose.identity(), "pinch"), outcome=Outcome.SUCCESS, grasp=samples.grasp()
    )
    settings = replace(FDR, trials=5, engines=(Engine.BULLET, Engine.MUJOCO))
    (done,) = add_trials(Here({}, None), [success], lambda one: None, settings, 3, lambda: False)
    assert done.trials == Trials(successes=2, done=5, planned=5)
    assert [(engine.value, trial) for engine, trial, _ in asked] == [
        *[("bullet", 0), ("mujoco", 0), ("bullet", 1), ("mujoco", 1), ("bullet", 2)],
        *[("bullet", 3), ("mujoco", 3), ("bullet", 4)],
    ]
    assert {seed for _, _, seed in asked} == {noise_seed(3)}


def journal_of(path, results, header):
    with SearchJournal(path, header) as journal:
        for result in results:
            journal.add(result)


def test_a_journal_gives_back_what_it_was_given(tmp_path, samples):
    path, header = tmp_path / "journal", {"seed": 1}
    proposals = [Proposal(index, samples.pose(), "pinch") for index in range(4)]
    results = [
        Result(proposals[0], Unreachable.TABLE),
        Result(proposals[1], outcome=Outcome.SELF_COLLISION, links=LinkPair("elbow", "hand")),
        Result(proposals[2], outcome=Outcome.SUCCESS, touch_in_object=frozen([0.1, 1 / 3, -1e-9])),
    ]
    results[2] = replace(
        results[2], slip_m=1 / 7, grasp=samples.grasp("g2"), trials=Trials(1, 5, 20)
    )
    journal_of(path, results, header)
    with SearchJournal(path, header, resume=True) as journal:
        assert journal.result_of(proposals[3]) is None
        for given in results:
            back = journal.result_of(given.proposal)
            for name in ("proposal", "unreachable", "outcome", "links", "slip_m", "trials"):
                assert getattr(back, name) == getattr(given, name)
            np.testing.assert_array_equal(back.touch_in_object, given.touch_in_object)
            assert back.objective == given.objective
        assert grasp_to_dict(back.grasp) == grasp_to_dict(given.grasp)
    with SearchJournal(path, {"seed": 2}) as journal:  # begun anew
        assert journal.result_of(proposals[0]) is None
        journal.remove()
    assert not path.exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"robot": "baxter"}, "robot: expected 'baxter' as asked for now, got 'franka'"),
        ({"object": "mug"}, "object: expected 'mug' as asked for now, got 'procedural_000'"),
        ({"method": "sampler"}, "method: expected 'sampler' as asked for now, got 'me-scs'"),
        ({"seed": 1}, "seed: expected 1 as asked for now, got 4"),
        ({"fitness": FDR}, "fitness: expected 'fdr' as asked for now, got None"),
    ],
)
def test_a_journal_of_another_task_is_refused_by_what_differs(tmp_path, changes, message):
    path = tmp_path / "journal"
    journal_of(path, [], SCS.described())
    before = path.read_bytes()
    with pytest.raises(FileFormatError, match=message):
        SearchJournal(path, replace(SCS, **changes).described(), resume=True)
    assert path.read_bytes() == before


def test_a_journal_of_another_start_or_version_is_refused(tmp_path, samples):
    path = tmp_path / "journal"
    start = (samples.grasp(),)
    journal_of(path, [], replace(SCS, start=start).described())
    for task in (SCS, replace(SCS, start=(samples.grasp(),))):
        with pytest.raises(FileFormatError, match="start: expected"):
            SearchJournal(path, task.described(), resume=True)
    other = {**replace(SCS, start=start).described(), "software_version": "9"}
    with pytest.raises(FileFormatError, match="software_version: expected '9'"):
        SearchJournal(path, other, resume=True)


def test_a_journal_goes_on_in_its_engine_alone(tmp_path):
    path, other = tmp_path / "journal", replace(SCS, engine=Engine.MUJOCO)
    assert "engine" not in SCS.described()  # as in journals of before there was a choice
    journal_of(path, [], SCS.described())
    with pytest.raises(FileFormatError, match="engine: expected 'mujoco' as asked for now, got"):
        SearchJournal(path, other.described(), resume=True)
    journal_of(path, [], other.described())
    with pytest.raises(FileFormatError, match=r"software_version: expected 'dr_grasp .*pybullet"):
        SearchJournal(path, SCS.described(), resume=True)
    SearchJournal(path, other.described(), resume=True).close()
    fit = replace(SCS, method="me-fit", fitness=FDR)
    in_both = replace(fit, fitness=replace(FDR, engines=(Engine.BULLET, Engine.MUJOCO)))
    journal_of(path, [], fit.described())
    with pytest.raises(FileFormatError, match=r"fitness_engines: expected .*mujoco"):
        SearchJournal(path, in_both.described(), resume=True)
    journal_of(path, [], in_both.described())
    with pytest.raises(FileFormatError, match=r"fitness_engines: expected None"):
        SearchJournal(path, fit.described(), resume=True)
    earlier = fit.described()
    del earlier["fitness_engines"]  # as in journals of before there was a choice
    journal_of(path, [], earlier)
    SearchJournal(path, fit.described(), resume=True).close()


def test_proposals_and_trials_are_simulated_in_the_engine_of_the_task(tmp_path, samples):
    class Asked(Pool):
        def run(self, function, work, is_cancelled):
            for piece in work:
                is_job = isinstance(piece, Job)
                engine = piece.engine if is_job else piece.blocks[0].engine
                asked.append((type(piece).__name__, engine))
                if is_job:
                    held = samples.grasp(f"g{piece.proposal.index}")
                    yield piece, Result(piece.proposal, outcome=Outcome.SUCCESS, grasp=held)
                else:
                    yield piece, True

        def close(self):
            pass

        _workers = _submit = None

    asked = []
    task = replace(SCS, method="me-fit", fitness=FDR, engine=Engine.MUJOCO)
    with SearchJournal(tmp_path / "j", {}) as journal:
        Search(task, make_method(SCS), Asked(), journal).run(Limits(2))
    assert {engine for _, engine in asked} == {Engine.MUJOCO}
    assert {name for name, _ in asked} == {"Job", "Trial"}


def test_ancestors_grip_as_the_grasps_did(franka, mug_world, mug_grasps):
    sampler = make_method(Task("franka", "mug", "sampler"))
    for grasp in mug_grasps:
        index = int(grasp.provenance["candidate"])
        proposal = sampler.propose(index)
        found = ancestor(mug_world, grasp)
        assert found.name == grasp.id and found.synergy == proposal.synergy
        assert found.opening == pytest.approx(proposal.opening, abs=1e-6)
        away = proposal.grip_in_object.inverse() @ found.grip_in_object
        assert np.linalg.norm(away.position) < 1e-3 and away.rotation.magnitude() < 1e-2


def test_a_synergy_that_nobody_names_is_the_nearest(franka, mug_world, mug_grasps):
    grasp = mug_grasps[0]
    nameless = replace(grasp, provenance={}, close=replace(grasp.close, preshape=[0.02]))
    found = ancestor(mug_world, nameless)
    assert (found.synergy, found.opening) == ("pinch", pytest.approx(0.5))
    (pinch,) = franka.synergies
    reverse = replace(pinch, name="spread", open=pinch.closed, closed=pinch.open)
    world = SameArm(mug_world, replace(franka, synergies=(reverse, pinch)))
    assert ancestor(world, nameless).synergy == "pinch"
    spread = replace(nameless, close=replace(grasp.close, preshape=[0.0], positions=[0.04]))
    assert ancestor(world, spread).synergy == "spread"


class SameArm:
    """A world whose robot has another hand."""

    def __init__(self, world, robot):
        self.robot = robot
        self.forward_kinematics = world.forward_kinematics


def test_a_start_of_another_robot_or_object_is_refused_by_name(tmp_path, block_grasps, mug_grasps):
    path = tmp_path / "grasps.json"
    write_grasps(path, [block_grasps[0], mug_grasps[0]])
    message = f"expected grasps of franka with procedural_000, got {mug_grasps[0].id} .franka, mug"
    with pytest.raises(DrGraspError, match=message):
        read_start(path, "franka", "procedural_000")
    write_grasps(path, [replace(mug_grasps[0], id=f"g{index}") for index in range(5)])
    with pytest.raises(DrGraspError, match=r"got g0 .*, g1 .*, g2 .* and 2 more$"):
        read_start(path, "franka", "procedural_000")
    write_grasps(path, [])
    with pytest.raises(DrGraspError, match="expected a grasp to start from, got none"):
        read_start(path, "franka", "mug")
    write_grasps(path, block_grasps)
    content = json.loads(path.read_text())
    del content["grasps"][1]["lift"]
    path.write_text(json.dumps(content))
    with pytest.raises(DrGraspError, match="lift: expected a value, got nothing"):
        read_start(path, "franka", "procedural_000")


def test_an_object_that_cannot_be_pinched_is_left_to_chance(franka, monkeypatch):
    def nothing_to_pinch(*args):
        raise DrGraspError("no two opposing surfaces")

    monkeypatch.setattr(methods, "AntipodalSampler", nothing_to_pinch)
    item = load_object("procedural_000")
    method = make_method(SCS)
    with BulletWorld(franka, item) as world:
        space = GenomeSpace(franka, item, settled_pose(world))
    uniform = space.random(4, np.random.default_rng([SCS.seed, 3, 0]))
    asked = method.ask(4, TouchArchive(item))
    expected = [space.decode(genome, index) for index, genome in enumerate(uniform)]
    grips = [[each.grip_in_object for each in proposals] for proposals in (asked, expected)]
    assert grips[0] == grips[1]
    with pytest.raises(DrGraspError, match="no two opposing surfaces"):
        make_method(replace(SCS, method="sampler"))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: replace(SCS, method="sampler", start=("grasp",)),
            SettingsError,
            "start: only me-scs and me-fit begin from grasps, got sampler",
        ),
        (lambda: Limits(), SettingsError, "evaluations: expected a number where there is no"),
        (lambda: Limits(0), SettingsError, "evaluations: expected at least 1, got 0"),
        (lambda: Limits(5, 0), SettingsError, "count: expected at least 1, got 0"),
        (lambda: replace(SCS, seed=-1), SettingsError, "seed: expected at least 0, got -1"),
        (
            lambda: replace(SCS, engine=Engine.MUJOCO_WARP),
            SettingsError,
            "engine: expected bullet or mujoco, which simulate one rollout at a time, got mujoco-w",
        ),
        (lambda: replace(FDR, trials=0), SettingsError, "trials: expected from 1 to 100000, got 0"),
        (
            lambda: replace(SCS, method="cma"),
            UnknownNameError,
            f"unknown method 'cma'; expected one of {', '.join(sorted(METHODS))}",
        ),
    ],
)
def test_refusals(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_count_alone_gives_up_some_time():
    assert Limits(count=3).most == 600
    assert Limits(50, 3).most == 50
