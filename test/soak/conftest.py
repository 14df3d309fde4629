"""How many rounds the soak tests do, and the figures that they report."""

import json
import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def rounds():
    """Multiplies a number of rounds by the factor that `make soak` asks for."""
    factor = int(os.environ.get("DR_GRASP_SOAK", "1"))
    return lambda number: number * factor


@pytest.fixture(scope="session")
def figures():
    """Figures by name, as reported by the tests; written to the file that `make soak` names."""
    found = {}
    yield found
    named = os.environ.get("DR_GRASP_SOAK_FIGURES")
    if named:
        file = Path(named)
        earlier = json.loads(file.read_text()) if file.exists() else {}
        file.write_text(json.dumps(earlier | found, indent=2))
