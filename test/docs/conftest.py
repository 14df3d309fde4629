"""The modules of docs/ are imported as the site's configuration imports them."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docs"))

if sys.version_info < (3, 11):
    collect_ignore_glob = ["test_*.py"]  # MyST, with which the site is built, needs 3.11


@pytest.fixture(scope="session")
def root():
    return ROOT
