import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dr_grasp.errors import ModelError
from dr_grasp.objects.units import METRES, check_extent, guess_unit


@pytest.mark.parametrize(
    ("extent", "unit"),
    [
        (0.0029, None),
        (0.003, "m"),
        (0.1, "m"),
        (1.0, "m"),
        (1.0001, None),  # a millimetre
        (2.9, None),
        (3.0, "mm"),
        (9.5, "mm"),
        (95.0, "mm"),
        (1000.0, "mm"),
        (1001.0, None),
    ],
)
def test_a_mesh_is_in_metres_or_in_millimetres(extent, unit):
    assert guess_unit(extent) == unit


@given(exponent=st.floats(-4, 5))
def test_a_recognised_unit_gives_something_that_can_be_grasped(exponent):
    extent = 10**exponent
    unit = guess_unit(extent)
    if unit is not None:
        check_extent("it", np.full(3, extent), METRES[unit], "")
    else:
        for unit in ("m", "mm"):
            with pytest.raises(ModelError):
                check_extent("it", np.full(3, extent), METRES[unit], "")


@pytest.mark.parametrize(
    ("extent", "advice"),
    [
        (95.0, "; say mm, millimetres, 0.001"),
        (1.5, "; say cm, centimetres, 0.01"),
        (2000.0, ""),
        (0.001, ""),
    ],
)
def test_what_cannot_be_grasped_is_refused_with_the_unit_that_would_do(extent, advice):
    with pytest.raises(ModelError) as refusal:
        check_extent("it", np.array([extent, 0, 0]), 1.0, "say {unit}, {unit_name}, {scale:g}")
    expected = f"it: {extent:.3g} x 0 x 0 m: expected 0.003 to 1 m along its longest side{advice}"
    assert str(refusal.value) == expected
