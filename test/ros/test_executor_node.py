"""The executor before a backend that makes attempts up: a real node over DDS, without physics."""

import threading
from contextlib import contextmanager

import pytest
import rclpy
from rclpy.executors import MultiThreadedExecutor

from dr_grasp.core.outcome import Outcome
from dr_grasp.errors import BackendError, DrGraspError
from dr_grasp.execution.runner import ExecutionFailedError
from dr_grasp.ros import executor_node
from dr_grasp.ros.attempt_server import AttemptServer
from dr_grasp.ros.client import DrGraspClient
from dr_grasp.ros.executor_node import ExecutorNode


class MadeUp:
    """A backend of which every attempt ends as a sample."""

    name = "made up"

    def __init__(self, samples):
        self._samples = samples
        self.busy = threading.Event()
        self.may_end = threading.Event()
        self.may_end.set()

    def attempt(self, grasp, score, *, on_begin, on_phase, is_cancelled, **options):
        name = f"attempt {options['attempt_index']} of {options['seed']}"
        if options["dry_run"]:
            return self._samples.attempt(name, grasp=grasp, score=score)
        on_begin(self._samples.attempt(name, grasp=grasp, score=score))
        self.busy.set()
        on_phase("approach")
        while not (self.may_end.wait(0.01) or is_cancelled()):
            pass
        if grasp.id == "broken":
            raise DrGraspError("the hand came off")
        return self._samples.attempt(name, grasp=grasp, score=score)

    def close(self):
        pass


@pytest.fixture
def executing(namespace, samples):
    """Runs an executor with such a backend; gives a client and the backend."""

    @contextmanager
    def run(**parameters):
        words = [word for item in parameters.items() for word in ("-p", "{}:={}".format(*item))]
        rclpy.init(args=["--ros-args", "-r", f"__ns:={namespace}", *words])
        node, other, backend = ExecutorNode(), rclpy.create_node("arm"), MadeUp(samples)
        server = AttemptServer(other, backend)
        executor = MultiThreadedExecutor(4)
        executor.add_node(node)
        executor.add_node(other)
        thread = threading.Thread(target=executor.spin, daemon=True)
        thread.start()
        try:
            with DrGraspClient(namespace) as planner:
                yield planner, backend
        finally:
            node.close()
            server.close()
            executor.shutdown(timeout_sec=5.0)
            thread.join(5.0)
            node.destroy_node()
            other.destroy_node()
            rclpy.shutdown()

    return run


def test_without_a_recorder_nothing_moves(executing, home_grasp):
    with (
        executing(recorder_s=1) as (planner, backend),
        pytest.raises(BackendError, match="nothing moved, since no recorder keeps it: "),
    ):
        planner.execute([home_grasp()], [], top=1)
    assert not backend.busy.is_set()


def test_it_may_be_told_to_keep_no_record_and_counts_attempts_of_a_seed(executing, home_grasp):
    grasps = [home_grasp(id="a"), home_grasp(id="b")]
    with executing(record="false") as (planner, _):
        first = planner.execute(grasps, [], top=2, seed=7)
        again = planner.execute(grasps, [], top=1, seed=7)
    names = [attempt.attempt_id for attempt in (*first.attempts, *again.attempts)]
    assert names == ["attempt 0 of 7", "attempt 1 of 7", "attempt 2 of 7"]


def test_a_token_is_for_the_list_that_was_shown(executing, home_grasp):
    grasps = [home_grasp(id="a"), home_grasp(id="b")]
    with executing(record="false", confirm="true") as (planner, backend):
        shown = planner.execute(grasps, [], top=2)
        assert shown.needs_confirmation and len(shown.attempts) == 2
        with pytest.raises(BackendError, match="of these 1 grasps, got one for 2"):
            planner.execute(grasps, [], top=1, confirmed=shown.token)
        with pytest.raises(BackendError, match="expected the grasp that the dry run has shown"):
            changed = [home_grasp(id=name, hold_s=0.5) for name in "ab"]
            planner.execute(changed, [], top=2, confirmed=shown.token)
        assert not backend.busy.is_set()
        shown = planner.execute(grasps, [], top=2)
        assert len(planner.execute(grasps, [], top=2, confirmed=shown.token).attempts) == 2


def test_what_was_done_before_a_failure_is_in_the_error(executing, home_grasp):
    grasps = [home_grasp(id="a"), home_grasp(id="broken"), home_grasp(id="never")]
    with (
        executing(record="false") as (planner, _),
        pytest.raises(ExecutionFailedError, match="the hand came off") as caught,
    ):
        planner.execute(grasps, [], top=3)
    outcomes = [attempt.outcome for attempt in caught.value.attempts]
    assert outcomes == [Outcome.DROPPED_HOLDING, Outcome.BACKEND_ERROR]


def test_an_error_of_the_client_s_own_callback_stops_the_arm(executing, home_grasp):
    seen = []

    def follow(progress):
        seen.append(progress)
        raise ZeroDivisionError("in the planner's window")

    with executing(record="false") as (planner, backend):
        backend.may_end.clear()
        with pytest.raises(ZeroDivisionError, match="in the planner's window"):
            planner.execute([home_grasp(id=name) for name in "abc"], [], top=3, on_progress=follow)
        assert len(seen) == 1
        # It goes on to hear of its goals.
        backend.may_end.set()
        assert planner.execute([home_grasp()], [], top=1).attempts


def test_a_goal_has_no_more_attempts_than_a_result_can_hold(executing, home_grasp, monkeypatch):
    monkeypatch.setattr(executor_node, "MOST_ATTEMPTS", 2)
    grasps = [home_grasp(id=name) for name in "abc"]
    with executing(record="false") as (planner, _):
        with pytest.raises(BackendError, match="top_k: expected at most 2 attempts, which are"):
            planner.execute(grasps, [], top=3)
        assert len(planner.execute(grasps, [], top=2).attempts) == 2


def test_a_backend_that_breaks_down_is_named(executing, home_grasp):
    with (
        executing(record="false", backend="lab_arm") as (planner, _),
        pytest.raises(BackendError, match="execute_grasps: lab_arm: the hand came off"),
    ):
        planner.execute([home_grasp(id="broken")], [], top=1)


def test_a_second_goal_is_refused_while_one_runs(executing, home_grasp, namespace):
    with executing(record="false") as (planner, backend), DrGraspClient(namespace) as other:
        backend.may_end.clear()
        stop = threading.Event()
        endings = []

        def first():
            try:
                planner.execute([home_grasp()], [], top=1, is_cancelled=stop.is_set)
            except BackendError as error:
                endings.append(str(error))

        thread = threading.Thread(target=first)
        thread.start()
        assert backend.busy.wait(30.0)
        with pytest.raises(BackendError, match="execute_grasps: the goal was refused"):
            other.execute([home_grasp()], [], top=1)
        stop.set()
        thread.join(30.0)
    assert endings == ["execute_grasps: cancelled"]
