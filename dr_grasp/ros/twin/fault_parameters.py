"""ROS parameters for the faults of the live twin; they may be set while the node runs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node

from dr_grasp.errors import DrGraspError, SettingsError
from dr_grasp.ros.parameters import Parameter, declare_all
from dr_grasp.twin.live_twin import LiveTwin
from dr_grasp.twin.live_world import LONGEST_S, Faults

DESCRIPTIONS = {
    "lagging_joint": "Fault of a twin with controllers: name of a joint that lags; empty for none.",
    "lag_s": "Delay of `lagging_joint` at constant speed [s].",
    "gripper_stuck": "Fault: whether the hand ignores all commands.",
    "abort_after_s": "Fault: seconds after which each motion of the arm aborts; 0 for never.",
    "joint_states_stop_after_s": (
        "Fault: seconds after the first motion from now on when joint states stop; 0 for never."
    ),
}

PARAMETERS = tuple(
    Parameter(
        name,
        default,
        DESCRIPTIONS[name],
        float_range=(0.0, LONGEST_S[name]) if name in LONGEST_S else None,
        read_only=False,
    )
    for name, default in asdict(Faults()).items()
)


class FaultParameters:
    """Sets the faults of a twin to the values of a node's parameters, whenever these change."""

    def __init__(self, node: Node, twin: LiveTwin | None) -> None:
        """Declare the parameters.

        Args:
            node: Node that has the parameters.
            twin: The twin; None for a twin without controllers, which can have no faults.

        Raises:
            SettingsError: A value has another type or is out of bounds, or there is a fault without
                a twin that can have it.
            UnknownNameError: The twin's robot has no joint with the name in `lagging_joint`.
        """
        self._twin = twin
        self._faults = Faults(**declare_all(node, PARAMETERS))
        self._check(self._faults)
        if twin is not None:
            twin.faults = self._faults
        node.add_on_set_parameters_callback(self._accept)
        node.add_post_set_parameters_callback(self._set)

    def _check(self, faults: Faults) -> None:
        if self._twin is not None:
            self._twin.check(faults)
        elif faults != Faults():
            wrong = asdict(faults).items() - asdict(Faults()).items()
            raise SettingsError(
                f"{min(wrong)[0]}: faults are of a twin that serves controllers; "
                "expected controllers:=true beside it"
            )

    def _accept(self, parameters: list[Any]) -> SetParametersResult:
        try:
            self._check(self._changed(parameters))
        except DrGraspError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _set(self, parameters: list[Any]) -> None:
        self._faults = self._changed(parameters)
        if self._twin is not None:
            self._twin.faults = self._faults

    def _changed(self, parameters: list[Any]) -> Faults:
        values = asdict(self._faults)
        new = {parameter.name: parameter.value for parameter in parameters}
        return Faults(**values | {name: new[name] for name in values.keys() & new.keys()})
