"""Keeps secrets out of recordings: values of build args and cache options that name a secret, and credentials in addresses."""

from __future__ import annotations

import hashlib
import json
import re
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["Redaction"]

NAMES_A_SECRET = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|PRIVATE|API_?KEY|ACCESS_?KEY|AUTH", re.I)
CREDENTIALS_IN_ADDRESS = re.compile(r"(?<=://)[^/@\s]+(?=@)")
SHORTEST = 4


class Redaction:
    """What to take out of one build's lines and arguments.

    A secret is replaced by its SHA-256, so that two builds can still be told apart by it.
    """

    def __init__(
        self, build_args: Mapping[str, str], environment: Mapping[str, str], cache_options: Sequence[str] = ()
    ) -> None:
        given = [*build_args.items(), *(pair for option in cache_options for pair in _attributes(option))]
        named = [value for name, value in given if NAMES_A_SECRET.search(name)]
        addresses = [*(value for _, value in given), *(v for n, v in environment.items() if n.upper().endswith("PROXY"))]
        inside = [found for address in addresses for found in CREDENTIALS_IN_ADDRESS.findall(address)]
        self._secrets = sorted({s for s in (*named, *inside) if len(s) >= SHORTEST}, key=len, reverse=True)

    def text(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, _digest(secret))
        return text

    def build_args(self, build_args: Mapping[str, str]) -> dict[str, str]:
        return {
            name: _digest(value) if NAMES_A_SECRET.search(name) and value else self.text(value)
            for name, value in build_args.items()
        }

    def cache_option(self, option: str) -> str:
        """One `--cache-from` or `--cache-to`, without the secrets."""
        pairs = self.build_args(dict(_attributes(option)))
        return ",".join(f"{name}={value}" if name else value for name, value in pairs.items())

    def line(self, line: bytes) -> bytes:
        """A raw line without the secrets, in its log data too; the very same line when it holds none."""
        if not self._secrets:
            return line
        try:
            status = json.loads(line)
        except ValueError:
            return self.text(line.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        return json.dumps(self.document(status), ensure_ascii=False).encode() + b"\n"

    def document(self, found: Any) -> Any:
        """A JSON document without the secrets; values called `data` are taken as base64."""
        if isinstance(found, dict):
            return {key: self._data(value) if key == "data" else self.document(value) for key, value in found.items()}
        if isinstance(found, list):
            return [self.document(entry) for entry in found]
        return self.text(found) if isinstance(found, str) else found

    def _data(self, data: Any) -> Any:
        if not isinstance(data, str):
            return data
        plain = a2b_base64(data).decode("utf-8", "surrogateescape")
        return b2a_base64(self.text(plain).encode("utf-8", "surrogateescape"), newline=False).decode()


def _attributes(option: str) -> list[tuple[str, str]]:
    """`type=s3,region=x` as pairs; an image's name alone is a pair without a name."""
    pairs = (part.partition("=") for part in option.split(","))
    return [(name.strip(), value) if equals else ("", name) for name, equals, value in pairs]


def _digest(secret: str) -> str:
    return f"sha256:{hashlib.sha256(secret.encode()).hexdigest()[:16]}"
