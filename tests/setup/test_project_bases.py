"""Which base images a project names, and what `speedkit setup --for` gets for each."""

from __future__ import annotations

import pytest

from speedkit.engine import RemovedObjects
from speedkit.errors import NoDockerfile, NotAFolder, SetupError
from speedkit.setup import project_bases
from speedkit.setup.project_bases import get_project_bases


class Images:
    """The images of an engine, a registry with some more, and stand-ins that can be made."""

    def __init__(self) -> None:
        self.here: set[str] = set()
        self.registry: set[str] = set()
        self.contents: dict[str, str] = {}
        self.broken: set[str] = set()
        self.pulled: list[str] = []
        self.needed: set[str] = set()
        self.too_many = 0

    def pull(self, _engine, reference):
        self.pulled.append(reference)
        if reference not in self.registry:
            return "no such host."
        self.here.add(reference)
        return None

    def keep(self, _engine, limit, needed):
        self.needed = needed
        return RemovedObjects(images=self.too_many)

    def make(self, _engine, stand_in, say):
        if stand_in.key in self.broken:
            raise SetupError("`apt-get` failed:", quoted="a line\nE: no such package")
        say(f"making {stand_in.key}")
        return self.contents.get(stand_in.key, "Debian trixie")


@pytest.fixture
def images(monkeypatch):
    fake = Images()
    monkeypatch.setattr(project_bases, "has_image", lambda _, name: name in fake.here)
    monkeypatch.setattr(project_bases, "pull_image", fake.pull)
    monkeypatch.setattr(project_bases, "make_stand_in_image", fake.make)
    monkeypatch.setattr(project_bases, "made_of", lambda *_: None)
    monkeypatch.setattr(project_bases, "keep_stand_ins", fake.keep)
    return fake


def bases_of(folder, bases=(), said=None):
    return {one.reference: one for one in get_project_bases(None, folder, dict(bases), ([] if said is None else said).append)}


def test_all_stages_and_files_of_a_project_count(images, folder):
    project = folder(
        {
            "Dockerfile": "ARG V=1.24\nFROM golang:${V} AS a\nFROM a\nCOPY --from=busybox /bin/sh /x\nFROM scratch\n",
            "docker/api.Dockerfile": "FROM golang:1.24\nRUN --mount=from=ghcr.io/astral-sh/uv,target=/uv true\n",
            "Dockerfile.dockerignore": "FROM no/file:1\n",
            "node_modules/x/Dockerfile": "FROM others/file:1\n",
            "README.md": "FROM nothing\n",
        }
    )
    found = bases_of(project)
    assert set(found) == {"golang:1.24", "busybox", "ghcr.io/astral-sh/uv"}
    assert sorted(found["golang:1.24"].files) == ["Dockerfile", "docker/api.Dockerfile"]


def test_the_dockerfiles_of_a_project_are_those_that_its_ways_name(images, folder):
    project = folder(
        {
            "Containerfile.dev": "FROM alpine:3\n",
            "build/image": "FROM busybox\n",
            "compose.yaml": "services: {web: {build: {context: ., dockerfile: build/image}}}\n",
            "Dockerfile.md": "FROM a/page:1\n",
        }
    )
    assert {name: one.files for name, one in bases_of(project).items()} == {
        "alpine:3": ("Containerfile.dev",),
        "busybox": ("build/image",),
    }


def test_each_base_is_real_or_a_stand_in_or_replaced_or_missing(images, folder):
    images.here = {"debian:12", "mine/app"}
    images.registry = {"alpine:3"}
    images.contents = {"golang:1.24-trixie": "Go 1.24.13, Debian trixie"}
    text = "".join(
        f"FROM {name}\n" for name in ("debian:12", "alpine:3", "golang:1.24", "team/app:1", "php:8", "golang:nanoserver")
    )
    found = bases_of(folder({"Dockerfile": text}), {"team/app:1": "mine/app"})
    assert {name: one.state for name, one in found.items()} == {
        "debian:12": "real",
        "alpine:3": "real",
        "golang:1.24": "stand-in",
        "team/app:1": "replaced",
        "php:8": "missing",
        "golang:nanoserver": "missing",
    }
    assert found["golang:1.24"].used == "localhost:1/speedkit/stand-in/golang:1.24-trixie"
    assert found["golang:1.24"].sentence == "golang:1.24: a stand-in, made of Go 1.24.13, Debian trixie"
    assert found["team/app:1"].to_json()["used"] == "mine/app"
    assert "There is no stand-in for it, and no registry handed it out (no such host)." in found["php:8"].sentence
    assert "--base php:8=IMAGE" in found["php:8"].sentence
    assert "not of the flavour nanoserver" in found["golang:nanoserver"].because
    assert sorted(images.pulled) == ["alpine:3", "golang:1.24", "golang:nanoserver", "php:8"]


def test_another_version_than_the_asked_one_is_said(images, folder):
    images.contents = {
        "java:24-jdk-trixie": "Java 25.0.1, Debian trixie",
        "maven:3.9.16-17-jdk-bookworm": "apache-maven 3.9.16",
    }
    found = bases_of(folder({"Dockerfile": "FROM eclipse-temurin:24-jdk\nFROM golang:1.2\n"}))
    assert found["eclipse-temurin:24-jdk"].sentence.endswith("made of Java 25.0.1, Debian trixie; it asks for Java 24")


def test_a_stand_in_that_cannot_be_made_is_missing_with_the_last_line(images, folder):
    images.broken = {"rust:1-trixie"}
    found = bases_of(folder({"Dockerfile": "FROM rust:1\nFROM debian\n"}))
    assert found["rust:1"].because == "`apt-get` failed: E: no such package"
    assert found["debian"].state == "stand-in"


def test_a_dockerfile_that_cannot_be_read_is_named_and_the_others_count(images, folder):
    said: list[str] = []
    found = bases_of(folder({"Dockerfile": "ARG NAME\nFROM $NAME\n", "b.dockerfile": "FROM alpine\n"}), said=said)
    assert list(found) == ["alpine"]
    assert any("Dockerfile: its base images cannot be read." in line for line in said)


def test_a_single_dockerfile_is_a_project_too(images, folder):
    project = folder({"other.file": "FROM alpine\n"})
    assert list(bases_of(project / "other.file")) == ["alpine"]


def test_a_path_without_dockerfiles_is_refused(images, folder, tmp_path):
    with pytest.raises(NotAFolder):
        bases_of(tmp_path / "nothing")
    with pytest.raises(NoDockerfile):
        bases_of(folder({"a": "1"}))


def test_stand_ins_over_the_limit_go_but_none_that_the_project_needs(images, folder):
    images.too_many = 2
    said: list[str] = []
    bases_of(folder({"Dockerfile": "FROM alpine:3\n"}), said=said)
    assert images.needed == {f"localhost:1/speedkit/stand-in/{key}" for key in ("alpine:latest", "debian:trixie")}
    assert "2 stand-ins that were not used for long are removed: all may take 8.0 GB (SPEEDKIT_STAND_INS_LIMIT)" in said[-1]


def test_build_args_of_the_ways_to_build_count(images, folder):
    project = folder(
        {"Dockerfile": "ARG V=1.24\nFROM golang:${V}\n", "Makefile": "image:\n\tdocker build --build-arg V=1.26 .\n"}
    )
    found = bases_of(project)
    assert {name: one.files for name, one in found.items()} == {"golang:1.24": ("Dockerfile",), "golang:1.26": ("Dockerfile",)}
