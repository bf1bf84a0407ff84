from __future__ import annotations

import atexit
import shutil
import subprocess
import urllib.error
from dataclasses import replace
from uuid import uuid4

import pytest

from speedkit import lessons
from speedkit.apps import own_app, sample_app
from speedkit.errors import SetupError
from speedkit.model import Build, Step


def built(*steps: Step, strategy: str = "naive", edit: str = "none", seconds: float = 1.0, outcome: str = "done") -> Build:
    return Build("id", "app", strategy, edit, "", seconds, outcome, 0, "", steps)


def step(log: str = "", seconds: float = 1.0, state: str = "ran", line: int = 1) -> Step:
    return Step("RUN x", "builder", "RUN x", line, state, seconds, log=log)


@pytest.fixture
def app():
    with sample_app() as app:
        yield app


class TestOneBuild:
    def test_downloads_are_read_from_the_logs_of_the_steps_that_ran(self):
        log = "go: downloading github.com/a/b v1.2.3\nsomething\ngo: downloading golang.org/x/c v0.1.0\n"
        found = lessons.downloads(built(step(log), step(log, state="cached")))
        assert found == ["github.com/a/b v1.2.3", "golang.org/x/c v0.1.0"]

    def test_the_slowest_step_is_the_longest(self):
        slow = step(seconds=5.0)
        assert lessons.slowest_step(built(step(), slow)) is slow

    def test_two_builds_side_by_side_show_the_steps_that_ran_at_first(self):
        first = built(step(seconds=4.0, line=1), step(state="cached", line=2), edit="cold")
        again = built(step(state="cached", line=1), step(state="cached", line=2), edit="rename-field")
        table = lessons.side_by_side(first, again).data
        assert table.columns.tolist() == ["line", "instruction", "naive, cold", "naive, rename-field"]
        assert table.values.tolist() == [[1, "RUN x", "4.0 s", "cached"]]


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

    def test_a_sentence_compares_strategies_after_one_edit(self):
        said = lessons.compared(self.BUILDS, ["naive", "mounts", "warm"], "rename-field")
        assert said == "rename-field: naive 35.0 s, mounts 2.0 s, warm not built"

    def test_extremes_are_the_slowest_and_the_quickest_of_two_strategies(self):
        slow, fast = lessons.extremes(self.BUILDS, "rename-field")
        assert (slow.seconds, fast.seconds) == (40.0, 2.0)
        assert lessons.extremes(self.BUILDS[:2], "rename-field") is None
        assert lessons.extremes(self.BUILDS, "break") is None

    @pytest.mark.engine
    def test_the_largest_and_the_smallest_image_are_those_that_the_engine_still_has(self, engine, folder):
        made = {}
        for strategy, size in (("naive", 3000), ("mounts", 1000)):
            place = folder({"Dockerfile": "FROM scratch\nLABEL dev.speedkit=1\nCOPY a /\n", "a": f"{uuid4().hex:{size}}"})
            argv = [str(engine.buildx), "build", "--quiet", str(place)]
            done = subprocess.run(argv, check=True, capture_output=True, text=True, env=engine.environment)
            made[strategy] = replace(built(strategy=strategy), image=done.stdout.strip(), image_bytes=size)
        gone = replace(built(strategy="chained"), image=f"sha256:{'0' * 64}", image_bytes=9)
        left = lessons.images_left([gone, *made.values(), *self.BUILDS])
        assert (left.largest, left.smallest) == (made["naive"], made["mounts"])
        assert str(left) == "The largest: naive, 3.0 kB. The smallest: mounts, 1.0 kB. No longer on this engine: chained."
        same = lessons.images_left([made["naive"], replace(made["mounts"], image_bytes=3000)])
        assert str(same).startswith("mounts and naive give images of one size: 3.0 kB.")
        alone = lessons.images_left([gone, made["naive"]])
        assert alone.largest is None
        assert str(alone) == "This needs the images of two strategies: run 03 and 04. No longer on this engine: chained."

    def test_without_an_engine_no_image_can_be_opened_and_it_says_why(self, monkeypatch, tmp_path):
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing")
        left = lessons.images_left([replace(built(), image="sha256:1")])
        assert left.largest is None
        assert str(left).startswith("No image can be opened: No Docker engine answers")


class TestShowing:
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

    def test_stages_are_listed_with_what_they_start_from(self, app):
        table = lessons.stages(app, "stages").data
        assert table["stage"].tolist() == ["tools", "compiler", "stage-2"]
        assert table["starts from"].tolist() == ["alpine", "tools", "alpine"]


class TestProjects:
    def test_without_a_path_the_sample_app_is_taken(self):
        app, strategy, edit = lessons.project(None, "Dockerfile", "main.py")
        with app:
            assert (app.name, strategy, edit) == ("sample_go_app", "mounts", "rename-field")

    def test_a_project_of_ones_own_is_copied_and_its_edit_changes_one_file(self, folder):
        place = folder({"Dockerfile": "FROM scratch\nCOPY . /\n", "main.py": "print()\n"})
        app, strategy, edit = lessons.project(place, "Dockerfile", "main.py")
        with app:
            assert app.strategy(strategy).dockerfile.parent == app.folder != place
            assert app.edit(edit).paths == ("main.py",)
            assert app.changed() == ("main.py",)
        assert (place / "main.py").read_text() == "print()\n"

    def test_an_app_is_closed_when_the_kernel_ends(self, app, monkeypatch):
        at_exit = []
        monkeypatch.setattr(atexit, "register", at_exit.append)
        lessons.close_with_kernel(app)
        assert app.folder.is_dir()
        for close in at_exit:
            close()
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
class TestGo:
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
