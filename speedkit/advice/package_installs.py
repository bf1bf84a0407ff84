"""Packages that shell commands install without naming one version. A range or a tag is not one version.

A word with a variable in it is left alone, since the variable may hold a version.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from speedkit.go_regexp import GoRegexp
from speedkit.messages import marked, message

__all__ = ["loose_installs"]

_NEWEST = marked("It takes whatever is newest; name a version.")
_SERVER = marked("It takes what the package server has that day.")
_ELSEWHERE = re.compile(r"[./]|file:|.*\$")
"""A path, or a word with a variable."""
_EXACT = re.compile(r"=?v?\d+\.\d+\.\d+(?:[-+.][\w.+-]+)?|.*\$.*")


@dataclass(frozen=True, slots=True)
class _Installer:
    """One package manager.

    command: the beginning of a command that installs. pinned: matches a word with exactly one version. because: the advice for
    a word without any version. versioned: matches a word with some version or range. valued: options whose value is the next
    word. versions: options whose value is the version. settling: options that take the versions from elsewhere, such as a file
    of constraints. only_with: options without which the command installs into the project, where a lock file counts.
    """

    command: GoRegexp
    pinned: GoRegexp
    because: str
    versioned: GoRegexp | None = None
    valued: frozenset[str] = frozenset()
    versions: frozenset[str] = frozenset()
    settling: frozenset[str] = frozenset()
    only_with: frozenset[str] = frozenset()


def _beginning(expression: str) -> GoRegexp:
    """Matches the beginning of a text.

    Go's expressions take linear time. Python's may need hours for a word that somebody made for that.
    """
    return GoRegexp(f"^(?:{expression})")


def _whole(expression: str) -> GoRegexp:
    return GoRegexp(f"^(?:{expression})$")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# A program may stand behind others (`sudo`, `env X=1`), have a path, or be wrapped for cross-compiling (`xx-apk`).
_START = r"(?:^|.*[ /]|.*\bxx-)"
_NODE = _Installer(
    _beginning(rf"{_START}(?:npm(?: -\S+)* (?:install|i|add)|pnpm(?: -\S+)* (?:install|i|add))(?: |$)"),
    _whole(r".+@(?:npm:.*@)?=?v?\d+\.\d+\.\d+(?:[-+][\w.+-]+)?|.*://.*"),
    marked("It takes the newest versions; pin them with `@`."),
    versioned=_beginning(r".+@"),
    valued=_words("--prefix --registry --cache --loglevel -C --dir"),
    only_with=_words("-g --global --location=global"),
)
_INSTALLERS = (
    _NODE,
    _Installer(_beginning(rf"{_START}yarn global(?: -\S+)* add(?: |$)"), _NODE.pinned, _NODE.because, _NODE.versioned),
    _Installer(
        _beginning(rf"{_START}(?:pip[\d.]*|pipx|uv pip|uv tool)(?: -\S+)* install(?: |$)"),
        _whole(r"[^=<>!~]+={2,3}[^*,]+|.*://.*(?:@.*\d|\d\.\d|[0-9a-f]{40}).*"),
        marked("It takes the newest versions; pin them with `==`."),
        versioned=_beginning(r".*[=<>~@]"),
        valued=_words(
            "-r --requirement --requirements -e --editable -i --index-url --extra-index-url --index --default-index -f "
            "--find-links --src -t --target --prefix --root --python -p --platform --python-version --implementation --abi "
            "--timeout --retries --trusted-host --cert --cache-dir --progress-bar --no-binary --only-binary --global-option "
            "--config-settings --index-strategy --python-preference --keyring-provider --resolution --prerelease --link-mode"
        ),
        settling=_words("-c --constraint --constraints"),
    ),
    _Installer(
        _beginning(rf"{_START}cargo(?: [-+]\S+)* b?install(?: |$)"),
        _whole(r".+@=?\d+\.\d+\.\d+\S*"),
        _NEWEST,
        versioned=_beginning(r".+@"),
        valued=_words("--git --branch --root --features -F --bin --target --target-dir --profile -j --jobs --registry --index"),
        versions=_words("--version --vers"),
        settling=_words("--path --rev --tag"),
    ),
    _Installer(
        _beginning(rf"{_START}gem(?: -\S+)* install(?: |$)"),
        _whole(r".+:\d+\.\d+\S*"),
        _NEWEST,
        versioned=_beginning(r".+:"),
        valued=_words("-i --install-dir -n --bindir -s --source -P --platform"),
        versions=_words("-v --version"),
    ),
    _Installer(
        _beginning(rf"{_START}apk(?: -\S+)* add(?: |$)"),
        _whole(r"[^=~<>]+[=~][^<>]+"),
        _SERVER,
        valued=_words("-t --virtual -X --repository -p --root --arch --keys-dir --cache-dir"),
    ),
)
_GO = _beginning(rf"{_START}go(?: -\S+)* (?:install|run|get)(?: |$)")
_GO_MODULE = re.compile(r"(?P<path>\w[\w-]*\.\w[\w.-]*/[^@\s]+)@(?P<version>.+)")
# A commit is one version, too, also by its first digits.
_GO_PINNED = re.compile(r"v\d+\.\d+\.\d+\S*|[0-9a-f]{7,40}|none|.*\$.*")


def loose_installs(text: str) -> Iterator[str]:
    """For each word that a command line installs without naming one version, a sentence of advice."""
    for words in _commands(text):
        command = " ".join(words)
        for installer in _INSTALLERS:
            span = installer.command.find(command)
            if span is not None:
                yield from _advice(installer, command[span[1] :].split())
        if span := _GO.find(command):
            modules = [module for word in command[span[1] :].split() if (module := _GO_MODULE.fullmatch(word))]
            yield from (_in_range(module[0]) for module in modules if not _GO_PINNED.fullmatch(module["version"]))


def _commands(text: str) -> Iterator[list[str]]:
    """The commands of a shell's text, each as its words; spaces within quotes are left out."""
    lexer = shlex.shlex(text.replace("\n", " ; "), posix=True, punctuation_chars=";&|()`")
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        words = list(lexer)
    except ValueError:
        # A quote without an end, as in a here-document: cut by spaces alone.
        words = re.findall(r"[;&|()`]+|[^\s;&|()`]+", text)
    command: list[str] = []
    for word in (*words, ";"):
        if not set(word) <= set(";&|()`"):
            # Words are put together with spaces again, so a word must have none.
            command.append(re.sub(r"\s+", "", word))
        elif command:
            yield command
            command = []


def _advice(installer: _Installer, words: list[str]) -> Iterator[str]:
    options, packages, exact = _sort_words(installer, words)
    if options & installer.settling or exact or (installer.only_with and not options & installer.only_with):
        return
    if "--git" in options:
        yield message("It takes what the repository holds that day; name a `--rev`.")
        return
    for package in packages:
        # `@latest` is left out here, as `nondeterminism` has a sentence for it in any command.
        if _ELSEWHERE.match(package) or installer.pinned.matches(package) or package.endswith("@latest"):
            continue
        has_version = installer.versioned is not None and installer.versioned.matches(package)
        yield _in_range(package) if has_version else message(installer.because)


def _sort_words(installer: _Installer, words: list[str]) -> tuple[set[str], list[str], bool]:
    """The options, the packages, and whether an option names exactly one version."""
    options: set[str] = set()
    packages: list[str] = []
    exact = False
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if not word.startswith("-"):
            packages.append(word)
            continue
        options |= {word, name}
        if name in installer.valued | installer.versions | installer.settling:
            value = value if equals else next(rest, "")
            exact = exact or (name in installer.versions and _EXACT.fullmatch(value) is not None)
    return options, packages, exact


def _in_range(word: str) -> str:
    return message("`{word}` takes the newest that fits; name one version.", word=word)
