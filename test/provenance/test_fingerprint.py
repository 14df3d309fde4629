import dataclasses
import shutil

import numpy as np
import pytest

from dr_grasp.core.metadata import IGNORED_AT_DEFAULT
from dr_grasp.core.perturbation import Criterion
from dr_grasp.formats.grasp_file import read_grasps, write_grasps
from dr_grasp.objects.object_spec import load_object
from dr_grasp.provenance.fingerprint import LENGTH, fingerprint, grasp_fingerprint
from dr_grasp.recording.bag_reader import read_bag
from dr_grasp.recording.bag_writer import BagWriter
from dr_grasp.robots.robot_spec import load_robot
from dr_grasp.scoring.profiles import load_profile

DIFFERENT = [
    *(None, True, 1, 1.0, "1", (), (1,), (1, 2), ((1,), 2), {"a": 1}, {"a": 2}, {"b": 1}),
    *(np.zeros(2), np.zeros((2, 1)), np.ones(2), Criterion.MDR, Criterion.FDR, frozenset({1, 2})),
]


def test_different_values_differ_and_equal_ones_agree():
    prints = [fingerprint(value) for value in DIFFERENT]
    assert len(set(prints)) == len(DIFFERENT)
    assert all(len(one) == LENGTH for one in prints)
    assert prints == [fingerprint(value) for value in DIFFERENT]
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})


def test_what_is_no_data_is_refused():
    with pytest.raises(TypeError, match="expected data, got object"):
        fingerprint([object()])


def test_a_file_counts_by_its_content(tmp_path):
    one, other = tmp_path / "one.obj", tmp_path / "other.obj"
    one.write_text("v 0 0 0")
    shutil.copy(one, other)
    assert fingerprint(one) == fingerprint(other)
    other.write_text("v 0 0 1")
    assert fingerprint(one) != fingerprint(other)


def test_the_folder_of_a_urdfs_meshes_does_not_count(tmp_path):
    one, other = tmp_path / "one.urdf", tmp_path / "other.urdf"
    one.write_text('<robot><mesh filename="/home/ada/hand.stl"/></robot>')
    other.write_text('<robot><mesh filename="/tmp/hand.stl"/></robot>')
    assert fingerprint(one) == fingerprint(other)
    other.write_text('<robot><mesh filename="/tmp/arm.stl"/></robot>')
    assert fingerprint(one) != fingerprint(other)


def test_robots_objects_and_profiles_have_one_that_knows_every_field():
    robot, obj, profile = load_robot("franka"), load_object("mug"), load_profile("default")
    assert fingerprint(robot) != fingerprint(dataclasses.replace(robot, hand_force=29.0))
    assert fingerprint(obj) != fingerprint(dataclasses.replace(obj, mass=obj.mass * 2))
    assert fingerprint(profile) != fingerprint(load_profile("huber2023"))


def test_how_an_arm_is_reached_changes_nothing_of_what_is_simulated():
    robot = load_robot("franka")
    renamed = dataclasses.replace(robot, hardware=None, names={"panda_joint1": "fr3_joint1"})
    assert fingerprint(robot) == fingerprint(renamed)


def test_a_grasps_is_that_of_what_is_executed(samples, tmp_path):
    """Whatever it is called, and wherever it has been kept."""
    grasp = samples.grasp()
    found = grasp_fingerprint(grasp)
    assert grasp_fingerprint(dataclasses.replace(grasp, id="other", provenance={})) == found
    assert grasp_fingerprint(dataclasses.replace(grasp, hold_s=1.5)) != found
    assert grasp_fingerprint(dataclasses.replace(grasp, robot="baxter")) != found
    assert grasp_fingerprint(dataclasses.replace(grasp, object_in_base=samples.pose())) != found
    write_grasps(tmp_path / "grasps.json", [grasp])
    (kept,) = read_grasps(tmp_path / "grasps.json").grasps
    with BagWriter(tmp_path / "bag") as writer:
        writer.write_attempt(samples.attempt(grasp=kept))
    (attempt,) = read_bag(tmp_path / "bag").attempts
    assert grasp_fingerprint(kept) == grasp_fingerprint(attempt.grasp) == found


def test_what_came_later_counts_only_where_it_is_said():
    def older():
        @dataclasses.dataclass
        class Noise:
            std: float

        return Noise(0.1)

    def newer(mean):
        @dataclasses.dataclass
        class Noise:
            std: float
            mean: float = dataclasses.field(default=0.0, metadata={IGNORED_AT_DEFAULT: True})

        return Noise(0.1, mean)

    assert fingerprint(newer(0.0)) == fingerprint(older())
    assert len({fingerprint(newer(mean)) for mean in (0.0, 0.1, 0.2)}) == 3


def test_profiles_have_the_fingerprints_of_version_0_4():
    """Scores name them: with others, older ones would seem to be of another profile."""
    assert fingerprint(load_profile("default")) == "bb2ca377fdcb8861"
