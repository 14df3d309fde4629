"""The live twin's faults as parameters that may be set while it runs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node

from dr_grasp.errors import DrGraspError, SettingsError
from dr_grasp.ros.parameters import declare
from dr_grasp.twin.faults import LONGEST_LAG_S, LONGEST_WAIT_S, Faults
from dr_grasp.twin.live_twin import LiveTwin

DESCRIPTIONS = {
    "lagging_joint": "Fault of a twin with controllers: a joint that lags; empty for none.",
    "lag_s": "Seconds by which `lagging_joint` is behind at constant speed.",
    "gripper_stuck": "Fault: whether the hand stays as it is, whatever it is told.",
    "abort_after_s": "Fault: seconds after which each motion of the arm aborts; 0 for never.",
    "joint_states_stop_after_s": (
        "Fault: seconds after the first motion from now on when joint states stop; 0 for never."
    ),
}


class FaultParameters:
    """Declares them, and hands what is set to a twin."""

    def __init__(self, node: Node) -> None:
        """Declare.

        Raises:
            SettingsError: A value is of another type or out of bounds.
        """
        self._node = node
        self._twin: LiveTwin | None = None
        values = {}
        for name, default in asdict(Faults()).items():
            is_number = isinstance(default, float)
            longest = LONGEST_LAG_S if name == "lag_s" else LONGEST_WAIT_S
            values[name] = declare(
                node,
                name,
                default,
                DESCRIPTIONS[name],
                float_range=(0.0, longest) if is_number else None,
                read_only=False,
            )
        self.faults = Faults(**values)

    def watch(self, twin: LiveTwin | None) -> None:
        """Give a twin the faults, now and whenever they are set.

        Args:
            twin: None for one that can have none.

        Raises:
            UnknownNameError: Its robot has no such joint to lag.
            SettingsError: A fault for one that can have none.
        """
        self._twin = twin
        self._check_faults(self.faults)
        if twin is not None:
            twin.faults = self.faults
        self._node.add_on_set_parameters_callback(self._check)
        self._node.add_post_set_parameters_callback(self._set)

    def _check(self, parameters: list[Any]) -> SetParametersResult:
        try:
            self._check_faults(self._changed(parameters))
        except DrGraspError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _check_faults(self, faults: Faults) -> None:
        if self._twin is not None:
            self._twin.check(faults)
        elif faults != Faults():
            wrong = asdict(faults).items() - asdict(Faults()).items()
            raise SettingsError(
                f"{sorted(wrong)[0][0]}: faults are of a twin that serves controllers; "
                "expected controllers:=true beside it"
            )

    def _set(self, parameters: list[Any]) -> None:
        self.faults = self._changed(parameters)
        if self._twin is not None:
            self._twin.faults = self.faults

    def _changed(self, parameters: list[Any]) -> Faults:
        values = asdict(self.faults)
        return Faults(**values | {one.name: one.value for one in parameters if one.name in values})
