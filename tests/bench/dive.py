"""The tool dive, built from its Go module into the state folder: what we are held against.

Nothing of it is part of the project. Source: https://github.com/wagoodman/dive
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from speedkit.engine.host_go import find_go
from speedkit.state import state_folder

__all__ = ["build_dive"]

MODULE, VERSION = "github.com/wagoodman/dive", "v0.13.2-0.20250516191726-d6c691947f8f"
QUOTED_CHARACTERS = 300


def build_dive() -> Path | str:
    """The program, built once; or why it cannot be built."""
    program = state_folder("bench") / f"dive-{VERSION}"
    if program.is_file():
        return program
    go = find_go()
    if go is None:
        return "there is no Go here"
    try:
        return _built(go, program)
    except subprocess.CalledProcessError as problem:
        return f"{' '.join(problem.cmd)} failed: {(problem.stderr or problem.stdout)[-QUOTED_CHARACTERS:].strip()}"


def _built(go: Path, program: Path) -> Path:
    """Built in a copy: the module cache is read-only, and nobody's go.mod is to be changed."""
    with tempfile.TemporaryDirectory(prefix="speedkit-bench-") as place:
        told: dict[str, Any] = json.loads(_run([str(go), "mod", "download", "-json", f"{MODULE}@{VERSION}"], place))
        source = Path(place) / "dive"
        shutil.copytree(told["Dir"], source)
        for path in (source, *source.rglob("*")):
            path.chmod(0o755)
        made = source / "dive-program"
        _run([str(go), "build", "-o", str(made), "./cmd/dive"], source)
        return Path(shutil.move(made, program))


def _run(argv: list[str], folder: Path | str) -> str:
    return subprocess.run(argv, cwd=folder, check=True, capture_output=True, text=True).stdout
