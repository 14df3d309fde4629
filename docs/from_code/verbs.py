"""Reference of the verbs of `dr-grasp`, as Typer itself writes it."""

from __future__ import annotations

import re
import subprocess
import sys


def page() -> str:
    """A list of the verbs, then a chapter for each, with its arguments and options."""
    command = [sys.executable, "-m", "typer", "--app", "app", "dr_grasp.cli.main", "utils", "docs"]
    done = subprocess.run(
        [*command, "--name", "dr-grasp"], capture_output=True, text=True, check=False, timeout=120
    )
    if done.returncode:
        raise RuntimeError(f"the verbs cannot be listed: {done.stderr.strip()}")
    # Its title is that of our page; its lists of commands cut sentences short.
    text = re.sub(r"\A# .*\n", "", done.stdout)
    text = re.sub(r"\*\*Commands\*\*:\n\n(\* .*\n)+", "", text)
    lines = map(_options_as_code, text.splitlines())
    chapters = re.sub(r"^\* (`[^`]+`): ", r"- \1 — ", "\n".join(lines), flags=re.MULTILINE)
    return f"{_list(chapters)}\n\n{chapters}"


def _list(chapters: str) -> str:
    """A table of the verbs, with the first sentence of each chapter."""
    verbs = re.findall(r"^## `dr-grasp (\w+)`\n+(.+?\.)(?:\s|$)", chapters, re.MULTILINE)
    rows = [f"| [`{verb}`](#dr-grasp-{verb}) | {words} |" for verb, words in verbs]
    return "\n".join(["| verb | what it does |", "|---|---|", *rows])


def _options_as_code(line: str) -> str:
    """Put options that words mention in backticks: in plain words, "--" would become one dash."""
    parts = line.split("`")
    parts[::2] = [re.sub(r"--[a-z][\w-]*", r"`\g<0>`", part) for part in parts[::2]]
    return "`".join(parts)
