"""Finds the Docker engine this user means, and the buildx plugin that builds with it.

The engine is the one the `docker` command would use: DOCKER_HOST, then DOCKER_CONTEXT or the current context, then the
default socket. Nothing is started or changed here. An image can only be asked for once this is loaded, so it loads little.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from functools import cached_property, lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

from speedkit.errors import EngineError, EngineLost, NoBuildKit, NoEngine, SocketRefused
from speedkit.messages import message
from speedkit.state import state_home

from . import unix_socket
from .docker_settings import config_folder, current_context, endpoint_of_context

__all__ = ["Engine", "buildx_version", "connect", "engine_of_the_user", "find_buildx"]

TIMEOUT_SECONDS = 120
PING_SECONDS = 10
CONNECTIONS_KEPT = 4
OLDEST_API = "1.24"
"""Of engines that name none, and to begin with: a ping is answered whatever version is asked for."""


class _Found(NamedTuple):
    """No dataclass, which takes 6 ms to load."""

    host: str
    buildx: Path
    api_version: str
    certificates: Path | None = None


class Engine(_Found):
    """An engine that answered.

    host: where it listens, as DOCKER_HOST would say it. buildx: the plugin's binary.
    What it says of itself (`version`, `cpus` …) is asked for when first needed: that takes longer than all the rest.
    """

    @cached_property
    def api(self) -> Any:
        """The engine's API through the client library of Docker, loaded when it is first used.

        Raises: EngineLost, EngineRefused, nothing of the library's.
        """
        from .client import Client

        return Client(_client(self.host, self.certificates, self.api_version, os.getpid()), self.host)

    def get(self, path: str, *, seconds: float = TIMEOUT_SECONDS) -> tuple[int, Any]:
        """The status and the JSON document that the engine answers a GET with; None when it sends no JSON.

        seconds: how long it may be silent.
        Raises: EngineLost.
        """
        try:
            if self.host.startswith(unix_socket.UNIX):
                with unix_socket.get(self.host, f"/v{self.api_version}{path}", seconds=seconds) as response:
                    status, body = response.status, response.read_all()
            else:
                reply = self.api.get(f"{self.api.base_url}/v{self.api_version}{path}", timeout=seconds)
                status, body = reply.status_code, reply.content
        except (OSError, ValueError):
            raise self.lost() from None
        try:
            return status, json.loads(body)
        except (ValueError, RecursionError):
            return status, None

    @property
    def identity(self) -> str:
        """Tells it from every other engine, wherever it listens."""
        return str(self._told.get("ID", ""))

    @property
    def version(self) -> str:
        return str(self._told["ServerVersion"])

    @property
    def operating_system(self) -> str:
        return str(self._told.get("OperatingSystem", ""))

    @property
    def cpus(self) -> int:
        return int(self._told.get("NCPU", 0))

    @property
    def memory_bytes(self) -> int:
        return int(self._told.get("MemTotal", 0))

    @property
    def storage_driver(self) -> str:
        return str(self._told.get("Driver", ""))

    @cached_property
    def _told(self) -> dict[str, Any]:
        """What the engine says of itself and its machine.

        Raises: EngineLost.
        """
        status, told = self.get("/info")
        if status != HTTPStatus.OK or not isinstance(told, dict):
            raise self.lost()
        return told

    @cached_property
    def environment(self) -> dict[str, str]:
        """The environment for a docker or buildx command that must reach this engine and no other."""
        kept = {key: value for key, value in os.environ.items() if key not in ("DOCKER_CONTEXT", "BUILDX_BUILDER")}
        kept["DOCKER_HOST"] = self.host
        kept["BUILDX_METADATA_PROVENANCE"] = "disabled"
        # Attestations hold the time of the build: with them, containerd's image store has a new image for every build.
        kept["BUILDX_NO_DEFAULT_ATTESTATIONS"] = "1"
        # Else buildx runs git, several times in a repository, to note the commit in the builder's own history.
        kept["BUILDX_GIT_INFO"] = "false"
        # buildx lives too briefly to be worth collecting garbage from the first 4 MB on, which is Go's default.
        kept.setdefault("GOGC", "400")
        if self.certificates is not None:
            kept |= {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(self.certificates)}
        return kept

    @property
    def keeps_images_in_containerd(self) -> bool:
        """Whether it has containerd's image store, as Docker Desktop and Docker Engine 29 have."""
        return ["driver-type", "io.containerd.snapshotter.v1"] in (self._told.get("DriverStatus") or [])

    @property
    def is_local(self) -> bool:
        """The engine runs on this machine, so that its published ports are ours."""
        return _is_local(self.host)

    def answers(self) -> bool:
        """It answers within ten seconds."""
        try:
            return self.get("/_ping", seconds=PING_SECONDS)[0] == HTTPStatus.OK
        except EngineLost:
            return False

    def lost(self) -> EngineLost:
        """The error that says that it no longer answers."""
        return EngineLost(
            message("The Docker engine at {host} no longer answers.", host=self.host),
            fix=message("Start it again (`speedkit engine start`, or Docker Desktop) and repeat the last step."),
        )


def connect() -> Engine:
    """The engine that the `docker` command would use.

    Raises: NoEngine when nothing answers, SocketRefused when this user may not ask, NoBuildKit when it cannot build.
    """
    host, certificates = _endpoint()
    try:
        told = _ping(host) if host.startswith(unix_socket.UNIX) else _ping_through_client(host, certificates)
    except (OSError, ValueError) as problem:
        raise _unreachable(host, problem) from problem
    if told.get("Builder-Version", "1") != "2":
        raise NoBuildKit(
            message(
                "The engine at {host} ({version}) builds without BuildKit.",
                host=host,
                version=told.get("Server") or message("of unknown version"),
            ),
            fix=message("Use Docker Engine 23 or newer with Linux containers."),
        )
    engine = Engine(host=host, buildx=find_buildx(), api_version=told.get("Api-Version", OLDEST_API), certificates=certificates)
    if _holds_leavings():
        from .cleanup import sweep_in_background

        sweep_in_background(engine)
    return engine


def _holds_leavings() -> bool:
    """Whether a process that is dead by now noted something that goes with it (see speedkit.engine.ledger)."""
    names = (name for _, _, files in os.walk(state_home() / "engines") for name in files)
    owners = {name.rpartition(".")[2] for name in names if name.count(".") > 1 and not name.startswith(".")}
    if not owners:
        return False
    from speedkit.ownership import is_alive

    return not all(map(is_alive, owners))


def _ping(host: str) -> Mapping[str, str]:
    """The headers of the answer to a ping."""
    with unix_socket.get(host, "/_ping", seconds=PING_SECONDS) as response:
        return response.headers


def _ping_through_client(host: str, certificates: Path | None) -> Mapping[str, str]:
    from .client import errors_of_ours

    try:
        with errors_of_ours(host):
            api = _client(host, certificates, OLDEST_API, os.getpid())
            headers: Mapping[str, str] = api.get(f"{api.base_url}/_ping", timeout=PING_SECONDS).headers
            return headers
    except EngineError as problem:
        raise OSError(str(problem)) from problem


@lru_cache(maxsize=4)
def _client(host: str, certificates: Path | None, version: str, _process: int) -> Any:
    """One client for all engines that are asked at the same place: each keeps a connection open.

    _process: the one that asks. One made by fork may not share a connection with its parent.
    """
    import docker
    from docker.transport import UnixHTTPAdapter

    client = docker.APIClient(
        base_url=host, version=version, timeout=TIMEOUT_SECONDS, tls=_tls(certificates), use_ssh_client=True
    )
    if host.startswith(unix_socket.UNIX):
        # It keeps 25 connections, by the whole address that was asked, so most of them are never used again.
        address = host.replace(unix_socket.UNIX, "http+unix://", 1)
        client.mount("http+docker://", UnixHTTPAdapter(address, TIMEOUT_SECONDS, pool_connections=CONNECTIONS_KEPT))
    return client


def _is_local(host: str) -> bool:
    return host.startswith(("unix://", "npipe://"))


def _endpoint() -> tuple[str, Path | None]:
    """The engine's address and the folder of its client certificates."""
    if host := os.environ.get("DOCKER_HOST"):
        certificates = os.environ.get("DOCKER_CERT_PATH") if os.environ.get("DOCKER_TLS_VERIFY") else None
        return host, Path(certificates) if certificates else None
    default = "npipe:////./pipe/docker_engine" if sys.platform == "win32" else "unix:///var/run/docker.sock"
    name = current_context()
    if name is None:
        return default, None
    found = endpoint_of_context(name)
    if found is None:
        raise NoEngine(message("There is no Docker context {name!r}.", name=name), fix=message("See `docker context ls`."))
    return (found[0] or default), found[1]


def engine_of_the_user() -> str | None:
    """The setting that names an engine other than this machine's own, None when none does."""
    if os.environ.get("DOCKER_HOST"):
        return "DOCKER_HOST"
    context = current_context()
    return None if context is None else message("The Docker context {context!r}", context=context)


def _tls(certificates: Path | None) -> Any:
    if certificates is None:
        return False
    from docker.tls import TLSConfig

    pair = (str(certificates / "cert.pem"), str(certificates / "key.pem"))
    return TLSConfig(client_cert=pair, ca_cert=str(certificates / "ca.pem"), verify=True)


def _unreachable(host: str, problem: BaseException) -> NoEngine | SocketRefused:
    if "Permission denied" in str(problem) or "PermissionError" in repr(problem):
        return SocketRefused(
            message("A Docker engine listens at {host}, but this user may not talk to it.", host=host),
            fix=message("Add yourself to its group, then log in again: `sudo usermod -aG docker $USER`."),
        )
    named = engine_of_the_user()
    return NoEngine(
        message("No Docker engine answers at {host}.", host=host),
        fix=message("{named} names this engine: start it, or unset that and run `speedkit setup`.", named=named)
        if named
        else message("Start Docker Desktop, or run `speedkit setup` to install and start an engine."),
    )


def find_buildx() -> Path:
    """The buildx plugin's binary, looked for where the `docker` command looks.

    Raises: NoBuildKit when there is none.
    """
    name = "docker-buildx.exe" if sys.platform == "win32" else "docker-buildx"
    for folder in _plugin_folders():
        if (folder / name).is_file():
            return folder / name
    from shutil import which

    if found := which(name):
        return Path(found)
    raise NoBuildKit(
        message("The buildx plugin of Docker is not installed."),
        fix=message("Install it (Debian: `apt-get install docker-buildx`; Docker's own packages: `docker-buildx-plugin`)."),
    )


@lru_cache(maxsize=8)
def buildx_version(binary: Path) -> str:
    """What buildx calls itself, such as `0.29.1`; "" when it does not say."""
    import subprocess

    try:
        told = subprocess.run([str(binary), "version"], capture_output=True, text=True, errors="replace", check=False).stdout
    except OSError:
        return ""
    found = re.search(r"v?(\d+\.\d+\S*)", told)
    return found[1] if found else ""


def _plugin_folders() -> list[Path]:
    """Docker CLI's plugin folders (docker/cli cli-plugins/manager) and those of Docker Desktop."""
    prefixes = ("/usr/local/lib", "/usr/local/libexec", "/usr/lib", "/usr/libexec", "/opt/homebrew/lib")
    windows = (os.environ.get(variable) for variable in ("ProgramData", "ProgramFiles"))
    docker = [Path(value) / "Docker" for value in windows if value]
    return [
        *_extra_plugin_folders(config_folder()),
        config_folder() / "cli-plugins",
        *(Path(prefix) / "docker" / "cli-plugins" for prefix in prefixes),
        Path("/Applications/Docker.app/Contents/Resources/cli-plugins"),
        *(folder / "cli-plugins" for folder in docker),
        *(folder / "Docker" / "resources" / "cli-plugins" for folder in docker),
    ]


def _extra_plugin_folders(config: Path) -> list[Path]:
    """The folders that the user's config.json adds, as Homebrew tells its users to."""
    try:
        found = json.loads((config / "config.json").read_bytes())
        return [Path(folder) for folder in found["cliPluginsExtraDirs"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []
