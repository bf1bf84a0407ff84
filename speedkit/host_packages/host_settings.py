"""The host's settings with which package managers reach their registries, for images: variables, proxies, certificates.

What holds a user or a password is left out: an image may be handed on.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

from speedkit.engine import BUNDLE_IN_IMAGES, system_bundle

__all__ = ["apt_settings", "client_settings", "extra_certificates"]

CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+?-----END CERTIFICATE-----")
PUBLIC_CERTIFICATES = Path("/usr/share/ca-certificates")
TRUST_VARIABLES = (
    "SSL_CERT_FILE",
    "NODE_EXTRA_CA_CERTS",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "CARGO_HTTP_CAINFO",
)
"""Variables by which programs trust the certificates of a file; many of them do not look at the system's own."""
INDEX_VARIABLES = ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "npm_config_registry", "YARN_NPM_REGISTRY_SERVER")
APT_SETTINGS = ("Acquire::http::Proxy", "Acquire::https::Proxy")


def extra_certificates() -> list[str]:
    """The certificates in the host's bundle that Debian's package does not have: those of a company, or of a proxy."""
    bundle = system_bundle()
    if bundle is None:
        return []
    public = {
        _body(one) for path in sorted(PUBLIC_CERTIFICATES.rglob("*.crt")) for one in CERTIFICATE.findall(path.read_bytes())
    }
    own = [one for one in CERTIFICATE.findall(bundle.read_bytes()) if _body(one) not in public]
    # On a host without Debian's package, nothing tells the public ones apart.
    return [one.decode("ascii") + "\n" for one in own] if public else []


def _body(certificate: bytes) -> bytes:
    return b"".join(certificate.split())


def client_settings() -> dict[str, str]:
    """Variables for pip, npm, cargo and others: the indexes that the host uses, and the certificates that it trusts."""
    settings = {name: value for name, value in _indexes() if "@" not in value}
    if extra_certificates():
        settings |= dict.fromkeys(TRUST_VARIABLES, BUNDLE_IN_IMAGES)
    return settings


def _indexes() -> list[tuple[str, str]]:
    """The indexes, by the variables that name them. A variable of the host wins over a file."""
    indexes = {name: os.environ[name] for name in INDEX_VARIABLES if os.environ.get(name)}
    # https://pip.pypa.io/en/stable/topics/configuration/ and https://docs.npmjs.com/cli/configuring-npm/npmrc
    pip_files = (Path("/etc/pip.conf"), Path("~/.pip/pip.conf"), Path("~/.config/pip/pip.conf"))
    npm_files = (Path("/etc/npmrc"), Path("~/.npmrc"))
    if "PIP_INDEX_URL" not in indexes and (index := _setting(pip_files, re.compile(r"^\s*index-url\s*=\s*(\S+)", re.M))):
        indexes["PIP_INDEX_URL"] = index
    # uv reads no file of pip's.
    if index := indexes.get("PIP_INDEX_URL"):
        indexes.setdefault("UV_DEFAULT_INDEX", index)
    if "npm_config_registry" not in indexes and (
        registry := _setting(npm_files, re.compile(r"^\s*registry\s*=\s*(\S+)", re.M))
    ):
        indexes["npm_config_registry"] = registry
    return sorted(indexes.items())


def _setting(places: tuple[Path, ...], pattern: re.Pattern[str]) -> str | None:
    """The value in the last of the files that has one: a user's own file comes after the system's."""
    value = None
    for place in places:
        try:
            text = place.expanduser().read_text(encoding="utf-8", errors="replace")
        except (OSError, RuntimeError):
            continue
        if match := pattern.search(text):
            value = match[1].strip("\"'")
    return value


def apt_settings() -> tuple[tuple[str, str], ...]:
    """The proxies of the host's apt."""
    return _apt_settings() if shutil.which("apt-config") else ()


@lru_cache(maxsize=1)
def _apt_settings() -> tuple[tuple[str, str], ...]:
    done = subprocess.run(["apt-config", "dump", *APT_SETTINGS], capture_output=True, text=True, check=False)
    pairs = re.findall(r'^([\w:]+) "([^"\n]+)";$', done.stdout, re.M)
    return tuple((name, value) for name, value in pairs if name in APT_SETTINGS and "@" not in value)
