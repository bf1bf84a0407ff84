"""The report of a project: what it shows, what it says where something is missing, and which files it never replaces."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import replace
from html import unescape
from itertools import pairwise
from pathlib import Path

import pytest
import typer

from speedkit.cli.program import program
from speedkit.errors import FileRefused, NoDockerfile, NotAFolder, UnknownWay
from speedkit.plots import commit_costs, stage_costs
from speedkit.replays import Replay, replay
from speedkit.replays.step_seconds import SecondsModel
from speedkit.reports import ProjectReport, report
from tests.git_history.small_repository import SmallRepository
from tests.replays.test_replay import STAGES
from tests.waiting import HANG_MS

DOCKERFILE = (
    "FROM golang:alpine AS builder\nWORKDIR /src\nCOPY . .\nRUN go build -o /x .\nFROM scratch\nCOPY --from=builder /x /x\n"
)
NETWORK = re.compile(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//|@import|url\(\s*["']?https?:""")
COMMAND = re.compile(r"<code>(speedkit .*?)</code>")


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallRepository:
    """A repository, on a machine without an engine and without recordings."""
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing")
    small = SmallRepository(tmp_path / "repository")
    small.commit({"Dockerfile": DOCKERFILE, "go.mod": "module x\n", "main.go": "package main\n", "docs/a.md": "0"})
    small.commit({"docs/a.md": "1"})
    small.commit({"main.go": "package main\n\nfunc main() {}\n"})
    return small


def own_text(text: str) -> str:
    """A page without plotly.js, in whose source addresses stand as text."""
    return re.sub(r"<script>/\*\*.*?</script>", "", text, flags=re.S)


def page_of(folder: Path, out: Path, **options: object) -> tuple[ProjectReport, str]:
    made = report(folder, out, **options)
    return made, own_text(out.read_text())


def test_a_report_without_an_engine_says_what_is_missing_and_shows_the_rest(small, tmp_path):
    made, text = page_of(small.folder, tmp_path / "report.html")
    assert set(made.missing) == {"reasons", "image"}
    assert "2 of 2 commits of repository run steps again" in text
    assert "Predicted, not proven" in text
    assert "No build of this project is recorded, so there is no image to look into." in text
    assert "seconds are not known" in text
    assert made.problems == ()


def test_a_report_loads_nothing_and_lets_no_foreign_script_run(small, tmp_path):
    _, text = page_of(small.folder, tmp_path / "report.html")
    assert not NETWORK.search(text)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    assert "default-src 'none'" in policy[1]
    assert "script-src 'sha256-" in policy[1]
    assert "'unsafe-inline'" not in policy[1].partition("style-src")[0]


def test_headings_are_in_order_and_every_figure_has_a_table_and_a_command(small, tmp_path):
    _, text = page_of(small.folder, tmp_path / "report.html")
    levels = [int(level) for level in re.findall(r"<h([1-6])>", text)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    after_figures = text.split('<div class="figure"')[1:]
    assert len(after_figures) == 5
    for following in after_figures:
        assert "The same as a table" in following
        assert COMMAND.search(following)


def test_each_command_of_a_report_is_one_of_the_program(small, tmp_path):
    options = {"target": "builder", "build_args": {"A": "it's 1"}, "since": "10 years ago", "smoke": "x --version"}
    _, text = page_of(small.folder, tmp_path / "report.html", **options)
    typed = {unescape(command) for command in COMMAND.findall(text)}
    assert {shlex.split(command)[1] for command in typed} == {"replay", "build", "advise", "report"}
    verbs = typer.main.get_command(program)
    for command in typed:
        _, name, *arguments = shlex.split(command)
        with verbs.commands[name].make_context(name, arguments) as context:
            assert context.params["target"] == "builder"
            assert list(context.params["build_arg"]) == ["A=it's 1"]


def test_a_secret_of_a_command_stays_out(small, tmp_path):
    secret = "ghp_" + "a1B2c3D4e5" * 4
    _, text = page_of(small.folder, tmp_path / "report.html", build_args={"API_TOKEN": "x-very-own", "B": secret})
    assert "--build-arg API_TOKEN" in text
    assert "x-very-own" not in text
    assert secret not in text


def test_a_folder_without_a_history_is_reported_as_far_as_it_goes(tmp_path, folder, monkeypatch):
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing")
    plain = folder({"Dockerfile": DOCKERFILE, "go.mod": "module x\n", "main.go": "package main\n"})
    made, text = page_of(plain, tmp_path / "report.html")
    assert made.replay is None
    assert made.advice is not None
    assert "There is no history to replay: the folder is in no git repository" in text
    assert "go-caches" in text or "/root/.cache/go-build" in text


def test_a_bare_repository_has_a_history_and_no_advice(small, tmp_path):
    small.git("clone", "-q", "--bare", str(small.folder), str(tmp_path / "bare.git"))
    made, text = page_of(tmp_path / "bare.git", tmp_path / "report.html")
    assert made.replay is not None
    assert made.advice is None
    assert "A bare repository has no files to give advice about" in text


def test_what_cannot_be_reported_is_refused_and_no_file_is_written(small, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    for project, problem, options in (
        (tmp_path / "nowhere", NotAFolder, {}),
        (empty, NoDockerfile, {}),
        (small.folder, UnknownWay, {"way": "none"}),
    ):
        with pytest.raises(problem):
            report(project, tmp_path / "report.html", **options)
    assert not (tmp_path / "report.html").exists()


def test_a_file_that_is_no_report_is_replaced_only_by_force(small, tmp_path):
    out = tmp_path / "report.html"
    out.write_text("<p>a page of mine")
    with pytest.raises(FileRefused, match="is no report of speedkit"):
        report(small.folder, out)
    assert out.read_text() == "<p>a page of mine"
    report(small.folder, out, force=True)
    first = out.read_text()
    report(small.folder, out)
    assert out.read_text()[:200] == first[:200]
    assert out.stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir() if "unfinished" in path.name] == []


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_a_pipe_and_a_place_in_no_folder_are_never_replaced(small, tmp_path, force):
    os.mkfifo(tmp_path / "pipe")
    for out in (tmp_path, tmp_path / "pipe", tmp_path / "none" / "report.html"):
        with pytest.raises(FileRefused):
            report(small.folder, out, force=force)


@pytest.fixture
def stages(small: SmallRepository) -> Replay:
    small.commit({"Dockerfile": STAGES, ".dockerignore": ".git\n", "web/a": "0", "api/a": "0"})
    for number in range(1, 5):
        small.commit({f"{'api' if number == 4 else 'web'}/a": str(number)})
    return replay(small.folder, commits=4)


def test_the_stages_of_a_history_tell_how_often_each_step_ran(stages):
    plot = stage_costs(stages)
    runs = dict(zip(plot.table["line"], plot.table["runs"], strict=True))
    assert (runs[2], runs[3], runs[5], runs[6]) == (3, 3, 1, 1)
    assert plot.title == "3 of 4 commits miss at line 2, COPY web /web"
    assert "ran at 3 of 4 commits" in str(plot.bundle["text/html"])
    assert list(plot.table["takes_from"])[-2:] == ["line 3", "line 6"]


def test_the_spread_of_a_history_counts_each_commit_once(stages):
    plot = commit_costs(stages)
    assert sum(plot.table["commits"]) == 4
    assert plot.title == "Half of the commits run 4 steps or more"


def test_figures_of_recorded_builds_say_that_they_are_estimates(stages):
    timed = replace(stages, model=SecondsModel([], from_recordings=True))
    assert "seconds estimated from 0 recorded builds" in commit_costs(timed).measured
    assert "seconds estimated from 0 real builds" in stage_costs(replace(stages, model=SecondsModel([]))).measured


@pytest.mark.engine
def test_a_report_with_a_build_shows_its_stages_and_its_layers(engine, tmp_path, monkeypatch):
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "home"))
    small = SmallRepository(tmp_path / "repository")
    text = "FROM scratch AS files\nCOPY . /here\nFROM scratch\nCOPY --from=files /here /here\nCOPY a /here/a\n"
    small.commit({"Dockerfile": text, ".dockerignore": ".git\n", "a": "0" * 90_000, "b": "1"})
    small.commit({"b": "2"})
    made, text = page_of(small.folder, tmp_path / "report.html", build=True)
    assert made.missing == {}
    assert made.problems == ()
    assert made.image is not None
    assert made.image.wasted_bytes >= 90_000
    assert "are wasted, by here/a" in text or "are wasted, by /here/a" in text
    assert "seconds estimated from 1 recorded build" in text
    commands = [unescape(command) for command in COMMAND.findall(text)]
    assert {shlex.split(command)[1] for command in commands} == {"replay", "explain", "layers", "advise", "report"}
    # What was recorded is shown again without another build.
    again, _ = page_of(small.folder, tmp_path / "again.html")
    assert again.image is not None
    assert again.image.id == made.image.id


@pytest.mark.browser
def test_a_report_draws_its_figures_offline_and_fits_a_page_and_a_phone(browser, small, tmp_path):
    report(small.folder, tmp_path / "report.html")
    for scheme in ("light", "dark"):
        for width in (1300, 390):
            with browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme) as shown:
                asked: list[str] = []
                shown.on("request", lambda request, asked=asked: asked.append(request.url))
                shown.goto((tmp_path / "report.html").as_uri())
                for figure in shown.locator(".figure").all():
                    figure.scroll_into_view_if_needed()
                shown.wait_for_function("() => document.querySelectorAll('.figure .main-svg').length >= 10", timeout=HANG_MS)
                assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
                assert shown.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
