"""Finds the Docker engine that the `docker` command would use, and the buildx plugin that builds with it.

The address is that of DOCKER_HOST, else of DOCKER_CONTEXT or the current context, else the default socket. Nothing is started
or changed here. `speedkit layers` loads this module before it asks the engine for an image, so the module imports little.
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
"""The API version for the first ping, which the engine answers for any version, and for engines that name no version."""


class _Address(NamedTuple):
    """Where an engine listens, and how to build with it. A named tuple, because importing dataclasses takes 6 ms."""

    host: str
    buildx: Path
    api_version: str
    certificates: Path | None = None


class Engine(_Address):
    """An engine that has answered a ping.

    host: its address in the form of DOCKER_HOST. buildx: the plugin's binary. api_version: the newest that it supports.
    certificates: the folder of the client's certificates for TLS, None without TLS.
    """

    @cached_property
    def api(self) -> Any:
        """The engine's API through Docker's client library, imported at the first use. Its calls raise `EngineError`."""
        from .client import Client

        return Client(_client(self.host, self.certificates, self.api_version, os.getpid()), self.host)

    def get(self, path: str, *, seconds: float = TIMEOUT_SECONDS) -> tuple[int, Any]:
        """The HTTP status and the JSON document of the answer to a GET; None in place of a document that is no JSON.

        path: below the API version, such as `/info`. seconds: how long the engine may be silent.
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
        """The engine's own id, the same at every address where it listens; "" when it has none."""
        return str(self._info.get("ID", ""))

    @property
    def version(self) -> str:
        return str(self._info["ServerVersion"])

    @property
    def operating_system(self) -> str:
        return str(self._info.get("OperatingSystem", ""))

    @property
    def cpus(self) -> int:
        return int(self._info.get("NCPU", 0))

    @property
    def memory_bytes(self) -> int:
        return int(self._info.get("MemTotal", 0))

    @property
    def storage_driver(self) -> str:
        return str(self._info.get("Driver", ""))

    @cached_property
    def _info(self) -> dict[str, Any]:
        """The engine's description of itself and its machine, as `docker info` prints it.

        Raises: EngineLost.
        """
        # Asked for at the first use, not by `connect`: the engine takes longer for it than for all the rest.
        status, info = self.get("/info")
        if status != HTTPStatus.OK or not isinstance(info, dict):
            raise self.lost()
        return info

    @cached_property
    def environment(self) -> dict[str, str]:
        """The environment for a docker or buildx command that must reach this engine and no other."""
        variables = {key: value for key, value in os.environ.items() if key not in ("DOCKER_CONTEXT", "BUILDX_BUILDER")}
        variables["DOCKER_HOST"] = self.host
        variables["BUILDX_METADATA_PROVENANCE"] = "disabled"
        # Attestations hold the time of the build. With them, every build makes a new image in containerd's image store.
        variables["BUILDX_NO_DEFAULT_ATTESTATIONS"] = "1"
        # Without this, buildx runs git several times in a repository, to note the commit in the builder's history.
        variables["BUILDX_GIT_INFO"] = "false"
        # Go's garbage collector starts at 4 MB by default. A run of buildx is too short for that to pay.
        variables.setdefault("GOGC", "400")
        if self.certificates is not None:
            variables |= {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(self.certificates)}
        return variables

    @property
    def keeps_images_in_containerd(self) -> bool:
        """Whether the engine has containerd's image store, as Docker Desktop and Docker Engine 29 have."""
        return ["driver-type", "io.containerd.snapshotter.v1"] in (self._info.get("DriverStatus") or [])

    @property
    def is_local(self) -> bool:
        """Whether the engine runs on this machine, so that its published ports are this machine's."""
        return self.host.startswith(("unix://", "npipe://"))

    def answers(self) -> bool:
        """Whether the engine answers a ping within ten seconds."""
        try:
            return self.get("/_ping", seconds=PING_SECONDS)[0] == HTTPStatus.OK
        except EngineLost:
            return False

    def lost(self) -> EngineLost:
        """The error for an engine that no longer answers, to be raised."""
        return EngineLost(
            message("The Docker engine at {host} no longer answers.", host=self.host),
            fix=message("Start it again (`speedkit engine start`, or Docker Desktop) and repeat the last step."),
        )


def connect() -> Engine:
    """The engine that the `docker` command would use.

    Raises: NoEngine when no engine answers, SocketRefused when this user may not use the socket, NoBuildKit when the engine
    or buildx cannot build.
    """
    host, certificates = _endpoint()
    headers: Mapping[str, str]
    try:
        if host.startswith(unix_socket.UNIX):
            with unix_socket.get(host, "/_ping", seconds=PING_SECONDS) as response:
                headers = response.headers
        else:
            headers = _ping_through_client(host, certificates)
    except (OSError, ValueError) as problem:
        raise _unreachable(host, problem) from problem
    # The headers of a ping say what the engine can do: https://docs.docker.com/reference/api/engine/ (SystemPing)
    if headers.get("Builder-Version", "1") != "2":
        raise NoBuildKit(
            message(
                "The engine at {host} ({version}) builds without BuildKit.",
                host=host,
                version=headers.get("Server") or message("of unknown version"),
            ),
            fix=message("Use Docker Engine 23 or newer with Linux containers."),
        )
    version = headers.get("Api-Version", OLDEST_API)
    engine = Engine(host=host, buildx=find_buildx(), api_version=version, certificates=certificates)
    if _has_notes_of_dead_processes():
        from .cleanup import sweep_in_background

        sweep_in_background(engine)
    return engine


def _has_notes_of_dead_processes() -> bool:
    """Whether the ledger of any engine has a note whose owner is dead, so that there is something to sweep."""
    # This reads file names only (`<kind>.<key>.<owner>`, see speedkit.engine.ledger), without loading the ledger.
    names = (name for _, _, files in os.walk(state_home() / "engines") for name in files)
    owners = {name.rpartition(".")[2] for name in names if name.count(".") > 1 and not name.startswith(".")}
    if not owners:
        return False
    from speedkit.ownership import is_alive

    return not all(map(is_alive, owners))


def _ping_through_client(host: str, certificates: Path | None) -> Mapping[str, str]:
    """The headers of the answer to a ping. Raises: OSError, whatever the client library raises."""
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
    """One client for all `Engine` objects of the same address, because each client keeps connections open.

    _process: the number of this process. A child made by fork must not share a connection with its parent.
    """
    import docker
    from docker.tls import TLSConfig
    from docker.transport import UnixHTTPAdapter

    tls: Any = False
    if certificates is not None:
        pair = (str(certificates / "cert.pem"), str(certificates / "key.pem"))
        tls = TLSConfig(client_cert=pair, ca_cert=str(certificates / "ca.pem"), verify=True)
    client = docker.APIClient(base_url=host, version=version, timeout=TIMEOUT_SECONDS, tls=tls, use_ssh_client=True)
    if host.startswith(unix_socket.UNIX):
        # The library's adapter keeps up to 25 connections, one per requested URL, so most of them are never used again.
        address = host.replace(unix_socket.UNIX, "http+unix://", 1)
        client.mount("http+docker://", UnixHTTPAdapter(address, TIMEOUT_SECONDS, pool_connections=CONNECTIONS_KEPT))
    return client


def _endpoint() -> tuple[str, Path | None]:
    """The engine's address, and the folder of the client's certificates. Raises: NoEngine."""
    # DOCKER_HOST overrides every context: https://docs.docker.com/engine/manage-resources/contexts/
    if host := os.environ.get("DOCKER_HOST"):
        if not os.environ.get("DOCKER_TLS_VERIFY"):
            return host, None
        # The `docker` command looks beside its settings when no folder is named (docker/cli, cli/flags/options.go).
        return host, Path(os.environ.get("DOCKER_CERT_PATH") or config_folder())
    default = "npipe:////./pipe/docker_engine" if sys.platform == "win32" else "unix:///var/run/docker.sock"
    name = current_context()
    if name is None:
        return default, None
    endpoint = endpoint_of_context(name)
    if endpoint is None:
        raise NoEngine(message("There is no Docker context {name!r}.", name=name), fix=message("See `docker context ls`."))
    host, certificates_folder = endpoint
    return (host or default), certificates_folder


def engine_of_the_user() -> str | None:
    """The setting that names an engine other than the default one, for a message; None when the user set none."""
    if os.environ.get("DOCKER_HOST"):
        return "DOCKER_HOST"
    context = current_context()
    return None if context is None else message("The Docker context {context!r}", context=context)


def _unreachable(host: str, problem: BaseException) -> NoEngine | SocketRefused:
    """The error for an engine that does not answer a ping."""
    # The client library wraps the operating system's error, and only its text is left.
    if "Permission denied" in str(problem) or "PermissionError" in repr(problem):
        return SocketRefused(
            message("A Docker engine listens at {host}, but this user may not talk to it.", host=host),
            fix=message("Add yourself to its group, then log in again: `sudo usermod -aG docker $USER`."),
        )
    setting = engine_of_the_user()
    return NoEngine(
        message("No Docker engine answers at {host}.", host=host),
        fix=message("{setting} names this engine: start it, or unset that and run `speedkit setup`.", setting=setting)
        if setting
        else message("Start Docker Desktop, or run `speedkit setup` to install and start an engine."),
    )


def find_buildx() -> Path:
    """The buildx plugin's binary, from the folders where the `docker` command looks, else from PATH.

    Raises: NoBuildKit when there is none.
    """
    name = "docker-buildx.exe" if sys.platform == "win32" else "docker-buildx"
    for folder in _plugin_folders():
        if (folder / name).is_file():
            return folder / name
    from shutil import which

    if path := which(name):
        return Path(path)
    raise NoBuildKit(
        message("The buildx plugin of Docker is not installed."),
        fix=message("Install it (Debian: `apt-get install docker-buildx`; Docker's own packages: `docker-buildx-plugin`)."),
    )


@lru_cache(maxsize=8)
def buildx_version(binary: Path) -> str:
    """The version that buildx prints, such as `0.29.1`; "" when it prints none."""
    import subprocess

    try:
        output = subprocess.run([str(binary), "version"], capture_output=True, text=True, errors="replace", check=False).stdout
    except OSError:
        return ""
    version = re.search(r"v?(\d+\.\d+\S*)", output)
    return version[1] if version else ""


def _plugin_folders() -> list[Path]:
    """The plugin folders of the Docker CLI (docker/cli, cli-plugins/manager) and of Docker Desktop, in the CLI's order."""
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
    """The folders that the user's config.json adds, as Homebrew advises."""
    try:
        settings = json.loads((config / "config.json").read_bytes())
        return [Path(folder) for folder in settings["cliPluginsExtraDirs"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []
