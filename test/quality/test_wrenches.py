"""Wrenches and their sets, against values computed by hand and against independent conditions."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize, nnls
from scipy.spatial.transform import Rotation

from dr_grasp.core.arrays import frozen
from dr_grasp.quality.wrench_set import distance, epsilon, is_flat, volume
from dr_grasp.quality.wrenches import (
    CONE_EDGES,
    SAME_PLACE_M,
    ContactPoints,
    primitive_wrenches,
)

FRICTION = 0.3
TORSION_M = 0.002
REACH_M = 0.03
RADIUS_M = 0.05
INSIDE = np.cos(np.pi / CONE_EDGES)
"""How much less than a cone of friction a pyramid inside it resists, at most."""


def pressed(directions, friction=FRICTION, torsion_m=0.0):
    """An object pressed towards its centre of mass from places at the same distance."""
    outwards = np.array(directions, float)
    outwards /= np.linalg.norm(outwards, axis=1, keepdims=True)
    center = np.array([0.01, -0.02, 0.005])
    return ContactPoints(
        points=frozen(center + REACH_M * outwards),
        inward=frozen(-outwards),
        friction=friction,
        torsional_friction_m=torsion_m,
        center_of_mass=frozen(center),
        radius_m=RADIUS_M,
    )


def turned(contacts, rotation):
    center = rotation.apply(contacts.center_of_mass)
    return replace(
        contacts,
        points=frozen(rotation.apply(contacts.points)),
        inward=frozen(rotation.apply(contacts.inward)),
        center_of_mass=frozen(center),
    )


PINCH = [[1, 0, 0], [-1, 0, 0]]
TRIPOD = [[np.cos(angle), np.sin(angle), 0] for angle in np.radians([0, 120, 240])]
CUBE = [*np.eye(3), *-np.eye(3)]


def test_of_no_contact_and_of_one():
    assert primitive_wrenches(
        replace(pressed(PINCH), points=frozen(np.zeros((0, 3))), inward=frozen(np.zeros((0, 3))))
    ).shape == (0, 6)
    assert epsilon(np.zeros((0, 6))) == volume(np.zeros((0, 6))) == 0.0
    assert epsilon(primitive_wrenches(pressed([[1, 0, 0]], torsion_m=TORSION_M))) == 0.0


def test_a_wrench_is_a_force_and_its_torque_about_the_centre_of_mass():
    """A contact at x, pressing along -y, with an arm of `REACH_M`."""
    contact = replace(pressed([[1, 0, 0]], torsion_m=TORSION_M), inward=frozen([[0, -1, 0]]))
    wrenches = primitive_wrenches(contact)
    assert len(wrenches) == CONE_EDGES + 2
    np.testing.assert_allclose(wrenches[:, 1], -1.0)
    sliding = np.linalg.norm(wrenches[:, [0, 2]], axis=1)
    np.testing.assert_allclose(sorted(sliding), [0.0] * 2 + [FRICTION] * CONE_EDGES, atol=1e-12)
    lever, slides = REACH_M / RADIUS_M, sliding > 0.0
    np.testing.assert_allclose(wrenches[:, 5], -lever)  # of the normal force, about z
    np.testing.assert_allclose(wrenches[slides, 4], -lever * wrenches[slides, 2], atol=1e-12)
    # The turning torque is about the normal, and alone.
    turns = wrenches[~slides, 4]
    np.testing.assert_allclose(turns, [-TORSION_M / RADIUS_M, TORSION_M / RADIUS_M])
    np.testing.assert_array_equal(wrenches[:, 3], 0.0)


@pytest.mark.parametrize("friction", [0.0, FRICTION])
def test_two_hard_fingers_cannot_resist_a_torque_about_their_line(friction):
    wrenches = primitive_wrenches(pressed(PINCH, friction))
    assert is_flat(wrenches)
    assert epsilon(wrenches) == volume(wrenches) == 0.0
    assert distance(wrenches) == pytest.approx(0.0, abs=1e-6)


def test_two_soft_fingers():
    """The weakest wrench is a torque, about the line as far as turning and sliding resist alike.

    Along a torque of (cos a, sin a) about the line and across it, friction resists
    max(turning cos a, sliding lever sin a); a has the smallest of these maxima.
    """
    turning = TORSION_M / RADIUS_M
    sliding = INSIDE * FRICTION * REACH_M / RADIUS_M
    expected = turning * sliding / np.hypot(turning, sliding)
    assert epsilon(primitive_wrenches(pressed(PINCH, torsion_m=TORSION_M))) == pytest.approx(
        expected, rel=1e-6
    )


def weakest(contacts, starts):
    """The wrench that is resisted least, sought from random directions, with round cones.

    In direction u, contact i resists its normal force's share, and by friction the larger of what
    sliding and what turning give.
    """
    arms = (contacts.points - contacts.center_of_mass) / contacts.radius_m
    normals = np.hstack([contacts.inward, np.cross(arms, contacts.inward)])
    # Of a force f at an arm r, u resists f (u_force + u_torque x r).
    crosses = np.stack([np.cross(np.eye(3), arm).T for arm in arms])
    turning = contacts.torsional_friction_m / contacts.radius_m

    def resisted(u):
        felt = u[:3] + crosses @ u[3:]
        along = (felt * contacts.inward).sum(axis=1)
        sliding = np.linalg.norm(felt - along[:, None] * contacts.inward, axis=1)
        spinning = np.abs(contacts.inward @ u[3:])
        shares = normals @ u
        return np.concatenate([shares + contacts.friction * sliding, shares + turning * spinning])

    def least_from(start):
        found = minimize(
            lambda x: x[6],
            np.append(start, resisted(start).max()),
            constraints=[
                {"type": "ineq", "fun": lambda x: x[6] - resisted(x[:6])},
                {"type": "eq", "fun": lambda x: x[:6] @ x[:6] - 1.0},
            ],
            method="SLSQP",
        )
        return resisted(found.x[:6] / np.linalg.norm(found.x[:6])).max()

    directions = np.random.default_rng(3).normal(size=(starts, 6))
    return min(least_from(start / np.linalg.norm(start)) for start in directions)


@pytest.mark.parametrize(
    ("directions", "torsion_m"),
    [(TRIPOD, 0.0), (TRIPOD, TORSION_M), (CUBE, 0.0), ([[1, 0, 0.2], [-1, 0.1, 0]], TORSION_M)],
    ids=["hard tripod", "soft tripod", "cube", "pinch"],
)
def test_epsilon_is_the_least_that_is_resisted_in_any_direction(directions, torsion_m):
    contacts, edges = pressed(directions, torsion_m=torsion_m), 16
    found, least = epsilon(primitive_wrenches(contacts, edges)), weakest(contacts, 20)
    assert least * np.cos(np.pi / edges) - 1e-6 <= found <= least + 1e-6
    assert found > 1e-3


def test_a_tripod_of_hard_fingers():
    """It is weakest against a torque in its plane, along the arm of one finger.

    That finger resists nothing of it, and the others lever sin(60 degrees) each, if not a force
    in the plane makes all three resist the mean of that: lever / sqrt(3). Such a force has a part
    of the wrench itself, so a little less is left for the torque.
    """
    lever = FRICTION * REACH_M / RADIUS_M
    found = epsilon(primitive_wrenches(pressed(TRIPOD), 16))
    assert found == pytest.approx(lever / np.sqrt(3.0), rel=lever**2)


def test_a_tripod_without_friction_lies_in_a_plane():
    assert epsilon(primitive_wrenches(pressed(TRIPOD, friction=0.0))) == 0.0


@pytest.mark.parametrize("edges", [CONE_EDGES, 16])
def test_a_cube_pressed_on_its_six_faces(edges):
    """It is weakest against a torque about a diagonal, of which each face resists sqrt(2/3)."""
    contacts = pressed(CUBE)
    expected = FRICTION * REACH_M / RADIUS_M * np.sqrt(2.0 / 3.0)
    found = epsilon(primitive_wrenches(contacts, edges))
    assert expected * np.cos(np.pi / edges) - 1e-9 <= found <= expected + 1e-9


def test_known_sets():
    """The cross polytope of six dimensions: all unit vectors and their opposites."""
    corners = np.vstack([np.eye(6), -np.eye(6)])
    assert epsilon(corners) == pytest.approx(1.0 / np.sqrt(6.0))
    assert volume(corners) == pytest.approx(2.0**6 / 720.0)
    aside = corners + np.array([0.5, 0, 0, 0, 0, 0])
    # Its facets are planes |x| + |y| + ... = 1, of which it is moved half way to some.
    assert epsilon(aside) == pytest.approx(0.5 / np.sqrt(6.0))
    away = corners + np.array([3.0, 0, 0, 0, 0, 0])
    assert epsilon(away) == 0.0 and distance(away) == pytest.approx(2.0, abs=1e-6)
    assert volume(away) == pytest.approx(volume(corners))
    flat = corners * [1, 1, 1, 1, 1, 0]
    assert is_flat(flat) and epsilon(flat) == volume(flat) == 0.0
    thin = corners * [1, 1, 1, 1, 1, 1e-3]
    assert epsilon(thin) == pytest.approx(1e-3, rel=1e-5)


@pytest.fixture(scope="module")
def contacts():
    """Some contacts at random, of which some hold."""
    rng = np.random.default_rng(0)
    return [
        pressed(rng.normal(size=(3, 3)), rng.uniform(0.2, 1.0), torsion_m=TORSION_M)
        for _ in range(12)
    ]


def test_the_hull_and_the_qp_agree_on_what_can_be_resisted(contacts):
    held = []
    for some in contacts:
        wrenches = primitive_wrenches(some)
        away = distance(wrenches)
        held.append(epsilon(wrenches) > 0.0)
        assert held[-1] is (away < 1e-6)
    assert 3 <= sum(held) <= 9


def test_the_qp_finds_the_nearest_point():
    """Against non-negative least squares, in which weights hardly may add up to less than 1."""
    rng, heavy = np.random.default_rng(1), 1e4
    for _ in range(5):
        points = rng.normal(size=(30, 6)) + 2.0 * rng.normal(size=6)
        weights, _ = nnls(np.vstack([points.T, np.full(30, heavy)]), np.append(np.zeros(6), heavy))
        assert distance(points) == pytest.approx(np.linalg.norm(weights @ points), abs=1e-5)
        assert distance(points - points.mean(axis=0)) == pytest.approx(0.0, abs=1e-6)


def test_no_direction_is_weaker_than_epsilon(contacts):
    rng = np.random.default_rng(2)
    directions = rng.normal(size=(20_000, 6))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    for some in contacts:
        wrenches = primitive_wrenches(some)
        resisted = (wrenches @ directions.T).max(axis=0).min()
        assert epsilon(wrenches) <= max(0.0, resisted)


def test_metrics_do_not_depend_on_the_frame(contacts):
    """But for the edges of the pyramids, which stand otherwise in another frame."""
    quarter = Rotation.from_euler("z", 90, degrees=True)
    other = Rotation.from_rotvec([0.3, -0.8, 0.5])
    for some in contacts:
        before = epsilon(primitive_wrenches(some, 16))
        assert epsilon(primitive_wrenches(turned(some, other), 16)) == pytest.approx(
            before, rel=2 * (1 - np.cos(np.pi / 16)), abs=2e-3
        )
    tripod = pressed(TRIPOD, torsion_m=TORSION_M)
    for measured in (epsilon, volume):
        assert measured(primitive_wrenches(turned(tripod, quarter))) == pytest.approx(
            measured(primitive_wrenches(tripod)), rel=1e-6
        )


def test_metrics_do_not_depend_on_the_scale(contacts):
    some = contacts[0]
    larger = replace(
        some,
        points=frozen(3.0 * some.points),
        center_of_mass=frozen(3.0 * some.center_of_mass),
        torsional_friction_m=3.0 * some.torsional_friction_m,
        radius_m=3.0 * some.radius_m,
    )
    for measured in (epsilon, volume):
        assert measured(primitive_wrenches(larger)) == pytest.approx(
            measured(primitive_wrenches(some)), rel=1e-6
        )


def test_more_friction_resists_more(contacts):
    for some in contacts:
        sets = [
            primitive_wrenches(replace(some, friction=friction)) for friction in (0.2, 0.5, 1.0)
        ]
        for measured in (epsilon, volume):
            values = [measured(wrenches) for wrenches in sets]
            assert values == sorted(values)


def test_points_of_one_place_count_once():
    contacts = pressed([*TRIPOD, *TRIPOD], torsion_m=TORSION_M)
    near = np.array(contacts.points)
    near[3:, 2] += 0.9 * SAME_PLACE_M
    once = primitive_wrenches(pressed(TRIPOD, torsion_m=TORSION_M))
    np.testing.assert_array_equal(primitive_wrenches(replace(contacts, points=frozen(near))), once)
    near[3:, 2] += 0.2 * SAME_PLACE_M
    assert len(primitive_wrenches(replace(contacts, points=frozen(near)))) == 2 * len(once)
    # An edge is pressed from two sides at the same place.
    edge = replace(contacts, inward=frozen(np.roll(contacts.inward, 1, axis=1)))
    both = replace(
        contacts,
        inward=frozen(np.vstack([contacts.inward[:3], edge.inward[:3]])),
    )
    assert len(primitive_wrenches(both)) == 2 * len(once)
