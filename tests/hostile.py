"""Every object of the package that shows HTML, made of text that would run a script wherever it is taken for markup.

`SHOWN` has a case for each class with a rich display, `WRITERS` one for each function that writes HTML. Both are compared
with what the package has, so that a new one without a case fails a test.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import shlex
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd

import speedkit
from speedkit import lessons, plots
from speedkit.apps import App, append_line, own_app
from speedkit.build_records import BuildCost, ImportedBuild, ImportedRecords
from speedkit.checked_exercises import Exercise, ExerciseList, Verdict
from speedkit.checked_exercises.exercise_html import (
    ExerciseFacts,
    diff_html,
    hints_html,
    notice_html,
    running_html,
    task_html,
    verdict_html,
)
from speedkit.checked_exercises.exercise_html import twin_html as exercise_twin_html
from speedkit.checked_exercises.findings import Finding as ExerciseFinding
from speedkit.checked_exercises.task import Task
from speedkit.data_frame import Frame
from speedkit.dockerfile import Finding
from speedkit.images.image import Image
from speedkit.images.summary import image_html
from speedkit.model import Build
from speedkit.page import WorkbenchPage
from speedkit.page.builds_html import comparison_html
from speedkit.page.comparison import BuildComparison, ExplainedStep
from speedkit.page.forecast_summary import Outlook
from speedkit.page.outlook_html import outlook_html
from speedkit.plots.plot import Plot
from speedkit.plots.svg_drawing import drawing
from speedkit.plots.tables import table_html as plot_table_html
from speedkit.projects import Way
from speedkit.proof.advice import Advice
from speedkit.proof.advice_html import advice_html, piece_html, proof_html
from speedkit.proof.equality import ImageDifference
from speedkit.proof.project_states import LeftOut, ProjectState
from speedkit.proof.proof import Pair, Piece, Proof
from speedkit.proof.smoke import SmokeResult
from speedkit.recordings import Meta, Recording
from speedkit.rendering.ansi import ansi_to_html
from speedkit.rendering.build_steps import build_html
from speedkit.rendering.layers_table import LayerRow, layers_table_html
from speedkit.rendering.reasons_html import reasons_html, warnings_html
from speedkit.rendering.tables import Cell, Table, table_html
from speedkit.replays import Replay, replay
from speedkit.replays.replay_html import replay_html
from speedkit.reports.cells import Figures, cell_html
from speedkit.reports.project_page import report_html
from speedkit.reports.project_report import ProjectReport
from speedkit.reports.report_commands import ReportCommands
from speedkit.reports.tour_page import Chapter, page
from speedkit.setup.checks import Check, Report
from speedkit.widgets import LayersView
from tests.git_history.small_repository import SmallRepository
from tests.images.archives import docker_archive, image_of, layer
from tests.plots.test_plots import SET, graph
from tests.widgets.builds import CACHED, FAILED, a_build

__all__ = ["ATTACKS", "EVIL", "MARKS", "Markup", "archive", "chapter", "display_classes", "html_writers", "poisoned", "project"]

RUN = "window.__x=1"
ATTACKS = (
    f"<img/src='x'/onerror={RUN}>",
    f"\"'><svg/onload={RUN}>",
    f"</script><script>{RUN}</script>",
    f"</style></textarea></title></pre></code><x-evil><img src=x onerror={RUN}>",
    f'<a href="javascript:{RUN}">x</a><x-evil>',
    f"[x](javascript:{RUN}) ![x](x){{onerror={RUN}}} `<x-evil>`",
    rf"$$\href{{javascript:{RUN}}}{{x}}$$ \(\class{{x}}{{y}}\) $HOME and $(pwd)",
    f'" onmouseover="{RUN}" x="',
    f"' onfocus='{RUN}' autofocus tabindex='1' x='",
    f"&lt;img src=x onerror={RUN}&gt; &#60;x-evil&#62;",
    f'<iframe srcdoc="<script>parent.{RUN}</script>"></iframe><x-evil>',
    f"%{{customdata}} %{{x}}<extra><x-evil></extra> <a href='javascript:{RUN}'>",
    f"<!--><img src=x onerror={RUN}>--> <![CDATA[<x-evil>]]>",
)
EVIL = " ".join(ATTACKS)
MARKS = (
    'x-evil, img[src="x"], iframe[srcdoc], [onload], [onerror], [onmouseover], [onfocus], a[href^="javascript"], [autofocus]'
)
"""A selector for what the attacks would leave on a page."""

KEPT = {"state", "outcome", "started_at", "kind", "digest", "id", "keyword", "mode", "how", "reach", "why", "sources_run"}
"""Fields that are one of a closed set, or are made here."""


def poisoned(thing: Any, attack: str = EVIL) -> Any:
    """The same facts with the attack at the end of every text in them."""
    if isinstance(thing, str):
        return thing + attack
    if isinstance(thing, tuple | list):
        return type(thing)(poisoned(one, attack) for one in thing)
    if is_dataclass(thing) and not isinstance(thing, type):
        changed = {
            one.name: poisoned(getattr(thing, one.name), attack) for one in fields(thing) if one.init and one.name not in KEPT
        }
        return replace(thing, **changed)
    return thing


def builds(attack: str) -> list[Build]:
    failed = replace(a_build(*FAILED, log=f"main.go:1:1: {attack}\n", step_error=attack, error=attack), outcome="failed")
    return [poisoned(one, attack) for one in (*SET, a_build(), a_build(*CACHED), failed)]


def image(attack: str) -> Image:
    return image_of(layer((_name(attack), b"1" * 90), ("b", f"-> {attack}")), layer((_name(attack), b"2")))


def _name(attack: str) -> str:
    """A path whose parts are no longer than a file's name may be."""
    return "/".join(part[:200] for part in attack.split("/"))


@lru_cache
def replayed(attack: str) -> Replay:
    """A history whose Dockerfile, files and commits are hostile."""
    with tempfile.TemporaryDirectory() as place:
        small = SmallRepository(Path(place) / "repository")
        path = "/".join(part[:200] for part in attack.split("/") if part)
        small.commit({"Dockerfile": f"FROM scratch\nCOPY . /x\nRUN echo {attack}\n", path: "1"}, subject=attack)
        small.commit({path: "2"}, subject=attack)
        small.commit({f"more/{path}": "3"}, subject=attack)
        return replace(replay(small.folder), name=attack)


def project_report(attack: str) -> ProjectReport:
    """A report with every part, and with reasons for parts that are missing, all of them hostile."""
    way = Way(attack, "dockerfile", "Dockerfile", ".", "Dockerfile")
    build = poisoned(a_build(*CACHED), attack)
    return ProjectReport(
        name=attack,
        way=way,
        commit=attack,
        made_at=datetime(2026, 1, 1, tzinfo=UTC),
        commands=ReportCommands(way=attack, build_args={"A": attack}, since=attack, smoke=attack, prove=True),
        replay=replayed(attack),
        advice=advice(attack),
        reasons=replace(poisoned(graph(), attack), build=build),
        image=image(attack),
        image_build=build,
        missing={"proof": attack, "replay": attack},
        problems=(attack,),
        path=Path(_name(attack)),
    )


def archive(folder: Path, attack: str) -> Path:
    """An archive of an image, hostile in its names, commands, contents and tag."""
    layers = [layer((_name(attack), attack.encode()), ("k", b"1" * 90)), layer((_name(attack), b"2"), ("k", f"-> {attack}"))]
    return docker_archive(folder / "image.tar", layers, [f"COPY {attack}", f"RUN {attack}"], tag=f"{attack}:1")


def project(folder: Path) -> App:
    """A project whose files, Dockerfiles, stages, edits and log are hostile, and whose build fails."""
    names = {attack.replace("/", "\N{DIVISION SLASH}").replace("\n", " ")[:120] for attack in ATTACKS}
    label = EVIL.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    dockerfile = (
        f"FROM ${{A:+<img/src='x'/onerror={RUN}>}}alpine AS one\n# {EVIL}\nLABEL dev.evil=\"{label}\"\nCOPY . /evil\n"
        f"RUN echo {shlex.quote(EVIL)} && echo 'main.go:1:2: <img/src=x/onerror={RUN}>' && false\n"
    )
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_text(EVIL)
    for name in ("Dockerfile", f"Dockerfile.<img src=x onerror={RUN}>"):
        (folder / name).write_text(dockerfile)
    (folder / "main.go").write_text(f"package main // {EVIL}\n")
    return own_app(folder, edits={EVIL: append_line("main.go", EVIL, called=EVIL)})


def reports(attack: str) -> Report:
    return Report((Check(attack, False, attack, attack), Check(attack, True, attack, attack)))


def chapter(attack: str, *, html: Sequence[str] = ()) -> Chapter:
    """A notebook whose cells printed, raised and returned hostile text, and showed these pieces of HTML."""
    cells = [nbformat.v4.new_code_cell(attack), nbformat.v4.new_markdown_cell("# A title")]
    new = nbformat.v4.new_output
    cells[0].outputs = [
        new("stream", name="stdout", text=f"\x1b[31m{attack}\x1b[0m"),
        new("error", ename=attack, evalue=attack, traceback=[attack]),
        new("execute_result", data={"text/plain": attack}),
        new("display_data", data={"image/png": attack}),
        *(new("display_data", data={"text/html": one, "text/plain": attack}) for one in html),
        *(new("display_data", data=dict(one.bundle)) for one in every_plot(attack)),
    ]
    return Chapter(f"01_{attack}", nbformat.v4.new_notebook(cells=cells), 1.0)


def imported(attack: str) -> ImportedRecords:
    """Imported builds of which each text is the attack."""
    costs = tuple(
        BuildCost(f"{attack}{place}", None, 9.0 + place, 2, 1, 1.0, 1.0, {attack: 1.0 + 3 * place}) for place in (0, 1)
    )
    recording = Recording(Path(attack), Meta(*[attack] * 7, 1.0, "done", 0))
    builds = tuple(ImportedBuild(cost.id, "plain log", attack, 1, 1, 1.0, (), recording) for cost in costs)
    records = ImportedRecords(builds)
    # They are computed of recordings otherwise.
    records.__dict__["costs"] = costs
    return records


def every_plot(attack: str) -> list[Plot]:
    made = builds(attack)
    every: Mapping[str, Callable[[], Plot]] = {
        "timeline": lambda: plots.timeline(made[0], made[2]),
        "rebuild": lambda: plots.rebuild(made),
        "cache_grid": lambda: plots.cache_grid(made),
        "sizes": lambda: plots.sizes(made),
        "size_vs_rebuild": lambda: plots.size_vs_rebuild(made),
        "stages": lambda: plots.stages(poisoned(graph(), attack)),
        "treemap": lambda: plots.treemap(image(attack)),
        "history_strip": lambda: plots.history_strip(replayed(attack)),
        "running_cost": lambda: plots.running_cost(replayed(attack)),
        "cost_by_folder": lambda: plots.cost_by_folder(replayed(attack)),
        "commit_costs": lambda: plots.commit_costs(replayed(attack)),
        "stage_costs": lambda: plots.stage_costs(replayed(attack)),
        "imported_builds": lambda: plots.imported_builds(imported(attack)),
    }
    missing = {name for name in plots.__all__ if name.islower() and callable(getattr(plots, name))} - set(every)
    assert not missing, f"figures without a hostile case: {missing}"
    return [make() for make in every.values()]


def lesson_tables(attack: str) -> list[Table]:
    """What every function of the lessons that gives a table gives."""
    made = builds(attack)
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "Dockerfile").write_text(f"FROM ${{A:+{_expansion(attack)}}}alpine AS one\nRUN true\n")
        with own_app(place, edits={attack: append_line("Dockerfile", "", called=attack)}) as app:
            every: Mapping[str, Callable[[], Table]] = {
                "stages": lambda: lessons.stages(app, "Dockerfile"),
                "summaries": lambda: lessons.summaries(app.edits),
                "overview": lambda: lessons.overview(made, app),
                "recap": lambda: lessons.recap(made),
                "side_by_side": lambda: lessons.side_by_side(made[4], made[5]),
                "beside_the_article": lambda: lessons.beside_the_article(*made),
                "progress": lessons.progress,
                "rename_table": lambda: lessons.rename_table(
                    [lessons.Renamed(attack, attack, made[0], made[0]), lessons.Renamed(attack, attack, why_not=attack)]
                ),
                "what_ran": lambda: lessons.what_ran(*made, *(_on_the_host(one) for one in made)),
            }
            returned = {name: getattr(getattr(lessons, name), "__annotations__", {}).get("return") for name in lessons.__all__}
            giving = {name for name, kind in returned.items() if kind == "Table"}
            assert giving <= set(every), f"tables without a hostile case: {giving - set(every)}"
            return [make() for make in every.values()]


def _on_the_host(build: Build) -> Build:
    """The same build with steps that stand in no Dockerfile: tables name them by their command."""
    return replace(build, step_list=tuple(replace(step, line=None) for step in build.step_list))


def _expansion(attack: str) -> str:
    """What of an attack can stand in an expansion of a Dockerfile."""
    return "".join(letter for letter in attack if letter not in "{}$\"' \\`")


def table_frame(attack: str) -> Frame:
    return Frame({attack: [attack]}, index=[attack])


@lru_cache(maxsize=2)
def _layers_twin(attack: str) -> str:
    with tempfile.TemporaryDirectory() as place:
        view = LayersView(archive(Path(place), attack))
        try:
            return view._repr_html_()
        finally:
            view.close()


def _workbench_twin(attack: str) -> str:
    from tests.page.test_workbench_html import shown

    with tempfile.TemporaryDirectory() as place:
        app = project(Path(place) / "project")
        with app:
            made = builds(attack)
            return str(shown(app, made[4], made[-1], tab="main.go"))


def _workbench_page(attack: str) -> WorkbenchPage:
    from tests.page.test_workbench_html import bench_of

    with tempfile.TemporaryDirectory() as place, project(Path(place) / "project") as app:
        made = builds(attack)
        with bench_of(app, made[4], made[-1], tab="main.go") as bench:
            entry = {"line": 1, "forecast": "miss", "because": attack, "short": attack, "seconds": 1.0}
            return bench.page([entry])


def proven(attack: str) -> Piece:
    as_is, patched, *_ = builds(attack)
    pair = Pair(ProjectState("commit", attack, attack), as_is, patched)
    difference = ImageDifference(f"/{attack}", ("content",), "real")
    smoke = SmokeResult(attack, same=False, sentence=attack)
    left_out = (LeftOut(pair.state, attack),)
    proof = Proof(pair, (pair,), (pair, pair), False, (difference,), smoke, left_out, "", True, (attack,), (attack,))
    return Piece(attack, attack, attack, proof=proof)


def advice(attack: str) -> Advice:
    piece = proven(attack)
    return Advice(attack, attack, (piece, piece), (piece,), (attack,))


def exercise_task(attack: str) -> Task:
    """An exercise of which each text is the attack. Its texts are messages of the kit's own, in which a brace is doubled."""
    text = attack.replace("{", "{{").replace("}", "}}")
    return Task(attack, attack, text, text, (text,), 1, lambda _: iter(()))


def exercise_facts(attack: str) -> ExerciseFacts:
    return ExerciseFacts(attack, attack, attack, 1, attack, attack)


def exercise_verdict(attack: str) -> Verdict:
    return Verdict(False, (ExerciseFinding(False, attack),), builds=(attack,), stand_ins=attack)


# By the class's name; a list of HTML each.
SHOWN: Mapping[str, Callable[[str], list[str]]] = {
    "speedkit.build_records.imports.ImportedRecords": lambda attack: [imported(attack)._repr_html_()],
    "speedkit.checked_exercises.checking.Verdict": lambda attack: [exercise_verdict(attack)._repr_html_()],
    "speedkit.checked_exercises.learner_exercise.Exercise": lambda attack: [
        exercise_twin_html(exercise_facts(attack), [attack])
    ],
    "speedkit.checked_exercises.view.ExerciseView": lambda attack: [exercise_twin_html(exercise_facts(attack), [attack])],
    "speedkit.checked_exercises.learner_exercise.ExerciseList": lambda attack: [
        ExerciseList([Exercise(exercise_task(attack))])._repr_html_()
    ],
    "speedkit.data_frame.Column": lambda attack: [str(table_frame(attack)[attack]._repr_latex_() or "")],  # type: ignore[operator]
    "speedkit.data_frame.Frame": lambda attack: [
        table_frame(attack)._repr_html_(),
        builds(attack)[0].steps._repr_html_(),
        poisoned(graph(), attack).table._repr_html_(),
    ],
    "speedkit.history.reasons.Reasons": lambda attack: [poisoned(graph(), attack)._repr_html_()],
    "speedkit.images.image.Image": lambda attack: [image(attack)._repr_html_()],
    "speedkit.lessons.dockerfile_tables.Listing": lambda attack: [lessons.Listing(f"# {attack}\n{attack}")._repr_html_()],
    "speedkit.lessons.terminal_lines.Terminal": lambda attack: [
        lessons.Terminal(((attack, attack),), opened=True)._repr_html_()
    ],
    "speedkit.plots.plot.Plot": lambda attack: [
        html for one in every_plot(attack) for html in (str(one.bundle["text/html"]), one.table_html())
    ],
    "speedkit.proof.advice.Advice": lambda attack: [advice(attack)._repr_html_()],
    "speedkit.proof.proof.Piece": lambda attack: [proven(attack)._repr_html_()],
    "speedkit.reports.project_report.ProjectReport": lambda attack: [project_report(attack)._repr_html_()],
    "speedkit.replays.result.Replay": lambda attack: [replayed(attack)._repr_html_()],
    "speedkit.rendering.tables.Table": lambda attack: [one._repr_html_() for one in lesson_tables(attack)],
    "speedkit.setup.checks.Report": lambda attack: [reports(attack)._repr_html_()],
    "speedkit.widgets.layers_view.LayersView": lambda attack: [_layers_twin(attack)],
    "speedkit.widgets.live_widget.LiveWidget": lambda attack: [_layers_twin(attack)],
    "speedkit.widgets.workbench.Workbench": lambda attack: [_workbench_twin(attack)],
}

WRITERS: Mapping[str, Callable[[str], list[str]]] = {
    "speedkit.checked_exercises.exercise_html.diff_html": lambda attack: [diff_html(attack)],
    "speedkit.checked_exercises.exercise_html.hints_html": lambda attack: [hints_html([attack])],
    "speedkit.checked_exercises.exercise_html.notice_html": lambda attack: [notice_html(attack)],
    "speedkit.checked_exercises.exercise_html.running_html": lambda attack: [running_html(attack)],
    "speedkit.checked_exercises.exercise_html.task_html": lambda attack: [task_html(exercise_facts(attack))],
    "speedkit.checked_exercises.exercise_html.twin_html": lambda attack: [exercise_twin_html(exercise_facts(attack), [attack])],
    "speedkit.checked_exercises.exercise_html.verdict_html": lambda attack: [verdict_html(exercise_verdict(attack))],
    "speedkit.images.summary.image_html": lambda attack: [image_html(image(attack))],
    "speedkit.plots.svg_drawing.drawing": lambda attack: [drawing(one.figure) for one in every_plot(attack)],
    "speedkit.plots.tables.table_html": lambda attack: [
        plot_table_html(pd.DataFrame({attack: [attack], "because": [attack]}), attack)
    ],
    "speedkit.proof.advice_html.advice_html": lambda attack: [advice_html(advice(attack))],
    "speedkit.proof.advice_html.piece_html": lambda attack: [piece_html(proven(attack))],
    "speedkit.proof.advice_html.proof_html": lambda attack: [proof_html(proof) if (proof := proven(attack).proof) else ""],
    "speedkit.rendering.ansi.ansi_to_html": lambda attack: [ansi_to_html(f"\x1b[31m{attack}\x1b[1;{attack}m{attack}")],
    "speedkit.rendering.layers_table.layers_table_html": lambda attack: [
        layers_table_html(attack, [attack], [LayerRow(attack, 1, 1, 1, 1, 1)], [(attack, 1)])
    ],
    "speedkit.replays.replay_html.replay_html": lambda attack: [replay_html(replayed(attack))],
    "speedkit.rendering.reasons_html.reasons_html": lambda attack: [reasons_html(attack, poisoned(graph(), attack).steps)],
    "speedkit.rendering.reasons_html.warnings_html": lambda attack: [warnings_html([Finding(attack, 1, attack)])],
    "speedkit.rendering.build_steps.build_html": lambda attack: [build_html(one) for one in builds(attack)],
    "speedkit.rendering.tables.table_html": lambda attack: [
        table_html(
            [Cell(attack, attack, attack, below=attack)], [[Cell(attack, attack, attack)]], look=attack, row_heads=[attack]
        )
    ],
    "speedkit.reports.cells.cell_html": lambda attack: [cell_html(one, Figures()) for one in chapter(attack).notebook.cells],
    "speedkit.reports.project_page.report_html": lambda attack: [report_html(project_report(attack))],
    "speedkit.reports.tour_page.page": lambda attack: [page([chapter(attack)], builds(attack), left_out=[attack])],
    "speedkit.page.layers_html.layers_twin_html": lambda attack: [_layers_twin(attack)],
    "speedkit.page.workbench_html.twin_html": lambda attack: [_workbench_twin(attack)],
    "speedkit.page.steps_html.steps_html": lambda attack: [_workbench_page(attack).steps_html(is_live=True)],
    "speedkit.page.builds_html.builds_html": lambda attack: [_workbench_page(attack).builds_html(is_live=True)],
    "speedkit.page.builds_html.comparison_html": lambda attack: [
        comparison_html(BuildComparison(1, 2, attack, (ExplainedStep("hit", attack, attack),), (attack,), ()), [], is_live=True)
    ],
    "speedkit.page.outlook_html.outlook_html": lambda attack: [outlook_html(Outlook(1, 1, 1, attack, attack))],
}


def _modules() -> Iterator[Any]:
    for one in pkgutil.walk_packages(speedkit.__path__, "speedkit."):
        if not one.name.endswith("__main__"):
            yield importlib.import_module(one.name)


def display_classes() -> set[str]:
    """The classes of the package that a notebook shows in a way of their own."""
    displays = ("_ipython_display_", "_repr_html_", "_repr_mimebundle_", "_repr_markdown_", "_repr_svg_", "_repr_latex_")
    return {
        f"{module.__name__}.{name}"
        for module in _modules()
        for name, kind in vars(module).items()
        if inspect.isclass(kind) and kind.__module__ == module.__name__ and any(hasattr(kind, one) for one in displays)
    }


def html_writers() -> set[str]:
    """The functions of the package, for others to call, that write HTML: those whose source has an element in a string."""
    return {
        f"{module.__name__}.{name}"
        for module in _modules()
        for name in getattr(module, "__all__", ())
        if inspect.isfunction(function := vars(module).get(name))
        and function.__module__ == module.__name__
        and (name.endswith("_html") or name in ("page", "drawing"))
    }


ALLOWED = frozenset(
    word
    for line in (
        "select option",
        "a b body br button code div footer h1 h2 h3 h4 head header html i li main meta nav ol p path pre progress rect",
        "section small span strong style summary details svg table tbody td text thead th title tr tspan ul circle line img em",
    )
    for word in line.split()
)


class Markup(HTMLParser):
    """The elements and attributes of a piece of HTML, as a browser would see them."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.problems: list[str] = []
        self.scripts = 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        if tag not in ALLOWED and tag != "script":
            self.problems.append(f"<{tag}>")
        for name, value in attrs:
            is_script = (value or "").strip().lower().startswith(("javascript:", "vbscript:", "data:text"))
            if name.startswith("on") or name in ("autofocus", "srcdoc", "formaction") or (name != "title" and is_script):
                self.problems.append(f"{tag} {name}={value}")
            if name in ("href", "src", "xlink:href") and not str(value).startswith(("#", "data:image/png;base64,")):
                self.problems.append(f"{tag} {name}={value}")

    def handle_comment(self, data: str) -> None:
        self.problems.append(f"<!--{data}-->")
