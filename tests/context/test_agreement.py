"""The context reader held against what BuildKit really sends."""

from __future__ import annotations

import io
import os
import random
import subprocess
import tarfile
import uuid
from pathlib import Path

import pytest

from speedkit.context import read_context
from speedkit.errors import Misuse
from tests.conformance.building import buildx
from tests.waiting import HANG_SECONDS

pytestmark = pytest.mark.engine

_NAMES = ("a", "b.txt", "c.md", ".git", "node_modules", "deep", "x y", "É", "[z]", "Dockerfile.md")
_PATTERNS = (
    "*", "**", "a", "/a", "a/", "a/*", "a/**", "**/a", "**/*.md", "*.txt", "!b.txt", "!**/b.txt", "!a", "!a/deep",
    "deep/**/b.txt", "?", "[a-b]*", "[^a]*", "node_modules", ".git", "#comment", " a ", "! c.md", "a/../b.txt",
    "**/deep/*", "!deep/a/b.txt", "**/", ".", "./a", "x y", "\\[z\\]", "[z]", "*.m?", "**a", "a**", "!**/*.md",
    "deep/*/*", "!/a", "**/[bc].*", "É", ".*", "!.git", "*/*", "!*/b.txt",
)  # fmt: skip
_SAMPLES = 15


def _grown(folder: Path, chance: random.Random, depth: int) -> None:
    for name in chance.sample(_NAMES, chance.randint(1, 5)):
        path = folder / name
        kind = chance.random()
        if kind < 0.4 and depth:
            path.mkdir()
            path.chmod(chance.choice((0o755, 0o700)))
            if chance.random() < 0.9:
                _grown(path, chance, depth - 1)
        elif kind < 0.5:
            path.symlink_to(chance.choice(("a", "../b.txt", "nowhere")))
        else:
            path.write_text(name)
            path.chmod(chance.choice((0o644, 0o755, 0o600)))


def _sent(folder: Path, dockerfile: Path) -> set[tuple[str, str, int, str]] | None:
    """What arrives in an image of `COPY . /c/`; None when BuildKit refuses."""
    asked = subprocess.run(
        [buildx(), "build", "-q", "--output", "type=tar,dest=-", "-f", str(dockerfile), str(folder)],
        capture_output=True,
        check=False,
        timeout=HANG_SECONDS,
    )
    if asked.returncode:
        return None
    with tarfile.open(fileobj=io.BytesIO(asked.stdout)) as archive:
        return _members_below(list(archive), "c/")


def _members_below(members: list[tarfile.TarInfo], place: str) -> set[tuple[str, str, int, str]]:
    return {
        (
            member.name.removeprefix(place).rstrip("/"),
            "dir" if member.isdir() else "symlink" if member.issym() else "file",
            0 if member.issym() else member.mode & 0o7777,
            member.linkname if member.issym() else "",
        )
        for member in members
        if member.name.startswith(place) and member.name.rstrip("/") != place.rstrip("/")
    }


def _read(folder: Path, dockerfile: Path) -> set[tuple[str, str, int, str]] | None:
    try:
        manifest = read_context(folder, dockerfile=dockerfile)
    except Misuse:
        return None
    return {(entry.path, entry.kind, 0 if entry.kind == "symlink" else entry.mode, entry.link) for entry in manifest.entries}


def test_the_manifest_is_what_buildkit_sends(tmp_path):
    wrong = []
    for seed in range(_SAMPLES):
        chance = random.Random(seed)  # noqa: S311
        folder = tmp_path / f"context-{uuid.uuid4().hex}"
        folder.mkdir()
        _grown(folder, chance, 3)
        dockerfile = chance.choice((folder, tmp_path)) / f"Dockerfile{seed}"
        dockerfile.write_text("FROM scratch\nCOPY . /c/\n")
        lines = "\n".join(chance.sample(_PATTERNS, chance.randint(1, 5)))
        if chance.random() < 0.8:
            (folder / ".dockerignore").write_text(chance.choice(("", "\ufeff")) + lines)
        if chance.random() < 0.3:
            dockerfile.with_name(f"{dockerfile.name}.dockerignore").write_text(chance.choice(("", lines[::-1], "a\n")))
        sent, read = _sent(folder, dockerfile), _read(folder, dockerfile)
        if sent != read:
            wrong.append((seed, lines, None if sent is None or read is None else sent ^ read, sent is None, read is None))
    assert wrong == []


_PIECES = (
    *("a", "b.txt", "c.md", "deep", "x y", "É", "\\[z\\]", "*", "?", "**", "*.txt", "[a-c]*", "[^a]*", "[!a]*", "?*", ".*"),
    *("*.m?", "\\a", "**.md", "a**", "d*p", "[b].txt", "[a-]*", "{a,b}", "a+", "(a)", "$", "^a", "b.tx[t]", "***", ".", ".."),
)
_BATCHES, _IN_A_BATCH = 3, 40


def _random_pattern(chance: random.Random) -> str:
    path = "/".join(chance.choice(_PIECES) for _ in range(chance.choice((1, 1, 2, 2, 3))))
    before = chance.choice(("", "", "", "", "!", "!", "! ", "/", "!/", "./", " ", "\t", "#", "**/", "!**/", "//", "../"))
    return before + path + chance.choice(("", "", "", "", "/", " ", "/*", "/**", "/.", "\t", "//"))


def _random_ignore_file(chance: random.Random) -> bytes:
    lines = [chance.choice((_random_pattern(chance), _random_pattern(chance), "", "# x")) for _ in range(chance.randint(1, 6))]
    text = chance.choice(("\n", "\n", "\r\n")).join(lines)
    return (chance.choice(("", "", "", "\ufeff")) + text + chance.choice(("", "\n"))).encode()


def _sent_of_each(folders: list[Path], scratch: Path) -> dict[Path, set[tuple[str, str, int, str]]]:
    """What BuildKit is sent of many folders, each a named context with an ignore file of its own, in one build."""
    dockerfile = scratch / "Dockerfile.batch"
    lines = [f"COPY --from=c{number} . /{number}/c/" for number, _ in enumerate(folders)]
    dockerfile.write_text("\n".join(["FROM scratch", *lines]) + "\n")
    contexts = [f"--build-context=c{number}={folder}" for number, folder in enumerate(folders)]
    asked = subprocess.run(
        [buildx(), "build", "-q", "--output", "type=tar,dest=-", "-f", str(dockerfile), *contexts, str(scratch)],
        capture_output=True,
        check=False,
        timeout=HANG_SECONDS,
    )
    assert asked.returncode == 0, asked.stderr.decode()
    with tarfile.open(fileobj=io.BytesIO(asked.stdout)) as archive:
        members = list(archive)
    return {folder: _members_below(members, f"{number}/c/") for number, folder in enumerate(folders)}


@pytest.mark.parametrize("batch", range(_BATCHES))
def test_random_ignore_files_leave_out_what_buildkit_leaves_out(tmp_path, batch):
    chance = random.Random(f"ignore {batch}")  # noqa: S311
    folders, refused = [], []
    for _ in range(_IN_A_BATCH):
        folder = tmp_path / f"context-{uuid.uuid4().hex}"
        folder.mkdir()
        _grown(folder, chance, 3)
        (folder / ".dockerignore").write_bytes(_random_ignore_file(chance))
        (folders if _read(folder, folder / "Dockerfile") is not None else refused).append(folder)
    sent = _sent_of_each(folders, tmp_path)
    read = {folder: _read(folder, folder / "Dockerfile") for folder in folders}
    wrong = [((folder / ".dockerignore").read_bytes(), sent[folder] ^ (read[folder] or set())) for folder in folders]
    assert [found for found in wrong if found[1]] == []
    for folder in refused[:3]:
        (folder / "Dockerfile").write_text("FROM scratch\nCOPY . /c/\n")
        assert _sent(folder, folder / "Dockerfile") is None, (folder / ".dockerignore").read_bytes()


def test_a_hard_link_is_sent_as_a_file(tmp_path):
    folder = tmp_path / f"context-{uuid.uuid4().hex}"
    folder.mkdir()
    (folder / "one").write_text("same")
    os.link(folder / "one", folder / "two")
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY . /c/\n")
    read = _read(folder, folder / "Dockerfile")
    assert read is not None
    assert {path for path, *_ in _sent(folder, folder / "Dockerfile") or ()} == {path for path, *_ in read}
