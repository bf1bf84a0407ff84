"""The page of a project's report: cost, causes, stages, layers and advice, each with the command to repeat it."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from speedkit.images import image_finding
from speedkit.messages import clauses, message
from speedkit.plots import (
    Plot,
    commit_costs,
    cost_by_folder,
    history_strip,
    running_cost,
    sizes,
    stage_costs,
    stages,
    treemap,
)
from speedkit.rendering import FACTS_STYLE, Cell, html_text, reasons_html, table_html
from speedkit.replays import Replay, blame_sentence, findings, split_sentence, weeks_of
from speedkit.secrets import count_substitutes
from speedkit.words import secrets_left_out

from .cells import Figures
from .html_page import html_page

if TYPE_CHECKING:
    from speedkit.model import Build

    from .project_report import ProjectReport

__all__ = ["report_html"]

_MOST_LINES = 12


def report_html(report: ProjectReport) -> str:
    """The whole page; everything that came from outside is escaped."""
    figures = Figures()
    sections = _Sections(report, figures)
    parts = {
        "cost": (message("What it costs"), sections.cost()),
        "why": (message("Why"), sections.why()),
        "stages": (message("The stages"), sections.stages()),
        "layers": (message("Layers and waste"), sections.layers()),
        "advice": (message("What to change"), sections.advice()),
        "commands": (message("Commands"), sections.commands()),
    }
    body = [
        f'<section id="summary">{sections.summary()}</section>',
        *(f'<section id="{place}"><h2>{html_text(title)}</h2>{html}</section>' for place, (title, html) in parts.items()),
    ]
    # Instructions and patches have substitutes for secrets, from the recordings and from git's objects.
    if secrets := count_substitutes("".join(body)):
        body.insert(1, _paragraph(secrets_left_out(secrets), "sub"))
    links = {"summary": message("Summary"), **{place: title for place, (title, _) in parts.items()}}
    return html_page("".join(body), figures, title=message("Docker builds of {name}", name=report.name), links=links)


class _Sections:
    """The HTML of each section. A section without its facts says what is missing, and how to get it."""

    def __init__(self, report: ProjectReport, figures: Figures) -> None:
        self._report, self._figures = report, figures
        self._commands = report.commands

    def summary(self) -> str:
        report = self._report
        points = "".join(f"<li>{html_text(point)}</li>" for point in self._points())
        problems = "".join(_paragraph(problem, "problem") for problem in report.problems)
        replayed = report.replay
        measured = _paragraph(commit_costs(replayed).measured, "sub") if replayed is not None and replayed.commits else ""
        origin = _paragraph(self._origin(), "sub")
        return f"<h1>{html_text(_headline(report))}</h1>{measured}{origin}{problems}<ul>{points}</ul>"

    def _origin(self) -> str:
        """Of what and when the report is."""
        report = self._report
        facts = [report.name]
        if report.commit:
            facts.append(message("commit {id}", id=report.commit[:10]))
        if report.way is not None:
            facts.append(message("built by {way}", way=report.way.name))
        facts.append(message("made on {day}", day=f"{report.made_at:%Y-%m-%d}"))
        try:
            facts.append(f"speedkit {version('speedkit')}")
        except PackageNotFoundError:
            facts.append("speedkit")
        return clauses(facts)

    def _points(self) -> Iterator[str]:
        """The main findings, one sentence each."""
        report = self._report
        if report.replay is not None and report.replay.blame:
            worst = report.replay.blame[0]
            because = blame_sentence(worst, report.replay)
            if worst.is_current:
                yield message(
                    "Line {line}, {instruction}: {because}.", line=worst.line, instruction=worst.instruction, because=because
                )
            else:
                yield message("{instruction}: {because}.", instruction=worst.instruction, because=because)
            if report.replay.model is None:
                yield message(
                    "How long the builds take is not known; `{command}` measures it.", command=self._commands.measured()
                )
        if report.advice is not None:
            yield report.advice.summary
        if report.image is not None:
            yield message("{image}: {finding}.", image=report.image.short_name, finding=image_finding(report.image))
        # Without a recorded build there is no image either: one sentence says both.
        for reason in dict.fromkeys(why for part, why in report.missing.items() if part != "reasons"):
            yield message("Not in this report: {because}", because=reason)

    def cost(self) -> str:
        replayed = self._report.replay
        if replayed is None:
            return self._missing("replay")
        sentences = "".join(f"<li>{html_text(sentence)}</li>" for sentence in findings(replayed))
        repeat = self._repeat(self._commands.replay)
        parts = [
            _paragraph(
                message(
                    "Forecasts, not measured one by one: which steps each commit would have run after the commit before it."
                ),
                "sub",
            ),
            f"<ul>{sentences}</ul>{repeat}",
        ]
        if replayed.blame:
            parts += [_heading(message("The lines that cost most")), _blame_table(replayed), repeat]
        if replayed.commits:
            parts += [
                _heading(message("How the cost is spread")),
                self._figure(commit_costs(replayed), self._commands.replay),
                _heading(message("What it adds up to")),
                self._figure(running_cost(replayed), self._commands.replay),
            ]
        return "".join(parts)

    def why(self) -> str:
        replayed, reasons = self._report.replay, self._report.reasons
        parts = []
        if replayed is not None and replayed.commits:
            parts += [
                _heading(message("Which lines ran at which commits")),
                self._figure(history_strip(replayed), self._commands.replay),
                _heading(message("Which files they go back to")),
                self._figure(cost_by_folder(replayed), self._commands.replay),
            ]
        elif replayed is None:
            parts.append(self._missing("replay"))
        if reasons is not None and reasons.build is not None:
            parts += [
                _heading(message("The last recorded build")),
                _build_note(reasons.build),
                reasons_html(reasons.title, reasons.steps),
                self._repeat(self._commands.explain(reasons.build.id)),
            ]
        else:
            parts.append(self._missing("reasons", self._commands.built))
        return "".join(parts)

    def stages(self) -> str:
        replayed, reasons = self._report.replay, self._report.reasons
        parts = []
        if replayed is not None and any(one.dockerfile is not None for one in replayed.commits):
            parts += [
                _heading(message("Over the history")),
                self._figure(stage_costs(replayed), self._commands.replay),
            ]
        if reasons is not None and reasons.build is not None:
            parts += [
                _heading(message("In the last recorded build")),
                _build_note(reasons.build),
                self._figure(stages(reasons), self._commands.explain(reasons.build.id)),
            ]
        return "".join(parts) or self._missing("reasons", self._commands.built)

    def layers(self) -> str:
        image, build = self._report.image, self._report.image_build
        if image is None or build is None:
            return self._missing("image", self._commands.report("--build"))
        command = self._commands.layers(build.image or image.id)
        return "".join(
            [
                _build_note(build),
                image._repr_html_(),
                self._repeat(command),
                _heading(message("Which instruction brings the bytes")),
                self._figure(sizes([build]), command),
                _heading(message("Which files they are")),
                self._figure(treemap(image), command),
            ]
        )

    def advice(self) -> str:
        advice, replayed = self._report.advice, self._report.replay
        parts = []
        # A proof that failed was asked for: its reason comes first, and then what is predicted.
        if "proof" in self._report.missing:
            parts.append(self._missing("proof", self._commands.proof))
        if advice is None:
            parts.append(self._missing("advice"))
        else:
            how = (
                message("Proven: the last commits were built as they are and patched, and their images compared.")
                if advice.proven
                else message("Predicted, not proven: nothing was built for it. The command with --prove does that.")
            )
            parts += [
                _paragraph(how, "sub"),
                advice._repr_html_(),
                self._repeat(self._commands.proof if advice.proven else self._commands.advise),
                "" if advice.proven or not advice.pieces else self._repeat(self._commands.proof, message("To prove it")),
            ]
        if replayed is not None and replayed.splits:
            split = replayed.splits[0]
            parts += [
                _heading(message("A copy cut in two")),
                _paragraph(message("Predicted from the history, not proven."), "sub"),
                _paragraph(split_sentence(split)),
                f"<pre>{html_text(split.patch)}</pre>",
                self._repeat(self._commands.replay),
            ]
        return "".join(parts)

    def commands(self) -> str:
        """All commands of the report, with what each shows."""
        report, commands = self._report, self._commands
        rows = [(message("What it costs, and why"), commands.replay)]
        if report.replay is not None and report.replay.model is None:
            rows.append((message("The same, with seconds of five builds"), commands.measured()))
        if report.reasons is not None and report.reasons.build is not None:
            rows.append(
                (message("Why each step of the last build ran or was cached"), commands.explain(report.reasons.build.id))
            )
        else:
            rows.append((message("A build, recorded"), commands.built))
        if report.image_build is not None and report.image_build.image is not None:
            rows.append((message("The layers of its image"), commands.layers(report.image_build.image)))
        rows += [
            (message("What to change"), commands.advise),
            (message("The proof of it"), commands.proof),
            (message("This report"), commands.report()),
        ]
        head = [Cell(message("what")), Cell(message("command"))]
        cells = [[Cell(what), Cell(command, "sk-whole", is_code=True)] for what, command in rows]
        where = message(
            "Type them in the folder of {name}. Figures of builds are for the machine that built them.", name=report.name
        )
        return f'{_paragraph(where)}{FACTS_STYLE}<div class="wide">{table_html(head, cells, look="sk-facts")}</div>'

    def _missing(self, part: str, command: str = "") -> str:
        reason = self._report.missing.get(part, message("It could not be made."))
        return _paragraph(reason, "missing") + (self._repeat(command, message("To have it")) if command else "")

    def _figure(self, plot: Plot, command: str) -> str:
        # The table is for those who cannot see the figure, and for exact values.
        place = self._figures.add(plot.bundle)
        return f'<div class="wide">{place}</div>{plot.table_html()}{self._repeat(command)}'

    @staticmethod
    def _repeat(command: str, words: str = "") -> str:
        label = html_text(words or message("To repeat it"))
        return f'<p class="command">{label}: <code>{html_text(command)}</code></p>'


def _headline(report: ProjectReport) -> str:
    replayed = report.replay
    if replayed is None or not replayed.commits:
        return message("Docker builds of {name}", name=report.name)
    if replayed.model is None:
        running = sum(bool(one.verdicts.ran) for one in replayed.commits)
        return message(
            "{running:,} of {count:,} commits of {name} run steps again",
            running=running,
            count=len(replayed.commits),
            name=report.name,
        )
    weeks, minutes = weeks_of(replayed), (replayed.total_seconds or 0.0) / 60
    if weeks is None:
        return message("About {minutes:,.1f} minutes of builds for the commits of {name}", minutes=minutes, name=report.name)
    return message("About {minutes:,.1f} minutes of builds a week in {name}", minutes=minutes / weeks, name=report.name)


def _blame_table(replayed: Replay) -> str:
    rows = [
        [
            Cell(str(blame.line) if blame.is_current else "", "sk-dim"),
            Cell(blame.instruction, "sk-whole", is_code=True),
            Cell(blame_sentence(blame, replayed), "sk-sentence"),
        ]
        for blame in replayed.blame[:_MOST_LINES]
    ]
    head = [Cell(message("line")), Cell(message("instruction")), Cell(message("because"))]
    return f'{FACTS_STYLE}<div class="wide">{table_html(head, rows, look="sk-facts")}</div>'


def _build_note(build: Build) -> str:
    """That a build was recorded, when, and which parts of it were stood in for."""
    note = message("Recorded on {day}.", day=build.started_at[:10])
    stand_ins = message("Built with: {stand_ins}.", stand_ins=build.stand_ins) if build.stand_ins else ""
    return _paragraph(f"{note} {stand_ins}".strip(), "sub")


def _heading(text: str) -> str:
    return f"<h3>{html_text(text)}</h3>"


def _paragraph(text: str, look: str = "") -> str:
    return f'<p class="{look}">{html_text(text)}</p>' if look else f"<p>{html_text(text)}</p>"
