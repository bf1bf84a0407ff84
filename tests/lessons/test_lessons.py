from __future__ import annotations

import atexit
import platform
import shutil
import subprocess
import urllib.error
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from speedkit import lessons
from speedkit.apps import own_app, sample_app
from speedkit.builds import build
from speedkit.engine.ledger import note_image
from speedkit.errors import SetupError
from speedkit.model import Base, Build, ImageLayer, Step
from speedkit.projects import open_project
from speedkit.proof import advise

GO = "FROM golang:alpine AS builder\nWORKDIR /src\nCOPY . .\nRUN go build -o /x .\nFROM scratch\nCOPY --from=builder /x /x\n"


def built(*steps: Step, strategy: str = "naive", edit: str = "none", seconds: float = 1.0, outcome: str = "done") -> Build:
    return Build(uuid4().hex, "app", strategy, edit, "", seconds, outcome, 0, "", steps)


def step(log: str = "", seconds: float = 1.0, state: str = "ran", line: int = 1) -> Step:
    return Step("RUN x", "builder", "RUN x", line, state, seconds, log=log)


@pytest.fixture
def app():
    with sample_app() as app:
        yield app


PROXY = "# get https://proxy.example/go/"


class TestDownloads:
    def test_go_build_names_what_it_fetches_in_the_steps_that_ran(self):
        log = "go: downloading github.com/a/b v1.2.3\nsomething\ngo: downloading golang.org/x/c v0.1.0\n"
        listed = lessons.downloads(built(step(log), step(log, state="cached")))
        assert listed == ["github.com/a/b v1.2.3", "golang.org/x/c v0.1.0"]

    def test_go_mod_download_names_what_it_fetches_with_a_trace_and_only_archives_count(self):
        toml = f"{PROXY}github.com/!burnt!sushi/toml/@v/v1.2.3"
        log = (
            f"{toml}.mod\n{toml}.mod: 200 OK (0.1s)\n{toml}.zip\n{toml}.zip: 200 OK (0.1s)\n"
            f"{PROXY}gopkg.in/yaml.v3/@v/v3.0.1.zip: 200 OK (0.1s)\n{PROXY}golang.org/x/c/@v/v0.1.0.zip: 404 Not Found (0.1s)\n"
        )
        assert lessons.downloads(built(step(log))) == ["github.com/BurntSushi/toml v1.2.3", "gopkg.in/yaml.v3 v3.0.1"]

    @pytest.mark.engine
    def test_a_real_go_mod_download_is_counted_and_a_cached_one_is_not(self, app):
        stage = app.read("Dockerfile.optimized").partition("COPY . .")[0]
        app.add_strategy("download", stage)
        modules = lessons.downloads(build(app, "download"))
        assert any(name.startswith("github.com/gin-gonic/gin v") for name in modules)
        assert len(modules) == len(set(modules)) > 20
        assert lessons.downloads(build(app, "download")) == []

    @pytest.mark.parametrize(
        ("second", "sentence"),
        [
            ("", "2 modules at first, 0 after a field renamed: nothing was downloaded again."),
            ("a v1,b v1", "2 modules at first, 2 after a field renamed, 0 of them new: the same, all over again."),
            ("a v1,c v1", "2 modules at first, 2 after a field renamed, 1 of them new."),
            ("a v1", "2 modules at first, 1 after a field renamed, 0 of them new."),
        ],
    )
    def test_what_is_said_of_two_builds_follows_their_logs(self, second, sentence):
        def log(names: str) -> str:
            return "".join(f"go: downloading {name}\n" for name in names.split(",") if name)

        first, again = log("a v1,b v1"), log(second)
        assert lessons.downloaded_again(built(step(first)), built(step(again), edit="rename-field")) == sentence

    def test_where_go_does_not_say_what_it_fetches_nothing_is_counted(self):
        def fetching(instruction: str, state: str = "ran") -> Build:
            return built(replace(step(state=state, line=7), instruction=instruction), edit="rename-field")

        traced, silent = fetching("RUN go mod download -x"), fetching("RUN apk add git && go mod download && go build -x .")
        assert lessons.downloaded_again(traced, traced) == (
            "0 modules at first, 0 after a field renamed: nothing was downloaded again."
        )
        for pair in ((silent, traced), (traced, silent), (silent, silent)):
            assert lessons.downloaded_again(*pair) == (
                "`go mod download` in line 7 has no flag `-x`, so Go does not say what it fetched: nothing can be counted."
            )
        cached = fetching("RUN go mod download", "cached")
        assert lessons.downloaded_again(traced, cached).endswith("nothing was downloaded again.")

    def test_modules_are_counted_by_strategy_and_those_not_said_are_not_counted_as_none(self):
        fetched = step("go: downloading a v1\ngo: downloading b v1\n")
        silent = replace(step(), instruction="RUN go mod download")
        builds = [
            built(fetched, strategy="naive", edit="rename-field"),
            built(step(), strategy="optimized", edit="rename-field"),
            built(silent, strategy="mine", edit="rename-field"),
            built(fetched, strategy="warm", edit="cold"),
        ]
        assert lessons.modules_fetched(builds, ["naive", "optimized", "warm", "mine"], "rename-field") == (
            "Modules fetched after a field renamed:\n  naive: 2\n  optimized: 0\n  mine: not logged"
        )
        assert lessons.modules_fetched(builds, ["naive"], "readme") == ""


class TestOneBuild:
    def test_the_slowest_step_is_the_longest(self):
        slow = step(seconds=5.0)
        assert lessons.slowest_step(built(step(), slow)) is slow

    def test_where_the_time_went_is_one_step_or_it_says_that_it_is_not(self):
        assert lessons.where_the_time_went(built(step(seconds=9.0, line=7), step(), seconds=10.0)) == (
            "Most of the time is one step: line 7, RUN x: 9.0 s of 10.0 s (90.0 %)."
        )
        spread = built(step(seconds=3.0, line=7), step(seconds=2.9), step(seconds=2.8), seconds=10.0)
        assert lessons.where_the_time_went(spread).startswith("No step takes most of the time; the longest is line 7")
        assert lessons.where_the_time_went(built(step(state="cached"))).startswith("Nothing ran")

    def test_two_builds_side_by_side_show_the_steps_that_ran_at_first(self):
        first = built(step(seconds=4.0, line=1), step(state="cached", line=2), edit="cold")
        again = built(step(state="cached", line=1), step(state="cached", line=2), edit="rename-field")
        table = lessons.side_by_side(first, again).data
        assert table.columns.tolist() == ["line", "instruction", "naive, cold", "naive, rename-field"]
        assert table.values.tolist() == [[1, "RUN x", "4.0 s", "cached"]]

    def test_what_ran_lists_lines_by_their_state(self):
        steps = [step(state="cached", line=1), step(line=4), step(line=6), step(state="failed", line=7), step(state="no-step")]
        table = lessons.what_ran(built(*steps, edit="break"), built(step(state="cached", line=1))).data
        assert table.values.tolist() == [["naive, break", "4, 6", "1", "7"], ["naive, none", "–", "1", "–"]]
        assert lessons.what_ran(built(), built(), names=["first", "second"]).data["build"].tolist() == ["first", "second"]

    def test_the_articles_logs_stand_beside_a_build_of_the_readers_own(self):
        steps = [step(state="cached"), replace(step(log="go: downloading a.b/c v1.0.0\n"), instruction="RUN go build")]
        table = lessons.beside_the_article(built(*steps, edit="rename-field", strategy="optimized")).data
        assert table["modules"].tolist() == [12, 0, 1]
        assert table["ran"].tolist() == [
            "ENV GOPROXY, COPY . /workspace, RUN CGO_ENABLED=0 go build -o speedup",
            "COPY . /workspace, RUN CGO_ENABLED=0 go build -o speedup, COPY --from=builder, ENTRYPOINT",
            "RUN go build",
        ]
        downloads = "ENV GOPROXY, COPY go.mod, COPY go.sum, RUN go mod download"
        assert table["cached"].tolist() == [
            "FROM golang:alpine as builder, WORKDIR /workspace, FROM alpine, COPY --from=builder, ENTRYPOINT",
            f"FROM golang:alpine as builder, WORKDIR /workspace, {downloads}, FROM alpine",
            "RUN x",
        ]


class TestManyBuilds:
    BUILDS = (
        built(strategy="naive", edit="rename-field", seconds=30.0),
        built(strategy="naive", edit="rename-field", seconds=40.0),
        built(strategy="mounts", edit="rename-field", seconds=2.0),
        built(strategy="chained", edit="break", seconds=9.0, outcome="failed"),
        built(strategy="someone's own", edit="none"),
    )

    def test_the_overview_has_every_strategy_and_edit_and_says_what_was_not_built(self, app):
        table = lessons.overview(self.BUILDS, app).data
        assert table.index.tolist() == list(app.strategies)
        assert table.columns.tolist() == ["cold", *app.edits]
        assert table.loc["naive", "rename-field"] == "35.0 s"
        assert table.loc["chained", "break"] == "fails after 9.0\N{NO-BREAK SPACE}s"
        assert table.loc["scratch", "cold"] == "not built"

    def test_the_overview_of_nothing_is_all_not_built(self, app):
        shown = lessons.overview([], app)
        assert set(shown.data.to_numpy().ravel()) == {"not built"}
        assert "not built" in shown.to_html()

    def test_empty_cells_are_counted_with_the_reason_and_a_full_table_has_none(self, app):
        cells = len(app.strategies) * (len(app.edits) + 1)
        assert lessons.empty_cells(self.BUILDS, app).startswith(f"{cells - 3} cells of {cells} say 'not built'")
        assert "make tour FULL=1" in lessons.empty_cells(self.BUILDS, app)
        every = [built(strategy=name, edit=edit) for name in app.strategies for edit in ("cold", *app.edits)]
        assert lessons.empty_cells(every, app) == ""

    def test_a_verdict_in_seconds_needs_a_difference_beyond_the_spread(self):
        said = lessons.verdict(self.BUILDS, ["naive", "mounts", "warm"], "rename-field")
        assert "naive: 35.0 s (30.0 s to 40.0 s, 2 runs)" in said
        assert "mounts: 2.0 s (one run)" in said
        assert "warm: not built" in said
        assert said.endswith("mounts is quicker than naive: by more than repeated runs differ.")

    @pytest.mark.parametrize(
        "seconds",
        [
            {"chained": [36.0, 24.0], "stages": [44.5, 25.0]},
            {"chained": [2.0], "stages": [3.9], "mounts": [1.0, 2.0]},
        ],
    )
    def test_within_the_spread_nobody_is_called_quicker(self, seconds):
        builds = [built(step(), strategy=name, edit="comment", seconds=each) for name, runs in seconds.items() for each in runs]
        said = lessons.verdict(builds, ["chained", "stages"], "comment")
        assert said.endswith("The seconds differ by no more than repeated runs do: compare the steps.")
        assert "1 of 1 step ran" in said

    def test_where_nothing_was_repeated_nothing_is_said_of_seconds(self):
        once = [built(strategy="naive", edit="none", seconds=40.0), built(strategy="mounts", edit="none", seconds=1.0)]
        assert lessons.verdict(once, ["naive", "mounts"], "none").endswith(
            "No build was repeated, so it is unknown how much runs differ: compare the steps."
        )

    def test_a_build_that_is_listed_twice_is_one_run(self):
        once = [built(strategy="naive", edit="none", seconds=1.1), built(strategy="mounts", edit="none", seconds=1.0)]
        said = lessons.verdict([*once, *once], ["naive", "mounts"], "none")
        assert "naive: 1.1 s (one run)" in said
        assert "quicker" not in said

    def test_the_verdict_turns_round_with_the_numbers(self):
        def said(warm: float, mounts: float) -> str:
            seconds = {"warm": (warm, warm + 0.1), "mounts": (mounts, mounts + 0.1)}
            builds = [built(step(), strategy=name, seconds=each) for name, runs in seconds.items() for each in runs]
            return lessons.verdict(builds, ["warm", "mounts"], "none").splitlines()[-1]

        assert said(1.0, 2.0).startswith("warm is quicker than mounts")
        assert said(2.0, 1.0).startswith("mounts is quicker than warm")

    def test_a_strategy_is_slower_or_quicker_than_the_host_only_beyond_the_spread(self):
        def said(*seconds: float) -> str:
            host = [built(step(), strategy="host", seconds=each) for each in (1.0, 1.1, 1.2)]
            builds = [*host, *(built(step(), strategy="mounts", seconds=each) for each in seconds)]
            return lessons.beside_the_host(builds, ["mounts", "warm"], "none")

        assert said(0.5, 0.5, 0.6).splitlines() == [
            "With Go on the host: 1.1 s, the median of 3 runs (1.0 s to 1.2 s)",
            "  mounts, without Go on the host: 0.50 s, the median of 3 runs (0.50 s to 0.60 s), quicker than the host",
        ]
        assert said(2.0, 2.1, 2.2).endswith("slower than the host")
        assert said(1.0, 1.1, 1.3).endswith("not to be told from the host: runs of one build differ as much")
        assert said(9.0).endswith("9.0 s in one run, slower than the host")
        assert lessons.beside_the_host(self.BUILDS, ["mounts"], "rename-field") == (
            "With Go on the host: not built after a field renamed, run 01."
        )

    def test_the_recap_has_every_lesson_and_only_figures_of_the_builds(self, app):
        fetched = step("go: downloading a v1\n")
        table = lessons.recap([replace(built(fetched, edit="rename-field", seconds=3.0), image_bytes=2_000_000)]).data
        assert sorted(table["way"]) == sorted(app.strategies)
        rows = table.set_index("way")
        assert rows.loc["naive"].tolist()[1:] == ["1 of 1 step ran", "3.0 s, 1 run", "1", "2.0 MB"]
        assert rows.loc["warm"].tolist()[1:] == ["not built", "–", "–", "–"]

    def test_a_push_leaves_behind_what_stages_before_the_last_one_made(self):
        def at(line: int, stage: str, instruction: str = "RUN x") -> Step:
            return replace(step(line=line), stage=stage, instruction=instruction)

        two = built(
            at(1, "builder", "FROM a"), at(2, "builder"), at(3, "builder"), at(4, "stage-1", "FROM b"), at(5, "stage-1")
        )
        assert lessons.left_behind(two) == (
            "naive: the image has the base image and the result of line 5. That of lines 2 and 3 is in no layer of it."
        )
        assert lessons.left_behind(built(at(2, "stage-0"))) == "naive: the image has the results of all its lines."

    def test_without_two_strategies_there_is_no_verdict(self):
        assert lessons.verdict(self.BUILDS, ["naive", "warm"], "rename-field") == (
            "After a field renamed: not built with warm, so there is nothing to compare."
        )

    def test_extremes_go_by_the_median_and_not_by_one_slow_run(self):
        outlier = [*self.BUILDS, built(strategy="mounts", edit="rename-field", seconds=90.0)]
        outlier.append(built(strategy="mounts", edit="rename-field", seconds=2.0))
        slow, fast = lessons.extremes(outlier, "rename-field")
        assert (slow.strategy, fast.strategy) == ("naive", "mounts")
        assert lessons.extremes(self.BUILDS[:2], "rename-field") is None
        assert lessons.extremes(self.BUILDS, "break") is None

    def test_sizes_are_called_apart_only_beyond_a_hundredth_and_by_the_layer_that_does_it(self):
        def image(strategy: str, *layers: tuple[str, int]) -> Build:
            made = tuple(ImageLayer(command, size, from_base=False) for command, size in layers)
            return replace(built(strategy=strategy), layers=made, image_bytes=sum(size for _, size in layers))

        stages, chained = (
            image("stages", ("COPY speedup", 12_000_000)),
            image("chained", ("COPY .", 10_000), ("RUN", 12_000_000)),
        )
        assert lessons.size_difference(chained, stages) == (
            "chained: 12.0 MB, stages: 12.0 MB: 10.0 kB apart, which is less than a hundredth."
        )
        stripped = image("stripped", ("COPY speedup", 8_000_000))
        assert lessons.size_difference(stripped, stages) == (
            "stages: 12.0 MB, stripped: 8.0 MB: 4.0 MB apart; "
            "the largest layer that only the larger one has is 12.0 MB by COPY speedup."
        )

    def test_stand_ins_are_named_and_real_images_are_not(self):
        with_stand_in = replace(built(), bases=(Base("alpine", "localhost:1/x", stand_in=True),))
        assert "a stand-in took the place of alpine." in lessons.stand_ins([with_stand_in])
        assert lessons.stand_ins([replace(built(), bases=(Base("alpine", "alpine", stand_in=False),))]) == ""

    @pytest.mark.engine
    def test_the_largest_and_the_smallest_image_are_those_that_the_engine_still_has(self, engine, folder):
        made = {}
        for strategy, size in (("naive", 3000), ("mounts", 1000)):
            place = folder({"Dockerfile": "FROM scratch\nLABEL dev.speedkit=1\nCOPY a /\n", "a": f"{uuid4().hex:{size}}"})
            argv = [str(engine.buildx), "build", "--quiet", str(place)]
            done = subprocess.run(argv, check=True, capture_output=True, text=True, env=engine.environment)
            note_image(engine, done.stdout.strip(), "result", name="by hand")  # so that it goes with what the tests built
            made[strategy] = replace(built(strategy=strategy), image=done.stdout.strip(), image_bytes=size)
        gone = replace(built(strategy="chained"), image=f"sha256:{'0' * 64}", image_bytes=9)
        left = lessons.images_left([gone, *made.values(), *self.BUILDS])
        assert (left.largest, left.smallest) == (made["naive"], made["mounts"])
        assert str(left) == (
            "The largest: naive, 3.0 kB. The smallest: mounts, 1.0 kB. Both were built of the files as they were. "
            "No longer on this engine: chained."
        )
        other_sources = replace(made["naive"], edit="add-dependency", image_bytes=9_000_000)
        assert lessons.images_left([*made.values(), other_sources]).largest == made["naive"]
        twin = replace(made["naive"], strategy="stages", image_bytes=2999)
        assert str(lessons.images_left([*made.values(), twin])).startswith(
            "The largest: naive, 3.0 kB (1 other within a hundredth)."
        )
        same = lessons.images_left([made["naive"], replace(made["mounts"], image_bytes=3000)])
        assert str(same).startswith("mounts and naive give images of about the same size: 3.0 kB.")
        place = folder({"Dockerfile": "FROM scratch\nLABEL dev.speedkit=1\nCOPY a /a\nCOPY b /a\n", "a": "1" * 9, "b": "2"})
        argv = [str(engine.buildx), "build", "--quiet", str(place)]
        image = subprocess.run(argv, check=True, capture_output=True, text=True, env=engine.environment).stdout.strip()
        note_image(engine, image, "result", name="by hand")
        wasteful = replace(built(strategy="chained"), image=image, image_bytes=10)
        opened = lessons.images_left([*made.values(), wasteful])
        assert (opened.largest, opened.smallest) == (wasteful, made["mounts"])
        assert str(opened).startswith(
            "Wastes the most: chained, 9 bytes of 10 bytes. The smallest of the others: mounts, 1.0 kB."
        )
        alone = lessons.images_left([gone, made["naive"]])
        assert alone.largest is None
        assert str(alone) == "This needs the images of two strategies: run 03 and 04. No longer on this engine: chained."

    def test_without_an_engine_no_image_can_be_opened_and_it_says_why(self, monkeypatch, tmp_path):
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing")
        left = lessons.images_left([replace(built(), image="sha256:1")])
        assert left.largest is None
        assert str(left).startswith("No image can be opened: No Docker engine answers")


class TestShowing:
    def test_sentences_are_broken_between_words_and_an_empty_one_leaves_no_line(self, capsys):
        lessons.say("", "short", f"  {'word ' * 30}end")
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == "short"
        assert lines[1].startswith("  word word")
        assert {word for line in lines[1:] for word in line.split()} == {"word", "end"}
        assert max(map(len, lines)) <= 96

    def test_a_dockerfile_is_listed_with_the_line_numbers_that_builds_name(self, app):
        lines = app.strategy("naive").dockerfile.read_text().splitlines()
        listing = lessons.dockerfile(app, "naive")
        assert str(listing).splitlines()[2] == f"  3  {lines[2]}"
        assert listing._repr_html_().count("display:block") == len(lines)

    def test_a_listing_shows_markup_as_text(self):
        html = lessons.Listing("# <b>\nRUN echo '<img src=x onerror=alert(1)>'")._repr_html_()
        assert "<b>" not in html
        assert "<img" not in html

    def test_summaries_are_never_cut(self, app):
        html = lessons.summaries(app.strategies).to_html()
        assert all(name in html for name in app.strategies)
        longest = max((strategy.summary for strategy in app.strategies.values()), key=len)
        assert lessons.summaries(app.strategies).data.loc["scratch"].item() == app.strategies["scratch"].summary
        assert longest in html

    def test_every_summary_is_a_whole_sentence(self, app):
        for strategy in app.strategies.values():
            assert strategy.summary.endswith("."), strategy.name

    def test_stages_are_listed_with_what_they_start_from(self, app):
        table = lessons.stages(app, "stages").data
        assert table["stage"].tolist() == ["tools", "compiler", "stage-2"]
        assert table["starts from"].tolist() == ["alpine", "tools", "alpine"]


class TestProjects:
    def test_without_a_path_the_sample_history_is_taken_and_goes_with_the_kernel(self, monkeypatch):
        at_exit = []
        monkeypatch.setattr(atexit, "register", lambda close: at_exit.append(close))
        place = lessons.repository(None)
        assert (place / ".git").is_dir()
        at_exit[0]()
        assert not place.exists()
        assert lessons.repository("~/x") == Path.home() / "x"

    def test_advice_is_applied_to_a_copy_and_not_to_the_project(self, folder):
        files = {"Dockerfile": GO, "go.mod": "module x\n", "main.go": "package main\n", ".dockerignore": ".git\n"}
        place = folder(files)
        project = open_project(place)
        with project.app_copy() as app:
            assert lessons.apply_advice(app, project, advise(project)) == ("Dockerfile",)
            assert "--mount=type=cache" in (app.folder / "Dockerfile").read_text()
            assert not app.holds_typed_text
        assert (place / "Dockerfile").read_text() == GO

    def test_an_app_is_closed_when_the_kernel_ends(self, app, monkeypatch):
        at_exit = []
        monkeypatch.setattr(atexit, "register", lambda close, *what: at_exit.append((close, what)))
        lessons.close_with_kernel(app)
        assert app.folder.is_dir()
        for close, what in at_exit:
            close(*what)
        assert not app.folder.exists()


class TestPrograms:
    def test_places_of_source_files_are_found_each_once(self, tmp_path):
        program = tmp_path / "program"
        program.write_bytes(b"\0/home/me/app/main.go\0/home/me/app/main.go\0C:/Go/x.go\0gin@v1/gin.go\0/not/ended.go")
        assert lessons.host_paths(program) == ["/home/me/app/main.go", "C:/Go/x.go"]
        assert len(lessons.fingerprint(program)) == 12

    def test_bytes_are_shown_as_numbers_and_letters(self, tmp_path):
        program = tmp_path / "program"
        program.write_bytes(b"xxxx/home/me\0\xff and more bytes")
        assert lessons.first_bytes_of(program, "/home/me").startswith("00000004  2f 68 6f 6d 65")
        assert lessons.first_bytes_of(program, "/home/me").endswith("  /home/me.. and m")
        program.write_bytes(b"x" + b"a" * 20)
        assert [row[:8] for row in lessons.first_bytes_of(program, "a" * 20).splitlines()] == ["00000001", "00000011"]
        assert lessons.first_bytes_of(program, "/elsewhere") == "/elsewhere is not in program"


@pytest.fixture
def tiny_go(folder):
    main = (
        'package main\nimport ("net/http";"os";"io")\nfunc main() {\n'
        'http.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {\n'
        'io.WriteString(w, r.URL.Query().Get("text")) })\n'
        'if os.Getenv("FAIL") == "" { http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil) } }\n'
    )
    place = folder({"Dockerfile": "FROM scratch\n", "go.mod": "module x\n\ngo 1.21\n", "main.go": main})
    with own_app(place) as app:
        app.share_cache()
        yield app


@pytest.mark.skipif(shutil.which("go") is None, reason="needs Go on PATH")
@pytest.mark.slow
class TestGo:
    def test_go_says_what_it_would_compile_and_what_it_has(self, tiny_go, monkeypatch, tmp_path):
        monkeypatch.setenv("GOCACHE", str(tmp_path / "cache"))
        at_first = lessons.packages_to_compile(tiny_go)
        assert {"x", "net/http"} <= set(at_first)
        lessons.go_build(tiny_go)
        assert lessons.packages_to_compile(tiny_go) == []
        tiny_go.write("main.go", tiny_go.read("main.go") + "\nvar other = 1\n")
        assert lessons.packages_to_compile(tiny_go) == ["x"]
        assert len(lessons.packages_to_compile(tiny_go, "-trimpath")) == len(at_first)
        assert lessons.packages_to_compile(tiny_go, from_nothing=True) == at_first

    def test_where_a_program_runs_is_read_from_the_program(self, tiny_go, monkeypatch):
        program = lessons.go_build(tiny_go)
        monkeypatch.setattr(platform, "system", lambda: "Darwin")
        assert lessons.where_it_runs(program).startswith("The program is for Linux on ")
        assert "needs no library of the system" in lessons.where_it_runs(program)
        assert lessons.where_it_runs(program).endswith("so it does not run here without an emulator.")
        monkeypatch.setattr(platform, "system", lambda: "Linux")
        assert lessons.where_it_runs(program).endswith("so it runs.")
        assert "needs the system's libraries" in lessons.where_it_runs(Path("/bin/sh"))
        program.write_bytes(b"\xcf\xfa\xed\xfe")
        assert "not a program for Linux" in lessons.where_it_runs(program)

    def test_a_program_is_built_run_on_a_free_port_and_asked(self, tiny_go):
        program = lessons.go_build(tiny_go)
        assert any(place.startswith(str(tiny_go.folder)) for place in lessons.host_paths(program))
        with lessons.running(program) as address:
            assert lessons.ask(address, "hello & more") == "hello & more"
        with pytest.raises(urllib.error.URLError):
            lessons.ask(address, "gone")

    def test_two_folders_give_two_programs_and_trimpath_one(self, tiny_go):
        folders = tiny_go.folder, lessons.second_folder(tiny_go)

        def fingerprints(*flags: str) -> set[str]:
            return {lessons.fingerprint(lessons.go_build(tiny_go, *flags, folder=folder)) for folder in folders}

        assert len(fingerprints()) == 2
        assert len(fingerprints("-trimpath")) == 1
        assert lessons.host_paths(lessons.go_build(tiny_go, "-trimpath")) == []

    def test_a_compile_error_and_a_program_that_ends_are_told(self, tiny_go, monkeypatch):
        program = lessons.go_build(tiny_go)
        monkeypatch.setenv("FAIL", "1")
        with pytest.raises(SetupError, match="did not answer"), lessons.running(program):
            pass
        tiny_go.write("main.go", "package main\nfunc main() { x }\n")
        with pytest.raises(SetupError, match="undefined: x"):
            lessons.go_build(tiny_go)
