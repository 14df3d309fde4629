"""Whatever a message quotes, it is one printable line of bounded length."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dr_grasp.errors import LONGEST_MESSAGE, DrGraspError, UnknownNameError, printable, quoted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("größe \U0001f916", "größe \U0001f916"),
        ("\x1b[31mred\x1b]0;title\x07", r"\x1b[31mred\x1b]0;title\x07"),
        ("two\r\nlines\u2028three", r"two\r\nlines\u2028three"),
        ("\u202eesrever\x9b2J\ud800", r"\u202eesrever\x9b2J\ud800"),
    ],
)
def test_what_a_terminal_would_obey_is_escaped(text, shown):
    assert printable(text) == str(DrGraspError(text)) == shown


@given(st.text())
def test_any_text_becomes_printable_and_stays_so(text):
    assert printable(text).isprintable()
    assert printable(printable(text)) == printable(text)


def test_a_long_message_is_cut_and_says_so():
    text = str(DrGraspError("x" * 10_000_000))
    assert text == f"{'x' * LONGEST_MESSAGE} ... (9996000 characters more)"


def test_an_unknown_name_is_quoted():
    with pytest.raises(UnknownNameError, match=r"unknown robot '\\x1b\[1m'; expected one of a, b"):
        raise UnknownNameError("robot", "\x1b[1m", ["b", "a"])


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ([1, 2.5, "a"], "[1, 2.5, 'a']"),
        ("x" * 10**6, f"'{'x' * 47}...{'x' * 9}"),
        (list(range(10**6)), "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 1"),
    ],
)
def test_a_value_is_quoted_in_few_characters(value, shown):
    assert quoted(value) == shown


def test_a_number_that_python_does_not_write_is_named():
    assert quoted(10**6000) == "a too long int"
