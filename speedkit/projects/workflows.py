"""Reads workflows of GitHub Actions, and of Gitea and Forgejo, which have the same format.

In: the text of a workflow. Out: the builds of its `docker/build-push-action` and `docker/bake-action` steps, and its `run:`
lines. Of expressions, only those are known whose value the file itself gives: `env.X`, `matrix.x`, `github.workspace`.
https://docs.github.com/actions/reference/workflow-syntax-for-github-actions
"""

from __future__ import annotations

import csv
import itertools
import json
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .build_call import BuildCall, is_remote
from .docker_command import BakeCall, ComposeCall, docker_calls
from .shell_words import shell_commands
from .unresolved import ROOT, is_resolved, unresolved

__all__ = ["WorkflowBuild", "workflow_builds"]

MOST_COMBINATIONS = 256
"""As GitHub has it."""
EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
DEFAULT_CONTEXT = re.compile(r"\{\{\s*defaultContext\s*\}\}:?")
REFERENCE = re.compile(r"[A-Za-z_][\w-]*(?:\.[\w-]+|\[['\"][\w-]+['\"]\])*")
LITERAL = re.compile(r"'((?:[^']|'')*)'|(-?\d+(?:\.\d+)?|true|false)")
MATRIX_KEYS = re.compile(r"matrix\.([\w.-]+)")
ENVIRONMENT_FILE = re.compile(r"([A-Za-z_]\w*)=.*GITHUB_ENV")
LONGEST_EXPRESSION = 2_000


@dataclass(slots=True)
class WorkflowBuild:
    """A build of a job. qualifiers: what may tell it from the job's other builds, by what it is."""

    job: str
    qualifiers: dict[str, str]
    call: BuildCall | BakeCall | ComposeCall
    is_action: bool


@dataclass(slots=True)
class _Scope:
    """What the expressions of a step may name."""

    environment: dict[str, str]
    matrix: Mapping[str, Any]

    def text(self, text: object) -> str:
        """A text with its expressions replaced by their values, or marked."""
        return EXPRESSION.sub(self._value, text) if isinstance(text, str) else ""

    def _value(self, match: re.Match[str]) -> str:
        inside = match[1].strip()
        if len(inside) > LONGEST_EXPRESSION:
            return unresolved(match[0])
        if literal := LITERAL.fullmatch(inside):
            return literal[1].replace("''", "'") if literal[1] is not None else literal[2]
        if inside == "github.workspace":
            return ROOT
        if REFERENCE.fullmatch(inside) is None:
            return unresolved(match[0])
        first, *path = re.findall(r"[\w-]+", inside)
        found: Any = {"env": self.environment, "matrix": self.matrix}.get(first)
        for part in path:
            found = found.get(part) if isinstance(found, Mapping) else None
        return found if isinstance(found, str) else unresolved(match[0])


def workflow_builds(document: Any) -> Iterator[WorkflowBuild]:
    """The builds of a workflow, or of a composite action."""
    if not isinstance(document, dict):
        return
    jobs = document.get("jobs")
    runs = document.get("runs")
    if isinstance(runs, dict) and isinstance(runs.get("steps"), list):
        jobs = {"": {"steps": runs["steps"]}}
    for name, job in jobs.items() if isinstance(jobs, dict) else ():
        if isinstance(job, dict):
            yield from _builds_of_job(document, str(name), job)


def _builds_of_job(workflow: dict[str, Any], name: str, job: dict[str, Any]) -> Iterator[WorkflowBuild]:
    steps = [step for step in _list(job.get("steps")) if isinstance(step, dict)]
    written = {
        match[1] for step in steps if isinstance(step.get("run"), str) for match in ENVIRONMENT_FILE.finditer(step["run"])
    }
    checkout = _checkout_folder(steps)
    for step in steps:
        reader = _reader_of(step)
        if reader is None:
            continue
        seen: list[object] = []
        for matrix in _combinations(job.get("strategy")):
            scope = _Scope({}, matrix)
            for source in (workflow.get("env"), job.get("env"), step.get("env")):
                if isinstance(source, dict):
                    scope.environment |= {str(key): scope.text(value) for key, value in source.items()}
            scope.environment |= {key: unresolved(f"${{{{ env.{key} }}}}") for key in written}
            folder = (
                scope.text(step.get("working-directory"))
                or _default_folder(job, scope)
                or _default_folder(workflow, scope)
                or "."
            )
            for call, is_action in reader(step, scope, folder):
                if checkout and isinstance(call, BuildCall):
                    _without_checkout(call, checkout)
                if call in seen:
                    continue
                seen.append(call)
                qualifiers = _matrix_values(step, job, matrix) | _qualifiers(step, call)
                yield WorkflowBuild(name, qualifiers, call, is_action)


def _qualifiers(step: dict[str, Any], call: BuildCall | BakeCall | ComposeCall) -> dict[str, str]:
    name = re.sub(r"[^a-z0-9]+", "-", EXPRESSION.sub("", str(step.get("name") or "")).lower()).strip("-")
    qualifiers = {"id": str(step.get("id") or ""), "step": name}
    if isinstance(call, BuildCall):
        qualifiers |= {"target": call.target or "", "tag": next(iter(call.tags), "")}
    return qualifiers


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _default_folder(of: dict[str, Any], scope: _Scope) -> str:
    defaults = of.get("defaults")
    run = defaults.get("run") if isinstance(defaults, dict) else None
    return scope.text(run.get("working-directory")) if isinstance(run, dict) else ""


def _checkout_folder(steps: list[dict[str, Any]]) -> str:
    """The folder that the project itself is checked out into; "" for the workspace."""
    for step in steps:
        inputs = step.get("with")
        if str(step.get("uses", "")).startswith("actions/checkout@") and isinstance(inputs, dict):
            path = inputs.get("path")
            if isinstance(path, str) and "repository" not in inputs and EXPRESSION.search(path) is None:
                return posixpath.normpath(path)
    return ""


def _without_checkout(call: BuildCall, folder: str) -> None:
    """Paths as they are in the project, which the workflow has in a folder of its workspace."""
    for name in ("context", "file", "folder"):
        path = getattr(call, name)
        if isinstance(path, str) and is_resolved(path) and (posixpath.normpath(path) + "/").startswith(f"{folder}/"):
            setattr(call, name, posixpath.normpath(path).removeprefix(folder).lstrip("/") or ".")


def _combinations(strategy: Any) -> list[Mapping[str, Any]]:
    """The combinations of a job's matrix; a single empty one for a job without one, or whose matrix only its run knows."""
    matrix = strategy.get("matrix") if isinstance(strategy, dict) else None
    if not isinstance(matrix, dict):
        return [{}]
    axes = {key: value for key, value in matrix.items() if key not in ("include", "exclude") and isinstance(value, list)}
    products = itertools.islice(itertools.product(*axes.values()), MOST_COMBINATIONS) if axes else ()
    combinations: list[dict[str, Any]] = [dict(zip(axes, values, strict=True)) for values in products]
    excluded = [one for one in _list(matrix.get("exclude")) if isinstance(one, dict)]
    combinations = [
        one for one in combinations if not any(all(one.get(key) == value for key, value in out.items()) for out in excluded)
    ]
    originals = [dict(one) for one in combinations]
    for extra in _list(matrix.get("include"))[:MOST_COMBINATIONS]:
        if not isinstance(extra, dict):
            continue
        # An entry joins each combination of which it changes no original value; one that joins none is a combination itself.
        joined = False
        for one, original in zip(combinations, originals, strict=False):
            if all(original.get(key, value) == value for key, value in extra.items()):
                one |= extra
                joined = True
        if not joined:
            combinations.append(dict(extra))
    return [*combinations[:MOST_COMBINATIONS]] or [{}]


def _matrix_values(step: dict[str, Any], job: dict[str, Any], matrix: Mapping[str, Any]) -> dict[str, str]:
    """The values of the matrix that a step uses, by their names."""
    values = {}
    for key in dict.fromkeys(MATRIX_KEYS.findall(json.dumps([step, job.get("env"), job.get("defaults")]))):
        found: Any = matrix
        for part in key.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        if isinstance(found, str):
            values[f"matrix {key}"] = found
    return values


_Call = BuildCall | BakeCall | ComposeCall
_StepReader = Callable[[dict[str, Any], _Scope, str], Iterator[tuple[_Call, bool]]]


def _reader_of(step: dict[str, Any]) -> _StepReader | None:
    uses = str(step.get("uses") or "").partition("@")[0]
    if uses.endswith("/build-push-action"):
        return _build_action
    if uses.endswith("/bake-action"):
        return _bake_action
    return _run_lines if isinstance(step.get("run"), str) else None


def _build_action(step: dict[str, Any], scope: _Scope, _folder: str) -> Iterator[tuple[_Call, bool]]:
    """https://github.com/docker/build-push-action#inputs."""
    given = step.get("with")
    inputs = {str(key): scope.text(value) for key, value in given.items()} if isinstance(given, dict) else {}
    context = inputs.get("context", "").strip()
    # Without a context, the action lets the builder clone the repository at the commit: the files that git has.
    in_context = not context or DEFAULT_CONTEXT.match(context) is not None
    call = BuildCall(
        context=DEFAULT_CONTEXT.sub("", context) or "." if in_context else context,
        file=inputs.get("file") or None,
        file_in_context=in_context or is_remote(context),
        target=inputs.get("target") or None,
        platforms=_entries(inputs.get("platforms", ""), commas=True),
        cache_from=_entries(inputs.get("cache-from", "")),
        cache_to=_entries(inputs.get("cache-to", "")),
        tags=_entries(inputs.get("tags", ""), commas=True),
        ssh=_entries(inputs.get("ssh", "")),
        add_hosts=_entries(inputs.get("add-hosts", ""), commas=True),
        ulimits=_entries(inputs.get("ulimit", "")),
        network=inputs.get("network") or None,
        shm_size=inputs.get("shm-size") or None,
        publishes=inputs.get("push", "").strip().lower() not in ("", "false") or "type=registry" in inputs.get("outputs", ""),
        without_cache=inputs.get("no-cache", "").strip().lower() == "true",
    )
    for entry in _entries(inputs.get("build-args", "")):
        name, equals, value = entry.partition("=")
        call.build_args[name] = value if equals else None
    for entry in _entries(inputs.get("labels", "")):
        if is_resolved(entry):
            name, _, value = entry.partition("=")
            call.labels[name] = value
        else:
            call.not_resolved["label"] = entry
    for entry in _entries(inputs.get("build-contexts", "")):
        name, _, value = entry.partition("=")
        call.named_contexts[name] = value
    for entry in _entries(inputs.get("secrets", "")):
        name, _, value = entry.partition("=")
        call.not_resolved[f"secret {name}"] = value
    call.secrets += [f"id={name},env={value}" for name, _, value in _pairs(inputs.get("secret-envs", ""))]
    call.secrets += [f"id={name},src={value}" for name, _, value in _pairs(inputs.get("secret-files", ""))]
    yield call, True


def _pairs(text: str) -> Iterator[tuple[str, str, str]]:
    for entry in _entries(text):
        yield entry.partition("=")


def _entries(text: str, *, commas: bool = False) -> list[str]:
    """The entries of an input, one a line. commas: they separate, too. Quotes around an entry are not part of it."""
    entries: list[str] = []
    for line in text.split("\n"):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if commas and is_resolved(line):
            entries += next(csv.reader([line.strip()], skipinitialspace=True), [])
        elif line.strip().startswith('"') and line.strip().endswith('"'):
            entries.append(line.strip()[1:-1].replace('""', '"'))
        else:
            entries.append(line.strip())
    return [entry.strip() for entry in entries if entry.strip()]


def _bake_action(step: dict[str, Any], scope: _Scope, _folder: str) -> Iterator[tuple[_Call, bool]]:
    """https://github.com/docker/bake-action#inputs."""
    given = step.get("with")
    inputs = {str(key): scope.text(value) for key, value in given.items()} if isinstance(given, dict) else {}
    source = inputs.get("source", "").strip()
    yield (
        BakeCall(
            folder=inputs.get("workdir", "").strip()
            or (source if source and is_resolved(source) and not is_remote(source) else "."),
            files=_entries(inputs.get("files", ""), commas=True),
            targets=_entries(inputs.get("targets", ""), commas=True),
            overrides=_entries(inputs.get("set", "")),
            environment=dict(scope.environment),
            publishes=inputs.get("push", "").strip().lower() not in ("", "false"),
        ),
        True,
    )


def _run_lines(step: dict[str, Any], scope: _Scope, folder: str) -> Iterator[tuple[_Call, bool]]:
    if not any(word in step["run"] for word in ("build", "bake", "--dockerfile")):
        return
    variables = {"GITHUB_WORKSPACE": ROOT, "PWD": ".", **scope.environment}
    for command in shell_commands(scope.text(step["run"]), variables, folder=folder):
        for call in docker_calls(command):
            if isinstance(call, BakeCall):
                call.environment = scope.environment | call.environment
            yield call, False
