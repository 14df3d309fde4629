"""Writes checks as a JUnit file, which every CI system can show.

Description of the format: https://github.com/testmoapp/junitxml
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from dr_grasp.common.atomic import write_whole
from dr_grasp.errors import FileFormatError
from dr_grasp.replaying.checks import Check, Verdict

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 forbids, even escaped: https://www.w3.org/TR/xml/#charsets."""


def write_junit(path: Path, name: str, checks: Sequence[Check]) -> None:
    """Write a JUnit file with a test case for each check.

    Args:
        path: The file to write.
        name: Name of the test suite.
        checks: The checks, in the order of the file.

    Raises:
        FileFormatError: The file cannot be written.
    """
    differ = sum(check.verdict is Verdict.DIFFERS for check in checks)
    skipped = sum(check.verdict is Verdict.SKIPPED for check in checks)
    numbers = {"tests": len(checks), "failures": differ, "errors": 0, "skipped": skipped}
    counts = {key: str(number) for key, number in numbers.items()}
    root = ElementTree.Element("testsuites", counts)
    suite = ElementTree.SubElement(root, "testsuite", {"name": name, **counts})
    for check in checks:
        case = ElementTree.SubElement(
            suite, "testcase", {"classname": check.subject, "name": check.aspect}
        )
        if check.verdict is Verdict.DIFFERS:
            message = f"recorded {check.recorded}, now {check.replayed}"
            ElementTree.SubElement(case, "failure", {"message": message}).text = check.reason
        elif check.verdict is Verdict.SKIPPED:
            ElementTree.SubElement(case, "skipped", {"message": check.reason})
    for element in root.iter():
        element.text = element.text and _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", element.text)
        for key, value in element.items():
            element.set(key, _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", value))
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    try:
        write_whole(path, text + b"\n")
    except OSError as error:
        raise FileFormatError(f"{path}: cannot be written: {error.strerror}") from error
