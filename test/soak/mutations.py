"""Breaks valid files at random, as cables, disks, editors and attackers do."""

import json
import re

import numpy as np

TOKEN = re.compile(rb'"[^"\n]*"|[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|[A-Za-z_]\w*')

HOSTILE = [
    b"1e308",
    b"-1e308",
    b"1e999",
    b"NaN",
    b"-.inf",
    b"0",
    b"-0.0",
    b"-1",
    b"1e-320",
    b"4294967296",
    b"18446744073709551616",
    b"9" * 5000,
    b"0x" + b"f" * 5000,
    b"null",
    b"true",
    b"[]",
    b"{}",
    b"[" * 300,
    b"[" * 300 + b"]" * 300,
    b'""',
    b'"\x1b[31mred\x1b]0;title\x07"',
    b'"\\u001b[2J\\u202e\\ud800"',
    "\u202e\u2028\x85ünï".encode(),
    b'"' + b"a" * 200_000 + b'"',
    b"*a",
    b"&a [*a]",
    b"!!timestamp x",
    b"!!python/object:os.system x",
    b"<!DOCTYPE a [<!ENTITY b 'c'>]>",
    b"&b;",
    b"../../../../dev/zero",
    b"package://absent/x.stl",
    b"\0",
    b"\xff\xfe",
    b"\n\n",
    b"%s%n{}",
]

VALUES = [None, True, -1, 0, 1e308, float("nan"), 2**64, 2**70, "", "x", "\x1b[2J", "\ud800"]
VALUES += ["a" * 200_000, [], {}, [[]], {"a": 1}, [1e308, -1e308], [0.0] * 1000, -0.0, 1e-320]


def mutate(data: bytes, rng: np.random.Generator) -> bytes:
    """A file's content, broken in one to three ways."""
    for _ in range(rng.integers(1, 4)):
        data = WAYS[rng.integers(len(WAYS))](data, rng)
    return data


def _place(data: bytes, rng: np.random.Generator) -> tuple[int, int]:
    begin = int(rng.integers(len(data) + 1))
    return begin, min(len(data), begin + int(rng.geometric(0.05)))


def _flip(data: bytes, rng: np.random.Generator) -> bytes:
    broken = bytearray(data)
    for _ in range(rng.integers(1, 9)):
        if broken:
            broken[rng.integers(len(broken))] ^= 1 << int(rng.integers(8))
    return bytes(broken)


def _cut(data: bytes, rng: np.random.Generator) -> bytes:
    return data[: _place(data, rng)[0]]


def _leave_out(data: bytes, rng: np.random.Generator) -> bytes:
    begin, end = _place(data, rng)
    return data[:begin] + data[end:]


def _repeat(data: bytes, rng: np.random.Generator) -> bytes:
    begin, end = _place(data, rng)
    return data[:end] + data[begin:end] * int(rng.integers(1, 50)) + data[end:]


def _insert(data: bytes, rng: np.random.Generator) -> bytes:
    begin, _ = _place(data, rng)
    return data[:begin] + HOSTILE[rng.integers(len(HOSTILE))] + data[begin:]


def _replace_token(data: bytes, rng: np.random.Generator) -> bytes:
    tokens = list(TOKEN.finditer(data))
    if not tokens:
        return data
    chosen = tokens[rng.integers(len(tokens))]
    new = HOSTILE[rng.integers(len(HOSTILE))]
    if chosen[0].startswith(b'"') and not new.startswith(b'"') and rng.integers(2):
        new = b'"' + new + b'"'
    if rng.integers(3) == 0:
        new = tokens[rng.integers(len(tokens))][0]
    return data[: chosen.start()] + new + data[chosen.end() :]


def _double_line(data: bytes, rng: np.random.Generator) -> bytes:
    lines = data.split(b"\n")
    at, to = rng.integers(len(lines), size=2)
    return b"\n".join([*lines[:to], lines[at], *lines[to:]])


def _leave_out_line(data: bytes, rng: np.random.Generator) -> bytes:
    lines = data.split(b"\n")
    del lines[rng.integers(len(lines))]
    return b"\n".join(lines)


def _change_tree(data: bytes, rng: np.random.Generator) -> bytes:
    """A key dropped or doubled, or a value replaced, in JSON."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        return data
    nodes = [content]
    for node in nodes:  # grows while it is walked
        parts = node.values() if isinstance(node, dict) else node
        nodes += [part for part in parts if isinstance(part, dict | list) and part]
        if len(nodes) > 2000:
            break
    if not isinstance(content, dict | list) or not content:
        return data
    node = nodes[rng.integers(len(nodes))]
    key = list(node)[rng.integers(len(node))] if isinstance(node, dict) else None
    at = key if isinstance(node, dict) else int(rng.integers(len(node)))
    way = rng.integers(4)
    if way == 0:
        del node[at]
    elif way == 1:
        node[at] = VALUES[rng.integers(len(VALUES))]
    elif way == 2 and isinstance(node, dict):
        node["\x1b[1m" if rng.integers(2) else "x" * 1000] = node.pop(at)
    else:
        other = nodes[rng.integers(len(nodes))]
        node[at] = json.loads(json.dumps(other))
    text = json.dumps(content)
    if isinstance(key, str) and way == 3:
        name = json.dumps(key)
        text = text.replace(f"{name}:", f"{name}: 1, {name}:", 1)
    return text.encode(errors="surrogatepass")


WAYS = (
    _flip,
    _cut,
    _leave_out,
    _repeat,
    _insert,
    _replace_token,
    _replace_token,
    _replace_token,
    _double_line,
    _leave_out_line,
    _change_tree,
)
