"""What an image's server sends, whatever it is, becomes an answer, and none keeps the kit waiting."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
import time

import pytest

from speedkit.engine import containers


@pytest.fixture
def asked(monkeypatch):
    """What is made of a server that writes these pieces to whoever connects, until they go."""
    monkeypatch.setattr(containers, "_ended", lambda *_: None)
    monkeypatch.setattr(containers, "REPLY_SECONDS", 0.3)
    with contextlib.ExitStack() as stack:

        def ask(pieces, *, seconds_between=0.0):
            server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

            def serve():
                with contextlib.suppress(OSError):
                    while True:
                        line, _ = server.accept()
                        with line, contextlib.suppress(OSError):
                            line.recv(4096)
                            for piece in pieces():
                                line.sendall(piece)
                                time.sleep(seconds_between)

            threading.Thread(target=serve, daemon=True).start()
            deadline = time.monotonic() + 1.0
            return containers._ask(None, "container", server.getsockname()[1], "/", deadline, lambda: False)

        yield ask


def test_continue_without_end_is_no_answer(asked):
    answer = asked(lambda: itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n"))
    assert (answer.ok, answer.text) == (False, "No answer from the container: the headers of its answer do not end.")


@pytest.mark.parametrize("begin", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nX: "])
def test_a_head_that_comes_byte_by_byte_is_no_answer(asked, begin):
    answer = asked(lambda: itertools.chain([begin], itertools.repeat(b"a")), seconds_between=0.02)
    assert (answer.ok, answer.text) == (False, "No answer from the container: the headers of its answer do not end.")


@pytest.mark.parametrize("kind", [b"", b"Content-Length: 99999999999\r\n", b"Transfer-Encoding: chunked\r\n"])
def test_of_a_body_without_end_its_beginning_is_the_answer(asked, kind):
    head = b"HTTP/1.1 200 OK\r\n" + kind + b"\r\n"
    begin = b"5\r\nhello\r\n" if b"chunked" in kind else b"hello"
    more = b"1" if b"chunked" in kind else b"."
    answer = asked(lambda: itertools.chain([head + begin], itertools.repeat(more)), seconds_between=0.02)
    assert answer.ok or "No answer" in answer.text
    if b"chunked" not in kind:
        assert answer.text.startswith("hello.")
        assert set(answer.text) <= set("helo.")


@pytest.mark.parametrize(
    "said", [b"", b"\r\n", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\0" * 70_000, b"A: b\r\n" * 300]
)
def test_what_is_no_http_is_no_answer(asked, said):
    answer = asked(lambda: [said])
    assert not answer.ok
    assert answer.text.startswith("No answer from the container")


def test_an_answer_and_a_refusal(asked):
    assert asked(lambda: [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"]).text == "hi"
    refused = asked(lambda: [b"HTTP/1.1 503 No\r\nContent-Length: 4\r\n\r\nbusy"])
    assert (refused.ok, refused.text) == (False, "HTTP 503: busy")
