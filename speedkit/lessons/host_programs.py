"""What the notebooks do with a program that was compiled on the host: build it, run it, look into its bytes."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import socket
import struct
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

from speedkit.apps import App
from speedkit.builds import host_environment
from speedkit.engine import child_process, run_child
from speedkit.errors import SetupError
from speedkit.messages import message
from speedkit.ownership import claim, scratch_folder
from speedkit.state import state_folder

__all__ = [
    "ask",
    "fingerprint",
    "first_bytes_of",
    "go_build",
    "host_paths",
    "packages_to_compile",
    "running",
    "second_folder",
    "where_it_runs",
]

START_SECONDS = 60.0
LOOK_SECONDS = 0.05
ROW_BYTES = 16
FOR_THE_IMAGE = {"CGO_ENABLED": "0", "GOOS": "linux"}
"""What the sample app's Makefile tells Go, so that the program is the one that its image gets."""
DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""The proxies of the environment do not know the loopback address of this machine."""
UP_TO_DATE = "not installed but available in build cache"
"""What `go list` says of a package that need not be compiled (cmd/go/internal/work/buildid.go)."""


def go_build(app: App, *flags: str, folder: Path | None = None, name: str = "speedup") -> Path:
    """The sample app built on the host with private caches; the program's path.

    flags: more arguments for `go build`. folder: another folder with the same sources.
    Raises: SetupError with the compiler's message.
    """
    place = folder or app.folder
    target = _programs(app) / name
    _go(app, "build", "-buildvcs=false", *flags, "-o", str(target), ".", folder=place)
    return target


def packages_to_compile(app: App, *flags: str, from_nothing: bool = False) -> list[str]:
    """The packages that Go would compile now if it built the app on the host; all others are in its build cache.

    flags: more arguments for `go build`. from_nothing: those that it would compile with an empty build cache.
    To look at them, Go fetches the modules that it lacks. Asked before a first build, this takes that work off it.
    Raises: SetupError with Go's message.
    """
    if from_nothing:
        with scratch_folder() as empty:
            return _stale(app, *flags, more={"GOCACHE": str(empty)})
    return _stale(app, *flags)


def _stale(app: App, *flags: str, more: Mapping[str, str] = MappingProxyType({})) -> list[str]:
    template = "{{if .Stale}}{{.ImportPath}}\t{{.StaleReason}}{{end}}"
    listed = _go(app, "list", "-buildvcs=false", *flags, "-deps", "-f", template, ".", folder=app.folder, more=more)
    pairs = [line.partition("\t") for line in listed.splitlines() if line]
    return [package for package, _, reason in pairs if reason != UP_TO_DATE]


def _go(app: App, verb: str, *arguments: str, folder: Path, more: Mapping[str, str] = MappingProxyType({})) -> str:
    """What `go` prints, run with the private caches of the app's host builds and for the image's system."""
    environment = host_environment(app.cache_of("host")) | FOR_THE_IMAGE | dict(more)
    done = run_child(["go", verb, *arguments], cwd=folder, env=environment)
    if done.returncode:
        raise SetupError(message("go {verb} failed:", verb=verb), quoted=done.stderr.strip())
    return done.stdout


def second_folder(app: App) -> Path:
    """The same sources in a folder of another name."""
    place = _programs(app) / "another-folder"
    shutil.copytree(app.folder, place, dirs_exist_ok=True)
    return place


def _programs(app: App) -> Path:
    """Beside the private caches of an app's host builds: `App.close` removes both."""
    cache = app.cache_of("host") or app.folder.name
    claim(state_folder("host-caches") / cache)
    return state_folder("host-caches", cache, "programs")


def fingerprint(program: Path) -> str:
    """The first twelve digits of a file's SHA-256: equal files have equal ones."""
    return hashlib.sha256(program.read_bytes()).hexdigest()[:12]


def host_paths(program: Path) -> list[str]:
    """Absolute places of source files that stand in a Go program, each once, sorted.

    Go keeps them, each ended by a zero byte, for the traces that it prints when a program panics.
    """
    found = re.findall(rb"(?<=\0)(?:[A-Za-z]:)?/[^\0\n]{1,400}\.go(?=\0)", program.read_bytes())
    return sorted({path.decode(errors="replace") for path in found})


def first_bytes_of(program: Path, text: str) -> str:
    """The bytes of a program where a text first stands in it: place, bytes in hexadecimal, the same as letters."""
    data = program.read_bytes()
    start = data.find(text.encode())
    if start < 0:
        return message("{text} is not in {file}", text=text, file=program.name)
    return "\n".join(_bytes_row(data, place) for place in range(start, start + len(text.encode()), ROW_BYTES))


def _bytes_row(data: bytes, start: int) -> str:
    row = data[start : start + ROW_BYTES]
    letters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
    return f"{start:08x}  {row.hex(' '):{3 * ROW_BYTES}} {letters}"


@contextmanager
def running(program: Path) -> Iterator[str]:
    """The program, run on this machine on a free port of the loopback address while the block lasts; its address."""
    port = _free_port()
    environment, unheard = os.environ | {"PORT": str(port)}, subprocess.DEVNULL
    with child_process([str(program), f"127.0.0.1:{port}"], env=environment, stdout=unheard, stderr=unheard) as process:
        address = f"http://127.0.0.1:{port}"
        _wait(address, process)
        yield address


def ask(address: str, text: str) -> str:
    """What the running service answers to a text."""
    with DIRECTLY.open(f"{address}/echo?text={quote(text)}", timeout=5) as reply:
        return str(reply.read().decode())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            ask(address, "ready")
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise SetupError(
                    message("The program did not answer."), fix=message("Build it again, then repeat the cell.")
                ) from None
            time.sleep(LOOK_SECONDS)
        else:
            return


ELF_MACHINES = {0x3E: "x86-64", 0xB7: "arm64", 0x03: "x86", 0x28: "arm", 0xF3: "riscv64"}
"""The processors of `e_machine` (the ELF specification, https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html)."""
MACHINES = {"x86_64": "x86-64", "amd64": "x86-64", "aarch64": "arm64", "arm64": "arm64", "i686": "x86", "armv7l": "arm"}
INTERPRETER_SEGMENT = 3


def where_it_runs(program: Path) -> str:
    """Where a compiled program runs and why, read from its ELF header; and whether that is this machine."""
    data = program.read_bytes()[:4096]
    if data[:4] != b"\x7fELF":
        return message("{file} is not a program for Linux, so it cannot run in a Linux image.", file=program.name)
    processor = ELF_MACHINES.get(struct.unpack_from("<H", data, 18)[0], message("another processor"))
    if _has_interpreter(data):
        needs = message("The program is for Linux on {processor} and needs the system's libraries.", processor=processor)
    else:
        needs = message("The program is for Linux on {processor} and needs no library of the system.", processor=processor)
    system, own = platform.system(), MACHINES.get(platform.machine().lower(), platform.machine())
    if (system, own) == ("Linux", processor):
        runs = message("This machine is {system} on {processor}, so it runs.", system=system, processor=own)
    else:
        runs = message(
            "This machine is {system} on {processor}, so it does not run here without help.", system=system, processor=own
        )
    return f"{needs} {runs}"


def _has_interpreter(data: bytes) -> bool:
    """Whether a 64-bit ELF file names the loader of shared libraries, as one that is not static does."""
    (first_offset,) = struct.unpack_from("<Q", data, 32)
    entry_size, count = struct.unpack_from("<HH", data, 54)
    places = [first_offset + number * entry_size for number in range(count)]
    return any(struct.unpack_from("<I", data, place)[0] == INTERPRETER_SEGMENT for place in places if place + 4 <= len(data))
