"""JSON is read within bounds and without loss, or refused in one line."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dr_grasp.common.json_text import DEEPEST_JSON, parse_json
from dr_grasp.errors import FileFormatError


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "expected at most 100 levels, got more"),
        ("[" * 101 + "]" * 101, "expected at most 100 levels, got more"),
        ('{"a":' * 101 + "1" + "}" * 101, "expected at most 100 levels, got more"),
        ('["\\\\", ' + "[" * 101, "expected at most 100 levels, got more"),
        ('{"a": 1, "b": {"x": 1, "c": 2, "c": 3}}', "got 'c' twice in the object that begins"),
        ("9" * 5000, "expected a whole JSON document, got Exceeds the limit"),
        ('{"a": ', r"expected a whole JSON document, got .* \(half-written\?\)"),
        (b'"\xff"', "expected a whole JSON document, got 'utf-8' codec"),
        ("", "expected a whole JSON document, got Expecting value"),
    ],
)
def test_what_is_refused(text, message):
    with pytest.raises(FileFormatError, match=message):
        parse_json(text)


def test_as_deep_as_is_allowed_is_read():
    assert parse_json("[" * DEEPEST_JSON + "]" * DEEPEST_JSON)


@pytest.mark.parametrize("text", ['"[[[\\"[[["', '["\\\\", "["]', '"\\ud800"'])
def test_brackets_and_quotes_in_texts_do_not_count(text):
    assert parse_json(text.replace("[[[", "[" * 200)) == json.loads(text.replace("[[[", "[" * 200))


@pytest.mark.parametrize("text", ["NaN", "[1, -Infinity]", "1e999"])
def test_numbers_that_are_not_finite_are_refused_where_asked(text):
    parse_json(text)
    with pytest.raises(FileFormatError, match="expected finite numbers, got"):
        parse_json(text, finite=True)


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3),
    max_leaves=20,
)


@given(plain)
def test_all_else_is_read_as_python_reads_it(value):
    text = json.dumps(value)
    assert parse_json(text) == parse_json(text.encode()) == json.loads(text)
