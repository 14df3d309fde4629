"""Whatever a file has become, reading it gives a value, or one printable line that names it."""

import resource
import shutil
import signal
import subprocess
import sys
import traceback
import warnings

import h5py
import numpy as np
import pytest
import trimesh

from dr_grasp.common import resources
from dr_grasp.common.settings import load_yaml
from dr_grasp.core.diagnosis import Diagnosis, DiagnosisThresholds
from dr_grasp.core.fitness import RefusedGrasp
from dr_grasp.core.outcome import Outcome
from dr_grasp.errors import LONGEST_MESSAGE, DrGraspError
from dr_grasp.formats.diagnosis_file import read_diagnoses, write_diagnoses
from dr_grasp.formats.grasp_file import read_grasps, write_grasps
from dr_grasp.formats.score_file import ScoreFile, read_scores, write_scores
from dr_grasp.generation.importers.acronym import GRIPPER, HELD, OBJECT_SCALE, TRANSFORMS
from dr_grasp.generation.importers.pose_reader import read_poses
from dr_grasp.objects.mesh_files import file_source
from dr_grasp.objects.meshes import prepare_meshes
from dr_grasp.objects.object_settings import ObjectSettings
from dr_grasp.objects.urdf import read_urdf
from dr_grasp.recording.bag_reader import read_bag
from dr_grasp.recording.bag_writer import BagWriter
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.scoring.profiles import load_profile
from dr_grasp.transfer.transfer_model import read_model, write_model
from dr_grasp.twin.twin_profile import load_twin_profile

from .mutations import mutate

pytestmark = pytest.mark.slow

SEED = 13
EACH = 25
"""Mutations of each kind of file."""

LIMIT_S = 60
"""A reading that takes longer counts as one that hangs."""

MOST_GROWTH_MB = 400

ROBOT_URDF = """<?xml version="1.0"?>
<robot name="r">
  <link name="base"/>
  <link name="l1">
    <inertial><mass value="1"/><inertia ixx="1" iyy="1" izz="1" ixy="0" ixz="0" iyz="0"/></inertial>
    <collision><geometry><box size="0.1 0.1 0.4"/></geometry></collision>
  </link>
  <link name="f1">
    <inertial><mass value="0.1"/></inertial>
    <collision><geometry><mesh filename="m.obj" scale="1 1 1"/></geometry></collision>
  </link>
  <link name="f2"><collision><geometry><sphere radius="0.02"/></geometry></collision></link>
  <link name="tcp"/>
  <joint name="j1" type="revolute">
    <parent link="base"/><child link="l1"/><origin xyz="0 0 0.1" rpy="0 0 0"/><axis xyz="0 0 1"/>
    <limit lower="-1" upper="1" velocity="1" effort="10"/>
  </joint>
  <joint name="g1" type="prismatic">
    <parent link="l1"/><child link="f1"/><axis xyz="1 0 0"/>
    <limit lower="0" upper="0.04" velocity="1" effort="10"/>
  </joint>
  <joint name="g2" type="prismatic">
    <parent link="l1"/><child link="f2"/><axis xyz="-1 0 0"/>
    <limit lower="0" upper="0.04" velocity="1" effort="10"/>
    <mimic joint="g1" multiplier="1" offset="0"/>
  </joint>
  <joint name="t" type="fixed"><parent link="l1"/><child link="tcp"/></joint>
</robot>
"""

ROBOT_YAML = """description: a stick
urdf: robot.urdf
base_link: base
arm: {joints: [j1], home: [0.0]}
hand:
  joints: [g1]
  close_duration_s: 0.5
  tcp_link: tcp
  links: [f1, f2]
  friction: 1.0
  synergies:
    pinch:
      open: [0.04]
      closed: [0.0]
      reach_m: 0.0
      approach_axis: [0, 0, 1]
      closing_axis: [1, 0, 0]
      largest_width_m: 0.08
table: {center_xy: [0.5, 0.0], size: [0.6, 1.0, 0.1], top_z: 0.0}
object_xy: [0.5, 0.0]
"""

OBJECT_URDF = """<robot name="o">
  <link name="a">
    <inertial><mass value="0.2"/></inertial>
    <contact><lateral_friction value="0.7"/></contact>
    <collision><origin xyz="0 0 0.1" rpy="0 0 1"/><geometry><mesh filename="m.obj"/></geometry>
    </collision>
  </link>
  <link name="b"><collision><geometry><cylinder radius="0.02" length="0.1"/></geometry></collision>
  </link>
  <joint name="j" type="fixed"><parent link="a"/><child link="b"/></joint>
</robot>
"""

OBJECT_YAML = """description: a box
mesh: m.obj
scale: 1.0
collision: hull
mass: 0.1
lateral_friction: 0.6
family: {prefix: box_, count: 10, digits: 3}
""".replace("m.obj", "m{index}.obj")

POSES_JSON = """{"frame": "grip", "object_scale": 1.0, "grasps": [
{"id": "rim", "position": [0, 0, 0.1], "quaternion_xyzw": [1, 0, 0, 0], "width": 0.03},
{"matrix": [[1, 0, 0, 0], [0, -1, 0, 0], [0, 0, -1, 0.1], [0, 0, 0, 1]]}]}
"""

ISAAC_YAML = """format: isaac_grasp
object_file: mug.obj
object_scale: 1.0
grasps:
  grasp_0:
    confidence: 0.9
    position: [0.0, 0.0, 0.1]
    orientation: {w: 1.0, xyz: [0.0, 0.0, 0.0]}
"""


class HangError(BaseException):
    """No error that a reading function may catch."""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty folder that is also the user's configuration, and a cache of its own."""
    for kind in ("robots", "objects", "profiles", "twin"):
        (tmp_path / "own" / kind).mkdir(parents=True)
    monkeypatch.setenv("DR_GRASP_CONFIG", str(tmp_path / "own"))
    monkeypatch.setenv("DR_GRASP_CACHE", str(tmp_path / "cache"))
    return tmp_path


def _bag(folder, samples):
    with BagWriter(folder / "bag") as writer:
        writer.write_scores([samples.score("g1"), samples.score("g2")], 10**18)
        writer.write_attempt(samples.attempt("a1", stamp_ns=10**18))
        writer.write_report(samples.report("a1"))
    return folder / "bag"


def _built_in(kind, place):
    path = place / "own" / kind / "x.yaml"
    shutil.copy(resources.share_directory() / "config" / kind / "default.yaml", path)
    return path


def _write(path, content):
    (path.write_bytes if isinstance(content, bytes) else path.write_text)(content)
    return path


def _mesh(place, ending):
    path = place / f"m{ending}"
    trimesh.creation.box((0.05, 0.04, 0.03)).export(path)
    return path


def _loaded_robot(name):
    load_robot.cache_clear()
    return load_robot(name)


def _poses(format, gripper=None):
    return lambda path: read_poses(path, format, gripper)


def _surface(path):
    return prepare_meshes(file_source(path), 1.0, "hull")


def grasp_file(place, samples, model):
    path = place / "grasps.json"
    write_grasps(path, [samples.grasp(f"g{index}") for index in range(3)])
    return path, read_grasps


def score_file(place, samples, model):
    first, path = samples.score("g1"), place / "scores.json"
    scores = (first, samples.score("g2"))
    refused = (RefusedGrasp(2, "g3", "too far"),)
    write_scores(
        path, ScoreFile(scores, refused, first.seed, first.profile, first.software_version)
    )
    return path, read_scores


def diagnosis_file(place, samples, model):
    path = place / "diagnosis.json"
    limits = DiagnosisThresholds(0.5, 0.5, 0.001, 5.0, 0.02, 0.02, 0.001, 0.5)
    write_diagnoses(path, [Diagnosis("g1", Outcome.SUCCESS, 0.4, 0.6)], limits, "dr_grasp 1")
    return path, read_diagnoses


def transfer_model(place, samples, model):
    write_model(place / "model.json", model)
    return place / "model.json", read_model


def robot_urdf(place, samples, model):
    folder = place / "own" / "robots"
    _write(folder / "x.yaml", ROBOT_YAML)
    shutil.copy(_mesh(place, ".obj"), folder / "m.obj")
    return _write(folder / "robot.urdf", ROBOT_URDF), lambda path: _loaded_robot("x")


def robot_yaml(place, samples, model):
    robot_urdf(place, samples, model)
    return place / "own" / "robots" / "x.yaml", lambda path: _loaded_robot("x")


def object_yaml(place, samples, model):
    path = _write(place / "object.yaml", OBJECT_YAML)
    return path, lambda path: load_yaml(path, ObjectSettings)


def object_urdf(place, samples, model):
    _mesh(place, ".obj")
    return _write(place / "object.urdf", OBJECT_URDF), read_urdf


def mesh_obj(place, samples, model):
    return _mesh(place, ".obj"), _surface


def mesh_stl(place, samples, model):
    return _mesh(place, ".stl"), _surface


def mesh_ply(place, samples, model):
    return _mesh(place, ".ply"), _surface


def profile(place, samples, model):
    return _built_in("profiles", place), lambda path: load_profile("x")


def twin_profile(place, samples, model):
    return _built_in("twin", place), lambda path: load_twin_profile("x")


def bag_file(place, samples, model):
    (path,) = _bag(place, samples).glob("*.mcap")
    return path, lambda path: read_bag(path.parent)


def bag_metadata(place, samples, model):
    return _bag(place, samples) / "metadata.yaml", lambda path: read_bag(path.parent)


def poses_json(place, samples, model):
    return _write(place / "poses.json", POSES_JSON), _poses("poses")


def poses_csv(place, samples, model):
    text = "x,y,z,qx,qy,qz,qw,id\n0,0,0.1,1,0,0,0,a\n0,0,0.2,1,0,0,0,b\n"
    return _write(place / "poses.csv", text), _poses("poses")


def poses_npy(place, samples, model):
    np.save(place / "poses.npy", np.stack([np.eye(4)] * 3))
    return place / "poses.npy", _poses("poses")


def poses_isaac(place, samples, model):
    return _write(place / "poses.yaml", ISAAC_YAML), _poses("graspgen", "panda")


def poses_acronym(place, samples, model):
    with h5py.File(place / "poses.h5", "w") as file:
        file[TRANSFORMS] = np.stack([np.eye(4)] * 3)
        file[HELD] = np.array([1, 0, 1])
        file[OBJECT_SCALE], file[GRIPPER] = 1.0, "panda"
    return place / "poses.h5", _poses("acronym")


KINDS = (
    grasp_file,
    score_file,
    diagnosis_file,
    transfer_model,
    robot_urdf,
    robot_yaml,
    object_yaml,
    object_urdf,
    mesh_obj,
    mesh_stl,
    mesh_ply,
    profile,
    twin_profile,
    bag_file,
    bag_metadata,
    poses_json,
    poses_csv,
    poses_npy,
    poses_isaac,
    poses_acronym,
)


def _hang(number, frame):
    raise HangError(f"no answer in {LIMIT_S} s")


def _answer(read, path):
    """ "accepted", "refused", or the text of what must not be."""
    signal.alarm(LIMIT_S)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read(path)
    except DrGraspError as error:
        text = str(error)
        known = path.name in text or str(path.parent) in text  # of a bag, the folder
        if text.isprintable() and len(text) < LONGEST_MESSAGE + 100 and known:
            return "refused"
        return f"not one printable line that names {path.name}: {text!r:.300}"
    except (Exception, HangError):
        return traceback.format_exc()
    else:
        return "accepted"
    finally:
        signal.alarm(0)


def _memory_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_mutated_file_is_read_or_refused(kind, place, samples, contrary_model, rounds, figures):
    path, read = kind(place, samples, contrary_model)
    whole = path.read_bytes()
    assert _answer(read, path) == "accepted"
    before = signal.signal(signal.SIGALRM, _hang)
    began_mb = _memory_mb()
    counts = {"accepted": 0, "refused": 0}
    wrong = {}
    try:
        for number in range(rounds(EACH)):
            path.write_bytes(mutate(whole, np.random.default_rng([SEED, number])))
            answer = _answer(read, path)
            if answer in counts:
                counts[answer] += 1
            else:
                wrong.setdefault(answer[-600:], number)
    finally:
        signal.signal(signal.SIGALRM, before)
    grown_mb = _memory_mb() - began_mb
    total = figures.setdefault("mutated inputs", dict.fromkeys(("inputs", *counts, "wrong"), 0))
    total["inputs"] += rounds(EACH)
    total["wrong"] += len(wrong)
    for name, count in counts.items():
        total[name] += count
    figures["mutated inputs: largest growth of memory [MB]"] = max(
        grown_mb, figures.get("mutated inputs: largest growth of memory [MB]", 0.0)
    )
    assert not wrong, "\n".join(f"mutation {number}: {text}" for text, number in wrong.items())
    # Of a bag, all messages are found without its metadata, and what is wrong is said beside them.
    assert counts["refused"] > 0 or kind is bag_metadata
    assert grown_mb < MOST_GROWTH_MB


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (
            grasp_file,
            ["score", "{path}", "--out", "{folder}/s.json", "--trials", "1", "--jobs", "1"],
        ),
        (mesh_obj, ["objects", "add", "{path}", "--mass", "0.1", "--name", "x"]),
        (bag_file, ["dataset", "{folder}"]),
    ],
    ids=["score", "objects", "dataset"],
)
def test_the_program_says_it_in_lines(kind, words, place, samples, contrary_model, rounds, figures):
    path, _ = kind(place, samples, contrary_model)
    whole = path.read_bytes()
    folder = path.parent.parent if kind is bag_file else path.parent
    command = [sys.executable, "-m", "dr_grasp.cli.main"]
    command += [word.format(path=path, folder=folder) for word in words]
    for number in range(rounds(1)):
        path.write_bytes(mutate(whole, np.random.default_rng([SEED, 1000 + number])))
        done = subprocess.run(command, capture_output=True, check=False, timeout=300)
        assert done.returncode in (0, 1), done.stderr
        for line in done.stderr.decode().splitlines():
            assert line.startswith("dr-grasp: ") and line.isprintable()
        assert b"\x1b" not in done.stdout and b"Traceback" not in done.stdout
    name = "mutated inputs through the program"
    figures[name] = figures.get(name, 0) + rounds(1)
