"""Go on the host: compile a program there, run it, and read its bytes."""

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
"""What the sample app's Makefile tells Go: with it, the program is the same as the one in the image."""
DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Asks without a proxy: one named in the environment cannot reach the loopback address of this machine."""
UP_TO_DATE = "not installed but available in build cache"
"""The reason that `go list` gives for a stale package whose result is in the build cache (cmd/go/internal/work/buildid.go)."""


def go_build(app: App, *flags: str, folder: Path | None = None, name: str = "speedup") -> Path:
    """Build the sample app on the host, with private caches. Out: the program's path.

    flags: more arguments for `go build`. folder: another folder with the same sources.
    Raises: SetupError with the compiler's message.
    """
    program = _programs_folder(app) / name
    _go(app, "build", "-buildvcs=false", *flags, "-o", str(program), ".", folder=folder or app.folder)
    return program


def packages_to_compile(app: App, *flags: str, from_nothing: bool = False) -> list[str]:
    """The packages that Go would compile now if it built the app on the host. All others are in its build cache.

    flags: more arguments for `go build`. from_nothing: as if the build cache was empty.
    `go list` downloads modules that are missing; a first build after this call has nothing left to download.
    Raises: SetupError with Go's message.
    """
    if from_nothing:
        with scratch_folder() as empty_cache:
            return _stale_packages(app, *flags, variables={"GOCACHE": str(empty_cache)})
    return _stale_packages(app, *flags)


def _stale_packages(app: App, *flags: str, variables: Mapping[str, str] = MappingProxyType({})) -> list[str]:
    template = "{{if .Stale}}{{.ImportPath}}\t{{.StaleReason}}{{end}}"
    arguments = ["list", "-buildvcs=false", *flags, "-deps", "-f", template, "."]
    output = _go(app, *arguments, folder=app.folder, variables=variables)
    pairs = [line.partition("\t") for line in output.splitlines() if line]
    return [package for package, _, reason in pairs if reason != UP_TO_DATE]


def _go(app: App, *arguments: str, folder: Path, variables: Mapping[str, str] = MappingProxyType({})) -> str:
    """The output of `go`, run with the private caches of the app's host builds and for the image's system.

    variables: more of its environment. Raises: SetupError with Go's message.
    """
    environment = host_environment(app.cache_of("host")) | FOR_THE_IMAGE | dict(variables)
    done = run_child(["go", *arguments], cwd=folder, env=environment)
    if done.returncode:
        raise SetupError(message("go {verb} failed:", verb=arguments[0]), quoted=done.stderr.strip())
    return done.stdout


def second_folder(app: App) -> Path:
    """A copy of an app's sources in a folder of another name."""
    folder = _programs_folder(app) / "another-folder"
    shutil.copytree(app.folder, folder, dirs_exist_ok=True)
    return folder


def _programs_folder(app: App) -> Path:
    # Inside the folder with the private caches of the app's host builds: `App.close` removes them together.
    cache = app.cache_of("host") or app.folder.name
    claim(state_folder("host-caches") / cache)
    return state_folder("host-caches", cache, "programs")


def fingerprint(program: Path) -> str:
    """The first twelve digits of a file's SHA-256. Equal files have equal fingerprints."""
    return hashlib.sha256(program.read_bytes()).hexdigest()[:12]


def host_paths(program: Path) -> list[str]:
    """The absolute paths of source files in a Go program, each once, sorted.

    Go prints them in the trace of a panic. In the program, each path ends with a zero byte.
    """
    paths = re.findall(rb"(?<=\0)(?:[A-Za-z]:)?/[^\0\n]{1,400}\.go(?=\0)", program.read_bytes())
    return sorted({path.decode(errors="replace") for path in paths})


def first_bytes_of(program: Path, text: str) -> str:
    """The bytes of a program from the first place of a text on, a row per 16 bytes: offset, hexadecimal, ASCII."""
    data = program.read_bytes()
    start = data.find(text.encode())
    if start < 0:
        return message("{text} is not in {file}", text=text, file=program.name)
    rows = []
    for offset in range(start, start + len(text.encode()), ROW_BYTES):
        row = data[offset : offset + ROW_BYTES]
        letters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        rows.append(f"{offset:08x}  {row.hex(' '):{3 * ROW_BYTES}} {letters}")
    return "\n".join(rows)


@contextmanager
def running(program: Path) -> Iterator[str]:
    """Run the program on a free port of the loopback address while the block lasts. Out: its address."""
    # The system names a free port, and the program opens it a moment later.
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment, no_output = os.environ | {"PORT": str(port)}, subprocess.DEVNULL
    with child_process([str(program), f"127.0.0.1:{port}"], env=environment, stdout=no_output, stderr=no_output) as process:
        address = f"http://127.0.0.1:{port}"
        _wait_for_answer(address, process)
        yield address


def ask(address: str, text: str) -> str:
    """The answer of the running service to a text."""
    with DIRECTLY.open(f"{address}/echo?text={quote(text)}", timeout=5) as reply:
        return str(reply.read().decode())


def _wait_for_answer(address: str, process: subprocess.Popen[bytes]) -> None:
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
    """Which system and processor a compiled program is for, read from its ELF header, and whether it runs on this machine."""
    # Linkers put the ELF header and the program headers at the start of a file.
    data = program.read_bytes()[:4096]
    if data[:4] != b"\x7fELF":
        return message("{file} is not a program for Linux, so it cannot run in a Linux image.", file=program.name)
    processor = ELF_MACHINES.get(struct.unpack_from("<H", data, 18)[0], message("another processor"))
    if _has_interpreter(data):
        needs = message("The program is for Linux on {processor} and needs the system's libraries.", processor=processor)
    else:
        needs = message("The program is for Linux on {processor} and needs no library of the system.", processor=processor)
    system, own_processor = platform.system(), MACHINES.get(platform.machine().lower(), platform.machine())
    if (system, own_processor) == ("Linux", processor):
        runs = message("This machine is {system} on {processor}, so it runs.", system=system, processor=own_processor)
    else:
        runs = message(
            "This machine is {system} on {processor}, so it does not run here without an emulator.",
            system=system,
            processor=own_processor,
        )
    return f"{needs} {runs}"


def _has_interpreter(data: bytes) -> bool:
    """Whether a 64-bit ELF file names a loader of shared libraries (PT_INTERP). A static program names none."""
    # e_phoff is at byte 32 of the header, e_phentsize and e_phnum at 54; a program header begins with its type, p_type.
    (first_offset,) = struct.unpack_from("<Q", data, 32)
    entry_size, count = struct.unpack_from("<HH", data, 54)
    offsets = [first_offset + number * entry_size for number in range(count)]
    return any(
        struct.unpack_from("<I", data, offset)[0] == INTERPRETER_SEGMENT for offset in offsets if offset + 4 <= len(data)
    )
