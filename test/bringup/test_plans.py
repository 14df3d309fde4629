"""What launch files start for what is typed; without ROS."""

from pathlib import Path

import pytest
import yaml

from dr_grasp.bringup.arguments import (
    BringupArguments,
    ReplayArguments,
    ScorerArguments,
    check_names,
    declarations,
    read_arguments,
)
from dr_grasp.bringup.node_start import NodeStart
from dr_grasp.bringup.plans import plan_bringup, plan_replay, plan_scorer
from dr_grasp.bringup.security import FILES, environment
from dr_grasp.common.resources import config_names
from dr_grasp.common.settings import merged, read_yaml
from dr_grasp.core.engine import Engine
from dr_grasp.errors import DrGraspError, SettingsError
from dr_grasp.robots.robot_spec import RobotSettings, load_robot, robot_names
from dr_grasp.robots.ros_description import ros_urdf

ROOT = Path(__file__).resolve().parents[2]
DRIVERS = {"franka_bringup", "controller_manager", "ur_robot_driver"}
MOVEIT = {"moveit_py", "control_msgs"}
SHOWN = {"rviz2", "robot_state_publisher"}


def plan(planner, arguments, typed, installed=()):
    # As launch does: what is not typed comes as the text of its default.
    defaults = {entry["name"]: entry["default_value"] for entry in declarations(arguments)}
    return planner(read_arguments(arguments, defaults | typed), set(installed).__contains__)


def bringup(*installed, **typed):
    return plan(plan_bringup, BringupArguments, typed, installed)


def parameters(start):
    return {node.executable: node.parameters for node in start.nodes}


@pytest.fixture
def bag(tmp_path):
    (tmp_path / "bag").mkdir()
    (tmp_path / "bag" / "metadata.yaml").touch()
    return str(tmp_path / "bag")


def test_without_moveit_the_twin_executes_by_itself():
    start = bringup()
    assert parameters(start) == {
        "scorer": {"jobs": 2},
        "executor": {"robot": "franka", "backend": "twin", "confirm": False},
        "recorder": {"bag": ""},
        "twin": {
            "robot": "franka",
            "profile": "default",
            "real_time": False,
            "controllers": False,
            "confirm": False,
            "record": True,
        },
    }
    assert (start.namespace, start.driver, start.notes, start.command) == ("", None, (), ())
    assert {node.package for node in start.nodes} == {"dr_grasp"}


@pytest.mark.parametrize("robot", robot_names())
def test_with_moveit_the_twin_is_an_arm_behind_controllers(robot):
    start = bringup(*MOVEIT, robot=robot, real_time="True", speed="0.5", bag="b")
    said = parameters(start)
    assert said["executor"]["backend"] == "moveit"
    assert said["executor"]["confirm"] is False
    assert said["twin"] == {
        "robot": robot,
        "profile": "default",
        "real_time": True,
        "controllers": True,
    }
    gates = {"confirm": False, "record": True}
    assert said["moveit"] == {"robot": robot, "real": False, "speed": 0.5, **gates}
    assert said["recorder"] == {"bag": "b"}


def test_moveit_can_be_left_aside():
    said = parameters(bringup(*MOVEIT, backend="twin"))
    assert "moveit" not in said
    assert said["twin"]["controllers"] is False


def test_a_real_arm_has_a_driver_and_no_twin_and_asks():
    start = bringup(*MOVEIT, *DRIVERS, robot="ur5_schunk_sih", hardware="real", robot_ip="10.0.0.7")
    said = parameters(start)
    assert "twin" not in said
    assert said["executor"]["confirm"] is True
    # The node knows best how slow a real arm goes.
    gates = {"confirm": True, "record": True}
    assert said["moveit"] == {"robot": "ur5_schunk_sih", "real": True, **gates}
    assert (start.driver.package, start.driver.launch) == (
        "ur_robot_driver",
        "ur_control.launch.py",
    )
    assert start.driver.arguments == {
        "ur_type": "ur5",
        "robot_ip": "10.0.0.7",
        "launch_rviz": "false",
    }
    assert start.driver.controller is None
    assert start.notes == ()


def test_confirmation_can_be_waived_and_asked_for():
    real = bringup(*MOVEIT, *DRIVERS, hardware="real", robot_ip="x", confirm="false")
    assert parameters(real)["executor"]["confirm"] is False
    assert parameters(real)["moveit"]["confirm"] is False
    asked = parameters(bringup(confirm="true"))
    assert asked["executor"]["confirm"] is asked["twin"]["confirm"] is True


def test_a_driver_without_a_controller_for_the_arm_gets_ours():
    start = bringup(*MOVEIT, *DRIVERS, hardware="real", robot_ip="10.0.0.7", namespace="/lab/left/")
    assert start.namespace == "lab/left"
    assert start.driver.arguments == {
        "robot_ip": "10.0.0.7",
        "robot_type": "fer",
        "load_gripper": "true",
        "namespace": "lab/left",
    }
    controller = start.driver.controller
    assert controller.name == "panda_arm_controller"
    assert controller.parameters["type"] == "joint_trajectory_controller/JointTrajectoryController"
    assert controller.parameters["joints"] == [f"panda_joint{i}" for i in range(1, 8)]
    assert set(controller.parameters["gains"]) == set(controller.parameters["joints"])


def test_a_driver_can_be_started_by_hand():
    for typed in ({"driver": "false"}, {"robot": "baxter"}):
        start = bringup(*MOVEIT, hardware="real", **typed)
        assert start.driver is None
        assert "start its controllers by hand" in start.notes[0]
        assert parameters(start)["moveit"]["real"] is True


def test_frames_are_published_unless_a_driver_does_it():
    assert parameters(bringup(*SHOWN))["robot_state_publisher"] == {
        "robot_description": ros_urdf(load_robot("franka"))
    }
    real = bringup(*MOVEIT, *DRIVERS, *SHOWN, hardware="real", robot_ip="x")
    assert "robot_state_publisher" not in parameters(real)
    bridge = bringup(*MOVEIT, *SHOWN, hardware="real", robot="baxter")
    assert "robot_state_publisher" in parameters(bridge)


@pytest.mark.parametrize(
    ("robot", "frame"), [("franka", "panda_link0"), ("ur5_schunk_sih", "world")]
)
def test_rviz_shows_our_displays_in_the_frame_of_the_base(robot, frame):
    (node,) = [
        node
        for node in bringup(*SHOWN, robot=robot, rviz="true").nodes
        if node.executable == "rviz2"
    ]
    flag, config, fixed, name = node.arguments
    assert (flag, fixed, name, node.package) == ("-d", "-f", frame, "rviz2")
    displays = yaml.safe_load(Path(config).read_text())["Visualization Manager"]["Displays"]
    markers = [
        display for display in displays if display["Class"] == "rviz_default_plugins/MarkerArray"
    ]
    assert [display["Topic"]["Value"] for display in markers] == ["grasp_markers"]
    assert markers[0]["Topic"]["Durability Policy"] == "Transient Local"
    # Only what plain RViz has is switched on.
    assert all(
        display["Class"].startswith("rviz_default_plugins/")
        for display in displays
        if display["Enabled"]
    )


def test_without_a_record_there_is_no_recorder():
    said = parameters(bringup(record="false"))
    assert "recorder" not in said
    assert said["twin"]["record"] is False


@pytest.mark.parametrize(
    ("typed", "installed", "message"),
    [
        ({"record": "maybe"}, (), "record: expected true or false, got 'maybe'"),
        ({"real_time": ""}, (), "real_time: expected true or false, got ''"),
        ({"confirm": "later"}, (), "confirm: expected true or false, got 'later'"),
        ({"rviz": "2"}, (), "rviz: expected true or false, got '2'"),
        ({"jobs": "0"}, (), "jobs: expected a whole number from 1 to 1024, got '0'"),
        ({"jobs": "two"}, (), "jobs: expected a whole number from 1 to 1024, got 'two'"),
        ({"speed": "2"}, MOVEIT, "speed: expected a number above 0 and at most 1, got '2'"),
        ({"speed": "fast"}, MOVEIT, "speed: expected a number above 0 and at most 1, got 'fast'"),
        ({"speed": "nan"}, MOVEIT, "speed: expected a number above 0 and at most 1, got 'nan'"),
        ({"namespace": "a b"}, (), "namespace: expected letters, digits, _ and / between them"),
        ({"namespace": "2nd"}, (), "namespace: expected letters, digits, _ and / between them"),
        (
            {"backend": "moveit"},
            (),
            "backend:=moveit needs moveit_py, not installed (apt install ros-jazzy-moveit-py,",
        ),
        ({"hardware": "real"}, (), "hardware:=real needs moveit_py, not installed"),
        (
            {"hardware": "real", "backend": "twin"},
            MOVEIT,
            "backend: expected moveit or auto with hardware:=real, got 'twin'",
        ),
        (
            {"hardware": "real"},
            MOVEIT | DRIVERS,
            "robot_ip: expected the address of the arm, such as robot_ip:=192.168.1.10, for "
            "franka_bringup's franka.launch.py, got nothing",
        ),
        (
            {"hardware": "real", "robot_ip": "x"},
            MOVEIT,
            "hardware:=real needs franka_bringup and controller_manager, not installed (apt "
            "install ros-jazzy-franka-bringup ros-jazzy-controller-manager, or a workspace that "
            "has it); or start the driver of robot franka by hand, and say driver:=false",
        ),
        ({"rviz": "true"}, (), "rviz:=true needs rviz2 and robot_state_publisher, not installed"),
        ({"robot": "tin_man"}, (), "unknown robot 'tin_man'; expected one of baxter, franka,"),
    ],
)
def test_what_cannot_be_is_one_line(typed, installed, message):
    with pytest.raises(DrGraspError) as raised:
        bringup(*installed, **typed)
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)


def test_a_robot_without_controllers_can_be_simulated(configuration):
    robots = configuration / "robots"
    content = merged(read_yaml(robots / "franka.yaml"), {})
    kept = {
        key: value
        for key, value in content.items()
        if key not in ("controllers", "moveit", "driver")
    }
    (robots / "unreachable.yaml").write_text(yaml.safe_dump(kept))
    assert parameters(bringup(*MOVEIT, robot="unreachable"))["executor"]["backend"] == "twin"
    for typed in ({"backend": "moveit"}, {"hardware": "real"}):
        with pytest.raises(SettingsError, match=r"needs the sections controllers and moveit in"):
            bringup(*MOVEIT, robot="unreachable", **typed)


def test_other_placeholders_than_ours_are_refused(configuration):
    path = configuration / "robots" / "odd.yaml"
    path.write_text('extends: franka\ndriver: {arguments: {robot_ip: "{address}"}}\n')
    with pytest.raises(SettingsError, match=r"driver.arguments.robot_ip: expected no other placeh"):
        bringup(*MOVEIT, *DRIVERS, robot="odd", hardware="real", robot_ip="x")


def test_the_scorer_starts_alone():
    start = plan(plan_scorer, ScorerArguments, {"jobs": "3", "namespace": "lab"})
    assert (start.nodes, start.namespace) == ((NodeStart("scorer", {"jobs": 3}),), "lab")


@pytest.fixture
def keystore(tmp_path, monkeypatch):
    """A keystore as far as it is looked at, with an enclave for every node that is started."""
    monkeypatch.delenv("ROS_DOMAIN_ID", raising=False)
    for policy in (ROOT / "config" / "security").glob("*.policy.xml"):
        folder = tmp_path / "keys" / "enclaves" / "lab" / policy.name.removesuffix(".policy.xml")
        folder.mkdir(parents=True)
        for file in FILES:
            (folder / file).touch()
    return tmp_path / "keys"


def test_with_a_keystore_each_node_starts_in_its_enclave(keystore):
    typed = {"namespace": "lab", "security": str(keystore), "rviz": "true"}
    start = bringup(*MOVEIT, *SHOWN, **typed)
    assert {node.executable for node in start.nodes} == {
        *("scorer", "executor", "recorder", "twin", "moveit", "robot_state_publisher", "rviz2")
    }
    for node in start.nodes:
        assert node.enclave == f"/lab/{node.executable}"
        assert node.environment == environment(keystore, node.enclave)
    del typed["rviz"]
    (scorer,) = plan(plan_scorer, ScorerArguments, typed).nodes
    assert (scorer.enclave, dict(scorer.environment)) == (
        "/lab/scorer",
        environment(keystore, "/lab/scorer"),
    )


def test_without_a_keystore_nodes_have_neither_enclave_nor_environment():
    for node in bringup(*MOVEIT, *SHOWN, rviz="true").nodes:
        assert (node.enclave, node.environment) == ("", {})


@pytest.mark.parametrize(
    ("typed", "missing", "options"),
    [
        (
            {"robot": "baxter", "namespace": "lab"},
            "key.pem of the enclave /lab/twin in",
            "--robot baxter --namespace lab ",
        ),
        ({}, "the enclave /scorer in", "--robot franka "),
    ],
)
def test_a_keystore_that_lacks_an_enclave_is_one_line_with_the_commands_that_make_it(
    keystore, typed, missing, options
):
    (keystore / "enclaves/lab/twin/key.pem").unlink()
    with pytest.raises(SettingsError) as raised:
        bringup(security=str(keystore), **typed)
    assert str(raised.value).startswith(f"security: expected {missing} {keystore}/enclaves/")
    assert str(raised.value).endswith(
        f"make it: dr-grasp policies {options}--out policy.xml && "
        f"ros2 security generate_artifacts -k {keystore} -p policy.xml"
    )
    assert "\n" not in str(raised.value)


def test_a_driver_is_not_started_beside_secured_nodes(keystore):
    typed = {"hardware": "real", "robot_ip": "x", "namespace": "lab", "security": str(keystore)}
    with pytest.raises(SettingsError, match=r"^security: the driver of robot franka cannot be"):
        bringup(*MOVEIT, *DRIVERS, **typed)
    start = bringup(*MOVEIT, *DRIVERS, driver="false", **typed)
    assert all(node.enclave for node in start.nodes)


def replay(*installed, **typed):
    return plan(plan_replay, ReplayArguments, typed, installed)


def test_a_bag_is_played(bag):
    start = replay("ros2bag", "rosbag2_storage_mcap", bag=bag, rate="2", namespace="/")
    assert start.command == (
        "ros2",
        "bag",
        "play",
        bag,
        "--rate",
        "2",
        "--disable-keyboard-controls",
        *("--delay", "2", "--wait-for-all-acked", "5000"),
    )
    assert start.nodes == ()
    # Unasked, not beside the joint states of an arm.
    start = replay("ros2bag", "rosbag2_storage_mcap", bag=bag)
    assert start.namespace == "replay" and "/joint_states:=/replay/joint_states" in start.command


def test_a_bag_is_played_into_a_namespace_and_beside_what_is_asked_for(bag):
    start = replay(
        "ros2bag",
        "rosbag2_storage_mcap",
        *SHOWN,
        bag=bag,
        namespace="lab",
        scorer="true",
        rviz="true",
        robot="baxter",
    )
    remapped = start.command[start.command.index("--remap") + 1 :]
    assert "/scores:=/lab/scores" in remapped and "/joint_states:=/lab/joint_states" in remapped
    assert [node.executable for node in start.nodes] == [
        "scorer",
        "robot_state_publisher",
        "rviz2",
    ]


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ({"bag": "/nowhere"}, "bag: expected the folder of a recorded session, got '/nowhere'"),
        ({"rate": "0"}, "rate: expected a number above 0 and at most 1000, got '0'"),
        (
            {},
            "bag: playing one needs ros2bag and rosbag2_storage_mcap, not installed (apt install ",
        ),
    ],
)
def test_what_cannot_be_played_is_one_line(bag, typed, message):
    with pytest.raises(SettingsError) as raised:
        replay(**{"bag": bag, **typed})
    assert str(raised.value).startswith(message)


def declared(arguments):
    """What launch is told: default and choices by the name of the argument."""
    return {
        entry["name"]: (entry["default_value"], entry["choices"])
        for entry in declarations(arguments)
    }


ENGINES = ("auto", ["auto", *(engine.value for engine in Engine)])


def test_launch_is_told_names_defaults_and_choices():
    assert declared(ScorerArguments) == {
        "namespace": ("", None),
        "jobs": ("2", None),
        "engine": ENGINES,
        "transfer_model": ("", None),
        "frame_prefix": ("", None),
        "security": ("", None),
    }
    assert declared(BringupArguments) == {
        "robot": ("franka", robot_names()),
        "hardware": ("twin", ["twin", "real"]),
        "robot_ip": ("", None),
        "driver": ("true", None),
        "backend": ("auto", ["auto", "moveit", "twin"]),
        "speed": ("auto", None),
        "confirm": ("auto", None),
        "namespace": ("", None),
        "jobs": ("2", None),
        "engine": ENGINES,
        "transfer_model": ("", None),
        "frame_prefix": ("", None),
        "security": ("", None),
        "record": ("true", None),
        "bag": ("", None),
        "twin_profile": ("default", config_names("twin")),
        "real_time": ("false", None),
        "rviz": ("false", None),
    }
    assert declared(ReplayArguments) == {
        "bag": (None, None),
        "rate": ("1.0", None),
        "scorer": ("false", None),
        "robot": ("franka", robot_names()),
        "namespace": ("replay", None),
        "jobs": ("2", None),
        "engine": ENGINES,
        "transfer_model": ("", None),
        "frame_prefix": ("", None),
        "rviz": ("false", None),
    }


@pytest.mark.parametrize("arguments", [ScorerArguments, BringupArguments, ReplayArguments])
def test_arguments_are_described_and_their_defaults_can_be_typed(arguments):
    assert all(entry["description"].endswith(".") for entry in declarations(arguments))
    typed = {name: default or "" for name, (default, _) in declared(arguments).items()}
    required = {name: "" for name, (default, _) in declared(arguments).items() if default is None}
    assert read_arguments(arguments, typed) == read_arguments(arguments, required)


def test_two_equal_arms_have_frames_of_their_own():
    """MoveIt's are not among them: its scene has the names of the robot's model."""
    start = bringup(*SHOWN, *MOVEIT, namespace="left", frame_prefix="left/", rviz="true")
    prefixed = {name for name, values in parameters(start).items() if "frame_prefix" in values}
    assert prefixed == {"scorer", "robot_state_publisher"}
    assert {parameters(start)[name]["frame_prefix"] for name in prefixed} == {"left/"}
    (words,) = [node.arguments for node in start.nodes if node.executable == "rviz2"]
    assert words[-1] == "left/panda_link0"
    displays = yaml.safe_load(Path(words[1]).read_text())["Visualization Manager"]["Displays"]
    # RViz puts the slash between the two itself.
    assert [shown["TF Prefix"] for shown in displays if "TF Prefix" in shown] == ["left"]
    with pytest.raises(
        SettingsError, match=r"^frame_prefix: expected / at its end with rviz:=true"
    ):
        bringup(*SHOWN, frame_prefix="left_", rviz="true")
    with pytest.raises(SettingsError, match=r"^frame_prefix: expected letters, digits"):
        bringup(frame_prefix="/left/")
    typed = {"hardware": "real", "robot_ip": "x", "frame_prefix": "left/"}
    real = bringup(*MOVEIT, *DRIVERS, *SHOWN, **typed)
    assert any("it must put left/ before their names, too" in note for note in real.notes)


def test_a_bag_to_play_must_be_named():
    with pytest.raises(SettingsError, match=r"^bag: expected a value, got nothing$"):
        read_arguments(ReplayArguments, {})


@pytest.mark.parametrize("file", sorted((ROOT / "config" / "examples").glob("*.yaml")))
def test_examples_say_nothing_that_we_do_not_know(file):
    content = read_yaml(file)
    base = read_yaml(ROOT / "config" / "robots" / f"{content.pop('extends')}.yaml")
    settings = RobotSettings.model_validate(merged(base, content))
    known = load_robot("franka").model
    assert set(settings.names) == (set(known.links) | set(known.limits))


def test_an_unknown_argument_is_refused_with_the_nearest_name():
    with pytest.raises(SettingsError, match=r"^unknown launch argument sped; did you mean speed\?"):
        check_names(BringupArguments, ["sped:=0.1"], ["sped", "robot"])
    assert check_names(ScorerArguments, ["colour:=red"], ["colour"]) == [
        "launch argument colour is not used by dr_grasp"
    ]
    assert check_names(BringupArguments, ["speed:=0.1", "log_level:=debug"], ["speed"]) == []


def test_arguments_of_a_launch_file_that_includes_ours_are_its_own():
    given = ["world", "colour", "robt", "speed"]
    assert check_names(BringupArguments, ["world:=a"], given) == [
        "launch argument robt is not used by dr_grasp; did you mean robot?",
        "launch argument world is not used by dr_grasp",
    ]
    # All of them typed: nothing tells these from unknown arguments of ours.
    assert check_names(BringupArguments, ["world:=a"], ["world", "speed"]) == [
        "launch argument world is not used by dr_grasp"
    ]


def test_what_has_no_effect_is_said():
    assert bringup().notes == ()
    assert bringup(speed="0.5", robot_ip="1.2.3.4").notes == (
        "robot_ip has no effect with hardware:=twin or driver:=false",
        "speed has no effect with the twin as backend, which moves as fast as was scored",
    )
    assert bringup(record="false", bag="b").notes == ("bag has no effect with record:=false",)
    assert bringup(*MOVEIT, speed="0.5").notes == ()
    assert bringup(*MOVEIT, real_time="true").notes[0].startswith("real_time has no effect with M")


def test_the_scorer_gets_its_model(bag):
    expected = {"jobs": 2, "transfer_model": "m.json"}
    for start in (
        bringup(transfer_model="m.json"),
        plan(plan_scorer, ScorerArguments, {"transfer_model": "m.json"}),
        plan(
            plan_replay,
            ReplayArguments,
            {"bag": bag, "scorer": "true", "transfer_model": "m.json"},
            {"ros2bag", "rosbag2_storage_mcap"},
        ),
    ):
        assert parameters(start)["scorer"] == expected


def test_the_scorer_gets_its_engine():
    assert parameters(bringup(engine="mujoco"))["scorer"] == {"jobs": 2, "engine": "mujoco"}
    assert parameters(bringup(engine="auto"))["scorer"] == {"jobs": 2}


def test_files_without_metadata_are_told_to_be_indexed(tmp_path):
    (tmp_path / "a.mcap").touch()
    with pytest.raises(SettingsError, match="; run ros2 bag reindex"):
        plan(plan_replay, ReplayArguments, {"bag": str(tmp_path)})
