"""The page as a browser shows it."""

import io
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from dr_grasp.report.wording import estimate_text
from dr_grasp.report.writer import write_report
from dr_grasp.transfer.attempt_dataset import Dataset

from ..transfer.conftest import make_rows


def pixels(png):
    """Shape (height, width, 3), from 0 to 1."""
    return imread(io.BytesIO(png), format="png")[..., :3]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A page, and what it says."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    return path, write_report(path, Dataset(Path("fleet"), tuple(make_rows(300)), (), ()))


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1200, 390])
def test_a_browser_shows_it(browser, written, headings, width, dark):
    path, found = written
    browser.open(path, width=width, dark=dark)
    assert browser.requests() == [path.as_uri()]
    assert browser.complaints() == []
    shown = browser.evaluate("document.body.innerText")
    for heading in headings:
        assert heading in shown
    assert f"{found.eta.value:.2f}" in shown
    assert estimate_text(found.criteria[-1].rho) in shown
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    figures = "[...document.querySelectorAll('svg.panel')].map(one => one.getBoundingClientRect())"
    sizes = browser.evaluate(f"{figures}.map(box => Math.min(box.width, box.height))")
    assert len(sizes) == 6 + 4 * (2 + 2 + 3) and min(sizes) > 200
    image = pixels(browser.screenshot())
    page, ink = image[5, 5], image.reshape(-1, 3)
    assert (page.mean() < 0.2) == dark
    assert (np.abs(ink - page).max(axis=1) > 0.4).mean() > 0.01  # text and figures stand out
