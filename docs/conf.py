"""How Sphinx builds the documentation: `nox -s docs`, without any network."""

import sys
from importlib.metadata import version as installed
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "watchkit"
author = "The watchkit authors"
project_copyright = "The watchkit authors, Apache-2.0"
release = version = installed("watchkit")

extensions = ["myst_parser", "sphinx.ext.autodoc", "public_names"]
exclude_patterns = ["captures"]
nitpicky = True
myst_heading_anchors = 3

autodoc_default_options = {
    "members": True,
    "member-order": "bysource",
    # Of each fault; only `Fault` itself says what they are for.
    "exclude-members": "befall, bend, reads, strikes",
}
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 88
python_use_unqualified_type_names = True
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = f"watchkit {release}"
html_copy_source = False
html_show_sourcelink = False
