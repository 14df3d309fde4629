import re
from importlib.metadata import version

import pytest

from dr_grasp.core.engine import Engine
from dr_grasp.errors import UnknownNameError


def test_engines_are_found_by_the_names_that_users_write():
    assert [Engine.from_name(engine.value) for engine in Engine] == list(Engine)
    message = "unknown engine 'Bullet'; expected one of bullet, mujoco, mujoco-warp"
    with pytest.raises(UnknownNameError, match=re.escape(message)):
        Engine.from_name("Bullet")


def test_each_has_the_package_whose_version_scores_carry():
    packages = {engine: engine.package for engine in Engine}
    assert packages == {
        Engine.BULLET: "pybullet",
        Engine.MUJOCO: "mujoco",
        Engine.MUJOCO_WARP: "mujoco-warp",
    }
    assert version(packages[Engine.BULLET]) and version(packages[Engine.MUJOCO])
