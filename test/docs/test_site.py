"""The site is built without a warning; what is public is in it, and what it names is there."""

import re
import shutil
import subprocess
import sys
import zlib

import pytest

pytest.importorskip("sphinx", reason="needs requirements/docs.txt, which `make test` installs")
pytest.importorskip("rclpy", reason="needs ROS, which `make test-noble` does without")

from from_code.pages import fill

import dr_grasp
import dr_grasp.ros


def build(docs, out):
    return subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", docs, out],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def site(root, tmp_path_factory):
    out = tmp_path_factory.mktemp("site")
    done = build(root / "docs", out)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def test_every_public_name_is_in_the_api(site):
    # objects.inv: four lines of head, then a line for each name, compressed.
    packed = (site / "objects.inv").read_bytes().split(b"\n", 4)[4]
    names = {line.split()[0] for line in zlib.decompress(packed).decode().splitlines() if line}
    assert {f"dr_grasp.{name}" for name in dr_grasp.__all__} <= names
    assert {f"dr_grasp.ros.{name}" for name in dr_grasp.ros.__all__} <= names
    assert "dr_grasp.execution.backend.Backend.attempt" in names
    assert "dr_grasp.ros.DrGraspClient.score_few" in names


def test_nothing_is_fetched_from_elsewhere(site):
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        fetched = re.findall(r'<(?:script|link|img)\b[^>]*?(?:src|href)="(https?:[^"]+)', text)
        assert fetched == [], page


def test_no_line_of_a_page_is_left_to_fill(site):
    for page in site.rglob("*.html"):
        assert "from code:" not in page.read_text(encoding="utf-8"), page


def test_a_page_that_names_a_file_which_is_not_there_fails(root, tmp_path):
    docs = tmp_path / "docs"
    docs.mkdir()
    shutil.copy(root / "docs" / "conf.py", docs)
    # The least that conf.py needs; its modules are found as those of the repository.
    shutil.copytree(root / "docs" / "_static", docs / "_static")
    shutil.copytree(root / "docs" / "from_code", docs / "from_code")
    (docs / "index.md").write_text("# Title\n\n[gone](gone.md), [here](conf.py)\n")
    done = build(docs, tmp_path / "out")
    assert done.returncode == 1
    assert "gone.md" in done.stderr
    assert "conf.py" not in done.stderr


def test_a_line_that_names_nothing_is_an_error():
    with pytest.raises(KeyError, match="no such thing"):
        fill("<!-- from code: no such thing -->")
