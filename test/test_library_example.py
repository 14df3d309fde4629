"""The program that the README shows runs as it stands there."""

import re
import subprocess
import sys
from pathlib import Path

from dr_grasp import write_grasps

README = Path(__file__).resolve().parents[1] / "README.md"


def test_the_example_of_the_library_runs(home_grasp, tmp_path):
    write_grasps(tmp_path / "grasps.json", [home_grasp()])
    text = README.read_text(encoding="utf-8")
    program = re.findall(r"^```python\n(.+?)^```", text, re.MULTILINE | re.DOTALL)[-1]
    (tmp_path / "program.py").write_text(program.replace("trials=50", "trials=2"))
    done = subprocess.run(
        [sys.executable, "program.py"], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("g1 {<Criterion.MDR")
