"""What each launch file starts: which nodes with which parameters, decided without ROS.

`launching` makes launch actions of it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dr_grasp.bringup.starting import Argument, NodeStart, Start, Values
from dr_grasp.common.resources import config_names, share_directory
from dr_grasp.errors import SettingsError
from dr_grasp.recording.bag_writer import TOPICS
from dr_grasp.robots.driver import DriverStart, driver_start
from dr_grasp.robots.robot_spec import RobotSpec, load_robot, robot_names
from dr_grasp.robots.ros_description import ros_urdf

HasPackage = Callable[[str], bool]
"""Whether a ROS package is installed, by name."""

MOST_JOBS = 1024
FASTEST_RATE = 1000.0

NAMESPACE = Argument("namespace", "", "Namespace of our nodes.")
JOBS = Argument("jobs", "2", "Worker processes of the scorer.")
RVIZ = Argument("rviz", "false", "Whether to show robot and scored grasps in RViz.")


def robot_argument() -> Argument:
    """The argument that names the robot."""
    return Argument("robot", "franka", "Robot to score for and to execute on.", (*robot_names(),))


def scorer_arguments() -> tuple[Argument, ...]:
    """Of the launch file that starts the scorer alone."""
    return NAMESPACE, JOBS


def bringup_arguments() -> tuple[Argument, ...]:
    """Of the launch file that starts all."""
    twins = (*config_names("twin"),)
    return (
        robot_argument(),
        Argument("hardware", "twin", "What moves: the twin or the real arm.", ("twin", "real")),
        Argument("robot_ip", "", "Address of the real arm, for its driver."),
        Argument("driver", "true", "Whether to start the real arm's driver as well."),
        Argument(
            "backend",
            "auto",
            "What executes: MoveIt by way of the arm's controllers, or the twin by itself; auto is "
            "MoveIt where moveit_py is installed.",
            ("auto", "moveit", "twin"),
        ),
        Argument(
            "speed",
            "auto",
            "Share of the limits of velocity and acceleration that MoveIt may use, above 0 and at "
            "most 1; auto is 0.1 on a real arm and 1 on the twin.",
        ),
        Argument(
            "confirm",
            "auto",
            "Whether only goals that say `confirmed` move the arm; auto is true on a real one.",
        ),
        NAMESPACE,
        JOBS,
        Argument("record", "true", "Whether scores and attempts go into a bag."),
        Argument("bag", "", "Folder of the bag; by default one named after date and time."),
        Argument("twin_profile", "default", "Profile of config/twin that the twin plays.", twins),
        Argument(
            "real_time",
            "false",
            "Whether the twin keeps pace with the wall clock; for MoveIt it always does.",
        ),
        RVIZ,
    )


def replay_arguments() -> tuple[Argument, ...]:
    """Of the launch file that plays a bag."""
    return (
        Argument("bag", None, "Folder of the bag to play."),
        Argument("rate", "1.0", "How many times as fast as it was recorded."),
        Argument("scorer", "false", "Whether to start a scorer as well."),
        robot_argument(),
        Argument(
            "namespace",
            "replay",
            "Namespace to play into: its own, since recorded joint states beside those of an arm "
            "would mislead whoever plans. / for none.",
        ),
        JOBS,
        RVIZ,
    )


def plan_scorer(values: Values, has_package: HasPackage) -> Start:
    """The scorer alone.

    Raises:
        SettingsError: A value is wrong.
    """
    return Start(values.namespace(), (_scorer(values),))


def plan_bringup(values: Values, has_package: HasPackage) -> Start:
    """All nodes for one robot.

    Args:
        values: Of all `bringup_arguments`.
        has_package: Tells what is installed.

    Raises:
        SettingsError: A value is wrong, does not go with another one, or needs a package that is
            not installed; the message names it and says what to do.
        DrGraspError: The robot's file or model is broken.
    """
    robot = load_robot(values.text("robot"))
    real = values.text("hardware") == "real"
    moveit = _through_moveit(values, robot, real, has_package)
    record, real_time = values.flag("record"), values.flag("real_time")
    speed, wants_driver = _speed(values), values.flag("driver")
    executor = {
        "robot": robot.name,
        "backend": "moveit" if moveit else "twin",
        "confirm": real if values.text("confirm") == "auto" else values.flag("confirm"),
        "record": record,
    }
    nodes = [_scorer(values), NodeStart("executor", executor)]
    if record:
        nodes.append(NodeStart("recorder", {"bag": values.text("bag")}))
    if not real:
        twin = {"robot": robot.name, "profile": values.text("twin_profile")}
        nodes.append(NodeStart("twin", {**twin, "real_time": real_time, "controllers": moveit}))
    if moveit:
        nodes.append(NodeStart("moveit", {"robot": robot.name, "real": real, **speed}))
    driver = _driver(values, robot, has_package) if real and wants_driver else None
    notes = []
    if real and driver is None:
        notes = [f"robot {robot.name}: no driver is started here; start its controllers by hand"]
    # Drivers publish the robot's frames themselves, whoever starts them.
    has_driver = robot.hardware is not None and robot.hardware.driver is not None
    if not (real and has_driver):
        nodes += _state_publisher(robot, has_package)
    return Start(
        values.namespace(), (*nodes, *_rviz(values, robot, has_package)), (), driver, (*notes,)
    )


def plan_replay(values: Values, has_package: HasPackage) -> Start:
    """A bag, played into whatever listens.

    Raises:
        SettingsError: As of `plan_bringup`.
        DrGraspError: The robot's file or model is broken.
    """
    bag = Path(values.text("bag"))
    if not (bag / "metadata.yaml").is_file():
        raise SettingsError(f"bag: expected the folder of a recorded session, got {str(bag)!r}")
    rate = values.number("rate", 0.0, FASTEST_RATE)
    missing = [
        package for package in ("ros2bag", "rosbag2_storage_mcap") if not has_package(package)
    ]
    if missing:
        raise SettingsError(f"bag: playing one needs {_install(*missing)}")
    command = [
        "ros2",
        "bag",
        "play",
        str(bag),
        "--rate",
        f"{rate:g}",
        "--disable-keyboard-controls",
        # Listeners need a moment to be found, and to take the last messages of a short bag.
        *("--delay", "2", "--wait-for-all-acked", "5000"),
    ]
    namespace = values.namespace()
    if namespace:
        # A bag has the names that our topics have without a namespace.
        command += ["--remap", *(f"{topic.name}:=/{namespace}{topic.name}" for topic in TOPICS)]
    nodes = [_scorer(values)] if values.flag("scorer") else []
    if values.flag("rviz"):
        robot = load_robot(values.text("robot"))
        nodes += [*_state_publisher(robot, has_package), *_rviz(values, robot, has_package)]
    return Start(namespace, (*nodes,), (*command,))


def _scorer(values: Values) -> NodeStart:
    return NodeStart("scorer", {"jobs": values.whole("jobs", 1, MOST_JOBS)})


def _speed(values: Values) -> dict[str, float]:
    # Left out, the node takes what it thinks right for what moves.
    return {} if values.text("speed") == "auto" else {"speed": values.number("speed", 0.0, 1.0)}


def _through_moveit(values: Values, robot: RobotSpec, real: bool, has_package: HasPackage) -> bool:
    backend = values.text("backend")
    if real and backend == "twin":
        raise SettingsError("backend: expected moveit or auto with hardware:=real, got 'twin'")
    reason = ""
    if robot.hardware is None:
        reason = f"the sections controllers and moveit in the file of robot {robot.name}"
    elif not has_package("moveit_py"):
        reason = _install("moveit_py")
    if not reason or (backend != "moveit" and not real):
        return backend != "twin" and not reason
    asked = "hardware:=real" if real else "backend:=moveit"
    raise SettingsError(f"{asked} needs {reason}")


def _driver(values: Values, robot: RobotSpec, has_package: HasPackage) -> DriverStart | None:
    driver = driver_start(robot, values.text("robot_ip"), values.namespace())
    if driver is None:
        return None
    needed = [driver.package, *(["controller_manager"] if driver.controller else [])]
    missing = [package for package in needed if not has_package(package)]
    if missing:
        raise SettingsError(
            f"hardware:=real needs {_install(*missing)}; or start the driver of robot "
            f"{robot.name} by hand, and say driver:=false"
        )
    return driver


def _state_publisher(robot: RobotSpec, has_package: HasPackage) -> list[NodeStart]:
    package = "robot_state_publisher"
    if not has_package(package):
        return []
    return [NodeStart(package, {"robot_description": ros_urdf(robot)}, package)]


def _rviz(values: Values, robot: RobotSpec, has_package: HasPackage) -> list[NodeStart]:
    if not values.flag("rviz"):
        return []
    missing = [one for one in ("rviz2", "robot_state_publisher") if not has_package(one)]
    if missing:
        raise SettingsError(f"rviz:=true needs {_install(*missing)}")
    config = share_directory() / "config" / "rviz" / "dr_grasp.rviz"
    words = ("-d", str(config), "-f", robot.outside(robot.base_link))
    return [NodeStart("rviz2", {}, "rviz2", words)]


def _install(*packages: str) -> str:
    names = " and ".join(packages)
    debian = " ".join(f"ros-jazzy-{package.replace('_', '-')}" for package in packages)
    return f"{names}, not installed (apt install {debian}, or a workspace that has it)"
