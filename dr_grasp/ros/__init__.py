"""ROS nodes: they translate between messages and values, and call the rest of the package.

For programs that ask the nodes, such as a planner:
    DrGraspClient: Scores and executes grasps, and records what an operator saw.
    ScoringResult, ExecutionResult: What it answers.

These are loaded when they are first used: importing `dr_grasp.ros` needs no ROS.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dr_grasp.ros.client import DrGraspClient
    from dr_grasp.ros.results import ExecutionResult, ScoringResult

__all__ = ["DrGraspClient", "ExecutionResult", "ScoringResult"]

_MODULES = {"DrGraspClient": "client", "ExecutionResult": "results", "ScoringResult": "results"}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
