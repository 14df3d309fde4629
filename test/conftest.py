"""What tests of any room share; which of them `make check` leaves out."""

import itertools
import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from dr_grasp.core.attempt import GraspAttempt, OutcomeReport
from dr_grasp.core.collisions import Collision
from dr_grasp.core.fitness import Fitness, GraspScore
from dr_grasp.core.geometry import Pose
from dr_grasp.core.metric import Metric
from dr_grasp.core.outcome import TABLE, LinkPair, Outcome
from dr_grasp.core.perturbation import Criterion
from dr_grasp.core.trajectory import GraspTrajectory, HandClose, Waypoints

# Messages check the type of each value that they are given, here and in the nodes that tests start.
# Read when a class of messages is imported, so it has to stand here.
os.environ["ROS_PYTHON_CHECK_FIELDS"] = "1"

ARM = tuple(f"panda_joint{index}" for index in range(1, 8))
HAND = ("panda_finger_joint1",)
LINKS = LinkPair("panda_hand", "panda_link5")

# Tests by hypothesis are the same wherever they run, and none depends on how fast a machine is.
settings.register_profile("repeatable", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("repeatable")

# Files and folders below test/ that `make check` leaves out; all others it runs.
STARTS_NODES = (
    "docs/test_pages.py",
    "bringup/test_demonstration.py",
    "bringup/test_processes.py",
    "launch",
    "ros/arm",
    "ros/test_attempt_path.py",
    "ros/test_calibrated_scorer.py",
    "ros/test_confirmation.py",
    "ros/test_executor_node.py",
    "ros/test_gates.py",
    "ros/test_liveliness.py",
    "ros/test_planner_example.py",
    "ros/test_policies.py",
    "ros/test_real_hardware.py",
    "ros/test_recorder_node.py",
    "ros/test_requests.py",
    "ros/test_running.py",
    "ros/test_scorer_node.py",
    "ros/test_secured.py",
    "ros/test_system.py",
    "ros/twin/test_controllers.py",
    "ros/twin/test_other_controllers.py",
    "ros/twin/test_starting.py",
)
# These simulate contacts, search, work with processes, or draw many figures.
TAKES_LONG = (
    "cli/test_cli.py",
    "cli/test_dataset.py",
    "cli/test_diagnose.py",
    "cli/test_generate.py",
    "cli/test_identify.py",
    "cli/test_import_trajectories.py",
    "cli/test_margins.py",
    "cli/test_score.py",
    "cli/test_score_resumed.py",
    "diagnosis",
    "docs/test_from_code.py",
    "docs/test_site.py",
    "generation/test_few_joints.py",
    "generation/test_sampler.py",
    "generation/test_search.py",
    "quality/test_measurement.py",
    "recording/test_killed_writer.py",
    "replaying/test_example.py",
    "report/test_in_a_browser.py",
    "report/test_report.py",
    "robots/test_fourth_robot.py",
    "scoring/test_racing_odds.py",
    "scoring/test_scorer.py",
    "simulation",
    "test_house_rules.py",
    "test_loop.py",
    "twin/test_mujoco_next.py",
    "twin/test_twin_physics.py",
    "workers",
)
LANES = {"ros": STARTS_NODES, "slow": TAKES_LONG, "soak": ("soak",)}


def pytest_collection_modifyitems(items):
    """Marks tests by the file or folder that they are in."""
    here = Path(__file__).parent
    for item in items:
        for mark, places in LANES.items():
            if any(item.path.is_relative_to(here / place) for place in places):
                item.add_marker(mark)


@pytest.fixture
def lanes():
    """Files and folders below test/ by the mark that their tests have."""
    return LANES


class Samples:
    """Makes values; what a caller names takes the place of what stands here."""

    def __init__(self):
        self._rng = np.random.default_rng(7)

    def waypoints(self, count=5, joints=ARM):
        steps_ns = self._rng.integers(1, 10**9, count)
        times = np.cumsum(steps_ns) / 1e9
        return Waypoints(joints, times, self._rng.normal(size=(count, len(joints))))

    def pose(self):
        turn = self._rng.normal(size=4)
        return Pose(self._rng.normal(size=3), turn / np.linalg.norm(turn))

    def grasp(self, name="g1", **changes):
        grasp = GraspTrajectory(
            id=name,
            robot="franka",
            object="mug",
            object_in_base=self.pose(),
            approach=self.waypoints(),
            close=HandClose(HAND, [0.04], [self._rng.uniform(0, 0.04)], 20.0 / 3.0, 0.7),
            lift=self.waypoints(3),
            hold_s=1.25,
            provenance={"method": "by hand", "größe": "1"},
        )
        return replace(grasp, **changes)

    def score(self, name="g1", **changes):
        score = GraspScore(
            grasp_id=name,
            nominal_outcome=Outcome.SUCCESS,
            fitness={c: Fitness(c, 7 * i, 23) for i, c in enumerate(Criterion)},
            failures={Outcome.DROPPED_LIFTING: 3, Outcome.MISSED: 2},
            collisions=(
                Collision(Criterion.OSDR, Outcome.SELF_COLLISION, LINKS, 2),
                Collision(Criterion.MDR, Outcome.ROBOT_HIT_TABLE, LinkPair("finger", TABLE), 1),
                Collision(Criterion.MDR, Outcome.SELF_COLLISION, LINKS, 1),
            ),
            seed=2**64 - 1,
            profile="default",
            software_version="dr_grasp 0.1.0, pybullet 3.2.7",
            whole=True,
            models={"robot": "b67413e90d76c9b8", "processor": "x86_64 fma"},
            transfer_probability=0.625,
            metrics={Metric.TUG: 3.5, Metric.COM_DISTANCE: 0.0123},
        )
        return replace(score, **changes)

    def attempt(self, name="a1", **changes):
        attempt = GraspAttempt(
            attempt_id=name,
            stamp_ns=1_763_690_000_123_456_789,
            backend="twin",
            seed=2**63 + 1,
            attempt_index=4,
            grasp=self.grasp(),
            score=self.score(),
            outcome=Outcome.DROPPED_HOLDING,
            reason="it fell",
            commanded=self.waypoints(6, ARM + HAND),
            measured=self.waypoints(9, ARM + HAND),
            gripper_opening=0.0123,
            object_before=self.pose(),
            object_after=self.pose(),
            backend_profile="default",
            models={"twin": "0123456789abcdef"},
            software_version="dr_grasp 0.3.0, mujoco 3.17.0",
            backend_engine="mujoco",
        )
        return replace(attempt, **changes)

    def report(self, name="a1", **changes):
        report = OutcomeReport(
            attempt_id=name,
            stamp_ns=1_763_690_009_000_000_001,
            outcome=Outcome.SUCCESS,
            reason="I saw it held",
            reporter="Ada",
        )
        return replace(report, **changes)


@pytest.fixture(scope="session", autouse=True)
def own_configuration(tmp_path_factory):
    """No test reads the configuration of whoever runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DR_GRASP_CONFIG", str(tmp_path_factory.mktemp("config") / "own"))
        yield


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_is_heard():
    """As in a terminal: the background jobs of a script ignore Ctrl-C, and so would theirs."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def samples():
    return Samples()


@pytest.fixture(scope="session")
def franka():
    from dr_grasp.robots.robot_spec import load_robot

    return load_robot("franka")


@pytest.fixture(scope="session")
def home_grasp(franka):
    """Makes grasps that any test may break in one place: from home, a little down, and up."""

    def make(**changes):
        home = franka.home
        below = home + np.array([0, 0.1, 0, 0, 0, 0, 0])
        grasp = GraspTrajectory(
            id="g1",
            robot="franka",
            object="mug",
            object_in_base=Pose([0.5, 0.0, 0.0], [0, 0, 0, 1]),
            approach=Waypoints(franka.arm_joints, [0.0, 0.5], [home, below]),
            close=HandClose(franka.hand_joints, franka.hand_open, franka.hand_closed, 30.0, 0.25),
            lift=Waypoints(franka.arm_joints, [0.0, 0.5], [below, home]),
            hold_s=0.25,
        )
        return replace(grasp, **changes)

    return make


@pytest.fixture(scope="session")
def mug_grasps():
    from dr_grasp.generation.sampler import generate

    return generate("franka", "mug", 3, 0)


@pytest.fixture(scope="session")
def block_grasps():
    from dr_grasp.generation.sampler import generate

    return generate("franka", "procedural_000", 3, 0)


@pytest.fixture(scope="session")
def contrary_model():
    """A transfer model that has it the wrong way round: whoever ranks by MDR is found out."""
    from dr_grasp.transfer.transfer_model import Loss, Training, TransferModel

    return TransferModel(
        intercept=0.5,
        coefficients={Criterion.MDR: -2.0},
        ranges={Criterion.MDR: (-9.0, 9.0)},
        robots={"franka": 0.0},
        steps=None,
        strength=0.1,
        training=Training(
            attempts=40,
            held=30,
            grasps=20,
            objects=("box",),
            backends={"twin": 40},
            profiles=("default",),
            folds=2,
            folds_by="grasp",
            model=Loss(0.1, 0.3),
            constant=Loss(0.2, 0.6),
            mdr=None,
        ),
        software_version="dr_grasp",
    )


@pytest.fixture(scope="session")
def shortened():
    """Takes from a grasp its way from home and most of its hold: half the steps to simulate."""

    def shorten(grasp):
        times = grasp.approach.times_s
        near = times >= times[-1] - 1.2
        approach = replace(
            grasp.approach,
            times_s=times[near] - times[near][0],
            positions=grasp.approach.positions[near],
        )
        return replace(grasp, approach=approach, hold_s=0.25)

    return shorten


@pytest.fixture(scope="session")
def mug_world(franka):
    from dr_grasp.objects.object_spec import load_object
    from dr_grasp.simulation.bullet.world import BulletWorld

    with BulletWorld(franka, load_object("mug")) as world:
        yield world


@pytest.fixture(scope="session")
def children_of():
    """Finds the child processes of a process."""

    def children_of(pid):
        """Ids of those that live."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # it ended meanwhile
                continue
            if int(fields[1]) == pid and fields[0] != "Z":
                found.append(int(entry.name))
        return found

    return children_of


@pytest.fixture
def configuration(tmp_path, monkeypatch):
    """A copy of config/ that a test may change; the place where settings are read from."""
    import shutil

    from dr_grasp.common import resources

    copy = tmp_path / "share" / "config"
    shutil.copytree(resources.share_directory() / "config", copy)
    monkeypatch.setattr(resources, "share_directory", lambda: copy.parent)
    return copy


@pytest.fixture(scope="session", autouse=True)
def loopback_only():
    """No test's nodes are seen by, or see, those of other machines."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
        yield


@pytest.fixture(scope="session")
def new_namespace():
    """Makes ROS namespaces that nobody else uses."""
    numbers = itertools.count()
    return lambda: f"/test_{os.getpid()}_{next(numbers)}"


@pytest.fixture
def namespace(new_namespace):
    return new_namespace()
