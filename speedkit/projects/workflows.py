"""Reads workflows of GitHub Actions, and of Gitea and Forgejo, which have the same format.

In: the text of a workflow. Out: the builds of its `docker/build-push-action` and `docker/bake-action` steps, and its `run:`
lines. Only expressions whose value stands in the file itself are resolved: `env.X`, `matrix.x`, `github.workspace`.
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

from speedkit.messages import message

from .build_call import BuildCall, is_remote
from .docker_command import BakeCall, ComposeCall, docker_calls
from .shell_words import shell_commands
from .unresolved import ROOT, is_resolved, unresolved

__all__ = ["WorkflowBuild", "workflow_builds"]

MOST_COMBINATIONS = 256
"""GitHub's own limit for a matrix."""
EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
DEFAULT_CONTEXT = re.compile(r"\{\{\s*defaultContext\s*\}\}:?")
REFERENCE = re.compile(r"[A-Za-z_][\w-]*(?:\.[\w-]+|\[['\"][\w-]+['\"]\])*")
LITERAL = re.compile(r"'((?:[^']|'')*)'|(-?\d+(?:\.\d+)?|true|false)")
MATRIX_KEYS = re.compile(r"matrix\.([\w.-]+)")
ENVIRONMENT_FILE = re.compile(r"([A-Za-z_]\w*)=.*GITHUB_ENV")
LONGEST_EXPRESSION = 2_000
MOST_CALLERS = 4
"""GitHub's own limit for workflows that call each other."""
MOST_STEPS = 3_000
"""Of one workflow, in all combinations of its matrices and of those of its callers."""


@dataclass(slots=True)
class WorkflowBuild:
    """A build of a job.

    qualifiers: texts that may tell it from the job's other builds, by their kinds. called: the workflow of this repository that
    has the job, where another workflow calls it. action: the action of this repository that has the step. Both as in `uses`.
    """

    job: str
    qualifiers: dict[str, str]
    call: BuildCall | BakeCall | ComposeCall
    is_action: bool
    called: str = ""
    action: str = ""


@dataclass(slots=True)
class _Limits:
    """The present depth of callers, and the steps that may still be read: each caller may have a matrix of its own."""

    depth: int = 0
    steps: int = MOST_STEPS

    def take(self) -> bool:
        self.steps -= 1
        return self.steps >= 0


@dataclass(slots=True)
class _Scope:
    """The values that the expressions of a step may name. inputs: None for a workflow without a caller."""

    environment: dict[str, str]
    matrix: Mapping[str, Any]
    inputs: Mapping[str, str] | None = None

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
        value: Any = {"env": self.environment, "matrix": self.matrix, "inputs": self.inputs}.get(first)
        for part in path:
            value = value.get(part) if isinstance(value, Mapping) else None
        return value if isinstance(value, str) else unresolved(match[0])


Called = Callable[[str], Any]
"""Gives the document of a workflow or an action that another one names, such as `./.github/workflows/x.yml`."""


def workflow_builds(
    document: Any, called: Called, inputs: Mapping[str, str] | None = None, limits: _Limits | None = None
) -> Iterator[WorkflowBuild]:
    """The builds of a workflow, or of a composite action.

    inputs: the ones from a caller. limits: the rest that the callers left of them.
    """
    limits = limits or _Limits()
    if not isinstance(document, dict) or limits.depth > MOST_CALLERS:
        return
    jobs = document.get("jobs")
    runs = document.get("runs")
    if isinstance(runs, dict) and isinstance(runs.get("steps"), list):
        jobs = {"": {"steps": runs["steps"]}}
    for name, job in jobs.items() if isinstance(jobs, dict) else ():
        if isinstance(job, dict):
            yield from _Job(document, str(name), job, called, inputs, limits).builds()


@dataclass(slots=True)
class _Job:
    """A job of a workflow. called, inputs, limits: as in `workflow_builds`."""

    workflow: dict[str, Any]
    name: str
    job: dict[str, Any]
    called: Called
    inputs: Mapping[str, str] | None
    limits: _Limits

    def builds(self) -> Iterator[WorkflowBuild]:
        combinations = _combinations(self.job.get("strategy"))
        if str(self.job.get("uses") or "").startswith("./"):
            for matrix in combinations:
                values = _matrix_values({"with": self.job.get("with")}, self.job, matrix)
                path, scope = str(self.job["uses"]), self._scope(matrix, {})
                for one in self._of_called(path, self.job.get("with"), scope, "workflow_call"):
                    one.called, one.qualifiers = one.called or path, {"caller": self.name} | values | one.qualifiers
                    yield one

        # The same build in several combinations of the matrix is one build, when nothing in it depends on the matrix.
        steps = [step for step in _list(self.job.get("steps")) if isinstance(step, dict)]
        checkout, other = _checkout(steps)
        for step in steps:
            earlier_calls: list[object] = []
            for matrix in combinations:
                for one in self._of_step(step, matrix):
                    if isinstance(one.call, BuildCall):
                        _without_checkout(one.call, checkout)
                        one.call.problem = other and message("its job builds another repository: {name}", name=other)
                    if one.call not in earlier_calls and not (other and not isinstance(one.call, BuildCall)):
                        earlier_calls.append(one.call)
                        yield one

    def _of_step(self, step: dict[str, Any], matrix: Mapping[str, Any]) -> Iterator[WorkflowBuild]:
        uses = str(step.get("uses") or "")
        if (not uses.startswith("./") and _reader_of(step) is None) or not self.limits.take():
            return
        scope = self._scope(matrix, step)
        values = _matrix_values(step, self.job, matrix)
        if uses.startswith("./"):
            for one in self._of_called(uses, step.get("with"), scope, "inputs"):
                one.job, one.action = self.name, one.action or uses
                one.qualifiers = values | one.qualifiers | _qualifiers(step, one.call)
                yield one
        elif (reader := _reader_of(step)) is not None:
            own_folder = scope.text(step.get("working-directory"))
            folder = own_folder or _default_folder(self.job, scope) or _default_folder(self.workflow, scope) or "."
            for call, is_action in reader(step, scope, folder):
                yield WorkflowBuild(self.name, values | _qualifiers(step, call), call, is_action)

    def _of_called(self, path: str, arguments: Any, scope: _Scope, declares: str) -> Iterator[WorkflowBuild]:
        """The builds of a workflow or action of this repository. arguments: the caller's `with`."""
        if not self.limits.take():
            return
        document = self.called(path)
        declared = document.get("inputs") if isinstance(document, dict) else None
        if declares == "workflow_call" and isinstance(document, dict):
            triggers = document.get("on")
            call = triggers.get(declares) if isinstance(triggers, dict) else None
            declared = call.get("inputs") if isinstance(call, dict) else None
        # An input without a value is empty text.
        inputs = {
            str(name): str(one.get("default", "")) if isinstance(one, dict) else ""
            for name, one in (declared.items() if isinstance(declared, dict) else ())
        }
        inputs |= {str(name): scope.text(value) for name, value in arguments.items()} if isinstance(arguments, dict) else {}
        self.limits.depth += 1
        yield from workflow_builds(document, self.called, inputs, self.limits)
        self.limits.depth -= 1

    def _scope(self, matrix: Mapping[str, Any], step: dict[str, Any]) -> _Scope:
        scope = _Scope({}, matrix, self.inputs)
        for source in (self.workflow.get("env"), self.job.get("env"), step.get("env")):
            if isinstance(source, dict):
                scope.environment |= {str(key): scope.text(value) for key, value in source.items()}
        # A step may set variables for later steps, through the file GITHUB_ENV. Their values exist only in a run.
        texts = [
            one["run"] for one in _list(self.job.get("steps")) if isinstance(one, dict) and isinstance(one.get("run"), str)
        ]
        written = {match[1] for text in texts for match in ENVIRONMENT_FILE.finditer(text)}
        scope.environment |= {key: unresolved(f"${{{{ env.{key} }}}}") for key in written}
        return scope


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


def _checkout(steps: list[dict[str, Any]]) -> tuple[str, str]:
    """The folder of the project's checkout, "" for the workspace; and the repository that the job checks out in its place."""
    other = ""
    for step in steps:
        inputs = step.get("with")
        if not str(step.get("uses", "")).startswith("actions/checkout@"):
            continue
        path = str(inputs.get("path") or "") if isinstance(inputs, dict) else ""
        repository = str(inputs.get("repository") or "") if isinstance(inputs, dict) else ""
        # A job may also check out another repository beside the project, in a folder of its own.
        if not repository or "github.repository" in repository:
            return posixpath.normpath(path) if path and not EXPRESSION.search(path) else "", ""
        if not path:
            other = repository
    return "", other


def _without_checkout(call: BuildCall, folder: str) -> None:
    """Makes paths of the project from those of a call, where the project is checked out in a folder of the workspace."""
    if not folder:
        return
    for name in ("context", "file", "folder"):
        path = getattr(call, name)
        if isinstance(path, str) and is_resolved(path) and (posixpath.normpath(path) + "/").startswith(f"{folder}/"):
            setattr(call, name, posixpath.normpath(path).removeprefix(folder).lstrip("/") or ".")


def _combinations(strategy: Any) -> list[Mapping[str, Any]]:
    """The combinations of a job's matrix; a single empty one for a job without a matrix, or with one that an expression gives.

    https://docs.github.com/actions/reference/workflow-syntax-for-github-actions#jobsjob_idstrategymatrix
    """
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
        # An expression in place of the list gives its entries only in a run.
        if not isinstance(extra, dict):
            continue
        # GitHub's rule: an entry is added to each combination whose original values it does not change. An entry that fits no
        # combination becomes one by itself.
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
        value: Any = matrix
        for part in key.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if isinstance(value, str):
            values[f"matrix {key}"] = value
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
    arguments = step.get("with")
    inputs = {str(key): scope.text(value) for key, value in arguments.items()} if isinstance(arguments, dict) else {}
    context = inputs.get("context", "").strip()
    # Without a context, the builder clones the repository at the commit, so the context is the files in git.
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
    # The values are GitHub's secrets, which no file has.
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
    """The entries of an input, one a line. commas: a comma separates entries too. Quotes around an entry are not part of it."""
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
    arguments = step.get("with")
    inputs = {str(key): scope.text(value) for key, value in arguments.items()} if isinstance(arguments, dict) else {}
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
