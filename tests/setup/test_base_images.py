"""Which base images `speedkit setup` pulls, and which stand-ins it makes instead."""

from __future__ import annotations

import pytest

from speedkit.engine.image_names import STAND_INS
from speedkit.errors import SetupError
from speedkit.setup import setup_steps


class _Images:
    """The images of an engine and of a registry, and what was made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.here: set[str] = set()
        self.registry: set[str] = set()
        self.impossible: set[str] = set()
        self.made: list[str] = []
        self.said: list[str] = []
        monkeypatch.setattr(setup_steps, "has_image", lambda engine, name: name in self.here)
        monkeypatch.setattr(setup_steps, "pull_image", self.pull)
        monkeypatch.setattr(setup_steps, "make_stand_in", self.make)

    def pull(self, engine, name):
        if name not in self.registry:
            return "no such host"
        self.here.add(name)
        return None

    def make(self, engine, family):
        if family in self.impossible:
            raise SetupError("A stand-in needs Debian.")
        self.made.append(family)
        self.here.add(STAND_INS[family])

    def set_up(self) -> str:
        setup_steps._get_base_images(None, self.said.append)
        return self.said[-1]


@pytest.fixture
def images(monkeypatch):
    return _Images(monkeypatch)


def test_where_a_registry_answers_nothing_is_made(images):
    images.registry |= {"golang:alpine", "alpine", "debian", "ubuntu"}
    assert images.set_up() == "Base images: golang:alpine, alpine, debian, ubuntu are the real ones"
    assert images.made == []


def test_without_a_registry_each_stand_in_is_made_once_and_what_it_grows_from_first(images):
    assert images.set_up() == "Base images: golang:alpine, alpine, debian, ubuntu are local stand-ins"
    assert images.made == ["alpine", "golang", "debian"]
    images.set_up()
    assert len(images.made) == 3


def test_only_what_is_missing_is_pulled(images):
    images.here |= {"golang:alpine", STAND_INS["alpine"]}
    images.registry |= {"alpine", "debian", "ubuntu"}
    said = images.set_up()
    assert images.said[0] == "Base images: pulling debian, ubuntu"
    assert "alpine is a local stand-in" in said


def test_a_base_that_nothing_needs_may_be_missing(images):
    images.impossible |= {"debian", "ubuntu"}
    assert images.set_up() == "Base images: golang:alpine, alpine are local stand-ins"
    assert any("ubuntu is not here, and nothing of the kit needs it" in line for line in images.said)


def test_a_base_that_builds_need_may_not(images):
    images.impossible.add("alpine")
    with pytest.raises(SetupError, match="needs Debian"):
        images.set_up()
