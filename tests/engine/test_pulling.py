"""Pulling and resolving base images, against registries of the test's own on the loopback address."""

from __future__ import annotations

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import docker
import pytest
import requests

from speedkit.engine import base_images
from speedkit.engine.base_images import go_settings, has_image, make_image, pull_image, resolve_base, trust_labels
from speedkit.engine.certificates import BUNDLE_IN_IMAGES, system_bundle
from speedkit.engine.image_names import ONLY_HERE, STAND_INS
from speedkit.engine.images import inspect_image
from speedkit.errors import EngineError, EngineLost, NoBaseImage

pytestmark = pytest.mark.engine
BUNDLE_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class _Nothing(BaseHTTPRequestHandler):
    """A registry that answers and has no image."""

    def do_GET(self) -> None:
        known = self.path == "/v2/"
        body = b"{}" if known else json.dumps({"errors": [{"code": "MANIFEST_UNKNOWN", "message": "none here"}]}).encode()
        self.send_response(200 if known else 404)
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def registry():
    with HTTPServer(("127.0.0.1", 0), _Nothing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def own_base(engine, tmp_path):
    """An image under a name of the golang family, which trusts nobody yet."""
    name = "speedkit/test/golang:resolving"
    folder = tmp_path / "base"
    folder.mkdir()
    (folder / "f").write_text(str(tmp_path))
    make_image(engine, folder, ["FROM scratch", "COPY f /f"], name=name)
    yield name
    engine.api.remove_image(name, force=True)


@pytest.fixture
def no_bundle(monkeypatch):
    for name in BUNDLE_VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_a_registry_that_never_answers_is_given_up(engine, monkeypatch):
    monkeypatch.setattr(base_images, "ANSWER_SECONDS", 0.5)
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        reason = pull_image(engine, f"127.0.0.1:{deaf.getsockname()[1]}/alpine")
    assert reason is not None
    assert "no registry answered within" in reason


def test_a_registry_that_is_not_there_is_told_with_the_reason(engine):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        reason = pull_image(engine, f"127.0.0.1:{closed.getsockname()[1]}/alpine:3")
    assert reason is not None
    assert "refused" in reason


def test_a_registry_that_fails_slowly_is_not_asked_twice(engine, registry, monkeypatch):
    monkeypatch.setattr(base_images, "QUICK_SECONDS", 0.0)
    monkeypatch.setattr(docker.APIClient, "pull", lambda *_, **__: pytest.fail("it was asked again"))
    assert pull_image(engine, f"{registry}/team/app:1")


def test_a_pull_that_stops_half_way_is_told_with_its_last_line(engine, monkeypatch):
    monkeypatch.setattr(base_images, "_silence", lambda *_: None)
    said = '{"status":"Pulling from team/app"}\r\n{"error":"no space left on device"}\r\n'
    monkeypatch.setattr(docker.APIClient, "pull", lambda *_, **__: said)
    assert "no space left on device" in (pull_image(engine, "localhost:1/team/app:1") or "")


def test_an_engine_that_goes_away_is_no_registry_that_does_not_answer(engine, monkeypatch):
    def refuse(*_, **__):
        raise requests.ConnectionError("connection reset")

    monkeypatch.setattr(docker.APIClient, "get", refuse)
    with pytest.raises(EngineLost, match="connection reset"):
        pull_image(engine, "localhost:1/team/app:1")


def test_a_pull_is_given_up_when_the_engine_hangs(engine, monkeypatch):
    go_on = threading.Event()
    monkeypatch.setattr(base_images, "_silence", lambda *_: None)
    monkeypatch.setattr(base_images, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(docker.APIClient, "pull", lambda *_, **__: go_on.wait() and "")
    monkeypatch.setattr(type(engine), "answers", lambda _engine: False)
    with pytest.raises(EngineLost, match="no longer answers"):
        pull_image(engine, "localhost:1/team/app:1")
    go_on.set()


def test_an_image_that_the_registry_does_not_have_is_no_base(engine, registry):
    with pytest.raises(NoBaseImage, match="could not be pulled"):
        resolve_base(engine, f"{registry}/team/app:1")


def test_an_image_of_a_known_family_that_nobody_has_is_a_stand_in(engine):
    found = resolve_base(engine, "golang:0.0-alpine")
    assert found.used == STAND_INS["golang"] or found.used.startswith(f"{ONLY_HERE}/trusting:")
    assert found.stand_in


def test_a_stand_in_is_taken_only_when_no_registry_hands_the_image_out(engine, monkeypatch):
    asked: list[str] = []

    def pulled(engine, reference):
        asked.append(reference)
        if reference == "alpine:0.0.1":
            return "no such host"
        engine.api.tag(STAND_INS["alpine"], "alpine", "0.0.2")
        return None

    monkeypatch.setattr(base_images, "pull_image", pulled)
    try:
        assert [resolve_base(engine, "alpine:0.0.1").stand_in for _ in range(2)] == [True, True]
        assert not resolve_base(engine, "alpine:0.0.2").stand_in
    finally:
        engine.api.remove_image("alpine:0.0.2")
    assert asked == ["alpine:0.0.1", "alpine:0.0.2"]


def test_somebody_elses_image_of_the_same_name_gets_no_stand_in(engine, registry):
    with pytest.raises(NoBaseImage, match="could not be pulled"):
        resolve_base(engine, f"{registry}/library/alpine:3")


def test_without_a_bundle_and_settings_an_image_is_taken_as_it_is(engine, own_base, no_bundle, monkeypatch):
    monkeypatch.setattr(base_images, "go_settings", dict)
    assert resolve_base(engine, own_base).used == own_base


def test_the_hosts_module_proxy_reaches_the_build_without_a_bundle_too(engine, own_base, no_bundle, monkeypatch):
    monkeypatch.setattr(base_images, "go_settings", lambda: {"GOPROXY": "https://mirror.example"})
    used = resolve_base(engine, own_base).used
    try:
        described = inspect_image(engine, used)
        assert "GOPROXY=https://mirror.example" in described["Config"]["Env"]
        assert described["RootFS"] == inspect_image(engine, own_base)["RootFS"]
        assert resolve_base(engine, own_base).used == used
    finally:
        engine.api.remove_image(used)


def test_an_x509_failure_brings_in_the_systems_bundle_once(engine, own_base, no_bundle, monkeypatch):
    if system_bundle() is None:
        pytest.skip("this system has no CA bundle")
    monkeypatch.setattr(base_images, "go_settings", dict)
    used = resolve_base(engine, own_base, extend_ca=True).used
    try:
        assert used.startswith(f"{ONLY_HERE}/trusting:")
        assert trust_labels(system_bundle(), {}).items() <= inspect_image(engine, used)["Config"]["Labels"].items()
        assert resolve_base(engine, used, extend_ca=True).used == used
        container = engine.api.create_container(used)["Id"]
        _, stat = engine.api.get_archive(container, BUNDLE_IN_IMAGES)
        engine.api.remove_container(container)
        assert stat["size"] == Path(str(system_bundle())).stat().st_size
    finally:
        engine.api.remove_image(used)


def test_a_base_removed_meanwhile_is_made_again(engine, own_base, no_bundle, monkeypatch):
    monkeypatch.setattr(base_images, "go_settings", lambda: {"GOPROXY": "https://mirror.example"})
    used = resolve_base(engine, own_base).used
    engine.api.remove_image(used)
    assert resolve_base(engine, own_base).used == used
    assert has_image(engine, used)
    engine.api.remove_image(used)


def test_a_name_that_is_no_name_is_an_error_of_ours(engine):
    with pytest.raises(EngineError, match="could not describe"):
        has_image(engine, "not/A/VALID name")


def test_a_proxy_with_credentials_is_not_passed_on(monkeypatch):
    monkeypatch.setenv("GOPROXY", "https://me:secret@mirror.example,direct")
    assert "secret" not in str(go_settings())
