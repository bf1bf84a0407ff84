from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from speedkit.apps import app_in_place, append_line, own_app, replacement, sample, sample_app, working_copy
from speedkit.apps.app import App
from speedkit.apps.sample import SampleApp, sample_folder
from speedkit.context import read_context
from speedkit.dockerfile import external_bases, read_dockerfile
from speedkit.errors import (
    DiskFull,
    EditDoesNotApply,
    FileRefused,
    Misuse,
    NoDockerfile,
    NotAFolder,
    UnknownEdit,
    UnknownStrategy,
)
from speedkit.state import state_folder

STRATEGIES = ["host", "chained", "naive", "stages", "optimized", "warm", "mounts", "scratch"]
EDITS = ["none", "touch", "comment", "rename-field", "readme", "add-dependency", "break"]


@pytest.fixture
def app():
    with sample_app() as found:
        yield found


@pytest.fixture
def own(folder):
    place = folder({"Dockerfile": "FROM scratch\nCOPY . /\n", "a.txt": "a\n", "sub/b.txt": "b\n"})
    with own_app(place) as found:
        yield found


def test_the_sample_app_has_every_strategy_and_edit(app):
    assert list(app.strategies) == STRATEGIES
    assert list(app.edits) == EDITS


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_dockerfile_opens_with_what_it_shows(app, name):
    lines = app.strategy(name).dockerfile.read_text().splitlines()
    comments = next(index for index, line in enumerate(lines) if not line.startswith("#"))
    assert comments in (2, 3)


@pytest.mark.parametrize("name", EDITS[2:])
def test_every_edit_says_what_it_changed_and_reset_takes_it_back(app, name):
    applied = app.edit(name)
    assert app.changed() == tuple(sorted(applied.paths))
    assert app.edit_name == name
    app.reset()
    assert app.changed() == ()
    assert app.edit_name == "none"


def test_touch_moves_only_the_time(app):
    path = app.folder / "main.go"
    before = path.stat().st_mtime_ns
    app.edit("touch")
    assert path.stat().st_mtime_ns > before
    assert app.changed() == ()


def test_two_comments_differ(app):
    app.edit("comment")
    first = app.read("main.go")
    app.reset()
    app.edit("comment")
    assert app.read("main.go") != first


def test_an_edit_always_moves_the_time_forward_even_when_the_size_stays(own):
    path = own.folder / "a.txt"
    for text in ("b\n", "c\n", "d\n"):
        before = path.stat().st_mtime_ns
        own.write("a.txt", text)
        assert path.stat().st_mtime_ns > before


def test_the_probe_expects_the_field_that_the_sources_name(app):
    assert app.probe.accepts('{"text":"speedkit"}')
    app.edit("rename-field")
    assert app.probe.accepts('{"message":"speedkit"}')
    assert not app.probe.accepts('{"text":"speedkit"}')
    assert not app.probe.accepts("not json")
    assert not app.probe.accepts("[1]")


def test_an_edit_made_twice_says_that_it_no_longer_fits(app):
    app.edit("rename-field")
    with pytest.raises(EditDoesNotApply, match="no longer holds"):
        app.edit("rename-field")


def test_two_working_copies_have_names_that_were_never_used(app):
    with sample_app() as other:
        assert other.folder.name != app.folder.name
        assert other.folder != sample_folder()


def test_closing_removes_the_copy_and_leaves_the_original(folder):
    place = folder({"Dockerfile": "FROM scratch\n"})
    app = own_app(place)
    assert app.folder.is_dir()
    app.close()
    assert not app.folder.exists()
    assert (place / "Dockerfile").is_file()


def test_what_is_unknown_is_answered_with_what_is_known(app):
    with pytest.raises(UnknownStrategy, match="Use one of: host, chained"):
        app.strategy("nope")
    with pytest.raises(UnknownEdit, match="Use one of: none, touch"):
        app.edit("nope")


def test_a_folder_or_dockerfile_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(NotAFolder):
        own_app(tmp_path / "nothing")
    with pytest.raises(NoDockerfile):
        own_app(tmp_path)
    with pytest.raises(NoDockerfile):
        own_app(tmp_path, "Dockerfile.other")
    with pytest.raises(NoDockerfile):
        app_in_place(tmp_path, dockerfile=Path("Dockerfile.other"))


def test_an_own_app_has_a_strategy_per_dockerfile(folder):
    place = folder({"Dockerfile": "FROM scratch\n", "Dockerfile.dev": "FROM scratch\n", "Dockerfile.dockerignore": "x\n"})
    with own_app(place) as app:
        assert list(app.strategies) == ["Dockerfile", "Dockerfile.dev"]
    with own_app(place, "Dockerfile.dev") as app:
        assert list(app.strategies) == ["Dockerfile.dev"]
    assert "dev" in app_in_place(place).strategies
    assert list(app_in_place(place, dockerfile=place / "Dockerfile.dev").strategies) == ["Dockerfile.dev"]


def test_a_dockerfile_in_lower_case_is_found_where_there_is_no_other(folder):
    place = folder({"dockerfile": "FROM scratch\n", "Dockerfile.dev": "FROM scratch\n"})
    assert app_in_place(place).strategy().name == "dockerfile"
    with own_app(place) as app:
        assert list(app.strategies) == ["dockerfile", "Dockerfile.dev"]
    (place / "Dockerfile").write_text("FROM scratch\n")
    assert "dockerfile" not in app_in_place(place).strategies


def test_a_linked_dockerfile_is_built_under_the_name_of_the_link(folder):
    place = folder({"docker/Dockerfile": "FROM scratch\n", "docker/Dockerfile.dockerignore": "a.txt\n", "a.txt": "a"})
    (place / "Dockerfile").symlink_to("docker/Dockerfile")
    app = app_in_place(place, dockerfile=place / "Dockerfile")
    assert list(app.strategies) == ["Dockerfile"]
    assert "a.txt" in read_context(place, dockerfile=app.strategy().dockerfile).by_path


def test_a_dockerfile_linked_out_of_its_own_folder_is_built_from_where_it_lies(folder):
    place = folder({"all/Dockerfile": "FROM scratch\n", "one/a.txt": "a"})
    (place / "one" / "Dockerfile").symlink_to("../all/Dockerfile")
    there = place.resolve() / "all" / "Dockerfile"
    assert app_in_place(place / "one").strategy().dockerfile == there
    assert app_in_place(place, dockerfile=place / "one" / "Dockerfile").strategy().dockerfile == there
    with own_app(place, "one/Dockerfile") as app:
        assert app.strategy().dockerfile == app.folder / "all" / "Dockerfile"


def test_two_dockerfiles_of_one_name_are_two_strategies(folder, tmp_path):
    place = folder({"Dockerfile": "FROM scratch\n", "sub/Dockerfile": "FROM scratch\n"})
    other = tmp_path / "Dockerfile"
    other.write_text("FROM scratch\n")
    assert list(app_in_place(place, dockerfile=place / "sub" / "Dockerfile").strategies) == ["sub/Dockerfile"]
    assert list(app_in_place(place, dockerfile=other).strategies) == [str(other)]
    with own_app(place, ["Dockerfile", "sub/Dockerfile", str(other)]) as app:
        assert list(app.strategies) == ["Dockerfile", "sub/Dockerfile", str(other)]
        assert app.strategy(str(other)).dockerfile == other


def test_the_sample_apps_folder_is_recognised():
    assert isinstance(app_in_place(sample_folder()), SampleApp)
    with own_app(sample_folder()) as app:
        assert isinstance(app, SampleApp)


def test_edits_of_ones_own_append_and_replace(folder, tmp_path):
    other = tmp_path / "other.bin"
    other.write_bytes(b"\0\1")
    edits = {"more": append_line("a.txt", "more"), "swap": replacement("a.txt", other)}
    with own_app(folder({"Dockerfile": "FROM scratch\n", "a.txt": "a"}), edits=edits) as app:
        app.edit("more")
        assert app.read("a.txt") == "a\nmore\n"
        app.edit("swap")
        assert (app.folder / "a.txt").read_bytes() == b"\0\1"
        with pytest.raises(FileRefused):
            replacement("a.txt", tmp_path / "none").make(app.folder)
        with pytest.raises(EditDoesNotApply):
            append_line("none.txt", "x").make(app.folder)


def test_an_app_in_place_cannot_be_edited(folder):
    app = app_in_place(folder({"Dockerfile": "FROM scratch\n", "a.txt": "a"}))
    with pytest.raises(FileRefused, match="is your own folder"):
        app.write("a.txt", "b")
    app.edit("none")
    assert app.changed() == ()
    assert app.cache_of("Dockerfile") is None


@pytest.mark.parametrize("name", ["../outside.txt", "/etc/passwd", "sub/../../x"])
def test_a_path_that_leads_out_is_refused(own, name):
    with pytest.raises(FileRefused, match="leads out"):
        own.write(name, "x")
    with pytest.raises(FileRefused, match="leads out"):
        own.read(name)


def test_a_link_that_leads_out_is_refused(own):
    (own.folder / "link").symlink_to("/etc")
    with pytest.raises(FileRefused, match="leads out"):
        own.read("link/passwd")


def test_files_that_are_not_text_or_too_large_are_refused_with_a_reason(own):
    (own.folder / "bin").write_bytes(b"\0\1\2")
    (own.folder / "latin").write_bytes(b"caf\xe9")
    (own.folder / "large").write_text("x" * 5_000_000)
    for name in ("bin", "latin"):
        with pytest.raises(FileRefused, match="is not text"):
            own.read(name)
    with pytest.raises(FileRefused, match=r"has 5\.0 MB"):
        own.read("large")
    with pytest.raises(FileRefused, match="cannot be read"):
        own.read("nothing")
    with pytest.raises(FileRefused, match="would have"):
        own.write("a.txt", "x" * 2_000_000)
    assert own.text_files() == ("Dockerfile", "a.txt", "sub/b.txt")


def test_one_file_can_be_reset_and_a_new_one_goes_away(own):
    own.write("a.txt", "changed\n")
    own.write("new.txt", "new\n")
    assert own.changed() == ("a.txt", "new.txt")
    own.reset("new.txt")
    assert not (own.folder / "new.txt").exists()
    assert own.edit_name == "custom"
    own.reset()
    assert own.read("a.txt") == "a\n"


def test_a_file_removed_on_disk_comes_back_with_reset(own):
    (own.folder / "sub" / "b.txt").unlink()
    assert own.changed() == ("sub/b.txt",)
    own.reset()
    assert own.read("sub/b.txt") == "b\n"


def test_a_diff_shows_what_changed(own):
    own.write("a.txt", "b\n")
    assert "-a\n+b\n" in own.diff("a.txt")
    assert own.diff("sub/b.txt") == ""


def test_a_strategy_of_ones_own_is_kept_outside_of_the_context(own):
    added = own.add_strategy("mine", "FROM scratch\n")
    assert own.strategy("mine") == added
    assert not added.dockerfile.is_relative_to(own.folder)
    with pytest.raises(Misuse):
        own.add_strategy("../up", "FROM scratch\n")


def test_the_first_build_of_each_strategy_is_its_own_cold_start(own):
    cache, first = own.begin("Dockerfile", cold=False)
    again, second = own.begin("Dockerfile", cold=False)
    other, _ = own.begin("other", cold=False)
    cold, third = own.begin("Dockerfile", cold=True)
    assert (first, second, third) == ("cold", "none", "cold")
    assert cache == again
    assert len({cache, other, cold}) == 3
    own.share_cache()
    assert own.begin("Dockerfile", cold=False) == (None, "none")


def test_a_build_is_listed_under_the_edit_made_since_the_last_one(own):
    assert own.begin("Dockerfile", cold=False)[1] == "cold"
    own.write("a.txt", "b\n")
    assert own.begin("Dockerfile", cold=False)[1] == "custom"
    assert own.begin("Dockerfile", cold=False)[1] == "none"
    own.edit("touch")
    assert own.begin("Dockerfile", cold=False)[1] == "touch"
    assert own.begin("other", cold=False)[1] == "touch"


def test_a_build_from_cold_leaves_the_next_one_in_the_strategys_own_cache_what_it_was(own):
    assert own.begin("Dockerfile", cold=True)[1] == "cold"
    assert own.begin("Dockerfile", cold=False)[1] == "cold"
    own.write("a.txt", "b\n")
    assert own.begin("Dockerfile", cold=True)[1] == "custom"
    assert own.begin("Dockerfile", cold=False)[1] == "custom"
    assert own.begin("Dockerfile", cold=False)[1] == "none"


def test_a_build_after_one_that_did_not_end_well_is_not_listed_as_nothing_changed(own):
    def built(*, is_good: bool) -> str:
        _, edit = own.begin("Dockerfile", cold=False)
        own.note_end("Dockerfile", edit, is_good=is_good)
        return edit

    assert [built(is_good=False), built(is_good=False), built(is_good=True), built(is_good=True)] == [
        *("cold", "retry", "retry", "none"),
    ]
    own.edit("touch")
    assert [built(is_good=False), built(is_good=True), built(is_good=True)] == ["touch", "retry", "none"]


def test_unchanged_files_whose_only_build_was_cancelled_have_work_to_do_after_others(own):
    own.note_end("Dockerfile", own.begin("Dockerfile", cold=False)[1], is_good=False)
    own.write("a.txt", "b\n")
    own.begin("Dockerfile", cold=False)
    own.reset()
    assert own.begin("Dockerfile", cold=False)[1] == "corrected"


def test_links_and_modes_are_copied(folder):
    place = folder({"Dockerfile": "FROM scratch\n", "run.sh": "#!/bin/sh\n"})
    (place / "run.sh").chmod(0o755)
    (place / "link").symlink_to("run.sh")
    with own_app(place) as app:
        assert isinstance(app, App)
        assert (app.folder / "link").readlink() == Path("run.sh")
        assert (app.folder / "run.sh").stat().st_mode & 0o777 == 0o755


def test_the_sample_apps_folder_with_a_dockerfile_named_is_a_folder_like_any_other():
    edits = {"an edit": append_line("main.go", "// more")}
    with own_app(sample_folder(), "Dockerfile.mounts", edits=edits) as app:
        assert list(app.strategies) == ["Dockerfile.mounts"]
        assert "an edit" in app.edits
        assert app.probe is None
        assert app.name != "sample_go_app"


def test_a_comment_can_be_made_again_and_is_another_one_each_time(app):
    texts = set()
    for _ in range(3):
        app.edit("comment")
        texts.add(app.read("main.go"))
    assert len(texts) == 3
    assert {len(text.splitlines()) for text in texts} == {len((sample_folder() / "main.go").read_text().splitlines())}
    app.write("main.go", "package other\n")
    with pytest.raises(EditDoesNotApply, match="package main"):
        app.edit("comment")


def test_an_app_tells_which_files_were_changed_through_it_since(app):
    app.write("main.go", "package main\n")
    then = app.changes
    assert set(app.changed_since(0)) == {"main.go"}
    assert app.changed_since(then) == ()
    applied = app.edit("readme")
    assert applied.paths
    assert set(app.changed_since(then)) == set(applied.paths)
    app.reset("main.go")
    assert set(app.changed_since(then)) == {"main.go", *applied.paths}


def test_an_edit_that_no_longer_fits_changes_nothing(app):
    app.edit("add-dependency")
    before = {name: app.read(name) for name in app.changed()}
    with pytest.raises(EditDoesNotApply, match="already requires"):
        app.edit("add-dependency")
    assert {name: app.read(name) for name in app.changed()} == before


def test_tool_folders_are_left_out_only_where_no_context_holds_them(folder):
    files = {"Dockerfile": "FROM scratch\n", ".dockerignore": "node_modules\n", "node_modules/x.js": "x", ".git/HEAD": "ref"}
    place = folder(files)
    with own_app(place) as app:
        assert not (app.folder / "node_modules").exists()
        assert (app.folder / ".git/HEAD").read_text() == "ref"
        assert app.changed() == ()
        app.write("node_modules/y.js", "y")
        assert "node_modules/y.js" in app.changed()
    (place / "Dockerfile.dockerignore").write_text("*\n!node_modules/x.js\n")
    with own_app(place) as app:
        assert (app.folder / "node_modules/x.js").is_file()


def test_a_new_folder_goes_with_its_last_file(own):
    own.write("new/deep/x.txt", "x")
    own.reset()
    assert not (own.folder / "new").exists()
    assert (own.folder / "sub").is_dir()


def test_links_and_modes_that_changed_are_seen_and_put_back(folder):
    place = folder({"Dockerfile": "FROM scratch\n", "a.txt": "a", "b.txt": "a", "d/c.txt": "c"})
    (place / "link").symlink_to("a.txt")
    (place / "here").symlink_to("d")
    with own_app(place) as app:
        (app.folder / "link").unlink()
        (app.folder / "link").symlink_to("b.txt")
        (app.folder / "a.txt").chmod(0o700)
        (app.folder / "here").unlink()
        assert app.changed() == ("a.txt", "here", "link")
        app.reset()
        assert app.changed() == ()
        assert (app.folder / "link").readlink() == Path("a.txt")


def test_what_cannot_be_copied_is_left_out_or_named(folder, monkeypatch):
    place = folder({"Dockerfile": "FROM scratch\n", "a.txt": "a"})
    os.mkfifo(place / "pipe")
    with own_app(place) as app:
        assert not (app.folder / "pipe").exists()
        assert app.changed() == ()


def test_a_full_disk_is_told_as_such_and_a_file_that_cannot_be_read_by_name(folder, monkeypatch):
    place = folder({"Dockerfile": "FROM scratch\n"})
    problems = [OSError(errno.ENOSPC, "No space left on device"), PermissionError(errno.EACCES, "Permission denied", "a.txt")]
    for problem, expected in zip(problems, (DiskFull, FileRefused), strict=True):

        def fail(*_: object, problem: OSError = problem, **__: object) -> None:
            raise problem

        monkeypatch.setattr(working_copy, "copy_file", fail)
        with pytest.raises(expected, match="could not be copied"):
            own_app(place)
        assert list((state_folder("work")).glob(f"{place.name}-*")) == []


def test_dockerfiles_in_other_folders_are_strategies_too(folder, tmp_path):
    place = folder({"docker/Dockerfile.prod": "FROM scratch\n", "a.txt": "a"})
    elsewhere = tmp_path / "Dockerfile.else"
    elsewhere.write_text("FROM scratch\n")
    with own_app(place, ["docker/Dockerfile.prod", str(elsewhere)]) as app:
        assert list(app.strategies) == ["docker/Dockerfile.prod", "Dockerfile.else"]
        assert app.strategy().dockerfile == app.folder / "docker/Dockerfile.prod"
        assert app.strategy("Dockerfile.else").dockerfile == elsewhere
    (place / "Dockerfile").symlink_to(elsewhere)
    with own_app(place, "Dockerfile") as app:
        assert app.strategy().dockerfile.read_text() == "FROM scratch\n"


def test_touch_takes_a_text_file_when_the_dockerfile_is_elsewhere(folder, tmp_path):
    elsewhere = tmp_path / "Dockerfile.else"
    elsewhere.write_text("FROM scratch\n")
    with own_app(folder({"a.txt": "a"}), str(elsewhere)) as app:
        assert app.edit("touch").paths == ("a.txt",)
    empty = tmp_path / "empty"
    empty.mkdir()
    with own_app(empty, str(elsewhere)) as app:
        assert app.edit("touch").paths == ()


@pytest.mark.parametrize("name", ["sub", "a.txt/x", "", "x" * 300])
def test_a_name_that_cannot_be_a_file_is_refused(own, name):
    with pytest.raises(FileRefused):
        own.write(name, "x")


def test_names_and_texts_that_are_none_are_refused(own):
    for name in ("a\0b", "loop/x"):
        (own.folder / "loop").unlink(missing_ok=True)
        (own.folder / "loop").symlink_to("loop")
        with pytest.raises(FileRefused):
            own.read(name)
    with pytest.raises(FileRefused, match="a character in it is cut in half"):
        own.write("a.txt", "\ud800")
    for name in ("..", ""):
        with pytest.raises(FileRefused, match="does not name a file"):
            own.reset(name)


def test_a_diff_of_files_without_a_last_newline_keeps_its_lines_apart(own):
    own.write("a.txt", "b")
    assert own.diff("a.txt").splitlines()[-2:] == ["-a", "+b"]


def test_closing_removes_strategies_of_ones_own(own):
    place = own.add_strategy("mine", "FROM scratch\n").dockerfile
    assert place.is_file()
    own.close()
    assert not place.exists()


@pytest.mark.parametrize("name", STRATEGIES)
def test_no_dockerfile_needs_more_than_its_bases_and_the_sample_files(app, name):
    parsed = read_dockerfile(app.strategy(name).dockerfile.read_text())
    assert set(external_bases(parsed, build_args={}, target=None)) <= {"alpine", "golang:alpine"}
    context = {entry.path for entry in read_context(app.folder, dockerfile=app.strategy(name).dockerfile).entries}
    assert context == (set() if name == "host" else {"Makefile", "README.md", "go.mod", "go.sum", "main.go"})


def test_a_step_without_network_comes_after_the_downloads_in_a_layer(app):
    """Cache mounts are the first thing that BuildKit's garbage collection empties: nothing offline may rest on one."""
    runs = [line for line in read_dockerfile(app.read("Dockerfile.scratch")).instructions if line.keyword == "RUN"]
    download, compile_ = (run.text for run in runs)
    assert download.startswith("RUN go mod download")
    assert "--network=none" in compile_
    assert "target=/go/pkg/mod" not in compile_


def test_a_first_good_build_after_a_mistake_is_not_listed_as_nothing_changed():
    with sample_app() as app:
        app.edit("break")
        assert app.begin("chained", cold=False)[1] == "break"
        app.reset()
        assert app.begin("chained", cold=False)[1] == "corrected"
        assert app.begin("chained", cold=False)[1] == "none"
        app.edit("rename-field")
        assert app.begin("chained", cold=False)[1] == "rename-field"
        app.reset()
        assert app.begin("chained", cold=False)[1] == "none"
        assert app.begin("naive", cold=False)[1] == "cold"
        app.share_cache()
        assert app.begin("stages", cold=False)[1] == "none"


def test_a_project_is_copied_where_the_sample_app_cannot_be_looked_into(folder, monkeypatch):
    def refused(_path: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    place = folder({"Dockerfile": "FROM scratch\n"})
    with monkeypatch.context() as patch:
        patch.setattr(sample, "shipped_places", lambda *_: (Path("/root/elsewhere"),))
        patch.setattr(Path, "is_file", refused)
        assert sample.language_of(place) is None
    with monkeypatch.context() as patch:
        patch.setattr(sample, "shipped_places", lambda *_: (place / "not-there",))
        with own_app(place) as app:
            assert app.strategy().name == "Dockerfile"
