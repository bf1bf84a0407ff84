"""The network address that did not answer a failed step: read from what curl, apt, npm, go, mvn and their like say about it.

In: the end of the step's output, and BuildKit's error, which quotes the command. Out: the host and what happened. Such a step
says nothing about the project: the host may answer where the project's team builds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["Unanswered", "unanswered_host"]

Trouble = Literal["name", "connection", "time", "certificate", "refusal", "request"]
"""What happened: no such name, no connection, no answer in time, a certificate that is not trusted, 403, or not told."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A host that a step asked in vain."""

    host: str
    trouble: Trouble


HOST = r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?)"
QUOTE = "[\"'`\u2018\u2019]?"
URL = re.compile(rf"\b(?:https?|ssh|git|ftp)://(?:[^\s/@\"'`]+@)?{HOST}", re.IGNORECASE)
PATTERNS: Mapping[Trouble, tuple[str, ...]] = {
    "name": (
        rf"could(?: not|n't) resolve host(?: ?name)?(?: \(Could not resolve host)?:? {QUOTE}{HOST}",
        rf"unable to resolve host address {QUOTE}{HOST}",
        rf"^\s*(?:[WE]: Failed to fetch \S+\s+)?Could not resolve '{HOST}'",
        rf"Failed to resolve '{HOST}' \(\[Errno",
        rf"(?:Temporary failure|Failure) resolving {QUOTE}{HOST}",
        rf"(?:ENOTFOUND|EAI_AGAIN) {HOST}",
        rf"lookup {HOST}(?: on \S+)?: (?:no such host|server misbehaving|Temporary failure|i/o timeout)",
        rf"bad address {QUOTE}{HOST}",
        rf"UnknownHostException:? {HOST}",
        rf"Unknown host {QUOTE}{HOST}",
        rf"(?<![A-Za-z0-9.-]){HOST}: (?:Name or service not known|Temporary failure in name resolution)",
        r"Name or service not known|Temporary failure in name resolution|DNS lookup error|dns error: failed to lookup",
    ),
    "connection": (
        rf"Failed to connect to {HOST} port \d+.*?(?:refused|could(?: not|n't) connect|unreachable|No route)",
        rf"Connect to {HOST}:\d+ .*?(?:refused|unreachable)",
        rf"(?:Could not connect|Cannot initiate the connection|Unable to connect) to {HOST}:(?:\d+|http)",
        rf"connect to host {HOST} port \d+: (?:Connection refused|No route|Network is unreachable)",
        r"connect: connection refused|Connection refused|ECONNREFUSED|ECONNRESET|Connection reset by peer",
        r"Network is unreachable|No route to host|ENETUNREACH|EHOSTUNREACH",
    ),
    "time": (
        rf"Connection to {HOST} timed out",
        rf"Failed to connect to {HOST} port \d+.*?(?:timed out|Timeout)",
        rf"Connect to {HOST}:\d+ .*?timed out",
        rf"connect to host {HOST} port \d+: .*?timed out",
        r"Connection timed out|Operation timed out|Resolving timed out|ETIMEDOUT|ESOCKETTIMEDOUT|i/o timeout",
        r"download timed out|ConnectTimeoutError|Read timed out|SocketTimeoutException",
    ),
    "certificate": (
        rf"cannot verify {HOST}'s certificate",
        r"SSL certificate problem|certificate verify failed|CERTIFICATE_VERIFY_FAILED|certificate signed by unknown authority",
        r"SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_GET_ISSUER_CERT|UNABLE_TO_VERIFY_LEAF_SIGNATURE|PKIX path building failed",
        r"server certificate not trusted|certificate is NOT trusted|invalid peer certificate",
    ),
    "refusal": (
        r"(?:returned error:|response(?: code)?:?|HTTP error|status code:?|ERROR|HTTP/1\.[01]|response from .*, got) 403\b",
        r"\b403 +Forbidden|Tunnel connection failed: \d+",
    ),
    "request": (rf"performing the request to \w+://{HOST}", rf"error sending request for url \(\w+://{HOST}"),
}
"""What programs write, by trouble. A pattern without a host is about the one that an address close by names."""
SIGNS = tuple((trouble, re.compile(pattern, re.IGNORECASE)) for trouble, patterns in PATTERNS.items() for pattern in patterns)
HOST_OF_POOL = re.compile(rf"(?:host=|Pool\(host=){QUOTE}{HOST}")
NEAR = 12
"""How many lines above a sign may name the host that it is about."""
LINES_AT_MOST, LETTERS_AT_MOST = 400, 2000
OWN = re.compile(r"localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[?::1")


def unanswered_host(log: str, error_text: str) -> Unanswered | None:
    """The host that a failed step asked in vain, where its output says so; None for any other failure.

    log: the end of the step's own output. error_text: BuildKit's error, with the command of the step.
    """
    for text in (log, error_text):
        lines = [line[:LETTERS_AT_MOST] for line in text.splitlines() if line.strip()][-LINES_AT_MOST:]
        # The last sign counts: a program that tries again, or goes on without a mirror, names others before.
        for number in range(len(lines) - 1, -1, -1):
            if found := _told_by(lines, number, error_text):
                return found
    return None


def _told_by(lines: list[str], number: int, error_text: str) -> Unanswered | None:
    for trouble, pattern in SIGNS:
        match = pattern.search(lines[number])
        host = (match.groupdict().get("host") or _host_near(lines, number) or _only_host(error_text)) if match else None
        # A name without a dot is one of the project's own network, or no host at all.
        if host is not None and "." in host and not OWN.fullmatch(host):
            return Unanswered(host.rstrip(".").lower(), trouble)
    return None


def _host_near(lines: list[str], number: int) -> str | None:
    """The host that a line names, or the nearest of the lines above it, or else one right below."""
    for line in (*reversed(lines[max(0, number - NEAR) : number + 1]), *lines[number + 1 : number + 3]):
        named = [*HOST_OF_POOL.finditer(line), *URL.finditer(line)]
        if named:
            return named[-1]["host"]
    return None


def _only_host(error_text: str) -> str | None:
    """The host of the addresses in the command, where they all name one."""
    hosts = set(_hosts(error_text))
    return hosts.pop() if len(hosts) == 1 else None


def _hosts(text: str) -> Iterator[str]:
    for match in URL.finditer(text):
        yield match["host"].lower()
