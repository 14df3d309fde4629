"""Nodes in the process of a test, and what programs with nodes print."""

from contextlib import contextmanager

import rclpy


@contextmanager
def running(make, namespace, **parameters):
    """That it says in one line why it cannot start is `run_node`'s work."""
    words = ["--ros-args", "-r", f"__ns:={namespace}"]
    for name, value in parameters.items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        words += ["-p", f"{name}:={text}"]
    rclpy.init(args=words)
    try:
        node = make()
        try:
            yield node
        finally:
            node.close()
            node.destroy_node()
    finally:
        rclpy.try_shutdown()


def own_lines(printed):
    """The lines of a program, without what Fast DDS prints there if a lock is somebody else's."""
    return [line for line in printed.splitlines() if "RTPS_TRANSPORT" not in line]
