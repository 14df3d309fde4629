"""Scoring until it is sure, and races for the best: a real node over DDS, without physics."""

import hashlib
import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import MultiThreadedExecutor, SingleThreadedExecutor
from typer.testing import CliRunner

from dr_grasp.cli import remote_scoring
from dr_grasp.cli import score as score_command
from dr_grasp.cli.main import app
from dr_grasp.core.engine import Engine
from dr_grasp.core.metric import Metric
from dr_grasp.core.outcome import LinkPair, Outcome
from dr_grasp.errors import BackendError, SettingsError
from dr_grasp.formats.grasp_file import grasp_to_dict
from dr_grasp.messages.decoding import decode_score, decode_selection
from dr_grasp.ros import requests, scorer_node
from dr_grasp.ros.client import DrGraspClient
from dr_grasp.ros.conversions import grasp_to_msg
from dr_grasp.ros.goals import RetryingActionClient, run_goal
from dr_grasp.ros.requests import call_service
from dr_grasp.scoring.blocks import Counts
from dr_grasp.scoring.request import MOST_TOP, ScoreRequest
from dr_grasp.scoring.scorer import Scorer
from dr_grasp.workers.pool import Pool
from dr_grasp_interfaces.action import ScoreGrasps as ScoreGraspsAction
from dr_grasp_interfaces.msg import CriterionTrials
from dr_grasp_interfaces.srv import ScoreGrasps as ScoreGraspsService

LIMIT_S = 60.0
WORDS = {
    "until": {"criteria": ["fdr", "mdr"], "trials": 200, "seed": 5, "until": 0.3},
    "top": {"criteria": ["fdr", "mdr"], "trials": 80, "seed": 5, "top": 3},
}
REFUSED = [
    ({"until": -0.5}, "until: expected a width between 0 and 1, got -0.5"),
    ({"until": math.nan}, "until: expected a width between 0 and 1, got nan"),
    ({"until": 1.0}, "until: expected a width between 0 and 1, got 1.0"),
    ({"until": math.inf}, "until: expected a width between 0 and 1, got inf"),
    ({"until": 0.5, "top_k": 2}, "top: expected without until"),
]


class Bernoulli(Pool):
    """Each grasp holds as often as its id says, as in "g7@0.85"; the luck is in the hash."""

    def run(self, function, work, is_cancelled):
        for block in work:
            if is_cancelled():
                yield None
                return
            time.sleep(1e-4)  # so that somebody else may be heard
            ended = Counter(map(self._outcome, [block] * block.count, range(block.count)))
            hits, links = Outcome.SELF_COLLISION, LinkPair("elbow", "hand")
            number = ended[hits]
            yield block, Counts(ended, Counter({(hits, links): number} if number else {}))

    def _outcome(self, block, number):
        luck = f"{block.seed} {block.criterion} {block.grasp.id} {block.first + number}"
        share = hashlib.blake2b(luck.encode(), digest_size=1).digest()[0] / 256
        holds = block.criterion is None or share < float(block.grasp.id.partition("@")[2])
        failure = Outcome.SELF_COLLISION if share > 0.8 else Outcome.DROPPED_LIFTING
        return Outcome.SUCCESS if holds else failure

    def close(self):
        pass

    def _workers(self):
        raise NotImplementedError

    def _submit(self, function, work):
        raise NotImplementedError


class Raw:
    """Asks as a planner would that has none of our code for it."""

    def __init__(self, node):
        self._service = node.create_client(ScoreGraspsService, "score_grasps")
        self._action = RetryingActionClient(node, ScoreGraspsAction, "score_grasps")

    def service(self, **fields):
        return call_service(self._service, ScoreGraspsService.Request(**fields), LIMIT_S)

    def action(self, **fields):
        goal, words = ScoreGraspsAction.Goal(**fields), {"connect_s": LIMIT_S, "timeout_s": LIMIT_S}
        return run_goal(
            self._action, "score_grasps", goal, is_cancelled=lambda: False, **words
        ).result


@pytest.fixture(scope="module")
def space():
    """A namespace in which a scorer runs, and a node of it that anybody may use."""
    name = f"/test_scorer_{os.getpid()}"
    rclpy.init(args=["--ros-args", "-r", f"__ns:={name}"])
    patch = pytest.MonkeyPatch()
    patch.setattr(scorer_node, "Scorer", lambda **_: Scorer(pool=Bernoulli()))
    node = scorer_node.ScorerNode()
    executor = MultiThreadedExecutor(scorer_node.THREADS)
    executor.add_node(node)
    executor.add_node(other := rclpy.create_node("raw"))
    thread = threading.Thread(target=executor.spin, daemon=True)
    thread.start()
    yield name, other
    node.close()
    executor.shutdown(timeout_sec=5.0)
    thread.join(5.0)
    other.destroy_node()
    node.destroy_node()
    rclpy.shutdown()
    patch.undo()


@pytest.fixture(scope="module")
def planner(space):
    with DrGraspClient(space[0]) as planner:
        yield planner


@pytest.fixture(scope="module")
def raw(space):
    return Raw(space[1])


@pytest.fixture(scope="module")
def grasps(home_grasp):
    shares = [0.2, 0.9, 0.5, 0.85, 0.99, 0.3, 0.7, 0.95]
    return [home_grasp(id=f"g{i}@{share}") for i, share in enumerate(shares)]


@pytest.fixture(scope="module")
def library(grasps):
    """What the library says, by the name of the request."""

    def ask(words):
        names = {"profile": "default", "until": None, "top": None, **words}
        return Scorer(pool=Bernoulli()).score(grasps, ScoreRequest.from_names(**names))

    return {name: ask(words) for name, words in WORDS.items()}


@pytest.mark.parametrize("name", WORDS)
def test_the_action_says_what_the_library_says(planner, grasps, library, name):
    told = []
    answer = planner.score(grasps, **WORDS[name], on_progress=told.append)
    assert answer.scores == library[name].scores
    assert answer.selection == library[name].selection
    assert (answer.selection is not None) == (name == "top")
    assert any(f.sequential for score in answer.scores for f in score.fitness.values())
    rollouts = sum(1 + sum(f.trials for f in s.fitness.values()) for s in answer.scores)
    assert told[-1].rollouts_done == told[-1].rollouts_total == rollouts
    assert all(progress.rollouts_done < progress.rollouts_total for progress in told[:-1])
    done = [progress.rollouts_done for progress in told]
    assert done == sorted(done)


@pytest.mark.parametrize("name", WORDS)
def test_the_service_says_what_the_library_says(raw, grasps, library, name):
    words = {**WORDS[name]}
    if "top" in words:
        words["top_k"] = words.pop("top")
    answer = raw.service(grasps=list(map(grasp_to_msg, grasps)), **words)
    assert answer.success, answer.message
    assert tuple(map(decode_score, answer.scores)) == library[name].scores
    selections = [selection for selection in (library[name].selection,) if selection is not None]
    assert list(map(decode_selection, answer.selection)) == selections


@pytest.mark.parametrize("name", WORDS)
def test_few_grasps_are_scored_by_the_service(planner, grasps, library, name):
    answer = planner.score_few(grasps, **WORDS[name])
    assert (answer.scores, answer.selection) == (library[name].scores, library[name].selection)


@pytest.mark.parametrize("way", ["score", "score_few"])
def test_diagnostics_tell_whether_it_scores(space, planner, grasps, way):
    name, node = space
    heard = []
    of_ours = f"{name}/scorer".lstrip("/")

    def listen(array):
        heard.extend(status.message for status in array.status if status.name == of_ours)

    # Never destroyed: that would end the executor, which uses it at the same time.
    node.create_subscription(DiagnosticArray, "/diagnostics", listen, 10)
    with ThreadPoolExecutor(1) as pool:
        deadline = time.monotonic() + LIMIT_S
        asked = None
        while "scoring" not in heard:
            assert time.monotonic() < deadline
            if asked is None or asked.done():
                asked = pool.submit(getattr(planner, way), grasps, criteria=["mdr"], trials=600)
            time.sleep(0.05)
        assert asked.result(LIMIT_S).scores
    heard.clear()
    while "idle" not in heard:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_calls_are_answered_while_a_goal_runs(planner, raw, grasps, library):
    """Several at the same time, of a client that waits for its goal in another thread."""
    many = [replace(grasp, id=f"{i}{grasp.id}") for i in range(25) for grasp in grasps]
    running, stop = threading.Event(), threading.Event()
    with ThreadPoolExecutor(5) as pool:
        goal = pool.submit(
            planner.score,
            many,
            trials=100_000,
            on_progress=lambda _: running.set(),
            is_cancelled=stop.is_set,
        )
        assert running.wait(LIMIT_S)
        calls = [pool.submit(planner.score_few, grasps, **WORDS["until"]) for _ in range(4)]
        answers = [call.result(LIMIT_S) for call in calls]
        assert not goal.done()
        stop.set()
        with pytest.raises(BackendError, match="score_grasps: cancelled"):
            goal.result(LIMIT_S)
    assert [answer.scores for answer in answers] == [library["until"].scores] * 4


def test_a_callback_of_another_node_may_ask(planner, grasps, namespace):
    """As a planner does that has a node of its own, which spins in one thread."""
    context = rclpy.Context()
    rclpy.init(context=context)
    own = rclpy.create_node("own", namespace=namespace, context=context)
    answers = []
    own.create_timer(
        0.01,
        lambda: answers.extend(
            (
                planner.score_few(grasps[:1], trials=1, criteria=["fdr"]),
                planner.score(grasps[:1], trials=1, criteria=["fdr"]),
            )
        ),
    )
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(own)
    deadline = time.monotonic() + LIMIT_S
    while not answers and time.monotonic() < deadline:
        executor.spin_once(timeout_sec=0.1)
    own.destroy_node()
    context.try_shutdown()
    by_service, by_action = answers[:2]
    assert by_service == by_action and len(by_action.scores) == 1


def test_a_request_is_sent_once(planner, grasps, monkeypatch):
    """However long its answer takes; it would be scored again and again."""
    monkeypatch.setattr(requests, "ASK_AGAIN_S", 0.05)
    undisturbed = []
    real = Bernoulli.run

    def slow(self, function, work, is_cancelled):
        for block, counts in real(self, function, work, is_cancelled):
            time.sleep(0.5)
            if block.criterion is None:
                undisturbed.append(block.grasp.id)
            yield block, counts

    monkeypatch.setattr(Bernoulli, "run", slow)
    (score,) = planner.score_few(grasps[:1], trials=1, criteria=["fdr"]).scores
    assert undisturbed == [score.grasp_id] == [grasps[0].id]


@pytest.mark.parametrize("way", ["score", "score_few"])
@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"profile": "nope"}, "unknown profile 'nope'"),
        ({"criteria": ["nope"]}, "unknown criterion 'nope'"),
    ],
)
def test_names_that_the_scorer_does_not_know_are_one_error(planner, grasps, way, words, message):
    with pytest.raises(BackendError, match=message) as raised:
        getattr(planner, way)(grasps, **words)
    assert str(raised.value).count("\n") == 0


@pytest.mark.parametrize("way", ["score", "score_few"])
def test_bad_grasps_are_refused_beside_the_good_ones(planner, grasps, way):
    bad = replace(grasps[0], id="bad", robot="nope")
    answer = getattr(planner, way)([grasps[1], bad], trials=1, criteria=["fdr"])
    assert [score.grasp_id for score in answer.scores] == [grasps[1].id]
    (refusal,) = answer.refused
    assert (refusal.index, refusal.grasp_id) == (1, "bad")
    assert "grasp bad: unknown robot 'nope'" in refusal.reason


@pytest.mark.parametrize("way", ["score", "score_few", "execute"])
def test_nobody_there_is_one_error_in_time(namespace, grasps, way):
    with DrGraspClient(namespace, connect_s=0.5) as client:
        call = partial(client.execute, scores=[], top=1) if way == "execute" else None
        call = call or getattr(client, way)
        name = "execute_grasps" if way == "execute" else "score_grasps"
        with pytest.raises(BackendError, match=f"{name}: no such (action|service) within 0.5 s"):
            call(grasps)


def test_a_cancel_is_heard_before_there_is_a_scorer(namespace, grasps):
    message = "score_grasps: cancelled before there was such"
    with (
        DrGraspClient(namespace, connect_s=LIMIT_S) as client,
        pytest.raises(BackendError, match=message),
    ):
        client.score(grasps, is_cancelled=lambda: True)


def test_criteria_may_have_trials_of_their_own(raw, planner, grasps):
    for own, numbers in ((("fdr", 2),), {"osdr": 4, "fdr": 2}), ((), {"osdr": 4, "fdr": 4}):
        words = {"criteria": ["osdr", "fdr"], "trials": 4}
        answer = raw.service(
            grasps=[grasp_to_msg(grasps[0])],
            own_trials=[CriterionTrials(criterion=name, trials=n) for name, n in own],
            **words,
        )
        assert answer.success, answer.message
        (score,) = planner.score(grasps[:1], own_trials=own, **words).scores
        assert score == decode_score(answer.scores[0])
        assert {c.value: fitness.trials for c, fitness in score.fitness.items()} == numbers
    twice = [CriterionTrials(criterion="fdr", trials=2)] * 2
    answer = raw.service(grasps=[grasp_to_msg(grasps[0])], own_trials=twice)
    assert not answer.success and "trials: expected fdr once, got it twice" in answer.message


def test_metrics_are_measured_if_asked_for(raw, planner, grasps):
    words = {"criteria": ["mdr"], "trials": 2, "metrics": ["engine_gap"]}
    answer = raw.service(grasps=[grasp_to_msg(grasps[0])], **words)
    assert answer.success, answer.message
    (score,) = planner.score(grasps[:1], **words).scores
    assert score == decode_score(answer.scores[0])
    assert list(score.metrics) == [Metric.ENGINE_GAP]
    answer = raw.service(grasps=[grasp_to_msg(grasps[0])], metrics=["grip"])
    assert not answer.success and "unknown metric 'grip'" in answer.message


def test_by_default_all_are_scored_by_a_fixed_number(raw, grasps):
    answer = raw.service(grasps=[grasp_to_msg(grasps[0])], criteria=["mdr"], trials=7)
    assert answer.success, answer.message
    (fitness,) = decode_score(answer.scores[0]).fitness.values()
    assert (fitness.trials, fitness.sequential, list(answer.selection)) == (7, False, [])


@pytest.mark.parametrize(("fields", "message"), REFUSED, ids=[text for _, text in REFUSED])
@pytest.mark.parametrize("way", ["service", "action"])
def test_what_makes_no_sense_is_refused_by_its_name(raw, grasps, way, fields, message):
    answer = getattr(raw, way)(grasps=[grasp_to_msg(grasps[0])], **fields)
    assert not answer.success
    assert message in answer.message and "\n" not in answer.message
    assert (list(answer.scores), list(answer.selection)) == ([], [])


def test_a_service_that_nobody_can_cancel_takes_no_large_request(raw, grasps):
    answer = raw.service(grasps=[grasp_to_msg(grasps[0])], criteria=["mdr"], trials=5000)
    assert not answer.success
    assert answer.message == (
        "trials: expected at most 5000 rollouts in all from a service, which nobody can cancel, "
        "got 5001; use the action score_grasps"
    )
    assert raw.service(grasps=[grasp_to_msg(grasps[0])], criteria=["mdr"], trials=4999).success


@pytest.mark.parametrize(
    ("words", "message"),
    [
        # In a goal, zero would stand for none, and the others would not fit.
        ({"until": 0.0}, "until: expected a width between 0 and 1, got 0.0"),
        ({"until": math.nan}, "until: expected a width between 0 and 1, got nan"),
        ({"top": 0}, "top: expected at least 1, got 0"),
        ({"top": -3}, "top: expected at least 1, got -3"),
        ({"top": MOST_TOP + 1}, "top: expected at most 4294967295, got 4294967296"),
    ],
)
def test_a_planner_refuses_what_a_goal_cannot_say(planner, grasps, words, message):
    with pytest.raises(SettingsError, match=message):
        planner.score(grasps, **words)


def test_more_than_there_are(planner, grasps):
    answer = planner.score(grasps, criteria=["fdr"], trials=1, top=MOST_TOP)
    assert answer.selection.chosen == tuple(grasp.id for grasp in grasps)


def test_cancel_ends_a_race(planner, grasps):
    many = [replace(grasp, id=f"{i}{grasp.id}") for i in range(25) for grasp in grasps]
    racing = threading.Event()
    told = []

    def watch(progress):
        told.append(progress)
        if progress.rollouts_done > len(many):  # the undisturbed rollouts are done
            racing.set()

    with pytest.raises(BackendError, match="score_grasps: cancelled"):
        planner.score(many, trials=100_000, top=25, on_progress=watch, is_cancelled=racing.is_set)
    # No score is complete before the race is over.
    assert racing.is_set() and {progress.best_grasp_id for progress in told} == {""}
    # And the node takes the next goal.
    assert planner.score(grasps[:1], trials=1, criteria=["fdr"]).scores


@pytest.fixture
def grasp_file(tmp_path, grasps):
    """With grasps that nobody can read, or score, between the others."""
    odd = replace(grasps[1], id="odd", robot="nope")
    records = [grasp_to_dict(grasp) for grasp in (grasps[0], grasps[1], odd, *grasps[2:])]
    records.insert(1, {**records[0], "id": "unread", "hold_s": -1.0})
    path = tmp_path / "grasps.json"
    head = {"schema_version": 1, "kind": "dr_grasp/grasps"}
    path.write_text(json.dumps({**head, "grasps": records}))
    return str(path)


def score(*words):
    return CliRunner().invoke(app, ["score", *words])


@pytest.mark.parametrize("name", [*WORDS, "own"])
def test_the_command_line_gets_the_file_of_a_local_run(
    space, grasp_file, tmp_path, monkeypatch, name
):
    monkeypatch.setattr(score_command, "make_pool", lambda jobs, cluster: Bernoulli())
    own = {"criteria": ["osdr", "fdr"], "trials": "4,fdr=2"}
    words = {**WORDS, "own": own}[name] | {"seed": 5}
    options = [f"--{key}={','.join(v) if key == 'criteria' else v}" for key, v in words.items()]
    runs = [
        score(grasp_file, "--out", str(tmp_path / out), *options, *more)
        for out, more in (("here", ()), ("there", ("--ros", "--namespace", space[0])))
    ]
    assert (tmp_path / "there").read_bytes() == (tmp_path / "here").read_bytes()
    here, there = runs
    assert there.stdout.replace("there", "here") == here.stdout
    assert there.stderr.replace("there", "here") == here.stderr
    assert here.exit_code == there.exit_code == 1
    assert "2 of 10 grasps refused" in there.stderr


def test_ctrl_c_cancels_the_goal_of_the_command_line(space, grasp_file, tmp_path, planner, grasps):
    timer = threading.Timer(2.0, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    out = tmp_path / "scores.json"
    words = ("--trials", "100000", "--criteria", "fdr,mdr", "--ros", "--namespace", space[0])
    done = score(grasp_file, "--out", str(out), *words)
    timer.join()
    assert (done.exit_code, out.exists()) == (130, False)
    assert done.stderr.splitlines() == ["dr-grasp: interrupted"]
    assert planner.score(grasps[:1], trials=1, criteria=["fdr"]).scores


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--jobs", "2"], "--ros: expected without --jobs: the scorer has workers of its own"),
        (["--cluster", "tcp://a:1"], "--ros: expected without --cluster: the scorer has workers"),
        (["--resume"], "--ros: expected without --resume: a goal keeps no journal"),
        (["--whole"], "--ros: expected without --whole: the scorer always leaves out"),
        (["--transfer-model", "m.json"], "--ros: expected without --transfer-model: the scorer"),
        (["--profile", "nope"], "score_grasps: unknown profile 'nope'"),
        (["--namespace", "a b"], "namespace: expected letters, digits, _ and /, no digit first"),
    ],
)
def test_the_command_line_refuses_what_makes_no_sense(space, grasp_file, tmp_path, words, message):
    out = tmp_path / "scores.json"
    done = score(grasp_file, "--out", str(out), "--ros", "--namespace", space[0], *words)
    assert (done.exit_code, out.exists()) == (1, False)
    (line,) = done.stderr.splitlines()
    assert message in line


def test_the_command_line_says_that_nobody_is_there(grasp_file, tmp_path, namespace, monkeypatch):
    impatient = partial(DrGraspClient, connect_s=0.5)
    monkeypatch.setattr(remote_scoring, "client_class", lambda option: impatient)
    done = score(grasp_file, "--out", str(tmp_path / "o"), "--ros", "--namespace", namespace)
    assert (done.exit_code, (tmp_path / "o").exists()) == (1, False)
    assert done.stderr.splitlines() == [
        "dr-grasp: score_grasps: no such action within 0.5 s; is its node running?"
    ]


@pytest.mark.parametrize("missing", ["rclpy", "dr_grasp_interfaces"])
def test_the_command_line_says_what_to_do_without_ros(grasp_file, tmp_path, missing):
    program = (
        f"import sys; sys.modules[{missing!r}] = None; from dr_grasp.cli.main import app; app()"
    )
    words = ["score", grasp_file, "--out", str(tmp_path / "o"), "--ros"]
    done = subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, check=False
    )
    (line,) = done.stderr.splitlines()
    assert done.returncode == 1
    assert line.startswith("dr-grasp: --ros: expected ROS 2, got: ") and missing in line
    assert "source /opt/ros/jazzy/setup.bash" in line


def test_our_ros_names_cost_nothing_before_they_are_used():
    program = (
        "import sys, dr_grasp.ros; assert 'rclpy' not in sys.modules; "
        "from dr_grasp.ros import DrGraspClient, ExecutionResult, ScoringResult; "
        "assert 'rclpy' in sys.modules; assert dir(dr_grasp.ros) == sorted(dr_grasp.ros.__all__)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("way", ["score", "score_few"])
def test_scores_are_of_the_engine_that_is_asked_for(planner, grasps, way):
    score = getattr(planner, way)
    for engine, made_in in ((None, Engine.MUJOCO), ("bullet", Engine.BULLET)):
        answer = score(grasps[:1], criteria=["mdr"], trials=2, engine=engine)
        assert {found.engine for found in answer.scores} == {made_in}
    message = "unknown engine 'ode'; expected one of bullet, mujoco, mujoco-warp"
    with pytest.raises(BackendError, match=message):
        score(grasps[:1], criteria=["mdr"], trials=2, engine="ode")
