"""What the reference is made from: all of it is found, and none of it is without words."""

import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import typer
import yaml

pytest.importorskip("rclpy", reason="needs ROS, which `make test-noble` does without")

from from_code import docstrings, drawings, files, messages, nodes, schemas, settings, verbs
from pydantic import BaseModel, Field

from dr_grasp.cli.main import app
from dr_grasp.common.settings import Settings
from dr_grasp.formats.diagnosis_file import read_diagnoses
from dr_grasp.formats.documents import Record
from dr_grasp.formats.grasp_file import read_grasps
from dr_grasp.formats.margins_file import read_margins
from dr_grasp.formats.score_file import read_scores
from dr_grasp.generation.importers.pose_reader import read_poses
from dr_grasp.generation.importers.trajectory_layout import TrajectoryLayout
from dr_grasp.transfer.transfer_model import read_model

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "reference" / "examples"


def all_sections():
    for kind, found in (("settings", settings.FILES), ("file", files.FILES)):
        for name, file in found.items():
            for place, keys in settings.sections(file).items():
                yield pytest.param(keys, id=f"{kind}-{name}-{place or 'top'}")


@pytest.mark.parametrize("keys", all_sections())
def test_every_key_has_words(keys):
    assert keys
    assert [key.name for key in keys if not key.description] == []


def subclasses(cls):
    for found in cls.__subclasses__():
        yield found
        yield from subclasses(found)


def test_every_class_that_reads_a_file_is_in_the_reference():
    shown = {
        classes[0]
        for group in (settings.FILES, files.FILES)
        for file in group.values()
        for classes in file.values()
    }
    shown |= set(nodes.LAUNCH_FILES.values())
    ours = {
        cls
        for base in (Settings, Record)
        for cls in subclasses(base)
        if cls.__module__.startswith("dr_grasp.")
    }
    # Read from files of other programs, whose makers describe them.
    foreign = {cls for cls in ours if cls.__module__.endswith((".graspgen", ".acronym"))}
    assert {cls.__name__ for cls in ours - shown - foreign} == set()


def walk(group, names):
    for name, command in group.commands.items():
        yield [*names, name], command
        yield from walk(command, [*names, name]) if hasattr(command, "commands") else ()


def test_every_verb_is_there_with_words_for_each_argument_and_option():
    text = verbs.page()
    commands = list(walk(typer.main.get_command(app), ["dr-grasp"]))
    assert len(commands) > 12
    for names, command in commands:
        assert f"# `{' '.join(names)}`\n" in text
        assert command.help
        chapter = text.partition(f"# `{' '.join(names)}`\n")[2].partition("\n#")[0]
        for parameter in command.params:
            assert parameter.help, f"{names}: {parameter.name}"
            shown = parameter.metavar or parameter.name
            shown = parameter.opts[0] if parameter.opts[0].startswith("-") else shown
            entry = rf"^- `(-\w, )?{re.escape(shown)}(?= |`)[^`]*` — \S"
            assert re.search(entry, chapter, re.MULTILINE), shown


def test_every_message_and_its_fields_have_words(root):
    found = {f"{interface.kind}/{interface.name}": interface for interface in messages.interfaces()}
    folder = root / "dr_grasp_interfaces"
    sources = [path for kind in messages.PARTS for path in folder.glob(f"{kind}/*.{kind}")]
    assert found.keys() == {f"{path.parent.name}/{path.stem}" for path in sources}
    for name, interface in found.items():
        assert interface.words, name
        assert len(interface.parts) == len(messages.PARTS[interface.kind])
        for fields in interface.parts:
            assert [field.name for field in fields if not field.words] == [], name


def test_the_text_of_a_message_is_read_right():
    found = {interface.name: interface for interface in messages.interfaces()}
    outcome = found["Outcome"].parts[0]
    assert (outcome[1].kind, outcome[1].name, outcome[1].value) == ("uint8", "SUCCESS", "1")
    assert outcome[1].constant
    assert (outcome[-1].name, outcome[-1].value, outcome[-1].constant) == ("value", "", False)
    request = {field.name: field for field in found["PlaceObject"].parts[0]}
    assert request["seed"].value == "0" and not request["seed"].constant
    goal = {field.name: field for field in found["ScoreGrasps"].parts[0]}
    assert goal["profile"].value == '"default"'
    assert goal["until"].words.endswith("trials are the most")
    assert found["PlaceObject"].parts[1][-1].kind == "geometry_msgs/Pose"


def test_every_parameter_is_there_with_words():
    page = nodes.nodes()
    for name, node in nodes.NODES.items():
        chapter = page.partition(f"### `{name}`")[2].partition("\n###")[0]
        for parameter in node.parameters:
            assert parameter.description
            assert f"| `{parameter.name}` |" in chapter
        assert node.parameters


# What every node has, and the signs of life, which have words of their own.
COMMON = re.compile(r"/rosout|/parameter_events|~/\*|.*/(alive|heartbeat)|.*_action/cancel_goal")
OF_A_ROBOT = {"{arm}": "controllers.arm", "{hand}": "controllers.hand.action"}


@pytest.mark.parametrize("name", nodes.NODES)
def test_a_node_is_said_to_serve_what_its_security_policy_allows(root, name):
    from xml.etree import ElementTree

    policy = ElementTree.parse(root / "config" / "security" / f"{name}.policy.xml")
    profile = policy.find(f".//profile[@node='{name}']")
    allowed = {
        (group.tag.removesuffix("s"), OF_A_ROBOT.get(entry.text, entry.text))
        for group in profile
        for entry in group
        if set(group.attrib) <= {"publish", "subscribe", "reply", "execute"}
        and not COMMON.fullmatch(entry.text)
    }
    served = nodes.served(name)
    assert served.keys() == allowed
    for of_type, words in served.values():
        assert of_type and words


def test_every_launch_file_is_there_with_words_for_each_argument(root):
    stems = {path.name.removesuffix(".launch.py") for path in (root / "launch").glob("*.py")}
    assert nodes.LAUNCH_FILES.keys() == stems
    page = nodes.launch_arguments()
    for name, cls in nodes.LAUNCH_FILES.items():
        chapter = page.partition(f"### `{name}.launch.py`")[2].partition("\n###")[0]
        for argument, field in cls.model_fields.items():
            assert field.description
            assert f"| `{argument}` |" in chapter


def test_the_examples_are_files_that_we_read():
    assert len(read_grasps(EXAMPLES / "grasps.json").grasps) == 1
    assert read_grasps(EXAMPLES / "grasps.json").refused == ()
    assert len(read_scores(EXAMPLES / "scores.json").scores) == 1
    assert len(read_diagnoses(EXAMPLES / "diagnosis.json").diagnoses) == 1
    assert len(read_margins(EXAMPLES / "margins.json").margins) == 1
    assert read_model(EXAMPLES / "transfer_model.json").robots
    poses = read_poses(EXAMPLES / "poses.json", "poses")
    assert len(poses.grasps) == 2
    layout = yaml.safe_load((EXAMPLES / "demo.yaml").read_text(encoding="utf-8"))
    assert TrajectoryLayout.model_validate(layout).time == "t"
    shown = {path.stem for path in EXAMPLES.glob("*.json")}
    assert shown == files.FILES.keys()


@pytest.mark.parametrize("name", ["grasps", "scores", "diagnosis", "transfer_model"])
def test_the_keys_of_an_example_are_those_of_the_reference(name):
    content = json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    (keys, *_) = settings.sections(files.FILES[name]).values()
    required = {key.name for key in keys if key.default == schemas.REQUIRED}
    assert required <= content.keys() - {"schema_version", "kind"} <= {key.name for key in keys}


class Inner(BaseModel):
    """A section."""

    size: float


class Example(BaseModel):
    """A schema.

    Attributes:
        name: A name that is
            long.
        share: A share.
    """

    name: str
    share: Annotated[float, Field(gt=0, le=1)] = 0.5
    pair: tuple[float, float] | None = None
    kinds: list[Literal["a", "b"]] = Field(default=["a"], min_length=1)
    sections: dict[str, Inner] = Field(default_factory=dict, description="Sections.")
    inner: Inner | None
    flag: bool = False
    anything: list[Any] = []


def test_types_bounds_and_defaults_in_words():
    found = {key.name: key for key in schemas.keys_of(Example)}
    assert found["name"] == schemas.Key("name", "text", "required", "A name that is long.")
    assert found["share"] == schemas.Key("share", "number, above 0, at most 1", "0.5", "A share.")
    assert (found["pair"].kind, found["pair"].default) == ("2 x number", "none")
    assert found["kinds"].kind == "list of one of a, b, at least 1 of them"
    assert found["kinds"].default == "[a]"
    assert found["sections"].kind == "mapping of name to section"
    assert found["sections"].description == "Sections."
    assert (found["inner"].kind, found["inner"].default) == ("section or null", "required")
    assert (found["flag"].kind, found["flag"].default) == ("true or false", "false")
    assert found["anything"].kind == "list"
    assert found["flag"].description == ""


class Base:
    """Base.

    Topics:
        scores (GraspScore), published: each score,
            as it comes.
    """


class Served(Base):
    """Summary,
    in two lines.

    More of it.

    Services:
        ask (AskSomething): Answers.
    """


def test_sections_of_docstrings():
    assert docstrings.summary(Served) == "Summary,\nin two lines.\n\nMore of it."
    assert docstrings.entries(Served, "Services") == {"ask": ("AskSomething", "Answers.")}
    words = "published: each score, as it comes."
    assert docstrings.entries(Served, "Topics") == {"scores": ("GraspScore", words)}


def test_the_drawing_has_every_room_once(root):
    rooms = [room for row in drawings.layers() for room in row]
    package = root / "dr_grasp"
    assert sorted(rooms) == sorted(
        {path.parent.name for path in package.glob("*/__init__.py")} | {"errors"}
    )
    drawing = drawings.rooms()
    for room in rooms:
        assert drawing.count(f">{room}</text>") == 1
