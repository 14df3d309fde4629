"""Toy worlds, in which what a grasp bears is known."""

from types import SimpleNamespace

import numpy as np
import pytest

from dr_grasp.core.engine import Engine
from dr_grasp.core.outcome import Outcome
from dr_grasp.margins.request import MarginRequest
from dr_grasp.scoring.profiles import load_profile
from dr_grasp.simulation.rollout import Rollout


class ToyRunner:
    """Ends a rollout by a rule on its perturbation; keeps the perturbations."""

    def __init__(self, holds):
        self._holds = holds
        self.perturbations = []
        robot = SimpleNamespace(arm_half_ranges=np.array([2.0, 1.0]))
        item = SimpleNamespace(rolling_friction=0.0005, spinning_friction=0.001)
        self.world = SimpleNamespace(robot=robot, object=item)

    def run(self, grasp, perturbation):
        self.perturbations.append(perturbation)
        held = self._holds(perturbation)
        return Rollout(Outcome.SUCCESS if held else Outcome.MISSED, 1)


@pytest.fixture
def toy():
    """Makes a runner of a rule."""
    return ToyRunner


@pytest.fixture
def ask():
    """Makes a request; without any background unless it is asked for."""

    def ask(**changes):
        wanted = {"background": 0.0, "rounds": 0} | changes
        return MarginRequest(load_profile("default"), Engine.MUJOCO, **wanted)

    return ask
