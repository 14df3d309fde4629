"""The four nodes together, over DDS: scoring, execution, recording, cancelling and bad input."""

import dataclasses
import math
import os
import signal
import threading
import time
from pathlib import Path

import pytest
import rclpy
from action_msgs.msg import GoalStatus, GoalStatusArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import qos_profile_action_status_default
from sensor_msgs.msg import JointState

from dr_grasp.bringup.processes import NodeProcesses
from dr_grasp.core.outcome import Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.core.ranking import rank
from dr_grasp.errors import BackendError
from dr_grasp.recording.bag_reader import read_bag
from dr_grasp.ros.client import DrGraspClient
from dr_grasp.ros.conversions import grasp_to_msg
from dr_grasp.scoring.request import ScoreRequest
from dr_grasp.scoring.scorer import Scorer
from dr_grasp_interfaces.srv import ScoreGrasps

TRIALS = 2
LIMIT_S = 60.0


@pytest.fixture(scope="module")
def library_scores(block_grasps):
    with Scorer(1) as scorer:
        request = ScoreRequest.from_names("default", [], TRIALS, 5)
        return scorer.score(block_grasps, request).scores


@pytest.fixture(scope="module")
def slow_grasps(block_grasps):
    """Grasps whose approach takes half a minute: still moving, however busy the machine is."""

    def slow_down(grasp):
        times = grasp.approach.times_s * (30.0 / grasp.approach.duration_s)
        return dataclasses.replace(
            grasp, approach=dataclasses.replace(grasp.approach, times_s=times)
        )

    return [slow_down(grasp) for grasp in block_grasps]


def call_service(system, request):
    """Call the scoring service as a planner without our client code would."""
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node("caller", namespace=system.namespace, context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    try:
        client = node.create_client(ScoreGrasps, "score_grasps")
        assert client.wait_for_service(LIMIT_S)
        # DDS may lose the answer to a question that comes before it has found all ends.
        asked = []
        while not any(future.done() for future in asked):
            assert len(asked) < 4
            asked.append(client.call_async(request))
            executor.spin_until_future_complete(asked[-1], timeout_sec=LIMIT_S / 4)
        return next(future.result() for future in asked if future.done())
    finally:
        node.destroy_node()
        rclpy.shutdown(context=context)


def wait_until(condition):
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def descendants(pid):
    """Process numbers of all children of a process, and theirs."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += [int(child), *descendants(int(child))]
    return found


def workers(pid):
    """Process numbers of the scorer's workers."""
    return [
        child
        for child in descendants(pid)
        if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


def test_the_action_gives_the_scores_of_the_library(system, block_grasps, library_scores):
    seen = []
    answer = system.planner.score(block_grasps, trials=TRIALS, seed=5, on_progress=seen.append)
    assert answer.scores == library_scores
    assert answer.refused == ()
    total = len(block_grasps) * (1 + 4 * TRIALS)
    assert seen[-1].rollouts_done == seen[-1].rollouts_total == total
    assert seen[-1].best_grasp_id == rank(library_scores)[0].grasp_id
    done = [progress.rollouts_done for progress in seen]
    assert done == sorted(done)


def test_the_service_gives_the_scores_of_the_library(system, block_grasps, library_scores):
    request = ScoreGrasps.Request(
        grasps=[grasp_to_msg(block_grasps[1])], criteria=["mdr"], trials=TRIALS, seed=5
    )
    answer = call_service(system, request)
    assert answer.success, answer.message
    (score,) = answer.scores
    expected = library_scores[1].fitness[Criterion.MDR]
    (fitness,) = score.fitness
    assert (fitness.criterion, fitness.successes, fitness.trials) == (
        "mdr",
        expected.successes,
        expected.trials,
    )
    assert (fitness.low, fitness.high) == pytest.approx(expected.interval)


def broken(grasp, name, change):
    message = grasp_to_msg(grasp)
    message.id = name
    change(message)
    return message


def set_nan(message):
    message.approach.points[1].positions[2] = math.nan


def name_wrong_joint(message):
    message.lift.joint_names[0] = "elbow"


def repeat_joint(message):
    message.approach.joint_names[1] = message.approach.joint_names[0]


def go_back_in_time(message):
    message.approach.points[2].time_from_start.sec = 0
    message.approach.points[2].time_from_start.nanosec = 0


def exceed_limit(message):
    message.lift.points[-1].positions[3] = 0.5


def name_unknown_object(message):
    message.object = "teapot"


def name_unknown_robot(message):
    message.robot = "c3po"


BROKEN = {
    "nan": (set_nan, ["approach positions", "finite"]),
    "wrong": (name_wrong_joint, ["lift joints", "elbow"]),
    "twice": (repeat_joint, ["approach", "panda_joint1 twice"]),
    "back": (go_back_in_time, ["approach times", "increasing"]),
    "limit": (exceed_limit, ["lift positions", "panda_joint4 within [-3.0718, -0.0698], got 0.5"]),
    "object": (name_unknown_object, ["unknown object 'teapot'"]),
    "robot": (name_unknown_robot, ["unknown robot 'c3po'"]),
}


def test_broken_grasps_are_refused_by_name_and_the_others_scored(system, block_grasps):
    grasp = block_grasps[0]
    messages = [broken(grasp, name, change) for name, (change, _) in BROKEN.items()]
    request = ScoreGrasps.Request(
        grasps=[*messages, grasp_to_msg(grasp)], criteria=["fdr"], trials=1
    )
    answer = call_service(system, request)
    assert answer.success, answer.message
    assert [score.grasp_id for score in answer.scores] == [grasp.id]
    assert [refusal.index for refusal in answer.refused] == list(range(len(BROKEN)))
    for refusal, (name, (_, words)) in zip(answer.refused, BROKEN.items(), strict=True):
        assert refusal.grasp_id == name
        assert "\n" not in refusal.reason
        for word in [f"grasp {name}", *words]:
            assert word in refusal.reason


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"trials": 0}, "trials: expected at least 1, got 0"),
        ({"profile": "wishful"}, "unknown profile 'wishful'; expected one of default"),
        ({"criteria": ["xyz"]}, "unknown criterion 'xyz'; expected one of fdr, jsdr, mdr, osdr"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_as_a_whole(system, block_grasps, changes, words):
    request = ScoreGrasps.Request(grasps=[grasp_to_msg(block_grasps[0])], **changes)
    answer = call_service(system, request)
    assert not answer.success
    assert words in answer.message
    with pytest.raises(BackendError, match=words):
        system.planner.score(block_grasps[:1], **changes)


def test_cancel_stops_scoring(system, block_grasps):
    started = threading.Event()
    with pytest.raises(BackendError, match="cancelled"):
        system.planner.score(
            block_grasps,
            trials=1000,  # for an hour, if nobody heard
            on_progress=lambda progress: started.set(),
            is_cancelled=started.is_set,
        )
    # And the node takes the next goal.
    assert system.planner.score(block_grasps[:1], trials=1, criteria=["fdr"]).scores


def test_a_killed_worker_changes_nothing(system, block_grasps, library_scores):
    killed = []

    def kill(progress):
        if not killed and progress.rollouts_done > 0:
            killed.append(workers(system.nodes.pid("scorer"))[0])
            os.kill(killed[0], signal.SIGKILL)

    answer = system.planner.score(
        block_grasps, trials=TRIALS, seed=5, criteria=["mdr"], on_progress=kill
    )
    assert killed
    expected = [score.fitness[Criterion.MDR] for score in library_scores]
    assert [score.fitness[Criterion.MDR] for score in answer.scores] == expected


def test_executed_attempts_are_in_the_bag_with_both_words(system, block_grasps):
    scores = system.planner.score(block_grasps, trials=1, criteria=["mdr"]).scores
    phases = []
    joint_states = []
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node("watcher", namespace=system.namespace, context=context)
    node.create_subscription(JointState, "joint_states", joint_states.append, 1000)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    thread = threading.Thread(target=executor.spin, daemon=True)
    thread.start()
    wait_until(lambda: node.count_publishers("joint_states") > 0)
    answer = system.planner.execute(block_grasps, scores, top=2, seed=3, on_progress=phases.append)
    best = [score.grasp_id for score in rank(scores)][:2]
    assert [attempt.grasp.id for attempt in answer.attempts] == best
    first = [progress.phase for progress in phases if progress.number == 1]
    assert first[0] == "prepare"
    assert first[-1] == "record"
    # Some may get lost on a busy machine.
    assert len({"approach", "close", "lift"} & {progress.phase for progress in phases}) >= 2

    attempt = answer.attempts[0]
    system.planner.record_outcome(attempt.attempt_id, Outcome.FAILED, "it wobbled", "Ada")
    with pytest.raises(BackendError, match="nobody"):
        system.planner.record_outcome("nobody", Outcome.SUCCESS)
    content = read_bag(system.bag)
    recorded = {kept.attempt_id: kept for kept in content.attempts}
    for made in answer.attempts:
        assert recorded[made.attempt_id].outcome is made.outcome
        assert recorded[made.attempt_id].measured == made.measured
        assert recorded[made.attempt_id].score == made.score
    (report,) = [report for report in content.reports if report.attempt_id == attempt.attempt_id]
    assert (report.outcome, report.reporter) == (Outcome.FAILED, "Ada")
    assert all(score in content.scores for score in scores)

    wait_until(lambda: joint_states)
    executor.shutdown()
    thread.join(5.0)
    node.destroy_node()
    rclpy.shutdown(context=context)
    assert set(joint_states[0].name) >= set(block_grasps[0].approach.joints)


def test_a_dry_run_moves_and_records_nothing(system, block_grasps, library_scores):
    before = len(read_bag(system.bag).attempts)
    answer = system.planner.execute(block_grasps, library_scores, top=1, dry_run=True)
    (attempt,) = answer.attempts
    assert attempt.outcome is Outcome.UNKNOWN
    assert attempt.measured is None
    assert len(read_bag(system.bag).attempts) == before


def test_the_executor_refuses_what_its_arm_cannot_do(system, block_grasps, library_scores):
    waypoints = block_grasps[0].lift
    positions = waypoints.positions.copy()
    positions[-1, 3] = 0.5
    bad = dataclasses.replace(
        block_grasps[0], id="bad", lift=dataclasses.replace(waypoints, positions=positions)
    )
    answer = system.planner.execute([bad, *block_grasps], library_scores, top=1, dry_run=True)
    (refusal,) = answer.refused
    assert (refusal.index, refusal.grasp_id) == (0, "bad")
    assert "grasp bad: lift positions: expected panda_joint4" in refusal.reason
    with pytest.raises(BackendError, match="top: expected at least 1, got 0"):
        system.planner.execute(block_grasps, library_scores, top=0)


def test_every_goal_meets_an_error_of_its_own_and_needs_no_confirmation(system, block_grasps):
    answers = [system.planner.execute(block_grasps[:1], [], top=1, seed=11) for _ in range(2)]
    assert not any(answer.needs_confirmation for answer in answers)
    first, second = [tuple(answer.attempts[0].object_before.position) for answer in answers]
    assert first != second


def test_the_scorer_refuses_a_third_goal_and_still_hears_cancels(system, block_grasps, node):
    stop = threading.Event()
    endings, active = [], []

    def hear(message):
        going_on = (GoalStatus.STATUS_ACCEPTED, GoalStatus.STATUS_EXECUTING)
        active[:] = [status for status in message.status_list if status.status in going_on]

    topic = f"{system.namespace}/score_grasps/_action/status"
    node.create_subscription(GoalStatusArray, topic, hear, qos_profile_action_status_default)

    def ask(planner):
        try:
            planner.score(block_grasps, trials=1000, is_cancelled=stop.is_set)
        except BackendError as error:
            endings.append(str(error))

    with DrGraspClient(system.namespace) as second, DrGraspClient(system.namespace) as third:
        asking = []
        for number, planner in enumerate((system.planner, second), start=1):
            asking.append(threading.Thread(target=ask, args=[planner]))
            asking[-1].start()
            wait_until(lambda number=number: len(active) == number)
        deadline = time.monotonic() + LIMIT_S
        with pytest.raises(BackendError, match="the goal was refused"):
            third.score(block_grasps, trials=1, is_cancelled=lambda: time.monotonic() > deadline)
        stop.set()
        for thread in asking:
            thread.join(LIMIT_S)
    assert endings == ["score_grasps: cancelled"] * 2
    assert system.planner.score(block_grasps[:1], trials=1, criteria=["fdr"]).scores


def test_a_signal_to_the_scorer_ends_its_goal_with_an_answer(namespace, tmp_path, block_grasps):
    with (
        NodeProcesses({"scorer": {"jobs": 1}}, namespace, tmp_path / "logs") as nodes,
        DrGraspClient(namespace) as planner,
    ):
        scorer = nodes.pid("scorer")
        children = []

        def stop(progress):
            if not children:
                children.extend(descendants(scorer))
                os.kill(scorer, signal.SIGTERM)

        with pytest.raises(BackendError, match="cancelled"):
            planner.score(block_grasps, trials=1000, on_progress=stop)
        assert children
        wait_until(lambda: not any(Path(f"/proc/{child}").exists() for child in children))
    assert "Traceback" not in (tmp_path / "logs" / "scorer.log").read_text()


def test_a_bad_parameter_is_one_line(namespace, tmp_path):
    with NodeProcesses({"scorer": {"jobs": 0}}, namespace, tmp_path / "logs") as nodes:
        wait_until(lambda: ended(nodes))
    (line,) = (tmp_path / "logs" / "scorer.log").read_text().strip().splitlines()
    assert "parameter jobs" in line


def ended(nodes):
    try:
        nodes.check()
    except BackendError:
        return True
    return False


def test_cancel_and_kills_in_the_middle_of_an_attempt(namespace, tmp_path, slow_grasps):
    """Cancel stops the arm; a killed twin is noticed; a killed recorder keeps what was reported."""
    commands = {
        "executor": {"connect_s": 60},
        "recorder": {"bag": str(tmp_path / "bag")},
        "twin": {"real_time": True, "recorder_s": 60},
    }
    with (
        NodeProcesses(commands, namespace, tmp_path / "logs") as nodes,
        DrGraspClient(namespace) as planner,
    ):
        moving = threading.Event()

        def watch(progress):
            # DDS may lose a feedback on a busy machine, so any will do; by then the arm moves.
            threading.Timer(1.0 if progress.phase == "approach" else 8.0, moving.set).start()

        with pytest.raises(BackendError, match="cancelled"):
            planner.execute(slow_grasps, [], top=2, on_progress=watch, is_cancelled=moving.is_set)
        (attempt,) = read_bag(tmp_path / "bag").attempts
        assert attempt.outcome is Outcome.CANCELLED
        assert attempt.measured.duration_s < slow_grasps[0].duration_s / 2

        timers = []

        def kill(progress):
            if not timers:
                timers.append(threading.Timer(2.0, os.kill, (nodes.pid("twin"), signal.SIGKILL)))
                timers[0].start()

        with pytest.raises(BackendError, match="the server vanished"):
            planner.execute(slow_grasps, [], top=1, on_progress=kill)

        os.kill(nodes.pid("recorder"), signal.SIGKILL)
        (kept,) = read_bag(tmp_path / "bag").attempts
        assert kept.attempt_id == attempt.attempt_id


@pytest.mark.parametrize("told", [("executor",), ("recorder", "twin", "executor")])
def test_a_signal_to_nodes_stops_the_arm_and_keeps_the_attempt(
    namespace, tmp_path, slow_grasps, told, monkeypatch
):
    """To one node, or to all at the same time, as by Ctrl-C in the terminal of a launch."""
    monkeypatch.chdir(tmp_path)
    commands = {
        "executor": {"connect_s": 60},
        "recorder": {"bag": str(tmp_path / "bag")},
        "twin": {"real_time": True, "recorder_s": 60},
    }
    with (
        NodeProcesses(commands, namespace, tmp_path / "logs") as nodes,
        DrGraspClient(namespace) as planner,
    ):

        def stop(progress):
            if progress.phase == "approach":
                for name in told:
                    os.kill(nodes.pid(name), signal.SIGINT)

        with pytest.raises(BackendError, match=r"cancelled|vanished"):
            planner.execute(slow_grasps, [], top=2, on_progress=stop)
    (attempt,) = read_bag(tmp_path / "bag").attempts
    assert attempt.outcome is Outcome.CANCELLED
    assert attempt.measured.duration_s < slow_grasps[0].duration_s / 2
    assert not list(tmp_path.glob("dr_grasp_unrecorded_*"))
    assert "Traceback" not in (tmp_path / "logs" / "executor.log").read_text()
