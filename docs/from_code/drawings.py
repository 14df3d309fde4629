"""Drawings of the architecture, as SVG that takes its colours from the page's theme."""

from __future__ import annotations

import importlib
import textwrap
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

import tomllib

ROOT = Path(__file__).parents[2]

WIDTH = 760
GAP = 12
LEFT = 30
"""Where the boxes of rooms begin, beside the arrow."""

LINE = 15
"""Height of a line of a caption."""

LETTER = 5.9
"""Width of a letter of a caption, on the average."""


def layers() -> list[list[str]]:
    """The rooms in their rows, the outermost first, as the import contract has them."""
    content = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = content["tool"]["importlinter"]["contracts"]
    (rows,) = (found["layers"] for found in contracts if found["type"] == "layers")
    return [row.split(" | ") for row in rows]


def rooms() -> str:
    """A row of boxes for each layer, with what each room says it is for."""
    parts: list[str] = []
    y = 4
    for row in layers():
        width = (WIDTH - LEFT - GAP * (len(row) - 1)) // len(row)
        captions = [_caption(room, width) for room in row]
        height = 30 + LINE * max(map(len, captions))
        for column, (room, caption) in enumerate(zip(row, captions, strict=True)):
            parts.append(box(LEFT + column * (width + GAP), y, width, height, room, caption))
        y += height + GAP
    parts.append(arrow(18, 8, 18, y - GAP - 4, "knows"))
    return svg("The rooms of dr_grasp: each knows those below it", y, parts)


def processes() -> str:
    """The nodes at run time, with what they ask of each other."""
    left, middle, right = 20, 290, 560
    boxes = (
        (left, 150, "scorer", ("nominal and perturbed", "rollouts of each grasp")),
        (middle, 150, "executor", ("the best in rank order;", "stops the arm")),
        (right, 150, "recorder", ("each score, attempt", "and report, on disk")),
        (left, 330, "worker processes", ("spawned; one engine;", "a block of trials each")),
        (middle, 330, "moveit or twin", ("one attempt at a time;", "the gates before motion")),
        (middle, 500, "controllers", ("ros2_control of the arm,", "or the twin as an arm")),
    )
    parts = [
        box(left, 8, WIDTH - 40, 46, "your program", ["DrGraspClient, or dr-grasp execute"]),
        *(box(x, y, 180, 60, title, caption) for x, y, title, caption in boxes),
        box(right, 330, 180, 60, "bag", ["rosbag2, MCAP"], "file"),
        arrow(110, 54, 110, 150, "score_grasps", "action", ["or the service"]),
        path("M 380 54 V 150", "action", 388, 84, "execute_grasps"),
        arrow(650, 54, 650, 150, "record_outcome", "service"),
        arrow(110, 210, 110, 330, "pickled blocks", "process", ["counts come back"]),
        arrow(380, 210, 380, 330, "attempt_grasp", "action"),
        arrow(470, 345, 600, 210, "begin_attempt", "service", ["record_attempt"]),
        arrow(680, 210, 680, 330, "appends", "process"),
        path("M 200 162 C 240 118 520 118 560 162", "topic", 212, 132, "scores"),
        arrow(350, 390, 350, 500, "trajectories", "action", ["place_object"], side=-1),
        arrow(410, 500, 410, 390, "joint_states", "topic"),
        path("M 290 195 C 205 260 205 480 290 530", "service", 228, 470, "cancel all", "end"),
        *_legend(590),
    ]
    return svg("The processes at run time, and what they ask of each other", 620, parts)


def svg(title: str, height: int, parts: Iterable[str]) -> str:
    """A whole drawing, for a page in Markdown."""
    body = "\n".join(parts)
    marker = (
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" '
        'markerHeight="9" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0 8 4 0 8z"/>'
        "</marker></defs>"
    )
    return (
        f'```{{raw}} html\n<svg class="drawing" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{escape(title)}">\n{marker}\n{body}\n</svg>\n```\n'
    )


def box(
    x: int, y: int, width: int, height: int, title: str, caption: Sequence[str], kind: str = "room"
) -> str:
    """A box with a title and the lines of a caption, centred."""
    center = x + width / 2
    lines = [
        f'<text x="{center}" y="{y + 36 + LINE * number}">{escape(line)}</text>'
        for number, line in enumerate(caption)
    ]
    return (
        f'<g class="{kind}"><rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6"/>'
        f'<text class="title" x="{center}" y="{y + 20}">{escape(title)}</text>'
        f"{''.join(lines)}</g>"
    )


def arrow(
    x: int,
    y: int,
    to_x: int,
    to_y: int,
    label: str,
    kind: str = "",
    more: Sequence[str] = (),
    side: int = 1,
) -> str:
    """A straight arrow with a label beside its middle: right, or left by side -1."""
    turned = "" if kind else f' transform="rotate(-90 {x} {(y + to_y) / 2})"'
    middle_x, middle_y = (x + to_x) / 2 + (8 * side if kind else 0), (y + to_y) / 2
    anchor = ("start" if side > 0 else "end") if kind else "middle"
    texts = [
        f'<text x="{middle_x}" y="{middle_y + LINE * number + (4 if kind else -4)}" '
        f'text-anchor="{anchor}"{turned}>{escape(text)}</text>'
        for number, text in enumerate([label, *more])
    ]
    line = f'<line x1="{x}" y1="{y}" x2="{to_x}" y2="{to_y}" marker-end="url(#tip)"/>'
    return f'<g class="arrow {kind}">{line}{"".join(texts)}</g>'


def path(way: str, kind: str, x: int, y: int, label: str, anchor: str = "start") -> str:
    """A bent arrow, with its label at a place of its own."""
    return (
        f'<g class="arrow {kind}"><path d="{way}" marker-end="url(#tip)"/>'
        f'<text x="{x}" y="{y}" text-anchor="{anchor}">{escape(label)}</text></g>'
    )


def _legend(y: int) -> list[str]:
    words = {"action": "action", "service": "service", "topic": "topic", "process": "no ROS"}
    parts = []
    for number, (kind, word) in enumerate(words.items()):
        x = 120 + 150 * number
        parts.append(
            f'<g class="arrow {kind}"><line x1="{x}" y1="{y}" x2="{x + 50}" y2="{y}" '
            f'marker-end="url(#tip)"/><text x="{x + 60}" y="{y + 4}">{word}</text></g>'
        )
    return parts


def _caption(room: str, width: int) -> list[str]:
    words = (importlib.import_module(f"dr_grasp.{room}").__doc__ or "").splitlines()[0]
    return textwrap.wrap(words.replace("`", "").rstrip("."), int((width - 16) / LETTER))
