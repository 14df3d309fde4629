"""Attempts to report on, and a browser to look at the report with."""

import pytest

from ..transfer.conftest import dataset_of, many_rows, row
from .browser import PROGRAMS, find_browser, open_browser

__all__ = ["browser", "dataset_of", "many_rows", "row"]


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """A real one, where there is any."""
    if find_browser() is None:
        pytest.skip(f"needs a browser: none of {', '.join(PROGRAMS)} is installed")
    with open_browser(tmp_path_factory.mktemp("browser")) as found:
        yield found


@pytest.fixture
def headings():
    """Of a page on attempts."""
    return (
        "What really happened",
        "Does a higher fitness hold more often?",
        "How well does each fitness sort grasps?",
        "What would choosing have gained?",
        "Where does it hold?",
        "Can it be read as a probability?",
        "Why do grasps fail?",
        "Which grasps surprise?",
        "What is this made of?",
    )
