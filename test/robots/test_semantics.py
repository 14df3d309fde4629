"""What SRDFs say: pairs that may touch, defaults, names that fit nothing."""

from xml.etree import ElementTree

import pytest

from dr_grasp.robots.semantics import Semantics, read_semantics

LINKS = {"a", "b", "c"}
JOINTS = {"j", "k"}


def read(inside):
    root = ElementTree.fromstring(f'<robot name="r">{inside}</robot>')
    return read_semantics("r.srdf", root, LINKS, JOINTS)


def pairs(*texts):
    return frozenset(frozenset(text) for text in texts)


def test_pairs_that_are_not_checked():
    found = read(
        '<disable_collisions link1="a" link2="b" reason="Never"/>'
        '<disable_collisions link1="c" link2="b"/>'
    )
    assert found == Semantics(pairs("ab", "bc"))


def test_a_link_may_touch_all_others_but_those_that_are_named():
    # srdfdom 2.0.4: https://github.com/moveit/srdfdom/issues/97
    found = read(
        '<disable_default_collisions link="a"/><enable_collisions link1="c" link2="a"/>'
        '<enable_collisions link1="b" link2="c"/>'
    )
    assert found == Semantics(pairs("ab"), pairs("ac", "bc"))


def test_a_pair_that_is_disabled_by_name_stays_so():
    both = '<enable_collisions link1="a" link2="b"/><disable_collisions link1="a" link2="b"/>'
    assert read(both) == Semantics(pairs("ab"))


@pytest.mark.parametrize(
    ("inside", "named"),
    [
        ('<disable_collisions link1="a" link2="x"/>', "links x"),
        ('<enable_collisions link1="x" link2="a"/>', "links x"),
        ('<disable_default_collisions link="x"/>', "links x"),
        ('<group name="g"><link name="x"/><joint name="y"/></group>', "links x; joints y"),
        ('<group name="g"><chain base_link="x" tip_link="y"/></group>', "links x, y"),
        ('<end_effector name="e" parent_link="x" group="g"/>', "links x"),
        ('<virtual_joint name="v" child_link="x" parent_frame="world"/>', "links x"),
        ('<group_state name="s" group="g"><joint name="y" value="0"/></group_state>', "joints y"),
        ('<passive_joint name="y"/>', "joints y"),
        ('<joint_property joint_name="y" property_name="p" value="1"/>', "joints y"),
        ('<link_sphere_approximation link="x"/>', "links x"),
    ],
)
def test_names_that_fit_nothing_are_said_in_a_line(inside, named):
    assert read(inside) == Semantics(notes=(f"r.srdf: not in the URDF, left out: {named}",))


def test_what_fits_is_not_spoken_of():
    found = read(
        '<group name="g"><link name="a"/><joint name="j"/><joint name="v"/><group name="h"/>'
        '<chain base_link="a" tip_link="c"/></group>'
        '<virtual_joint name="v" child_link="a" parent_frame="world" type="fixed"/>'
        '<group_state name="s" group="g"><joint name="v" value="0"/></group_state>'
        '<passive_joint name="v"/><gripper name="other"><link name="of another tool"/></gripper>'
    )
    assert found == Semantics()


def test_the_line_has_a_bounded_length():
    found = read("".join(f'<passive_joint name="y{index:03}"/>' for index in range(500)))
    (note,) = found.notes
    assert note.endswith(
        "joints y000, y001, y002, y003, y004, y005, y006, y007, y008, y009 and 490 more"
    )


def test_links_get_the_names_used_here():
    found = Semantics(pairs("ab"), pairs("bc"), ("n",)).renamed({"a": "base"})
    assert found == Semantics(frozenset({frozenset({"base", "b"})}), pairs("bc"), ("n",))
