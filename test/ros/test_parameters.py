"""Parameters that are declared: values of a wrong type or out of range are one line."""

import pytest
import rclpy

from dr_grasp.errors import SettingsError
from dr_grasp.ros.parameters import declare


@pytest.fixture
def node_with(namespace):
    """Makes a node whose parameter `speed` was given on the command line."""
    contexts = []

    def make(text):
        context = rclpy.Context()
        contexts.append(context)
        rclpy.init(args=["--ros-args", "-p", f"speed:={text}"], context=context)
        return rclpy.create_node("tested", namespace=namespace, context=context)

    yield make
    for context in contexts:
        context.shutdown()


def test_the_command_line_goes_before_the_default(node_with):
    assert declare(node_with("3"), "speed", 2, "How fast.", (1, 4)) == 3
    assert declare(node_with("1.5"), "speed", 2.0, "How fast.", float_range=(1.0, 4.0)) == 1.5
    assert declare(node_with("3"), "other", 2, "Another one.") == 2


@pytest.mark.parametrize("text", ["0", "5", "two", "1.5"])
def test_a_wrong_value_is_named_in_one_line(node_with, text):
    with pytest.raises(SettingsError) as raised:
        declare(node_with(text), "speed", 2, "How fast.", (1, 4))
    assert str(raised.value).startswith("parameter speed: ")
    assert "\n" not in str(raised.value)
