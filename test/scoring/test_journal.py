"""The journal of scoring: a run that ended early goes on to the same end, no rollout runs twice."""

from dataclasses import replace

import pytest

from dr_grasp.core.fitness import Selection
from dr_grasp.errors import FileFormatError
from dr_grasp.scoring import score_journal as journals
from dr_grasp.scoring.request import ScoreRequest
from dr_grasp.scoring.score_journal import ScoreJournal
from dr_grasp.scoring.scorer import Scorer

SHARES = [0.9, 0.5, 0.0, 1.0, 0.7]
REQUESTS = {
    "fixed": {"trials": 12},
    "until": {"trials": 100, "until": 0.35},
    "top": {"trials": 20, "top": 2},
}


def request_of(kind, **changes):
    words = {"trials": None, **REQUESTS[kind]}
    trials = words.pop("trials")
    return replace(
        ScoreRequest.from_names("default", ["fdr", "mdr"], trials, 1, **words), **changes
    )


def run(pool, grasps, request, path, resume=True):
    """Score with a journal; the results, and None last if the pool cancelled."""
    with ScoreJournal(path, request, "abc", resume) as journal:
        return list(Scorer(pool=pool).stream(grasps, request, len(grasps), journal))


def keys(pool):
    return [(b.grasp_index, b.criterion, b.first, b.count) for b in pool.blocks]


@pytest.mark.parametrize("kind", REQUESTS)
def test_a_run_goes_on_from_wherever_it_ended(tmp_path, fakes, home_grasp, kind):
    grasps, request = fakes.grasps(home_grasp(), SHARES), request_of(kind)
    reference = list(Scorer(pool=fakes.pool()).stream(grasps, request, len(grasps)))
    for step in (4, 15):
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


def test_a_block_is_in_the_journal_before_it_is_counted(tmp_path, fakes, home_grasp):
    """So that nothing is counted that a run which goes on would have to do again."""
    grasps, request = fakes.grasps(home_grasp(), SHARES), request_of("fixed")
    pool, kept, told = fakes.pool(in_flight=1), [], []

    class Recording(ScoreJournal):
        def add(self, block, counts):
            super().add(block, counts)
            assert self.known(block) == counts
            kept.append(block.count)

    with Recording(tmp_path / "j", request, "abc") as journal:
        scorer = Scorer(pool=pool)
        for _ in scorer.stream(
            grasps, request, 5, journal, lambda progress: told.append((sum(kept), progress))
        ):
            pass
    assert all(in_journal == progress.rollouts_done for in_journal, progress in told)
    assert sum(kept) == 5 * 25 and len(told) == len(kept)


def test_without_resume_a_journal_is_replaced(tmp_path, fakes, home_grasp):
    grasps, request, path = fakes.grasps(home_grasp(), SHARES), request_of("fixed"), tmp_path / "j"
    run(fakes.pool(cancel_after=9), grasps, request, path)
    pool = fakes.pool(cancel_after=2)
    run(pool, grasps, request, path, resume=False)
    rest = fakes.pool()
    run(rest, grasps, request, path)
    assert len(rest.blocks) == 5 * 7 - 2


OTHERS = [
    ({"seed": 2}, "seed: expected 2 as asked for now, got 1"),
    ({"trials": 13}, "trials: expected 13 as asked for now, got 12"),
    ({"until": 0.5}, "until: expected 0.5 as asked for now, got None"),
    ({"top": 3}, "top: expected 3 as asked for now, got None"),
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
        ScoreJournal(path, request_of("fixed", **changes), "abc", resume=True)
    assert "\n" not in str(caught.value) and str(caught.value).startswith(f"{path}: ")
    with pytest.raises(FileFormatError, match="grasps: expected 'def' as asked for now, got 'abc'"):
        ScoreJournal(path, request_of("fixed"), "def", resume=True)
    assert path.read_bytes() == before


def test_a_model_that_has_changed_is_refused(tmp_path, fakes, home_grasp, monkeypatch):
    path, grasps = tmp_path / "j", fakes.grasps(home_grasp(), SHARES)
    run(fakes.pool(cancel_after=9), grasps, request_of("fixed"), path)
    monkeypatch.setattr(journals, "load_object", lambda name: {"name": name, "mass": 9.0})
    message = "object mug: fingerprint: expected '.*' as asked for now, got '"
    with pytest.raises(FileFormatError, match=message):
        run(fakes.pool(), grasps, request_of("fixed"), path)


def test_a_race_has_its_selection_after_a_resumption(tmp_path, fakes, home_grasp):
    grasps, request, path = fakes.grasps(home_grasp(), SHARES), request_of("top"), tmp_path / "j"
    run(fakes.pool(cancel_after=10), grasps, request, path)
    selection = run(fakes.pool(), grasps, request, path)[-1]
    assert isinstance(selection, Selection) and len(selection.chosen) == 2
    # All is known now: nothing is left to run, and the answer is the same.
    idle = fakes.pool()
    assert run(idle, grasps, request, path)[-1] == selection and idle.blocks == []


@pytest.mark.parametrize("kind", REQUESTS)
def test_progress_is_complete_at_the_end_and_not_before(tmp_path, fakes, home_grasp, kind):
    grasps, request, path = fakes.grasps(home_grasp(), SHARES), request_of(kind), tmp_path / "j"
    for cancel_after in (15, None):  # the second time, some of it is known already
        told = []
        with ScoreJournal(path, request, "abc", resume=True) as journal:
            scorer = Scorer(pool=fakes.pool(cancel_after=cancel_after))
            list(scorer.stream(grasps, request, len(grasps), journal, told.append))
        full = [one for one in told if one.rollouts_done == one.rollouts_total]
        assert full == ([] if cancel_after else told[-1:])
