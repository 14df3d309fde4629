"""Where the engine cannot run, one line says what is missing."""

import subprocess
import sys

import pytest

from dr_grasp.errors import SettingsError
from dr_grasp.simulation.engine import MOST_WORLDS
from dr_grasp.simulation.warp import device
from dr_grasp.simulation.warp.batch_runner import BatchRunner


def test_without_a_gpu_it_is_refused():
    """In a new process: Warp's C code says only once what is missing, on standard error."""
    code = "from dr_grasp.simulation.warp import device; device.check_available()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        pytest.skip("there is a GPU here")
    *trace, said = done.stderr.splitlines()
    assert "SettingsError: engine mujoco-warp: expected a CUDA device, Warp finds none." in said
    assert not any("Warp CUDA" in line for line in [*trace, done.stdout])


def test_without_its_packages_it_is_refused(monkeypatch):
    monkeypatch.setattr(device, "find_spec", lambda name: None if name == "mujoco_warp" else name)
    with pytest.raises(SettingsError) as refused:
        device.check_available()
    assert str(refused.value) == (
        "engine mujoco-warp: expected the packages of dr_grasp's extra `gpu`, without mujoco_warp "
        "it cannot run: pip install -r requirements/gpu.txt"
    )


def test_a_device_that_there_is_not_is_refused(warp):
    with pytest.raises(SettingsError, match=r"expected a device of Warp \(cpu.*\), got 'cuda:99'"):
        device.find_device("cuda:99")


@pytest.mark.parametrize("worlds", [0, -1, MOST_WORLDS + 1])
def test_numbers_of_worlds_out_of_bounds_are_refused(warp, worlds):
    with pytest.raises(SettingsError, match=f"worlds: expected 1 to {MOST_WORLDS}, got {worlds}"):
        BatchRunner(worlds, device="cpu")
