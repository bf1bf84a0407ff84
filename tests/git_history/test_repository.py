"""Claims about reading a repository: its commits, the build context of each, and what is refused."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from speedkit.context import Manifest, read_context
from speedkit.errors import GitError, Misuse, NotAFolder, NotARepository, ObjectsMissing
from speedkit.git_history import (
    Change,
    ContextFolder,
    change_counts,
    open_repository,
)

from .small_repository import SmallRepository

DOCKERFILE = "FROM scratch\nCOPY . /app\n"


@pytest.fixture
def small(tmp_path: Path) -> SmallRepository:
    return SmallRepository(tmp_path / "repository")


def shape(manifest: Manifest) -> list[tuple[str, str, int, str]]:
    """What a manifest of git's objects and one of a folder have in common."""
    return [(entry.path, entry.kind, entry.mode, entry.link) for entry in manifest.entries]


def everything_in(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    return {
        str(path.relative_to(folder)): (path.lstat().st_mode, path.lstat().st_mtime_ns, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_oldest_commit_of_a_history_is_only_the_start(small: SmallRepository) -> None:
    first = small.commit({"a": "1"})
    second = small.commit({"a": "2", "b": "1"})
    third = small.commit({"a": None})
    history = open_repository(small.folder).commits()
    assert history.start == first
    assert [commit.id for commit in history.commits] == [second, third]
    assert [[change.path for change in commit.changes] for commit in history.commits] == [["a", "b"], ["a"]]
    assert history.commits[1].changes[0].after is None
    assert [commit.author for commit in history.commits] == ["Dev 0", "Dev 1"]
    assert history.commits[1].seconds - history.commits[0].seconds == 86_400


def test_a_number_of_commits_ends_at_the_head(small: SmallRepository) -> None:
    ids = [small.commit({"a": str(number)}) for number in range(5)]
    history = open_repository(small.folder).commits(2)
    assert (history.start, [commit.id for commit in history.commits]) == (ids[2], ids[3:])


def test_a_date_limits_the_commits(small: SmallRepository) -> None:
    ids = [small.commit({"a": str(number)}) for number in range(5)]
    history = open_repository(small.folder).commits(since=f"@{1_700_000_000 + 4 * 86_400}")
    assert (history.start, [commit.id for commit in history.commits]) == (ids[2], ids[3:])


@pytest.mark.parametrize(("words", "date"), [("not a date", r"20\d\d-"), ("2035-01-01", "2035-01-01")])
def test_a_date_that_no_commit_has_reached_is_said_as_git_reads_it(small: SmallRepository, words: str, date: str) -> None:
    small.commit({"a": "1"})
    with pytest.raises(Misuse, match=f"git reads '{words}' as {date}"):
        open_repository(small.folder).commits(since=words)


def test_a_merge_is_one_commit_with_all_that_it_brings(small: SmallRepository) -> None:
    small.commit({"a": "1"})
    small.git("checkout", "-q", "-b", "side")
    small.commit({"b": "1"})
    small.commit({"c": "1"})
    small.git("checkout", "-q", "main")
    small.commit({"a": "2"})
    small.git("merge", "-q", "--no-ff", "-m", "merge", "side")
    history = open_repository(small.folder).commits()
    assert [[change.path for change in commit.changes] for commit in history.commits] == [["a"], ["b", "c"]]
    assert [commit.is_merge for commit in history.commits] == [False, True]


def test_commits_without_changes_or_words_are_commits(small: SmallRepository) -> None:
    small.commit({"a": "1"})
    small.git("commit", "-q", "--allow-empty", "--allow-empty-message", "-m", "")
    small.commit({"a": "2"}, subject="two\x01\x02")
    assert [len(commit.changes) for commit in open_repository(small.folder).commits().commits] == [0, 1]


def test_changes_are_counted_by_path_in_a_folder(small: SmallRepository) -> None:
    small.commit({"web/a": "1", "b": "1"})
    small.commit({"web/a": "2"})
    small.commit({"web/a": "3", "b": "2"})
    commits = open_repository(small.folder).commits().commits
    assert change_counts(commits) == {"web/a": 2, "b": 1}
    assert change_counts(commits, "web") == {"a": 2}


@pytest.mark.skipif(os.name == "nt", reason="such names need a POSIX file system")
def test_names_of_any_bytes_are_read(small: SmallRepository) -> None:
    name = os.fsdecode(b"line\nend \xff\t\x1b[31m")
    small.commit({"a": "1"})
    small.commit({name: "1", ":colon": "1"})
    history = open_repository(small.folder).commits()
    assert [change.path for change in history.commits[0].changes] == [":colon", name]
    manifest = open_repository(small.folder).manifest_at("HEAD")
    assert name in manifest.by_path


@pytest.mark.skipif(os.name == "nt", reason="modes and links need a POSIX file system")
def test_a_manifest_of_objects_is_that_of_the_exported_folder(small: SmallRepository, tmp_path: Path) -> None:
    small.commit(
        {
            "Dockerfile": DOCKERFILE,
            ".dockerignore": ".git\ndocs\n!docs/keep/this\nsecret/**\n*.md\n",
            "a.txt": "1",
            "a/z": "1",
            "a-b/c": "1",
            "docs/keep/this": "1",
            "docs/other": "1",
            "secret/key": "1",
            "README.md": "1",
            "only-markdown/x.md": "1",
        }
    )
    (small.folder / "run.sh").write_text("#!/bin/sh\n")
    (small.folder / "run.sh").chmod(0o755)
    (small.folder / "link").symlink_to("a/z")
    small.commit({})
    repository = open_repository(small.folder)
    manifest = repository.manifest_at("HEAD")
    folder = tmp_path / "context"
    ContextFolder(repository, folder).check_out("HEAD")
    assert shape(manifest) == shape(read_context(folder, dockerfile=folder / "Dockerfile"))
    assert manifest.by_path["run.sh"].mode == 0o755
    assert manifest.by_path["link"].link == "a/z"
    assert "docs/keep/this" in manifest.by_path
    assert "docs/other" not in manifest.by_path
    assert manifest.by_path["secret"].kind == "dir"
    assert manifest.ignore_file == ".dockerignore"


def test_the_ignore_file_of_the_dockerfile_comes_first(small: SmallRepository) -> None:
    files = {"build/app.Dockerfile": DOCKERFILE, "build/app.Dockerfile.dockerignore": "a\n", ".dockerignore": "b\n"}
    small.commit({**files, "a": "1", "b": "1"})
    manifest = open_repository(small.folder).manifest_at("HEAD", dockerfile="build/app.Dockerfile")
    assert ("a" in manifest.by_path, "b" in manifest.by_path) == (False, True)


def test_a_folder_of_a_repository_is_a_context_of_its_own(small: SmallRepository, tmp_path: Path) -> None:
    small.commit({"web/Dockerfile": DOCKERFILE, "web/a": "1", "webs/b": "1", "docker/Dockerfile": "FROM x\n"})
    repository = open_repository(small.folder / "web")
    assert repository.prefix == "web"
    assert [entry.path for entry in repository.manifest_at("HEAD").entries] == ["Dockerfile", "a"]
    dockerfile = ContextFolder(repository, tmp_path / "context").check_out("HEAD", dockerfile="../docker/Dockerfile")
    assert dockerfile.read_text() == "FROM x\n"
    assert not dockerfile.is_relative_to(tmp_path / "context")
    with pytest.raises(Misuse, match="outside of the repository"):
        repository.manifest_at("HEAD", context="../..")


def test_going_from_commit_to_commit_writes_only_what_differs(small: SmallRepository, tmp_path: Path) -> None:
    first = small.commit(
        {"Dockerfile": DOCKERFILE, ".dockerignore": ".git", "same": "1", "changed": "1", "gone/deep": "1", "becomes": "a file"}
    )
    small.commit({"changed": "2", "gone/deep": None, "becomes": None, "new/file": "1"})
    second = small.commit({"becomes/folder": "1"})
    repository = open_repository(small.folder)
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        context = ContextFolder(repository, folder)
        context.check_out(first, modified_ns=10**18)
        context.check_out(second, modified_ns=2 * 10**18)
    found = everything_in(folders[0])
    assert {path: time // 10**18 for path, (_, time, _) in found.items()} == {
        "Dockerfile": 1,
        ".dockerignore": 1,
        "same": 1,
        "changed": 2,
        "becomes/folder": 2,
        "new/file": 2,
    }
    assert found == everything_in(folders[1])
    assert not (folders[0] / "gone").exists()


def test_a_dockerfile_in_place_of_the_own_one_keeps_its_ignore_file(small: SmallRepository, tmp_path: Path) -> None:
    small.commit({"Dockerfile": DOCKERFILE, "Dockerfile.dockerignore": "a\n", "a": "1", "b": "1"})
    repository = open_repository(small.folder)
    dockerfile = ContextFolder(repository, tmp_path / "context").check_out("HEAD", text="FROM other\n")
    assert dockerfile.read_text() == "FROM other\n"
    context = read_context(tmp_path / "context", dockerfile=dockerfile)
    assert ("a" in context.by_path, "b" in context.by_path) == (False, True)
    assert (tmp_path / "context" / "Dockerfile").read_text() == DOCKERFILE


def test_a_submodule_is_an_empty_folder(small: SmallRepository, tmp_path: Path) -> None:
    inner = SmallRepository(tmp_path / "inner")
    commit = inner.commit({"a": "1"})
    small.commit({"Dockerfile": DOCKERFILE, ".dockerignore": ".git"})
    small.git("update-index", "--add", "--cacheinfo", f"160000,{commit},vendor/inner")
    small.git("commit", "-q", "-m", "submodule")
    repository = open_repository(small.folder)
    assert repository.files("HEAD").submodules == ("vendor/inner",)
    assert [(entry.path, entry.kind) for entry in repository.manifest_at("HEAD").entries] == [
        (".dockerignore", "file"),
        ("Dockerfile", "file"),
        ("vendor", "dir"),
        ("vendor/inner", "dir"),
    ]
    ContextFolder(repository, tmp_path / "context").check_out("HEAD")
    assert (tmp_path / "context" / "vendor" / "inner").is_dir()


def test_a_move_of_a_file_is_found(small: SmallRepository) -> None:
    small.commit({"docker/Dockerfile": DOCKERFILE * 5, "a": "1"})
    small.commit({"docker/Dockerfile": None, "Dockerfile": DOCKERFILE * 5 + "# moved\n"})
    repository = open_repository(small.folder)
    assert repository.renamed_from(repository.commits().commits[-1], "Dockerfile") == "docker/Dockerfile"
    assert repository.renamed_from(repository.commits().commits[-1], "a") is None


def test_what_is_no_repository_with_commits_is_refused(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    with pytest.raises(NotARepository, match="in no git repository"):
        open_repository(tmp_path / "plain")
    with pytest.raises(NotAFolder):
        open_repository(tmp_path / "missing")
    unborn = SmallRepository(tmp_path / "unborn")
    with pytest.raises(NotARepository, match="no commit yet"):
        open_repository(unborn.folder)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / ".git").write_text("gitdir: nowhere\n")
    with pytest.raises(NotARepository):
        open_repository(tmp_path / "broken")
    unborn.commit({"a": "1"})
    with pytest.raises(NotARepository, match="inside of a repository"):
        open_repository(unborn.folder / ".git" / "objects")


def test_bare_detached_and_linked_repositories_are_read(small: SmallRepository, tmp_path: Path) -> None:
    first = small.commit({"a": "1"})
    small.commit({"a": "2"})
    small.git("clone", "-q", "--bare", str(small.folder), str(tmp_path / "bare.git"))
    bare = open_repository(tmp_path / "bare.git")
    assert bare.is_bare
    assert len(bare.commits().commits) == 1
    small.git("worktree", "add", "-q", "--detach", str(tmp_path / "tree"), first)
    linked = open_repository(tmp_path / "tree")
    assert (linked.head, linked.commits().commits) == (first, ())


def test_a_shallow_clone_ends_where_it_ends(small: SmallRepository, tmp_path: Path) -> None:
    ids = [small.commit({"a": str(number)}) for number in range(5)]
    small.git("clone", "-q", "--depth", "3", f"file://{small.folder}", str(tmp_path / "shallow"))
    history = open_repository(tmp_path / "shallow").commits()
    assert (history.start, [commit.id for commit in history.commits], history.shallow) == (ids[2], ids[3:], True)


def test_missing_objects_are_named(small: SmallRepository, tmp_path: Path) -> None:
    small.commit({"Dockerfile": DOCKERFILE, "a": "1"})
    second = small.commit({"folder/a": "2"})
    repository = open_repository(small.folder)
    blob = small.git("rev-parse", f"{second}:folder/a")
    (small.folder / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    assert "folder/a" in repository.manifest_at(second).by_path
    with pytest.raises(ObjectsMissing, match="lacks the object"):
        ContextFolder(repository, tmp_path / "context").check_out(second)
    tree = small.git("rev-parse", f"{second}:folder")
    (small.folder / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    with pytest.raises(ObjectsMissing):
        repository.manifest_at(second)
    with pytest.raises(ObjectsMissing):
        repository.commits()


def test_a_partial_clone_fetches_nothing(small: SmallRepository, tmp_path: Path) -> None:
    small.commit({"Dockerfile": DOCKERFILE, "a": "1"})
    head = small.commit({"a": "2"})
    small.git("config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "partial"
    small.git("clone", "-q", "--no-checkout", "--filter=blob:none", f"file://{small.folder}", str(clone))
    repository = open_repository(clone)
    assert len(repository.commits().commits) == 1
    before = sorted((clone / ".git" / "objects").rglob("*"))
    with pytest.raises(ObjectsMissing):
        ContextFolder(repository, tmp_path / "context").check_out(head)
    assert sorted((clone / ".git" / "objects").rglob("*")) == before


def test_no_program_of_the_repositorys_configuration_runs(small: SmallRepository, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    ran = tmp_path / "ran"
    trap.write_text(f"#!/bin/sh\ntouch {ran}\n")
    trap.chmod(0o755)
    small.commit({"Dockerfile": DOCKERFILE, "a": "1", ".gitattributes": "* diff=trap filter=trap\n"})
    for name in ("core.fsmonitor", "core.pager", "diff.external", "diff.trap.textconv", "filter.trap.smudge", "gpg.program"):
        small.git("config", name, str(trap))
    small.git("config", "log.showSignature", "true")
    shutil.copy(trap, small.folder / ".git" / "hooks" / "post-checkout")
    before = everything_in(small.folder)
    repository = open_repository(small.folder)
    repository.commits()
    ContextFolder(repository, tmp_path / "context").check_out("HEAD")
    assert not ran.exists()
    assert everything_in(small.folder) == before


def test_a_tree_that_no_checkout_can_have_is_refused(small: SmallRepository) -> None:
    blob = small.commit({"a": "1"}) and small.git("rev-parse", "HEAD:a")
    listing = small.folder / "listing"
    listing.write_text(f"100644 blob {blob}\t..\n")
    with listing.open() as lines:
        tree = subprocess.run(
            ["git", "-C", str(small.folder), "mktree"], stdin=lines, capture_output=True, text=True, check=True
        ).stdout.strip()
    commit = small.git("commit-tree", tree, "-m", "hostile")
    with pytest.raises(GitError, match="no checkout can have"):
        open_repository(small.folder).files(commit)


def test_a_context_with_git_has_the_repository_of_that_commit(small: SmallRepository, tmp_path: Path) -> None:
    first = small.commit({"Dockerfile": DOCKERFILE, "a": "1"})
    small.git("tag", "v1")
    second = small.commit({"a": "2"})
    small.git("tag", "v2")
    small.git("config", "core.sshCommand", "not to be copied")
    repository = open_repository(small.folder)
    folders = [tmp_path / "one" / "context", tmp_path / "two" / "context"]
    for folder in folders:
        context = ContextFolder(repository, folder, with_git=True)
        for number, (commit, tag) in enumerate([(second, "v2"), (first, "v1")], 1):
            context.check_out(commit, modified_ns=number * 10**18)
            copy = SmallRepository.__new__(SmallRepository)
            copy.folder, copy.count = folder, 0
            assert copy.git("describe", "--tags") == tag
            assert copy.git("rev-parse", "HEAD") == commit
            assert copy.git("--no-optional-locks", "status", "--porcelain") == ""
        assert "sshCommand" not in (folder / ".git" / "config").read_text()
    assert everything_in(folders[0]) == everything_in(folders[1])


def test_a_range_needs_a_positive_number(small: SmallRepository) -> None:
    small.commit({"a": "1"})
    with pytest.raises(Misuse, match="1 or more"):
        open_repository(small.folder).commits(0)


def test_changes_have_the_files_before_and_after(small: SmallRepository) -> None:
    small.commit({"a": "1"})
    small.commit({"a": "2"})
    (change,) = open_repository(small.folder).commits().commits[0].changes
    assert isinstance(change, Change)
    assert change.before is not None
    assert change.after is not None
    assert (change.before.mode, change.before.blob != change.after.blob) == ("100644", True)
