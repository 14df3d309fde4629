"""Reference of the nodes: what they serve, their parameters, and the launch arguments."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from rclpy.qos import QoSProfile

from dr_grasp.bringup import arguments
from dr_grasp.common.settings import Settings
from dr_grasp.ros import (
    attempt_server,
    executor_node,
    liveliness,
    moveit_node,
    qos,
    recorder_node,
    scorer_node,
    twin_node,
)
from dr_grasp.ros.parameters import Parameter
from dr_grasp.ros.twin.controllers import Controllers
from from_code.docstrings import entries, summary
from from_code.markdown import code, plain, table
from from_code.schemas import as_yaml, keys_of


@dataclass(frozen=True)
class NodeDocs:
    """Where the code says what a node does.

    Attributes:
        parameters: The node's parameters.
        classes: The class of the node, and those that serve in its place.
    """

    parameters: tuple[Parameter, ...]
    classes: tuple[type, ...]


SERVER = attempt_server.AttemptServer
NODES = {
    "scorer": NodeDocs(scorer_node.PARAMETERS, (scorer_node.ScorerNode,)),
    "executor": NodeDocs(executor_node.PARAMETERS, (executor_node.ExecutorNode,)),
    "recorder": NodeDocs(recorder_node.PARAMETERS, (recorder_node.RecorderNode,)),
    "twin": NodeDocs(twin_node.PARAMETERS, (twin_node.TwinNode, SERVER, Controllers)),
    "moveit": NodeDocs(moveit_node.PARAMETERS, (moveit_node.MoveItNode, SERVER)),
}
LAUNCH_FILES = {
    "bringup": arguments.BringupArguments,
    "scorer": arguments.ScorerArguments,
    "replay": arguments.ReplayArguments,
}
QOS: dict[str, QoSProfile] = {
    "scores, outcome_reports, grasp_markers": qos.RESULTS,
    "attempts": qos.ATTEMPTS,
    "SERVER/alive": liveliness.ALIVE,
    "ACTION/heartbeat": liveliness.HEARTBEAT,
}
SECTIONS = {"Actions": "action", "Services": "service", "Topics": "topic"}

_TYPES = {str: "text", bool: "true or false", int: "whole number", float: "number"}


def served(name: str) -> dict[tuple[str, str], tuple[str, str]]:
    """What a node serves, publishes and hears: type and words, by kind and name."""
    return {
        (kind, entry): words
        for cls in NODES[name].classes
        for section, kind in SECTIONS.items()
        for entry, words in entries(cls, section).items()
    }


def nodes() -> str:
    """A chapter for each node."""
    return "\n".join(line for name in NODES for line in _node(name))


def _node(name: str) -> Iterator[str]:
    found = NODES[name]
    yield f"### `{name}`\n\n{plain(summary(found.classes[0]))}\n"
    yield table(
        ["kind", "name", "type", "meaning"],
        [
            [kind, code(entry), plain(of_type), plain(words)]
            for (kind, entry), (of_type, words) in served(name).items()
        ],
    )
    yield table(
        ["parameter", "type", "default", "meaning"],
        [
            [
                code(parameter.name),
                in_words(parameter),
                default(parameter),
                plain(parameter.description)
                + " May be set while the node runs." * (not parameter.read_only),
            ]
            for parameter in found.parameters
        ],
    )


def in_words(parameter: Parameter) -> str:
    """Type and range of a parameter."""
    kind = "any type" if parameter.any_type else _TYPES[type(parameter.default)]
    bounds = parameter.integer_range or parameter.float_range
    return kind if bounds is None else f"{kind}, {bounds[0]:g} to {bounds[1]:g}"


def default(parameter: Parameter) -> str:
    """The default of a parameter as YAML has it; what depends on the machine in words."""
    if parameter.name == "jobs" and parameter.default == (os.cpu_count() or 1):
        return "the number of processors"
    return code(as_yaml(parameter.default))


def launch_arguments() -> str:
    """A table for each launch file."""
    lines = []
    for name, cls in LAUNCH_FILES.items():
        lines.append(f"### `{name}.launch.py`\n")
        lines.append(_launch_table(cls))
    return "\n".join(lines)


def _launch_table(cls: type[Settings]) -> str:
    kinds = {key.name: key.kind for key in keys_of(cls)}
    rows = []
    for argument in arguments.declarations(cls):
        choices, given = argument["choices"], argument["default_value"]
        rows.append(
            [
                code(argument["name"]),
                f"one of {', '.join(choices)}" if choices else kinds[argument["name"]],
                "required" if given is None else code(given or '""'),
                plain(argument["description"]),
            ]
        )
    return table(["argument", "type", "default", "meaning"], rows)


def qualities() -> str:
    """A table of the quality of service of our topics."""
    rows = []
    for topics, profile in QOS.items():
        lease_s = profile.liveliness_lease_duration.nanoseconds / 1e9
        rows.append(
            [
                ", ".join(code(topic) for topic in topics.split(", ")),
                profile.reliability.name.lower().replace("_", " "),
                profile.durability.name.lower().replace("_", " "),
                str(profile.depth),
                f"{lease_s:g} s" if 0 < lease_s < 60 else "",
            ]
        )
    return table(["topic", "reliability", "durability", "depth", "liveliness lease"], rows)
