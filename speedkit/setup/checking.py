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

from speedkit.budget import Use, is_size, variable
from speedkit.commands import as_typed
from speedkit.engine.bases import BASES, has_image
from speedkit.engine.certificates import host_bundle
from speedkit.engine.connection import Engine, buildx_version, connect, engine_of_the_user, find_buildx
from speedkit.engine.host_go import OLDEST_GO, find_go
from speedkit.engine.image_names import STAND_INS, family_of
from speedkit.errors import EngineError, NoEngine
from speedkit.experiment.housekeeping import room_taken
from speedkit.rendering.tables import FACTS_STYLE, Cell, table_html
from speedkit.setup.debian import read_release
from speedkit.setup.engine_install import what_to_install
from speedkit.state import state_home
from speedkit.words.amounts import bytes_text

__all__ = ["NEEDED_BASES", "Check", "Report", "doctor"]

NEEDED_BASES = ("golang:alpine", "alpine")
SAMPLE_PORT = 8080
ENOUGH_BYTES = 5_000_000_000
OLDEST_BUILDX = (0, 10)
PROBE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. fix: what to type when it is not ok. needed: builds cannot do without it."""

    name: str
    ok: bool
    found: str
    fix: str = ""
    needed: bool = True


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
        said = "Everything that builds need is here." if self.ready else "Something is missing: see the lines marked ✗."
        return f"<p>{said}</p>{FACTS_STYLE}{table_html([], [_row(check) for check in self.checks], look='sk-facts')}"


def _row(check: Check) -> list[Cell]:
    sign = "✓" if check.ok else "✗" if check.needed else "!"
    return [Cell(sign), Cell(check.name), Cell(check.found, below="" if check.ok else check.fix)]


def doctor() -> Report:
    """What is there and what is missing, in the order in which to mend it."""
    engine: Engine | None = None
    try:
        engine = connect()
        engine_check = Check("engine", True, _engine_text(engine))
    except EngineError as problem:
        engine_check = Check("engine", False, problem.what, _engine_fix(problem))
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
        *map(_room, room_taken(engine)),
    )
    return Report(tuple(replace(check, fix=as_typed(check.fix)) for check in checks))


def _engine_text(engine: Engine) -> str:
    return f"Docker Engine {engine.version} with BuildKit at {engine.host}, {engine.cpus} cores, {engine.storage_driver}"


def _engine_fix(problem: EngineError) -> str:
    """What to type: to install only where nothing is installed, and never in place of an engine the user named."""
    if not isinstance(problem, NoEngine) or engine_of_the_user():
        return problem.fix
    if sys.platform == "linux" and shutil.which("dockerd"):
        return "speedkit engine start"
    return what_to_install(read_release())


def _python() -> Check:
    version = ".".join(str(part) for part in sys.version_info[:3])
    return Check("python", sys.version_info >= (3, 11), f"Python {version}", "Install Python 3.11 or newer.")


def _packages() -> Check:
    required = [
        re.split(r"[<>=!~;\[ ]", text)[0] for text in importlib.metadata.requires("speedkit") or () if "extra ==" not in text
    ]
    missing = [name for name in required if not _is_installed(name)]
    found = f"{', '.join(missing)} missing" if missing else f"all {len(required)} are installed"
    return Check(
        "packages", not missing, found, "python -m pip install --require-hashes --only-binary=:all: -r requirements.txt"
    )


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
    return Check("buildx", new_enough, f"buildx {told or 'of unknown version'}", "Install buildx 0.10 or newer.")


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
        f"{bytes_text(free)} free",
        "Free some room: 5 GB are enough (`docker system df`).",
    )


def _room(use: Use) -> Check:
    """What the kit keeps. It keeps the limits by itself, so being over one for a while is nothing to mend."""
    limit = os.environ.get(variable(use.part))
    text = f"{bytes_text(use.used_bytes)} of at most {bytes_text(use.limit_bytes)} ({variable(use.part)})"
    is_understood = not limit or is_size(limit)
    fix = f"{variable(use.part)}={limit} is no size: write it as `20 GB`."
    return Check(f"kept {use.part}", is_understood, text, fix, needed=False)


def _go() -> Check:
    """Go on the host, for the strategy that builds there; any that fetches newer toolchains by itself will do."""
    go = find_go()
    if go is None:
        old = shutil.which("go")
        found = f"{old} is older than Go {OLDEST_GO[0]}.{OLDEST_GO[1]}" if old else "no Go on the host"
        return Check("go", False, found, "speedkit setup")
    told = subprocess.run([str(go), "version"], capture_output=True, text=True, check=False)
    return Check("go", True, f"{told.stdout.strip()} at {go}")


def _base(engine: Engine | None, reference: str) -> Check:
    name, needed = f"base {reference}", reference in NEEDED_BASES
    if engine is None:
        return Check(name, False, "unknown without an engine", "speedkit setup", needed)
    if has_image(engine, reference):
        return Check(name, True, "the real image is here", needed=needed)
    if has_image(engine, STAND_INS[family_of(reference)]):
        return Check(name, True, f"a local stand-in: results say so, until you `docker pull {reference}`", needed=needed)
    return Check(name, False, "not here", "speedkit setup", needed)


def _tls() -> Check:
    """Whether somebody between here and the Go module proxy signs with certificates that only this host trusts."""
    name = "certificates"
    address = _module_proxy()
    if address is None:
        return Check(name, True, "no network address to try", needed=False)
    try:
        if _trusted(address, Path(certifi.where())):
            return Check(name, True, f"TLS to {address[0]} is not intercepted", needed=False)
        bundle = host_bundle()
        if bundle is not None and _trusted(address, bundle):
            return Check(name, True, f"TLS is intercepted; builds are given the host's bundle {bundle}", needed=False)
        if _trusted(address, None):
            return Check(name, True, "TLS is intercepted; builds are given the system's bundle", needed=False)
    except OSError as problem:
        fix = "Without the network, only what is here already can be built. Behind a proxy, this check does not count."
        return Check(name, False, f"{address[0]} cannot be reached: {problem}", fix, needed=False)
    fix = "Point SSL_CERT_FILE to your company's CA bundle."
    return Check(name, False, f"nobody here trusts the certificate of {address[0]}", fix, needed=False)


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
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", SAMPLE_PORT))
    except OSError:
        fix = f"The kit uses free ports. To run the sample app by hand, use another one: PORT={SAMPLE_PORT + 1}."
        return Check("port 8080", False, "another program uses it", fix, needed=False)
    return Check("port 8080", True, "free", needed=False)
