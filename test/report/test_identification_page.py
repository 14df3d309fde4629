"""The page on an identification: what it says, and how a browser shows it."""

import re
from dataclasses import replace

import pytest

from dr_grasp.errors import FileFormatError
from dr_grasp.report.identification_page import rows_of, write_identification_page

from ..identification.made import FINDINGS, identification


@pytest.fixture
def page_of(tmp_path):
    def page_of(**changes):
        path = tmp_path / "page.html"
        write_identification_page(path, identification(**changes), made_ns=10**18)
        return path.read_text(encoding="utf-8")

    return page_of


def words(page):
    """What is written on a page."""
    body = re.sub(r"<(style|svg|title).*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", body).replace("&nbsp;", " ").split())


def test_it_says_what_was_found(page_of):
    said = words(page_of())
    assert "Profile lab, fitted to 60 attempts of franka, in place of default." in said
    assert "6 of 8 parameters fitted" in said
    assert "mean along y (mm) larger 2 before: 0 shown: 1 to 3 over 60 errors" in said
    assert "spread of yaw (deg) smaller 1.15 before: 2.01 shown: 0.974 to 1.38" in said
    assert "delay (ms) added 18.1 to 22 before: none shown: 18.1 to 22" in said
    assert "friction (factor) narrower 0.55 to 0.9 before: 0.5 to 1.3 shown: 0.6 to 0.8" in said
    assert "mass (factor) kept 0.7 to 1.3 as before shown: 0.5 to 1.9" in said
    assert "rolling (mm) kept 0 to 2 as before none" in said
    assert "of attempts that held 80 % 90 %" in said.replace("\xa0", " ")
    assert "Brier score, less is better 0.210 0.150" in said
    assert "the simulator explains these attempts" in said
    assert "posterior, 1 iteration, seed 3, engine mujoco" in said
    assert "round_0/bag 0123456789abcdef round_1/bag fedcba9876543210" in said


def test_names_and_reasons_are_escaped(page_of):
    page = page_of()
    assert "&lt;mass&gt; &amp; force cannot be told apart" in page
    assert "a&lt;1&gt;" in page and "<1>" not in page


def test_places_of_ends_are_right():
    row = next(row for row in rows_of(FINDINGS, "dynamics") if row.label == "friction (factor)")
    # From 0.5, at 4 %, to 1.3, at 96 %.
    assert row.old == (4, 96)
    assert row.new == pytest.approx((4 + 92 * 0.05 / 0.8, 4 + 92 * 0.4 / 0.8))
    assert row.interval == pytest.approx((4 + 92 * 0.1 / 0.8, 4 + 92 * 0.3 / 0.8))


def test_without_motion_and_outcomes_it_says_so(page_of):
    page = page_of(traces=(), before=None, after=None, checks=())
    assert "there are too few attempts" in page
    assert "move like the real one" not in page and "What was checked" not in page


def test_few_of_many_bags_are_listed(page_of):
    page = page_of(bags={f"bag_{number:04d}": "0123456789abcdef" for number in range(120)})
    assert page.count('<td class="name">bag_') == 50
    assert "And 70 more bags, which the profile lists." in words(page)


def test_a_page_that_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(FileFormatError, match=r"page.html: cannot be written: No such file"):
        write_identification_page(tmp_path / "none" / "page.html", identification())


@pytest.mark.parametrize(("width", "dark"), [(1200, False), (390, True)])
def test_a_browser_shows_it(browser, tmp_path, width, dark):
    path = tmp_path / "page.html"
    long = replace(FINDINGS[0], reason="r" * 300, label="w" * 90)
    write_identification_page(path, identification(findings=(*FINDINGS, long)))
    browser.open(path, width=width, dark=dark)
    assert browser.requests() == [path.as_uri()]
    assert browser.complaints() == []
    shown = browser.evaluate("document.body.innerText")
    for heading in ("What changed?", "How the arm moves", "What is this made of?"):
        assert heading in shown
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    figures = "[...document.querySelectorAll('svg.panel')].map(one => one.getBoundingClientRect())"
    sizes = browser.evaluate(f"{figures}.map(box => Math.min(box.width, box.height))")
    assert len(sizes) == 2 and min(sizes) > 150
