"""Finds the device on which batches of worlds run, or says in one line what is missing."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from dr_grasp.common.quiet import quiet
from dr_grasp.core.engine import Engine
from dr_grasp.errors import SettingsError

ENGINE = Engine.MUJOCO_WARP.value


def check_available() -> None:
    """Refuse the engine where it cannot run, before any work is done.

    Raises:
        SettingsError: MuJoCo Warp is not installed, or there is no CUDA device.
    """
    find_device(None)


def find_device(name: str | None) -> Any:
    """Find a device of Warp.

    Args:
        name: Warp's name of it, e.g. "cuda:1", or "cpu", which is for tests: it is slower than
            engine mujoco. None for the first CUDA device.

    Raises:
        SettingsError: MuJoCo Warp is not installed, or there is no such device.
    """
    missing = [package for package in ("warp", "mujoco_warp") if find_spec(package) is None]
    if missing:
        raise SettingsError(
            f"engine {ENGINE}: expected the packages of dr_grasp's extra `gpu`, "
            f"without {' and '.join(missing)} it cannot run: pip install -r requirements/gpu.txt"
        )
    import warp as wp

    # Else Warp tells on the standard output of each kernel that it loads.
    wp.config.log_level = max(wp.config.log_level, wp.LOG_WARNING)
    if name is None:
        # Warp's C code says why, once: that there is no driver, or that it is too old.
        with quiet() as written:
            found = wp.is_cuda_available()
            said = " ".join(["", *written().split()])
        if not found:
            raise SettingsError(f"engine {ENGINE}: expected a CUDA device, Warp finds none.{said}")
        return wp.get_device("cuda:0")
    try:
        return wp.get_device(name)
    except (ValueError, RuntimeError) as error:
        known = ", ".join(str(device) for device in wp.get_devices())
        raise SettingsError(
            f"engine {ENGINE}: expected a device of Warp ({known}), got {name!r}"
        ) from error


def device_name() -> str:
    """Name of the CUDA device on which the engine runs, such as "NVIDIA H100 80GB HBM3".

    Raises:
        SettingsError: MuJoCo Warp is not installed, or there is no CUDA device.
    """
    return str(find_device(None).name)


def is_out_of_memory(error: Exception) -> bool:
    """Whether Warp says by an error that a device has no memory left; it has no type for that."""
    return isinstance(error, RuntimeError) and str(error).startswith("Failed to allocate")
