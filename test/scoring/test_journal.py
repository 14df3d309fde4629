"""The journal of scoring: a run that ended early goes on to the same end, no rollout runs twice."""

import itertools
import json
from dataclasses import replace

import pytest

from dr_grasp.core.selection import Selection
from dr_grasp.errors import FileFormatError
from dr_grasp.scoring import score_journal as journals
from dr_grasp.scoring.request import ScoreRequest
from dr_grasp.scoring.score_journal import FileJournal
from dr_grasp.scoring.scorer import Scorer

SHARES = [0.9, 0.5, 0.0, 1.0, 0.7, 0.99, 0.3, 0.8]
REQUESTS = {
    "fixed": {"trials": 12},
    "until": {"trials": 400, "until": 0.25},
    "top": {"trials": 40, "top": 3},
}


def request_of(kind, **changes):
    words = {"trials": None, **REQUESTS[kind]}
    trials = words.pop("trials")
    return replace(
        ScoreRequest.from_names("default", ["fdr", "mdr"], trials, 1, **words), **changes
    )


def run(pool, grasps, request, path, resume=True):
    """Score with a journal; the results, and None last if the pool cancelled."""
    with FileJournal(path, request, "abc", resume) as journal:
        return list(Scorer(pool=pool).stream(grasps, request, len(grasps), journal))


def blocks_in(path):
    """What the journal holds of blocks."""
    records = [json.loads(line) for line in path.read_text().splitlines()[1:]]
    return [
        (one["grasp"], one["criterion"], one["first"], one["count"])
        for one in records
        if "grasp" in one
    ]


def keys(pool):
    return [(b.grasp_index, b.criterion, b.first, b.count) for b in pool.blocks]


@pytest.mark.parametrize("kind", REQUESTS)
def test_a_run_goes_on_from_wherever_it_ended(tmp_path, fakes, home_grasp, kind):
    grasps, request = fakes.grasps(home_grasp(), SHARES), request_of(kind)
    reference = list(Scorer(pool=fakes.pool()).stream(grasps, request, len(grasps)))
    for step in (1, 7, 40):
        path = tmp_path / f"{step}.journal"
        done, total, results = [], 0, [None]
        while results[-1] is None:
            pool = fakes.pool(in_flight=3, seed=total, cancel_after=step)
            results = run(pool, grasps, request, path)
            done += keys(pool)
            total += 1
        assert results == reference
        assert total > 1
        assert len(done) == len(set(done)), "a rollout was run twice"
        assert len(blocks_in(path)) == len(set(blocks_in(path)))


def test_a_journal_is_of_lines_that_are_on_disk_at_once(tmp_path, fakes, home_grasp):
    grasps, request, path = fakes.grasps(home_grasp(), SHARES), request_of("fixed"), tmp_path / "j"
    seen = []
    with FileJournal(path, request, "abc") as journal:
        for _ in Scorer(pool=fakes.pool(in_flight=1)).stream(
            grasps,
            request,
            len(grasps),
            journal,
            on_progress=lambda _: seen.append(blocks_in(path)),
        ):
            pass
        assert [len(blocks) for blocks in seen] == list(range(1, len(seen) + 1))
        header, *records = map(json.loads, path.read_text().splitlines())
        assert header["kind"] == "dr_grasp/score_journal" and header["grasps"] == "abc"
        assert [one["model"] for one in records if "model" in one] == ["robot franka", "object mug"]
        assert [one["finished"] for one in records if "finished" in one] == list(range(8))
        assert sum(sum(one["outcomes"].values()) for one in records if "grasp" in one) == 8 * 25
        journal.remove()
    assert not path.exists()


@pytest.mark.parametrize("cut", [1, 30])
def test_a_last_half_line_is_cut(tmp_path, fakes, home_grasp, cut):
    grasps, request, path = fakes.grasps(home_grasp(), SHARES), request_of("fixed"), tmp_path / "j"
    run(fakes.pool(cancel_after=9), grasps, request, path)
    path.write_bytes(path.read_bytes()[:-cut])
    pool = fakes.pool()
    assert run(pool, grasps, request, path) == run(fakes.pool(), grasps, request, tmp_path / "k")
    assert len(blocks_in(path)) == len(set(blocks_in(path))) == len(blocks_in(tmp_path / "k"))
    assert len(pool.blocks) == len(blocks_in(path)) - 8


def test_without_resume_a_journal_is_replaced(tmp_path, fakes, home_grasp):
    grasps, request, path = fakes.grasps(home_grasp(), SHARES), request_of("fixed"), tmp_path / "j"
    run(fakes.pool(cancel_after=9), grasps, request, path)
    pool = fakes.pool(cancel_after=2)
    run(pool, grasps, request, path, resume=False)
    assert len(blocks_in(path)) == 2


OTHERS = [
    ({"seed": 2}, "seed: expected 2 as asked for now, got 1"),
    ({"trials": 13}, "trials: expected 13 as asked for now, got 12"),
    ({"until": 0.5}, "until: expected 0.5 as asked for now, got None"),
    ({"top": 2}, "top: expected 2 as asked for now, got None"),
    ({"criteria": request_of("fixed").criteria[:1]}, r"criteria: expected \['fdr'\] as asked for"),
    (
        {"profile": replace(request_of("fixed").profile, description="x")},
        "profile_fingerprint: expected '",
    ),
]


@pytest.mark.parametrize(("changes", "message"), OTHERS, ids=[next(iter(c)) for c, _ in OTHERS])
def test_a_journal_of_another_run_is_refused_by_what_differs(
    tmp_path, fakes, home_grasp, changes, message
):
    path = tmp_path / "j"
    run(fakes.pool(cancel_after=9), fakes.grasps(home_grasp(), SHARES), request_of("fixed"), path)
    before = path.read_bytes()
    with pytest.raises(FileFormatError, match=message) as caught:
        FileJournal(path, request_of("fixed", **changes), "abc", resume=True)
    assert "\n" not in str(caught.value) and str(caught.value).startswith(f"{path}: ")
    with pytest.raises(FileFormatError, match="grasps: expected 'def' as asked for now, got 'abc'"):
        FileJournal(path, request_of("fixed"), "def", resume=True)
    assert path.read_bytes() == before


def test_a_model_that_has_changed_is_refused(tmp_path, fakes, home_grasp, monkeypatch):
    path = tmp_path / "j"
    run(fakes.pool(cancel_after=9), fakes.grasps(home_grasp(), SHARES), request_of("fixed"), path)
    monkeypatch.setattr(journals, "load_object", lambda name: {"name": name, "mass": 9.0})
    message = "line 3: object mug: fingerprint: expected '.*' as asked for now, got '"
    with pytest.raises(FileFormatError, match=message):
        FileJournal(path, request_of("fixed"), "abc", resume=True)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"kind": "dr_grasp/journal"}\n', "expected the journal of scoring, got something else"),
        ("[]\n", "expected the journal of scoring, got something else"),
        ("HEADER{}\n", "line 2: expected a block, a complete grasp or a model"),
        ('HEADER{"finish": 3}\n', "line 2: finish: expected no such key"),
        ('HEADER{"grasp": 0, "criterion": "mdr", "outcomes": {"bored": 1}}\n', "line 2: outcome: "),
        ("HEADERx\n{}\n", "line 2: Expecting value"),
    ],
)
def test_what_is_no_journal_is_refused(tmp_path, content, message):
    path, request = tmp_path / "j", request_of("fixed")
    FileJournal(path, request, "abc").close()
    path.write_text(content.replace("HEADER", path.read_text()))
    with pytest.raises(FileFormatError, match=message):
        FileJournal(path, request, "abc", resume=True)


def test_blocks_of_complete_grasps_are_dropped_now_and_then(
    tmp_path, fakes, home_grasp, monkeypatch
):
    monkeypatch.setattr(journals, "LARGE", 2000)
    grasps, request, path = (
        fakes.grasps(home_grasp(), SHARES * 5),
        request_of("fixed"),
        tmp_path / "j",
    )
    sizes = []
    with FileJournal(path, request, "abc") as journal:
        pool = fakes.pool(cancel_after=200)
        for _ in Scorer(pool=pool).stream(
            grasps, request, 40, journal, on_progress=lambda _: sizes.append(path.stat().st_size)
        ):
            pass
    assert any(after < before for before, after in itertools.pairwise(sizes))
    finished = [line for line in path.read_text().splitlines() if '"finished"' in line]
    assert max(sizes) < 2 * sum(map(len, finished)) + 2000 + 4000
    again = fakes.pool()
    results = run(again, grasps, request, path)
    assert results == list(Scorer(pool=fakes.pool()).stream(grasps, request, 40))
    assert len(again.blocks) + 200 == 40 * 7 and not {*keys(again)} & {*keys(pool)}


def test_a_race_has_its_selection_after_a_resumption(tmp_path, fakes, home_grasp):
    grasps, request, path = fakes.grasps(home_grasp(), SHARES), request_of("top"), tmp_path / "j"
    run(fakes.pool(cancel_after=30), grasps, request, path)
    selection = run(fakes.pool(), grasps, request, path)[-1]
    assert isinstance(selection, Selection) and len(selection.chosen) == 3
    # All is known now: nothing is left to run, and the answer is the same.
    idle = fakes.pool()
    assert run(idle, grasps, request, path)[-1] == selection and idle.blocks == []


@pytest.mark.parametrize("kind", REQUESTS)
def test_progress_is_complete_at_the_end_and_not_before(tmp_path, fakes, home_grasp, kind):
    grasps, request, path = fakes.grasps(home_grasp(), SHARES), request_of(kind), tmp_path / "j"
    for cancel_after in (30, None):  # the second time, some of it is known already
        told = []
        with FileJournal(path, request, "abc", resume=True) as journal:
            scorer = Scorer(pool=fakes.pool(cancel_after=cancel_after))
            list(scorer.stream(grasps, request, len(grasps), journal, told.append))
        full = [one for one in told if one.rollouts_done == one.rollouts_total]
        assert full == ([] if cancel_after else told[-1:])


def test_what_a_killed_run_left_of_its_journal_is_removed(tmp_path):
    left = tmp_path / ".j.12-0123abcd.tmp"
    left.write_text("half")
    FileJournal(tmp_path / "j", request_of("fixed"), "abc").close()
    assert not left.exists()
