"""The verdicts of a history are those of the cache's model, which plans and hashes every commit anew."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speedkit.cache import BaseImage, CacheModel, Situation
from speedkit.context import IgnorePatterns, ignore_patterns_in
from speedkit.dockerfile import external_bases, read_dockerfile
from speedkit.errors import DockerfileError, Misuse
from speedkit.git_history import GIT_FOLDER, file_behind, git_folder, ignore_files, manifest_of
from speedkit.replays.history_verdicts import BuildInputs, CommitVerdicts, history_verdicts

from .memory_repository import MemoryRepository, Tree, as_repository

INSTRUCTIONS = (
    "COPY . .",
    "COPY a b /w/",
    "COPY a/ /x/",
    "COPY *.md /docs/",
    "COPY a/*/c /c/",
    "COPY --exclude=*.md a /y/",
    "COPY --exclude=** --exclude=!a/b . /z/",
    "COPY --link d /d",
    "ADD [^a]* /e/",
    "RUN make",
    "RUN --mount=type=bind,source=a,target=/a ls",
    "RUN --mount=type=cache,target=/c make",
    "WORKDIR /src",
    "ENV A=1",
    "COPY back\\\\slash /b/",
    "ADD https://example.org/x /",
)
ENDS = (
    "",
    "FROM scratch\nCOPY --from=build /out /out\nCOPY a /a\n",
    "FROM alpine\nCOPY --from=build /a /a\nRUN done\n",
    "FROM scratch AS files\nCOPY a /a\nCOPY . /all/\nFROM build\nCOPY --from=files /a /a2\nRUN last\n",
    "FROM other AS second\nRUN make\nFROM build\nCOPY --from=second /o /o\n",
)
IGNORES = ("", "*.md\n", "a\n!a/b\n", "**/c\n", "a/b\n", ".git\n", "*\n!b\n", "a/**\n!a/*/c\nd\n", "[\n")
PATHS = ("a", "a/b", "a/b/c", "a/c", "a/x.md", "b", "d", "d/e", "e.md", "sub/inner", "back\\slash")
FILES = (
    ("100644", "1"),
    ("100644", "2"),
    ("100755", "1"),
    ("120000", "a"),
    ("120000", "../b"),
    ("120000", "/d/e"),
    ("160000", "s"),
)

dockerfiles = st.builds(
    lambda steps, end: "FROM golang AS build\n" + "".join(f"{step}\n" for step in steps) + end,
    st.lists(st.sampled_from(INSTRUCTIONS), min_size=1, max_size=5),
    st.sampled_from(ENDS),
)


@st.composite
def histories(draw: st.DrawFn) -> list[Tree]:
    """Trees of consecutive commits, each with a few files changed, and now and then another Dockerfile or ignore file."""
    tree: dict[str, tuple[str, str]] = {}
    known = [("100644", draw(dockerfiles)) for _ in range(2)]
    trees: list[Tree] = []
    for _ in range(draw(st.integers(2, 7))):
        if not trees or draw(st.integers(0, 5)) == 0:
            tree["Dockerfile"] = draw(st.sampled_from([*known, ("100644", "FROM\n"), ("120000", "b")]))
        if draw(st.integers(0, 3)) == 0:
            tree[".dockerignore"] = ("100644", draw(st.sampled_from(IGNORES)))
        for path in draw(st.lists(st.sampled_from(PATHS), max_size=3)):
            # A tree has either a file or a folder of a name.
            for other in [one for one in tree if one.startswith(f"{path}/") or path.startswith(f"{one}/")]:
                del tree[other]
            if draw(st.booleans()) or path not in tree:
                tree[path] = draw(st.sampled_from(FILES))
            else:
                del tree[path]
        if draw(st.integers(0, 6)) == 0:
            tree.pop("Dockerfile", None)
        trees.append(dict(draw(st.sampled_from(trees)) if trees and draw(st.integers(0, 5)) == 0 else tree))
        tree = dict(trees[-1])
    return trees


def verdicts_of_the_model(repository: MemoryRepository, context: str) -> list[list[str] | None]:
    """The verdicts of each commit as the cache's model gives them; None for a commit that is not built."""
    model, verdicts = CacheModel([]), []
    for number in range(len(repository.trees)):
        tree = repository.git_tree(number)
        if not context:
            tree |= git_folder(repository.name(number))
        file = file_behind("Dockerfile", tree, repository.contents)
        if file is None:
            verdicts.append(None)
            continue
        patterns = IgnorePatterns(())
        try:
            dockerfile = read_dockerfile(repository.contents[file.blob])
            for path in ignore_files(context, "Dockerfile"):
                if (ignore := file_behind(path, tree, repository.contents)) is not None:
                    patterns = ignore_patterns_in(repository.contents[ignore.blob], path)
                    break
            situation = Situation(
                dockerfile,
                manifest_of(tree, context, patterns, repository.contents),
                bases={name: BaseImage((f"always {name}",), configuration=name) for name in external_bases(dockerfile)},
                merge=True,
            )
            verdicts.append([step.forecast for step in model.predict(situation).steps])
            model.learn(situation)
        except (DockerfileError, Misuse):
            verdicts.append(None)
    return verdicts


@settings(max_examples=300, deadline=None)
@given(histories(), st.sampled_from(["", "a"]))
@pytest.mark.slow
def test_the_quick_way_and_the_model_agree(trees: list[Tree], context: str) -> None:
    repository = MemoryRepository(trees)
    inputs = BuildInputs(context, "Dockerfile", merge=True)
    start, replayed = history_verdicts(as_repository(repository), repository.history(), inputs)
    expected = verdicts_of_the_model(repository, context)
    assert [list(one.verdicts) if one.dockerfile else None for one in (start, *replayed)] == expected


def replay(*trees: Tree, inputs: BuildInputs | None = None) -> tuple[CommitVerdicts, ...]:
    repository = MemoryRepository(trees)
    return history_verdicts(as_repository(repository), repository.history(), inputs or BuildInputs("", "Dockerfile"))[1]


def files(**contents: str) -> Tree:
    return {path.replace("_", "."): ("100644", content) for path, content in contents.items()}


TWO_STEPS = "FROM golang\nCOPY go.mod ./\nRUN go mod download\nCOPY . .\nRUN go build\nRUN go vet\n"


def test_a_miss_names_the_files_that_changed_and_later_steps_lead_back_to_it() -> None:
    before = files(Dockerfile=TWO_STEPS, go_mod="1", main_go="1", _dockerignore=".git")
    (commit,) = replay(before, {**before, **files(main_go="2", other_go="1")})
    assert commit.verdicts == ("hit", "hit", "hit", "miss", "miss", "miss")
    assert commit.files == {3: ("main.go", "other.go")}
    assert commit.origins() == {3: 3, 4: 3, 5: 3}


def test_the_nearest_change_is_the_origin() -> None:
    before = files(Dockerfile=TWO_STEPS, go_mod="1", main_go="1", _dockerignore=".git")
    (commit,) = replay(before, {**before, **files(main_go="2", go_mod="2")})
    assert commit.origins() == {1: 1, 2: 1, 3: 3, 4: 3, 5: 3}


def test_the_git_folder_of_a_checkout_changes_with_every_commit() -> None:
    before = files(Dockerfile=TWO_STEPS, go_mod="1")
    same, ignored = replay(before, before, {**before, **files(_dockerignore=".git")})
    assert same.files == {3: (GIT_FOLDER,)}
    assert ignored.files == {3: (".dockerignore", GIT_FOLDER)}


def test_a_change_that_is_taken_back_is_a_hit() -> None:
    before = files(Dockerfile=TWO_STEPS, go_mod="1", main_go="1", _dockerignore=".git")
    _, back = replay(before, {**before, **files(main_go="2")}, before)
    assert set(back.verdicts) == {"hit"}


def test_commits_that_cannot_be_built_say_why() -> None:
    before = files(Dockerfile=TWO_STEPS, go_mod="1", _dockerignore=".git")
    without = {path: file for path, file in before.items() if path != "Dockerfile"}
    replayed = replay(
        before,
        without,
        {**before, **files(Dockerfile="FROM a\nCOPY only-one\n")},
        {**before, **files(_dockerignore="[\n")},
        {path: file for path, file in before.items() if path != "go.mod"},
        {**before, **files(main_go="1")},
    )
    assert [one.trouble for one in replayed] == ["no-dockerfile", "rejected", "rejected", "stops", None]
    assert "line 2" in replayed[1].because
    assert "/go.mod" in replayed[3].because
    # What changed while nothing could be built is what made the first build miss.
    assert "main.go" in replayed[4].files[3]


def test_another_dockerfile_in_place_of_each_commits_own() -> None:
    before = files(Dockerfile="FROM a\nCOPY . .\nRUN all\n", go_mod="1", main_go="1")
    inputs = BuildInputs("", "Dockerfile", dockerfile_text=TWO_STEPS, ignore_text=".git\n")
    (commit,) = replay(before, {**before, **files(main_go="2", Dockerfile="FROM\n")}, inputs=inputs)
    assert commit.verdicts == ("hit", "hit", "hit", "miss", "miss", "miss")


@pytest.mark.parametrize("depth", [1, 3])
def test_a_long_history_of_runs_that_may_repeat_stays_quick(depth: int) -> None:
    """What a step possibly finds is cut to the newest results, and is still "depends"."""
    text = "FROM golang AS b\nCOPY . .\nRUN make\nFROM scratch\n" + "COPY --from=b /a /a\n" * depth
    trees = [files(Dockerfile=text, main_go=str(number)) for number in range(100)]
    replayed = replay(*trees)
    assert replayed[-1].verdicts[-depth:] == ("depends",) * depth
