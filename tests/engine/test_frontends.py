"""Where no registry answers, the engine's own frontend takes the place of Docker's, and of no other."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from speedkit.engine import frontends
from speedkit.errors import EngineLost, EngineSilent


@pytest.mark.parametrize(
    "image",
    [
        "docker/dockerfile",
        "docker/dockerfile:1",
        "docker.io/docker/dockerfile:1.7-labs",
        "docker/dockerfile-upstream:master",
        "registry.corp:5000/docker/dockerfile:1",
        "docker/dockerfile:1@sha256:" + "0" * 64,
    ],
)
def test_dockers_frontend_is_known_by_its_name(image):
    assert frontends.is_dockers_frontend(image)


@pytest.mark.parametrize("image", ["acme/dockerfile:1", "dockerfile", "docker/dockerfile2:1", "tonistiigi/xx", ""])
def test_another_frontend_is_none_of_dockers(image):
    assert not frontends.is_dockers_frontend(image)


class _Engine:
    """An engine that is asked about a registry: it says with what status code, or is silent."""

    host = "unix:///nowhere"

    def __init__(self, status: int | None, *, alive: bool = True) -> None:
        self.asked: list[str] = []
        self._status, self._alive = status, alive
        self.api = SimpleNamespace(base_url="http://engine", get=self._get)

    def _get(self, address, timeout):
        self.asked.append(address)
        if self._status is None:
            raise EngineSilent("nothing was heard")
        return SimpleNamespace(status_code=self._status)

    def answers(self) -> bool:
        return self._alive


@pytest.fixture(autouse=True)
def _nothing_asked_yet(monkeypatch):
    monkeypatch.setattr(frontends, "_unanswered", {})
    monkeypatch.setattr(frontends, "has_image", lambda engine, image: image.endswith(":here"))


@pytest.mark.parametrize(
    ("status", "replaced"), [(200, False), (401, False), (403, False), (404, False), (429, False), (500, True)]
)
def test_a_registry_that_says_anything_keeps_its_frontend(status, replaced):
    assert frontends.replaced_frontend(_Engine(status), "docker/dockerfile:1") is replaced


def test_a_registry_that_is_silent_is_asked_once():
    engine = _Engine(None)
    assert [frontends.replaced_frontend(engine, "docker/dockerfile:1") for _ in range(3)] == [True] * 3
    assert len(engine.asked) == 1


def test_an_engine_that_is_gone_is_no_silent_registry():
    with pytest.raises((EngineSilent, EngineLost)):
        frontends.replaced_frontend(_Engine(None, alive=False), "docker/dockerfile:1")


def test_an_image_that_is_here_is_used():
    engine = _Engine(500)
    assert not frontends.replaced_frontend(engine, "docker/dockerfile:here")
    assert not engine.asked


def test_no_other_frontend_is_replaced_or_asked_for():
    engine = _Engine(500)
    assert not frontends.replaced_frontend(engine, "acme/frontend:1")
    assert not engine.asked
