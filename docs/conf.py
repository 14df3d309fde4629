"""Configuration of the site; `make docs` builds it."""

from __future__ import annotations

import sys
from pathlib import Path

from sphinx.application import Sphinx

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS), str(DOCS.parent)]

from from_code.pages import MARK, fill  # noqa: E402

import dr_grasp  # noqa: E402

project = "dr_grasp"
author = "the authors of dr_grasp"
version = release = dr_grasp.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["from_code"]
default_role = "literal"  # names in our docstrings stand in single backticks

suppress_warnings = ["toc.empty_glob"]  # an index names pages in their order, of which some may come

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

html_theme = "furo"
html_title = f"dr_grasp {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False


def setup(app: Sphinx) -> None:
    """Have the marked lines of pages replaced by what follows from the code."""
    app.connect("source-read", _fill)
    app.connect("env-get-outdated", _pages_from_code)


def _fill(app: Sphinx, docname: str, source: list[str]) -> None:
    source[0] = fill(source[0])


def _pages_from_code(app: Sphinx, env: object, *changes: set[str]) -> list[str]:
    """Pages that are read anew even if their own files are as they were."""
    paths = {name: Path(app.env.doc2path(name)) for name in app.env.found_docs}
    return [name for name, path in paths.items() if MARK.search(path.read_text(encoding="utf-8"))]
