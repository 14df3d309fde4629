"""Files that were made to do harm end in one line, in little memory; so does a crash of ours."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dr_grasp.cli.console import complain, print_line, print_table
from dr_grasp.formats.grasp_file import grasp_to_dict

PROGRAM = [sys.executable, "-m", "dr_grasp.cli.main"]

MOST_GROWTH_KB = 100 * 1024

READING = """
import resource, sys
from pathlib import Path
from dr_grasp.common.settings import load_yaml
from dr_grasp.errors import DrGraspError
from dr_grasp.formats.grasp_file import read_grasps
from dr_grasp.objects.object_settings import ObjectSettings
from dr_grasp.objects.urdf import read_urdf
from dr_grasp.robots.description import DescriptionSource
from dr_grasp.robots.robot_model import load_model

def grasps(path):
    (refused,) = read_grasps(path).refused
    raise DrGraspError(refused.reason)

def robot(path):
    load_model(DescriptionSource(str(path)), ["j1"], {})

def settings(path):
    load_yaml(path, ObjectSettings)

def memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
before = memory()
try:
    {"grasps": grasps, "robot": robot, "settings": settings, "object": read_urdf}[sys.argv[1]](
        Path(sys.argv[2])
    )
except DrGraspError as error:
    print(error)
print(memory() - before)
"""

LAUGHS = "\n".join(
    ["description: x", "mass: 0.1", "mesh:", "  - &a0 [x,x,x,x,x,x,x,x,x,x]"]
    + [f"  - &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 8)]
)

LINK = (
    '<link name="a"><inertial><mass value="{mass}"/></inertial>'
    '<collision><geometry><box size="0.05 0.05 0.05"/></geometry></collision></link>'
)

ROBOT = """<robot name="r"><link name="base"/><link name="l1"/>
<joint name="j1" type="revolute"><parent link="base"/><child link="l1"/>
<limit lower="-1" upper="1" velocity="1" effort="10"/></joint>{}</robot>"""


def grasp_file(samples, change):
    """A grasp file, not one grasp a line, with a change in its text."""
    grasp = grasp_to_dict(samples.grasp())
    head = {"schema_version": 1, "kind": "dr_grasp/grasps"}
    return change(json.dumps({**head, "grasps": [grasp]}))


HOSTILE = {
    "deep.yaml": (
        "settings",
        lambda samples: f"description: {'[' * 5000}{']' * 5000}",
        "deep.yaml: expected at most 100 levels, got more in line 1",
    ),
    "laughs.yaml": (
        "settings",
        lambda samples: LAUGHS,
        "laughs.yaml: expected at most 100000 values, aliases counted as copies, got more up to "
        "line 8",
    ),
    "encoding.urdf": (
        "object",
        lambda samples: (
            f'<?xml version="1.0" encoding="foo"?><robot name="r">{LINK.format(mass=0.1)}</robot>'
        ),
        "encoding.urdf: expected a URDF, got unknown encoding: foo",
    ),
    "mass.urdf": (
        "object",
        lambda samples: f'<robot name="r">{LINK.format(mass="1e308")}</robot>',
        "mass.urdf: link 'a': <mass> value: expected at most 100000, got '1e308'",
    ),
    "joint.urdf": (
        "robot",
        lambda samples: ROBOT.format(
            '<link name="f"/><joint name="g1" type="fixed"><pareent link="l1"/><child link="f"/>'
            "</joint>"
        ),
        "joint.urdf: joint g1: <parent>: expected a link of the file, got none",
    ),
    "names.urdf": (
        "robot",
        lambda samples: ROBOT.format('<link name="l1"/>'),
        "names.urdf: link: expected a name of its own, got 'l1' 2 times",
    ),
    "ring.urdf": (
        "robot",
        lambda samples: ROBOT.format(
            '<link name="b"/><link name="c"/>'
            '<joint name="x" type="fixed"><parent link="b"/><child link="c"/></joint>'
            '<joint name="y" type="fixed"><parent link="c"/><child link="b"/></joint>'
        ),
        "ring.urdf: joints: expected a tree, got a ring through b",
    ),
    "links.urdf": (
        "robot",
        lambda samples: ROBOT.format("".join(f'<link name="x{n}"/>' for n in range(1000))),
        "links.urdf: expected at most 1000 links, got 1002",
    ),
    "twice.json": (
        "grasps",
        lambda samples: grasp_file(
            samples, lambda text: text.replace('"robot"', '"hold_s": 1, "robot"')
        ),
        "twice.json: expected each key once, got 'hold_s' twice in the object that begins with "
        "'id': 'g1'",
    ),
    "escapes.json": (
        "grasps",
        lambda samples: grasp_file(
            samples,
            lambda text: text.replace("panda_joint1", r"\u001b[31;1mRED\u001b]0;PWNED\u0007"),
        ),
        r"grasp g1: approach joints: expected printable characters, got "
        r"'\x1b[31;1mRED\x1b]0;PWNED\x07'",
    ),
    "joints.json": (
        "grasps",
        lambda samples: grasp_file(
            samples,
            lambda text: text.replace(
                '"panda_joint1"', ", ".join(f'"j{number}"' for number in range(200_000))
            ),
        ),
        "grasp g1: approach positions: expected 200006 numbers at waypoint 0, got 7",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_one_line_and_little_memory(name, samples, tmp_path):
    kind, make, message = HOSTILE[name]
    path = tmp_path / name
    path.write_text(make(samples))
    done = subprocess.run(
        [sys.executable, "-c", READING, kind, str(path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    line, grown = done.stdout.splitlines()
    assert line.endswith(message) and line.isprintable()
    assert line == f"{tmp_path}/{message}" or kind == "grasps"
    assert int(grown) < MOST_GROWTH_KB


def test_the_program_says_it_in_one_line(samples, tmp_path):
    path = tmp_path / "escapes.json"
    path.write_text(HOSTILE["escapes.json"][1](samples))
    words = ["score", str(path), "--out", str(tmp_path / "scores.json"), "--trials", "1"]
    done = subprocess.run([*PROGRAM, *words], capture_output=True, check=False, timeout=300)
    assert done.returncode == 1
    first, *_ = done.stderr.decode().splitlines()
    assert first == f"dr-grasp: {HOSTILE['escapes.json'][2]}"
    assert b"\x1b" not in done.stdout + done.stderr


CRASH = """
import sys
import warnings
from dr_grasp.cli import main, replay

app = main.make_app()
main.make_app = lambda only: app

@app.command("crash")
def crash() -> None:
    warnings.warn("two\\nlines \\x1b[31m", RuntimeWarning)
    {}

sys.argv = ["dr-grasp", "crash"]
main.main()
"""


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("{}['key']", "KeyError: 'key'"),
        ("(lambda f: f(f))(lambda f: f(f))", "RecursionError: maximum recursion depth exceeded"),
        ("raise MemoryError('too little')", "MemoryError: too little"),
        ("raise ValueError('\\x1b[31mred\\nline')", r"ValueError: \x1b[31mred line"),
    ],
)
def test_a_crash_is_one_line_a_file_and_a_status_of_its_own(tmp_path, statement, said):
    done = subprocess.run(
        [sys.executable, "-c", CRASH.format(statement)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "", "TMPDIR": str(tmp_path), "PYTHONPATH": ":".join(sys.path)},
        timeout=120,
    )
    assert done.returncode == 70
    warned, line = done.stderr.splitlines()
    assert warned == r"dr-grasp: RuntimeWarning: two lines \x1b[31m"
    assert line.startswith(f"dr-grasp: internal error: {said}")
    (kept,) = tmp_path.glob("dr-grasp-*.log")
    assert line.endswith(f"; please report it with {kept}, which has the traceback")
    assert "Traceback (most recent call last)" in Path(kept).read_text()
    assert done.stdout == ""


def test_nothing_is_printed_that_a_terminal_obeys(capsys):
    complain("\x1b[31mred\n\u202eline")
    print_line("\x1b[2J\r")
    print_table(["what"], [["\x1b[31m[bold]\t\x07"]], "\x1b]0;title\x07")
    out, err = capsys.readouterr()
    assert err == "dr-grasp: \\x1b[31mred \\u202eline\n"
    assert out.startswith("\\x1b[2J\\r\n")
    assert "\\x1b[31m[bold]\\t\\x07" in out and "\\x1b]0;title\\x07" in out
    assert all(line.isprintable() for line in out.splitlines())
