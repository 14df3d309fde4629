"""Each link's mass lies in its own shape, and visual meshes are believed where they are better."""

import numpy as np
import pytest
import trimesh

from dr_grasp.objects.link_masses import weigh_links
from dr_grasp.objects.urdf import read_urdf

ONE = (1.0, 1.0, 1.0)


def link(name, mass=None, collision="", visual="", at="0 0 0"):
    inertial = (
        ""
        if mass is None
        else f'<inertial><origin xyz="{at}"/><mass value="{mass}"/>'
        '<inertia ixx="1" ixy="0" ixz="0" iyy="1" iyz="0" izz="1"/></inertial>'
    )
    shapes = "".join(
        f"<{tag}><geometry>{shape}</geometry></{tag}>"
        for tag, shape in (("collision", collision), ("visual", visual))
        if shape
    )
    return f'<link name="{name}">{inertial}{shapes}</link>'


def fixed(parent, child, at, turn="0 0 0"):
    return (
        f'<joint name="{child}" type="fixed"><origin xyz="{at}" rpy="{turn}"/>'
        f'<parent link="{parent}"/><child link="{child}"/></joint>'
    )


@pytest.fixture
def weigh(tmp_path):
    def weigh(*elements, scale=ONE):
        path = tmp_path / "object.urdf"
        path.write_text(f'<robot name="object">{"".join(elements)}</robot>')
        return weigh_links(read_urdf(path), scale)

    return weigh


HANDLE, HEAD = '<box size="0.03 0.03 0.24"/>', '<box size="0.1 0.03 0.06"/>'


def box_inertia(mass, x, y, z):
    return mass / 12 * np.diag([y * y + z * z, x * x + z * z, x * x + y * y])


def hammer_inertia(light, heavy, apart):
    """A handle along z and a head above it; about their common centre, from the textbook."""
    reduced = light * heavy / (light + heavy) * apart**2
    return (
        box_inertia(light, 0.03, 0.03, 0.24)
        + box_inertia(heavy, 0.1, 0.03, 0.06)
        + np.diag([reduced, reduced, 0])
    )


def test_a_heavy_head_pulls_the_centre_to_it(weigh):
    found = weigh(
        link("handle", 0.05, HANDLE), link("head", 0.45, HEAD), fixed("handle", "head", "0 0 0.15")
    )
    np.testing.assert_allclose(found.center, [0, 0, 0.135], atol=1e-12)
    np.testing.assert_allclose(found.inertia * 0.5, hammer_inertia(0.05, 0.45, 0.15), atol=1e-12)
    assert found.origin == "each link's mass over its own shape"


def test_links_that_overlap_keep_their_masses(weigh):
    found = weigh(
        link("handle", 0.05, HANDLE), link("head", 0.45, HEAD), fixed("handle", "head", "0 0 0.1")
    )
    np.testing.assert_allclose(found.inertia * 0.5, hammer_inertia(0.05, 0.45, 0.1), atol=1e-12)


def test_a_turned_link_and_a_scale_per_axis(weigh):
    # The head's long side lies along y after the turn; y is doubled.
    found = weigh(
        link("handle", 0.05, HANDLE),
        link("head", 0.45, HEAD),
        fixed("handle", "head", "0 0.1 0.15", "0 0 1.5707963267948966"),
        scale=(1.0, 2.0, 1.0),
    )
    np.testing.assert_allclose(found.center, 0.9 * np.array([0, 0.2, 0.15]), atol=1e-9)
    y, z, reduced = 0.2, 0.15, 0.05 * 0.45 / 0.5
    moved = reduced * np.array([[y * y + z * z, 0, 0], [0, z * z, -y * z], [0, -y * z, y * y]])
    own = box_inertia(0.05, 0.03, 0.06, 0.24) + box_inertia(0.45, 0.03, 0.2, 0.06)
    np.testing.assert_allclose(found.inertia * 0.5, own + moved, atol=1e-9)


def test_a_link_without_a_shape_is_a_point_where_its_inertial_is(weigh):
    found = weigh(
        link("box", 0.1, HANDLE), link("lead", 0.3, at="0.02 0 0"), fixed("box", "lead", "0 0 0.1")
    )
    np.testing.assert_allclose(found.center, [0.015, 0, 0.075], atol=1e-12)
    arm, reduced = np.array([0.02, 0, 0.1]), 0.1 * 0.3 / 0.4
    moved = reduced * (arm @ arm * np.eye(3) - np.outer(arm, arm))
    expected = box_inertia(0.1, 0.03, 0.03, 0.24) + moved
    np.testing.assert_allclose(found.inertia * 0.4, expected, atol=1e-12)


def test_a_link_without_a_mass_weighs_nothing(weigh):
    found = weigh(link("handle"), link("head", 0.45, HEAD), fixed("handle", "head", "0 0 0.15"))
    assert found is None  # the head is the whole object
    found = weigh(
        link("handle", None, HANDLE), link("head", 0.45, HEAD), fixed("handle", "head", "0 0 0.15")
    )
    np.testing.assert_allclose(found.center, [0, 0, 0.15], atol=1e-12)


@pytest.mark.parametrize("mass", [None, 0.1])
def test_what_is_one_even_body_is_weighed_with_its_mesh(weigh, mass):
    assert weigh(link("box", mass, HANDLE, HANDLE)) is None
    # A mass in a frame without a shape, and shapes without a mass, are one body.
    assert (
        weigh(link("root", mass), link("box", None, HANDLE), fixed("root", "box", "0 0 1")) is None
    )


@pytest.fixture
def ring(tmp_path):
    """A ring, and its convex hull as coarse collision pieces have it."""
    mesh = trimesh.creation.annulus(0.02, 0.03, 0.05, sections=64)
    mesh.export(tmp_path / "ring.stl")
    return mesh


DISC = '<cylinder radius="0.03" length="0.05"/>'
RING = '<mesh filename="ring.stl"/>'


def test_a_closed_visual_mesh_is_better_than_coarse_collision_shapes(weigh, ring):
    found = weigh(link("world"), link("ring", 0.2, DISC, RING), fixed("world", "ring", "0 0 0"))
    along = 0.5 * 0.2 * (0.02**2 + 0.03**2)
    assert found.inertia[2, 2] * 0.2 == pytest.approx(along, rel=0.01)
    # A disc has 9/5 of the ring's volume, and 9/13 of its inertia along the axis.
    assert found.origin == (
        "from the closed visual mesh; the collision shapes have 80% more volume, a centre 0.0 mm "
        "off and inertia 31% off"
    )


def test_an_open_or_foreign_or_lost_visual_mesh_is_not_believed(weigh, ring, tmp_path):
    foreign = RING.replace("/>", ' scale="2 2 2"/>')
    lost = RING.replace("ring", "lost")
    for visual in (foreign, lost):
        assert weigh(link("ring", 0.2, DISC, visual)) is None
    ring.update_faces(np.arange(len(ring.faces)) > len(ring.faces) // 2)
    ring.export(tmp_path / "ring.stl")
    assert weigh(link("ring", 0.2, DISC, RING)) is None


def test_of_many_links_few_are_named(weigh, ring):
    links = [link(f"l{number}", 0.1, DISC, RING) for number in range(5)]
    joints = [fixed("l0", f"l{number}", f"0 0 {number * 0.05}") for number in range(1, 5)]
    found = weigh(*links, *joints)
    origin = found.origin
    assert origin.startswith("each link's mass over its own shape; l0: from the closed visual mesh")
    assert "l2: " in origin and "l3: " not in origin and origin.endswith("; 2 more")
