"""What shell commands install of which they do not name one version: ranges and tags are none.

A variable may hold a version, so what has one is left alone.
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

    command: how its installing begins. pinned: a word that names one version. because: what is wrong with a word that
    names none at all. versioned: tells a word that names some version, if not one. valued: options whose next word is
    theirs. versions: those of them that name the version. settling: options that settle versions elsewhere. only_with: an
    option without which the command is another matter.
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
    """What a text begins with. Words of others are matched, which a backtracking matcher may take hours for."""
    return GoRegexp(f"^(?:{expression})")


def _whole(expression: str) -> GoRegexp:
    return GoRegexp(f"^(?:{expression})$")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


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
_GO_PINNED = re.compile(r"v\d+\.\d+\.\d+\S*|[0-9a-f]{7,40}|none|.*\$.*")


def loose_installs(text: str) -> Iterator[str]:
    """For each word that a command line installs without naming one version, what is wrong with it."""
    for words in _commands(text):
        command = " ".join(words)
        for installer in _INSTALLERS:
            found = installer.command.find(command)
            if found is not None:
                yield from _of_installer(installer, command[found[1] :].split())
        if found := _GO.find(command):
            modules = [module for word in command[found[1] :].split() if (module := _GO_MODULE.fullmatch(word))]
            yield from (_in_range(module[0]) for module in modules if not _GO_PINNED.fullmatch(module["version"]))


def _commands(text: str) -> Iterator[list[str]]:
    """The commands of a shell's text as lists of words, without the spaces in quotes."""
    lexer = shlex.shlex(text.replace("\n", " ; "), posix=True, punctuation_chars=";&|()`")
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        words = list(lexer)
    except ValueError:
        words = re.findall(r"[;&|()`]+|[^\s;&|()`]+", text)
    command: list[str] = []
    for word in (*words, ";"):
        if not set(word) <= set(";&|()`"):
            command.append(re.sub(r"\s+", "", word))
        elif command:
            yield command
            command = []


def _of_installer(installer: _Installer, words: list[str]) -> Iterator[str]:
    options, packages, exact = _sorted_out(installer, words)
    if options & installer.settling or exact or (installer.only_with and not options & installer.only_with):
        return
    if "--git" in options:
        yield message("It takes what the repository holds that day; name a `--rev`.")
        return
    for package in packages:
        if _ELSEWHERE.match(package) or installer.pinned.matches(package) or package.endswith("@latest"):
            continue
        has_version = installer.versioned is not None and installer.versioned.matches(package)
        yield _in_range(package) if has_version else message(installer.because)


def _sorted_out(installer: _Installer, words: list[str]) -> tuple[set[str], list[str], bool]:
    """The options, what is to be installed, and whether an option names one version."""
    options: set[str] = set()
    packages: list[str] = []
    exact = False
    waiting = iter(words)
    for word in waiting:
        name, equals, value = word.partition("=")
        if not word.startswith("-"):
            packages.append(word)
            continue
        options |= {word, name}
        if name in installer.valued | installer.versions | installer.settling:
            value = value if equals else next(waiting, "")
            exact = exact or (name in installer.versions and _EXACT.fullmatch(value) is not None)
    return options, packages, exact


def _in_range(word: str) -> str:
    return message("`{word}` takes the newest that fits; name one version.", word=word)
