"""The README is short, and what it and the other pages name is there."""

import re
from pathlib import Path

import pytest

from dr_grasp.common.resources import config_names
from dr_grasp.robots.robot_spec import robot_names
from dr_grasp.transfer.export import COLUMNS

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
PAGES += [*ROOT.glob("docs/**/*.md"), *ROOT.glob("urdf/*.md")]
LINK = re.compile(r"\[[^\]]*\]\((?!https?://|#)([^)#\s]+)")


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 150


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    # Pages of the reference that are made from the code are there as well, with a mark in them.
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), link


@pytest.mark.parametrize("page", PAGES[:2], ids=lambda page: page.name)
def test_make_knows_its_targets(page):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = re.compile(r"(?:`|^ {4}|^)make (?:-C \S+ )?([a-z][a-z-]*)", re.MULTILINE)
    targets = set(named.findall(page.read_text(encoding="utf-8")))
    assert len(targets) >= 3
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_pictures_are_there():
    pictures = re.findall(r"!\[.*?\]\((.+?)\)", README)
    assert len(pictures) == 2
    for picture in pictures:
        assert (ROOT / picture).stat().st_size > 10_000


def test_contributing_names_every_room_and_only_files_that_are_there():
    rooms = CONTRIBUTING.partition("## The rooms")[2].partition("## How to add")[0]
    named = set(re.findall(r"`(\w+)/`", rooms))
    package = ROOT / "dr_grasp"
    assert named == {path.parent.name for path in package.glob("*/__init__.py")}
    files = {*re.findall(r"`([\w/]+\.(?:py|toml|xml))\b", CONTRIBUTING)}
    assert len(files) > 10
    for file in files:
        assert (ROOT / file).is_file() or (package / file).is_file(), file


def test_the_readme_has_every_robot():
    assert set(re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE)) == set(robot_names())


def test_named_profiles_are_there():
    criteria = (ROOT / "docs/concepts/criteria.md").read_text(encoding="utf-8")
    profiles = {"default", "huber2023"}
    assert all(f"`{name}`" in criteria for name in profiles)
    assert set(config_names("profiles")) == profiles


def test_every_column_of_the_table_of_attempts_is_described():
    page = (ROOT / "docs/tutorials/session_to_report.md").read_text(encoding="utf-8")
    table = page.partition("| columns | what |")[2].partition("\n\n")[0]
    named = {name for name in re.findall(r"`(\w+)`", table) if name not in ("twin", "moveit")}
    columns = {column.name for column in COLUMNS}
    assert named <= columns
    # What is there for each criterion and each failure is described once.
    others = re.compile(r"(jsdr|fdr|mdr)(_\w+)?|predicted_\w+")
    assert {name for name in columns - named if not others.fullmatch(name)} == set()
