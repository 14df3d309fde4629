"""What PyBullet refuses is said in one line, in its own words, and not on the terminal."""

from dataclasses import replace
from xml.etree import ElementTree

import pybullet as p
import pytest

from dr_grasp.errors import ModelError
from dr_grasp.objects.object_spec import load_object
from dr_grasp.simulation.bullet import kinematics
from dr_grasp.simulation.bullet.kinematics import RobotWorld
from dr_grasp.simulation.bullet.loading import load_urdf
from dr_grasp.simulation.bullet.table_world import TableWorld


@pytest.fixture
def client():
    number = p.connect(p.DIRECT)
    yield number
    p.disconnect(number)


def test_a_refusal_has_the_name_the_file_and_what_pybullet_said(client, tmp_path, capfd):
    mesh = '<collision><geometry><mesh filename="absent.stl"/></geometry></collision>'
    file = tmp_path / "r.urdf"
    file.write_text(f'<robot name="r"><link name="arm">{mesh}</link></robot>')
    with pytest.raises(ModelError) as caught:
        load_urdf("robot r:", file, physicsClientId=client)
    message = str(caught.value)
    assert message.startswith(f"robot r: {file}: PyBullet refuses: Cannot load URDF file. ")
    assert "cannot find 'absent.stl' in any directory" in message
    assert "b3" not in message and "\\n" not in message
    assert capfd.readouterr() == ("", "")


def test_a_robot_that_pybullet_refuses(franka, tmp_path):
    model = replace(franka.model, urdf=tmp_path / "absent.urdf")
    with pytest.raises(
        ModelError,
        match=r"^robot franka: package://.*panda\.urdf, prepared as .*absent.urdf: PyBullet",
    ):
        RobotWorld(replace(franka, model=model), load_object("box"))


def test_an_object_that_pybullet_refuses(franka, tmp_path):
    broken = tmp_path / "piece.xyz"
    broken.touch()
    box = replace(load_object("box"), pieces=(broken,))
    with pytest.raises(ModelError, match=r"^object box: .*object\.urdf: PyBullet refuses: Cannot"):
        TableWorld(franka, box)


def test_a_robot_with_more_joints_than_pybullet_tells_of(franka, monkeypatch):
    count = len(ElementTree.parse(franka.model.urdf).getroot().findall("joint"))
    box = load_object("box")
    monkeypatch.setattr(kinematics, "MOST_JOINTS", count - 1)
    with pytest.raises(
        ModelError, match=rf"franka: .*: expected at most {count - 1} joints.* got {count}$"
    ):
        RobotWorld(franka, box)
    monkeypatch.setattr(kinematics, "MOST_JOINTS", count)
    RobotWorld(franka, box).close()
