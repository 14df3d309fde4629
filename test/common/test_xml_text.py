"""XML is read within bounds, or refused in one line that names the file."""

import pytest

from dr_grasp.common.xml_text import LARGEST_XML_BYTES, MOST_XML_ELEMENTS, parse_xml, read_xml
from dr_grasp.errors import ModelError

LAUGHS = "<!DOCTYPE z [<!ENTITY a 'xxxxxxxxxx'>" + "".join(
    f"<!ENTITY {chr(98 + level)} '{f'&{chr(97 + level)};' * 10}'>" for level in range(9)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{LAUGHS}]><robot>&j;</robot>", "r.urdf: expected no <!DOCTYPE>, got one of 'z'"),
        ("<a>" * 1000, "r.urdf: expected at most 100 levels, got more"),
        (f"<a>{'<a/>' * MOST_XML_ELEMENTS}</a>", "r.urdf: expected at most 100000 elements"),
        ('<?xml version="1.0" encoding="foo"?><a/>', "r.urdf: expected XML, got unknown encoding"),
        ("<a>&b;</a>", "r.urdf: expected XML, got undefined entity: line 1, column 3"),
        ("<a>\x1b</a>", "r.urdf: expected XML, got not well-formed"),
        ("", "r.urdf: expected XML, got no element found"),
    ],
)
def test_what_is_refused(tmp_path, text, message):
    path = tmp_path / "r.urdf"
    path.write_text(text)
    with pytest.raises(ModelError, match=message):
        read_xml(path)


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    path = tmp_path / "r.urdf"
    with path.open("wb") as file:
        file.truncate(LARGEST_XML_BYTES + 1)
    with pytest.raises(ModelError, match=r"r.urdf: expected at most 16777216 bytes, got more"):
        read_xml(path)
    with pytest.raises(ModelError, match=r"absent: expected a URDF, got No such file"):
        read_xml(tmp_path / "absent", "a URDF")


def test_what_is_read():
    root = parse_xml('<robot name="r"><!-- c --><link name="a"/>\n</robot>', "r.urdf")
    assert (root.tag, root.get("name"), [part.get("name") for part in root]) == (
        "robot",
        "r",
        ["a"],
    )
