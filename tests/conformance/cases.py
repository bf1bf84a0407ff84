"""Cases kept as folders: tests/cases/<claim>/{before,after,expected}.

`before` and `after` are build contexts with a Dockerfile; `before.json` and `after.json` beside them may hold
`build_args` and `target`. `expected` has a line for each step to look at: line of the Dockerfile in `after`, forecast,
kind of reason (`-`: any).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from speedkit.cache import BaseImage, Situation
from speedkit.context import read_context
from speedkit.dockerfile import read_dockerfile

__all__ = ["CASES", "FOLDER", "Case", "Expected", "read_case"]

FOLDER = Path(__file__).parent.parent / "cases"
CASES = sorted(path.name for path in FOLDER.iterdir() if path.is_dir())

_LAYERS = ("sha256:one",)
BASES = {
    "speedkit-conformance/plain": BaseImage(_LAYERS),
    "speedkit-conformance/label": BaseImage(_LAYERS),
    "speedkit-conformance/variable": BaseImage(_LAYERS, ("PATH=/bin", "FROM_BASE=yes")),
    "speedkit-conformance/layer": BaseImage((*_LAYERS, "sha256:two")),
}


@dataclass(frozen=True)
class Expected:
    line: int
    forecast: str
    kind: str


@dataclass(frozen=True)
class Case:
    before: Situation
    after: Situation
    expected: tuple[Expected, ...]
    folder: Path


def read_case(name: str) -> Case:
    folder = FOLDER / name
    rows = [line.split() for line in (folder / "expected").read_text().splitlines() if line.strip()]
    return Case(
        _situation(folder / "before"),
        _situation(folder / "after"),
        tuple(Expected(int(line), forecast, kind) for line, forecast, kind in rows),
        folder,
    )


def _situation(folder: Path) -> Situation:
    request = folder.with_name(f"{folder.name}.json")
    asked = json.loads(request.read_text()) if request.exists() else {}
    plain = Situation(
        dockerfile=read_dockerfile((folder / "Dockerfile").read_text()),
        context=read_context(folder, dockerfile=folder / "Dockerfile"),
        bases=BASES,
        platform="linux/amd64",
    )
    return replace(plain, build_args=asked.get("build_args", {}), target=asked.get("target"))
