"""`speedkit doctor` as a whole, with an engine and without."""

from __future__ import annotations

import contextlib
import importlib.metadata
import shutil
import socket
import ssl
import subprocess
import sys
import threading

import pytest

from speedkit.engine.image_names import STAND_INS
from speedkit.errors import NoBuildKit, NoEngine, SocketRefused
from speedkit.host_packages.debian import Release
from speedkit.setup import checks, doctor
from tests.waiting import HANG_SECONDS

FEDORA = Release("fedora", "", "41", "", "Fedora 41")


def found(report: checks.Report, name: str) -> checks.Check:
    return next(check for check in report.checks if check.name == name)


@pytest.fixture
def without_engine(monkeypatch, tmp_path):
    monkeypatch.setattr(checks, "_module_proxy", lambda: None)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.delenv("DOCKER_CONTEXT", raising=False)

    def connect():
        raise NoEngine("No Docker engine answers.", fix="Start Docker Desktop.")

    monkeypatch.setattr(checks, "connect", connect)


@pytest.mark.engine
def test_after_set_up_everything_is_ready_and_nothing_is_to_be_mended(monkeypatch):
    monkeypatch.setattr(checks, "_module_proxy", lambda: None)
    report = doctor()
    assert report.ready
    names = [check.name for check in report.checks]
    assert names[:6] == ["python", "packages", "engine", "buildx", "disk", "go"]
    assert {f"base {base}" for base in checks.BASES} <= set(names)
    document = report.to_json()
    assert document["ready"] is True
    assert all(set(check) == {"name", "ok", "found", "fix"} for check in document["checks"])
    assert all(check["fix"] == "" for check in document["checks"] if check["ok"])
    assert "Everything that builds need is here" in report._repr_html_()


def test_without_an_engine_it_is_not_ready_and_says_what_to_install(without_engine, monkeypatch):
    monkeypatch.setattr(checks.shutil, "which", lambda name, path=None: None)
    monkeypatch.setattr(checks, "read_release", lambda: FEDORA)
    report = doctor()
    assert not report.ready
    assert "dnf install" in found(report, "engine").fix or sys.platform != "linux"
    assert found(report, "base alpine").result == "unknown without an engine"
    assert next(check for check in report.to_json()["checks"] if check["name"] == "engine")["fix"]


def test_an_installed_engine_is_to_be_started(without_engine, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(checks.shutil, "which", lambda name, path=None: f"/usr/sbin/{name}")
    assert checks.engine_fix(NoEngine("none", fix="x")) == "speedkit engine start"


def test_the_users_own_engine_and_other_troubles_keep_their_own_advice(without_engine, monkeypatch):
    assert checks.engine_fix(SocketRefused("no", fix="join the group")) == "join the group"
    monkeypatch.setenv("DOCKER_HOST", "tcp://far.example")
    assert checks.engine_fix(NoEngine("none", fix="start it")) == "start it"


def test_a_missing_buildx_is_told(monkeypatch):
    def find():
        raise NoBuildKit("The buildx plugin is not installed.", fix="apt-get install docker-buildx")

    monkeypatch.setattr(checks, "find_buildx", find)
    check = checks.check_buildx()
    assert (check.ok, check.fix) == (False, "apt-get install docker-buildx")


def test_a_package_that_is_not_installed_is_missing(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "requires", lambda _: ["pandas>=2", "no-such-package>=1", "pytest; extra == 'dev'"])
    assert checks.check_packages().result == "no-such-package missing"


def test_a_base_is_real_a_stand_in_or_not_here(monkeypatch):
    here = {"alpine", STAND_INS["golang"]}
    monkeypatch.setattr(checks, "has_image", lambda engine, name: name in here)
    found = [checks.check_base_image(object(), reference) for reference in ("alpine", "golang:alpine", "debian")]
    assert [check.ok for check in found] == [True, True, False]
    assert "real" in found[0].result
    assert "stand-in" in found[1].result
    assert (found[2].fix, found[2].needed) == ("speedkit setup", False)


def test_a_free_port_is_free(monkeypatch):
    monkeypatch.setattr(checks, "SAMPLE_PORT", 0)
    assert checks.check_port().ok


def test_without_go_there_is_no_proxy_to_ask(monkeypatch):
    monkeypatch.setattr(checks, "find_go", lambda: None)
    assert checks._module_proxy() is None


@pytest.fixture
def self_signed(tmp_path):
    """A key and a certificate for the loopback address, signed by itself."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl")
    pair = tmp_path / "pair.pem"
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    done = subprocess.run(
        [openssl, "req", "-x509", *kind, *subject, "-keyout", "-"], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    pair.write_text(done.stdout)
    return pair


@pytest.fixture
def tls_server(self_signed):
    """The address of a server on the loopback address that shows this certificate, to two connections."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed)

    def serve(listener: socket.socket) -> None:
        for _ in range(2):
            plain, _ = listener.accept()
            with contextlib.suppress(OSError), plain, context.wrap_socket(plain, server_side=True) as secure:
                secure.recv(1)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve, args=[listener])
        server.start()
        yield listener.getsockname()
        server.join(HANG_SECONDS)


def test_a_certificate_is_trusted_only_with_the_bundle_that_holds_it(tls_server, self_signed):
    assert checks._trusted(tls_server, None) is False
    assert checks._trusted(tls_server, self_signed) is True
