"""Imported builds are recordings: marked with where they came from, without secrets, and once for each record."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace

import pytest

import speedkit as sk
from speedkit.build_records import ELSEWHERE
from speedkit.errors import BuildRecordError, Misuse
from speedkit.recordings import list_recordings, read_build
from tests.git_history.small_repository import SmallRepository

from .archives import DOCKERFILE, STATUSES, Archive, log_status, record_file, status_line, vertex


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def the_recording(home):
    (recording,) = list_recordings(home / "recordings")
    return recording


def test_a_record_becomes_a_build_with_the_steps_of_its_dockerfile(home, tmp_path):
    path = tmp_path / "a.dockerbuild"
    path.write_bytes(record_file())
    (imported,) = sk.import_records(path).builds
    recording = the_recording(home)
    build = read_build(recording)
    assert [(step.line, step.state) for step in build.instructions] == [(1, "no-step"), (2, "cached"), (3, "ran")]
    assert (imported.id, imported.steps, imported.cached_steps, imported.seconds) == (recording.meta.id, 3, 1, 2.5)
    assert recording.meta.builder == ELSEWHERE
    assert recording.meta.imported["unknown"] == ["build context"]


def test_a_record_that_is_imported_twice_is_one_recording(home, tmp_path):
    archive = Archive()
    (tmp_path / "a.dockerbuild").write_bytes(record_file())
    # The same build in another export: BuildKit's name of it is the same.
    (tmp_path / "b.dockerbuild").write_bytes(archive.packed(archive.record("other"), archive.record()))
    first = sk.import_records(tmp_path / "a.dockerbuild").builds
    second = sk.import_records(tmp_path / "b.dockerbuild", tmp_path / "a.dockerbuild").builds
    assert [build.id for build in second[1:]] == [first[0].id] * 2
    assert len(list_recordings(home / "recordings")) == 2


@pytest.mark.parametrize("token", ["ghp_0123456789abcdefghijABCDEFGHIJ012345", "glpat-0123456789abcdefghij"])
def test_no_secret_of_a_record_is_kept(home, tmp_path, token):
    name = "[2/2] COPY b.txt /"
    statuses = [*STATUSES, log_status(name, f"token is {token[:9]}".encode()), log_status(name, f"{token[9:]}\n".encode())]
    attributes = {"filename": "Dockerfile", "build-arg:TOKEN": token, "vcs:source": f"https://{token}@git.example/a"}
    dockerfile = f"FROM scratch\nENV TOKEN={token}\nCOPY a.txt /\nCOPY b.txt /\n"
    error = {"code": 2, "message": f"refused {token}"}
    path = tmp_path / "a.dockerbuild"
    path.write_bytes(record_file(statuses=statuses, FrontendAttrs=attributes, dockerfile=dockerfile, error=error))
    sk.import_records(path)
    kept = b"".join(file.read_bytes() for file in (home / "recordings").rglob("*") if file.is_file())
    assert b"refused" in kept
    assert token.encode() not in kept


def test_a_path_that_does_not_exist_is_misuse(home, tmp_path):
    with pytest.raises(Misuse, match="does not exist"):
        sk.import_records(tmp_path / "nothing")


def test_where_no_file_can_be_read_the_import_fails(home, tmp_path):
    (tmp_path / "a.dockerbuild").write_bytes(record_file()[:-30])
    with pytest.raises(BuildRecordError, match=r"a\.dockerbuild"):
        sk.import_records(tmp_path)


def test_the_standard_input_is_read(home, monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(record_file())))
    assert [build.source for build in sk.import_records("-").builds] == ["the standard input"]


# rawjson


def test_a_file_of_rawjson_is_one_build(home, tmp_path):
    path = tmp_path / "progress"
    lines = [status_line(name="[1/2] FROM alpine", cached=True), "not of BuildKit\n", status_line(name="[2/2] RUN true")]
    path.write_text("".join(lines))
    (build,) = sk.import_records(path).builds
    assert (build.kind, build.steps, build.cached_steps, build.seconds) == ("rawjson", 2, 1, 2.5)
    assert [(place.line, place.text) for place in build.not_understood] == [(2, "not of BuildKit")]


def test_the_text_after_the_last_line_of_rawjson_says_why_the_build_failed(home, tmp_path):
    path = tmp_path / "progress"
    path.write_text(status_line(name="[2/2] RUN false", error="exit code: 1") + "ERROR: failed to solve\n")
    (build,) = sk.import_records(path).builds
    meta = the_recording(home).meta
    assert (meta.outcome, meta.error, build.not_understood) == ("failed", "ERROR: failed to solve", ())


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("pushed\nError: Process completed with exit code 1.\n", "done"),
        ("ERROR: failed to build: failed to solve: failed to push x: denied\n", "failed"),
    ],
)
def test_the_output_of_what_runs_after_a_build_does_not_end_it(home, tmp_path, text, outcome):
    path = tmp_path / "progress"
    path.write_text(status_line(name="[1/1] RUN true") + text)
    sk.import_records(path)
    assert the_recording(home).meta.outcome == outcome
    assert (the_recording(home).meta.error is None) == (outcome == "done")


def test_a_build_that_could_not_import_a_cache_is_done(home, tmp_path):
    path = tmp_path / "progress"
    lines = [status_line(name="importing cache manifest from x/y:cache", error="not found"), status_line(name="[1/1] RUN true")]
    path.write_text("".join(lines))
    sk.import_records(path)
    assert (the_recording(home).meta.outcome, the_recording(home).meta.error) == ("done", None)


def test_a_line_that_was_cut_is_not_understood_and_its_build_is_not_done(home, tmp_path):
    path = tmp_path / "progress"
    path.write_text(status_line(name="[2/2] RUN true", completed=None) + status_line(name="[2/2] RUN true")[:60])
    (build,) = sk.import_records(path).builds
    assert [place.line for place in build.not_understood] == [2]
    assert the_recording(home).meta.notices == ["The record ends before the build does."]


# Two records of one Dockerfile


@pytest.fixture
def repository(tmp_path):
    return SmallRepository(tmp_path / "repository")


def record_of(reference: str, commit: str, second: int, *, ran: str = "", **facts: object) -> bytes:
    """A record of a commit of the small repository, in which the copy of `ran` ran and the other one was cached."""
    statuses = [
        {"vertexes": [vertex(f"[{n}/2] COPY {name} /", **({} if name == ran else {"cached": True}))]}
        for n, name in ((1, "a.txt"), (2, "b.txt"))
    ]
    attributes = {
        "filename": "Dockerfile",
        "vcs:revision": commit,
        "vcs:source": "https://git.example/app.git",
        "vcs:localdir:context": ".",
        "vcs:localdir:dockerfile": ".",
    }
    times = {"CreatedAt": {"seconds": 1_772_359_200 + second}, "CompletedAt": {"seconds": 1_772_359_203 + second}}
    return record_file(reference, statuses=statuses, FrontendAttrs=attributes, **times, **facts)


def test_of_two_records_the_commits_say_why_the_second_missed(home, tmp_path, repository):
    files = {"Dockerfile": DOCKERFILE, "a.txt": "a", "b.txt": "b"}
    first = repository.commit(files)
    second = repository.commit({"b.txt": "other"})
    (tmp_path / "1").write_bytes(record_of("one", first, 0))
    # A failed build has no Dockerfile in its record: the commit has it.
    (tmp_path / "2").write_bytes(record_of("two", second, 60, ran="b.txt", dockerfile=None))
    one, two = sk.import_records(tmp_path / "1", tmp_path / "2", repository=repository.folder).builds
    steps = sk.explain(two.id).steps
    assert [step.state for step in steps] == ["no-step", "cached", "ran"]
    assert steps[2].because == "b.txt changed, and this step reads it."
    assert sk.explain(one.id).steps[1].state == "cached"


def test_without_the_commit_the_steps_are_shown_without_a_reason(home, tmp_path, repository):
    repository.commit({"a.txt": "a"})
    (tmp_path / "1").write_bytes(record_of("one", "0" * 40, 0, ran="b.txt"))
    (one,) = sk.import_records(tmp_path / "1", repository=repository.folder).builds
    steps = sk.explain(one.id).steps
    assert [(step.state, step.because) for step in steps[1:]] == [
        (state, "The record of this build does not have the files that it was made of, so it does not tell the reason.")
        for state in ("cached", "ran")
    ]


def test_steps_that_cannot_be_put_in_order_are_counted_and_not_called_none(home, tmp_path):
    (tmp_path / "bake.log").write_text("#1 [web 1/1] RUN x\n#1 CACHED\n\n#2 [api 1/1] RUN y\n#2 DONE 1.0s\n")
    (build,) = sk.import_records(tmp_path / "bake.log").builds
    reasons = sk.explain(build.id)
    assert reasons.steps == ()
    assert "1 of 2 steps cached, as the record counts them" in reasons.title


def test_another_base_image_is_a_reason(home, tmp_path, repository):
    commit = repository.commit({"Dockerfile": "FROM alpine\nCOPY a.txt /\n", "a.txt": "a"})
    builds = []
    for number, digest in enumerate("ab"):
        archive = Archive()
        material = {"uri": "pkg:docker/alpine@latest?platform=linux%2Famd64", "digest": {"sha256": digest * 64}}
        name = "[2/2] COPY a.txt /"
        statuses = [{"vertexes": [vertex("[1/2] FROM docker.io/library/alpine:latest"), vertex(name)]}]
        content = archive.record(
            digest,
            statuses=statuses,
            dockerfile="FROM alpine\nCOPY a.txt /\n",
            materials=[material],
            CreatedAt={"seconds": 1_772_359_200 + number},
            FrontendAttrs={"vcs:revision": commit, "vcs:localdir:context": ".", "vcs:localdir:dockerfile": "."},
        )
        (tmp_path / digest).write_bytes(archive.packed(content))
        builds += sk.import_records(tmp_path / digest, repository=repository.folder).builds
    assert sk.explain(builds[1].id).steps[1].because == "It starts from alpine, which is another image than before."


def test_an_equal_step_that_ran_again_was_not_in_the_cache_of_that_builder(home, tmp_path, repository):
    commit = repository.commit({"Dockerfile": DOCKERFILE, "a.txt": "a", "b.txt": "b"})
    for number, reference in enumerate(("one", "two")):
        (tmp_path / reference).write_bytes(record_of(reference, commit, number, ran="b.txt"))
    _, two = sk.import_records(tmp_path / "one", tmp_path / "two", repository=repository.folder).builds
    assert sk.explain(two.id).steps[2].because == (
        "An earlier record has this step with the same inputs. The builder of this build did not have its result: it is "
        "another builder, or the result was removed from its cache."
    )
