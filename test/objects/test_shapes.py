import numpy as np
import pytest
from pydantic import ValidationError

from dr_grasp.errors import SettingsError
from dr_grasp.objects.meshes import prepare_meshes
from dr_grasp.objects.object_settings import ShapeSettings
from dr_grasp.objects.object_spec import load_object, object_details
from dr_grasp.objects.shapes import shape_source


@pytest.mark.parametrize(
    ("shape", "extent", "volume"),
    [
        ({"box": [0.03, 0.04, 0.05]}, [0.03, 0.04, 0.05], 6e-5),
        (
            {"cylinder": {"radius": 0.02, "height": 0.1}},
            [0.04, 0.04, 0.1],
            np.pi * 0.02**2 * 0.1,
        ),
        ({"sphere": {"radius": 0.03}}, [0.06] * 3, 4 / 3 * np.pi * 0.03**3),
    ],
)
def test_a_shape_is_one_convex_piece_about_its_middle(shape, extent, volume):
    settings = ShapeSettings.model_validate(shape)
    prepared = prepare_meshes(shape_source(settings, "it"), 1.0, "auto")
    np.testing.assert_allclose(prepared.facts.extent, extent, rtol=0.01)
    assert prepared.facts.volume == pytest.approx(volume, rel=0.005)
    assert prepared.facts.center == pytest.approx([0, 0, 0], abs=1e-9)
    (points,) = prepared.piece_points()
    assert len(points) <= 128
    np.testing.assert_allclose(np.ptp(points, axis=0), extent, rtol=0.02)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ({}, "expected one of box, cylinder, sphere, got none"),
        ({"box": [1, 1, 1], "sphere": {"radius": 1}}, "got box and sphere"),
        ({"box": [1, 0, 1]}, "greater than 0"),
        ({"box": [1, 1]}, "Field required"),
        ({"cone": {"radius": 1}}, "Extra inputs"),
        ({"cylinder": {"radius": 1}}, "Field required"),
    ],
)
def test_other_shapes_are_refused(shape, message):
    with pytest.raises(ValidationError, match=message):
        ShapeSettings.model_validate(shape)


@pytest.mark.parametrize(
    ("name", "narrow", "rtol"), [("box", 0.035, 1e-9), ("cylinder", 0.036, 0.003)]
)
def test_the_shapes_that_come_along_fit_every_hand(name, narrow, rtol):
    details = object_details(name)
    spec = details.spec
    assert details.mesh_file is None and details.facts.watertight and len(spec.pieces) == 1
    x, y, z = details.facts.extent
    assert min(x, y) == pytest.approx(narrow) and z == pytest.approx(0.12)
    across = {"box": (x**2 + y**2) / 12, "cylinder": x**2 / 8}[name]
    assert spec.inertia[2, 2] == pytest.approx(spec.mass * across, rel=rtol)
    np.testing.assert_allclose(spec.points.min(axis=0), -np.array([x, y, z]) / 2, atol=1e-6)


def test_a_shape_has_no_scale(own):
    (own / "objects").mkdir(parents=True)
    (own / "objects" / "ball.yaml").write_text(
        "description: x\nshape: {sphere: {radius: 30}}\nscale: 0.001\nmass: 1\n"
        "lateral_friction: 1\n"
    )
    with pytest.raises(SettingsError, match="scale: expected none beside shape"):
        load_object("ball")
