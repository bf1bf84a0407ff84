"""Dockerfiles are split as BuildKit's own parser splits them: real ones, damaged ones, and nonsense."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import pytest

from speedkit.dockerfile import read_dockerfile
from speedkit.dockerfile.directives import check_options, requested_frontend, without_frontend
from speedkit.dockerfile.parser import ParseError, parse
from speedkit.errors import DockerfileError
from tests.dockerfile.buildkit_parser import BuildKitParser, NoParser, read_here

ROOT = Path(__file__).parents[2]
PIECES = (
    "FROM a|\n|\nRUN |\nCOPY |\nADD |\nENV |\nLABEL |\nARG |\nONBUILD |ONBUILD RUN |HEALTHCHECK |CMD |VOLUME |EXPOSE |SHELL |"
    '# escape=`\n|# syntax=x\n|// syntax=y\n|#!/bin/x\n|{"syntax": "q"}| # syntax=z\n|#c\n| |\t|\\|\\\n|`\n|`|<<|<<-|<< |EOF|E|'
    '"|\'|$|${A}|${A-|${A:+|${A:|${A#|${A%|${A/b/c}|${A/|{|}|=|a=b|--x=y |--x=|--|-|["a"]|[1]|["\\ud800",|[|]|,|null|1e999|'
    'NaN|ä|\u00a0|\r\n|\r|\v|\u2028|<<\'E\'|<<"E"|\nE\n|\n\tE\n|\nEOF\n|\\"|é=à|\u1680|# check=skip=all\n|x|\x1c|\ufeff|\0|²|1'
)
NONSENSE = [*(piece.encode() for piece in PIECES.split("|")), b"|", b"\xff", b"\xe9", b"\xa0"]
DAMAGE = [
    b'"',
    b"'",
    b"\\\n",
    b"<<EOF ",
    b"$",
    b"${A",
    b"}",
    b"\n",
    b"# escape=`\n",
    b"`",
    b" ",
    b"--x='",
    b"\xa0",
    b"[",
    b'"]',
]
EXACT = (
    b"\xef\xbb\xbf",
    b"FROM a\nRUN " + b"a" * 65531 + b"\n",
    b"FROM a\nRUN " + b"a" * 65532 + b"\n",
    b"FROM a\nRUN " + "ä".encode() * 32766,
    b"FROM a\nRUN \\\n" + b"a" * 65536 + b"\nX",
    b"FROM a\nRUN <<E\n" + b"a" * 65536 + b"\nE\n",
    b"FROM a\nRUN x\x0c\n\x85RUN y\r\n",
    b"# check=skip=all\n# check=error=true\nFROM a\n",
    b"#!/usr/bin/docker build\n# check=error=true\n# escape=`\nFROM a\n",
)


@pytest.fixture(scope="module")
def buildkit(tmp_path_factory):
    try:
        parser = BuildKitParser(tmp_path_factory.mktemp("parser"))
    except NoParser as problem:
        pytest.skip(f"BuildKit's parser cannot be compiled: {problem}")
    yield parser
    parser.close()


def _dockerfiles() -> list[bytes]:
    found = [path for path in ROOT.glob("sample_go_app/**/*ockerfile*") if path.is_file()]
    return [path.read_bytes() for path in [*found, *ROOT.glob("tests/**/*ockerfile*")] if path.is_file()]


def _nonsense(source: random.Random) -> bytes:
    text = b"".join(source.choice(NONSENSE) for _ in range(source.randint(1, 30)))
    return b"FROM a\nRUN " + text if source.random() < 0.5 else text


def _damaged(source: random.Random, text: bytes) -> bytes:
    damaged = bytearray(text[:6000])
    for _ in range(source.randint(1, 6)):
        place = source.randrange(len(damaged) + 1)
        damaged[place : place + source.choice((0, 0, 1, 8))] = source.choice(DAMAGE)
    return bytes(damaged)


@pytest.mark.slow
def test_real_dockerfiles_are_read_as_buildkit_reads_them(buildkit):
    texts = _dockerfiles()
    assert len(texts) > 5
    for text in texts:
        assert read_here(text) == buildkit.read(text), text


@pytest.mark.parametrize("text", EXACT, ids=range(len(EXACT)))
def test_limits_and_first_lines_are_read_as_buildkit_reads_them(buildkit, text):
    assert read_here(text) == buildkit.read(text)


def test_nonsense_is_read_as_buildkit_reads_it(buildkit):
    source = random.Random(20261126)  # noqa: S311
    for _ in range(3000):
        text = _nonsense(source)
        assert read_here(text) == buildkit.read(text), text


def test_damaged_dockerfiles_are_read_as_buildkit_reads_them(buildkit):
    source = random.Random(20261127)  # noqa: S311
    texts = _dockerfiles()
    for _ in range(2000):
        text = _damaged(source, source.choice(texts))
        assert read_here(text) == buildkit.read(text), text


LONG = {
    "one word": "FROM a\nRUN " + "a" * 60000,
    "nested expansions": "FROM a\nRUN " + "${a-" * 15000,
    "expansions": "FROM a\nRUN " + "${a-b}" * 10000 + "<<E\nE\n",
    "angles": "FROM a\nRUN " + "<" * 60000,
    "quotes": "FROM a\nRUN <<" + "'" * 60000,
    "spaces in a directive": "# syntax= " + " " * 60000 + "x\nFROM a\n",
    "triggers": "FROM a\n" + "ONBUILD " * 8000,
    "brackets": "FROM a\nRUN " + "[" * 60000,
    "escapes": "FROM a\nRUN " + "\\ " * 30000,
    "digits": "FROM a\nRUN " + "0" * 60000 + "<<E\nE\n",
    "marks": "FROM a\nRUN " + "1<<" * 20000,
    "flags": "FROM a\nRUN " + "--x='" * 12000,
    "empty lines that go on": "\\\n" * 30000 + "FROM a",
}


@pytest.mark.parametrize("name", LONG)
def test_long_lines_are_read_or_refused(name):
    """In linear time, each in a second; a quadratic reader would sit here for minutes."""
    with contextlib.suppress(ParseError):
        parse(LONG[name])


@pytest.mark.parametrize(
    ("text", "image", "comment"),
    [
        ("# syntax=docker/dockerfile:1\nFROM a\n", "docker/dockerfile:1", "#"),
        ("#syntax = a b c\nFROM a\n", "a", "#"),
        ("\ufeff# syntax=a\nFROM a\n", "a", "#"),
        ("#!/usr/bin/docker build\n# syntax=a\nFROM a\n", "a", "#"),
        ("# escape=`\n# syntax=a\nFROM a\n", "a", "#"),
        ("// syntax=a\nwhatever\n", "a", "//"),
        ("#!/usr/bin/docker build\n// syntax=a\nwhatever\n", "a", "//"),
        ('{"syntax": "a"}\n', "a", ""),
    ],
)
def test_a_frontend_is_asked_for_in_these_ways(text, image, comment):
    frontend = requested_frontend(text)
    assert frontend is not None
    assert (frontend.image, frontend.comment) == (image, comment)


@pytest.mark.parametrize(
    "text", [" # syntax=a\nFROM a\n", "# hello\n# syntax=a\nFROM a\n", "\n# syntax=a\nFROM a\n", '{"syntax": 1}', '{"a": "b"}']
)
def test_a_frontend_is_not_asked_for(text):
    assert requested_frontend(text) is None


@pytest.mark.parametrize("text", ["// syntax=acme/other\nbuild everything\n", '{"syntax": "acme/other", "steps": []}\n'])
def test_a_file_for_another_frontend_is_called_that(text):
    with pytest.raises(DockerfileError, match="is for the frontend acme/other") as caught:
        read_dockerfile(text)
    assert caught.value.line == 1


def test_the_linters_options_stand_behind_a_first_line_for_the_shell():
    text = "#!/usr/bin/docker build\n# check=error=true\nFROM a\n"
    assert check_options(text) == "error=true"
    assert read_dockerfile(text).check == "error=true"


@pytest.mark.parametrize("name", ["check", "syntax", "escape"])
def test_a_directive_twice_is_refused(name):
    value = {"check": "skip=all", "syntax": "docker/dockerfile:1", "escape": "`"}[name]
    with pytest.raises(DockerfileError, match=f"only one {name} parser directive can be used") as caught:
        read_dockerfile(f"# {name}={value}\n# {name}={value}\nFROM a\n")
    assert caught.value.line == 1


def test_lines_end_at_newlines_only():
    first, second = read_dockerfile("FROM a\nRUN a\x0cb\x1cc\u2028d\x85e\rf\nRUN x\n").instructions[1:]
    assert (first.line, first.end_line, second.line) == (2, 2, 3)


def test_a_line_that_is_too_long_is_refused():
    with pytest.raises(DockerfileError, match="line greater than max allowed size of 65535"):
        read_dockerfile("FROM a\nRUN " + "x" * 70000 + "\n")


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("# syntax=a\nFROM a\n", "#\nFROM a\n"),
        ("# syntax=a\r\n# escape=`\r\nFROM a\r\n", "# escape=`\r\n#\nFROM a\r\n"),
        ("\ufeff# check=skip=all\n# syntax=a\n# escape=`\nFROM a\n", "\ufeff# check=skip=all\n# escape=`\n#\nFROM a\n"),
        ("#!/bin/x\n# syntax=a\n# check=skip=all\nFROM a\n", "#!/bin/x\n# check=skip=all\n#\nFROM a\n"),
        ("#!/bin/x\n# syntax=a\n# syntax=b\nFROM a\n", "#!/bin/x\n#\n#\nFROM a\n"),
        ("# syntax=a\n#\n# syntax=b\nFROM a\n", "#\n#\n# syntax=b\nFROM a\n"),
        ("# syntax=a", "#"),
        ("FROM a\n", "FROM a\n"),
        ("// syntax=a\nx\n", "// syntax=a\nx\n"),
    ],
)
def test_a_text_for_the_engines_own_frontend_keeps_its_lines_and_its_other_directives(text, rest):
    assert without_frontend(text) == rest
    assert requested_frontend(rest) is None or rest.startswith("//")
    assert check_options(rest) == check_options(text)
    if rest.count("FROM"):
        before, after = read_dockerfile(text.replace("# syntax=b\n", "#\n")), read_dockerfile(rest)
        assert (after.escape, after.instructions[0].line) == (before.escape, before.instructions[0].line)


def test_a_damaged_beginning_asks_for_no_frontend_any_more(buildkit):
    source = random.Random(20261128)  # noqa: S311
    lines = [
        b"# syntax=a\n",
        b"# escape=`\n",
        b"# check=skip=all\n",
        b"#!/bin/x\n",
        b"\xef\xbb\xbf",
        b"#c\n",
        b"\n",
        b" # syntax=b\n",
    ]
    for _ in range(500):
        text = b"".join(source.choice(lines) for _ in range(source.randint(1, 5))) + b"FROM a\n"
        before = buildkit.read(text)
        after = buildkit.read(without_frontend(text.decode()).encode())
        assert after["syntax"] == ""
        assert after["check"] == before["check"]
        if not before["error"]:
            assert [after["escape"], after["instructions"]] == [before["escape"], before["instructions"]], text
