"""Meshes are read back as they were written."""

import numpy as np
import trimesh
from hypothesis import given
from hypothesis import strategies as st

from dr_grasp.objects.mesh_files import MeshSource, as_obj, joined

coordinates = st.floats(-1e6, 1e6)
parts_of_files = st.lists(
    st.lists(st.tuples(*[coordinates] * 3), min_size=3, max_size=8).map(
        lambda points: trimesh.Trimesh(
            points,
            # Every vertex is used, as others are not read.
            [[i, i + 1, i + 2] for i in range(len(points) - 2)],
            process=False,
        )
    ),
    min_size=1,
    max_size=4,
)


@given(parts=parts_of_files)
def test_what_is_written_as_obj_is_read_to_the_last_bit_and_last_part_first(parts):
    read = MeshSource("it", as_obj(parts), ".obj").read()
    assert len(read) == len(parts)
    for part, again in zip(parts, reversed(read), strict=True):
        np.testing.assert_array_equal(again.vertices, part.vertices)
        np.testing.assert_array_equal(again.faces, part.faces)


@given(parts=parts_of_files)
def test_joined_parts_have_the_triangles_of_all(parts):
    expected = np.concatenate([part.triangles for part in parts])
    np.testing.assert_array_equal(joined(parts).triangles, expected)
