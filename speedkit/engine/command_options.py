"""The options of `docker build` besides context, Dockerfile, target and caches: secrets, platforms, networks …

In: options as somebody types them. Out: the same options, each in one form and with absolute paths; or a `Misuse` that shows
how to write the option. Source of the forms: docker/buildx, util/buildflags (secret.go, ssh.go, context.go) and build/utils.go
(toBuildkitExtraHosts); docker/cli, opts; docker/go-units (ParseUlimit, RAMInBytes).
"""

from __future__ import annotations

import csv
import ipaddress
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path
from typing import NoReturn

from speedkit.dockerfile import check_image_name, check_platform, context_name, host_platform, normalized_platform
from speedkit.errors import Misuse
from speedkit.messages import message
from speedkit.secrets import hide_secrets

from .identity import LABEL
from .image_names import ONLY_HERE, name_on_hub

__all__ = [
    "AGENT",
    "DOCKER_IMAGE",
    "NO_OPTIONS",
    "OCI_LAYOUT",
    "CommandOptions",
    "Secret",
    "agent_ids",
    "checked_options",
    "is_address",
    "joined_options",
    "read_secrets",
    "require_secrets",
    "secret_values",
    "unset_secrets",
]

AGENT = "SSH_AUTH_SOCK"
"""The variable with the path of the SSH agent's socket."""
DOCKER_IMAGE = "docker-image://"
OCI_LAYOUT = "oci-layout://"
TARGET = "target:"
ADDRESS = re.compile(r"https?://|git://|ssh://|github\.com/|[\w.-]+@[\w.-]+:", re.IGNORECASE)
WEB_REPOSITORY = re.compile(r"[^?#]*\.git/?(?:[?#].*)?", re.IGNORECASE)
NETWORKS = ("default", "none", "host")
HOST_GATEWAY = "host-gateway"
LIMITS = (
    "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice",
    "nofile", "nproc", "rss", "rtprio", "rttime", "sigpending", "stack",
)  # fmt: skip
SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([kmgtp]?)i?b?", re.IGNORECASE)
LARGEST_SECRET_BYTES = 500 * 1024
"""buildx refuses a larger secret (moby/buildkit, session/secrets)."""


@dataclass(frozen=True, slots=True)
class CommandOptions:
    """Options of one build, each as its flag of `docker build` takes it (https://docs.docker.com/reference/cli/docker/buildx/build/).

    secrets: such as `id=token,src=token.txt`. ssh: such as `default`. named_contexts: by a name in the Dockerfile, the source
    that `--build-context` puts in its place. platforms: such as `linux/amd64`; none is the builder's own.
    network: `default`, `none` or `host`. add_hosts: such as `registry.local:10.0.0.2`. ulimits: such as `nofile=1024:2048`.
    shm_size: such as `1g`. bases: by the name of a base image in the Dockerfile, the image to use in its place (`--base`).
    """

    secrets: tuple[str, ...] = ()
    ssh: tuple[str, ...] = ()
    named_contexts: Mapping[str, str] = field(default_factory=dict)
    platforms: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    network: str | None = None
    add_hosts: tuple[str, ...] = ()
    ulimits: tuple[str, ...] = ()
    shm_size: str | None = None
    bases: Mapping[str, str] = field(default_factory=dict)

    @property
    def platform(self) -> str:
        """The platform to build for, such as `linux/arm64`; "" for the builder's own."""
        return self.platforms[0] if self.platforms else ""

    @property
    def of_runs(self) -> dict[str, str]:
        """The options in the cache key of every RUN, as in `speedkit.cache.Situation`."""
        values = {
            "network": self.network,
            "add-host": ",".join(self.add_hosts),
            "ulimit": ",".join(self.ulimits),
            "shm-size": self.shm_size,
        }
        return {name: value for name, value in values.items() if value}

    @property
    def folders(self) -> dict[str, Path]:
        """The named build contexts that are folders of this machine, by their names."""
        return {name: Path(source) for name, source in self.named_contexts.items() if not is_address(source)}

    @property
    def images(self) -> dict[str, str]:
        """The named build contexts that are images, by name: the images' references."""
        contexts = self.named_contexts.items()
        return {name: source.removeprefix(DOCKER_IMAGE) for name, source in contexts if source.startswith(DOCKER_IMAGE)}

    def base_for(self, reference: str) -> str | None:
        """The image that `--base` puts in place of a base image of the Dockerfile; None where it stays."""
        name = context_name(reference)
        # Nobody types a digest: the option has the name before it.
        return self.bases.get(name) or self.bases.get(context_name(name.partition("@")[0]))


NO_OPTIONS = CommandOptions()


@dataclass(frozen=True, slots=True)
class Secret:
    """One `--secret`: its value is that of a variable, or the content of a file."""

    name: str
    variable: str | None
    file: Path | None

    @property
    def option(self) -> str:
        """The secret as an option of buildx: a line of CSV, with quotes around a value that has a comma."""
        line = StringIO()
        source = f"env={self.variable}" if self.variable is not None else f"src={self.file}"
        csv.writer(line, lineterminator="").writerow([f"id={self.name}", source])
        return line.getvalue()


def checked_options(options: CommandOptions, folder: Path | None = None) -> CommandOptions:
    """The options, each in one form, with absolute paths. Options that are in this form already stay as they are.

    folder: the one that relative paths begin in; None is the current folder. Secrets and agents may still be missing
    (`require_secrets` checks them).
    Raises: Misuse for an option that buildx would not take.
    """
    folder = folder or Path.cwd()
    return replace(
        options,
        secrets=tuple(secret.option for secret in read_secrets(options.secrets, folder).values()),
        ssh=tuple(dict.fromkeys(_agent(text, folder) for text in options.ssh)),
        named_contexts=dict(_context(name, source, folder) for name, source in options.named_contexts.items()),
        platforms=_platforms(options.platforms),
        labels={_label(name): value for name, value in options.labels.items()},
        tags=tuple(dict.fromkeys(map(_tag, options.tags))),
        network=_network(options.network),
        # A host that is named twice would count twice in the cache key, for the same /etc/hosts.
        add_hosts=tuple(dict.fromkeys(_host(text) for option in options.add_hosts for text in option.split(","))),
        ulimits=_ulimits(options.ulimits),
        shm_size=_size(options.shm_size),
        bases=dict(_base(name, image) for name, image in options.bases.items()),
    )


def joined_options(below: CommandOptions, above: CommandOptions) -> CommandOptions:
    """The options of both. For an option with a single value, `above` wins."""
    return CommandOptions(
        secrets=_both(below.secrets, above.secrets),
        ssh=_both(below.ssh, above.ssh),
        named_contexts={**below.named_contexts, **above.named_contexts},
        platforms=above.platforms or below.platforms,
        labels={**below.labels, **above.labels},
        tags=_both(below.tags, above.tags),
        network=above.network or below.network,
        add_hosts=_both(below.add_hosts, above.add_hosts),
        ulimits=_both(below.ulimits, above.ulimits),
        shm_size=above.shm_size or below.shm_size,
        bases={**below.bases, **above.bases},
    )


def _both(below: tuple[str, ...], above: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*below, *above]))


def _refuse(problem: str, form: str) -> NoReturn:
    raise Misuse(problem, fix=form)


def read_secrets(options: Sequence[str], folder: Path) -> dict[str, Secret]:
    """The secrets of `--secret` options by their ids. The last one of an id counts.

    Raises: Misuse.
    """
    return {secret.name: secret for secret in (_secret(option, folder) for option in options)}


def _secret(option: str, folder: Path) -> Secret:
    form = message("A secret is written id=NAME,src=FILE or id=NAME,env=VARIABLE.")
    try:
        fields = next(csv.reader([option], strict=True), [])
    except csv.Error:
        fields = []
    pairs = [one.partition("=") for one in fields]
    attributes = {name.lower(): value for name, equals, value in pairs if equals}
    unknown = [name for name, equals, _ in pairs if not equals or name.lower() not in ("type", "id", "source", "src", "env")]
    name, source = attributes.get("id", ""), attributes.get("source") or attributes.get("src")
    variable, kind = attributes.get("env"), attributes.get("type", "file")
    if not name or unknown or kind not in ("file", "env"):
        # Somebody may have typed the secret itself here, so the error shows the option without secrets.
        _refuse(message("--secret {option} cannot be read.", option=repr(hide_secrets(option))), form)
    if kind == "env" and variable is None:
        variable, source = source, None
    if variable is None and source is None:
        # As in buildx: `id=TOKEN` alone is the variable TOKEN, or else a file of that name.
        variable, source = (name, None) if name in os.environ else (None, name)
    # buildx prefers the file where an option has both.
    return Secret(name, None, folder / Path(source).expanduser()) if source is not None else Secret(name, variable, None)


def _agent(option: str, folder: Path) -> str:
    name, equals, paths = option.partition("=")
    if not name or (equals and not paths):
        _refuse(
            message("--ssh {option!r} cannot be read.", option=option),
            message("Write --ssh default for your SSH agent, or --ssh NAME=PATH for the socket of an agent or a key file."),
        )
    return f"{name}={','.join(str(folder / Path(path).expanduser()) for path in paths.split(','))}" if paths else name


def _base(name: str, image: str) -> tuple[str, str]:
    for one in (name, image):
        try:
            check_image_name(one)
        except ValueError as problem:
            _refuse(
                message(
                    "--base {option!r} has a name that no image can have: {problem}.", option=f"{name}={image}", problem=problem
                ),
                message("Write --base NAME=IMAGE, with the name as the Dockerfile has it: --base alpine:3=my/alpine."),
            )
    return context_name(name), image


def agent_ids(options: CommandOptions) -> frozenset[str]:
    """The ids by which a Dockerfile names the SSH agents."""
    return frozenset(option.partition("=")[0] for option in options.ssh)


def is_address(source: str) -> bool:
    """Whether a named build context is anything but a folder of this machine."""
    return source.startswith((DOCKER_IMAGE, OCI_LAYOUT, TARGET)) or ADDRESS.match(source) is not None


def _context(name: str, source: str, folder: Path) -> tuple[str, str]:
    form = message(
        "Write --build-context NAME=FOLDER, NAME=docker-image://IMAGE, NAME=oci-layout://FOLDER, or the address of a git "
        "repository, which ends in .git."
    )
    shown = f"{name}={hide_secrets(source)}"
    if not name or not source or _is_wrong(check_image_name, name):
        _refuse(message("--build-context {option!r} cannot be read.", option=shown), form)
    if source.startswith(TARGET):
        _refuse(
            message("The build context {name} is another target of a bake file, and this is a build of one target.", name=name),
            message("Build that target first, and name its image: --build-context {name}=docker-image://IMAGE.", name=name),
        )
    if source.startswith(DOCKER_IMAGE) and _is_wrong(check_image_name, source.removeprefix(DOCKER_IMAGE)):
        _refuse(message("--build-context {option!r} names no image.", option=shown), form)
    if source.lower().startswith(("http://", "https://")) and not WEB_REPOSITORY.fullmatch(source):
        # BuildKit would end with "invalid argument", without the name of the context (frontend/dockerui).
        _refuse(message("--build-context {option!r} is not the address of a git repository.", option=shown), form)
    if source.startswith(OCI_LAYOUT):
        return context_name(name), OCI_LAYOUT + str(folder / Path(source.removeprefix(OCI_LAYOUT)).expanduser())
    if is_address(source):
        return context_name(name), source
    place = folder / Path(source).expanduser()
    if not place.is_dir():
        _refuse(message("The folder {place} of the build context {name} does not exist.", place=place, name=name), form)
    return context_name(name), str(place)


def _is_wrong(check: Callable[[str], None], text: str) -> bool:
    try:
        check(text)
    except ValueError:
        return True
    return False


def _platforms(options: Iterable[str]) -> tuple[str, ...]:
    names = [name.strip() for option in options for name in option.split(",")]
    for name in names:
        if _is_wrong(check_platform, name):
            _refuse(
                message("{name!r} is not a platform.", name=name),
                message("Write a system and a processor, such as --platform linux/arm64."),
            )
    platforms = tuple(dict.fromkeys(normalized_platform(name, host_platform()) for name in names))
    if len(platforms) > 1:
        _refuse(
            message(
                "A build for {platforms} makes every step once for each of them, and speedkit tells the steps of one platform.",
                platforms=", ".join(platforms),
            ),
            message(
                "Build for one of them, such as --platform {platform}. (`docker build` for several needs containerd's image "
                "store, or a builder of its own.)",
                platform=next((name for name in platforms if name == host_platform()), platforms[0]),
            ),
        )
    return platforms


def _label(name: str) -> str:
    if not name:
        _refuse(message("A label has no name."), message("Write --label NAME=VALUE."))
    if name == LABEL or name.startswith(f"{LABEL}."):
        _refuse(
            message("The label {name} is one of speedkit's own.", name=name),
            message("Give the image a label of another name: speedkit finds its images by {label}.", label=LABEL),
        )
    return name


def _tag(tag: str) -> str:
    if _is_wrong(check_image_name, tag) or "@" in tag:
        _refuse(message("{tag!r} is not a name for an image.", tag=tag), message("Write --tag NAME or --tag NAME:TAG."))
    if name_on_hub(tag).startswith(("speedkit/", f"{ONLY_HERE}/")):
        _refuse(
            message("The name {tag} is one that speedkit gives its own images, and removes.", tag=tag),
            message("Give the image another name."),
        )
    return tag


def _network(network: str | None) -> str | None:
    if network and network not in NETWORKS:
        _refuse(
            message("BuildKit has no network {network!r} for RUN.", network=network),
            message("Write --network default, none or host."),
        )
    # A build without the option has the network `default`.
    return network if network and network != "default" else None


def _host(option: str) -> str:
    name, equals, address = option.partition("=" if "=" in option else ":")
    bare = address[1:-1] if address.startswith("[") and address.endswith("]") else address
    if not name or not equals or (bare != HOST_GATEWAY and not _is_ip_address(bare)):
        _refuse(
            message("--add-host {option!r} cannot be read.", option=option),
            message("Write --add-host NAME:ADDRESS, with an IP address or {gateway}.", gateway=HOST_GATEWAY),
        )
    return f"{name}:{bare}"


def _is_ip_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _ulimits(options: Iterable[str]) -> tuple[str, ...]:
    limits: dict[str, str] = {}
    for option in options:
        match = re.fullmatch(r"(\w+)=(-1|\d+)(?::(-1|\d+))?", option)
        soft, hard = (int(match[2]), int(match[3] or match[2])) if match is not None else (0, 0)
        is_reversed = hard != -1 and (soft == -1 or soft > hard)
        if match is None or match[1] not in LIMITS or is_reversed:
            _refuse(
                message("--ulimit {option!r} cannot be read.", option=option),
                message(
                    "Write --ulimit NAME=SOFT:HARD, with a soft limit up to the hard one, such as nofile=1024:2048. "
                    "Names are {names}.",
                    names=", ".join(LIMITS),
                ),
            )
        limits[match[1]] = f"{match[1]}={soft}:{hard}"
    # docker sorts limits by their names, and the last one of a name counts (docker/cli, opts/ulimit.go).
    return tuple(limits[name] for name in sorted(limits))


def _size(text: str | None) -> str | None:
    if not text:
        return None
    match = SIZE.fullmatch(text.strip())
    if match is None:
        _refuse(
            message("--shm-size {text!r} is not a size.", text=text), message("Write bytes, or a number with k, m or g: 1g.")
        )
    size = int(float(match[1]) * 1024 ** " kmgtp".index(match[2].lower() or " "))
    return str(size) if size else None


def unset_secrets(options: CommandOptions) -> frozenset[str]:
    """The ids of secrets whose variable is not set: BuildKit builds as if their options were missing."""
    secrets = read_secrets(options.secrets, Path.cwd()).values()
    return frozenset(one.name for one in secrets if one.variable is not None and one.variable not in os.environ)


def require_secrets(options: CommandOptions) -> None:
    """Raises Misuse for a missing file, socket or agent of these options.

    options: as `checked_options` gives them.
    """
    for secret in read_secrets(options.secrets, Path.cwd()).values():
        if secret.file is None:
            continue
        if not secret.file.is_file():
            _refuse(
                message("The file {file} of the secret {name} does not exist.", file=secret.file, name=secret.name),
                message("Write the file first, or name another one: --secret id={name},src=FILE.", name=secret.name),
            )
        if secret.file.stat().st_size > LARGEST_SECRET_BYTES:
            _refuse(
                message("The file {file} of the secret {name} is too large.", file=secret.file, name=secret.name),
                message("BuildKit takes secrets of up to 500 kB."),
            )
    for option in options.ssh:
        name, _, paths = option.partition("=")
        agent = os.environ.get(AGENT, "")
        missing = next((path for path in paths.split(",") if not Path(path).exists()), "") if paths else ""
        if missing:
            _refuse(
                message("The socket or key {path} of --ssh {name} does not exist.", path=missing, name=name),
                message("Name the socket of an agent, or a key file: --ssh {name}=PATH.", name=name),
            )
        if not paths and not (agent and Path(agent).exists()):
            _refuse(
                message("--ssh {name} needs an SSH agent, and none is running here ({variable}).", name=name, variable=AGENT),
                message('Start one (`eval "$(ssh-agent)"; ssh-add`), or name a key file: --ssh {name}=PATH.', name=name),
            )


def secret_values(options: CommandOptions) -> tuple[str, ...]:
    """The values of the secrets, to find them in what is kept. Without those that cannot be read."""
    values = []
    for secret in read_secrets(options.secrets, Path.cwd()).values():
        if secret.variable is not None:
            values.append(os.environ.get(secret.variable, ""))
        elif secret.file is not None:
            try:
                with secret.file.open("rb") as file:
                    values.append(file.read(LARGEST_SECRET_BYTES).decode("utf-8", "replace"))
            except OSError:
                continue
    return tuple(filter(None, values))
