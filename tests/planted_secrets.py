"""Forty secrets of all shapes, planted where builds have them, and a search for them in everything that a build leaves."""

from __future__ import annotations

import json
import os
import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import docker

__all__ = ["Planted", "command_lines", "planted", "remains"]


@dataclass(frozen=True)
class Planted:
    """An app with secrets.

    secrets: what to search for, by where it was planted. base: an image of ours on the engine, to remove afterwards.
    """

    folder: Path
    base: str
    build_args: dict[str, str]
    environment: dict[str, str]
    cache_from: tuple[str, ...]
    secrets: dict[str, str] = field(repr=False)


def planted(folder: Path, image: str, engine: docker.APIClient) -> Planted:
    """Writes an app into a folder, and makes its base image from a small image with a shell."""
    secrets: dict[str, str] = {}

    def secret(place: str, before: str = "", length: int = 12) -> str:
        secrets[place] = f"{before}{os.urandom(length).hex()}"
        return secrets[place]

    key = [b64encode(os.urandom(48)).decode() for _ in range(3)]
    secrets |= {f"line {number} of a key in an argument": line for number, line in enumerate(key, 1)}
    build_args = {
        "DB_PASS": secret("DB_PASS"),
        "PASSPHRASE": secret("a passphrase with spaces", "correct horse "),
        "GH_PAT": secret("a token of GitHub", "ghp_", 18),
        "PGPASSWORD": secret("PGPASSWORD"),
        "SIGNING_KEY": "-----BEGIN PRIVATE KEY-----\n" + "\n".join(key) + "\n-----END PRIVATE KEY-----\n",
        "DATABASE_URL": f"postgres://app:{secret('the password of an address')}@db.example/x",
        "INNOCENT": secret("a token under an innocent name", "glpat-", 12),
        "ODD_PWD": secret("a password that is quoted", "a&b<c>\"d'"),
        "WRAPPED_SECRET": secret("what a line's end cuts", length=24),
        "ENCODED_TOKEN": secret("what is printed in base64"),
        "ESCAPED_TOKEN": secret("what is printed for an address", "x/y+z "),
        "HEX_TOKEN": secret("what is printed in hexadecimal"),
    }
    environment = {
        "HTTPS_PROXY": f"http://me:{secret('the password of a proxy')}@127.0.0.1:9",
        "HTTP_PROXY": f"me:{secret('a proxy without a scheme')}@127.0.0.1:9",
    }
    s3 = f"secret_access_key={secret('secret_access_key')}"
    quoted = f'"secret_access_key={secret("a value in quotes")},x"'
    cache_from = (
        ",".join(["type=s3,region=r,bucket=b", f"access_key_id={secret('access_key_id', 'AKIA', 8)}", s3]),
        ",".join(["type=azblob,name=n", f"account_url=http://127.0.0.1:9/c?sig={secret('a signature')}", quoted]),
    )
    base = f"speedkit-test-secrets/{os.urandom(6).hex()}:1"
    _make_base(
        engine, image, base, secret("the environment of a base"), secret("a label of a base"), secret("an ONBUILD trigger")
    )
    files = {
        ".env": f"APP=demo\nDB_PASSWORD={secret('.env')}\nPLAIN={secret('.env, under an innocent name')}\n",
        ".netrc": f"machine h.example login me password {secret('.netrc')}\n",
        ".npmrc": f"//r.example/:_authToken={secret('.npmrc')}\n",
        ".git-credentials": f"https://me:{secret('.git-credentials')}@h.example\n",
        ".pgpass": f"h:5432:db:me:{secret('.pgpass')}\n",
        "settings.json": json.dumps(
            {"password": secret("a file that a step prints"), "auth": _basic(secret("an auth of Docker"))}
        ),
        "id_rsa": "-----BEGIN OPENSSH PRIVATE KEY-----\n" + _key(secrets) + "-----END OPENSSH PRIVATE KEY-----\n",
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    lines = [
        f"FROM {base}",
        *(f"ARG {name}" for name in build_args),
        f"ENV APP_SECRET={secret('ENV of a Dockerfile')} PLAIN=1",
        f"ENV OLD_PASSWORD {secret('an ENV of the old form')}",
        f"LABEL com.example.token={secret('LABEL')}",
        f"ARG DEFAULT_TOKEN={secret('the default of an ARG')}",
        f"RUN echo curl -u me:{secret('curl -u')} https://h.example --password {secret('--password')}",
        f"RUN echo git clone https://{secret('a git address', 'ghp_', 18)}@github.example/x",
        f"RUN echo 'Authorization: Bearer {secret('a bearer token')}'",
        f"RUN echo {secret('a JWT', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIi')}.{secret('a signature of a JWT')}",
        f"RUN echo 'https://x.example/?sv=1&sig={secret('a SAS signature')}'",
        "COPY . /app/",
        "RUN env; cat /app/.env /app/.netrc /app/.npmrc /app/.git-credentials /app/.pgpass /app/settings.json /app/id_rsa",
        'RUN . /app/.env; echo "$DB_PASS"; echo "$DB_PASSWORD"; echo "$PLAIN"; echo "$BASE_PASSWORD"; echo "$SIGNING_KEY"',
        'RUN for i in $(seq 1 12); do printf %s "$(echo "$DB_PASS" | cut -c$((2*i-1))-$((2*i)))"; sleep 0.02; done; echo',
        'RUN echo "$WRAPPED_SECRET" | fold -w 20; printf %s "user:$ENCODED_TOKEN" | base64',
        'RUN printf %s "$HEX_TOKEN" | xxd -p -c 99',
        """RUN echo "$ESCAPED_TOKEN" | sed 's,/,%2F,g;s,+,%2B,g;s, ,%20,g'; echo "$ODD_PWD" "$PASSPHRASE $GH_PAT $INNOCENT" """,
        f"RUN echo 'export STRIPE=sk_live_{secret('a key of Stripe', length=12)}' 'AIza{secret('a key of Google', length=18)}'",
        "EXPOSE 8080",
        'CMD ["sh", "-c", "mkdir -p /w && env > /w/index.html && cd /w && exec httpd -f -p 8080"]',
    ]
    (folder / "Dockerfile").write_text("\n".join(lines) + "\n")
    return Planted(folder, base, build_args, environment, cache_from, secrets)


def _basic(password: str) -> str:
    return b64encode(f"me:{password}".encode()).decode()


def _key(secrets: dict[str, str]) -> str:
    lines = [b64encode(os.urandom(48)).decode() for _ in range(2)]
    secrets |= {f"line {number} of id_rsa": line for number, line in enumerate(lines, 1)}
    return "\n".join(lines) + "\n"


def _make_base(engine: docker.APIClient, image: str, name: str, password: str, label: str, trigger: str) -> None:
    container = engine.create_container(image, ["never run"])["Id"]
    try:
        settings = engine.inspect_image(image)["Config"] or {}
        repository, _, tag = name.rpartition(":")
        conf = dict(settings) | {
            "Env": [*(settings.get("Env") or ()), f"BASE_PASSWORD={password}"],
            "Labels": {"com.example.secret": label},
            "OnBuild": [f"RUN echo API_TOKEN={trigger}"],
        }
        engine.commit(container, repository, tag, conf=conf)
    finally:
        engine.remove_container(container, v=True)


def command_lines() -> str:
    """What `ps` shows of the kit's processes to every user. Those of a build's steps are the engine's, and show their text."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(entry.read_bytes())
        except OSError:
            continue
    return b"\n".join(line for line in found if b"buildx" in line or b"speedkit" in line or b"python" in line).decode(
        "utf-8", "replace"
    )


def remains(secrets: dict[str, str], places: Iterable[Path | tuple[str, str]]) -> list[str]:
    """Which secrets are in files, in folders, or in texts with a name; also in base64, in hexadecimal and quoted."""
    found = []
    for name, text in _texts(places):
        flat = re.sub(r"[\r\n]|\\n", "", text)
        for where, secret in secrets.items():
            core = re.sub(r"^.*[^A-Za-z0-9+/_=-]", "", secret)
            encoded = b64encode(core.encode()).decode().rstrip("=")[1:-2]
            if any(form in text or form in flat for form in (core, encoded, core.encode().hex(), quote(core, safe=""))):
                found.append(f"{where}, in {name}")
    return found


def _texts(places: Iterable[Path | tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for place in places:
        if isinstance(place, tuple):
            yield place
            continue
        for path in [place, *place.rglob("*")] if place.is_dir() else [place]:
            if path.is_file() and not path.is_symlink():
                text = path.read_bytes().decode("utf-8", "replace")
                yield str(path), text + _logs(text)


def _logs(text: str) -> str:
    """All base64 in rawjson, decoded; a step's log joined."""
    logs: dict[str, bytes] = {}
    for vertex, data in re.findall(r'"vertex": ?"([^"]+)"[^{}]*?"data": ?"([A-Za-z0-9+/=]+)"', text):
        try:
            logs[vertex] = logs.get(vertex, b"") + b64decode(data)
        except Base64Error:
            continue
    return "\n".join(log.decode("utf-8", "replace") for log in logs.values())
