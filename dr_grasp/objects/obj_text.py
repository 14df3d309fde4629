"""Rewrites OBJ files of the forms that trimesh misreads, so that it reads them right.

trimesh 5.2 takes all vertices first. So a negative index, which counts back from the line of its
face, then counts back from the end of the file (mikedh/trimesh#2364). Lines that begin with spaces
are passed over without a word, and an index of 0 is taken for 1.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Iterator

from dr_grasp.errors import FileFormatError, quoted

GOES_ON = "\v"
"""Stands for the end of a line that goes on in the next; it is white space, so it divides words."""

_MISREAD = re.compile(
    rb"""
    \n (?: [ \t]+[fgov][ \t]               # an indented line
      |   [fgov]\t                         # a tab after the key
      |   v[ ][^\n]*\#                     # a comment behind values
      |   f[ ][^\n]*[-\#]                  # an index that counts back
      |   f[ ](?:[^\n]*[ \t])?0[/ \t\r\n]  # an index of 0
    )
    | \r(?!\n)                            # lines that end as on an old Macintosh
    | \\\r?\n                             # a line that goes on: trimesh joins the words
    """,
    re.VERBOSE,
)


def readable_obj(data: bytes) -> bytes:
    """Rewrite an OBJ file if trimesh would misread it; textures and normals are then left out.

    Raises:
        FileFormatError: A face refers to a vertex that there is not.
    """
    if not data.startswith(BOM_UTF8) and not _MISREAD.search(b"\n" + data + b"\n"):
        return data
    text = data.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n")
    return "\n".join([*_plain_lines(text.replace("\\\n", GOES_ON)), ""]).encode()


def _plain_lines(text: str) -> Iterator[str]:
    """The lines of vertices, objects, groups and faces; faces with positive indices only."""
    number, count, highest, highest_at = 1, 0, 0, 0
    for line in text.split("\n"):
        key, *values = line.partition("#")[0].split() or [""]
        if key == "v":
            count += 1
        elif key == "f":
            corners = [_index(word, count, number) for word in values]
            if max(corners, default=0) > highest:
                highest, highest_at = max(corners), number
            values = list(map(str, corners))
        if key in ("v", "f", "o", "g"):
            yield " ".join([key, *values])
        number += 1 + line.count(GOES_ON)
    if highest > count:  # a face may stand before its vertices
        raise FileFormatError(
            f"line {highest_at}: expected faces of the file's {count} vertices, got {highest}"
        )


def _index(word: str, count: int, number: int) -> int:
    """Position of a face's corner in the list of vertices, from 1.

    Args:
        word: The corner, such as "-2//7"; only the vertex counts.
        count: How many vertices stand before the face.
        number: Number of the line, for the message.
    """
    try:
        index = int(word.partition("/")[0])
    except ValueError:
        index = 0
    if index < 0:
        index += count + 1
    if index <= 0:
        raise FileFormatError(
            f"line {number}: expected a face of vertices from 1 up, or from -1 to -{count}, "
            f"got {quoted(word)}"
        )
    return index
