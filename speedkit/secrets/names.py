"""Names of secrets: which names mean that a value is a secret, and which values are too ordinary to be one.

A name is split into its words: `PGPASSWORD`, `db-pass`, `_authToken` and `GH_PAT` name secrets, `KEYBOARD`, `AUTHOR`,
`TOKENIZER_VERSION`, `COMPASS` and `PUBLIC_KEY` do not.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

__all__ = ["is_everyday_word", "is_ordinary", "names_a_password", "names_a_secret", "names_a_secret_surely"]

WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
WITHOUT_ACCENT = str.maketrans("łŁøØıİ", "lLoOiI")
"""Latin letters that Unicode does not decompose into a letter and an accent."""
PASSWORD_WORDS = frozenset(
    {"password", "passwords", "passwd", "passphrase", "passcode", "pass", "pwd", "pword", "pw", "secret", "secrets", "creds"}
    | {"credential", "credentials", "apikey"}
)
OTHER_LANGUAGES = frozenset(
    {"passwort", "kennwort", "contrasena", "senha", "passe", "motdepasse", "mdp", "wachtwoord", "haslo", "heslo", "losenord"}
    | {"jelszo", "sifre", "adgangskode", "salasana"}
)
"""The same in German, Spanish, Portuguese, French, Dutch, Polish, Czech, Swedish, Hungarian, Turkish, Danish, Finnish."""
IN_OTHER_SCRIPTS = ("密码", "密碼", "口令", "パスワード", "пароль", "пароля", "비밀번호")
"""A password in Chinese, Japanese, Russian and Korean. Names in these scripts are not split into words."""
PASSWORD_WORDS |= OTHER_LANGUAGES
WORDS = PASSWORD_WORDS | {"token", "tokens", "pat", "cred", "auth", "authorization", "dsn", "sas", "jwt", "otp", "psk"}
SHORT_WORDS = frozenset({"sig", "signature", "bearer", "cookie", "pin"})
"""These name a secret only as the last word: `SESSION_COOKIE`, but not `COOKIE_DOMAIN`."""
JOINED = re.compile(
    r"(?:password|passwd|passwort|kennwort|passphrase|secret|token|credentials|apikey|accesskey|secretkey|privatekey|sshkey|authkey|pwd"
    r"|(?<!com)(?<!by)(?<!tres)(?<!sur)(?<!over)(?<!under)pass)$"
)
"""Endings of words that were joined without a separator, such as `PGPASSWORD`; `compass` and `bypass` are ordinary."""
OPEN_KEYS = frozenset({"public", "pub", "cache", "primary", "foreign", "sort", "partition", "index", "object", "row", "hot"})
"""Words before `KEY` that make it no secret."""
ABOUT_IT = frozenset(
    {"file", "files", "path", "dir", "folder", "url", "uri", "host", "port", "name", "names", "user", "username", "type"}
    | {"version", "length", "len", "size", "ttl", "expiry", "expires", "count", "limit", "enabled", "disabled", "algorithm"}
    | {"alg", "format", "mode", "provider", "server", "service", "endpoint", "timeout", "policy", "prefix", "suffix", "header"}
    | {"field", "method", "sock", "socket", "pid", "agent", "askpass", "command", "cmd", "state", "status", "info", "realm"}
    | {"scope", "required", "backend", "plugin", "issuer", "audience", "min", "max", "helper"}
)
"""Last words of names that describe a secret: `PASSWORD_FILE` holds a path."""
ENCODED = frozenset({"data", "value", "base", "b", "hash", "raw", "old", "new", "prod", "dev", "test", "staging"})
"""Last words that do not count: `client-key-data` and `DB_PASS_PROD` are secrets."""
SHELL_FOLDERS = frozenset({"PWD", "OLDPWD"})

ORDINARY = frozenset(
    {"true", "false", "yes", "no", "on", "off", "none", "null", "nil", "undefined", "latest", "default", "auto", "required"}
    | {"optional", "always", "never", "enabled", "disabled", "enable", "disable", "basic", "bearer", "string", "file", "env"}
    | {"unset", "empty", "local", "global", "inline", "plain", "y", "n", "t", "f"}
)
EVERYDAY = frozenset(
    {"admin", "administrator", "root", "user", "guest", "test", "testing", "demo", "example", "sample", "secret", "password"}
    | {"passwd", "pass", "changeme", "token", "postgres", "postgresql", "mysql", "mariadb", "redis", "mongo", "mongodb"}
    | {"rabbitmq", "alpine", "debian", "ubuntu", "golang", "python", "node", "nginx", "httpd", "scratch", "busybox", "docker"}
    | {"build", "builder", "base", "app", "main", "dev", "prod", "develop", "development", "production", "staging", "release"}
    | {"stage", "final", "debug", "info", "local", "localhost", "server", "client", "database", "cache", "hello", "world"}
    | {"linux", "from", "copy", "workdir", "expose", "label", "install", "update", "value", "name", "public", "private"}
    | {"github", "gitlab"}
)
"""Words of ordinary builds. As a password they are hidden under its name only: elsewhere the log would become unreadable."""
NUMBER = re.compile(r"v?\d{1,5}|v?\d{1,4}(?:\.\d{1,5}){1,3}(?:[-+][a-z0-9.]{0,12})?")
REFERENCE = re.compile(r"\$\{?[A-Za-z_]\w*(?::?[-+?][^}]{0,100})?\}?|\$\{?\w|\$\(.*|\{\{.*|<[\w -]*>|%\w|(.)\1*|@\S+@")
"""Text that stands for a value: a variable, a command, a placeholder, one letter again and again."""
PLACE = re.compile(r"(?:\.{0,2}|~)(?:/[a-z0-9._-]+){2,}/?")
"""A path, such as `/run/secrets/token`."""
FINGERPRINT = re.compile(r"[0-9A-F]{16,40}(?:\s[0-9A-F]{16,40})*")
SUBSTITUTE = re.compile(r"sha256:[0-9a-f]{16}")


def _words(name: str) -> list[str]:
    if not name.isascii():
        if any(word in name.lower() for word in IN_OTHER_SCRIPTS):
            return ["password"]
        # NFKD turns `ñ` into `n` and an accent: the lists above need only plain letters.
        decomposed = unicodedata.normalize("NFKD", name.translate(WITHOUT_ACCENT))
        name = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return [word.lower() for word in WORD.findall(name)]


@lru_cache(maxsize=4096)
def names_a_secret(name: str) -> bool:
    """Whether a variable, option or key of this name holds a secret."""
    words = _words(name)
    while len(words) > 1 and words[-1] in ENCODED:
        words.pop()
    if not words or name in SHELL_FOLDERS or (words[-1] in ABOUT_IT and len(words) > 1):
        return False
    if words[-1] in ("key", "keys"):
        return len(words) < 2 or words[-2] not in OPEN_KEYS
    # `AWS_ACCESS_KEY_ID` counts: its values, `AKIA…`, are among the tokens of `shapes` as well.
    if words[-1] == "id":
        return "access" in words and "key" in words
    return words[-1] in SHORT_WORDS or any(word in WORDS or JOINED.search(word) for word in words)


@lru_cache(maxsize=4096)
def names_a_secret_surely(name: str) -> bool:
    """Whether a name is used for secrets only, such as `DB_PASSWORD`. `key`, `token` and `auth` alone have other uses, too."""
    words = _words(name)
    is_sure = (word in PASSWORD_WORDS or (word not in WORDS and JOINED.search(word)) for word in words)
    return names_a_secret(name) and (len(words) > 1 or any(is_sure))


def names_a_password(name: str) -> bool:
    """Whether a name announces a password even in prose: `Password: swordfish`. `pass` does not: tests print `PASS: name`."""
    words = _words(name)
    is_meant = any(word.endswith(("password", "passwd", "passphrase", "passwort")) or word in OTHER_LANGUAGES for word in words)
    return is_meant and names_a_secret(name)


def is_ordinary(name: str, value: str) -> bool:
    """Whether a value is no secret although its name is one's: `true`, `1`, `latest`, a path, a variable, a public key."""
    return (
        value.lower() in ORDINARY
        or NUMBER.fullmatch(value) is not None
        or REFERENCE.fullmatch(value) is not None
        or PLACE.fullmatch(value) is not None
        or SUBSTITUTE.fullmatch(value) is not None
        or (value.startswith("/") and name.lower() in ("pwd", "oldpwd"))
        or ("GPG" in name.upper() and FINGERPRINT.fullmatch(value) is not None)
    )


def is_everyday_word(value: str) -> bool:
    return value.lower() in EVERYDAY
