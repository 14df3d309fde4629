"""Worlds of MuJoCo Warp on the CPU: few, since each step of each takes milliseconds there."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def warp():
    """Warp, which compiles in half the time where it does not optimise."""
    reason = "MuJoCo Warp is not installed: pip install -r requirements/gpu.txt"
    wp = pytest.importorskip("warp", reason=reason)
    pytest.importorskip("mujoco_warp", reason=reason)
    usual, wp.config.optimization_level = wp.config.optimization_level, 0
    yield wp
    wp.config.optimization_level = usual
