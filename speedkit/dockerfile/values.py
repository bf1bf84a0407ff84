"""Checks values by the rules of Go and Docker: durations, modes, ports, signals, platforms, names of images.

Each `check_` function raises ValueError with BuildKit's reason when BuildKit rejects the value.
Source: time.ParseDuration; tonistiigi/dchapes-mode; docker/go-connections, nat; moby/sys, signal; containerd/platforms;
distribution/reference.
"""

from __future__ import annotations

import ipaddress
import re
from types import MappingProxyType

from speedkit.go_numbers import END_OF_INT64, whole_number

__all__ = [
    "check_duration",
    "check_image_name",
    "check_mode",
    "check_platform",
    "check_port",
    "check_retries",
    "check_signal",
    "context_name",
    "fits_platform",
    "normalized_platform",
]

_UNITS = MappingProxyType({"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0})
_SYMBOLIC_MODE = re.compile(r"[ugoa]*(?:[-+=](?:[ugo]|[rwxXst]*))+")
_SIGNALS = frozenset(
    re.findall(
        r"\S+",
        "ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP TSTP "
        "TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX",
    )
) | frozenset([*(f"RTMIN+{n}" for n in range(1, 16)), *(f"RTMAX-{n}" for n in range(1, 15))])
_SYSTEMS = frozenset(
    re.findall(
        r"\S+",
        "aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris wasip1 windows zos "
        "macos",
    )
)
_PROCESSORS = frozenset(
    re.findall(
        r"\S+",
        "386 amd64 amd64p32 arm armbe arm64 arm64be ppc64 ppc64le loong64 mips mipsle mips64 mips64le mips64p32 mips64p32le "
        "ppc riscv riscv64 s390 s390x sparc sparc64 wasm i386 x86_64 x86-64 aarch64 armhf armel",
    )
)
_SAME_PROCESSOR = MappingProxyType(
    {
        "i386": "386",
        "x86_64": "amd64",
        "x86-64": "amd64",
        "aarch64": "arm64",
        "armhf": "arm/v7",
        "armel": "arm/v6",
        "arm": "arm/v7",
    }
)
_RUNS_ALSO = MappingProxyType({"amd64": ("amd64", "386"), "arm64": ("arm64", "arm")})
_USUAL_VARIANTS = frozenset((("amd64", "v1"), ("arm64", "v8")))
_HOST = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_NAME = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NANOSECONDS = 1_000_000_000

_IMAGE = re.compile(
    rf"(?:(?:{_HOST}(?:\.{_HOST})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?/)?{_NAME}(?:/{_NAME})*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?"
)


def check_duration(text: str, name: str) -> None:
    """Checks `--interval` of HEALTHCHECK and the other durations, such as `1m30s`. name: of the flag, for the error."""
    seconds = _seconds(text) if text else 0.0
    if seconds and seconds < _UNITS["ms"]:
        raise ValueError(f'Interval "{name}" cannot be less than 1ms')


def _seconds(text: str) -> float:
    """The seconds of a duration, as time.ParseDuration reads it."""
    rest = text[1:] if text[:1] in ("-", "+") else text
    if rest == "0":
        return 0.0
    total = 0.0
    while rest or not total:
        # A duration is a sequence of numbers with units. Each number may have a fraction: `1.5h30m`.
        number = re.match(r"\d+(?:\.\d*)?|\.\d+", rest, re.ASCII)
        if number is None:
            raise ValueError(f'time: invalid duration "{text}"')
        rest = rest[number.end() :]
        unit = re.match(r"[^.\d]*", rest, re.ASCII)
        name = unit[0] if unit else ""
        if not name:
            raise ValueError(f'time: missing unit in duration "{text}"')
        if name not in _UNITS:
            raise ValueError(f'time: unknown unit "{name}" in duration "{text}"')
        total += float(number[0]) * _UNITS[name]
        rest = rest[len(name) :]
        if not rest:
            break
    # Go counts nanoseconds in an int64: the longest duration has about 292 years.
    if total * _NANOSECONDS >= END_OF_INT64:
        raise ValueError(f'time: invalid duration "{text}"')
    return -total if text.startswith("-") else total


def check_retries(text: str) -> None:
    """Checks `--retries` of HEALTHCHECK: an int32 in Go."""
    if not text:
        return
    number = whole_number(text)
    if number is None:
        raise ValueError(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    if not -(1 << 31) <= number < 1 << 31:
        raise ValueError(f'strconv.ParseInt: parsing "{text}": value out of range')
    if number < 0:
        raise ValueError(f"--retries cannot be negative ({number})")


def check_mode(text: str) -> None:
    """Checks `--chmod`: octal such as `0755`, or symbolic such as `u+x,g=r`."""
    # A first digit decides: `7x` is a wrong octal number, `x7` a wrong symbolic mode.
    if text[:1].isdecimal() and (not re.fullmatch("[0-7]+", text) or int(text, 8) > 0o7777):
        raise ValueError(f"invalid chmod parameter: '{text}'. it should be octal string and between 0 and 07777")
    if text and not text[0].isdecimal() and not all(_SYMBOLIC_MODE.fullmatch(part) for part in text.split(",")):
        raise ValueError("invalid syntax")


def check_signal(text: str) -> None:
    """Checks STOPSIGNAL: a number, or a name with or without SIG."""
    number = whole_number(text)
    if number is None:
        is_signal = text.upper().removeprefix("SIG") in _SIGNALS
    else:
        is_signal = number != 0 and -END_OF_INT64 <= number < END_OF_INT64
    if not is_signal:
        raise ValueError(f"invalid signal: {text}")


def check_port(text: str) -> None:
    """Checks a port of EXPOSE: `80`, `80-90/udp`, and also `127.0.0.1:8080:80`, the form of `docker run -p`."""
    # From the right: an IPv6 address has colons as well.
    address, published, exposed = ["", "", *text.rsplit(":", 2)][-3:]
    port, _, protocol = exposed.partition("/")
    if not port:
        raise ValueError(f'invalid port: "{text}": no port specified')
    if protocol and protocol.lower() not in ("tcp", "udp", "sctp"):
        raise ValueError(f'invalid port: "{text}": invalid proto: {protocol.lower()}')
    if address and not _is_address(address):
        raise ValueError(f"invalid IP address: {address}")
    width = _width(port, f"invalid containerPort: {port}")
    if published and _width(published, f"invalid hostPort: {published}") != width and width:
        raise ValueError(f"invalid ranges specified for container and host Ports: {port} and {published}")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def _width(text: str, problem: str) -> int:
    """Last port minus first port of a range, 0 for a single port. problem: the text of the ValueError."""
    first, dash, last = text.partition("-")
    ends = (first, last if dash else first)
    begin, end = (-1 if (number := whole_number(text)) is None or text.startswith("-") else number for text in ends)
    if not 0 <= begin <= end < 1 << 16:
        raise ValueError(problem)
    return end - begin


def check_platform(text: str) -> None:
    """Checks a platform: `linux`, `amd64`, `linux/arm64`, `linux/arm/v7`."""
    if "*" in text:
        raise ValueError(f'"{text}": wildcards not yet supported: invalid argument')
    parts = text.split("/", 3)
    if not re.fullmatch(r"[A-Za-z0-9_-]+(?:\([A-Za-z0-9_.%+-]*\))?", parts[0]):
        raise ValueError(f'"{parts[0]}" is an invalid OS component of "{text}": OSAndVersion specifier component must match')
    for part in parts[1:]:
        if not re.fullmatch(r"[A-Za-z0-9_.-]+", part):
            must = 'platform specifier component must match "^[A-Za-z0-9_.-]+$": invalid argument'
            raise ValueError(f'"{part}" is an invalid component of "{text}": {must}')
    if len(parts) == 1 and parts[0].partition("(")[0].lower() not in _SYSTEMS | _PROCESSORS:
        raise ValueError(f'"{text}": unknown operating system or architecture: invalid argument')
    if len(parts) > 3:
        raise ValueError(f'"{text}": cannot parse platform specifier: invalid argument')


def normalized_platform(text: str, host: str) -> str:
    """The full form of a valid platform: `linux/amd64` for `AMD64`, `x86_64` or `linux`.

    host: a platform whose parts replace missing parts.
    """
    parts = text.lower().split("/")
    if len(parts) == 1:
        system, _, processor = host.partition("/")
        is_system = parts[0].partition("(")[0] in _SYSTEMS
        parts = [parts[0], *processor.split("/")] if is_system else [system, parts[0]]
    system, processor, *variants = parts
    processor, *implied = _SAME_PROCESSOR.get(processor, processor).split("/")
    variant = (variants or implied or [""])[0]
    variant = f"v{variant}" if variant.isdecimal() else variant
    if (processor, variant) in _USUAL_VARIANTS:
        variant = ""  # `linux/arm64/v8` and `linux/arm64` are one platform
    return "/".join(part for part in ("darwin" if system == "macos" else system, processor, variant) if part)


def fits_platform(image: str, platform: str) -> bool:
    """Whether an engine uses an image for a build of a platform. image: its platform; both from `normalized_platform`.

    An older variant of ARM fits a newer one, and 32 bits of Intel fit 64 (containerd/platforms, Only).
    """
    if image == platform:
        return True
    (image_system, *image_processor), (system, *processor) = image.split("/"), platform.split("/")
    if image_system != system:
        return False
    usable = _RUNS_ALSO.get(processor[0], (processor[0],))
    return image_processor[0] in usable and _variant(image_processor) <= _variant(processor)


def _variant(processor: list[str]) -> int:
    # The variant that a processor has when its platform names none.
    usual = {"arm": "v7", "arm64": "v8", "amd64": "v1"}.get(processor[0], "")
    digits = (processor[1] if len(processor) > 1 else usual).removeprefix("v")
    return int(digits) if digits.isdecimal() and len(digits) < 4 else 0


def context_name(name: str) -> str:
    """The name of an image as a named build context has it: `alpine` of `docker.io/library/alpine:latest`.

    Source: moby/buildkit, frontend/dockerui/namedcontext.go, which takes it for names of build contexts and of images alike.
    """
    for prefix in ("docker.io/", "index.docker.io/", "library/"):
        name = name.removeprefix(prefix)
    return name.removesuffix(":latest")


def check_image_name(text: str) -> None:
    """Checks the name of an image, such as `golang:1.25`, as Docker does: `golang` means `docker.io/library/golang`."""
    if re.fullmatch("[a-f0-9]{64}", text):
        raise ValueError(f"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings")
    host, slash, rest = text.partition("/")
    # The first part is a registry when it has a dot, a port or a capital letter, or is `localhost`; else it is a folder.
    has_host = bool(slash) and (host == "localhost" or "." in host or ":" in host or host != host.lower())
    name = rest if has_host else text if slash else f"library/{text}"
    repository = name.partition(":")[0]
    if repository != repository.lower():
        raise ValueError(f"invalid reference format: repository name ({repository}) must be lowercase")
    if not _IMAGE.fullmatch(f"{host}/{rest}" if has_host else name):
        raise ValueError("invalid reference format")
