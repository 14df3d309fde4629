"""Configuration of the site; `make docs` builds it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from sphinx.application import Sphinx

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS), str(DOCS.parent)]

from from_code.pages import fill, has_marks  # noqa: E402

import dr_grasp  # noqa: E402

FLOATS = "numpy.ndarray[tuple[~typing.Any, ...], numpy.dtype[numpy.float64]]"
"""How napoleon writes our `FloatArray`."""

project = "dr_grasp"
author = "the authors of dr_grasp"
version = release = dr_grasp.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["from_code"]
default_role = "literal"  # names in our docstrings stand in single backticks

nitpicky = True
nitpick_ignore_regex = [
    ("py:class", r"FloatArray|(collections\.abc|numpy|pathlib)\..*"),  # their pages are elsewhere
    # Of what our values have, some is not for others.
    ("py:class", r"dr_grasp\.(robots\.(robot_model|hardware_settings)|generation\.result)\..*"),
]

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_format = "short"
autodoc_typehints_description_target = "documented_params"
autodoc_type_aliases = {"FloatArray": "FloatArray"}
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

html_theme = "furo"
html_title = f"dr_grasp {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_copyright = html_show_sphinx = False


def setup(app: Sphinx) -> None:
    """Have the marked lines of pages replaced by what follows from the code."""
    app.connect("source-read", _fill)
    app.connect("env-get-outdated", _pages_from_code)
    app.connect("autodoc-process-docstring", _shorten_types, priority=600)  # after napoleon


def _fill(app: Sphinx, docname: str, source: list[str]) -> None:
    source[0] = fill(source[0])


def _shorten_types(app: Sphinx, *what: object) -> None:
    """Have types of attributes shown without their modules, as those of arguments are."""
    lines = what[-1]
    lines[:] = [
        re.sub(r"(?<![\w.~])((?:[a-z_]+\.)+[A-Z])", r"~\1", line.replace(FLOATS, "FloatArray"))
        if line.startswith(":vartype")
        else line
        for line in lines
    ]


def _pages_from_code(app: Sphinx, env: object, *changes: set[str]) -> list[str]:
    """Pages that are read anew even if their own files are as they were."""
    paths = {name: Path(app.env.doc2path(name)) for name in app.env.found_docs}
    return [name for name, path in paths.items() if has_marks(path.read_text(encoding="utf-8"))]
