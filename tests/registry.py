"""A registry on a loopback port that keeps everything in memory: what Docker needs to push, pull and import a cache.

Source of the protocol: the OCI distribution specification, without its authentication and its parts for clients with doubts.
"""

from __future__ import annotations

import hashlib
import re
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

__all__ = ["registry"]

PLACE = re.compile(r"/v2/(?P<name>.+)/(?P<kind>blobs/uploads|blobs|manifests)/(?P<what>[^/]*)")
TLS_HANDSHAKE = b"\x16"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    blobs: dict[str, bytes]
    uploads: dict[str, bytes]
    manifests: dict[str, tuple[str, bytes]]

    def log_message(self, *_: object) -> None:
        """Nothing: the tests' output stays readable."""

    def handle_one_request(self) -> None:
        """Docker tries TLS first, and goes on without it when the answer is one of HTTP."""
        if self.rfile.peek(1)[:1] == TLS_HANDSHAKE:  # type: ignore[attr-defined]
            self.wfile.write(b"HTTP/1.0 400 Bad Request\r\n\r\n")
            self.close_connection = True
            return
        super().handle_one_request()

    def do_HEAD(self) -> None:
        self._get()

    def do_GET(self) -> None:
        self._get()

    def _get(self) -> None:
        place = self._place()
        if place is None:
            return self._answer(200)
        name, kind, what = place
        kept = ("application/octet-stream", self.blobs.get(what, b"")) if what in self.blobs else None
        found = self.manifests.get(f"{name}/{what}") if kind == "manifests" else kept
        if found is None:
            return self._answer(404)
        content_type, body = found
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        return self._answer(200, {"Content-Type": content_type, "Docker-Content-Digest": digest}, body)

    def do_POST(self) -> None:
        self._body()
        name, _, _ = self._place() or ("", "", "")
        self._answer(202, {"Location": f"/v2/{name}/blobs/uploads/{uuid.uuid4().hex}"})

    def do_PATCH(self) -> None:
        _, _, what = self._place() or ("", "", "")
        self.uploads[what] = self.uploads.get(what, b"") + self._body()
        self._answer(202, {"Location": self.path, "Range": f"0-{len(self.uploads[what]) - 1}"})

    def do_PUT(self) -> None:
        name, kind, what = self._place() or ("", "", "")
        body = self._body()
        if kind == "manifests":
            digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
            kept = (self.headers["Content-Type"], body)
            self.manifests[f"{name}/{what}"] = self.manifests[f"{name}/{digest}"] = kept
        else:
            digest = parse_qs(urlsplit(self.path).query)["digest"][0]
            self.blobs[digest] = self.uploads.pop(what, b"") + body
        self._answer(201, {"Docker-Content-Digest": digest, "Location": self.path})

    def _place(self) -> tuple[str, str, str] | None:
        found = PLACE.fullmatch(urlsplit(self.path).path)
        return (found["name"], found["kind"], found["what"]) if found else None

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().strip() or b"0", 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextmanager
def registry() -> Iterator[str]:
    """A registry of its own, by its address; gone afterwards, with all that it held."""
    kept = {"blobs": {}, "uploads": {}, "manifests": {}}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), kept))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
