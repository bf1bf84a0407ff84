"""An engine that dies, hangs or talks nonsense at any moment: nothing but our own errors leaves `speedkit.engine`."""

from __future__ import annotations

import base64
import errno
import importlib
import inspect
import pkgutil
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from types import SimpleNamespace

import docker
import pytest
import requests
import urllib3

import speedkit.engine
from speedkit.engine import base_images, connection, saved_image, unix_socket
from speedkit.engine.buildx import BuildRequest, CancellableCommand
from speedkit.engine.cleanup import RemovedObjects
from speedkit.engine.connection import Engine, connect, find_buildx
from speedkit.engine.derived_image import derive_image
from speedkit.engine.ledger import Note
from speedkit.errors import EngineError, EngineLost, EngineRefused, EngineSilent, SpeedkitError
from tests.waiting import HANG_SECONDS

JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
PING = b"HTTP/1.1 200 OK\r\nApi-Version: 1.43\r\nBuilder-Version: 2\r\nContent-Length: 2\r\n\r\nOK"
REFUSALS = [
    f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: 25\r\n\r\n".encode()
    + b'{"message": "not so good"}'[:25]
    for status in ("404 Not Found", "409 Conflict", "500 Internal Server Error", "301 Moved Permanently")
]
ANSWERS: dict[str, bytes | None] = {
    "hangs up": b"",
    "breaks off in the status": b"HTTP/1.1 2",
    "breaks off in the headers": JSON + b"Content-Le",
    "breaks off in the body": JSON + b'Content-Length: 1000\r\n\r\n{"Id": "sha256:1", "Warni',
    "breaks off in a chunk": JSON + b'Transfer-Encoding: chunked\r\n\r\n64\r\n{"Id": "sha',
    "sends a chunk of no length": JSON + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "sends no JSON": JSON + b"Content-Length: 5\r\n\r\n<a/>\n",
    "sends no text": JSON + b"Content-Length: 4\r\n\r\n\xff\xfe\xfd\xfc",
    "sends nothing": JSON + b"Content-Length: 0\r\n\r\n",
    "speaks another protocol": b"SSH-2.0-OpenSSH_9.9\r\n",
    "sends zeros": b"\0" * 100_000,
    "resets": None,
    "refuses with 404": REFUSALS[0],
    "refuses with 409": REFUSALS[1],
    "refuses with 500": REFUSALS[2],
    "sends elsewhere": REFUSALS[3],
}


@contextmanager
def listening(path: Path, answer: bytes | dict[bytes, bytes] | None, *, pings: bool) -> Iterator[None]:
    """An engine that gives the same answer to every request, or one by a part of the address; None resets the connection.

    pings: those it answers well.
    """
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(64)

    def serve(line: socket.socket) -> None:
        with line, suppress(OSError):
            request = line.recv(1 << 16)
            if answer is None:
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                given = (
                    answer
                    if isinstance(answer, bytes)
                    else next((answer[part] for part in answer if part in request.partition(b"\r\n")[0]), b"")
                )
                line.sendall(PING if pings and b"/_ping" in request else given)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


ASK_NOTHING = {"note_unanswered", "run_buildx", "replaced_frontend", "command_line", "buildx_call", "sweep_in_background"}
ASK_NOTHING |= {"saved_stream"}  # until what it gives is read
ONLY_NOTE = {"note_build", "note_making", "note_container", "note_image", "note_use"}
"""What cannot be noted is no reason to fail."""
ONLY_NOTE |= {"remove_results"}  # what cannot be removed stays


def public_functions() -> list[Callable[..., object]]:
    """The functions of speedkit.engine that ask an engine, each once."""
    functions = {}
    for found in pkgutil.iter_modules(speedkit.engine.__path__):
        module = importlib.import_module(f"speedkit.engine.{found.name}")
        for name in getattr(module, "__all__", ()):
            thing = getattr(module, name)
            if inspect.isfunction(inspect.unwrap(thing)) and "engine" in inspect.signature(thing).parameters:
                functions[f"{found.name}.{name}"] = thing
    return [functions[name] for name in sorted(functions)]


def arguments_of(function: Callable[..., object], engine: Engine, folder: Path) -> dict[str, object]:
    """Something for each parameter that has no default."""
    (folder / "Dockerfile").write_text("FROM scratch\n")
    fitting: dict[str, object] = {
        "engine": engine,
        "name": "team/app:1",
        "image": "team/app:1",
        "image_id": "sha256:" + "0" * 64,
        "base": "team/base:1",
        "reference": "team/app:1",
        "base_layers": (),
        "token": "t0",
        "mark_certificates": True,
        "folder": folder,
        "lines": ["FROM scratch"],
        "port": 8080,
        "path": "/",
        "request": BuildRequest(folder, folder / "Dockerfile"),
        "command": CancellableCommand(),
        "on_line": lambda line: None,
        "metadata": folder / "metadata.json",
        "scratch": folder,
        "kind": "result",
        "image_ids": ["sha256:" + "0" * 64],
        "note": Note(folder / ("result." + "0" * 64), "result", "0" * 64, None),
        "removed": RemovedObjects(),
        "container": "c0",
        "is_over": lambda: False,
        "limit": 0,
        "target": "files",
        "needed": (),
        "names": ["team/app:1"],
        "entrypoint": None,
        "seconds": 1.0,
    }
    parameters = inspect.signature(function).parameters
    if "entrypoint" in parameters:
        fitting["command"] = None  # of a container, not of buildx
    needed = {name for name, parameter in parameters.items() if parameter.default is parameter.empty or name == "engine"}
    assert needed <= fitting.keys(), f"{function.__qualname__} has a parameter that this test has nothing for"
    return {name: fitting[name] for name in needed}


def call(function: Callable[..., object], engine: Engine, folder: Path) -> SpeedkitError | None:
    """The error of ours that it raised, if any; any other fails the test."""
    try:
        made = function(**arguments_of(function, engine, folder))
        if hasattr(made, "__enter__"):
            with made:
                pass
        elif inspect.isgenerator(made):
            list(made)
    except SpeedkitError as problem:
        return problem
    return None


@pytest.mark.parametrize("pings", [True, False], ids=["pings are answered", "pings are not"])
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
@pytest.mark.engine
def test_nothing_but_our_own_errors_leaves_the_package_whatever_an_engine_says(tmp_path, monkeypatch, answer, pings):
    monkeypatch.setattr(base_images, "_refused", set())
    host = f"unix://{tmp_path}/engine.sock"
    with listening(tmp_path / "engine.sock", answer, pings=pings):
        engine = Engine(host=host, buildx=find_buildx(), api_version="1.43")
        functions = public_functions()
        assert len(functions) > 10
        problems = [call(function, engine, tmp_path) for function in functions]
        assert not [problem for problem in problems if problem is not None and "object at 0x" in problem.what]
        for name in ("identity", "version", "operating_system", "cpus", "memory_bytes", "storage_driver"):
            with suppress(SpeedkitError):
                getattr(Engine(host=host, buildx=find_buildx(), api_version="1.43"), name)
        monkeypatch.setenv("DOCKER_HOST", host)
        with suppress(SpeedkitError):
            connect()


@pytest.mark.engine
def test_an_engine_that_is_gone_is_lost_for_every_function(tmp_path):
    """Where nothing listens any more."""
    engine = Engine(host=f"unix://{tmp_path}/engine.sock", buildx=find_buildx(), api_version="1.43")
    for function in public_functions():
        problem = call(function, engine, tmp_path)
        assert isinstance(problem, SpeedkitError) or function.__name__ in ASK_NOTHING | ONLY_NOTE, function.__qualname__


LIBRARY = [
    requests.exceptions.ConnectionError("Connection aborted."),
    requests.exceptions.ChunkedEncodingError("cut"),
    requests.exceptions.ContentDecodingError("not gzip"),
    requests.exceptions.InvalidURL("no such"),
    requests.exceptions.JSONDecodeError("Expecting value", "", 0),
    requests.exceptions.SSLError("certificate has expired"),
    requests.exceptions.TooManyRedirects("30"),
    urllib3.exceptions.ProtocolError("Connection broken"),
    urllib3.exceptions.LocationParseError("host"),
    urllib3.exceptions.MaxRetryError(None, "/", None),  # type: ignore[arg-type]
    docker.errors.InvalidVersion("too old"),
    docker.errors.DockerException("something"),
    docker.errors.TLSParameterError("no key"),
    __import__("http.client").client.BadStatusLine("x"),
    __import__("http.client").client.IncompleteRead(b""),
    __import__("ssl").SSLError(1, "bad record"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    BrokenPipeError(32, "Broken pipe"),
    ConnectionResetError(104, "Connection reset by peer"),
    FileNotFoundError(2, "No such file or directory"),
    KeyError("Id"),
]


@pytest.mark.parametrize("problem", LIBRARY, ids=lambda problem: type(problem).__name__)
@pytest.mark.engine
def test_every_exception_below_the_client_becomes_a_lost_engine(engine, monkeypatch, problem):
    def fail(*_: object, **__: object) -> None:
        raise problem

    monkeypatch.setattr(docker.APIClient, "inspect_image", fail)
    with pytest.raises(EngineLost) as raised:
        engine.api.inspect_image("x")
    assert raised.value.what.startswith(f"The Docker engine at {engine.host} no longer answers: ")
    assert raised.value.__cause__ is None


@pytest.mark.parametrize(
    "problem", [requests.exceptions.ReadTimeout("60"), requests.exceptions.ConnectTimeout("60"), TimeoutError()]
)
@pytest.mark.engine
def test_a_time_limit_of_the_client_is_an_engine_that_is_silent(engine, monkeypatch, problem):
    def fail(*_: object, **__: object) -> None:
        raise problem

    monkeypatch.setattr(docker.APIClient, "inspect_image", fail)
    with pytest.raises(EngineSilent, match="did not answer in time"):
        engine.api.inspect_image("x")


@pytest.mark.engine
def test_a_stream_that_breaks_off_is_a_lost_engine(engine, monkeypatch):
    def stream(*_: object, **__: object) -> Iterator[bytes]:
        yield b"one"
        raise requests.exceptions.ChunkedEncodingError("cut")

    monkeypatch.setattr(docker.APIClient, "get_archive", lambda *_, **__: (stream(), {"linkTarget": ""}))
    pieces, _ = engine.api.get_archive("x", "/")
    assert next(pieces) == b"one"
    with pytest.raises(EngineLost):
        next(pieces)


ARCHIVE_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-tar\r\nConnection: close\r\nX-Docker-Container-Path-Stat: "
STAT = base64.b64encode(b'{"name": "a", "size": 1, "mode": 420, "mtime": "2026-01-01T00:00:00Z", "linkTarget": ""}') + b"\r\n"
CHUNKED = ARCHIVE_HEAD + STAT + b"Transfer-Encoding: chunked\r\n\r\n"
CUT_ARCHIVES = {
    "no byte of it": b"0\r\n\r\n",
    "half a header": b"64\r\n" + b"a" * 100 + b"\r\n0\r\n\r\n",
    "an error in its place": b"3e8\r\n" + b'{"message": "input/output error"}'.ljust(1000) + b"\r\n0\r\n\r\n",
    "half a header, then it dies": b"64\r\n" + b"a" * 100 + b"\r\n",
    "half a chunk, then it dies": b"400\r\n" + b"a" * 100,
}


@pytest.mark.engine
@pytest.mark.parametrize("body", CUT_ARCHIVES.values(), ids=CUT_ARCHIVES.keys())
@pytest.mark.parametrize("adds", [{"files": {"/deep/a": b"a"}}, {"appended": {"/a": b"a"}}], ids=["adds", "appends"])
def test_an_archive_that_breaks_off_leaves_nothing_but_our_own_errors(tmp_path, body, adds):
    answers = {
        b"/archive": CHUNKED + body,
        b"/json": JSON + b'Content-Length: 14\r\nConnection: close\r\n\r\n{"Config": {}}',
        b"/create": JSON.replace(b"200", b"201") + b'Content-Length: 11\r\nConnection: close\r\n\r\n{"Id": "c"}',
        b"/info": JSON + b'Content-Length: 11\r\nConnection: close\r\n\r\n{"ID": "x"}',
    }
    with listening(tmp_path / "engine.sock", answers, pings=True):
        engine = Engine(host=f"unix://{tmp_path}/engine.sock", buildx=find_buildx(), api_version="1.43")
        with pytest.raises(EngineError, match=r"archive that cannot be read|no longer answers"):
            derive_image(engine, "base:1", name="speedkit/cut:1", kind="trusting", **adds)


@pytest.mark.engine
def test_what_the_engine_refuses_carries_its_status_and_its_words(engine):
    with pytest.raises(EngineRefused, match="No such container") as raised:
        engine.api.remove_container("nobody-made-this")
    assert raised.value.status == 404
    assert raised.value.reason.startswith("No such container")


@pytest.fixture
def deaf(tmp_path) -> Iterator[str]:
    """The address of an engine that takes connections and never answers, as one that was stopped."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "engine.sock"))
        listener.listen(64)
        yield f"unix://{tmp_path}/engine.sock"


@pytest.mark.engine
def test_an_engine_that_hangs_ends_every_function_with_words(deaf, tmp_path, monkeypatch):
    monkeypatch.setattr(connection, "TIMEOUT_SECONDS", 0.1)
    monkeypatch.setattr(Engine.get, "__kwdefaults__", {"seconds": 0.1})
    monkeypatch.setattr(connection, "PING_SECONDS", 0.1)
    monkeypatch.setattr(unix_socket, "PING_SECONDS", 0.1)
    monkeypatch.setattr(unix_socket, "QUIET_SECONDS", 0.1)
    monkeypatch.setattr(base_images, "ANSWER_SECONDS", 0.1)
    engine = Engine(host=deaf, buildx=find_buildx(), api_version="1.43")
    from_engine = [function for function in public_functions() if "buildx" not in inspect.getsource(function)]
    ended = []

    def call_all() -> None:
        for function in from_engine:
            problem = call(function, engine, tmp_path)
            assert isinstance(problem, SpeedkitError) or function.__name__ in ASK_NOTHING | ONLY_NOTE, function.__qualname__
        ended.append(True)

    calling = threading.Thread(target=call_all, daemon=True)
    calling.start()
    calling.join(HANG_SECONDS)
    assert ended == [True]


def test_an_image_whose_engine_hangs_in_the_middle_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(unix_socket, "QUIET_SECONDS", 0.1)
    monkeypatch.setattr(unix_socket, "PING_SECONDS", 0.1)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "engine.sock"))
        listener.listen(64)

        lines = []

        def answer() -> None:
            line, _ = listener.accept()
            lines.append(line)
            line.recv(1 << 16)
            line.sendall(b"HTTP/1.0 200 OK\r\n\r\nsome")

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(OSError), unix_socket.ask(f"unix://{tmp_path}/engine.sock", "/") as answer:  # noqa: PT011
            list(answer.pieces())


def test_nobody_else_sees_the_client_library():
    """Its exceptions end in `speedkit.engine.client`: who catches them elsewhere waits for what never comes."""
    package = Path(speedkit.engine.__file__).parent.parent
    words = ("docker.errors", "import requests", "from requests", "urllib3")
    users = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if any(word in line for line in path.read_text().splitlines() for word in words)
    }
    assert users == {"engine/client.py", "engine/saved_image.py"}


def test_a_full_disk_of_the_one_who_reads_an_image_is_not_the_engines_end(monkeypatch):
    answer = SimpleNamespace(status=200, pieces=lambda: iter([b"x"]))
    monkeypatch.setattr(saved_image, "_answer_to", lambda *_: nullcontext(answer))
    engine = SimpleNamespace(api_version="1.47", host="unix:///here.sock")
    with pytest.raises(OSError, match="No space left"), saved_image.saved_stream(engine, "sha256:1"):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_an_engine_elsewhere_that_breaks_off_while_it_sends_an_image_is_lost():
    def read(_count):
        raise urllib3.exceptions.ProtocolError("Connection broken")

    response = SimpleNamespace(raw=SimpleNamespace(status=200, reason="OK", read=read))
    api = SimpleNamespace(base_url="http://elsewhere", get=lambda *_, **__: nullcontext(response))
    engine = SimpleNamespace(api_version="1.47", host="tcp://elsewhere:2376", api=api)
    with pytest.raises(EngineLost, match="went away while it sent"), saved_image.saved_stream(engine, "sha256:1") as stream:
        stream.take(1)
