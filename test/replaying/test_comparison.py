"""Comparing what was recorded with what comes out now."""

from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from dr_grasp.core.collisions import Collision
from dr_grasp.core.engine import Engine
from dr_grasp.core.fitness import Fitness
from dr_grasp.core.metric import Metric
from dr_grasp.core.outcome import LinkPair, Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.core.trajectory import Waypoints
from dr_grasp.errors import SettingsError
from dr_grasp.replaying import rescoring
from dr_grasp.replaying.checks import Check, Verdict, likely_reason
from dr_grasp.replaying.junit import write_junit
from dr_grasp.replaying.reexecution import compare_attempts, motion, reexecute
from dr_grasp.replaying.rescoring import compare_scores, rescore
from dr_grasp.scoring.request import ScoreBatch, ScoreRequest
from dr_grasp.scoring.scorer import Scorer
from dr_grasp.twin import engine
from dr_grasp.workers.pool import WorkerPool

LINKS = LinkPair("elbow", "hand")
MADE_OF = {"robot": "r1", "object": "o1", "profile": "p1", "engine": "e1"}
MADE_OF["processor"] = "x86_64 fma"


def verdicts(checks):
    return {check.aspect: check.verdict for check in checks}


def test_an_equal_score_is_the_same_in_every_aspect(samples):
    score = samples.score(models=MADE_OF)
    checks = list(compare_scores(score, score))
    assert set(verdicts(checks)) == {
        *("nominal outcome", "osdr", "jsdr", "fdr", "mdr", "tug", "com_distance", "failures"),
    }
    assert {check.verdict for check in checks} == {Verdict.SAME}
    assert not any(check.reason for check in checks)


def test_one_success_more_is_a_difference(samples):
    score = samples.score(models=MADE_OF)
    fitness = {**score.fitness, Criterion.MDR: Fitness(Criterion.MDR, 22, 23)}
    again = replace(score, fitness=fitness, models={**MADE_OF, "object": "o2"})
    checks = compare_scores(score, again)
    (found,) = [check for check in checks if check.verdict is Verdict.DIFFERS]
    assert (found.subject, found.aspect) == ("grasp g1", "mdr")
    assert (found.recorded, found.replayed) == ("21 of 23", "22 of 23")
    assert found.reason == "object changed: o1, now o2"


def test_metrics_are_compared_but_for_rounding(samples):
    score = samples.score(metrics={Metric.TUG: 3.5, Metric.EPSILON: 0.1})
    metrics = {Metric.TUG: 3.5 + 1e-7, Metric.EPSILON: 0.1001}
    found = {c.aspect: c for c in compare_scores(score, replace(score, metrics=metrics))}
    assert found["tug"].verdict is Verdict.SAME
    epsilon = found["epsilon"]
    assert epsilon.verdict is Verdict.DIFFERS
    assert (epsilon.recorded, epsilon.replayed) == ("0.1", "0.1001")
    lost = {c.aspect: c for c in compare_scores(score, replace(score, metrics={}))}
    assert (lost["tug"].recorded, lost["tug"].replayed) == ("3.5", "none")


def test_metrics_are_measured_again(samples, monkeypatch):
    asked = []

    def score(self, grasps, request, **named):
        asked.append(request)
        return ScoreBatch((), ())

    monkeypatch.setattr(Scorer, "score", score)
    recorded = samples.score(profile="default", metrics={Metric.ENGINE_GAP: 0.1})
    with WorkerPool(1) as pool:
        assert list(rescore([samples.attempt(score=recorded)], pool, lambda: False)) == []
    assert [request.metrics for request in asked] == [(Metric.ENGINE_GAP,)]


@pytest.mark.parametrize(
    ("change", "aspect"),
    [
        ({"nominal_outcome": Outcome.MISSED}, "nominal outcome"),
        ({"failures": {Outcome.MISSED: 5}}, "failures"),
    ],
)
def test_outcomes_count_as_well(samples, change, aspect):
    score = samples.score()
    checks = compare_scores(score, replace(score, **change))
    assert [c.aspect for c in checks if c.verdict is Verdict.DIFFERS] == [aspect]


def test_a_grasp_that_dropped_out_of_a_race_at_once_is_the_same(home_grasp, mug_grasps, samples):
    """It has no fitness; what all four would be is of no account."""
    grasp = home_grasp()  # nowhere near the mug
    request = ScoreRequest.from_names("default", ["mdr"], 1, 0, top=1)
    with WorkerPool(1) as pool:
        scores = Scorer(pool=pool).score([grasp, mug_grasps[0]], request).scores
        (score,) = [score for score in scores if score.grasp_id == grasp.id]
        assert score.nominal_outcome is Outcome.MISSED and not score.fitness
        attempt = samples.attempt(grasp=grasp, score=score)
        checks = list(rescore([attempt], pool, lambda: False))
    assert verdicts(checks) == {"nominal outcome": Verdict.SAME}


def test_a_sequential_fitness_is_compared_by_its_counts(samples):
    score = samples.score(fitness={Criterion.MDR: Fitness(Criterion.MDR, 3, 9, sequential=True)})
    again = replace(score, fitness={Criterion.MDR: Fitness(Criterion.MDR, 3, 9)})
    assert Verdict.DIFFERS not in verdicts(compare_scores(score, again)).values()


@pytest.mark.parametrize(
    ("was", "version", "expected"),
    [
        (MADE_OF, "dr_grasp 1", "nothing that the bag tells of has changed"),
        (MADE_OF, "dr_grasp 0", "another version: dr_grasp 0, now dr_grasp 1"),
        ({**MADE_OF, "profile": "p0"}, "dr_grasp 1", "profile changed: p0, now p1"),
        ({**MADE_OF, "engine": "e0"}, "dr_grasp 1", "settings of the engine changed: e0, now e1"),
        (
            {**MADE_OF, "processor": "aarch64"},
            "dr_grasp 1",
            "another processor: aarch64, now x86_64 fma",
        ),
        ({**MADE_OF, "gpu": "A"}, "dr_grasp 1", "another GPU: A, now B"),
        ({}, "dr_grasp 1", "recorded before bags said what things were made of"),
    ],
)
def test_the_likely_reason(was, version, expected):
    assert likely_reason(was, version, {**MADE_OF, "gpu": "B"}, "dr_grasp 1") == expected


def test_of_a_gpu_it_is_said_that_counts_may_differ(samples):
    score = samples.score(engine=Engine.MUJOCO_WARP, models=MADE_OF)
    again = replace(score, failures={Outcome.MISSED: 5})
    assert [check.reason for check in compare_scores(score, again) if check.reason] == [
        "nothing that the bag tells of has changed; mujoco-warp does not promise the same counts "
        "twice"
    ]


def test_each_grasp_with_its_score_is_scored_once(samples):
    """Of scores that cannot be made any more, the reason is said once for each."""
    score, other = (samples.score(seed=seed, profile="gone") for seed in (3, 4))
    grasp = samples.grasp()
    made = [
        samples.attempt("a1", grasp=grasp, score=score),
        samples.attempt("a2", grasp=grasp, score=score),
        samples.attempt("a3", grasp=grasp, score=other),
        samples.attempt("a4", grasp=grasp, score=None),
    ]
    with WorkerPool(1) as pool:
        checks = list(rescore(made, pool, lambda: False))
    assert [(check.verdict, check.replayed) for check in checks] == [
        (Verdict.DIFFERS, "refused")
    ] * 2
    assert all(check.reason.startswith("unknown profile 'gone'") for check in checks)


def test_a_score_is_made_again_in_its_engine_if_that_is_here(samples, monkeypatch):
    asked = []

    class Answers:
        def __init__(self, **words):
            pass

        def score(self, grasps, request, is_cancelled):
            asked.append(request.engine)
            return ScoreBatch((), ())

    def check(engine):
        if engine is Engine.MUJOCO_WARP:
            raise SettingsError("engine mujoco-warp: no GPU")

    monkeypatch.setattr(rescoring, "Scorer", Answers)
    monkeypatch.setattr(rescoring, "check_available", check)
    made = [samples.attempt(e.value, score=samples.score(engine=e)) for e in Engine]
    (skipped,) = rescore(made, None, lambda: False)
    assert asked == [Engine.BULLET, Engine.MUJOCO]
    assert (skipped.verdict, skipped.reason) == (Verdict.SKIPPED, "engine mujoco-warp: no GPU")


def test_a_grasp_that_no_longer_fits_its_robot_is_refused(samples):
    """The object of the sample stands beside the table."""
    with WorkerPool(1) as pool:
        (check,) = rescore([samples.attempt()], pool, lambda: False)
    assert (check.subject, check.verdict) == ("grasp g1", Verdict.DIFFERS)
    assert "object_in_base position: expected on the table" in check.reason


def test_attempts_of_twins_that_cannot_run_here_are_skipped(samples, monkeypatch):
    """An engine that is not installed, and one that only a later version has."""

    class Workers:
        def run(self, function, attempts, is_cancelled):
            return [(attempt, attempt) for attempt in attempts]

    monkeypatch.setattr(engine, "find_spec", lambda name: None if name == "sapien" else name)
    names = ["sapien", "later", "mujoco", ""]
    made = [replace(samples.attempt(f"a{name}"), backend_engine=name) for name in names]
    checks = list(reexecute(made, Workers(), lambda: False))
    assert [(check.subject, check.verdict) for check in checks] == [
        ("attempt asapien", Verdict.SKIPPED),
        ("attempt alater", Verdict.SKIPPED),
        *[("attempt amujoco", Verdict.SAME)] * 2,
        *[("attempt a", Verdict.SAME)] * 2,
    ]
    assert checks[0].reason.endswith("pip install -r requirements/twin.txt")
    assert checks[1].reason == "unknown twin engine 'later'; expected one of mujoco, sapien"


def test_an_equal_attempt_is_the_same(samples):
    attempt = samples.attempt()
    checks = list(compare_attempts(attempt, replace(attempt, attempt_id="other", stamp_ns=1)))
    assert verdicts(checks) == {"outcome": Verdict.SAME, "motion": Verdict.SAME}


def test_links_are_compared_if_the_bag_names_them(samples):
    failed = {"nominal_outcome": Outcome.SELF_COLLISION, "failures": {Outcome.SELF_COLLISION: 19}}
    hit = Outcome.SELF_COLLISION
    links = Collision(None, hit, LINKS, 1), Collision(Criterion.MDR, hit, LINKS, 19)
    new, old = (samples.score(**failed, collisions=found) for found in (links, ()))
    named = {check.aspect: check.recorded for check in compare_scores(new, new)}
    assert named["nominal outcome"] == "self_collision: elbow with hand"
    assert named["failures"] == "19 self_collision: elbow with hand (19 of 19)"
    assert {check.verdict for check in compare_scores(old, new)} == {Verdict.SAME}
    moved = replace(new, collisions=(links[0], replace(links[1], links=LinkPair("hand", "wrist"))))
    differing = [c for c in compare_scores(new, moved) if c.verdict is Verdict.DIFFERS]
    assert [check.replayed for check in differing] == [
        "19 self_collision: hand with wrist (19 of 19)"
    ]


def test_an_attempt_that_ended_otherwise_says_why(samples):
    held = samples.attempt(outcome=Outcome.SUCCESS, reason="held to the end of the hold")
    hit = replace(held, outcome=Outcome.SELF_COLLISION, reason="the robot hit itself: a with b")
    found = next(compare_attempts(held, hit))
    assert found.recorded == "success: held to the end of the hold"
    assert found.replayed == "self_collision: the robot hit itself: a with b"


def test_a_joint_that_moved_otherwise_is_named(samples):
    attempt = samples.attempt()
    measured = attempt.measured
    positions = np.array(measured.positions)
    positions[3, 2] += 1e-6
    again = replace(attempt, measured=Waypoints(measured.joints, measured.times_s, positions))
    found = [c for c in compare_attempts(attempt, again) if c.verdict is Verdict.DIFFERS]
    assert [one.aspect for one in found] == ["motion"]
    assert found[0].replayed.startswith("panda_joint3 is 1e-06 (rad or m) off at ")


def test_motions_of_other_length_or_joints_differ(samples):
    some = samples.waypoints(5)
    assert motion(some, some) == motion(None, None) == "as recorded"
    assert motion(some, None) == "moved in one of the two only"
    longer = Waypoints(
        some.joints,
        [*some.times_s, some.times_s[-1] + 1],
        [*some.positions] * 1 + [some.positions[-1]],
    )
    assert motion(some, longer) == "6 joint states, expected 5"
    later = replace(some, times_s=some.times_s + 0.25)
    assert motion(some, later) == "joint states up to 0.25 s off"
    assert motion(some, samples.waypoints(5, ("a",))).startswith("joints a, expected panda_joint1")


def test_an_attempt_that_can_no_longer_be_made_differs(samples):
    (check,) = compare_attempts(samples.attempt(), "unknown object 'mug'")
    assert (check.verdict, check.replayed) == (Verdict.DIFFERS, "refused")
    assert check.reason == "unknown object 'mug'"


def test_junit_has_a_case_for_each_check(tmp_path):
    checks = [
        Check("grasp <1>", "mdr", Verdict.SAME, "3 of 4", "3 of 4"),
        Check("grasp <1>", "fdr", Verdict.DIFFERS, "3 of 4", "2 of 4", "profile changed"),
        Check("attempt a", "outcome", Verdict.SKIPPED, "success", "", "made by moveit"),
    ]
    write_junit(tmp_path / "out.xml", "bag", checks)
    root = ElementTree.parse(tmp_path / "out.xml").getroot()
    (suite,) = root
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
    cases = [(c.get("classname"), c.get("name"), [e.tag for e in c]) for c in suite]
    assert cases == [
        ("grasp <1>", "mdr", []),
        ("grasp <1>", "fdr", ["failure"]),
        ("attempt a", "outcome", ["skipped"]),
    ]
    failure = suite[1][0]
    assert failure.get("message") == "recorded 3 of 4, now 2 of 4"
    assert failure.text == "profile changed"


def test_junit_leaves_out_what_no_xml_can_hold(tmp_path):
    bad = "".join(map(chr, (0, 7, 0x1B, 0xB, 0xD800, 0xFFFE, 0xFFFF)))
    checks = [
        Check(f"attempt {bad}[2J", f"a{bad}", Verdict.DIFFERS, f"b{bad}", f"c{bad}", f"d{bad}"),
        Check("attempt \t\U0001f600 é", "outcome", Verdict.SKIPPED, "", "", bad),
    ]
    write_junit(tmp_path / "out.xml", f"bag{bad}", checks)
    (suite,) = ElementTree.parse(tmp_path / "out.xml").getroot()
    gone = "\ufffd" * len(bad)
    assert suite.get("name") == f"bag{gone}"
    differs, skipped = suite
    assert (differs.get("classname"), differs.get("name")) == (f"attempt {gone}[2J", f"a{gone}")
    assert differs[0].get("message") == f"recorded b{gone}, now c{gone}"
    assert differs[0].text == f"d{gone}"
    assert skipped.get("classname") == "attempt \t\U0001f600 é"
    assert skipped[0].get("message") == gone
