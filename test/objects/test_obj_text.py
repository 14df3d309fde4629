"""OBJ files as other programs write them: each form of the same two boxes is the same surface."""

import numpy as np
import pytest
import trimesh

from dr_grasp.errors import ModelError
from dr_grasp.objects.mesh_files import MeshSource, joined
from dr_grasp.objects.meshes import prepare_meshes
from dr_grasp.objects.obj_text import readable_obj

QUADS = ["1 2 4 3", "5 7 8 6", "1 5 6 2", "3 4 8 7", "1 3 7 5", "2 6 8 4"]
"""The sides of a box whose corners are sorted by x, y and z."""


def corners(low, high):
    low, high = np.array(low), np.array(high)
    return [low + (high - low) * [x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)]


FOOT = corners([0, 0, 0], [80, 80, 20])
POST = corners([0, 0, 20], [20, 20, 80])


def blocks(vertex="v {} {} {}", corner="{}", before="", between=""):
    """Each box is a block of vertices and a block of faces, which count back."""
    lines = [before]
    for box in (FOOT, POST):
        lines += [vertex.format(*point) for point in box]
        for quad in QUADS:
            words = [corner.format(int(word) - 9) for word in quad.split()]
            lines.append(" ".join(["f", *words]))
        lines.append(between)
    return "\n".join(lines)


def positive(key="f", first=1, faces_first=False, join=" "):
    """All vertices in one block, and faces with positive indices."""
    vertices = [f"v {x} {y} {z}" for x, y, z in FOOT + POST]
    faces = [
        join.join([key, *(str(int(word) + start + first - 1) for word in quad.split())])
        for start in (0, 8)
        for quad in QUADS
    ]
    return "\n".join(faces + vertices if faces_first else vertices + faces)


def read(text):
    data = text if isinstance(text, bytes) else text.encode()
    return MeshSource("boxes.obj", data, ".obj").read()


@pytest.mark.parametrize(
    "text",
    [
        positive(),
        blocks(),
        blocks(corner="{}//-1", before="vn 0 0 1"),
        blocks(corner="{}/-1/-1", before="vt 0 0\nvn 0 0 1"),
        blocks(corner="{}/-1", before="vt 0 0"),
        blocks(corner="{}//1", before="vn 0 0 1\no boxes\ng all\nusemtl red\ns off"),
        blocks(between="g second\nusemtl blue\ns 1"),
        blocks(between="o second"),
        blocks(vertex="v {} {} {} 0.5 0.25 1"),
        blocks(vertex="v {} {} {} 1"),
        blocks(vertex="  v {} {} {}"),
        blocks(vertex="v\t{}\t{}\t{}"),
        blocks(vertex="v {} {} {} # a corner"),
        blocks().replace("\n", "\r\n"),
        blocks().replace("\n", "\r"),
        "\ufeff" + blocks(),
        blocks().replace(" -3", " \\\n-3"),
        blocks().replace(" -3", "\\\r\n -3"),
        positive(faces_first=True),
        positive(key=" f"),
        positive(key="f\t"),
        positive(join="\\\n"),
        positive().replace("f 1 2 4 3", "f 1 2 4 3 # the first side"),
        "\ufeff" + positive(),
    ],
)
def test_every_form_of_a_file_is_the_same_surface(text):
    surface = joined(read(text))
    surface.merge_vertices()
    np.testing.assert_allclose(surface.bounds, [[0, 0, 0], [80, 80, 80]])
    assert surface.volume == pytest.approx(80 * 80 * 20 + 20 * 20 * 60)
    assert len(surface.faces) == 24 and surface.is_watertight


def test_polygons_become_triangles_where_indices_count_back():
    angles = np.arange(6) * np.pi / 3
    ring = [f"{np.cos(angle)} {np.sin(angle)}" for angle in angles]
    lines = [f"v {xy} {z}" for z in (0, 1) for xy in ring]
    lines += ["f -6 -5 -4 -3 -2 -1", "f -7 -8 -9 -10 -11 -12"]
    for side in range(6):
        a, b = side - 12, (side + 1) % 6 - 12
        lines.append(f"f {a} {b} {b + 6} {a + 6}")
    (prism,) = read("\n".join(lines))
    assert prism.volume == pytest.approx(1.5 * np.sqrt(3))


def test_blocks_that_count_back_have_the_mass_of_both(cache):
    source = MeshSource("foot_and_post.obj", blocks().encode(), ".obj")
    facts = prepare_meshes(source, 0.001, "auto", center=True).facts
    np.testing.assert_allclose(facts.extent, [0.08, 0.08, 0.08])
    assert facts.volume == pytest.approx(152e-6)
    # The foot's 128 cm3 lie 30 mm below the middle, the post's 24 cm3 10 mm above and beside it.
    beside = 24 * -30 / 152 * 1e-3
    below = (128 * -30 + 24 * 10) / 152 * 1e-3
    np.testing.assert_allclose(facts.center, [beside, beside, below], atol=1e-9)


def test_what_trimesh_reads_right_is_left_alone():
    for text in (positive(), trimesh.creation.icosphere().export(file_type="obj")):
        assert readable_obj(text.encode()) == text.encode()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (positive(first=0), "line 17: expected a face of vertices from 1 up.*, got '0'"),
        (blocks().replace("f -8", "f -9"), "line 10: .*, or from -1 to -8, got '-9'"),
        (blocks() + "f 1 2 17", "line 31: expected faces of the file's 16 vertices, got 17"),
        (blocks() + "f -1 x -2", "line 31: expected a face of vertices .*, got 'x'"),
        (blocks().replace("-8 ", "-8 \\\n") + "f -1 x -2", "line 37: .*got 'x'"),
        (blocks() + "f -1 1e400 -2", "got '1e400'"),
        (blocks() + f"f -1 {'9' * 5000} -2", "got '9999"),
    ],
)
def test_faces_of_vertices_that_there_are_not_are_refused_by_line(text, message):
    with pytest.raises(ModelError, match="boxes.obj: .*" + message) as refusal:
        read(text)
    assert len(str(refusal.value)) < 200
