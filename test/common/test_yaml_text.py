"""YAML is measured before anything is made of it, and refused in one line that names the line."""

import pytest

from dr_grasp.common.yaml_text import DEEPEST_YAML, MOST_YAML_VALUES, parse_yaml
from dr_grasp.errors import FileFormatError


def laughs(levels):
    """Ten times as many values in each line, by aliases."""
    lines = ["- &a0 [x,x,x,x,x,x,x,x,x,x]"]
    for level in range(1, levels):
        lines.append(f"- &a{level} [{','.join([f'*a{level - 1}'] * 10)}]")
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, r"expected at most 100 levels, got more in line 1"),
        ("a: 1\nb: " + "[" * 100 + "]" * 100, "at most 100 levels, got more in line 2"),
        (laughs(8), "at most 100000 values, aliases counted as copies, got more up to line 5"),
        (f"[{'x,' * MOST_YAML_VALUES}]", "expected at most 100000 values"),
        ("- &b [x]\n" + "- &b [*b]\n" * 200, "expected at most 100 levels, got more in line 99"),
        ("- &a [*a]", r"expected \*a to stand for an earlier value, got none before line 1"),
        ("a: 1\nb: {c: 1, d: 2, c: 3}", "key once, got 'c' twice in the mapping that begins in li"),
        ("<<: {a: 1}\n<<: {a: 2}", "expected each key once, got '<<' twice"),
        ("!!timestamp x", "expected a whole YAML document, got "),
        ("!!python/object:os.system x", "expected a whole YAML document, got could not determine"),
        ("9" * 5000, "expected a whole YAML document, got Exceeds the limit"),
        ("a: {", r"expected a whole YAML document, got .* \(half-written\?\)"),
        ("a: 1\n---\nb: 2", "expected a whole YAML document, got expected a single document"),
    ],
)
def test_what_is_refused(text, message):
    with pytest.raises(FileFormatError, match=message):
        parse_yaml(text)


def test_as_much_as_is_allowed_is_read():
    deep = parse_yaml("[" * (DEEPEST_YAML - 1) + "x" + "]" * (DEEPEST_YAML - 1))
    for _ in range(DEEPEST_YAML - 1):
        (deep,) = deep
    assert deep == "x"
    assert len(parse_yaml(f"[{'x,' * (MOST_YAML_VALUES - 3)}]")) == MOST_YAML_VALUES - 3
    assert len(parse_yaml(laughs(4))[3]) == 10


def test_a_key_may_replace_one_that_is_merged_and_that_may_be_merged_again():
    text = "y: {child: &c {<<: &b {a: 1}, a: 2}}\nz: {<<: *c}"
    assert parse_yaml(text) == {"y": {"child": {"a": 2}}, "z": {"a": 2}}


def test_more_may_be_allowed():
    assert len(parse_yaml(f"[{'x,' * 150_000}]", 200_000)) == 150_000
