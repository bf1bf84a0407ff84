"""Finds secrets in text by their shape, and by the names before them.

Makers of tokens publish the shapes for scanners; gitleaks has the longest list. Build logs are large and foreign, so all
patterns take linear time: each begins at a fixed text or at the beginning of a word, each repetition has a bound, and
possessive repetitions (`++`) never try again. A pattern has marks, short texts without which it cannot match. A search for
the marks is much quicker than the pattern, so it comes first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from .names import (
    IN_OTHER_SCRIPTS,
    SUBSTITUTE,
    is_ordinary,
    names_a_password,
    names_a_secret,
    names_a_secret_surely,
)

__all__ = ["PEM", "PEM_LONGEST", "PEM_TEXT", "Span", "find_secrets", "holds_secret", "secret_sieve"]


class Span(NamedTuple):
    """The place of a secret in a text. end: behind its last character."""

    start: int
    end: int


def _patterns(*patterns: tuple[str, str]) -> tuple[tuple[tuple[str, ...], str], ...]:
    return tuple((tuple(marks.split()), pattern) for marks, pattern in patterns)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    """The pattern, compiled for the first text that has its marks: to compile all takes 9 ms of each `speedkit layers`."""
    return re.compile(pattern)


TOKENS = _patterns(
    ("ghp_ gho_ ghu_ ghs_ ghr_", r"(?<![A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{16,255}"),
    ("github_pat_", r"(?<![A-Za-z0-9])github_pat_\w{20,255}"),
    (
        "glpat- glrt- gldt- glcbt- glptt- gloas- glft-",
        r"(?<![A-Za-z0-9])gl(?:pat|rt|dt|cbt|ptt|oas|ft)-[\w.-]{16,255}",
    ),
    ("xox xapp-", r"(?<![A-Za-z0-9])(?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{10,255}"),
    ("AKIA ASIA ABIA ACCA", r"(?<![A-Za-z0-9])A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{12,24}(?![A-Za-z0-9])"),
    ("eyJ", r"(?<![\w-])eyJ[\w-]{6,4000}+\.[\w-]{6,4000}+(?:\.[\w-]{0,4000}+)?"),
    ("_live_ _test_", r"(?<![A-Za-z0-9])(?:sk|rk|pk|whsec)_(?:live|test)_[A-Za-z0-9]{10,255}"),
    ("whsec_", r"(?<![A-Za-z0-9])whsec_(?!live_|test_)[A-Za-z0-9+/]{24,255}={0,2}"),
    ("glsa_ figd_ rubygems_", r"(?<![A-Za-z0-9])(?:glsa|figd|rubygems)_[\w-]{32,255}"),
    ("sntrys_ ops_eyJ", r"(?<![A-Za-z0-9])(?:sntrys|ops)_eyJ[\w+/=-]{20,4000}"),
    ("PMAK- CFPAT- pul-", r"(?<![A-Za-z0-9])(?:PMAK-[0-9a-f]{24}-[0-9a-f]{34}|CFPAT-[\w-]{40,60}|pul-[0-9a-f]{40})"),
    ("dp.pt.", r"(?<![A-Za-z0-9])dp\.pt\.[A-Za-z0-9]{40,50}"),
    ("tskey-", r"(?<![A-Za-z0-9])tskey-[a-z]{3,10}-[A-Za-z0-9-]{16,100}"),
    ("AIza", r"(?<![A-Za-z0-9])AIza[\w-]{30,60}"),
    ("ya29.", r"(?<![A-Za-z0-9])ya29\.[\w-]{20,2000}"),
    ("npm_", r"(?<![A-Za-z0-9])npm_[A-Za-z0-9]{20,255}"),
    ("dckr_", r"(?<![A-Za-z0-9])dckr_[op]at_[\w-]{16,255}"),
    ("pypi-", r"(?<![A-Za-z0-9])pypi-[\w-]{32,1000}"),
    ("hf_", r"(?<![A-Za-z0-9])hf_[A-Za-z0-9]{24,255}"),
    ("sk-", r"(?<![\w])sk-(?=[A-Za-z_-]{0,60}+\d)[\w-]{20,255}"),
    ("SG.", r"(?<![A-Za-z0-9])SG\.[\w-]{16,255}+\.[\w-]{16,255}"),
    ("shpat_ shpss_ shpca_ shppa_", r"(?<![A-Za-z0-9])shp(?:at|ss|ca|pa)_[A-Fa-f0-9]{32}"),
    ("hvs. hvb. hvr.", r"(?<![A-Za-z0-9])hv[sbr]\.[\w-]{20,500}"),
    ("dop_v1_ doo_v1_ dor_v1_", r"(?<![A-Za-z0-9])do[opr]_v1_[a-f0-9]{32,64}"),
    ("ATATT3", r"(?<![A-Za-z0-9])ATATT3[\w=-]{20,500}"),
    ("NRAK- lin_api_", r"(?<![A-Za-z0-9])(?:NRAK-|lin_api_)[A-Za-z0-9]{20,60}"),
    ("sq0 key-", r"(?<![A-Za-z0-9])(?:sq0[a-z]{3}-[\w-]{20,60}|key-[0-9a-f]{32})"),
    ("AGE-SECRET-KEY-", r"AGE-SECRET-KEY-1[0-9A-Z]{50,60}"),
    ("hooks.slack.com", r"(?<=hooks\.slack\.com/services/)[\w/]{20,200}"),
    ("/webhooks/", r"(?<=/webhooks/)\d{8,24}/[\w-]{30,120}"),
    (":AA", r"(?<!\d)\d{8,10}:AA[\w-]{30,40}"),
    # A PEM file in base64. The lookahead leaves out certificates and public keys.
    ("LS0tLS1CRUdJTi", r"LS0tLS1CRUdJTi(?!BDRVJU|BQVUJM)[A-Za-z0-9+/]{40,20000}={0,2}"),
)

CONTEXTS = _patterns(
    ("earer", r"\b[Bb]earer {1,3}(?P<secret>(?=[A-Za-z._~+/-]{0,200}+\d|[\w.~+/-]{20})[\w.~+/-]{8,8000}={0,2})"),
    (
        "uthorization UTHORIZATION",
        r"(?i:authorization)\\?[\"']?\s{0,2}[:=]\s{0,2}\\?[\"']?(?:[A-Za-z0-9-]{3,20} {1,3})?(?P<secret>[^\s\"'\\,]{6,8000})",
    ),
    (
        "login machine",
        (
            r"(?:\b|(?<=\\[nt]))(?:login|machine)\s{1,9}(?:(?!\\[nt])\S){1,200}+(?:\s|\\[nt]){1,9}"
            r"(?:account\s{1,9}(?:(?!\\[nt])\S){1,200}+(?:\s|\\[nt]){1,9})?password\s{1,9}(?P<secret>\S{1,1000})"
        ),
    ),
    # A .netrc may have one word on each line, and a log is read line by line.
    ("password", r"(?m)^[ \t]{0,20}password[ \t]{1,9}(?P<secret>(?=\S*\d)\S{4,1000})[ \t\r]*$"),
    ("@tcp( @unix(", r"(?<![\w.-])[\w.-]{1,64}+:(?P<secret>[^\s:@/\"']{1,200}+)@(?:tcp|unix)\("),
    (
        "@",
        (
            r"(?<![\w.:/@%+-])[\w.%+-]{1,64}+:(?!//)(?P<secret>[^\s:@/\"'<>]{1,200}+)@(?!sha\d)"
            r"[\w-]{1,63}+(?:\.[\w-]{1,63}+){0,8}:\d{1,5}(?![\w.])"
        ),
    ),
    (
        "curl",
        (
            r"(?<!\S)(?:-[A-Za-z]{0,12}u|-U|--user|--proxy-user)[ =]{0,2}[\"']?"
            r"(?P<secret>[^\s:\"'$]{1,64}+:(?!\d{1,6}(?!\w))[^\s\"'$]{1,200})"
        ),
    ),
    (
        "-p",
        (
            r"\b(?:sshpass|login|mysql\w{0,5}|mongo\w{0,7}|useradd|usermod)\b[^|;&\n]{0,200}? "
            r"-p[ =]?[\"']?(?P<secret>[^\s\"'$][^\s\"']{2,200})"
        ),
    ),
    (
        "redis-cli zip",
        r"\b(?:redis-cli\b[^|;&\n]{0,200}? -a|(?:un)?zip\b[^|;&\n]{0,200}? -P) ?[\"']?(?P<secret>[^\s\"'$][^\s\"']{2,200})",
    ),
    ("7z rar", r"\b(?:7z[azr]?|(?:un)?rar)\b[^|;&\n]{0,200}? -(?:hp|p)[\"']?(?P<secret>[^\s\"'$-][^\s\"']{2,200})"),
    ("openssl", r"\bopenssl\b[^|;&\n]{0,200}? -k\s{1,4}[\"']?(?P<secret>[^\s\"'$-][^\s\"']{2,200})"),
    (
        "http-basic.",
        r"\bconfig\b[^|;&\n]{0,200}? http-basic\.\S{1,200}+\s{1,4}\S{1,200}+\s{1,4}[\"']?(?P<secret>[^\s\"'$]{3,400})",
    ),
    (
        "-oauth. -token. bearer.",
        r"\bconfig\b[^|;&\n]{0,200}? (?:\w{1,40}+-(?:oauth|token)|bearer)\.\S{1,200}+\s{1,4}[\"']?(?P<secret>[^\s\"'$]{3,400})",
    ),
    (
        "bundle",
        r"\bbundle\s{1,4}config\s(?:[^|;&\s]{1,200}+\s{1,4}){1,4}?[\"']?(?P<secret>[^\s:\"'$/]{1,64}+:[^\s\"'$/]{1,200})",
    ),
    ("BUNDLE_", r"\bBUNDLE_[A-Z0-9_]{0,100}?__[A-Z0-9_]{1,100}=[\"']?(?P<secret>[^\s\"'$]{3,400})"),
    ("pass:", r"(?<!\S)-pass(?:in|out)?\s{1,4}[\"']?pass:(?P<secret>[^\s\"'$]{1,400})"),
    (
        "config",
        (
            r"\bconfig(?:ure)?\s{1,4}(?:--[\w=-]{1,40}\s{1,4}){0,4}(?:set\s{1,4})?(?:--[\w=-]{1,40}\s{1,4}){0,4}[\"']?"
            r"(?P<name>[\w.:/@-]{2,200}+)[\"']?\s{1,4}[\"']?(?P<secret>[^\s\"'$-][^\s\"']{2,2000})"
        ),
    ),
    ("-stdin", r"password-stdin[^|;&\n]{0,200}?<<<\s{0,4}[\"']?(?P<secret>[^\s\"'$]{3,400})"),
    (
        "-stdin phrase-fd passwd sudo",
        (
            r"\b(?:echo|printf)\s{1,4}(?:-[ne]\s{1,4})?(?:'(?P<single>[^'\n]{3,400}+)'|\"(?P<double>[^\"\n$]{3,400}+)\""
            r"|(?P<bare>[^\s|\"'$]{3,400}+))\s{0,4}\|"
            r"(?:[^|\n]{0,200}(?:password-stdin|passphrase-fd|chpasswd|\bsudo\s{1,4}-S)|\s{0,4}(?:sudo\s{1,4})?passwd\b)"
        ),
    ),
    ("</", r"<(?P<name>[\w.:-]{2,64}+)>(?P<secret>[^<>\s]{3,400}+)</(?P=name)>"),
    ("ENV env", r"(?im)^[ \t]{0,20}ENV[ \t]{1,9}(?P<name>\w{2,128}+)[ \t]{1,9}(?P<secret>[^\s=][^\n]{0,2000})"),
)
"""Patterns with text beside the secret. The secret is the group `secret`, or the group that is called like its quotes."""

STEMS: tuple[str, ...] = (
    "pass",
    "pwd",
    "pword",
    "pw",
    "secret",
    "token",
    "cred",
    "key",
    "auth",
    "dsn",
    "sig",
    "sas",
    "jwt",
    "psk",
    "pat",
    "otp",
)
STEMS += (
    "cookie",
    "pin",
    "kennwort",
    "contrase",
    "senha",
    "mdp",
    "wachtwoord",
    "haslo",
    "hasło",
    "heslo",
    "losenord",
    "lösenord",
)
STEMS += ("jelsz", "sifre", "şifre", "adgangskode", "salasana", *IN_OTHER_SCRIPTS)
# A name and its sign. The quotes are those of JSON (`"name": `), also within a string (`\"name\": `).
HEAD = r"(?<![\w.-])(?P<name>[\w.-]{2,128}+)\\?[\"']?\]?(?P<sign>[ \t]{0,3}(?:=>|:=|=|:)[ \t]{0,3})"
OPTION = r"(?<!\S)--?(?P<name>[\w-]{2,64}+)(?P<sign>[ \t]{1,3})(?=[^\s-])"
# The order matters: bare text would also match the `$` of a shell's $'…'.
VALUE = (
    r"\$'(?P<ansi>(?:[^'\\\n]|\\.){1,4000}+)'"
    r"|\\\"(?P<escaped>(?:(?!\\\")[^\n]){1,4000}+)\\\""
    r"|\"(?P<double>(?:[^\"\\\n]|\\.){1,4000}+)\""
    r"|'(?P<single>[^'\n]{1,4000}+)'"
    r"|(?P<bare>(?:[^\s\"'`<>\\]|\\ (?=\S)){1,4000}+)"
)
NEXT_LINE = (
    r"(?P<block>[|>][+-]?[1-9]?)?[ \t\r]{0,20}\n[ \t]{1,40}"
    r"(?:\"(?P<double>[^\"\\\n]{1,4000}+)\"|'(?P<single>[^'\n]{1,4000}+)'"
    r"|(?P<bare>[^\s\"'#{\[:-][^\s:]{1,4000}+)[ \t\r]{0,20}(?:\n|$))"
)
"""A value below a name that is alone on its line, as in YAML and in formatted JSON."""
HAS_VARIABLE = re.compile(r"\$(?:[A-Za-z_{(]|\d)")
LIKELY = re.compile(
    r"(?=.*\d)(?=.*[A-Za-z]).{6,}|.*[A-Za-z0-9].*[!#%&*+=?^~|/].*|(?=.*[a-z])(?=.*[A-Z]).{10,}|.{20,}", re.DOTALL
)
"""A likely secret, where the name has other uses, too: letters with digits or signs, mixed case, or long."""
LIKELY_IN_PROSE = 12
"""Fewest characters of a likely secret behind `name: `, which may be prose."""

# The lookahead leaves out `docker://name@sha256:…`, where `@` begins a digest.
USERINFO = r"://(?P<userinfo>(?P<user>[^\s/:@\"'<>?#\\]{0,200}+)(?::(?P<password>[^\s/\"'<>\\]{0,400}))?)@(?!sha\d{3}:)"
NO_USERINFO = ("docker-image", "oci-layout", "pkg", "npm", "target")
"""Schemes without a host: an `@` behind them begins a digest or a version."""
LOGIN_ONLY = ("ssh", "git", "sftp", "scp", "rsync")
"""Schemes with a user's name before the host; the secret is a key in a file."""
KNOWN_LOGINS = frozenset({"git", "hg", "svn", "root", "user", "anonymous", "oauth2", "x-access-token"})

PUTTY_BEGINS = "Private-Lines: "
PUTTY = r"Private-Lines: \d{1,4}\r?\n(?P<lines>(?:[A-Za-z0-9+/=]{1,80}\r?\n){1,500}+)(?:Private-MAC: (?P<mac>[0-9a-f]{32,80}))?"
PEM_BEGINS = "-----BEGIN "
PEM = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----")
PEM_LONGEST = 20_000
"""The most characters between the first and the last line of a key. A key without a last line ends there."""
PEM_TEXT = re.compile(r"[A-Za-z0-9+/=]{8,}")

LONG_TEXT = 100_000
"""From so many characters on, one search for all marks is quicker than one search for each."""


@lru_cache(maxsize=16)
def secret_sieve(literals: tuple[str, ...] = ()) -> Callable[[bytes], Any]:
    """A search that gives None for bytes without any secret, in one pass: they have no mark and none of the literals.

    literals: forms of the build's own secrets. RE2 runs all alternatives at once; Python's `re` tries one after the other.
    """
    import re2

    marks = [re.escape(mark) for marks, _ in TOKENS for mark in marks]
    stems = "|".join(STEMS)
    marks += [
        # The text is searched as bytes: a letter beyond ASCII is several bytes of \x80 to \xff.
        rf"(?i:{stems})[\w.\x80-\xff-]*\\?[\"']?\]?[ \t]{{0,3}}[:=]",
        rf"-[\w-]*(?i:{stems})[\w\x80-\xff-]*\s",
        rf"</[\w.:-]*(?i:{stems})",
        r"(?i:earer|authorization|login|machine|mysql|mongo|sshpass|curl|config|-stdin|phrase-fd|passwd|sudo|user(?:add|mod)|redis-cli|zip|7z|openssl|bundle)",
        r"\b(?:un)?rar ",
        r"Private-Lines: ",
        r"(?i:env)[ \t]+\w+[ \t]",
        r"password[ \t]",
        r":[^\s/]*@",
        r"://[^\s/]*@",
        r"-----BEGIN ",
        r"\\u003c",
    ]
    forms = [re.escape(literal.encode("utf-8", "surrogateescape")) for literal in literals]
    options = re2.Options()
    # Bytes that are no UTF-8 may stand anywhere in a log: as Latin-1, each byte is one character.
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = 256 << 20
    search: Callable[[bytes], Any] = re2.compile(b"|".join([*(mark.encode() for mark in marks), *forms]), options).search
    return search


def holds_secret(text: str) -> bool:
    """Whether anything in a text looks like a secret."""
    return next(iter(find_secrets(text)), None) is not None


def find_secrets(text: str) -> list[Span]:
    """The places of secrets in a text, from left to right, without overlaps."""
    if len(text) > LONG_TEXT and not secret_sieve()(text.encode("utf-8", "surrogatepass")):
        return []
    tokens = (pattern for marks, pattern in TOKENS if any(mark in text for mark in marks))
    spans = [Span(*match.span()) for pattern in tokens for match in _compiled(pattern).finditer(text)]
    spans += [*_in_context(text), *_credentials(text), *_private_keys(text), *_assigned(text)]
    apart: list[Span] = []
    for span in sorted(spans):
        # A substitute stays as it is. Some patterns take `sha256` for a name: their span has only the digits behind the colon.
        starts = (span.start, max(span.start - len("sha256:"), 0))
        if any(SUBSTITUTE.fullmatch(text, start, span.end) for start in starts):
            continue
        if apart and span.start < apart[-1].end:  # one secret for two patterns
            apart[-1] = Span(apart[-1].start, max(span.end, apart[-1].end))
        elif span.end > span.start:
            apart.append(span)
    return apart


def _in_context(text: str) -> Iterator[Span]:
    """Secrets that stand beside a command, option or header."""
    for marks, pattern in CONTEXTS:
        if not any(mark in text for mark in marks):
            continue
        for match in _compiled(pattern).finditer(text):
            groups = {name: value for name, value in match.groupdict().items() if value is not None}
            name = groups.pop("name", None)
            ((group, value),) = groups.items()
            is_secret = name is None or (names_a_secret(name) and not is_ordinary(name, value))
            if is_secret and not HAS_VARIABLE.search(value):
                yield Span(*match.span(group))


def _credentials(text: str) -> Iterator[Span]:
    """`user:password@` before the host of an address."""
    if "://" not in text or "@" not in text:
        return
    for match in _compiled(USERINFO).finditer(text):
        scheme = re.split(r"[^A-Za-z0-9+.-]", text[max(0, match.start() - 20) : match.start()])[-1].lower()
        user, password = match["user"], match["password"]
        if not match["userinfo"] or scheme.endswith(NO_USERINFO) or HAS_VARIABLE.search(match["userinfo"]):
            continue
        if password is None and (scheme.endswith(LOGIN_ONLY) or user in KNOWN_LOGINS):
            continue
        if not SUBSTITUTE.fullmatch(match["userinfo"]):
            yield Span(*match.span("userinfo"))


def _private_keys(text: str) -> Iterator[Span]:
    """The lines of private keys, each by itself: the text keeps its number of lines."""
    if PUTTY_BEGINS in text:
        for begin in _compiled(PUTTY).finditer(text):
            yield from (Span(*match.span()) for match in PEM_TEXT.finditer(text, *begin.span("lines")))
            if begin["mac"] is not None:
                yield Span(*begin.span("mac"))
    if PEM_BEGINS not in text:
        return
    for begin in PEM.finditer(text):
        end = text.find("-----", begin.end(), begin.end() + PEM_LONGEST)
        end = end if end >= 0 else min(len(text), begin.end() + PEM_LONGEST)
        yield from (Span(*match.span()) for match in PEM_TEXT.finditer(text, begin.end(), end))


def _assigned(text: str) -> Iterator[Span]:
    """Values behind the name of a secret: `NAME=value`, `"name": "value"`, `--name value`."""
    small = text.lower()
    if not any(stem in small for stem in STEMS):
        return
    for pattern in map(_compiled, (HEAD, OPTION)):
        head = pattern.search(text)
        while head is not None:
            span = _value_of(text, head) if names_a_secret(head["name"]) else None
            if span is not None:
                yield span
            # An ordinary value may hold the name of a secret: `args="DB_PASS=…"`. The search goes on inside of it.
            head = pattern.search(text, span.end if span else head.end())


def _value_of(text: str, head: re.Match[str]) -> Span | None:
    """The secret behind a name and its sign, on the same line or the next one; None when the value is ordinary."""
    name, sign = head["name"], head["sign"]
    if ":" in sign and (below := _compiled(NEXT_LINE).match(text, head.end())) is not None:
        groups = below.groupdict()
        group = next(group for group in ("double", "single", "bare") if groups[group] is not None)
        value = groups[group]
        # The next line may be any YAML, so only a name without other uses counts.
        is_secret = names_a_secret_surely(name) and not is_ordinary(name, value) and not HAS_VARIABLE.search(value)
        return Span(*below.span(group)) if is_secret and len(value) > 1 else None
    match = _compiled(VALUE).match(text, head.end())
    if match is None or match.lastgroup is None:
        return None
    is_quoted = match.lastgroup != "bare"
    start, end = match.span(match.lastgroup)
    if not is_quoted:
        end = _end_of_bare(text, start, end, name)
    return Span(start, end) if _is_secret(name, sign, text[start:end], quoted=is_quoted) else None


def _end_of_bare(text: str, start: int, end: int, name: str) -> int:
    """The end of a value without quotes. In addresses, connection strings and code, more text follows without a space."""
    # NAME=value in capitals is a shell's or an ENV: there these signs belong to the value.
    if not name.isupper():
        end = min((place for stop in "&;,)}]|" if (place := text.find(stop, start, end)) >= 0), default=end)
    while end > start and text[end - 1] in ";,)":
        end -= 1
    return end


def _is_secret(name: str, sign: str, value: str, *, quoted: bool) -> bool:
    """Whether the value behind a secret's name is a secret. The surer the name and the sign, the less the value has to be."""
    if not value or is_ordinary(name, value) or HAS_VARIABLE.search(value):
        return False
    if "=" in sign and sign == sign.strip() and name.isupper():  # `DB_PASS=x`: a shell's assignment
        return True
    if "(" in value and not quoted:  # code, such as `token = read_token()`
        return False
    if names_a_secret_surely(name) and (":" not in sign or "=" in sign or quoted):
        return len(value) > 1
    if not quoted and ":" in sign and not names_a_secret_surely(name):
        # It may be prose: `unexpected token: …`.
        return len(value) >= LIKELY_IN_PROSE and LIKELY.match(value) is not None
    is_verdict = name.lower() == "pass" and not quoted  # go test prints `PASS: TestName`
    return not is_verdict and (LIKELY.match(value) is not None or (names_a_password(name) and len(value) > 5))
