"""Starts a node: `python -m dr_grasp.ros.start twin`, as the programs that ROS starts do.

The modules of a node take seconds to load. So Ctrl-C is handled before any of them is loaded.
Whoever starts this program may block SIGINT until then, so that it is not lost.
"""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module

NODES = ("executor", "moveit", "recorder", "scorer", "twin")

WRONG_USE = 2
"""Exit status after a wrong command line, as of most programs."""


def main(words: list[str]) -> int:
    """Start a node, or say how to.

    Args:
        words: Name of the node, then its command line.

    Returns:
        Exit status: that of the node, or 2 after a wrong command line.
    """
    # Nothing is open yet that would have to be closed. `run_node` replaces this handler.
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    name, arguments = words[0] if words else "", words[1:]
    if name not in NODES:
        print(f"expected the name of a node, {', '.join(NODES)}, got {name!r}", file=sys.stderr)
        return WRONG_USE
    own = _not_for_ros(arguments)
    if {"-h", "--help"} & set(own):
        from dr_grasp.ros.usage import usage

        print(usage(name))
        return 0
    if own:
        print(
            f"{name}: unknown argument {own[0]!r}: parameters are given as --ros-args -p "
            "name:=value; --help lists them",
            file=sys.stderr,
        )
        return WRONG_USE
    module = import_module(f"dr_grasp.ros.{name}_node")
    status: int = module.main(arguments)
    return status


def _not_for_ros(arguments: list[str]) -> list[str]:
    """The words that are not between --ros-args and --, or the end."""
    found, for_ros = [], False
    for word in arguments:
        if word == "--ros-args":
            for_ros = True
        elif for_ros:
            for_ros = word != "--"
        else:
            found.append(word)
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
