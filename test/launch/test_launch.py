"""Launch files, started for real by `ros2 launch` and launch_pytest, where ROS brings these."""

import itertools
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

launch_pytest = pytest.importorskip(
    "launch_pytest", reason="launch_pytest is not installed; it comes with ROS 2, not with pip"
)
pytest.importorskip("launch_ros", reason="launch_ros is not installed; it comes with ROS 2")

import rclpy  # noqa: E402
from ament_index_python.packages import (  # noqa: E402
    PackageNotFoundError,
    get_package_prefix,
    get_package_share_directory,
)
from launch import LaunchDescription  # noqa: E402
from launch.actions import IncludeLaunchDescription  # noqa: E402
from launch.launch_description_sources import PythonLaunchDescriptionSource  # noqa: E402

from dr_grasp.core.outcome import Outcome  # noqa: E402
from dr_grasp.errors import BackendError  # noqa: E402
from dr_grasp.recording.bag_reader import read_bag  # noqa: E402
from dr_grasp.recording.bag_writer import BagWriter  # noqa: E402
from dr_grasp.ros.client import DrGraspClient  # noqa: E402
from dr_grasp.ros.qos import RESULTS  # noqa: E402
from dr_grasp_interfaces.msg import GraspScore  # noqa: E402

NUMBERS = itertools.count()
READY_S = 60.0
STOP_S = 40.0


def has_package(name):
    try:
        get_package_share_directory(name)
    except PackageNotFoundError:
        return False
    return True


def node_is_installed():
    try:
        return (Path(get_package_prefix("dr_grasp")) / "lib" / "dr_grasp" / "scorer").exists()
    except PackageNotFoundError:
        return False


pytestmark = pytest.mark.skipif(
    not node_is_installed(), reason="dr_grasp is not installed as a ROS package (colcon build)"
)
command_line = pytest.mark.skipif(shutil.which("ros2") is None, reason="needs ros2cli")


@pytest.fixture(scope="session", autouse=True)
def loopback_only():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
        yield


@pytest.fixture
def namespace():
    return f"test_launch_{os.getpid()}_{next(NUMBERS)}"


def included(file, **arguments):
    """A launch file of ours and what says that tests may begin."""
    path = Path(get_package_share_directory("dr_grasp")) / "launch" / f"{file}.launch.py"
    include = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(path)), launch_arguments=list(arguments.items())
    )
    return LaunchDescription([include, launch_pytest.actions.ReadyToTest()])


@launch_pytest.fixture
def twin(namespace, tmp_path):
    return included(
        "bringup", namespace=namespace, backend="twin", jobs="1", bag=str(tmp_path / "bag")
    )


@pytest.mark.launch(fixture=twin)
def test_bringup_scores_executes_and_records(twin, namespace, tmp_path, home_grasp):
    grasp = home_grasp()
    with DrGraspClient(f"/{namespace}", connect_s=READY_S) as planner:
        scored = planner.score([grasp], trials=2, criteria=["mdr"])
        assert [score.grasp_id for score in scored.scores] == ["g1"]
        (attempt,) = planner.execute([grasp], scored.scores, top=1).attempts
        assert attempt.backend == "twin"
        assert attempt.outcome is not Outcome.UNKNOWN
    yield
    # After Ctrl-C the bag is whole.
    bag = read_bag(tmp_path / "bag")
    assert [kept.attempt_id for kept in bag.attempts] == [attempt.attempt_id]
    assert [score.grasp_id for score in bag.scores] == ["g1"]


@launch_pytest.fixture
def unrecorded(namespace):
    return included("bringup", namespace=namespace, backend="twin", jobs="1", record="false")


@pytest.mark.launch(fixture=unrecorded)
def test_bringup_executes_without_a_recorder_if_told_so(unrecorded, namespace, home_grasp):
    grasp = home_grasp()
    with DrGraspClient(f"/{namespace}", connect_s=READY_S) as planner:
        scored = planner.score([grasp], trials=1, criteria=["mdr"])
        assert len(planner.execute([grasp], scored.scores, top=1).attempts) == 1


@launch_pytest.fixture
def careful(namespace, tmp_path):
    return included(
        "bringup",
        namespace=namespace,
        backend="twin",
        jobs="1",
        confirm="true",
        bag=str(tmp_path / "bag"),
    )


@pytest.mark.launch(fixture=careful)
def test_what_waits_for_confirmation_does_not_move(careful, namespace, home_grasp, tmp_path):
    grasp = home_grasp()
    with DrGraspClient(f"/{namespace}", connect_s=READY_S) as planner:
        scored = planner.score([grasp], trials=1, criteria=["mdr"])
        assert planner.execute([grasp], scored.scores, top=1).needs_confirmation
    yield
    assert not read_bag(tmp_path / "bag").attempts


@launch_pytest.fixture
def through_moveit(namespace, tmp_path):
    return included(
        "bringup", namespace=namespace, backend="moveit", jobs="1", bag=str(tmp_path / "bag")
    )


@pytest.mark.skipif(not has_package("moveit_py"), reason="moveit_py is not installed")
@pytest.mark.launch(fixture=through_moveit)
def test_bringup_executes_through_moveit(through_moveit, namespace, tmp_path, block_grasps):
    with DrGraspClient(f"/{namespace}", connect_s=READY_S) as planner:
        scored = planner.score(block_grasps[:1], trials=1, criteria=["mdr"])
        (attempt,) = planner.execute(block_grasps[:1], scored.scores, top=1).attempts
    assert attempt.backend == "moveit"
    assert attempt.measured is not None, attempt.reason
    yield
    assert [kept.attempt_id for kept in read_bag(tmp_path / "bag").attempts] == [attempt.attempt_id]


@launch_pytest.fixture
def scorer(namespace):
    return included("scorer", namespace=namespace, jobs="1")


@pytest.mark.launch(fixture=scorer)
def test_the_scorer_answers_alone(scorer, namespace, home_grasp):
    with DrGraspClient(f"/{namespace}", connect_s=READY_S) as planner:
        scored = planner.score([home_grasp()], trials=2, criteria=["osdr", "mdr"])
        assert {criterion.name.lower() for criterion in scored.scores[0].fitness} == {"osdr", "mdr"}
    with (
        DrGraspClient(f"/{namespace}", connect_s=2.0) as planner,
        pytest.raises(BackendError, match="execute_grasps"),
    ):
        planner.execute([home_grasp()], scored.scores, top=1)


def ros2_launch(*words, **options):
    return subprocess.Popen(
        ["ros2", "launch", "dr_grasp", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        **options,
    )


@command_line
@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["robot:=panda"], 'Argument "robot" provided value "panda" is not valid. Valid options'),
        (["sped:=0.1"], "unknown launch argument sped; did you mean speed?"),
        (["jobs:=0"], "jobs: expected a whole number from 1 to 1024, got '0'"),
        (["hardware:=real", "backend:=twin"], "backend: expected moveit or auto with hardware:="),
    ],
)
def test_bad_values_end_with_a_line_that_says_so(words, line):
    with ros2_launch("bringup.launch.py", *words) as process:
        said, _ = process.communicate(timeout=READY_S)
    assert process.returncode == 1
    assert line in said
    assert "Traceback" not in said
    assert "process started" not in said


@command_line
@pytest.mark.skipif(has_package("ros2bag"), reason="ros2bag is installed")
def test_replay_says_what_is_missing(tmp_path):
    (tmp_path / "metadata.yaml").touch()
    with ros2_launch("replay.launch.py", f"bag:={tmp_path}") as process:
        said, _ = process.communicate(timeout=READY_S)
    assert process.returncode == 1
    assert "bag: playing one needs ros2bag" in said and "Traceback" not in said


@command_line
@pytest.mark.skipif(not has_package("ros2bag"), reason="ros2bag is not installed")
def test_a_session_is_played_into_a_namespace(namespace, tmp_path, samples):
    with BagWriter(tmp_path / "bag") as bag:
        bag.write_scores([samples.score("g1"), samples.score("g2")], 1_763_690_000_000_000_000)
    heard = []
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node("listener", namespace=namespace, context=context)
    node.create_subscription(
        GraspScore, "scores", lambda score: heard.append(score.grasp_id), RESULTS
    )
    executor = rclpy.executors.SingleThreadedExecutor(context=context)
    executor.add_node(node)
    words = [f"bag:={tmp_path / 'bag'}", f"namespace:={namespace}", "rate:=10"]
    with ros2_launch("replay.launch.py", *words) as process:
        deadline = time.monotonic() + READY_S
        while len(heard) < 2 and time.monotonic() < deadline:
            executor.spin_once(timeout_sec=0.1)
        said, _ = process.communicate(timeout=STOP_S)
    node.destroy_node()
    context.try_shutdown()
    assert heard == ["g1", "g2"], said
    # Nothing is left to do then.
    assert process.returncode == 0


@command_line
@pytest.mark.skipif(has_package("moveit_py"), reason="moveit_py is installed")
def test_a_real_arm_without_moveit_is_refused():
    with ros2_launch("bringup.launch.py", "hardware:=real") as process:
        said, _ = process.communicate(timeout=READY_S)
    assert process.returncode == 1
    assert "hardware:=real needs moveit_py, not installed" in said


DRIVER = """
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, LogInfo, Shutdown
from launch.substitutions import LaunchConfiguration as Value


def generate_launch_description():
    return LaunchDescription([
        DeclareLaunchArgument("namespace", default_value="its own"),
        LogInfo(msg=["driver: ", Value("robot_ip"), ", ", Value("namespace"), ", ",
                     Value("hardware", default="nothing of ours")]),
        Shutdown(reason="enough"),
    ])
"""


@command_line
def test_a_driver_gets_its_arguments_and_none_of_ours(tmp_path):
    markers = tmp_path / "share" / "ament_index" / "resource_index" / "packages"
    markers.mkdir(parents=True)
    for package in ("moveit_py", "some_driver"):
        (markers / package).touch()
        (tmp_path / "share" / package / "launch").mkdir(parents=True)
    (tmp_path / "share" / "some_driver" / "launch" / "up.launch.py").write_text(DRIVER)
    (tmp_path / "robots").mkdir()
    (tmp_path / "robots" / "mine.yaml").write_text(
        "extends: ur5_schunk_sih\ndriver: {package: some_driver, launch: up.launch.py}\n"
    )
    environment = {
        **os.environ,
        "DR_GRASP_CONFIG": str(tmp_path),
        "AMENT_PREFIX_PATH": f"{tmp_path}:{os.environ['AMENT_PREFIX_PATH']}",
    }
    words = ["robot:=mine", "hardware:=real", "robot_ip:=10.0.0.7", "record:=false"]
    with ros2_launch("bringup.launch.py", *words, env=environment) as process:
        said, _ = process.communicate(timeout=READY_S + STOP_S)
    assert "driver: 10.0.0.7, its own, nothing of ours" in said


@command_line
def test_ctrl_c_ends_all_nodes(namespace, tmp_path, children_of):
    words = [f"namespace:={namespace}", "backend:=twin", "jobs:=1", f"bag:={tmp_path / 'bag'}"]
    with ros2_launch("bringup.launch.py", *words) as process:
        with DrGraspClient(f"/{namespace}", connect_s=READY_S) as planner:
            planner.score([], trials=1)
        nodes = children_of(process.pid)
        assert len(nodes) >= 4
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=STOP_S)
    assert process.returncode == 0, said
    deadline = time.monotonic() + 5.0
    while any(Path(f"/proc/{pid}").exists() for pid in nodes) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [pid for pid in nodes if Path(f"/proc/{pid}").exists()]
    assert "failed to terminate" not in said and "Traceback" not in said


@command_line
def test_where_one_node_cannot_start_all_end(namespace, tmp_path):
    (tmp_path / "bag").mkdir()
    (tmp_path / "bag" / "something").touch()
    words = [f"namespace:={namespace}", "backend:=twin", f"bag:={tmp_path / 'bag'}"]
    with ros2_launch("bringup.launch.py", *words) as process:
        said, _ = process.communicate(timeout=READY_S + STOP_S)
    assert process.returncode == 1
    assert str(tmp_path / "bag") in said
    assert "node recorder ended with status 1" in said
