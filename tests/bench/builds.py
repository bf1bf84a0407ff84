"""Builds: our own cost on top of Docker's, and what the strategies gain."""

from __future__ import annotations

import subprocess
import time

from speedkit.apps import sample_app
from speedkit.engine.connection import connect
from speedkit.experiment import build, compare
from speedkit.experiment.bases import build_bases
from tests.bench.figures import print_ratio, print_seconds

RUNS = 15
EDIT_TRIALS = 3


def fully_cached() -> None:
    """A fully cached build through `sk.build` against `docker buildx build`, run in turn."""
    print("a fully cached build")
    engine = connect()
    with sample_app() as app:
        strategy = app.strategy("scratch")
        app.share_cache()
        build(app, "scratch")
        text = strategy.dockerfile.read_text()
        bases = build_bases(engine, text, build_args={}, target=None, isolation=None, extend_ca=False)
        argv = ["docker", "buildx", "build", "--quiet", f"--file={strategy.dockerfile}", "--label=dev.speedkit=1"]
        argv += [f"--build-context={name}={image}" for name, image in bases.named_contexts.items()]
        ours, theirs = [], []
        for _ in range(RUNS):
            began = time.perf_counter()
            assert build(app, "scratch").ok
            ours.append(time.perf_counter() - began)
            began = time.perf_counter()
            subprocess.run([*argv, str(app.folder)], check=True, capture_output=True, env=engine.environment)
            theirs.append(time.perf_counter() - began)
    print_seconds("sk.build", ours)
    print_seconds("docker buildx build", theirs)
    print_ratio("sk.build / docker buildx build", ours, theirs, wanted="at most 0.8")


def edit_rebuilds() -> None:
    """A field renamed, rebuilt by the best container strategy, the host and `optimized`, interleaved."""
    print("rebuild after renaming a field")
    names = ("host", "optimized", "scratch")
    with sample_app() as app:
        result = compare(app, names, ["rename-field"], repeat=EDIT_TRIALS)
    seconds = {
        name: [run.build.seconds for run in result.runs if (run.strategy, run.edit) == (name, "rename-field")] for name in names
    }
    assert all(row["ok"] for row in result.rows)
    for name in names:
        print_seconds(name, seconds[name])
    print_ratio("scratch / host", seconds["scratch"], seconds["host"], wanted="at most 0.9")
    print_ratio("scratch / optimized", seconds["scratch"], seconds["optimized"], wanted="at most 0.05")
