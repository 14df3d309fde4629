"""The modules of docs/ are imported as the site's configuration imports them."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docs"))

if sys.version_info < (3, 11):
    # MyST, with which the site is built, needs 3.11, and so does reading pyproject.toml.
    collect_ignore = ["test_from_code.py", "test_site.py"]


@pytest.fixture(scope="session")
def root():
    return ROOT
