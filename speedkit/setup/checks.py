"""The checks of `speedkit doctor`: each has a result, and the command to type where it failed."""

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
from speedkit.host_packages import read_release
from speedkit.messages import listed, marked, message, plural
from speedkit.rendering import FACTS_STYLE, Cell, html_text, table_html
from speedkit.state import state_home
from speedkit.words import bytes_text

from .engine_install import what_to_install

__all__ = ["NEEDED_BASES", "Check", "Report", "doctor"]

NEEDED_BASES = ("golang:alpine", "alpine")
"""The base images of the sample app."""
SAMPLE_PORT = 8080
ENOUGH_BYTES = 5_000_000_000
OLDEST_BUILDX = (0, 10)
OLDEST_PYTHON = (3, 11)
PROBE_SECONDS = 3.0
KEPT: dict[Part, str] = {
    "images": marked("kept images"),
    "stand_ins": marked("kept stand-ins"),
    "recordings": marked("kept recordings"),
    "layers": marked("kept layers"),
}


@dataclass(frozen=True, slots=True)
class Check:
    """One check: of a program, an image, the disk, or the network.

    name: for programs, the same in every language. result: what is there, or what is wrong. fix: the command to type, or the
    advice, when the check is not ok. needed: builds are impossible without it. label: the name in the reader's language,
    "" where the name is that of a program.
    """

    name: str
    ok: bool
    result: str
    fix: str = ""
    needed: bool = True
    label: str = ""

    @property
    def shown_name(self) -> str:
        return self.label or self.name


@dataclass(frozen=True, slots=True)
class Report:
    """All checks. ready: all checks that builds need are ok."""

    checks: tuple[Check, ...]

    @property
    def ready(self) -> bool:
        return all(check.ok or not check.needed for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        """As `speedkit doctor --json` prints it."""
        checks = [
            {"name": check.name, "ok": check.ok, "found": check.result, "fix": "" if check.ok else check.fix}
            for check in self.checks
        ]
        return {"ready": self.ready, "checks": checks}

    def _repr_html_(self) -> str:
        if self.ready:
            summary = message("Everything that builds need is here.")
        else:
            summary = message("Something is missing: see the lines marked ✗.")
        rows = []
        for check in self.checks:
            sign = "✓" if check.ok else "✗" if check.needed else "!"
            rows.append([Cell(sign), Cell(check.shown_name), Cell(check.result, below="" if check.ok else check.fix)])
        return f"<p>{html_text(summary)}</p>{FACTS_STYLE}{table_html([], rows, look='sk-facts')}"


def doctor() -> Report:
    """The result of every check, in the order in which a reader should fix what failed."""
    engine: Engine | None = None
    try:
        engine = connect()
        text = plural(
            "Docker Engine {version} with BuildKit at {host}, {count} core, {storage_driver}",
            "Docker Engine {version} with BuildKit at {host}, {count} cores, {storage_driver}",
            engine.cpus,
            version=engine.version,
            host=engine.host,
            storage_driver=engine.storage_driver,
        )
        engine_check = Check("engine", True, text, label=message("engine"))
    except EngineError as problem:
        engine_check = Check("engine", False, problem.what, engine_fix(problem), label=message("engine"))
    version = ".".join(str(part) for part in sys.version_info[:3])
    python_check = Check(
        "python", sys.version_info >= OLDEST_PYTHON, f"Python {version}", message("Install Python 3.11 or newer.")
    )
    checks = (
        python_check,
        check_packages(),
        engine_check,
        check_buildx(),
        check_disk(engine),
        check_go(),
        *(check_base_image(engine, reference) for reference in BASES),
        check_certificates(),
        check_port(),
        *map(check_space_limit, disk_use(engine)),
    )
    return Report(tuple(replace(check, fix=as_typed(check.fix)) for check in checks))


def engine_fix(problem: EngineError) -> str:
    """The advice for an engine that cannot be used. Nothing is to be installed where an engine is, or the user named one."""
    if not isinstance(problem, NoEngine) or engine_of_the_user():
        return problem.fix
    if sys.platform == "linux" and shutil.which("dockerd"):
        return "speedkit engine start"
    return what_to_install(read_release())


def check_packages() -> Check:
    # A requirement is text such as `pandas>=2; extra == "dev"` (PEP 508): the name ends before the first of these characters.
    required = [
        re.split(r"[<>=!~;\[ ]", text)[0] for text in importlib.metadata.requires("speedkit") or () if "extra ==" not in text
    ]
    missing = [name for name in required if not _is_installed(name)]
    if missing:
        result = message("{names} missing", names=listed(missing))
    else:
        result = message("all {count} are installed", count=len(required))
    fix = "python -m pip install --require-hashes --only-binary=:all: -r requirements.txt"
    return Check("packages", not missing, result, fix, label=message("packages"))


def _is_installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def check_buildx() -> Check:
    try:
        binary = find_buildx()
    except EngineError as problem:
        return Check("buildx", False, problem.what, problem.fix)
    version_text = buildx_version(binary)
    version = re.match(r"(\d+)\.(\d+)", version_text)
    is_new_enough = version is not None and (int(version[1]), int(version[2])) >= OLDEST_BUILDX
    result = f"buildx {version_text}" if version_text else message("buildx of unknown version")
    return Check("buildx", is_new_enough, result, message("Install buildx 0.10 or newer."))


def check_disk(engine: Engine | None) -> Check:
    """Free space on the disks of the state folder and of the engine's images, whichever has less."""
    # The state folder may not exist yet. Its disk is that of the nearest folder above it that does.
    state = state_home().absolute()
    places = [next(place for place in (state, *state.parents) if place.exists())]
    engine_data = Path("/var/lib/docker")
    if engine and engine.is_local and engine_data.exists():
        places.append(engine_data)
    free = min(shutil.disk_usage(path).free for path in places)
    return Check(
        "disk",
        free >= ENOUGH_BYTES,
        message("{size} free", size=bytes_text(free)),
        message("Free some room: 5 GB are enough (`docker system df`)."),
        label=message("disk"),
    )


def check_space_limit(use: SpaceUse) -> Check:
    """The space of one part of what the kit keeps. Only a limit that cannot be read fails the check."""
    # The kit itself removes what is over a limit, so a part that is over it for a while needs no advice.
    name = limit_variable(use.part)
    limit = os.environ.get(name)
    used, most = bytes_text(use.used_bytes), bytes_text(use.limit_bytes)
    result = message("{used} of at most {most} ({variable})", used=used, most=most, variable=name)
    is_limit_readable = not limit or is_size(limit)
    fix = message("{variable}={value} is not a size: write one such as `20 GB`.", variable=name, value=limit)
    return Check(f"kept {use.part}", is_limit_readable, result, fix, needed=False, label=message(KEPT[use.part]))


def check_go() -> Check:
    """Go on the host, for the strategy that builds there. From 1.21 on, Go downloads newer toolchains by itself."""
    go = find_go()
    if go is None:
        if old := shutil.which("go"):
            oldest = ".".join(map(str, OLDEST_GO[:2]))
            result = message("{path} is older than Go {version}", path=old, version=oldest)
        else:
            result = message("no Go on the host")
        return Check("go", False, result, "speedkit setup")
    done = subprocess.run([str(go), "version"], capture_output=True, text=True, check=False)
    return Check("go", True, message("{version} at {path}", version=done.stdout.strip(), path=go))


def check_base_image(engine: Engine | None, reference: str) -> Check:
    name, needed = f"base {reference}", reference in NEEDED_BASES
    label = message("base {reference}", reference=reference)
    if engine is None:
        return Check(name, False, message("unknown without an engine"), "speedkit setup", needed, label)
    if has_image(engine, reference):
        return Check(name, True, message("the real image is here"), needed=needed, label=label)
    if has_image(engine, STAND_INS[family_of(reference)]):
        result = message("a local stand-in, and results are marked so until you `docker pull {reference}`", reference=reference)
        return Check(name, True, result, needed=needed, label=label)
    return Check(name, False, message("not here"), "speedkit setup", needed, label)


def check_certificates() -> Check:
    """Whether this host trusts the certificate of the Go module proxy, or that of a proxy that intercepts TLS."""
    ok, result, fix = _trust_of(_module_proxy())
    return Check("certificates", ok, result, fix, needed=False, label=message("certificates"))


def _trust_of(address: tuple[str, int] | None) -> tuple[bool, str, str]:
    """Whether a bundle of this host trusts the certificate of an address, with the result and the advice for the check."""
    # The bundles are tried in the order public, environment, system: certifi has the public CAs only. So a certificate that
    # it does not trust, and another bundle does, comes from a proxy that intercepts TLS.
    if address is None:
        return True, message("no network address to try"), ""
    host = address[0]
    try:
        if _trusted(address, Path(certifi.where())):
            return True, message("TLS to {host} is not intercepted", host=host), ""
        bundle = host_bundle()
        if bundle is not None and _trusted(address, bundle):
            return True, message("TLS is intercepted; builds get the host's bundle {bundle}", bundle=bundle), ""
        if _trusted(address, None):
            return True, message("TLS is intercepted; builds get the system's bundle"), ""
    except OSError as problem:
        fix = message(
            "Without a network, builds can use only the images and packages that are here. Behind a proxy, ignore this check."
        )
        return False, message("{host} cannot be reached: {problem}", host=host, problem=problem), fix
    fix = message("Point SSL_CERT_FILE to your company's CA bundle.")
    return False, message("no CA bundle on this machine trusts the certificate of {host}", host=host), fix


def _module_proxy() -> tuple[str, int] | None:
    """Host and port of the first address in GOPROXY; None where that has none, such as `direct` or `file:///…`."""
    go = find_go()
    if go is None:
        return None
    proxies = subprocess.run([str(go), "env", "GOPROXY"], capture_output=True, text=True, check=False).stdout
    first = re.split(r"[,|]", proxies.strip())[0]
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


def check_port() -> Check:
    """The port of the sample app. It is not needed: the kit itself runs images on free ports."""
    name, label = f"port {SAMPLE_PORT}", message("port {port}", port=SAMPLE_PORT)
    try:
        with socket.socket() as probe:
            # Without SO_REUSEADDR, a server that ended a minute ago would still count as one that uses the port (socket(7)).
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", SAMPLE_PORT))
    except OSError:
        fix = message(
            "The kit uses free ports. To run the sample app by hand, use another one: PORT={port}.", port=SAMPLE_PORT + 1
        )
        return Check(name, False, message("another program uses it"), fix, needed=False, label=label)
    return Check(name, True, message("free"), needed=False, label=label)
