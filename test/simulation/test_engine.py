"""Which engines simulate one rollout at a time, and what is said of each."""

import re
import sys
from types import ModuleType, SimpleNamespace

import pytest

from dr_grasp import simulation
from dr_grasp.core.engine import Engine
from dr_grasp.errors import SettingsError
from dr_grasp.objects.object_spec import load_object
from dr_grasp.simulation import engine as engines
from dr_grasp.simulation.mujoco import model
from dr_grasp.simulation.mujoco.table_world import MujocoTableWorld

SINGLE = "engine: expected bullet or mujoco, which simulate one rollout at a time, got mujoco-warp"


def test_an_engine_of_batches_has_no_single_worlds():
    for engine in (Engine.BULLET, Engine.MUJOCO):
        engines.check_single(engine)
    with pytest.raises(SettingsError, match=re.escape(SINGLE)):
        engines.check_single(Engine.MUJOCO_WARP)
    with pytest.raises(SettingsError, match=re.escape(SINGLE)):
        engines.open_world(Engine.MUJOCO_WARP, None, None)


def test_only_the_engine_on_a_gpu_has_to_be_looked_for(monkeypatch):
    asked = []
    warp = ModuleType("dr_grasp.simulation.warp")
    warp.device = SimpleNamespace(check_available=lambda: asked.append("device"))
    monkeypatch.setitem(sys.modules, warp.__name__, warp)
    monkeypatch.setattr(simulation, "warp", warp, raising=False)
    for engine in Engine:
        engines.check_available(engine)
    assert asked == ["device"]


def test_settings_are_said_of_all_but_bullet():
    assert engines.engine_settings(Engine.BULLET) is None
    for engine in (Engine.MUJOCO, Engine.MUJOCO_WARP):
        assert engines.engine_settings(engine).gripper.timestep_s > 0


def test_only_the_engine_on_a_gpu_has_one(monkeypatch):
    warp = ModuleType("dr_grasp.simulation.warp")
    warp.device = SimpleNamespace(device_name=lambda: "A card")
    monkeypatch.setitem(sys.modules, warp.__name__, warp)
    monkeypatch.setattr(simulation, "warp", warp, raising=False)
    found = {engine: engines.engine_gpu(engine) for engine in Engine}
    assert found == {Engine.BULLET: None, Engine.MUJOCO: None, Engine.MUJOCO_WARP: "A card"}


def test_an_old_mujoco_is_refused_in_one_line(franka, monkeypatch):
    table = MujocoTableWorld(franka, load_object("procedural_000"))
    table.close()
    monkeypatch.setattr(model.mujoco, "mjtIntegrator", SimpleNamespace(mjINT_EULER=0))
    with pytest.raises(SettingsError, match="mujoco: expected a version with integrator discrete"):
        MujocoTableWorld(franka, table.object)


def test_the_version_is_that_of_the_package():
    assert engines.engine_version(Engine.BULLET).startswith("pybullet 3.")
    assert re.fullmatch(r"mujoco [34]\..*", engines.engine_version(Engine.MUJOCO))
