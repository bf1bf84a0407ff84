"""Symlinked Dockerfiles and ignore files, read as the engine reads them (each row was built with BuildKit 0.25)."""

from __future__ import annotations

from pathlib import Path

import pytest

from speedkit.apps.folder_app import app_in_place
from speedkit.builds.build_inputs import dockerfile_text
from speedkit.context import file_in_root, read_context
from speedkit.errors import Misuse, NoDockerfile

LINKS = [
    ({"Dockerfile": "file"}, "file"),
    ({"Dockerfile": "./file"}, "file"),
    ({"Dockerfile": "/file"}, "file"),
    ({"Dockerfile": "../../../../../../file"}, "file"),
    ({"Dockerfile": "b", "b": "c", "c": "file"}, "file"),
    ({"Dockerfile": "/b", "b": "/file"}, "file"),
    ({"Dockerfile": "sub/file"}, "sub/file"),
    ({"Dockerfile": "d/file", "d": "sub"}, "sub/file"),
    ({"Dockerfile": "d/file", "d": "/sub"}, "sub/file"),
    ({"Dockerfile": "../CTX/file"}, None),
    ({"Dockerfile": "ABSOLUTE/file"}, None),
    ({"Dockerfile": "nowhere"}, None),
    ({"Dockerfile": "x", "x": "Dockerfile"}, None),
    ({"Dockerfile": "sub"}, None),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "CTX/sub").mkdir(parents=True)
    for name in ("file", "sub/file"):
        (tmp_path / "CTX" / name).write_text(f"FROM scratch\nCOPY {name} /\n")
    return tmp_path / "CTX"


def link(folder: Path, links: dict[str, str]) -> None:
    for name, target in links.items():
        (folder / name).symlink_to(target.replace("ABSOLUTE", str(folder)))


@pytest.mark.parametrize(("links", "read"), LINKS)
def test_a_dockerfile_that_is_a_link_is_read_with_its_folder_as_the_root(folder, links, read):
    link(folder, links)
    assert file_in_root(folder, "Dockerfile") == (None if read is None else folder / read)
    if read is None:
        with pytest.raises(NoDockerfile):
            dockerfile_text(folder / "Dockerfile")
    else:
        assert f"COPY {read} /" in dockerfile_text(folder / "Dockerfile")


def test_a_link_in_a_folder_below_starts_there(folder):
    link(folder / "sub", {"Dockerfile": "../file"})
    assert "COPY sub/file /" in dockerfile_text(folder / "sub/Dockerfile")


@pytest.mark.parametrize("target", ["../CTX/file", "ABSOLUTE/file"])
def test_a_link_that_the_engine_refuses_is_refused_with_the_reason(folder, target):
    link(folder, {"Dockerfile": target})
    with pytest.raises(NoDockerfile, match=r"symlink to .*takes the folder of the link as the root"):
        app_in_place(folder, dockerfile=folder / "Dockerfile")


def test_a_link_to_the_root_is_a_dockerfile(folder):
    link(folder, {"Dockerfile": "/file"})
    assert "Dockerfile" in app_in_place(folder).strategies


@pytest.mark.parametrize(
    ("links", "ignored"),
    [
        ({".dockerignore": "ig"}, True),
        ({".dockerignore": "/ig"}, True),
        ({".dockerignore": "../../../../ig"}, True),
        ({".dockerignore": "x", "x": "/ig"}, True),
        ({"Dockerfile.dockerignore": "ig"}, True),
        ({".dockerignore": "../outside"}, False),
        ({".dockerignore": "ABSOLUTE/../outside"}, False),
        ({".dockerignore": "nowhere"}, False),
        ({".dockerignore": ".dockerignore"}, False),
        ({"Dockerfile.dockerignore": "../outside", ".dockerignore": "/ig"}, True),
    ],
)
def test_an_ignore_file_that_is_a_link_is_read_with_the_folder_as_the_root(folder, links, ignored):
    (folder / "ig").write_text("file\n")
    (folder.parent / "outside").write_text("file\n")
    link(folder, links)
    found = read_context(folder, dockerfile=folder / "Dockerfile")
    assert ("file" not in found.by_path) == ignored


@pytest.mark.parametrize("line", ["a\rb", "a\x0cb", "b\x1c", "a\tb"])
def test_control_characters_in_an_ignore_file_are_refused_as_buildx_refuses_them(folder, line):
    (folder / ".dockerignore").write_bytes(f"{line}\n".encode())
    with pytest.raises(Misuse, match="non-printable ASCII"):
        read_context(folder, dockerfile=folder / "Dockerfile")
    (folder / ".dockerignore").write_bytes(f"{line}\nü\n".encode())
    assert read_context(folder, dockerfile=folder / "Dockerfile").entries


def test_lines_of_an_ignore_file_end_at_line_feeds_and_lose_what_go_takes_for_white_space(folder):
    for name in ("a", "b", "c"):
        (folder / name).write_text("")
    (folder / ".dockerignore").write_bytes("a\u0085c\n\u0085b\u2028\nfile\u00a0\r\n".encode())
    found = read_context(folder, dockerfile=folder / "Dockerfile").by_path
    assert [name in found for name in ("a", "b", "c", "file")] == [True, False, True, False]


@pytest.mark.parametrize(
    ("text", "is_refused"),
    [
        ("a" * 65535 + "\n", False),
        ("a" * 65536 + "\n", True),
        ("#" + "a" * 65535, True),
        ("a" * 65535 + "\r\n", True),
        ("\ufeff" + "a" * 65533, True),
        ("f\n" + "ü" * 32768, True),
        ("a\n" * 65536, False),
    ],
)
def test_a_line_of_an_ignore_file_that_is_too_long_is_refused(folder, text, is_refused):
    (folder / ".dockerignore").write_bytes(text.encode())
    if is_refused:
        with pytest.raises(Misuse, match="token too long"):
            read_context(folder, dockerfile=folder / "Dockerfile")
    else:
        assert read_context(folder, dockerfile=folder / "Dockerfile").entries
