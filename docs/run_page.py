"""Runs the commands and programs of a page of the documentation, as its reader would type them.

    python docs/run_page.py docs/tutorials/first_demo.md

Fenced blocks are run in their order, in one bash, in one folder:

    sh        commands; the first that fails ends the run
    console   lines that begin with `$ ` are commands; what they print must be what the page shows,
              where `...` is anything: a part of a line, or, alone in a line, any number of lines
    python    a program, run by `python3`
    text      not run

A comment on the line before a block changes that:

    <!-- file: NAME -->         the block, of any language, is written into this file, and not run
    <!-- not run: REASON -->    left out
    <!-- needs: PROGRAM -->     left out where this program is not found
    <!-- slow: REASON -->       left out, unless `--slow` is given

It needs nothing but bash and Python's own library: it also runs where nothing is installed yet.
"""

from __future__ import annotations

import argparse
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>[\w{}:-]*)[^\n]*\n(?P<text>.*?)^(?P=indent)```$", re.M | re.S
)
_COMMENT = re.compile(r"<!-- (?P<what>file|not run|needs|slow): (?P<value>.+?) -->\s*\Z")


class PageError(Exception):
    """A page has a block that cannot be run, or one that failed."""


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        line: Number of its first line in the page.
        language: What stands behind the fence.
        text: Its lines, without their common indentation.
        comment: What the comment before it says: `file`, `not run`, `needs`, `slow` or nothing.
        value: What stands behind the colon of that comment.
    """

    line: int
    language: str
    text: str
    comment: str
    value: str


def read_blocks(page: str) -> list[Block]:
    """Read the fenced blocks of a page in their order; directives of MyST are left out.

    Args:
        page: The page's text.
    """
    blocks = []
    for fence in _FENCE.finditer(page):
        if "{" in fence["language"]:
            continue
        indent = len(fence["indent"])
        lines = [line[indent:] for line in fence["text"].splitlines(keepends=True)]
        comment = _COMMENT.search(page, 0, fence.start())
        what = (comment["what"], comment["value"]) if comment else ("", "")
        number = page.count("\n", 0, fence.start()) + 2
        blocks.append(Block(number, fence["language"], "".join(lines), *what))
    return blocks


def is_left_out(block: Block, slow: bool) -> bool:
    """Whether a block is not run: its comment says so, it is slow, or a program is missing."""
    if block.comment == "needs":
        return shutil.which(block.value) is None
    return block.comment == "not run" or (block.comment == "slow" and not slow)


def script(blocks: Sequence[Block], scratch: Path) -> str:
    """The bash script that does what a page says.

    Args:
        blocks: Blocks of the page.
        scratch: Folder for programs, and for what commands of `console` blocks print.

    Raises:
        PageError: A block is of a language that is not run, and no comment says what to do.
    """
    # Not -u: the set-up files of ROS use variables that nobody has set.
    lines = ["set -eo pipefail", "trap 'set +e; kill $(jobs -p) 2>/dev/null; wait' EXIT"]
    for block in blocks:
        lines.append(f'echo "-- line {block.line}"')
        if block.comment == "file":
            source = scratch / f"{block.line}.file"
            source.write_text(block.text, encoding="utf-8")
            target = shlex.quote(str(Path(block.value).expanduser()))
            copy = f"cp {shlex.quote(str(source))} {target}"
            lines.append(f'mkdir -p "$(dirname {target})" && {copy}')
        elif block.language == "sh":
            lines.append(block.text)
        elif block.language == "python":
            program = scratch / f"{block.line}.py"
            program.write_text(block.text, encoding="utf-8")
            lines.append(f"python3 {shlex.quote(str(program))}")
        elif block.language == "console":
            for number, (command, _) in enumerate(commands(block)):
                printed = scratch / f"{block.line}.{number}.printed"
                # What it shows may be a failure.
                lines.append(f"{{ {command}\n}} >{shlex.quote(str(printed))} 2>&1 || true")
        elif block.language != "text":
            raise PageError(
                f"line {block.line}: a block of {block.language or 'no language'}: expected sh, "
                "console, python or text, or a comment that says what to do with it"
            )
    return "\n".join(lines) + "\n"


def commands(block: Block) -> list[tuple[str, str]]:
    """The commands of a `console` block, each with what the page says that it prints."""
    found: list[tuple[str, str]] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], ""))
        elif found:
            found[-1] = (found[-1][0], found[-1][1] + line + "\n")
    return found


def agrees(shown: str, printed: str) -> bool:
    """Whether a command printed what a page shows; spaces at the ends of lines do not count."""
    pattern = ""
    for line in shown.rstrip().splitlines():
        if line.strip() == "...":
            pattern += "(?:.*\n)*?"
        else:
            pattern += ".*".join(re.escape(part) for part in line.rstrip().split("...")) + " *\n"
    text = printed.rstrip()
    return re.fullmatch(pattern, f"{text}\n" if text else "") is not None


def compare(blocks: Sequence[Block], scratch: Path) -> None:
    """Hold what commands printed against what the page shows.

    Args:
        blocks: Blocks of the page, which were run.
        scratch: The folder given to `script`.

    Raises:
        PageError: A command printed something else.
    """
    for block in blocks:
        if block.language != "console" or block.comment == "file":
            continue
        for number, (command, shown) in enumerate(commands(block)):
            printed = (scratch / f"{block.line}.{number}.printed").read_text(encoding="utf-8")
            if not agrees(shown, printed):
                differs = f"the page shows:\n{shown}\nit printed:\n{printed}"
                raise PageError(f"line {block.line}: {command}\n{differs}")


def run_page(page: Path, folder: Path, slow: bool = False) -> None:
    """Run the blocks of a page.

    Args:
        page: The page.
        folder: Where its commands run; made if it is not there.
        slow: Whether slow blocks are run, too.

    Raises:
        PageError: A block failed, printed something else than the page shows, or cannot be run.
    """
    read = read_blocks(page.read_text(encoding="utf-8"))
    blocks = [block for block in read if not is_left_out(block, slow)]
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="page_") as name:
        scratch = Path(name)
        (scratch / "page.sh").write_text(script(blocks, scratch), encoding="utf-8")
        status = subprocess.run(["bash", scratch / "page.sh"], cwd=folder).returncode
        if status:
            raise PageError(f"{page}: status {status}; the last line named above is where it ended")
        compare(blocks, scratch)


def main() -> int:
    """Run the page that the command line names; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("page", type=Path, help="Markdown file")
    parser.add_argument("--folder", type=Path, help="where to run it; a new one if not given")
    parser.add_argument("--slow", action="store_true", help="run the slow blocks, too")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="page_"))
    try:
        run_page(given.page.resolve(), folder, given.slow)
    except (PageError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
