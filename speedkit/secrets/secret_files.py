"""Secret files: recognises files that are made to hold secrets by their names, and reads the secrets in them."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path, PurePosixPath

from speedkit.folder_walk import walk_folder

from .shapes import find_secrets

__all__ = ["is_secret_file", "secrets_in_value", "secrets_of_folder"]

NAMES = (
    *(".env", ".env.*", "*.env", ".envrc", ".npmrc", ".yarnrc", ".yarnrc.yml", ".netrc", "_netrc", ".git-credentials"),
    *(".pypirc", ".pgpass", ".my.cnf", ".mylogin.cnf", ".htpasswd", ".vault-token", ".terraformrc", "terraform.rc"),
    *(".dockercfg", ".dockerconfigjson", "kubeconfig", "kubeconfig.*", "*.kubeconfig", "id_rsa", "id_dsa", "id_ecdsa"),
    *("id_ed25519", "id_*_sk", "*.pem", "*.key", "*.ppk", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.asc"),
    *("*.gpg", "credentials", "credentials.json", "credentials.y*ml", "secrets.json", "secrets.y*ml", "secrets.toml"),
    *("*.tfvars", "*.tfvars.json", "service-account*.json", "service_account*.json", "master.key", "auth.json"),
    *("secret.txt", "token.txt", "password.txt"),
)
PLACES = ("*.docker/config.json", "*.kube/config", "*.aws/credentials", "*.aws/config", "*.ssh/*", "*.gnupg/*", "*secrets/*")
EXAMPLES = (".example", ".sample", ".template", ".dist", ".pub")
"""Endings of names that only look like a secret file."""
UNREAD_FOLDERS = frozenset({".git", "node_modules", "__pycache__", ".venv", ".hg", ".svn"})
PUBLIC = re.compile(r"(?:^|/)(?:ca|cert|bundle|chain|fullchain|public)[^/]*$|certs?/|ca-certificates/|/ssl/cert")
"""Paths of certificates: every system has hundreds, and none is a secret."""
LARGEST_BYTES = 256_000
FILES_AT_MOST = 100
WHOLE_AT_MOST = 1000
PIECE_LETTERS, SHORTEST_PIECE, PIECES_AT_MOST = 64, 16, 200
WORDS = re.compile(r"[\w+/=.~-]+")
ENTRIES_AT_MOST = 20_000
"""To look through so many entries takes about 50 ms. In a larger folder the rest is not searched."""
EXPORTED = re.compile(r"(?m)^[ \t]*(?:export[ \t]+)?[A-Za-z_]\w*[ \t]*=[ \t]*(?P<quote>[\"']?)(?P<value>.+?)(?P=quote)[ \t]*$")
FIELDS = re.compile(r"(?m)^[^#\s:][^\s:]*:[^\s:]*:[^\s:]*:[^\s:]*:(?P<value>\S+)$")
"""A line of .pgpass: host, port, database, user, password."""
TOO_SIMPLE = re.compile(r"[a-z/._-]{0,12}|[\w.-]{0,7}|\d+")


def is_secret_file(name: str) -> bool:
    """Whether a file is made to hold secrets. name: with its folders, such as `config/.env`."""
    path = PurePosixPath(name.replace(os.sep, "/").lower())
    if path.name.endswith(EXAMPLES) or path.name.startswith(("dockerfile", "containerfile")):
        return False
    is_certificate = path.suffix == ".pem" and PUBLIC.search(str(path)) is not None
    return (not is_certificate and _any_of(NAMES).match(path.name) is not None) or _any_of(PLACES).match(str(path)) is not None


@lru_cache(maxsize=2)
def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """All patterns in one expression: a build context may have a hundred thousand files."""
    return re.compile("|".join(map(fnmatch.translate, patterns)))


def secrets_of_folder(folder: Path) -> set[str]:
    """The secrets in a folder's secret files, as a build could print them. Files that cannot be read are passed over."""
    secrets: set[str] = set()
    for path in _secret_files(folder):
        try:
            with path.open("rb") as file:
                text = file.read(LARGEST_BYTES).decode("utf-8", "replace")
        except OSError:
            continue
        secrets.update(text[start:end] for start, end in find_secrets(text))
        if ".env" in path.name.lower():
            secrets.update(_exported(text))
        if path.name == ".pgpass":
            secrets.update(match["value"] for match in FIELDS.finditer(text))
        if len(text) < 4096 and len(text.split()) == 1:
            secrets.add(text.strip())  # a file that is one word holds nothing but the secret
    return secrets


def secrets_in_value(text: str) -> set[str]:
    """What to look for where a step may print the value of a `--secret`.

    That is the whole value and its lines, the parts of it that look like a secret, and the values of variables. Of a long value
    it is pieces in place of the whole, and of a very long one only those of its beginning.
    """
    parts = [*(text[start:end] for start, end in find_secrets(text)), *_exported(text)]
    secrets = {part for part in parts if len(part) <= WHOLE_AT_MOST}
    if len(text) <= WHOLE_AT_MOST:
        return secrets | {text, text.strip()}
    # All beginnings of a secret are looked for at the end of each piece of a log: of a file of 15 kB that took 9 seconds.
    lines = [line.strip() for line in text.splitlines() if not line.startswith("-----")]
    whole_lines = (line for line in lines if SHORTEST_PIECE <= len(line) <= PIECE_LETTERS)
    words = (word for line in lines for word in WORDS.findall(line))
    pieces = (word[start : start + PIECE_LETTERS] for word in words for start in range(0, len(word), PIECE_LETTERS))
    long_pieces = (piece for piece in pieces if len(piece) >= SHORTEST_PIECE)
    return secrets.union(islice(whole_lines, PIECES_AT_MOST), islice(long_pieces, PIECES_AT_MOST))


def _exported(text: str) -> Iterator[str]:
    """The values of `NAME=value` lines that may be secrets."""
    return (match["value"] for match in EXPORTED.finditer(text) if not TOO_SIMPLE.fullmatch(match["value"]))


def _secret_files(folder: Path) -> Iterator[Path]:
    entries = files = 0
    for within, folder_entries in walk_folder(folder, skipped=UNREAD_FOLDERS):
        entries += len(folder_entries) + 1
        for entry in folder_entries:
            path = Path(entry.path)
            if is_secret_file(within + entry.name) and os.path.isfile(path):  # noqa: PTH113 - False instead of an error in a closed folder
                files += 1
                yield path
        if entries > ENTRIES_AT_MOST or files > FILES_AT_MOST:
            return
