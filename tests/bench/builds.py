"""Builds: our own cost on top of Docker's, and what the strategies gain."""

from __future__ import annotations

import os
import subprocess

from speedkit.apps import App, sample_app
from speedkit.builders.base_choice import build_bases
from speedkit.builds import build
from speedkit.engine.connection import connect
from tests.bench.figures import print_ratio, print_seconds, seconds_of

CACHED_RUNS = 25
QUICK_ROUNDS = 9
SLOW_EVERY = 4
"""`optimized` takes half a minute: it takes part in the first of every four rounds."""


def fully_cached() -> None:
    """A fully cached build through `sk.build` against the same one typed by hand, run in turn.

    By hand, `docker` is told to be quiet, which is its quickest, and names the image as `sk.build` does. `sk.build` also
    connects, reads the context, records the build and derives its steps.
    """
    print("a fully cached build")
    engine = connect()
    with sample_app() as app:
        strategy = app.strategy("scratch")
        app.share_cache()
        build(app, "scratch")
        text = strategy.dockerfile.read_text()
        bases = build_bases(engine, text, build_args={}, target=None, isolation=None, extend_ca=False)
        argv = ["docker", "buildx", "build", "--quiet", f"--file={strategy.dockerfile}"]
        argv += ["--label=dev.speedkit=1", "--tag=speedkit/by-hand"]
        argv += [f"--build-context={name}={image}" for name, image in bases.named_contexts.items()]
        environment = os.environ | {"DOCKER_HOST": engine.host}

        def by_hand() -> None:
            subprocess.run([*argv, str(app.folder)], check=True, capture_output=True, env=environment)

        ours, theirs = [], []
        for _ in range(CACHED_RUNS):
            ours.append(seconds_of(lambda: build(app, "scratch")))
            theirs.append(seconds_of(by_hand))
        assert not any(step.state == "ran" for step in build(app, "scratch").instructions)
    print_seconds("sk.build", ours)
    print_seconds("docker buildx build", theirs)
    print_ratio("sk.build / docker buildx build", ours, theirs, wanted="at most 0.8")


def edit_rebuilds() -> None:
    """A field renamed, rebuilt by the best container strategy, the host and `optimized`, in turn.

    Each rebuild is of a name that was never there before: BuildKit and Go would find the old one again.
    """
    print("rebuild after renaming a field")
    with sample_app() as app:
        for name in ("host", "optimized", "scratch"):
            assert build(app, name).ok
        hosts, scratches, optimizeds, beside = [], [], [], []
        for number in range(QUICK_ROUNDS):
            scratches.append(_rebuild(app, "scratch", f"scratch{number}"))
            hosts.append(_rebuild(app, "host", f"host{number}"))
            if number % SLOW_EVERY == 0:
                optimizeds.append(_rebuild(app, "optimized", f"optimized{number}"))
                beside.append(scratches[-1])
    print_seconds("host", hosts)
    print_seconds("optimized", optimizeds)
    print_seconds("scratch", scratches)
    print_ratio("scratch / host", scratches, hosts, wanted="at most 0.9")
    print_ratio("scratch / optimized", beside, optimizeds, wanted="at most 0.05")


def _rebuild(app: App, strategy: str, field: str) -> float:
    """Seconds of a build after the text of the answer was given another name; its image is asked for that name."""
    app.reset()
    app.edit("rename-field")
    app.write("main.go", app.read("main.go").replace('json:"message"', f'json:"{field}"'))
    rebuilt = build(app, strategy)
    assert rebuilt.ok
    assert any(step.ran for step in rebuilt.step_list)
    return rebuilt.seconds
