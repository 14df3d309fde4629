"""Reference of the verbs of `dr-grasp`, as Typer itself writes it."""

from __future__ import annotations

import re
import subprocess
import sys


def page() -> str:
    """A chapter for each verb, with its arguments and options."""
    command = [sys.executable, "-m", "typer", "dr_grasp.cli.main", "utils", "docs"]
    done = subprocess.run(
        [*command, "--name", "dr-grasp"], capture_output=True, text=True, check=False, timeout=120
    )
    if done.returncode:
        raise RuntimeError(f"the verbs cannot be listed: {done.stderr.strip()}")
    # Its title is that of our page; its lists of commands cut sentences short.
    text = re.sub(r"\A# .*\n", "", done.stdout)
    text = re.sub(r"\*\*Commands\*\*:\n\n(\* .*\n)+", "", text)
    lines = map(_options_as_code, text.splitlines())
    return re.sub(r"^\* (`[^`]+`): ", r"- \1 — ", "\n".join(lines), flags=re.MULTILINE)


def _options_as_code(line: str) -> str:
    """Put options that words mention in backticks: in plain words, "--" would become one dash."""
    parts = line.split("`")
    parts[::2] = [re.sub(r"--[a-z][\w-]*", r"`\g<0>`", part) for part in parts[::2]]
    return "`".join(parts)
