"""Answers of an engine over its socket, also such as an engine would not give."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from speedkit.engine import unix_socket
from tests.waiting import HANG_SECONDS


@pytest.fixture
def saying(tmp_path: Path) -> Callable[..., str]:
    """The address of an engine that answers the first request with these pieces and hangs up, or waits until it is left.

    after: called once all pieces are on their way.
    """

    def listen(*pieces: bytes, hangs_up: bool = True, after: Callable[[], None] = lambda: None) -> str:
        path = tmp_path / "engine.sock"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen()

        def answer() -> None:
            with listener, listener.accept()[0] as line, suppress(BrokenPipeError):
                line.recv(1 << 16)
                for piece in pieces:
                    line.sendall(piece)
                after()
                if not hangs_up:
                    line.recv(1)

        threading.Thread(target=answer, daemon=True).start()
        return f"unix://{path}"

    return listen


def test_the_answer_is_the_same_however_it_arrives_in_pieces(saying):
    whole = b"HTTP/1.0 404 Not Found\r\napi-version: 1.51\r\nEmpty:\r\nContent-Length: 7\r\n\r\nmissing"
    with unix_socket.get(saying(*(whole[at : at + 1] for at in range(len(whole)))), "/") as answer:
        assert (answer.status, answer.reason) == (404, "Not Found")
        assert answer.headers == {"Api-Version": "1.51", "Empty": "", "Content-Length": "7"}
        assert answer.read_all() == b"missing"


def test_a_body_without_a_length_ends_where_the_engine_hangs_up(saying):
    with unix_socket.get(saying(b"HTTP/1.1 200 OK\r\n\r\n", b"a" * 100_000, b"b" * 100_000), "/") as answer:
        assert answer.read_all() == b"a" * 100_000 + b"b" * 100_000
        assert list(answer.pieces()) == []


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.0 200 OK\r\n", b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.0 fine\r\n\r\n", b"\0" * 200_000]
)
def test_what_is_no_answer_is_an_error_of_the_connection(saying, said):
    with pytest.raises(OSError, match=r"does not speak HTTP|reset"), unix_socket.get(saying(said), "/"):
        pass


def test_an_answer_that_is_shorter_than_announced_is_one_too(saying):
    short = saying(b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nshort")
    with pytest.raises(ConnectionError, match="ends in the middle"), unix_socket.get(short, "/") as answer:
        answer.read_all()


def test_a_body_read_in_pieces_is_whole_and_in_order(saying):
    body = [bytes([number]) * 700_000 for number in range(40)]
    with unix_socket.ask(saying(b"HTTP/1.0 200 OK\r\n\r\nahead", *body), "/") as answer:
        assert (answer.status, answer.reason) == (200, "OK")
        assert b"".join(map(bytes, answer.pieces())) == b"ahead" + b"".join(body)


def test_it_is_asked_for_before_anybody_reads_it(saying):
    sent = threading.Event()
    with unix_socket.ask(saying(b"HTTP/1.0 200 OK\r\n\r\n", after=sent.set), "/"):
        assert sent.wait(HANG_SECONDS)


def test_who_has_enough_of_a_body_need_not_wait_for_the_rest_of_it(saying):
    with unix_socket.ask(saying(b"HTTP/1.0 200 OK\r\n\r\nfirst", hangs_up=False), "/") as answer:
        assert next(answer.pieces()) == b"first"


def test_the_last_piece_is_given_before_the_engine_hangs_up(saying):
    body = b"x" * (unix_socket.PIECE_BYTES + 10)
    enough, hung_up = threading.Event(), []
    engine = saying(b"HTTP/1.0 200 OK\r\n\r\n", body, after=lambda: hung_up.append(enough.wait(HANG_SECONDS)))
    with unix_socket.ask(engine, "/") as answer:
        pieces = answer.pieces()
        received = b""
        while len(received) < len(body):
            received += next(pieces)
        assert hung_up == []
        enough.set()
    assert received == body


def test_who_wants_nothing_of_it_need_not_wait_for_an_answer(saying):
    with unix_socket.ask(saying(hangs_up=False), "/"):
        pass


def test_what_was_asked_for_and_is_no_answer_is_an_error_of_the_connection(saying):
    with unix_socket.ask(saying(b"SSH-2.0-OpenSSH\r\n\r\n"), "/") as answer:
        with pytest.raises(ConnectionError, match="does not speak HTTP"):
            answer.status  # noqa: B018
        with pytest.raises(ConnectionError, match="does not speak HTTP"):
            next(answer.pieces())


def test_an_engine_that_breaks_off_while_its_answer_is_read_is_an_error_of_the_connection(saying, monkeypatch):
    monkeypatch.setattr(unix_socket._Received, "readinto", lambda *_: (_ for _ in ()).throw(ConnectionResetError))
    with unix_socket.ask(saying(b"HTTP/1.0 200 OK\r\n\r\n"), "/") as answer, pytest.raises(ConnectionResetError):
        next(answer.pieces())
