"""The commits of the sample history: half a year of a small team at the service of the sample app.

It has what such histories have: many commits change sources, others only tests, documents, the web page, or settings of CI and
of the deployment, and some a dependency. The Dockerfile grows, and gets its `.dockerignore` late. In the end it can still be
made quicker. The program of each commit can be built.

Everything follows from this module, the texts in `sample_commits.toml` and the files of the sample app: no clock, no random
numbers, no setting of the machine.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from speedkit.git_history import NewCommit

__all__ = ["COMMITS", "sample_commits"]

COMMITS = 200
_START = int(datetime(2025, 1, 6, tzinfo=UTC).timestamp())
"""A Monday."""
_WORKDAYS = 130
_FIRST_ENDPOINTS = 2
_FIRST_LIMIT, _LIMIT_STEP = 200, 100


def sample_commits(sample: Mapping[str, str]) -> Iterator[NewCommit]:
    """All commits, oldest first. sample: the texts of the sample app's `main.go`, `go.mod`, `go.sum` and `README.md`."""
    project = _Project(sample)
    before = project.files()
    yield _commit(0, _texts()["subjects"]["first"], before)
    # Each kind is spread evenly over the history.
    counts: dict[str, int] = _texts()["counts"]
    places = sorted((100_000 * (2 * place + 1) // count, kind) for kind, count in counts.items() for place in range(count))
    for number, (_, kind) in enumerate(places, 1):
        subject = project.change(kind, number)
        after = project.files()
        yield _commit(number, subject, {path: text for path, text in after.items() if before.get(path) != text})
        before = after


@cache
def _texts() -> dict[str, Any]:
    return tomllib.loads(files("speedkit.apps").joinpath("sample_commits.toml").read_text(encoding="utf-8"))


def _commit(number: int, subject: str, texts: Mapping[str, str]) -> NewCommit:
    """A commit on a workday, later than those before it. texts: of the files that it changes."""
    day = number * _WORKDAYS // COMMITS
    place_in_day = number - -(-day * COMMITS // _WORKDAYS)
    minutes = 60 * (9 + 4 * place_in_day) + _pick(200, "minute", number)
    seconds = _START + 86_400 * (day + day // 5 * 2) + 60 * minutes
    authors = _texts()["authors"]
    author, email = authors[_pick(len(authors), "author", number)]
    return NewCommit(author, email, seconds, subject, texts)


def _pick(count: int, *reason: object) -> int:
    """A number below `count` that looks random and is the same everywhere, which `random` does not promise for all Pythons."""
    return int.from_bytes(sha256(repr(reason).encode()).digest()[:4]) % count


@dataclass
class _Project:
    """What the files of the project follow from, at one commit.

    limits: by endpoint, how many bytes it takes. cases: by endpoint, how many texts its test has. updates: versions of modules.
    minor: of the newest release. dockerfile: the number of its version.
    """

    sample: Mapping[str, str]
    limits: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(list(_texts()["endpoints"])[:_FIRST_ENDPOINTS], _FIRST_LIMIT)
    )
    cases: dict[str, int] = field(default_factory=dict)
    sentences: list[tuple[str, str]] = field(default_factory=list)
    updates: list[list[str]] = field(default_factory=list)
    minor: int = 1
    dockerfile: int = 0
    has_ignore_file: bool = False
    settings: dict[str, int] = field(default_factory=lambda: {name: one["first"] for name, one in _texts()["settings"].items()})

    def change(self, kind: str, number: int) -> str:
        """Change the project as the commit of a number does. Out: the subject of the commit."""
        texts = _texts()
        values: dict[str, object] = {}
        match kind:
            case "document":
                # One document gets all topics, and then the next one does.
                round_number, place = divmod(len(self.sentences), len(texts["topics"]))
                topic = list(texts["topics"])[place]
                values = {"document": texts["documents"][round_number], "topic": topic}
                self.sentences.append((texts["documents"][round_number], texts["topics"][topic]))
            case "release":
                self.minor += 1
                values = {"minor": self.minor}
            case "dependency":
                self.updates.append(texts["dependencies"][len(self.updates)])
                values = {"module": self.updates[-1][0], "version": self.updates[-1][1]}
            case "dockerfile":
                self.dockerfile += 1
                return str(texts["dockerfiles"][self.dockerfile]["subject"])
            case "ignore":
                self.has_ignore_file = True
            case "endpoint":
                name = list(texts["endpoints"])[len(self.limits)]
                self.limits[name] = _FIRST_LIMIT
                values = {"name": name}
            case "limit" | "test":
                name = list(self.limits)[_pick(len(self.limits), kind, number)]
                if kind == "test":
                    self.cases[name] = self.cases.get(name, 0) + 1
                else:
                    self.limits[name] += _LIMIT_STEP
                values = {"name": name, "limit": self.limits[name]}
            case _:
                names = [name for name, setting in texts["settings"].items() if setting["kind"] == kind]
                name = names[_pick(len(names), kind, number)]
                self.settings[name] += texts["settings"][name]["step"]
                return str(texts["settings"][name]["subject"].format(value=self.settings[name]))
        return str(texts["subjects"][kind].format_map(values))

    def files(self) -> dict[str, str]:
        """The text of each file."""
        texts: dict[str, Any] = _texts()["texts"]
        values = {**self.settings, "minor": self.minor}
        releases = "".join(texts["release"].format(minor=minor) for minor in range(self.minor, 0, -1))
        endpoints = {name: _texts()["endpoints"][name] | {"name": name, "title": name.capitalize()} for name in self.limits}
        api = "".join(texts["endpoint"].format(**endpoints[name], limit=limit) for name, limit in self.limits.items())
        own = {
            "main.go": self._main(),
            "go.mod": self._go_mod(),
            "go.sum": self._go_sum(),
            "version.go": texts["version"].format_map(values),
            "Dockerfile": _texts()["dockerfiles"][self.dockerfile]["text"],
            "README.md": self.sample["README.md"],
            "docs/operations.md": texts["operations"],
            "docs/api.md": texts["api"] + api,
            "CHANGELOG.md": texts["changelog"] + releases,
            ".github/workflows/test.yml": texts["ci"].format_map(values),
            "deploy/deployment.yaml": texts["deployment"].format_map(values),
            "web/index.html": texts["page"].format_map(values),
            "web/style.css": texts["style"].format_map(values),
            "web/app.js": texts["script"].format_map(values),
        }
        for document, sentence in self.sentences:
            own[document] += f"\n{sentence}\n"
        for name, limit in self.limits.items():
            imports = "".join(f'\t"{one}"\n' for one in sorted([*endpoints[name]["imports"], "net/http"]))
            own[f"{name}.go"] = texts["handler"].format_map(endpoints[name] | {"limit": limit, "imports": imports})
        for name, count in self.cases.items():
            cases = ", ".join(f'"text{number}"' for number in range(1, count + 1))
            own[f"{name}_test.go"] = texts["test"].format_map(endpoints[name] | {"cases": cases})
        own |= {code["file"]: code["text"] for code in self._code}
        return own | ({".dockerignore": texts["ignore_file"]} if self.has_ignore_file else {})

    @property
    def _code(self) -> list[dict[str, str]]:
        """What uses the modules that are not those of the sample app."""
        modules = {module for module, *_ in self.updates}
        return [code for module, code in _texts()["code"].items() if module in modules]

    def _main(self) -> str:
        texts: dict[str, Any] = _texts()["texts"]
        routes = [texts["route"].format(name=name, title=name.capitalize()) for name in self.limits]
        # In Gin, what is used counts for the routes after it.
        lines = [*(code["line"] for code in self._code), texts["sample_route"], *routes, *texts["other_routes"]]
        return self.sample["main.go"].replace(texts["sample_route"], "\n\t".join(lines))

    def _versions(self) -> dict[str, list[str]]:
        """The newest update of each module."""
        return {update[0]: update for update in self.updates}

    def _go_mod(self) -> str:
        before, _, gin_and_rest = self.sample["go.mod"].partition("require ")
        gin, _, rest = gin_and_rest.partition("\n")
        lines = sorted([gin, *(f"{module} {version}" for module, version, *_ in self._versions().values())])
        return f"{before}require (\n" + "".join(f"\t{line}\n" for line in lines) + f")\n{rest}"

    def _go_sum(self) -> str:
        lines = self.sample["go.sum"].splitlines()
        for module, version, content_hash, mod_hash in self._versions().values():
            place = next((place for place, line in enumerate(lines) if line.partition(" ")[0] > module), len(lines))
            lines[place:place] = [f"{module} {version} h1:{content_hash}", f"{module} {version}/go.mod h1:{mod_hash}"]
        return "\n".join(lines) + "\n"
