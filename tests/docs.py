"""Writes pages of what users of the package call, from its docstrings: `python -m tests.docs`.

In: the docstrings of the modules below. Out: `out/docs`, pages that need no network. A public name without one is an error.
"""

from __future__ import annotations

import inspect
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pdoc

__all__ = ["MODULES", "undocumented", "write_pages"]

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "out" / "docs"
MODULES = ("speedkit", "speedkit.plots", "speedkit.lessons", "speedkit.model", "speedkit.errors")
"""The package's face, and what the objects that it gives are made of."""


def main() -> int:
    """0 when all is documented and written."""
    missing = [name for module in MODULES for name in undocumented(import_module(module))]
    if missing:
        print(f"No docstring: {', '.join(missing)}", file=sys.stderr)
        return 1
    write_pages(OUT)
    print(f"Open {(OUT / 'index.html').as_uri()}")
    return 0


def undocumented(module: ModuleType) -> list[str]:
    """The names that a module offers and says nothing about: functions, classes and modules."""
    offered = {name: getattr(module, name) for name in module.__all__}
    can_have_one = (inspect.isfunction, inspect.isclass, inspect.ismodule)
    return [
        f"{module.__name__}.{name}"
        for name, thing in offered.items()
        if any(is_one(thing) for is_one in can_have_one) and not _own_docstring(thing)
    ]


def _own_docstring(thing: object) -> str:
    """What stands in the sources: a dataclass without a docstring gets its signature as one."""
    text = (thing.__dict__.get("__doc__") if isinstance(thing, type) else thing.__doc__) or ""
    return "" if isinstance(thing, type) and text.startswith(f"{thing.__name__}(") else text


def write_pages(folder: Path) -> None:
    """A page for each of the modules, and an index."""
    specs = []
    for name in MODULES:
        # pdoc takes a package with all that is in it; what is behind its face is left out again.
        specs += [name, f"!{name}[.].*"] if name == "speedkit" else [name, f"!{name}[.].+"]
    pdoc.render.configure(docformat="markdown", show_source=False, footer_text="speedkit")
    pdoc.pdoc(*specs, output_directory=folder)


if __name__ == "__main__":
    sys.exit(main())
