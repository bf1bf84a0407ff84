"""What is there and what is missing: each check says what it found, and what to type when it failed."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import certifi

from speedkit.budget import Part, SpaceUse, is_size, limit_variable
from speedkit.builds import disk_use
from speedkit.commands import as_typed
from speedkit.engine import (
    BASES,
    OLDEST_GO,
    STAND_INS,
    Engine,
    buildx_version,
    connect,
    engine_of_the_user,
    family_of,
    find_buildx,
    find_go,
    has_image,
    host_bundle,
)
from speedkit.errors import EngineError, NoEngine
from speedkit.messages import marked, message, plural
from speedkit.rendering import FACTS_STYLE, Cell, html_text, table_html
from speedkit.state import state_home
from speedkit.words import bytes_text

from .debian import read_release
from .engine_install import what_to_install

__all__ = ["NEEDED_BASES", "Check", "Report", "doctor"]

NEEDED_BASES = ("golang:alpine", "alpine")
SAMPLE_PORT = 8080
ENOUGH_BYTES = 5_000_000_000
OLDEST_BUILDX = (0, 10)
PROBE_SECONDS = 3.0
KEPT: dict[Part, str] = {
    "images": marked("kept images"),
    "recordings": marked("kept recordings"),
    "layers": marked("kept layers"),
}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    fix: what to type when it is not ok. needed: builds cannot do without it. label: the name as people see it, where it is
    not a name of something.
    """

    name: str
    ok: bool
    found: str
    fix: str = ""
    needed: bool = True
    label: str = ""

    @property
    def shown_name(self) -> str:
        return self.label or self.name


@dataclass(frozen=True, slots=True)
class Report:
    """All checks. ready: everything that builds need is there."""

    checks: tuple[Check, ...]

    @property
    def ready(self) -> bool:
        return all(check.ok or not check.needed for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        """As `speedkit doctor --json` prints it."""
        checks = [
            {"name": check.name, "ok": check.ok, "found": check.found, "fix": "" if check.ok else check.fix}
            for check in self.checks
        ]
        return {"ready": self.ready, "checks": checks}

    def _repr_html_(self) -> str:
        if self.ready:
            said = message("Everything that builds need is here.")
        else:
            said = message("Something is missing: see the lines marked ✗.")
        return f"<p>{html_text(said)}</p>{FACTS_STYLE}{table_html([], [_row(check) for check in self.checks], look='sk-facts')}"


def _row(check: Check) -> list[Cell]:
    sign = "✓" if check.ok else "✗" if check.needed else "!"
    return [Cell(sign), Cell(check.shown_name), Cell(check.found, below="" if check.ok else check.fix)]


def doctor() -> Report:
    """What is there and what is missing, in the order in which to mend it."""
    engine: Engine | None = None
    try:
        engine = connect()
        engine_check = Check("engine", True, _engine_text(engine), label=message("engine"))
    except EngineError as problem:
        engine_check = Check("engine", False, problem.what, _engine_fix(problem), label=message("engine"))
    checks = (
        _python(),
        _packages(),
        engine_check,
        _buildx(),
        _disk(engine),
        _go(),
        *(_base(engine, reference) for reference in BASES),
        _tls(),
        _port(),
        *map(_room, disk_use(engine)),
    )
    return Report(tuple(replace(check, fix=as_typed(check.fix)) for check in checks))


def _engine_text(engine: Engine) -> str:
    return plural(
        "Docker Engine {version} with BuildKit at {host}, {count} core, {storage_driver}",
        "Docker Engine {version} with BuildKit at {host}, {count} cores, {storage_driver}",
        engine.cpus,
        version=engine.version,
        host=engine.host,
        storage_driver=engine.storage_driver,
    )


def _engine_fix(problem: EngineError) -> str:
    """What to type: to install only where nothing is installed, and never in place of an engine the user named."""
    if not isinstance(problem, NoEngine) or engine_of_the_user():
        return problem.fix
    if sys.platform == "linux" and shutil.which("dockerd"):
        return "speedkit engine start"
    return what_to_install(read_release())


def _python() -> Check:
    version = ".".join(str(part) for part in sys.version_info[:3])
    return Check("python", sys.version_info >= (3, 11), f"Python {version}", message("Install Python 3.11 or newer."))


def _packages() -> Check:
    required = [
        re.split(r"[<>=!~;\[ ]", text)[0] for text in importlib.metadata.requires("speedkit") or () if "extra ==" not in text
    ]
    missing = [name for name in required if not _is_installed(name)]
    if missing:
        found = message("{names} missing", names=", ".join(missing))
    else:
        found = message("all {count} are installed", count=len(required))
    fix = "python -m pip install --require-hashes --only-binary=:all: -r requirements.txt"
    return Check("packages", not missing, found, fix, label=message("packages"))


def _is_installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _buildx() -> Check:
    try:
        binary = find_buildx()
    except EngineError as problem:
        return Check("buildx", False, problem.what, problem.fix)
    told = buildx_version(binary)
    version = re.match(r"(\d+)\.(\d+)", told)
    new_enough = version is not None and (int(version[1]), int(version[2])) >= OLDEST_BUILDX
    found = f"buildx {told}" if told else message("buildx of unknown version")
    return Check("buildx", new_enough, found, message("Install buildx 0.10 or newer."))


def _existing(path: Path) -> Path:
    """The path, or the folder above it that is there."""
    return next(place for place in (path.absolute(), *path.absolute().parents) if place.exists())


def _disk(engine: Engine | None) -> Check:
    engines = Path("/var/lib/docker")
    places = [_existing(state_home()), *([engines] if engine and engine.is_local and engines.exists() else [])]
    free = min(shutil.disk_usage(path).free for path in places)
    return Check(
        "disk",
        free >= ENOUGH_BYTES,
        message("{size} free", size=bytes_text(free)),
        message("Free some room: 5 GB are enough (`docker system df`)."),
        label=message("disk"),
    )


def _room(use: SpaceUse) -> Check:
    """What the kit keeps. It keeps the limits by itself, so being over one for a while is nothing to mend."""
    name = limit_variable(use.part)
    limit = os.environ.get(name)
    used, most = bytes_text(use.used_bytes), bytes_text(use.limit_bytes)
    text = message("{used} of at most {most} ({variable})", used=used, most=most, variable=name)
    is_understood = not limit or is_size(limit)
    fix = message("{variable}={value} is no size: write it as `20 GB`.", variable=name, value=limit)
    return Check(f"kept {use.part}", is_understood, text, fix, needed=False, label=message(KEPT[use.part]))


def _go() -> Check:
    """Go on the host, for the strategy that builds there; any that fetches newer toolchains by itself will do."""
    go = find_go()
    if go is None:
        if old := shutil.which("go"):
            oldest = ".".join(map(str, OLDEST_GO[:2]))
            found = message("{path} is older than Go {version}", path=old, version=oldest)
        else:
            found = message("no Go on the host")
        return Check("go", False, found, "speedkit setup")
    told = subprocess.run([str(go), "version"], capture_output=True, text=True, check=False)
    return Check("go", True, message("{version} at {path}", version=told.stdout.strip(), path=go))


def _base(engine: Engine | None, reference: str) -> Check:
    name, needed = f"base {reference}", reference in NEEDED_BASES
    label = message("base {reference}", reference=reference)
    if engine is None:
        return Check(name, False, message("unknown without an engine"), "speedkit setup", needed, label)
    if has_image(engine, reference):
        return Check(name, True, message("the real image is here"), needed=needed, label=label)
    if has_image(engine, STAND_INS[family_of(reference)]):
        found = message("a local stand-in: results say so, until you `docker pull {reference}`", reference=reference)
        return Check(name, True, found, needed=needed, label=label)
    return Check(name, False, message("not here"), "speedkit setup", needed, label)


def _tls() -> Check:
    """Whether somebody between here and the Go module proxy signs with certificates that only this host trusts."""
    ok, found, fix = _intercepted(_module_proxy())
    return Check("certificates", ok, found, fix, needed=False, label=message("certificates"))


def _intercepted(address: tuple[str, int] | None) -> tuple[bool, str, str]:
    """Whether the certificate of an address is trusted, by what, and what to do where it is not."""
    if address is None:
        return True, message("no network address to try"), ""
    host = address[0]
    try:
        if _trusted(address, Path(certifi.where())):
            return True, message("TLS to {host} is not intercepted", host=host), ""
        bundle = host_bundle()
        if bundle is not None and _trusted(address, bundle):
            return True, message("TLS is intercepted; builds are given the host's bundle {bundle}", bundle=bundle), ""
        if _trusted(address, None):
            return True, message("TLS is intercepted; builds are given the system's bundle"), ""
    except OSError as problem:
        fix = message("Without the network, only what is here already can be built. Behind a proxy, this check does not count.")
        return False, message("{host} cannot be reached: {problem}", host=host, problem=problem), fix
    fix = message("Point SSL_CERT_FILE to your company's CA bundle.")
    return False, message("nobody here trusts the certificate of {host}", host=host), fix


def _module_proxy() -> tuple[str, int] | None:
    go = find_go()
    if go is None:
        return None
    told = subprocess.run([str(go), "env", "GOPROXY"], capture_output=True, text=True, check=False).stdout
    first = re.split(r"[,|]", told.strip())[0]
    address = urlsplit(first)
    return (address.hostname, address.port or 443) if address.scheme == "https" and address.hostname else None


def _trusted(address: tuple[str, int], bundle: Path | None) -> bool:
    """Whether a server's certificate is trusted. bundle: None is the system's own.

    Raises: OSError when the server cannot be reached.
    """
    context = ssl.create_default_context(cafile=str(bundle) if bundle is not None else None)
    with socket.create_connection(address, timeout=PROBE_SECONDS) as plain:
        try:
            with context.wrap_socket(plain, server_hostname=address[0]):
                return True
        except ssl.SSLCertVerificationError:
            return False


def _port() -> Check:
    """The sample app's own port; the kit itself asks images on free ports, so a taken one is in nobody's way."""
    name, label = f"port {SAMPLE_PORT}", message("port {port}", port=SAMPLE_PORT)
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", SAMPLE_PORT))
    except OSError:
        fix = message(
            "The kit uses free ports. To run the sample app by hand, use another one: PORT={port}.", port=SAMPLE_PORT + 1
        )
        return Check(name, False, message("another program uses it"), fix, needed=False, label=label)
    return Check(name, True, message("free"), needed=False, label=label)
