"""Plans what each launch file starts, nodes and their parameters, without any import of ROS.

`launching` turns the plans into launch actions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dr_grasp.bringup.arguments import BringupArguments, ReplayArguments, ScorerArguments
from dr_grasp.bringup.display import frames_publisher, rviz, with_frame_prefix
from dr_grasp.bringup.node_start import HasPackage, NodeStart, missing_packages
from dr_grasp.bringup.security import check_keystore, enclave, environment
from dr_grasp.errors import SettingsError
from dr_grasp.recording.bag_files import storage_files
from dr_grasp.recording.bag_writer import TOPICS
from dr_grasp.robots.driver import DriverStart, driver_start
from dr_grasp.robots.robot_spec import RobotSpec, load_robot


@dataclass(frozen=True, slots=True)
class Start:
    """Everything that one launch starts.

    Attributes:
        namespace: ROS namespace of the nodes, without slashes at its ends.
        nodes: The nodes to start.
        command: Words of the command line of another program to start; empty for no program.
        driver: The driver that starts the controllers of a real arm; None for no driver.
        notes: Notes for the user, one line each.
    """

    namespace: str
    nodes: tuple[NodeStart, ...]
    command: tuple[str, ...] = ()
    driver: DriverStart | None = None
    notes: tuple[str, ...] = ()


def plan_scorer(arguments: ScorerArguments, has_package: HasPackage) -> Start:
    """Plan to start the scorer alone.

    Raises:
        SettingsError: The keystore lacks something; the message says how to make it.
    """
    nodes = [_scorer(arguments)]
    return Start(arguments.namespace, _secured(nodes, arguments, ""))


def plan_bringup(arguments: BringupArguments, has_package: HasPackage) -> Start:
    """Plan to start all nodes for one robot.

    Args:
        arguments: Arguments of the launch file.
        has_package: Returns whether a ROS package is installed.

    Raises:
        SettingsError: Two values do not fit together, or a value needs a package that is not
            installed; the message names it and says what to do.
        DrGraspError: The robot's file or model is broken.
    """
    robot = load_robot(arguments.robot)
    real = arguments.hardware == "real"
    moveit = _through_moveit(arguments, robot, has_package)
    executor = {
        "robot": robot.name,
        "backend": "moveit" if moveit else "twin",
        "confirm": real if arguments.confirm is None else arguments.confirm,
    }
    # The gates are where the motion is: in the node that moves the arm.
    gates = {"confirm": executor["confirm"], "record": arguments.record}
    nodes = [_scorer(arguments), NodeStart("executor", executor)]
    if arguments.record:
        nodes.append(NodeStart("recorder", {"bag": arguments.bag}))
    if not real:
        twin = {
            "robot": robot.name,
            "profile": arguments.twin_profile,
            "real_time": arguments.real_time,
            "controllers": moveit,
            **({} if moveit else gates),
        }
        nodes.append(NodeStart("twin", twin))
    if moveit:
        # Without this parameter, the node has a default speed for a real arm or for the twin.
        speed = {} if arguments.speed is None else {"speed": arguments.speed}
        nodes.append(NodeStart("moveit", {"robot": robot.name, "real": real, **gates, **speed}))
    driver = _driver(arguments, robot, has_package) if real and arguments.driver else None
    notes = _without_effect(arguments, real, moveit)
    if real and driver is None:
        notes += [f"robot {robot.name}: no driver is started here; start its controllers by hand"]
    # A driver publishes the robot's frames itself, even if it was started by hand.
    has_driver = robot.hardware is not None and robot.hardware.driver is not None
    if not (real and has_driver):
        nodes += frames_publisher(robot, arguments.frame_prefix, has_package)
    elif arguments.frame_prefix:
        notes += [
            f"frame_prefix: the driver of robot {robot.name} publishes the frames; it must put "
            f"{arguments.frame_prefix} before their names, too"
        ]
    if arguments.rviz:
        nodes.append(rviz(robot, arguments.frame_prefix, has_package))
    if arguments.security and driver is not None:
        raise SettingsError(
            f"security: the driver of robot {robot.name} cannot be started secured from here; "
            "start it by hand in the enclave of the driver, and say driver:=false"
        )
    secured = _secured(nodes, arguments, f"--robot {robot.name} ")
    return Start(arguments.namespace, secured, (), driver, (*notes,))


def plan_replay(arguments: ReplayArguments, has_package: HasPackage) -> Start:
    """Plan to play a bag back on its topics.

    Args:
        arguments: Arguments of the launch file.
        has_package: Returns whether a ROS package is installed.

    Raises:
        SettingsError: There is no bag, or a package is not installed; the message says what to do.
        DrGraspError: The robot's file or model is broken.
    """
    bag = Path(arguments.bag)
    if not (bag / "metadata.yaml").is_file():
        # ros2 bag plays only bags with metadata.yaml, and can write one for files without.
        has_files = bag.is_dir() and bool(storage_files(bag))
        remedy = f"; run ros2 bag reindex {bag} first" if has_files else ""
        raise SettingsError(
            f"bag: expected the folder of a recorded session, got {str(bag)!r}{remedy}"
        )
    missing = missing_packages(has_package, "ros2bag", "rosbag2_storage_mcap")
    if missing:
        raise SettingsError(f"bag: playing one needs {missing}")
    command = [
        "ros2",
        "bag",
        "play",
        str(bag),
        "--rate",
        f"{arguments.rate:g}",
        "--disable-keyboard-controls",
        # Subscribers need time to be discovered, and to receive the last messages of a short bag.
        *("--delay", "2", "--wait-for-all-acked", "5000"),
    ]
    if arguments.namespace:
        # The bag contains the names of the topics without a namespace.
        command += [
            "--remap",
            *(f"{topic.name}:=/{arguments.namespace}{topic.name}" for topic in TOPICS),
        ]
    nodes = [_scorer(arguments)] if arguments.scorer else []
    if arguments.rviz:
        robot = load_robot(arguments.robot)
        prefix = arguments.frame_prefix
        nodes += [
            *frames_publisher(robot, prefix, has_package),
            rviz(robot, prefix, has_package),
        ]
    return Start(arguments.namespace, (*nodes,), (*command,))


def _scorer(arguments: ScorerArguments | ReplayArguments) -> NodeStart:
    model = {"transfer_model": arguments.transfer_model} if arguments.transfer_model else {}
    engine = {} if arguments.engine == "auto" else {"engine": arguments.engine}
    prefix = with_frame_prefix(arguments.frame_prefix)
    return NodeStart("scorer", {"jobs": arguments.jobs, **engine, **model, **prefix})


def _without_effect(arguments: BringupArguments, real: bool, moveit: bool) -> list[str]:
    """Notes on arguments that were given, but change nothing beside the others."""
    useless = {
        "driver": (not real, "hardware:=twin"),
        "robot_ip": (not real or not arguments.driver, "hardware:=twin or driver:=false"),
        "twin_profile": (real, "hardware:=real"),
        "real_time": (moveit, "MoveIt, with which the twin keeps the wall clock's speed"),
        "speed": (not moveit, "the twin as backend, which moves as fast as was scored"),
        "bag": (not arguments.record, "record:=false"),
    }
    defaults = BringupArguments()
    return [
        f"{name} has no effect with {what}"
        for name, (is_useless, what) in useless.items()
        if is_useless and getattr(arguments, name) != getattr(defaults, name)
    ]


def _secured(
    nodes: Sequence[NodeStart], arguments: ScorerArguments, options: str
) -> tuple[NodeStart, ...]:
    """The nodes, each with its enclave if a keystore is given, which is checked.

    Args:
        nodes: The nodes to start.
        arguments: Arguments of the launch file.
        options: Options of `dr-grasp policies` beside the namespace, for the message.
    """
    if not arguments.security:
        return (*nodes,)
    keystore = Path(arguments.security).expanduser().absolute()
    names = [enclave(arguments.namespace, node.executable) for node in nodes]
    if arguments.namespace:
        options += f"--namespace {arguments.namespace} "
    remedy = (
        f"dr-grasp policies {options}--out policy.xml && "
        f"ros2 security generate_artifacts -k {keystore} -p policy.xml"
    )
    check_keystore(keystore, names, remedy)
    return tuple(
        replace(node, enclave=name, environment=environment(keystore, name))
        for node, name in zip(nodes, names, strict=True)
    )


def _through_moveit(arguments: BringupArguments, robot: RobotSpec, has_package: HasPackage) -> bool:
    real, backend = arguments.hardware == "real", arguments.backend
    if real and backend == "twin":
        raise SettingsError("backend: expected moveit or auto with hardware:=real, got 'twin'")
    if robot.hardware is None:
        reason = f"the sections controllers and moveit in the file of robot {robot.name}"
    else:
        reason = missing_packages(has_package, "moveit_py")
    if reason and (real or backend == "moveit"):
        asked = "hardware:=real" if real else "backend:=moveit"
        raise SettingsError(f"{asked} needs {reason}")
    return backend != "twin" and not reason


def _driver(
    arguments: BringupArguments, robot: RobotSpec, has_package: HasPackage
) -> DriverStart | None:
    driver = driver_start(robot, arguments.robot_ip, arguments.namespace)
    if driver is None:
        return None
    needed = [driver.package, *(["controller_manager"] if driver.controller else [])]
    missing = missing_packages(has_package, *needed)
    if missing:
        raise SettingsError(
            f"hardware:=real needs {missing}; or start the driver of robot {robot.name} by hand, "
            "and say driver:=false"
        )
    return driver
