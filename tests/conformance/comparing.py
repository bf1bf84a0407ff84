"""Builds a project and its edits one after the other, and compares each build with its forecast."""

from __future__ import annotations

import re
import tempfile
import uuid
from collections import Counter
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from speedkit.builds.build_inputs import dockerfile_text
from speedkit.cache import CacheModel, Situation
from speedkit.causes import BackslashInPath, MissingFile, cause_kind
from speedkit.context import read_context
from speedkit.dockerfile import read_dockerfile
from speedkit.errors import DockerfileError, SpeedkitError
from speedkit.words.causes import cause_sentences
from tests.conformance.building import build, makes_links, observed_steps
from tests.conformance.which_step import base_facts, unclear_lines, wrong_step

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from speedkit.cache import BaseImage, Forecast, StepForecast
    from speedkit.context import Manifest
    from tests.conformance.building import Observed
    from tests.conformance.which_step import WrongStep

__all__ = [
    "Buildable",
    "Disagreement",
    "Listed",
    "Tally",
    "can_be_read",
    "isolated",
    "repeated_disagreement",
    "run_sequence",
]

_UNIQUE_LINE = "COPY --from=speedkit-token token /.token"


class Buildable(Protocol):
    """What is built and forecast. edit: what made it of the one before. extra: the one file of the named context `extra`."""

    build_args: dict[str, str]
    target: str | None
    options: dict[str, str]
    extra: str
    edit: str

    def dockerfile(self) -> str: ...

    def write(self, folder: Path, before: Buildable | None) -> None:
        """Makes the folder hold the files; `before` is what it holds."""


class Listed(NamedTuple):
    """One line of a forecast. because: the kind of reason. happened: "" for what BuildKit does not report."""

    edit: str
    keyword: str
    forecast: str
    because: str
    happened: str


@dataclass
class Tally:
    """What was compared. failed: builds that ended in an error, which are left out. unseen: steps not reported.

    refused: Dockerfiles that the forecast and BuildKit both reject. shared: linked copies that another project of the
    run had made already: they stand alone, so nothing keeps one project's from another's.
    told: lines whose vertex was held against what BuildKit says of it. unclear: those that could not be told apart.
    not_repeated: disagreements that were none when the same was built again. listed: how often a forecast had a line of
    a kind, those left out that only keep builds apart.
    """

    pairs: int = 0
    firsts: int = 0
    steps: int = 0
    hits: int = 0
    depends: int = 0
    unseen: int = 0
    failed: int = 0
    refused: int = 0
    shared: int = 0
    told: int = 0
    unclear: int = 0
    not_repeated: list[Disagreement] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    listed: Counter[Listed] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        for counted in fields(self):
            setattr(self, counted.name, getattr(self, counted.name) + getattr(other, counted.name))


@dataclass(frozen=True)
class Disagreement:
    """A step whose forecast was wrong. builds: the projects built so far, the last of them the one forecast."""

    builds: tuple[Buildable, ...]
    line: int
    instruction: str
    forecast: str
    because: str
    happened: str
    output: str = ""


def isolated(text: str, unique_line: str = _UNIQUE_LINE) -> tuple[str, list[int]]:
    """The Dockerfile with a unique file copied in at the start of every stage that stands on an image or on scratch.

    So nothing that other builds left is found. Also: for each new line, the line it was (0 for the added ones).
    """
    dockerfile = read_dockerfile(text)
    names: set[str] = set()
    after: set[int] = set()
    openings = [step for step in dockerfile.instructions if step.keyword == "FROM"]
    for stage, opening in zip(dockerfile.stages, openings, strict=True):
        if stage.base not in names:
            after.add(opening.end_line)
        if stage.named:
            names.add(stage.name)
    lines: list[str] = []
    origin = [0]
    # Each line keeps its own end: a Dockerfile may mix them.
    for number, line in enumerate(re.findall(r"[^\n]*\n|[^\n]+", text), 1):
        end = "\r\n" if line.endswith("\r\n") else "\n"
        lines.append(line if line.endswith("\n") else f"{line}{end}")
        origin.append(number)
        if number in after:
            lines.append(f"{unique_line}{end}")
            origin.append(0)
    return "".join(lines), origin


def run_sequence(
    builds: Sequence[Buildable], bases: Mapping[str, BaseImage], *, tally: Tally, states_known: bool = True
) -> Disagreement | None:
    """Builds the projects in order in one folder; the first wrong forecast, or None."""
    with tempfile.TemporaryDirectory(prefix="speedkit-conformance-") as scratch:
        return _Sequence(Path(scratch), bases, tally, states_known).run(builds)


def repeated_disagreement(
    builds: Sequence[Buildable], bases: Mapping[str, BaseImage], *, tally: Tally, states_known: bool = True
) -> Disagreement | None:
    """The first wrong forecast that is wrong again when everything is built anew.

    An engine may drop a result between two builds; no forecast can know, and it does not happen twice.
    """
    found = run_sequence(builds, bases, tally=tally, states_known=states_known)
    if found is None:
        return None
    again = run_sequence(found.builds, bases, tally=Tally(), states_known=states_known)
    if again is None:
        tally.not_repeated.append(found)
    return again


class _Sequence:
    def __init__(self, scratch: Path, bases: Mapping[str, BaseImage], tally: Tally, states_known: bool) -> None:
        self.folder = scratch / f"context-{uuid.uuid4().hex}"
        self.token = scratch / f"token-{uuid.uuid4().hex}"
        self.dockerfile = scratch / "Dockerfile"
        self.bases = bases
        self.tally = tally
        self.states_known = states_known
        self.extra = scratch / f"extra-{uuid.uuid4().hex}"
        self.folder.mkdir()
        self.extra.mkdir()
        self.token.mkdir()
        (self.token / "token").write_text(uuid.uuid4().hex)
        self.token_manifest = read_context(self.token, dockerfile=self.dockerfile)
        self.manifest: Manifest | None = None

    def run(self, builds: Sequence[Buildable]) -> Disagreement | None:
        model = CacheModel([])
        before: Buildable | None = None
        for number, project in enumerate(builds):
            project.write(self.folder, before)
            if before is None or before.extra != project.extra:
                (self.extra / "file").write_text(project.extra)
            before = project
            wrong = self._one(model, builds[: number + 1], first=number == 0)
            if wrong is not None:
                return wrong
        return None

    def _one(self, model: CacheModel, builds: Sequence[Buildable], *, first: bool) -> Disagreement | None:
        project = builds[-1]
        text, _ = isolated(project.dockerfile())
        self._write_dockerfile(text, getattr(project, "linked", ""))
        now = self._situation(project, text)
        try:
            forecast, refused = model.predict(now), None
        except DockerfileError as error:
            forecast, refused = None, error
        seen = build(
            self.folder,
            self.dockerfile,
            contexts={"speedkit-token": str(self.token), "extra": str(self.extra)},
            build_args=project.build_args,
            target=project.target,
            options=project.options,
        )
        mistaken = self._which_step(project, text, seen, with_bases=len(builds) % 2 == 0)
        if mistaken is not None:
            line, shown, happened = mistaken
            return Disagreement(tuple(builds), line, "", shown, "which step it is", happened, seen.output)
        if forecast is None:
            self.tally.refused += 1
            return None if not seen.ok else Disagreement(tuple(builds), refused.line or 0, "", "refused", refused.what, "built")
        plan = model.plan(now)
        steps = observed_steps(plan, seen)
        wrong = None
        if not seen.ok:
            self.tally.failed += 1
            self.tally.failures.append(seen.output[-600:])
        elif not first:
            self.tally.pairs += 1
        else:
            self.tally.firsts += 1
        if seen.ok:
            missing = next((step for step in forecast.steps if isinstance(step.cause, MissingFile | BackslashInPath)), None)
            if missing is not None:
                return Disagreement(tuple(builds), missing.line, missing.instruction, "missing", "", "built")
            openings = {step.instruction.line for step in plan.steps if step.instruction.keyword == "FROM" and step.vertex}
            wrong = self._compare(tuple(builds), forecast, steps, seen.output, count=not first, on_images=openings)
        states = {plan.steps[position].instruction.line: state for position, state in steps.items()}
        if not seen.ok or self.states_known:
            now = replace(now, states=states, finished=seen.ok)
        model.learn(now)
        return wrong

    def _write_dockerfile(self, text: str, linked: str) -> None:
        self.dockerfile.unlink(missing_ok=True)
        if not linked:
            self.dockerfile.write_bytes(text.encode())
            return
        self.dockerfile.with_name("Dockerfile.real").write_bytes(text.encode())
        chain = self.dockerfile.with_name("chain")
        if linked == "chain" and not chain.is_symlink():
            chain.symlink_to("/Dockerfile.real")
        self.dockerfile.symlink_to(linked)
        if dockerfile_text(self.dockerfile) != text:
            raise AssertionError(f"the Dockerfile that is a link to {linked} is read as another one")

    def _which_step(self, project: Buildable, text: str, seen: Observed, *, with_bases: bool) -> WrongStep | None:
        """The first line that would be shown with another one's vertex. with_bases: as in a recording that knows its bases."""
        self.tally.told += len(seen.lines)
        given = {"build_args": project.build_args, "target": project.target, "ok": seen.ok}
        facts = base_facts(self.bases) if with_bases else {}
        self.tally.unclear += unclear_lines(text, seen.output, facts=facts, **given)
        return wrong_step(text, seen.output, seen.lines, facts=facts, **given)

    def _situation(self, project: Buildable, text: str) -> Situation:
        self.manifest = read_context(self.folder, dockerfile=self.dockerfile, previous=self.manifest)
        return Situation(
            dockerfile=read_dockerfile(text),
            context=self.manifest,
            build_args=project.build_args,
            target=project.target,
            bases=self.bases,
            contexts={
                "speedkit-token": self.token_manifest,
                "extra": read_context(self.extra, dockerfile=self.extra / "none"),
            },
            options=project.options,
            folder=str(self.folder),
            merge=makes_links(),
        )

    def _compare(
        self,
        builds: tuple[Buildable, ...],
        forecast: Forecast,
        steps: dict[int, str],
        output: str,
        *,
        count: bool,
        on_images: set[int],
    ) -> Disagreement | None:
        """on_images: the lines of the FROMs that name an image."""
        for position, step in enumerate(forecast.steps):
            if count and step.instruction != _UNIQUE_LINE:
                self.tally.listed[_listed(builds[-1].edit, step, steps.get(position, ""))] += 1
            if step.forecast not in ("hit", "miss", "depends") or step.instruction.upper().startswith("FROM"):
                continue
            if step.instruction.startswith("ONBUILD ") and step.line in on_images:
                # What an image left to be run comes before all that keeps one project's results from another's.
                continue
            happened = steps.get(position)
            if count:
                self.tally.steps += 1
                self.tally.depends += step.forecast == "depends"
                self.tally.hits += happened == "cached"
                self.tally.unseen += happened is None
                if happened is None:
                    self.tally.failures.append(f"UNSEEN {step}")
            if makes_links() and (step.forecast, happened) == ("miss", "cached") and " --link" in step.instruction:
                self.tally.shared += 1
                continue
            if (step.forecast, happened) in (("hit", "ran"), ("miss", "cached")):
                return Disagreement(
                    builds,
                    step.line,
                    step.instruction,
                    step.forecast,
                    cause_sentences(step.cause, step.also, "will"),
                    str(happened),
                    output,
                )
        return None


def _listed(edit: str, step: StepForecast, happened: str) -> Listed:
    keyword = step.instruction.partition(" ")[0].upper()
    return Listed(edit, keyword, step.forecast, cause_kind(step.cause), happened)


def can_be_read(project: Buildable) -> bool:
    """Whether the Dockerfile is one at all."""
    try:
        isolated(project.dockerfile())
    except SpeedkitError:
        return False
    return True
