"""Lazy imports: the face of a room loads a module of the room when one of its names is first used.

Looking at an image needs a fifth of the modules behind `speedkit.engine` and `speedkit.images`. Loading all of them takes
0.3 s of CPU before an engine is asked for anything, loading those needed 0.1 s. `speedkit layers` is promised to take at most
1.15 times as long as `docker save`, which needs a second for a Go image, and 0.2 s for an image that it has read before.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

__all__ = ["load_on_demand"]


def load_on_demand(room: str) -> Callable[[str], Any]:
    """The `__getattr__` of a room's `__init__` (PEP 562), which imports its names for the type checker only.

    These imports also say where a name is defined, so that no second list can disagree with them.
    Source: https://scientific-python.org/specs/spec-0001, "Type checkers".
    """

    def load(name: str) -> Any:
        module = _modules_of(room).get(name)
        if module is None:
            raise AttributeError(name)
        value = getattr(import_module(f"{room}.{module}"), name)
        setattr(sys.modules[room], name, value)
        return value

    return load


@cache
def _modules_of(room: str) -> dict[str, str | None]:
    """The module of each name that a room's `__init__` imports from the room itself."""
    source = Path(str(sys.modules[room].__file__)).read_text(encoding="utf-8")
    imports = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom) and node.level == 1]
    return {name.name: node.module for node in imports for name in node.names}
