"""The runner of pages does what a page says, and fails where the page is wrong."""

import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

RUNNER = Path(__file__).resolve().parents[2] / "docs" / "run_page.py"
_spec = importlib.util.spec_from_file_location("run_page", RUNNER)
run_page = importlib.util.module_from_spec(_spec)
sys.modules["run_page"] = run_page  # dataclasses look their module up there
_spec.loader.exec_module(run_page)


@pytest.fixture(autouse=True)
def scratch_of_two_words(tmp_path, monkeypatch):
    """Where temporary files are, may be a folder with a space in its name."""
    (tmp_path / "scratch here").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch here"))


def run(tmp_path, *lines, slow=False):
    page = tmp_path / "page.md"
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")
    run_page.run_page(page, tmp_path / "folder", slow)
    return tmp_path / "folder"


def test_blocks_share_one_shell_and_one_folder(tmp_path):
    folder = run(
        tmp_path,
        *("```sh", "word=said", "mkdir sub", "cd sub", "```", "Then:"),
        *("- a list", "", "  ```sh", "  echo $word > out.txt", "  ```"),
    )
    assert (folder / "sub/out.txt").read_text() == "said\n"


def test_files_and_programs(tmp_path):
    folder = run(
        tmp_path,
        *("<!-- file: deep/numbers.json -->", "```json", "[1, 2]", "```"),
        *("```python", "import json", "from pathlib import Path"),
        "print(sum(json.loads(Path('deep/numbers.json').read_text())),",
        *("      file=open('sum.txt', 'w'))", "```", "```text", "no(t run", "```"),
    )
    assert (folder / "sum.txt").read_text() == "3\n"


def test_what_is_left_out(tmp_path):
    lines = (
        *("<!-- not run: moves an arm -->", "```sh", "touch moved", "```"),
        *("<!-- slow: takes hours -->", "```sh", "touch slow", "```"),
        *("<!-- needs: no_such_program -->", "```sh", "touch needs", "```"),
        *("<!-- needs: bash -->", "```sh", "touch has", "```"),
        *("```{note}", "touch directive", "```"),
    )
    assert {path.name for path in run(tmp_path, *lines).iterdir()} == {"has"}
    assert {path.name for path in run(tmp_path, *lines, slow=True).iterdir()} == {"has", "slow"}


@pytest.mark.parametrize(
    "lines",
    [
        ("$ echo one; echo two", "one", "two"),
        ("$ echo one; echo two; echo three", "...", "three"),
        ("$ echo three", "...", "three"),
        ("$ echo it took 12 s of 20", "it took ... s of 20"),
        ("$ echo failed; false", "failed", "$ echo 'a b.c'", "a b.c"),
        ("$ word=kept", "$ echo $word", "kept"),
    ],
)
def test_what_a_page_shows_is_what_is_printed(tmp_path, lines):
    run(tmp_path, "```console", *lines, "```")


@pytest.mark.parametrize(
    "lines",
    [
        ("$ echo one; echo two", "one"),
        ("$ echo abc", "a.c"),
        ("$ echo one; echo three", "one", "...", "two"),
        ("$ true", "something"),
        ("$ echo something",),
    ],
)
def test_anything_else_is_an_error(tmp_path, lines):
    with pytest.raises(run_page.PageError, match="the page shows"):
        run(tmp_path, "```console", *lines, "```")


def test_a_command_that_fails_ends_the_run(tmp_path):
    with pytest.raises(run_page.PageError, match="status 3"):
        run(tmp_path, "```sh", "(exit 3)", "touch after", "```")
    assert not (tmp_path / "folder/after").exists()


def test_a_block_of_an_unknown_language_says_where(tmp_path):
    with pytest.raises(run_page.PageError, match=r"line 3: a block of yaml: expected sh, console"):
        run(tmp_path, "text", "```yaml", "a: 1", "```")


def test_what_runs_in_the_background_ends_with_the_page(tmp_path):
    folder = run(tmp_path, "```sh", "sleep 600 &", "echo $! > pid", "```")
    pid = int((folder / "pid").read_text())
    assert not Path(f"/proc/{pid}").exists()


def test_as_a_program(tmp_path):
    (tmp_path / "page.md").write_text("```sh\nfalse\n```\n")
    done = subprocess.run(
        [sys.executable, RUNNER, tmp_path / "page.md", "--folder", tmp_path / "there"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stdout == "-- line 2\n"
    assert "status 1" in done.stderr


def test_a_page_that_is_not_there_is_one_line(tmp_path):
    command = [sys.executable, RUNNER, tmp_path / "none.md", "--folder", tmp_path / "there"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "No such file" in line and "none.md" in line
