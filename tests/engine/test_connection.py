from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from speedkit.engine import connection, unix_socket
from speedkit.engine.connection import connect, engine_of_the_user, find_buildx
from speedkit.engine.docker_settings import current_context, endpoint_of_context
from speedkit.errors import EngineLost, NoBuildKit, NoEngine, SpeedkitError


@pytest.mark.engine
def test_the_engine_says_what_it_is(engine):
    assert engine.version
    assert engine.cpus > 0
    assert engine.answers()
    assert engine.environment["DOCKER_HOST"] == engine.host


@pytest.mark.engine
def test_connecting_to_a_near_engine_asks_it_nothing_that_takes_long(engine, monkeypatch):
    expected = (engine.version, engine.cpus)  # asked before anything is counted
    asked = []
    get = unix_socket.get

    def noting(host, path, **options):
        # A thread of an earlier test may be keeping the limits of what is stored.
        if threading.current_thread() is threading.main_thread():
            asked.append(path)
        return get(host, path, **options)

    monkeypatch.setattr(unix_socket, "get", noting)
    found = connect()
    assert asked == ["/_ping"]
    assert (found.version, found.cpus) == expected
    assert asked == ["/_ping", f"/v{found.api_version}/info"]


@pytest.mark.engine
def test_looking_at_an_image_loads_no_client_library(engine):
    program = (
        "import sys\n"
        "from speedkit.engine.connection import connect\n"
        "import speedkit.engine.saved_image\n"
        "connect()\n"
        "print(sorted({'docker', 'requests'} & set(sys.modules)))\n"
    )
    environment = os.environ | {"DOCKER_HOST": engine.host}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.engine
def test_an_engine_behind_the_client_library_says_the_same(engine, monkeypatch):
    monkeypatch.setattr(unix_socket, "UNIX", "no such scheme")
    assert connect() == engine
    assert engine._replace().version == engine.version
    assert connect().get("/images/speedkit/nothing/json")[0] == 404


@pytest.mark.engine
def test_an_engine_that_went_away_before_it_was_asked_is_told(engine, tmp_path):
    with pytest.raises(EngineLost, match="no longer answers"):
        _ = engine._replace(host=f"unix://{tmp_path}/no.sock").version
    assert not engine._replace(host=f"unix://{tmp_path}/no.sock").answers()


def test_a_context_named_in_dockers_configuration_is_looked_up(monkeypatch, tmp_path):
    monkeypatch.delenv("DOCKER_CONTEXT", raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert current_context() is None
    for text, expected in (
        ('{"currentContext": "far"}', "far"),
        ('{"auths": {}}', None),
        ('{"currentContext": "default"}', None),
    ):
        (tmp_path / "config.json").write_text(text)
        assert current_context() == expected
    # The `docker` command warns of it, and takes the default context.
    (tmp_path / "config.json").write_text("{")
    assert current_context() is None


def test_a_context_is_found_without_a_config_json_and_never_in_the_current_folder(monkeypatch, tmp_path):
    """Docker's client library looks for contexts in the current folder when there is no config.json."""
    written = {}
    for place, host in (("settings", "tcp://192.0.2.1:2376"), ("here", "tcp://192.0.2.2:2376")):
        folder = tmp_path / place / "contexts" / "meta" / hashlib.sha256(b"far").hexdigest()
        folder.mkdir(parents=True)
        (folder / "meta.json").write_text(json.dumps({"Name": "far", "Endpoints": {"docker": {"Host": host}}}))
        written[place] = host
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "settings"))
    assert endpoint_of_context("far") == (written["settings"], None)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "elsewhere"))
    assert endpoint_of_context("far") is None


def test_certificates_are_beside_dockers_settings_when_no_folder_is_named(monkeypatch, tmp_path):
    for name, value in {"DOCKER_HOST": "tcp://192.0.2.1:2376", "DOCKER_CONFIG": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    for name in ("DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    assert connection._endpoint() == ("tcp://192.0.2.1:2376", None)
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    assert connection._endpoint() == ("tcp://192.0.2.1:2376", tmp_path)
    monkeypatch.setenv("DOCKER_CERT_PATH", "/certificates")
    assert connection._endpoint() == ("tcp://192.0.2.1:2376", Path("/certificates"))


def test_the_certificates_of_a_context_come_with_its_engine(monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    create = ["docker", "context", "create", "far", "--docker=host=tcp://192.0.2.1:2376"]
    subprocess.run(create, check=True, capture_output=True)
    assert endpoint_of_context("far") == ("tcp://192.0.2.1:2376", None)
    certificates = tmp_path / "contexts" / "tls" / hashlib.sha256(b"far").hexdigest() / "docker"
    certificates.mkdir(parents=True)
    (certificates / "ca.pem").write_text("")
    assert endpoint_of_context("far") == ("tcp://192.0.2.1:2376", certificates)


def test_an_engine_that_is_not_there_is_told_with_the_fix(monkeypatch, tmp_path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing")
    with pytest.raises(NoEngine, match=r"DOCKER_HOST names this engine: start it, or unset that and run `.*speedkit setup`"):
        connect()
    monkeypatch.setenv("DOCKER_HOST", "nonsense://x")
    with pytest.raises(NoEngine):
        connect()


def test_without_an_engine_of_ones_own_set_up_is_the_way(monkeypatch):
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv("DOCKER_CONTEXT", "default")
    monkeypatch.setattr(connection, "_endpoint", lambda: ("unix:///nothing/here", None))
    with pytest.raises(NoEngine, match=r"or run `.*speedkit setup` to install and start an engine"):
        connect()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root to become somebody else")
def test_a_socket_one_may_not_use_is_told_apart_from_none(tmp_path):
    for part in [tmp_path, *tmp_path.parents]:
        if part.stat().st_uid == 0 and part != Path("/"):
            part.chmod(part.stat().st_mode | 0o055)
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        path.chmod(0o600)
        program = (
            "import os\n"
            "from speedkit.engine.connection import connect\n"
            "from speedkit.errors import SpeedkitError\n"
            "os.setuid(65534)\n"
            "try: connect()\n"
            "except SpeedkitError as problem: print(type(problem).__name__, problem)\n"
        )
        environment = os.environ | {"DOCKER_HOST": f"unix://{path}", "HOME": str(tmp_path)}
        done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("SocketRefused"), done.stderr
    assert "usermod -aG docker" in done.stdout


class _OldEngine(BaseHTTPRequestHandler):
    """Answers as an engine without BuildKit does."""

    def do_GET(self) -> None:
        body = json.dumps({"ApiVersion": "1.41", "ServerVersion": "18.09", "Version": "18.09"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Builder-Version", "1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return None


@pytest.fixture
def old_engine() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _OldEngine)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"tcp://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_engine_without_buildkit_is_refused(monkeypatch, old_engine):
    monkeypatch.setenv("DOCKER_HOST", old_engine)
    with pytest.raises(NoBuildKit, match="builds without BuildKit"):
        connect()


def test_a_missing_buildx_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(connection, "_plugin_folders", lambda: [tmp_path])
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoBuildKit, match="buildx"):
        find_buildx()
    (tmp_path / "docker-buildx").write_text("")
    assert find_buildx() == tmp_path / "docker-buildx"


@pytest.mark.parametrize("text", [None, "no json", "[]", '{"cliPluginsExtraDirs": 3}'])
def test_buildx_is_found_where_the_users_docker_config_says(monkeypatch, tmp_path, text):
    extra = tmp_path / "homebrew"
    extra.mkdir()
    name = "docker-buildx.exe" if sys.platform == "win32" else "docker-buildx"
    (extra / name).write_text("")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps({"cliPluginsExtraDirs": [str(extra)]}) if text is None else text)
    assert (connection._plugin_folders()[0] == extra) == (text is None)
    assert (find_buildx() == extra / name) == (text is None)


def test_the_current_docker_context_is_honoured(monkeypatch, tmp_path):
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv("DOCKER_CONTEXT", "no-such-context")
    with pytest.raises(NoEngine, match="no-such-context"):
        connect()


@pytest.mark.engine
def test_an_engine_that_went_away_is_told(engine, tmp_path):
    with pytest.raises(EngineLost, match="no longer answers"):
        _ = engine._replace(host=f"unix://{tmp_path}/gone").version


@pytest.mark.parametrize("settings", ["{", "[]", '{"currentContext": 5}', '{"currentContext": "gone"}', "null", "\0"])
@pytest.mark.parametrize("meta", [None, "{", "[]", "{}", '{"Name": "gone"}', '{"Endpoints": {"docker": {"Host": 5}}}'])
def test_damaged_settings_and_contexts_of_docker_are_told_in_words(tmp_path, monkeypatch, settings, meta):
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text(settings)
    if meta is not None:
        folder = tmp_path / "contexts" / "meta" / hashlib.sha256(b"gone").hexdigest()
        folder.mkdir(parents=True)
        (folder / "meta.json").write_text(meta)
    engine_of_the_user()
    for context in (None, "gone"):
        if context is not None:
            monkeypatch.setenv("DOCKER_CONTEXT", context)
        with contextlib.suppress(SpeedkitError):
            connect()
