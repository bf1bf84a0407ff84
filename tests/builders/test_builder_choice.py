"""Which builder a name leads to, and what a builder that cannot do something advises: no engine is asked here."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from speedkit.builders import BaseRequest, BuildBases, EngineBuilder, OtherBuilder, builder_named, buildx_commands
from speedkit.errors import BuilderCannot, EngineError, Misuse, UnknownBuilder
from tests.waiting import HANG_SECONDS

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a shell script stands in for buildx")


@pytest.fixture
def engine_with(tmp_path, monkeypatch):
    """An engine whose buildx runs the lines of a shell script."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    # However busy the machine is: a test of a builder that does not answer sets a shorter time.
    monkeypatch.setattr(buildx_commands, "ANSWER_SECONDS", HANG_SECONDS)

    def make(script: str) -> SimpleNamespace:
        buildx = tmp_path / "buildx"
        buildx.write_text(f"#!/bin/sh\n{script}\n")
        buildx.chmod(0o700)
        return SimpleNamespace(buildx=buildx, environment=os.environ, host="unix:///here.sock")

    return make


def context_at(folder: Path, name: str, host: str) -> None:
    """Add a Docker context to a folder of Docker's settings."""
    import hashlib
    import json

    place = folder / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
    place.mkdir(parents=True)
    (place / "meta.json").write_text(json.dumps({"Name": name, "Endpoints": {"docker": {"Host": host}}}))


def test_a_builder_has_the_platforms_that_buildx_lists(engine_with):
    engine = engine_with("printf 'Driver: remote\\nPlatforms: linux/amd64*, linux/arm64\\n'")
    assert builder_named(engine, "far") == OtherBuilder(engine, "far", platforms=("linux/amd64", "linux/arm64"))


def test_a_builder_that_does_not_answer_is_taken_without_its_platforms(engine_with, monkeypatch):
    monkeypatch.setattr(buildx_commands, "ANSWER_SECONDS", 0.1)
    engine = engine_with("exec sleep 900")
    assert builder_named(engine, "far") == OtherBuilder(engine, "far")


def test_a_builder_with_the_name_of_a_context_that_does_not_answer_is_inside_an_engine(engine_with, monkeypatch, tmp_path):
    monkeypatch.setattr(buildx_commands, "ANSWER_SECONDS", 0.1)
    engine = engine_with("exec sleep 900")
    context_at(tmp_path, "here", engine.host)
    context_at(tmp_path, "far", "ssh://far")
    assert builder_named(engine, "here") == EngineBuilder(engine)
    with pytest.raises(Misuse, match="inside the engine of the Docker context far"):
        builder_named(engine, "far")


def test_a_name_that_no_builder_has_is_refused_with_the_names_there_are(engine_with):
    engine = engine_with("""[ "$1" = ls ] && echo near && exit; echo 'no builder "far" found' >&2; exit 1""")
    with pytest.raises(UnknownBuilder, match="near"):
        builder_named(engine, "far")


def test_a_name_that_no_builder_has_is_refused_without_names_where_another_builder_is_dead(engine_with, monkeypatch):
    engine = engine_with("""[ "$1" = ls ] && exec sleep 900; echo 'no builder "far" found' >&2; exit 1""")
    run_child = buildx_commands.run_child

    def run(argv, *, limit_seconds, **settings):
        assert limit_seconds == HANG_SECONDS
        return run_child(argv, limit_seconds=0.1 if "ls" in argv else HANG_SECONDS, **settings)

    monkeypatch.setattr(buildx_commands, "run_child", run)
    with pytest.raises(UnknownBuilder) as error:
        builder_named(engine, "far")
    assert str(error.value).endswith("There is no builder 'far'. `docker buildx create` makes one.")


@pytest.mark.parametrize(
    ("script", "answers"),
    [
        ("printf 'Driver: remote\\nStatus:   running\\n'", True),
        ("printf 'Driver: remote\\nStatus:   inactive\\n'", False),
        ("printf 'Driver: remote\\nNodes:\\nStatus: inactive\\n\\nStatus: running\\n'", True),
        ("printf 'Driver: docker-container\\nStatus: inactive\\n'", True),
        ("echo 'no builder' >&2; exit 1", False),
        ("exec sleep 900", False),
    ],
)
def test_another_builder_answers_while_one_of_its_nodes_does(engine_with, monkeypatch, script, answers):
    if "sleep" in script:
        monkeypatch.setattr(buildx_commands, "ANSWER_SECONDS", 0.1)
    engine = engine_with(script)
    engine.answers = lambda: True
    assert OtherBuilder(engine, "far").answers() is answers
    engine.answers = lambda: False
    assert not OtherBuilder(engine, "far").answers()


def test_any_other_error_of_buildx_is_quoted(engine_with):
    with pytest.raises(EngineError, match="cannot describe the builder 'far'") as error:
        builder_named(engine_with("echo 'no such host' >&2; exit 1"), "far")
    assert "no such host" in str(error.value)


def test_a_base_that_the_engine_cannot_get_is_refused_with_what_shares_the_cache(monkeypatch):
    monkeypatch.setattr(EngineBuilder, "prepare", lambda *_, **__: BuildBases({}, {}, "alpine"))
    request = BaseRequest("FROM alpine\n", {}, None, "token")
    with pytest.raises(BuilderCannot, match="cannot get alpine") as error:
        OtherBuilder(None, "far").prepare(request, extend_ca=False)
    assert "`docker pull`" in str(error.value)
    assert "speedkit build` in the folder, without --cold, shares the builder's" in str(error.value)
