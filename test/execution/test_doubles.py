"""The doubles of arm and planner take just what the real ones take."""

import inspect

import pytest

from dr_grasp.execution.arm import Arm, Planner

from .arm_double import ArmDouble, PlannerDouble


def methods(kind):
    return {
        name: [str(one.replace(annotation=one.empty)) for one in signature.parameters.values()]
        for name, member in vars(kind).items()
        if not name.startswith("_") and inspect.isfunction(member)
        for signature in [inspect.signature(member)]
    }


@pytest.mark.parametrize(("double", "protocol"), [(ArmDouble, Arm), (PlannerDouble, Planner)])
def test_a_double_has_the_methods_of_its_protocol_and_their_arguments(double, protocol):
    assert methods(protocol)
    assert methods(double) == methods(protocol)
