"""The twin and the engine with the newest MuJoCo, which is installed beside the pinned one."""

import os
import subprocess
import sys
from pathlib import Path

import mujoco
import pytest

NEXT = Path(sys.prefix) / "mujoco_next"
HERE = Path(__file__).parent


@pytest.mark.skipif(not NEXT.is_dir(), reason="`make test` installs it for Python 3.11 and later")
def test_twin_and_engine_pass_their_tests_with_the_newest_mujoco_too() -> None:
    others = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    others["PYTHONPATH"] = os.pathsep.join([str(NEXT), str(HERE.parents[1])])

    version = "import mujoco; print(mujoco.__version__)"
    imported = subprocess.run(
        [sys.executable, "-c", version], env=others, capture_output=True, text=True, check=True
    )
    laws = HERE.parent / "simulation" / "test_laws.py"
    tests = [str(HERE), str(laws), "-k", "not bullet"]
    pytest_here = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    tested = subprocess.run(
        [*pytest_here, "--ignore", __file__],
        env=others,
        cwd=HERE.parents[1],
        capture_output=True,
        text=True,
        check=False,
    )

    assert int(imported.stdout.split(".")[0]) > int(mujoco.__version__.split(".")[0])
    assert tested.returncode == 0, tested.stdout[-4000:]
    assert " passed" in tested.stdout.splitlines()[-1]
