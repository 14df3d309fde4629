"""What is asked for: bounds, each with its name."""

import pytest

from dr_grasp.core.adr import Thresholds
from dr_grasp.core.doubt import Doubt
from dr_grasp.core.engine import Engine
from dr_grasp.errors import SettingsError, UnknownNameError
from dr_grasp.margins.request import MarginRequest, doubts_from_names
from dr_grasp.scoring.profiles import load_profile


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": -1}, "seed: expected 0 to 18446744073709551615, got -1"),
        ({"background": 1.5}, "background: expected 0 to 1, got 1.5"),
        ({"background": float("nan")}, "background: expected 0 to 1, got nan"),
        ({"halvings": 0}, "halvings: expected 1 to 12, got 0"),
        ({"rounds": 101}, "rounds: expected 0 to 100, got 101"),
        ({"thresholds": Thresholds(trials=0)}, "trials: expected 1 to 1000, got 0"),
        (
            {"thresholds": Thresholds(0.5, 0.8)},
            "rates: expected 0 < low < high < 1, got 0.8 and 0.5",
        ),
        ({"thresholds": Thresholds(1.0, 0.8)}, "rates: expected 0 < low < high < 1, got 0.8 and 1"),
        ({"doubts": ()}, "parameters: expected at least one, got none"),
        ({"engine": Engine.MUJOCO_WARP}, "engine: expected bullet or mujoco"),
    ],
)
def test_what_is_out_of_bounds_is_named(ask, changes, message):
    engine = changes.pop("engine", Engine.BULLET)
    with pytest.raises(SettingsError) as caught:
        MarginRequest(load_profile("default"), engine, **changes)
    assert message in str(caught.value)


def test_parameters_come_in_one_order(ask):
    assert doubts_from_names(["mass", "x", "mass"]) == (Doubt.X, Doubt.MASS)
    with pytest.raises(UnknownNameError, match="unknown doubt 'weight'"):
        doubts_from_names(["weight"])
    sides = [each.upper for each in ask(doubts=(Doubt.MASS, Doubt.JOINTS)).boundaries]
    assert sides == [True, False, True]  # the joints' error has one side
