"""How an image is asked where its port cannot be reached from here, and that no port is open to the world."""

from __future__ import annotations

import os

import pytest

from speedkit.engine import container_request, containers
from speedkit.engine.base_images import make_image, resolve_base
from speedkit.engine.containers import ask_image
from speedkit.errors import NotAsked

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def server(engine, tmp_path_factory):
    """The name of an image that answers `GET /echo` at port 8080."""
    name = f"speedkit/test-asking:{os.urandom(6).hex()}"
    lines = ["FROM base", "RUN mkdir -p /w/folder && echo hello > /w/echo", 'CMD ["httpd", "-f", "-p", "8080", "-h", "/w"]']
    make_image(engine, tmp_path_factory.mktemp("server"), lines, name=name, base=resolve_base(engine, "alpine").used)
    yield name
    engine.api.remove_image(name, force=True)


@pytest.fixture
def published(engine, monkeypatch):
    """The places where ports of started containers were published."""
    places = []
    start = type(engine.api)._guarded

    def noting(self, call):
        guarded = start(self, call)
        if getattr(call, "__name__", "") != "start":
            return guarded

        def started(container, *arguments, **options):
            guarded(container, *arguments, **options)
            ports = engine.api.inspect_container(container)["NetworkSettings"]["Ports"] or {}
            places.extend(place["HostIp"] for found in ports.values() for place in found or ())

        return started

    monkeypatch.setattr(type(engine.api), "_guarded", noting)
    return places


def test_here_it_is_published_on_loopback_alone(engine, server, published):
    assert ask_image(engine, server, port=8080, path="/echo").text == "hello\n"
    assert published == ["127.0.0.1"]


def test_a_redirect_is_the_answer_and_is_not_followed(engine, server):
    """BusyBox sends whoever asks for a folder to the same name with a slash behind it."""
    answer = ask_image(engine, server, port=8080, path="/folder")
    assert not answer.ok
    assert answer.text.startswith("HTTP 302")


@pytest.mark.parametrize("host", ["tcp://127.0.0.1:23750", "tcp://localhost:23750", "tcp://[::1]:23750"])
def test_over_tcp_on_this_machine_it_is_published_on_loopback_alone(engine, host):
    address, port = containers._publishing_place(engine._replace(host=host))
    assert address == "127.0.0.1"
    assert port is not None


@pytest.mark.parametrize("host", ["tcp://10.0.0.7:2375", "ssh://me@build.example", "tcp://localhost.example:2375"])
def test_on_another_machine_nothing_is_published(engine, host):
    assert containers._publishing_place(engine._replace(host=host)) is None


@pytest.fixture
def elsewhere(monkeypatch):
    monkeypatch.setattr(containers, "_publishing_place", lambda engine: None)


def test_an_engine_elsewhere_is_asked_from_inside(engine, server, elsewhere, published):
    answer = ask_image(engine, server, port=8080, path="/echo")
    assert answer.ok
    assert answer.text == "hello"
    refused = ask_image(engine, server, port=8080, path="/nowhere")
    assert not refused.ok
    assert refused.text.startswith("HTTP 404")
    assert published == []


def test_a_container_that_ends_or_never_answers_is_told_from_inside(engine, elsewhere, tmp_path):
    base = resolve_base(engine, "alpine").used
    for number, (command, said) in enumerate([('"false"', "exit code 1"), ('"sleep", "60"', "No answer")]):
        name = f"speedkit/test-asking:{os.urandom(6).hex()}"
        (tmp_path / str(number)).mkdir()
        make_image(engine, tmp_path / str(number), ["FROM base", f"CMD [{command}]"], name=name, base=base)
        try:
            answer = ask_image(engine, name, port=8080, path="/", seconds=2.0)
            assert not answer.ok
            assert said in answer.text
        finally:
            engine.api.remove_image(name, force=True)


def test_a_port_that_cannot_be_reached_from_here_is_asked_from_inside(engine, server, monkeypatch):
    monkeypatch.setattr(containers, "UNREACHED_SECONDS", 0.2)
    monkeypatch.setattr(containers, "_published", lambda *_: 1)  # where nobody listens
    assert ask_image(engine, server, port=8080, path="/echo").text == "hello"


def test_where_nothing_can_ask_it_is_said(engine, server, elsewhere, monkeypatch):
    monkeypatch.setattr(container_request, "ASK", "exit 127")
    with pytest.raises(NotAsked, match=r"could reach the container: the engine .* on another machine, and no image"):
        ask_image(engine, server, port=8080, path="/echo")
