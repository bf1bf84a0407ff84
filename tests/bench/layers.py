"""Layers: a first and a second look at an image, against `docker save` and dive, on the same image in one run."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from speedkit.engine.base_images import make_image, resolve_base
from speedkit.engine.connection import Engine, connect
from speedkit.engine.saved_image import read_image
from speedkit.images.dive import dive_figures
from speedkit.images.files import KINDS
from speedkit.images.image import Image
from speedkit.images.store import LayerStore
from tests.bench.dive import build_dive
from tests.bench.figures import peak_bytes_of, print_figure, print_ratio, print_seconds, run_program, seconds_of

__all__ = ["layers"]

BASE = "golang:alpine"
ROUNDS = 7
QUIET_SECONDS = 0.4
"""Before each look: the engine still removes its copy of the image when whoever asked before has all of it."""
TAR_TYPES = {kind: letter for letter, kind in KINDS.items()}


def layers() -> None:
    """What `sk.layers` takes for the Go base image in a Python that runs, and `speedkit layers` with the start of its own."""
    engine = connect()
    base = resolve_base(engine, BASE).used
    dive = build_dive()
    with tempfile.TemporaryDirectory(prefix="speedkit-bench-") as place, _with_its_layers(engine, base) as other:
        image = read_image(engine, base, store=LayerStore(Path(place) / "image"))
        size = f"{image.image_bytes / 1e6:.0f} MB, {sum(layer.file_count for layer in image.layers):,} files"
        print(f"layers of {base}: {size}")
        _time(engine, base, other, dive, Path(place))
        if isinstance(dive, Path):
            _compare_with_dive(image, _told_by_dive(engine, dive, base, Path(place)))


@contextmanager
def _with_its_layers(engine: Engine, base: str) -> Iterator[str]:
    """Another image made of the same layers."""
    name = f"speedkit/bench:{uuid.uuid4().hex[:12]}"
    with tempfile.TemporaryDirectory() as folder:
        make_image(engine, Path(folder), ["FROM base", f"LABEL dev.speedkit.bench={name}"], name=name, base=base)
    try:
        yield name
    finally:
        engine.api.remove_image(name)


def _time(engine: Engine, base: str, other: str, dive: Path | str, place: Path) -> None:
    environment = os.environ | {"DOCKER_HOST": engine.host}
    by_dive = [str(dive), "--ci", base]
    in_ci = environment | {"CI": "true"}
    ours = [sys.executable, "-m", "speedkit", "layers", base, "--json"]
    first, second, others, saved, programs, again, dived = [], [], [], [], [], [], []
    for number in range(ROUNDS):
        home = environment | {"SPEEDKIT_HOME": str(place / f"home{number}")}
        store = LayerStore(place / f"store{number}")
        saved.append(_seconds_in_quiet(lambda: run_program(["docker", "save", base], environment=environment)))
        first.append(_seconds_in_quiet(lambda store=store: _look(engine, base, store)))
        programs.append(_seconds_in_quiet(lambda home=home: run_program(ours, environment=home)))
        if isinstance(dive, Path):
            dived.append(_seconds_in_quiet(lambda: run_program(by_dive, environment=in_ci)))
        second.append(seconds_of(lambda store=store: _look(engine, base, store)))
        others.append(seconds_of(lambda store=store: _look(engine, other, store)))
        again.append(seconds_of(lambda home=home: run_program(ours, environment=home)))
    print_seconds("docker save IMAGE > /dev/null", saved)
    print_seconds("sk.layers, first look", first)
    print_seconds("speedkit layers, the program, first look", programs)
    print_ratio("sk.layers / docker save", first, saved, wanted="at most 1.15")
    print_ratio("speedkit layers / docker save", programs, saved, wanted="at most 1.15")
    if isinstance(dive, Path):
        print_seconds("dive --ci", dived)
        print_ratio("sk.layers / dive", first, dived, wanted="at most 1")
        print_ratio("speedkit layers / dive", programs, dived, wanted="at most 1")
        print_figure("peak memory of dive", _megabytes(peak_bytes_of(by_dive, environment=in_ci)))
    else:
        print_figure("against dive", f"left out, dive could not be built: {dive}", wanted="no slower")
    print_seconds("sk.layers, second look", second, wanted="at most 0.2 s")
    print_seconds("sk.layers, another image of known layers", others, wanted="at most 0.2 s")
    print_seconds("speedkit layers, the program, second look", again, wanted="at most 0.2 s")
    peak = peak_bytes_of(ours, environment=environment | {"SPEEDKIT_HOME": str(place / "home")})
    print_figure("peak memory of speedkit layers, first look", _megabytes(peak), wanted="bounded, whatever the image")


def _seconds_in_quiet(look: Callable[[], object]) -> float:
    time.sleep(QUIET_SECONDS)
    return seconds_of(look)


def _look(engine: Engine, name: str, store: LayerStore) -> None:
    image = read_image(engine, name, store=store)
    assert 0 <= image.wasted_bytes <= image.image_bytes


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.0f} MB"


def _told_by_dive(engine: Engine, dive: Path, image: str, place: Path) -> dict[str, Any]:
    target = place / "dive.json"
    run_program([str(dive), "--json", str(target), image], environment=os.environ | {"DOCKER_HOST": engine.host})
    told: dict[str, Any] = json.loads(target.read_bytes())
    return told


def _compare_with_dive(image: Image, told: dict[str, Any]) -> None:
    """Every file of every layer with its kind, size and owner, held against dive's list of them."""
    for layer, theirs in zip(image.layers, told["layer"], strict=True):
        assert layer.digest == theirs["digestId"], (layer.digest, theirs["digestId"])
        ours = {(file.path, TAR_TYPES[file.kind], file.size_bytes, file.uid, file.gid) for file in layer.files}
        listed = {
            (f"/{file['path']}", file["typeFlag"] or ord("0"), file["size"], file["uid"], file["gid"])
            for file in theirs["fileList"]
        }
        assert ours == listed, sorted(ours ^ listed)[:10]
    files = sum(len(layer.files) for layer in image.layers)
    print_figure("files, kinds, sizes and owners", f"{files:,} in {len(image.layers)} layers, the same in dive")
    by_our_count, theirs = dive_figures(image), told["image"]
    assert by_our_count.wasted_bytes == theirs["inefficientBytes"]
    ours = f"{image.wasted_bytes:,} and {image.efficiency:.6f}"
    print_figure(
        "wasted bytes and efficiency", f"{ours}; by dive {theirs['inefficientBytes']:,} and {theirs['efficiencyScore']:.6f}"
    )
