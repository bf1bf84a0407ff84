"""ADD of URLs, held against real builds and a real server."""

from __future__ import annotations

import hashlib
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from speedkit.cache import CacheModel, Situation
from speedkit.context import read_context
from speedkit.dockerfile import read_dockerfile
from speedkit.engine.connection import connect
from tests.conformance.building import build, observed_steps

pytestmark = pytest.mark.engine


class _Files(BaseHTTPRequestHandler):
    served: ClassVar[dict[str, bytes]] = {}

    def do_GET(self):
        body = self.served.get(self.path)
        self.send_response(200 if body is not None else 404)
        self.end_headers()
        self.wfile.write(body or b"")

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, *_):
        return


@pytest.fixture
def server():
    """The address of a server that the engine reaches, and what it serves by path."""
    if not connect().is_local:
        pytest.skip("the engine is on another machine")
    _Files.served = {}
    running = ThreadingHTTPServer(("127.0.0.1", 0), _Files)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}", _Files.served
    running.shutdown()


@pytest.fixture
def told(tmp_path):
    """Builds a Dockerfile's text; what was forecast and what happened, by line, without FROM."""
    model = CacheModel([])
    folder = tmp_path / f"context-{uuid.uuid4().hex}"
    folder.mkdir()
    (folder / "token").write_text(uuid.uuid4().hex)

    def tell(*lines: str) -> list[tuple[str, str]]:
        text = "\n".join(["FROM scratch", "COPY token /token", *lines]) + "\n"
        dockerfile = tmp_path / "Dockerfile"
        dockerfile.write_text(text)
        now = Situation(read_dockerfile(text), read_context(folder, dockerfile=dockerfile), folder=str(folder))
        forecast, plan = model.predict(now), model.plan(now)
        seen = build(folder, dockerfile, contexts={}, build_args={}, target=None)
        assert seen.ok, seen.output
        happened = observed_steps(plan, seen)
        model.learn(now)
        return [(step.forecast, happened.get(place, "")) for place, step in enumerate(forecast.steps)][2:]

    return tell


def _sum(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def test_what_an_address_serves_is_not_known_beforehand(server, told):
    address, served = server
    served["/f.txt"] = b"one"
    line = f"ADD {address}/f.txt /f.txt"
    assert told(line) == [("miss", "ran")]
    assert told(line) == [("depends", "cached")]
    served["/f.txt"] = b"two"
    assert told(line) == [("depends", "ran")]


def test_a_checksum_pins_the_bytes_and_the_address_does_not_count(server, told):
    address, served = server
    served |= {"/a/f.txt": b"one", "/b/f.txt": b"one", "/c/f.txt": b"two", "/c/g.txt": b"one"}
    assert told(f"ADD --checksum={_sum(b'one')} {address}/a/f.txt /f.txt") == [("miss", "ran")]
    assert told(f"ADD --checksum={_sum(b'one')} {address}/a/f.txt /f.txt") == [("hit", "cached")]
    assert told(f"ADD --checksum={_sum(b'one')} {address}/b/f.txt /f.txt") == [("hit", "cached")]
    assert told(f"ADD --checksum={_sum(b'two')} {address}/c/f.txt /f.txt") == [("miss", "ran")]
    assert told(f"ADD --checksum={_sum(b'one')} {address}/c/g.txt /f.txt") == [("miss", "ran")]


def test_a_file_of_another_address_may_be_the_same_file(server, told):
    address, served = server
    served |= {"/a/f.txt": b"one", "/b/f.txt": b"one"}
    assert told(f"ADD {address}/a/f.txt /f.txt") == [("miss", "ran")]
    assert told(f"ADD {address}/b/f.txt /f.txt") == [("depends", "cached")]
