"""The sample apps of all languages: what each promises before it is built."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from speedkit.apps import SAMPLE_LANGUAGES, SampleApp, app_in_place, own_app, sample_app, sample_folder
from speedkit.context import read_context
from speedkit.dockerfile import external_bases, read_dockerfile
from speedkit.errors import Misuse
from speedkit.stand_ins import stand_in_for

OTHERS = [name for name in SAMPLE_LANGUAGES if name != "go"]
EDITS = ["none", "touch", "comment", "rename-field", "readme", "add-dependency", "break"]
LOCK_FILES = ("requirements.txt", "package-lock.json", "Cargo.lock")
NAME_OF_CRATES_INDEX = "registry+https://github.com/rust-lang/crates.io-index"


@pytest.fixture(params=OTHERS)
def app(request):
    with sample_app(request.param) as found:
        yield found


def test_the_app_of_the_article_is_the_one_without_a_name():
    with sample_app() as app, sample_app("go") as same:
        assert app.name == same.name == "sample_go_app"


def test_a_language_without_an_app_is_answered_with_those_that_have_one():
    with pytest.raises(Misuse, match="Use one of: go, python"):
        sample_app("cobol")


def test_each_has_the_strategies_of_the_article_and_the_same_edits(app):
    assert {"naive", "optimized", "mounts"} <= set(app.strategies)
    assert list(app.edits) == EDITS


def test_the_edits_have_the_words_of_the_app_in_go(app):
    with sample_app() as in_go:
        assert [(edit.title, edit.heading) for edit in app.edits.values()] == [
            (edit.title, edit.heading) for edit in in_go.edits.values()
        ]


@pytest.mark.parametrize("name", EDITS[2:])
def test_every_edit_says_what_it_changed_and_reset_takes_it_back(app, name):
    applied = app.edit(name)
    assert app.changed() == tuple(sorted(applied.paths))
    assert (app.language.source in applied.paths) == (name != "readme")
    app.reset()
    assert app.changed() == ()


def test_two_comments_differ_and_move_no_line(app):
    lines = len(app.read(app.language.source).splitlines())
    texts = set()
    for _ in range(2):
        app.edit("comment")
        texts.add(app.read(app.language.source))
    assert len(texts) == 2
    assert {len(text.splitlines()) for text in texts} == {lines}


def test_the_probe_expects_the_field_that_the_sources_name(app):
    assert app.probe.accepts('{"text":"speedkit"}')
    app.edit("comment")
    assert app.probe.accepts('{"text":"speedkit"}')
    app.edit("rename-field")
    assert app.probe.accepts('{"message":"speedkit"}')
    assert not app.probe.accepts('{"text":"speedkit"}')


def test_every_dockerfile_opens_with_what_it_shows_and_needs_only_images_with_a_stand_in(app):
    for strategy in app.strategies.values():
        text = strategy.dockerfile.read_text()
        lines = text.splitlines()
        assert next(index for index, line in enumerate(lines) if not line.startswith("#")) in (2, 3)
        for base in external_bases(read_dockerfile(text), build_args={}, target=None):
            assert stand_in_for(base) is not None, base


def test_a_build_gets_the_committed_files_and_nothing_that_a_build_on_the_host_leaves(app):
    listed = subprocess.run(["git", "ls-files"], cwd=app.source, capture_output=True, text=True, check=True).stdout.split()
    ignored = (app.folder / ".dockerignore").read_text().split()
    for name in ignored:
        (app.folder / name).mkdir()
        (app.folder / name / "left").write_text("x")
    context = {entry.path for entry in read_context(app.folder, dockerfile=app.strategy("naive").dockerfile).entries}
    files = {name for name in listed if not name.startswith("Dockerfile")}
    assert {path for path in context if (app.folder / path).is_file() and not path.startswith("Dockerfile")} == files


def test_a_lock_names_hashes_and_no_address_of_a_registry(app):
    for name in LOCK_FILES:
        path = app.folder / name
        if not path.exists():
            continue
        app.edit("add-dependency")
        text = path.read_text().replace(NAME_OF_CRATES_INDEX, "")
        addresses = [line for line in text.splitlines() if "://" in line and not re.match(r'\s*"url": ', line)]
        assert addresses == []
        assert re.search(r"sha256|sha512|checksum", text)
        app.reset()


def test_a_folder_of_a_sample_app_is_recognised(app):
    in_place = app_in_place(sample_folder(app.language.name))
    assert isinstance(in_place, SampleApp)
    assert in_place.name == app.name
    with own_app(app.source) as copy:
        assert isinstance(copy, SampleApp)
        assert copy.folder != app.source
    with own_app(app.source, "Dockerfile.naive") as named:
        assert not isinstance(named, SampleApp)
        assert named.name != app.name


def test_a_copy_elsewhere_is_a_folder_like_any_other(app, tmp_path: Path):
    with own_app(app.folder) as other:
        assert not isinstance(other, SampleApp)
