"""Benchmarks are run by hand, rarely: what they import must still be there."""

import importlib
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"


@pytest.mark.parametrize("name", sorted(path.stem for path in BENCHMARKS.glob("*.py")))
def test_a_benchmark_finds_all_that_it_imports(name, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    if name == "bench_gpu":
        pytest.importorskip("mujoco_warp")
    importlib.import_module(name)
