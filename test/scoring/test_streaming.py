"""Any number of grasps in little memory."""

import gc
import json
from dataclasses import replace

import pytest

from dr_grasp.core.fitness import GraspScore, RefusedGrasp
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.trajectory import GraspTrajectory
from dr_grasp.formats.grasp_file import GraspReader, write_grasps
from dr_grasp.formats.score_file import ScoreFile, read_scores, write_score_stream, write_scores
from dr_grasp.robots import checking
from dr_grasp.robots.checking import check_grasp
from dr_grasp.scoring import block_queue
from dr_grasp.scoring.request import ScoreRequest
from dr_grasp.scoring.score_journal import ScoreJournal
from dr_grasp.scoring.scorer import Scorer
from dr_grasp.scoring.tally import software_version

SHARED = {"seed": 4, "profile": "default", "software_version": software_version()}


def score_file(pool, grasps, request, out):
    """What the command does, without what it prints."""
    reader = GraspReader(grasps)
    with ScoreJournal(out.with_suffix(".journal"), request, reader.sha256) as journal:
        results = Scorer(pool=pool).stream(reader, request, reader.count, journal)
        write_score_stream(out, results, **SHARED)


@pytest.fixture
def request_of_two():
    return ScoreRequest.from_names("default", ["mdr"], 2, 4)


def test_few_grasps_are_in_memory_at_a_time(
    fakes, home_grasp, tmp_path, request_of_two, monkeypatch
):
    monkeypatch.setattr(block_queue, "WINDOW", 20)
    path, sizes = tmp_path / "grasps", []
    write_grasps(path, fakes.grasps(home_grasp(), [0.5] * 100))

    def in_memory():
        return sum(isinstance(item, GraspTrajectory) for item in gc.get_objects())

    class Keepless(list):
        """Keeps no blocks, but looks at the memory now and then."""

        def append(self, block):
            if block.grasp_index % 25 == 0:
                sizes.append(in_memory() - before)

    pool = fakes.pool()
    pool.blocks = Keepless()
    gc.collect()
    before = in_memory()
    score_file(pool, path, request_of_two, tmp_path / "scores")
    assert len(read_scores(tmp_path / "scores").scores) == 100
    assert len(sizes) == 8 and max(sizes) <= 20 + 2


def test_a_slow_grasp_holds_up_no_more_than_the_window(
    fakes, home_grasp, request_of_two, monkeypatch
):
    """The first one's outcome comes last of all that can be begun before it."""
    monkeypatch.setattr(block_queue, "WINDOW", 40)

    class Stubborn(fakes.pool):
        def run(self, function, work, is_cancelled):
            held = None
            for block in work:
                if block.grasp_index == 0 and block.criterion is None:
                    held = block
                    continue
                self.blocks.append(block)
                yield block, fakes.block(block)
            if held is not None:
                assert len({one.grasp_index for one in self.blocks}) == block_queue.WINDOW
                yield held, fakes.block(held)

    grasps = fakes.grasps(home_grasp(), [0.5] * (block_queue.WINDOW + 50))
    batch = Scorer(pool=Stubborn()).score(grasps, request_of_two)
    assert [score.grasp_id for score in batch.scores] == [grasp.id for grasp in grasps]


def test_a_stream_is_written_as_all_at_once(fakes, home_grasp, tmp_path, request_of_two):
    grasps = fakes.grasps(home_grasp(), [0.5, 0.2, 1.0])
    path, streamed, at_once = (tmp_path / name for name in ("grasps", "streamed", "at_once"))
    write_grasps(path, grasps)
    content = json.loads(path.read_text())
    content["grasps"].insert(1, {"id": "bad"})
    content["grasps"].append(content["grasps"][0])
    content["grasps"].insert(2, {**content["grasps"][0], "id": "spoon@0.5", "object": "spoon"})
    lines = ",\n".join(map(json.dumps, content["grasps"]))
    path.write_text(path.read_text().partition("[\n")[0] + "[\n" + lines + "\n]\n}\n")
    score_file(fakes.pool(), path, request_of_two, streamed)
    found = read_scores(streamed)
    assert [score.grasp_id for score in found.scores] == [grasp.id for grasp in grasps]
    assert [(one.index, one.grasp_id) for one in found.refused] == [
        (1, "bad"),
        (2, "spoon@0.5"),
        (5, grasps[0].id),
    ]
    write_scores(at_once, found)
    assert streamed.read_bytes() == at_once.read_bytes()
    # The same of a file of another layout, which is read whole.
    path.write_text(json.dumps(content, indent=1))
    score_file(fakes.pool(), path, request_of_two, at_once)
    assert streamed.read_bytes() == at_once.read_bytes()


@pytest.mark.parametrize("results", [(), (RefusedGrasp(0, "a", "grasp a: no"),)])
def test_a_stream_of_no_scores(tmp_path, results):
    write_score_stream(tmp_path / "a", iter(results), **SHARED)
    write_scores(tmp_path / "b", ScoreFile((), results, **SHARED))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_selection_comes_back(fakes, home_grasp, tmp_path):
    grasps = fakes.grasps(home_grasp(), [0.5, 0.2, 1.0])
    request = ScoreRequest.from_names("default", ["mdr"], 20, 4, top=1, engine="bullet")
    batch = Scorer(pool=fakes.pool()).score(grasps, request)
    content = ScoreFile(batch.scores, (), **SHARED, selection=batch.selection)
    write_scores(tmp_path / "a", content)
    assert read_scores(tmp_path / "a") == content
    write_score_stream(tmp_path / "b", [*batch.scores, batch.selection], **SHARED)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert json.loads((tmp_path / "a").read_text())["selection"]["chosen"] == [grasps[2].id]


def test_a_race_checks_each_grasp_once_and_refuses_it_throughout(fakes, home_grasp, monkeypatch):
    grasps = fakes.grasps(home_grasp(), [0.9, 0.5, 0.2, 0.8] * 10)
    spoon = replace(grasps[5], id="spoon@0.5", object="spoon")
    entries = [RefusedGrasp(0, "bad", "grasp bad: no"), *grasps[:7], spoon, grasps[2], *grasps[7:]]
    request = ScoreRequest.from_names("default", ["mdr"], 40, 4, top=3)
    checked, told = [], []

    def check(grasp, robot):
        checked.append(grasp.id)
        check_grasp(grasp, robot)

    monkeypatch.setattr(checking, "check_grasp", check)
    scorer = Scorer(pool=fakes.pool())
    results = list(scorer.stream(entries, request, len(entries), on_progress=told.append))
    assert sorted(checked) == sorted([*(grasp.id for grasp in grasps), spoon.id])
    refused = [one for one in results if isinstance(one, RefusedGrasp)]
    assert [(one.index, one.grasp_id) for one in refused] == [
        (0, "bad"),
        (8, spoon.id),
        (9, grasps[2].id),
    ]
    assert [results[i] for i in (0, 8, 9)] == refused
    batch = Scorer(pool=fakes.pool()).score(grasps, request)
    scores = [one for one in results if isinstance(one, GraspScore)]
    assert scores == list(batch.scores) and results[-1] == batch.selection
    assert told[-1].rollouts_done == told[-1].rollouts_total


def test_a_stream_that_breaks_off_leaves_no_file(tmp_path):
    def results():
        yield GraspScore("a", Outcome.MISSED, {}, **SHARED)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_score_stream(tmp_path / "a", results(), **SHARED)
    assert list(tmp_path.iterdir()) == []
