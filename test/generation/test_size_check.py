"""Poses for an object of another size or in another frame are told, and right ones are not."""

import re
from dataclasses import replace

import numpy as np
import pytest
import trimesh

from dr_grasp.core.arrays import frozen
from dr_grasp.core.geometry import Pose
from dr_grasp.errors import FileFormatError
from dr_grasp.generation.importers import GraspPoses
from dr_grasp.generation.size_check import SCALE_TOLERANCE, GripCheck, check_scale, where_from
from dr_grasp.objects.object_spec import object_details

DOWN = [1.0, 0.0, 0.0, 0.0]  # the jaws close along -y of the object


def poses(object_file="meshes/Can/can.obj", object_scale=0.00025):
    return GraspPoses("can.h5", "grip", Pose.identity(), object_file, object_scale, (), ())


@pytest.fixture(scope="module")
def can():
    """A built-in object, as if it had been added from can.obj in millimetres."""
    return replace(object_details("cylinder"), source="can.obj", scale=(0.001,) * 3)


@pytest.mark.parametrize("scale", [0.001, 0.001 * (1 + 0.9 * SCALE_TOLERANCE), None])
@pytest.mark.parametrize("file", ["can.obj", "C:\\data\\can.stl", "/a/other.obj", None])
def test_the_same_scale_or_no_scale_is_right(can, scale, file):
    check_scale(poses(file, scale), can)


@pytest.mark.parametrize("file", ["other.obj", None])
def test_the_scale_of_another_mesh_says_nothing(can, file):
    check_scale(poses(file), can)
    check_scale(poses(), replace(can, source=None))


@pytest.mark.parametrize(
    ("expected", "factor"), [(0.00025, "4 times too large"), (0.002, "2 times too small")]
)
@pytest.mark.parametrize("file", ["can.obj", "meshes/Can/can.obj", "x\\can.glb"])
def test_another_scale_of_the_same_mesh_is_refused_with_the_right_command(
    can, expected, factor, file
):
    with pytest.raises(FileFormatError) as caught:
        check_scale(poses(file, expected), can)
    message = str(caught.value)
    assert f"for can.obj with a scale of {expected:g}, and cylinder has 0.001: " in message
    assert f"cylinder is {factor}; set scale: {expected:g} in " in message
    command = f"dr-grasp objects add can.obj --scale {expected:g} --mass {can.spec.mass:g}"
    assert f"{command} --name cylinder --force; " in message
    assert message.endswith("say --same-size")


def test_a_scale_that_differs_along_one_axis_is_refused(can):
    with pytest.raises(FileFormatError, match="along x, y and z cylinder has 4, 4, 8 times the"):
        check_scale(poses(), replace(can, scale=(0.001, 0.001, 0.002)))


def test_where_an_object_is_from_is_one_factor_or_three(can):
    assert where_from(can) == "made of can.obj times 0.001"
    assert where_from(replace(can, scale=(1.0, 2.0, 1.0))) == "made of can.obj times 1, 2, 1"
    assert where_from(replace(can, source=None, mesh_file=None)) == "a plain shape"


@pytest.fixture(scope="module")
def box(can):
    """A box of 10 x 4 x 6 cm about its origin."""
    corners = trimesh.creation.box([0.10, 0.04, 0.06]).vertices
    return replace(can.spec, points=frozen(corners), pieces=(), mesh_origin=frozen([0, 0, 0]))


# The Franka's jaws open 80 mm wide, 40 mm to each side, and reach 9.5 mm.
@pytest.mark.parametrize(
    ("place", "distance_m"),
    [
        ([0, 0, 0], 0.0),
        ([0, 0, 0.03], 0.0),
        ([0, 0, 0.05], 0.02),
        ([0.09, 0, 0], 0.04),
        ([0, 0.05, 0], 0.0),  # beside the middle, but between the jaws
        ([0, 0.08, 0], 0.02),  # 60 mm off its side, of which the jaws open over 40
        ([0, 0, -0.0390], 0.009),
        ([0, 0, -0.0399], 0.0099),
    ],
)
def test_the_distance_is_from_the_line_between_the_jaws_to_the_hull(franka, box, place, distance_m):
    check = GripCheck(box, franka.synergies)
    grip = Pose(frozen(place), frozen(DOWN))
    assert check.fits(grip) is (distance_m <= 0.0095)
    if distance_m > 0.0095:
        assert f"within their reach of 0.0095 m, got its hull {distance_m:.3g} m away: " in (
            check.reason(grip)
        )


# Jaws that open 80 mm, inside a box by more than their reach: from 99 mm on they may be.
@pytest.mark.parametrize(
    ("width_m", "place", "fits"),
    [
        (0.098, [0, 0, 0], True),
        (0.100, [0, 0, 0], False),
        (0.100, [0, 0.02, 0], True),  # one jaw is outside
        (0.300, [0, 0.09, 0], False),
        (0.300, [0, 0.12, 0], True),
        (0.300, [0, 0, 0.1], True),  # above all of it but the rim
    ],
)
def test_both_open_jaws_cannot_be_inside_the_object(can, franka, tmp_path, width_m, place, fits):
    mesh = trimesh.creation.box([0.3, width_m, 0.2])
    mesh.export(tmp_path / "piece.obj")
    item = replace(
        can.spec, points=frozen(mesh.vertices), pieces=(tmp_path / "piece.obj",),
        mesh_origin=frozen([0, 0, 0]),
    )  # fmt: skip
    check = GripCheck(item, franka.synergies)
    grip = Pose(frozen(place), frozen(DOWN))
    assert check.fits(grip) is fits
    if not fits:
        assert check.reason(grip).endswith("got both jaws inside it: wrong scale or frame")


def test_what_is_too_large_for_the_grips_in_it_is_guessed(can, franka, tmp_path):
    mesh = trimesh.creation.box([0.3, 0.3, 0.4])
    mesh.export(tmp_path / "piece.obj")
    item = replace(
        can.spec, points=frozen(mesh.vertices), pieces=(tmp_path / "piece.obj",),
        mesh_origin=frozen([0, 0, -0.2]),
    )  # fmt: skip
    # For a quarter of the box, 75 mm wide and 100 mm high, on its mesh's origin.
    grips = [Pose(frozen([0, 0, -0.2 + z]), frozen(DOWN)) for z in np.linspace(0.05, 0.1, 20)]
    check = GripCheck(item, franka.synergies)
    assert not any(map(check.fits, grips))
    guess = check.guess(grips)
    low, high = map(
        float, re.fullmatch(r"they would fit an object (.*) to (.*) times as large", guess).groups()
    )
    assert 0.15 < low <= 0.25 <= high < 0.45


def on_top(size_m, offset=(0.0, 0.0, 0.0)):
    """Grips from above at the rim of the box's top, as large as `size_m` times the box."""
    xs = np.linspace(-0.05, 0.05, 21)
    return [Pose(frozen(np.array([x, 0.0, 0.03]) * size_m + offset), frozen(DOWN)) for x in xs]


@pytest.mark.parametrize("size", [0.01, 4.0, 1000 / 25.4])
def test_the_guess_holds_the_right_size(franka, box, size):
    check = GripCheck(box, franka.synergies)
    guess = check.guess(on_top(size))
    if size < 1:  # near the origin, about which every size has its middle
        assert guess == "they may be in another frame, or for another mesh"
    else:
        least = float(
            re.fullmatch(r"they would fit an object at least (.*) times as large", guess)[1]
        )
        assert 0.5 * size <= least <= size


def test_a_guess_about_another_frame_names_no_size(franka, box):
    check = GripCheck(box, franka.synergies)
    low = replace(box, mesh_origin=frozen([0, 0, -1.0]))
    spread = on_top(1.0, (0.5, 0, 0)) + on_top(1.0, (-0.5, 0.7, 0.2)) + on_top(1, (0, -0.9, -0.8))
    assert "in another frame or for another mesh" in GripCheck(low, franka.synergies).guess(spread)
    few = on_top(4.0)[:3]
    assert check.guess(few) == "they may be in another frame, or for an object of another size"
