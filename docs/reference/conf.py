"""How the reference is built from the docstrings: `make docs`, without network."""

from pathlib import Path
from typing import Any

from multimodal import __version__

project = "Multimodal deepfake detection"
copyright = "the contributors, Apache-2.0"
release = version = __version__

extensions = ["sphinx.ext.apidoc", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]

# A page a module, written into modules/ anew by every build.
_ROOT = Path(__file__).parents[2]
apidoc_modules = [
    {
        "path": str(_ROOT / package),
        "destination": f"modules/{package}",
        "separate_modules": True,
        "module_first": True,
    }
    for package in ("encoders", "fusion", "multimodal", "experiments")
]
autodoc_member_order = "bysource"
# Names of other libraries that autodoc takes for ours.
_BORROWED = "Annotated, Positional, get_context"
autodoc_default_options = {"members": True, "show-inheritance": True, "exclude-members": _BORROWED}
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_preserve_defaults = True
# Extras that need not be there for their modules to be read.
autodoc_mock_imports = ["onnx", "onnxruntime", "optuna", "ray", "submitit"]
napoleon_numpy_docstring = False
napoleon_use_ivar = True
# A name like Range stands for several things; the link goes to one of them.
suppress_warnings = ["ref.python"]

html_theme = "alabaster"
html_theme_options = {
    "description": "whose numbers can be trusted",
    "page_width": "1200px",
    "sidebar_width": "280px",
}
html_copy_source = False


def setup(app: Any) -> None:
    """Have docstrings changed before their sections are read."""
    app.connect("autodoc-process-docstring", show_commands, priority=400)


def show_commands(app: Any, what: str, name: str, found: object, options: object, lines: list[str]) -> None:
    """Examples of a command line stand as they are typed: a star or a dash in them is no markup."""
    if "Examples:" in lines and ">>>" not in lines[(start := lines.index("Examples:") + 1)]:
        end = next(
            (at for at in range(start, len(lines)) if lines[at] and not lines[at].startswith(" ")), len(lines)
        )
        lines[start:end] = ["    ::", "", *(f"    {line}" for line in lines[start:end])]
