"""Finds `docker build` lines in Makefiles, shell scripts, package.json and GitLab's CI files.

In: the text of such a file. Out: its builds, each with the name of its place in the file: a target of make, a script of npm, or
a job. make's functions are not run, except for two that name a folder; https://www.gnu.org/software/make/manual/make.html
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .build_call import BuildCall
from .docker_command import BakeCall, ComposeCall, docker_calls
from .shell_words import WHICH, shell_commands
from .unresolved import ROOT, as_written, is_resolved, unresolved

__all__ = ["CommandBuild", "gitlab_builds", "makefile_builds", "package_builds", "script_builds"]

DEFINE = re.compile(r"^[ \t]*define\b.*?^[ \t]*endef\b.*?$", re.MULTILINE | re.DOTALL)
RULE = re.compile(r"^([^\s:=#][^:=#]*?)\s*::?(?!=)(?:\s|$|[^=])")
VARIABLE = re.compile(r"^\s*(?:export\s+|override\s+)*([A-Za-z_][\w.-]*)\s*(\?=|:::?=|::?=|\+=|!=|=)\s*(.*)$")
IN_MAKE = re.compile(r"\$(?:\(([^()$]*)\)|\{([^{}$]*)\}|([A-Za-z@<^*?%+|]))")
SHELL_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))")
INCLUDE = re.compile(r"^[ \t]*[-s]?include[ \t]+(\S+)", re.MULTILINE)
ROOT_COMMANDS = {"shell pwd": ".", "shell git rev-parse --show-toplevel": ROOT}
MOST_INCLUDES = 20
MOST_TARGETS = 50
MOST_PASSES = 12
LONGEST_VALUE = 20_000
GITLAB_KEYWORDS = frozenset(
    {
        "image",
        "services",
        "stages",
        "types",
        "before_script",
        "after_script",
        "variables",
        "cache",
        "include",
        "workflow",
        "default",
    }
    | {"spec", "pages"}
)
DEEPEST_EXTENDS = 10
MOST_LINES = 50_000


@dataclass(slots=True)
class CommandBuild:
    """A build of one command line. place: such as a make target; "" for a script, which has the file's name."""

    place: str
    call: BuildCall | BakeCall | ComposeCall


def _builds(place: str, text: str, variables: Mapping[str, str], folder: str) -> Iterator[CommandBuild]:
    # Most scripts build no image. This look at the text spares the reader of words.
    if not any(word in text for word in ("build", "bud", "bake", "--dockerfile")):
        return
    for command in shell_commands(text, variables, folder=folder):
        for call in docker_calls(command):
            yield CommandBuild(place, call)


def script_builds(text: str, path: str) -> Iterator[CommandBuild]:
    """The builds of a shell script. path: its own. The script is assumed to run in the folder of the repository."""
    own = f"{ROOT}/{posixpath.dirname(path)}".rstrip("/")
    variables = {"PWD": ".", "0": f"{ROOT}/{path}", "BASH_SOURCE": f"{ROOT}/{path}"}
    folders = (
        'dirname "$0"',
        "dirname $0",
        'dirname "${BASH_SOURCE[0]}"',
        "dirname ${BASH_SOURCE[0]}",
        'dirname "${BASH_SOURCE}"',
    )
    # The usual ways in which a script names its own folder, and the folders above it.
    for words in folders:
        variables[f"$({words})"] = own
        for rest in ("", "/..", "/../.."):
            for quote in ('"', ""):
                inside = f"{quote}$({words}){rest}{quote}"
                for end in ("pwd", "pwd -P"):
                    variables[f"$(cd {inside} && {end})"] = f"{own}{rest}"
                    variables[f"$(cd {inside}; {end})"] = f"{own}{rest}"
                    variables[f"$(cd -- {inside} && {end})"] = f"{own}{rest}"
    variables["$(git rev-parse --show-toplevel)"] = ROOT
    yield from _builds("", text, variables, ".")


def makefile_builds(text: str, path: str, included: Callable[[str], str]) -> Iterator[CommandBuild]:
    """The builds of a makefile's recipes. path: its own; make runs in the makefile's folder.

    included: gives the text of a file that it includes, by the file's path in the repository.
    """
    folder = posixpath.dirname(path) or "."
    for name in INCLUDE.findall(text)[:MOST_INCLUDES]:
        if "$" not in name:
            # Only the variables of an included file matter here: its recipes are read as its own.
            lines = included(posixpath.normpath(posixpath.join(folder, name))).split("\n")
            text = "\n".join([*(line for line in lines if VARIABLE.match(line)), text])
    variables, recipes = _read_makefile(text)
    variables |= {"CURDIR": ".", "MAKE": "make"}
    for rule, recipe in recipes:
        # A line with a variable may become a `docker build` once the variable is replaced.
        lines = [line for line in recipe if "build" in line or "bake" in line or "DOCKER" in line.upper() or "$(" in line]
        if not lines:
            continue
        targets = [one for one in _expanded(rule, variables).split() if not one.startswith(".")] or [rule]
        for target in targets[:MOST_TARGETS]:
            # Each line of a recipe is a shell of its own.
            for line in lines:
                expanded = _expanded(line.lstrip("@-+ \t"), variables | {"@": target})
                yield from _builds(as_written(target), expanded, {"PWD": "."}, folder)


def _read_makefile(text: str) -> tuple[dict[str, str], list[tuple[str, list[str]]]]:
    """The variables that have the same value under all conditions of a makefile, and its recipes by their targets."""
    values: dict[str, list[str]] = {}
    recipes: list[tuple[str, list[str]]] = []
    for line in _logical_lines(DEFINE.sub("", text))[:MOST_LINES]:
        if line.startswith("\t"):
            if recipes:
                recipes[-1][1].append(line[1:])
        elif match := VARIABLE.match(line):
            _assign(values, match)
        elif match := RULE.match(line):
            # `target: ; command` has its first line behind the semicolon.
            recipes.append((match[1], [line.partition(";")[2]]))
    agreed_values = {name: assigned[0] for name, assigned in values.items() if len(set(assigned)) == 1}
    return agreed_values, recipes


def _assign(values: dict[str, list[str]], match: re.Match[str]) -> None:
    """Notes one more value of a variable. An assignment may stand in a condition, so a value counts when all agree."""
    name, sign, value = match.groups()
    value = re.split(r"(?<!\\)\s*#", value, maxsplit=1)[0].rstrip()  # without a comment at its end
    before = values.setdefault(name, [])
    if sign == "+=" and before:
        before[-1] = f"{before[-1]} {value}"
    else:
        before.append(f"$(shell {value})" if sign == "!=" else value)


def _logical_lines(text: str) -> list[str]:
    """The lines of a makefile, with those joined that end with a backslash."""
    lines: list[str] = []
    for line in text.split("\n"):
        if lines and lines[-1].endswith("\\") and not lines[-1].endswith("\\\\"):
            before = lines[-1][:-1]
            lines[-1] = (
                f"{before}{line.removeprefix(chr(9))}" if before.startswith("\t") else f"{before.rstrip()} {line.strip()}"
            )
        else:
            lines.append(line)
    return lines


def _expanded(text: str, variables: Mapping[str, str]) -> str:
    """A recipe's line with make's variables replaced. Functions of make are marked as unresolved. `$$` is the shell's `$`."""
    # A noncharacter of Unicode keeps the place of `$$`, so that a replacement does not begin with it.
    dollar = "\ufdd3"
    text = text.replace("$$", dollar)
    for _ in range(MOST_PASSES):
        changed = IN_MAKE.sub(lambda match: _make_value(match, variables).replace("$$", dollar), text)
        if changed == text or len(changed) > LONGEST_VALUE:
            break
        text = changed
    # After all variables are replaced, each `$(…)` that is left is a function of make.
    text = _marked_functions(text)
    return text.replace(dollar, "$")


def _make_value(match: re.Match[str], variables: Mapping[str, str]) -> str:
    name = next(group for group in match.groups() if group is not None)
    if name in ROOT_COMMANDS:
        return ROOT_COMMANDS[name]
    if program := WHICH.fullmatch(name.removeprefix("shell ").strip()):
        return program[1]
    value = variables.get(name.strip())
    return unresolved(match[0]) if value is None else value


def _marked_functions(text: str) -> str:
    """The text with each `$(…)` of make marked as one unresolved part, with the parentheses inside of it."""
    parts: list[str] = []
    at = 0
    while (start := min((place for sign in ("$(", "${") if (place := text.find(sign, at)) >= 0), default=-1)) >= 0:
        opens = text[start + 1]
        closes = ")" if opens == "(" else "}"
        depth, end = 0, start + 1
        while end < len(text):
            depth += (text[end] == opens) - (text[end] == closes)
            end += 1
            if depth == 0:
                break
        parts += [text[at:start], unresolved(text[start:end])]
        at = end
    return "".join([*parts, text[at:]])


def package_builds(text: str, path: str) -> Iterator[CommandBuild]:
    """The builds of the scripts in a package.json. npm runs them in the folder of that file."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return
    scripts = document.get("scripts") if isinstance(document, dict) else None
    for name, script in scripts.items() if isinstance(scripts, dict) else ():
        if isinstance(script, str):
            yield from _builds(str(name), script, {"PWD": "."}, posixpath.dirname(path) or ".")


def gitlab_builds(document: Any) -> Iterator[CommandBuild]:
    """The builds of the jobs in a file of GitLab CI. https://docs.gitlab.com/ci/yaml/"""
    if not isinstance(document, dict):
        return
    common = _gitlab_variables(document.get("variables"))
    for name, job in document.items():
        if name in GITLAB_KEYWORDS or not isinstance(job, dict) or str(name).startswith("."):
            continue
        # A job's own keys win over those of the jobs that it extends, but variables are merged.
        whole = _extended(document, job, 0)
        variables = {"CI_PROJECT_DIR": ROOT, "PWD": ".", **common, **_gitlab_variables(whole.get("variables"))}
        for key, value in variables.items():
            variables[key] = _with_variables(value, variables)
        default = document.get("default")
        before = whole.get("before_script") or (default.get("before_script") if isinstance(default, dict) else None)
        lines = _script_lines(before or document.get("before_script")) + _script_lines(whole.get("script"))
        yield from _builds(str(name), "\n".join(lines), variables, ".")


def _with_variables(value: str, variables: Mapping[str, str]) -> str:
    """The value of a variable with the variables in it replaced; those that only a run would know stay marked."""

    def replaced(match: re.Match[str]) -> str:
        return variables.get(match[1] or match[2], unresolved(match[0]))

    # A variable may name others, and a circle of them must end.
    for _ in range(3):
        if not is_resolved(value) or len(value) > LONGEST_VALUE:
            break
        value = SHELL_VARIABLE.sub(replaced, value)
    return value


def _gitlab_variables(node: Any) -> dict[str, str]:
    values = {}
    for name, value in node.items() if isinstance(node, dict) else ():
        inner = value.get("value") if isinstance(value, dict) else value
        if isinstance(inner, str):
            values[str(name)] = inner
    return values


def _script_lines(node: Any, depth: int = 0) -> list[str]:
    """The lines of a script, which may hold lists of lists. A reference to another job's script is left out."""
    if isinstance(node, str):
        return [node]
    if not isinstance(node, list) or depth > DEEPEST_EXTENDS:
        return []
    return [line for one in node for line in _script_lines(one, depth + 1)]


def _extended(document: dict[str, Any], job: dict[str, Any], depth: int) -> dict[str, Any]:
    """A job with the keys of those that it extends."""
    parents = job.get("extends")
    names = parents if isinstance(parents, list) else [parents] if isinstance(parents, str) else []
    whole: dict[str, Any] = {}
    for name in names:
        parent = document.get(name)
        if isinstance(parent, dict) and depth < DEEPEST_EXTENDS:
            above = _extended(document, parent, depth + 1)
            whole |= above | {"variables": {**_mapping(whole.get("variables")), **_mapping(above.get("variables"))}}
    return whole | job | {"variables": {**_mapping(whole.get("variables")), **_mapping(job.get("variables"))}}


def _mapping(node: Any) -> dict[str, Any]:
    return node if isinstance(node, dict) else {}
