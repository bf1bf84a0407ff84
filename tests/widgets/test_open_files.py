"""The desk holds the app's files: what was changed is marked, and what cannot be edited says why."""

from __future__ import annotations

import pytest

from speedkit.apps import append_line, own_app, sample_app
from speedkit.errors import FileRefused, Misuse
from speedkit.page import ChosenStrategy, Mark
from speedkit.widgets.open_files import CUSTOM, DOCKERFILE, OpenFiles

FILES = {
    "Dockerfile": "FROM alpine\nCOPY . .\n",
    "Dockerfile.slow": "FROM alpine\nRUN true\n",
    "main.go": "package main\n",
    "go.mod": "module x\n",
    "go.sum": "",
    "docs/a.md": "hello\n",
}


@pytest.fixture
def app(folder):
    with own_app(folder(FILES), edits={"append": append_line("main.go", "// more")}) as made:
        yield made


@pytest.fixture
def desk(app):
    return OpenFiles(app)


def file(desk: OpenFiles, path: str) -> dict:
    return next(entry for entry in desk.files() if entry.path == path)


def test_tabs_begin_with_the_sources_and_the_dockerfile_and_end_with_lock_files(desk):
    assert [entry.label for entry in desk.files()] == ["main.go", "Dockerfile", "go.mod", "docs/a.md", "go.sum"]


def test_the_sample_app_begins_with_the_naive_strategy():
    with sample_app() as app:
        desk = OpenFiles(app)
        assert desk.strategy == "naive"
        assert [entry.label for entry in desk.files()][:4] == ["main.go", "Dockerfile", "go.mod", ".dockerignore"]
        assert not [entry for entry in desk.files() if entry.label.startswith("Dockerfile.")]


def test_typing_changes_the_working_copy_and_marks_the_tab(desk, app):
    before = file(desk, "main.go").version
    desk.write("main.go", "package other\n", by="page")
    after = file(desk, "main.go")
    assert (after.changed, after.by) == (True, "page")
    assert after.version > before
    assert app.read("main.go") == "package other\n"
    assert desk.original("main.go") == "package main\n"


def test_text_typed_back_to_the_original_is_not_a_change(desk):
    desk.write("main.go", "x", by="page")
    desk.write("main.go", "package main\n", by="page")
    assert not file(desk, "main.go").changed


def test_an_edited_dockerfile_is_custom_and_leaves_its_strategy_alone(desk, app):
    desk.write(DOCKERFILE, "FROM alpine\n", by="page")
    assert desk.strategy_shown() == ChosenStrategy(CUSTOM, "Dockerfile", is_custom=True)
    assert desk.dockerfile_text() == "FROM alpine\n"
    assert app.strategies["Dockerfile"].dockerfile.read_text() == FILES["Dockerfile"]
    assert desk.original(DOCKERFILE) == FILES["Dockerfile"]
    assert desk.cache_of == "Dockerfile"
    assert file(desk, DOCKERFILE).changed
    desk.reset(DOCKERFILE)
    assert (desk.strategy, desk.dockerfile_text()) == ("Dockerfile", FILES["Dockerfile"])


def test_a_dockerfile_written_unchanged_stays_its_strategy(desk):
    desk.write(DOCKERFILE, FILES["Dockerfile"], by="page")
    assert desk.strategy == "Dockerfile"


def test_a_custom_dockerfile_can_be_saved_under_a_name_and_chosen_like_the_others(desk):
    desk.write(DOCKERFILE, "FROM alpine\nRUN date\n", by="page")
    desk.save_as("mine")
    assert (desk.strategy, desk.cache_of) == ("mine", "Dockerfile")
    desk.choose("Dockerfile.slow")
    assert desk.dockerfile_text() == FILES["Dockerfile.slow"]
    desk.choose("mine")
    assert desk.dockerfile_text() == "FROM alpine\nRUN date\n"
    assert "mine" in [entry.name for entry in desk.strategies()]


@pytest.mark.parametrize("name", ["Dockerfile.slow", "custom", "a b", "../x"])
def test_a_name_that_is_taken_or_cannot_be_one_is_refused(desk, name):
    desk.write(DOCKERFILE, "FROM alpine\n", by="page")
    with pytest.raises(Misuse):
        desk.save_as(name)


def test_an_edit_names_the_file_it_changed(desk):
    assert desk.edit("append") == "main.go"
    assert file(desk, "main.go").changed
    assert "append" in [entry.name for entry in desk.edits()]
    assert "none" not in [entry.name for entry in desk.edits()]


def test_reset_all_brings_everything_back(desk):
    desk.write("main.go", "x", by="page")
    desk.write(DOCKERFILE, "FROM scratch\n", by="page")
    desk.reset(None)
    assert not any(entry.changed for entry in desk.files())
    assert desk.text("main.go") == FILES["main.go"]


def test_a_file_changed_on_disk_is_noticed(desk, app):
    assert not desk.look_at_disk()
    app.write("main.go", "from elsewhere\n")
    assert desk.look_at_disk()
    assert file(desk, "main.go").by == "disk"
    assert desk.text("main.go") == "from elsewhere\n"


def test_a_file_removed_on_disk_stays_as_missing_and_comes_back_when_typed(desk, app):
    (app.folder / "main.go").unlink()
    assert desk.look_at_disk()
    assert (file(desk, "main.go").state, file(desk, "main.go").changed) == ("missing", True)
    assert desk.text_or_empty("main.go") == ""
    desk.write("main.go", "again\n", by="page")
    assert file(desk, "main.go").state == "text"


def test_a_file_of_ones_own_that_is_removed_is_gone(desk, app):
    app.write("new.txt", "x")
    desk.look_at_disk()
    assert file(desk, "new.txt").changed
    (app.folder / "new.txt").unlink()
    desk.look_at_disk()
    assert not desk.has_file("new.txt")


def test_a_new_file_is_listed_once_it_is_typed(desk):
    desk.write("new.txt", "x", by="page")
    assert desk.has_file("new.txt")
    assert desk.original("new.txt") == ""


def test_a_file_that_is_not_text_and_one_of_five_megabytes_are_refused_with_the_reason(desk, app):
    (app.folder / "logo.png").write_bytes(b"\x89PNG\0\0")
    (app.folder / "big.txt").write_bytes(b"x" * 5_000_000)
    desk.look_at_disk()
    assert file(desk, "logo.png").state == "refused"
    assert "not text" in file(desk, "logo.png").reason
    assert "5.0 MB" in file(desk, "big.txt").reason
    with pytest.raises(FileRefused):
        desk.text("big.txt")


def test_nothing_outside_of_the_app_is_read_or_written(desk):
    with pytest.raises(FileRefused):
        desk.text("../../etc/passwd")
    with pytest.raises(FileRefused):
        desk.write("../../tmp/x", "x", by="page")
    assert desk.original("../../etc/passwd") == ""
    with pytest.raises(FileRefused):
        desk.write(DOCKERFILE, "x" * 1_000_001, by="page")


def test_versions_change_with_any_file(desk, app):
    before = desk.versions()
    app.write("docs/a.md", "changed\n")
    desk.look_at_disk()
    assert desk.versions() != before


def test_a_mark_is_anchored_to_its_lines_text_and_moves_with_it(desk):
    mark = desk.mark_anchored(Mark("main.go", 1, None, "bad"))
    assert mark.text == "package main"
    assert desk.mark_anchored(Mark("main.go", 99, None, "bad")).text == ""
    desk.write("main.go", "// above\npackage main\n", by="page")
    moved = desk.mark_moved(mark)
    assert moved is not None
    assert moved.line == 2


def test_a_link_that_leads_nowhere_is_no_tab(folder):
    place = folder({"Dockerfile": "FROM scratch\n", "a.txt": "a"})
    for name, leads_to in {"loop": "loop", "nowhere": "no/where"}.items():
        (place / name).symlink_to(leads_to)
    with own_app(place) as app:
        assert [file.path for file in OpenFiles(app).files()] == [DOCKERFILE, "a.txt"]


def test_a_name_that_is_no_utf8_is_no_tab(folder):
    place = folder({"Dockerfile": "FROM scratch\n", "\udcff.txt": "a"})
    with own_app(place) as app:
        assert [file.path for file in OpenFiles(app).files()] == [DOCKERFILE]
