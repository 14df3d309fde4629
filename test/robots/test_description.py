"""URDF and SRDF through xacro, and descriptions as cloned."""

import pytest

from dr_grasp.errors import ModelError
from dr_grasp.robots.description import DescriptionSource, read_description
from dr_grasp.robots.robot_model import load_model

XACRO = 'xmlns:xacro="http://www.ros.org/wiki/xacro"'

URDF = (
    '<robot name="r"><link name="base"/><link name="l_tip"/><link name="r_tip"/>'
    '<joint name="j" type="revolute"><parent link="base"/><child link="l_tip"/>'
    '<limit lower="-1" upper="1" velocity="1" effort="1"/></joint>'
    '<joint name="k" type="revolute"><parent link="base"/><child link="r_tip"/>'
    '<limit lower="-1" upper="1" velocity="1" effort="1"/></joint></robot>'
)

TIPS = frozenset({"l_tip", "r_tip"})

MACRO = (
    f'<robot {XACRO} name="r"><xacro:macro name="apart" params="one other">'
    '<disable_collisions link1="${one}_tip" link2="${other}_tip"/></xacro:macro></robot>'
)


@pytest.fixture
def read(tmp_path):
    """Reads a description of which one file or another differs."""

    def read(srdf, file="r.srdf.xacro", urdf=URDF, model=False, **options):
        (tmp_path / "r.urdf").write_text(urdf)
        (tmp_path / file).write_text(srdf)
        source = DescriptionSource("r.urdf", file, folder=tmp_path, **options)
        return load_model(source, ["j", "k"], {}) if model else read_description(source)

    return read


@pytest.mark.parametrize("file", ["r.srdf.xacro", "r.srdf"])
@pytest.mark.parametrize("address", ["http://www.ros.org/wiki/xacro", "http://wiki.ros.org/xacro"])
def test_an_srdf_may_be_a_xacro_whatever_it_is_called(read, tmp_path, file, address):
    (tmp_path / "apart.xacro").write_text(MACRO)
    text = (
        '<robot xmlns:xacro="http://www.ros.org/wiki/xacro" name="r">'
        '<xacro:include filename="apart.xacro"/><xacro:apart one="l" other="r"/></robot>'
    )
    found = read(text.replace("http://www.ros.org/wiki/xacro", address), file)
    assert (found.semantics.disabled, found.semantics.notes) == (frozenset({TIPS}), ())


BY_ARGUMENT = (
    f'<robot {XACRO} name="r"><xacro:arg name="side" default="x"/>'
    '<disable_collisions link1="$(arg side)_tip" link2="r_tip"/></robot>'
)


def test_it_has_the_arguments_of_the_urdf_and_its_own(read):
    assert read(BY_ARGUMENT, arguments={"side": "l", "other": "1"}).semantics.disabled == {TIPS}
    own = {"arguments": {"side": "y"}, "srdf_arguments": {"side": "l"}}
    assert read(BY_ARGUMENT, **own).semantics.disabled == {TIPS}


def test_names_that_the_urdf_lacks_are_notes_of_the_model(read):
    model = read(BY_ARGUMENT, model=True)
    assert model.notes[0] == "r.srdf.xacro: not in the URDF, left out: links x_tip"
    assert TIPS not in model.allowed_collisions


@pytest.mark.parametrize("key", ["link1", "link2"])
def test_an_expression_that_nobody_evaluates_is_refused(read, key):
    pair = {"link1": "r_tip", "link2": "r_tip", key: "${side}_tip"}
    text = " ".join(f'{name}="{value}"' for name, value in pair.items())
    with pytest.raises(ModelError) as caught:
        read(f'<robot name="r"><disable_collisions {text}/></robot>', "r.srdf")
    assert str(caught.value).endswith(
        f"r.srdf: <disable_collisions> {key}: expected a name, got '${{side}}_tip'; is it a xacro "
        "file? Then its name has to end in .xacro"
    )


def test_a_urdf_that_is_a_xacro_is_processed_whatever_it_is_called(read):
    urdf = URDF.replace('name="r">', f'name="r" {XACRO}><xacro:property name="t" value="tip"/>')
    found = read("<robot/>", urdf=urdf.replace("l_tip", "l_${t}"))
    assert [link.get("name") for link in found.root.findall("link")] == ["base", "l_tip", "r_tip"]


def test_a_xacro_that_fails_is_refused_by_its_name(read):
    with pytest.raises(ModelError, match=r"r\.srdf\.xacro: xacro: .*'absent'"):
        read(f'<robot {XACRO} name="r"><group name="${{absent}}"/></robot>')


def test_what_an_srdf_enables_is_checked_though_it_be_a_neighbour(read):
    pair = '<robot name="r"><enable_collisions link1="base" link2="l_tip"/></robot>'
    assert frozenset({"base", "l_tip"}) not in read(pair, model=True).allowed_collisions
    assert frozenset({"base", "r_tip"}) in read(pair, model=True).allowed_collisions


def test_xacro_finds_packages_as_cloned(tmp_path, monkeypatch):
    from ament_index_python import packages

    monkeypatch.delenv("AMENT_PREFIX_PATH", raising=False)
    installed = packages.get_package_share_directory
    arm, hand = tmp_path / "src" / "arms" / "my_arm", tmp_path / "src" / "my_hand-main"
    for folder, name in ((arm, "my_arm"), (hand, "my_hand")):
        (folder / "urdf").mkdir(parents=True)
        (folder / "package.xml").write_text(f"<package><name>{name}</name></package>")
    (hand / "urdf" / "hand.xacro").write_text(f'<robot {XACRO}><link name="hand"/></robot>')
    top = arm / "urdf" / "arm.urdf.xacro"
    include = '<xacro:include filename="$(find {})/urdf/hand.xacro"/>'
    top.write_text(f'<robot {XACRO} name="r">{include.format("my_hand")}</robot>')
    found = read_description(DescriptionSource(str(top)))
    assert [link.get("name") for link in found.root] == ["hand"]
    top.write_text(f'<robot {XACRO} name="r">{include.format("their_hand")}</robot>')
    with pytest.raises(ModelError, match=r"xacro: package their_hand not found in AMENT_PREFIX_P"):
        read_description(DescriptionSource(str(top)))
    assert packages.get_package_share_directory is installed
