"""No foreign text controls a terminal, through any verb, on a real one; and there is one door to it."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import speedkit.cli
from speedkit.control_characters import visible, visible_json, visible_line
from speedkit.errors import NotAFolder, SetupError, SpeedkitError
from tests.images.archives import docker_archive, layer
from tests.terminal import FOREIGN, HOSTILE, complaints, on_a_terminal

NAME = f"new\nFAKE line\tand{HOSTILE}".replace("/", "_")
# BuildKit opens no Dockerfile with a line end in its name, and takes `[` for a pattern.
STRATEGY = f"Dockerfile.{HOSTILE}".partition("\r")[0].replace("[", "") + "\x1b]0;owned\x07\u202eover\u2066\u200b:warning:"
CLI = Path(speedkit.cli.__file__).parent
ROOT = CLI.parent
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo terminals")


def clean(shown, *, code: int | None = None) -> str:
    """The text on the terminal, once it is known that nothing in it was obeyed."""
    assert complaints(shown.text) == [], shown.text
    assert "Traceback" not in shown.text
    if code is not None:
        assert shown.code == code, shown.text
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.text)


class TestVisible:
    @given(st.text(st.characters()))
    def test_nothing_that_a_terminal_obeys_is_left(self, text):
        for shown in (visible(text), visible_line(text)):
            assert not FOREIGN.search(shown)
            assert "\r" not in shown
        assert "\n" not in visible_line(text)
        assert "\t" not in visible_line(text)
        assert visible(visible(text)) == visible(text)

    @given(
        st.recursive(
            st.text(st.characters()) | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
        )
    )
    @pytest.mark.slow
    def test_a_document_says_the_same_with_its_escapes(self, document):
        written = visible_json(json.dumps(document, ensure_ascii=False))
        assert not FOREIGN.search(written)
        assert json.loads(written) == document

    def test_what_people_write_stays(self):
        text = "naïve 日本語 עברית العربية हिन्दी ⚠️ ✓ – “quoted” a\N{NO-BREAK SPACE}b"
        assert visible_line(text) == text

    @pytest.mark.parametrize(
        ("text", "shown"),
        [("a\x1bb", r"a\x1bb"), ("a\nb", r"a\nb"), ("\x9b", r"\x9b"), ("\u202e", r"\u202e"), ("\udcff", r"\xff")],
    )
    def test_an_escape_says_what_stands_there(self, text, shown):
        assert visible_line(text) == shown


class TestErrors:
    def test_neither_str_nor_ipython_obeys_a_name(self):
        problem = NotAFolder(NAME)
        for text in (str(problem), *problem._render_traceback_(), repr(problem)):
            assert complaints(text) == []
            assert "\n" not in text
        assert problem.what == f"{NAME} is not a folder."

    def test_quoted_lines_stay_lines(self):
        problem = SetupError("It failed:", quoted=f"one\n{HOSTILE}", fix="Try\nFAKE")
        assert str(problem).splitlines()[2].startswith("\\x1b]52")
        assert complaints(str(problem)) == []
        assert problem.what == f"It failed:\none\n{HOSTILE}"

    def test_every_error_is_shown_like_that(self):
        def tree(kind):
            return [kind, *(more for child in kind.__subclasses__() for more in tree(child))]

        for kind in tree(SpeedkitError):
            assert kind.__str__ is SpeedkitError.__str__, kind
            assert kind._render_traceback_ is SpeedkitError._render_traceback_, kind


@pytest.mark.parametrize("path", sorted(CLI.glob("*.py")), ids=lambda path: path.name)
def test_nothing_is_printed_past_the_door(path):
    """Only `output.py` writes, imports rich, or asks at the terminal."""
    if path.name == "output.py":
        return
    for node in ast.walk(ast.parse(path.read_text())):
        where = f"{path.name}, line {getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("print", "input"), where
        if isinstance(node, ast.Attribute):
            assert ast.unparse(node) not in ("sys.stdout", "sys.stderr", "sys.__stdout__", "sys.__stderr__", "os.write"), where
            assert node.attr not in ("echo", "secho", "confirm", "prompt", "launch", "from_markup", "print_exception"), where
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names]
            assert not any(re.match(r"(rich|click|typer\.rich_utils|getpass)\b", module) for module in modules), where


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_rest_of_the_package_prints_nothing(path):
    """But what stands below a notebook's cell, by the one module for that."""
    if path.parent == CLI or path == ROOT / "cell_output.py":
        return
    for node in ast.walk(ast.parse(path.read_text())):
        where = f"{path.name}, line {getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Call):
            assert ast.unparse(node.func) not in ("print", "input", "sys.stdout.write", "sys.stderr.write"), where


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "home"))


@pytest.fixture
def no_engine(tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none")


@pytest.fixture
def archive(tmp_path):
    """An image with hostile names of files, commands and tags."""
    layers = [
        layer((NAME, b"one"), ("plain.txt", f"{HOSTILE}\n\tFAKE\n".encode()), ("k.pem", b"k" * 4000)),
        layer((NAME, b"two"), ("k.pem", b"l" * 4000)),
    ]
    return docker_archive(tmp_path / "image.tar", layers, [f"COPY {NAME} /", f"RUN {HOSTILE}"])


@pytest.mark.usefixtures("home", "no_engine")
@pytest.mark.slow
class TestWithoutAnEngine:
    @pytest.mark.parametrize(
        "arguments",
        [
            ["build", NAME],
            ["build", ".", "-f", NAME],
            ["build", ".", "-s", NAME],
            ["build", ".", "--build-arg", NAME],
            ["build", ".", "--target", NAME, "--builder", NAME],
            ["compare", NAME],
            ["compare", ".", "-s", NAME, "-e", NAME],
            ["compare", ".", "-e", f"a.txt={NAME}"],
            ["predict", ".", "--change", NAME],
            ["predict", ".", "--target", NAME],
            ["explain", NAME],
            ["layers", f"./{NAME}"],
            ["layers", NAME, "--max-size", NAME],
            ["layers", NAME, "--min-efficiency", NAME],
            ["layers", "x", "--forbid", "/", "--ci", "--layer", "1"],
            ["tour", "--out", f"/dev/null/{NAME}"],
            ["setup", "--yes"],
            ["clean"],
            ["doctor"],
            ["doctor", "--json"],
            ["engine", "status"],
            ["engine", NAME],
            [NAME],
            [f"--{NAME}"],
            ["build", ".", f"--{NAME}"],
            ["build", ".", NAME, NAME],
            ["history", "--limit", NAME],
        ],
        ids=lambda arguments: " ".join("…" if NAME in word else word for word in arguments),
    )
    def test_no_argument_and_no_error_is_obeyed(self, folder, arguments, monkeypatch, tmp_path):
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/{NAME}")
        place = folder({"Dockerfile": f"FROM scratch\nCOPY a.txt /\n# {HOSTILE}\n", "a.txt": "a"})
        clean(on_a_terminal(arguments, folder=place))

    @pytest.mark.parametrize("more", [[], ["--files"], ["--json"], ["--json", "--files"], ["--other", "{archive}"]])
    def test_no_name_in_an_image_is_obeyed(self, archive, more):
        shown = clean(on_a_terminal(["layers", str(archive), *(word.format(archive=archive) for word in more)]), code=0)
        assert "app/[slug]/page.tsx" in shown
        assert r"\u202e" in shown

    def test_limits_say_which_file_without_obeying_it(self, archive):
        shown = clean(on_a_terminal(["layers", str(archive), "--ci", "--forbid", "new*", "--max-wasted", "1B"]), code=1)
        assert r"new\nFAKE line\tand\x1b]52" in shown

    def test_a_file_is_shown_visibly_on_a_terminal_and_byte_by_byte_in_a_pipe(self, archive):
        arguments = ["layers", str(archive), "--cat", "plain.txt"]
        shown = clean(on_a_terminal(arguments), code=0)
        assert r"\x1b]52;c;cm0=\x07" in shown
        piped = subprocess.run([sys.executable, "-m", "speedkit", *arguments], capture_output=True, check=True)
        assert piped.stdout == f"{HOSTILE}\n\tFAKE\n".encode()

    def test_a_line_that_no_dockerfile_can_have_is_quoted_visibly(self, folder):
        place = folder({"Dockerfile": f"FROM scratch\nNONSENSE {HOSTILE}\n"})
        shown = clean(on_a_terminal(["predict", str(place)]), code=3)
        assert "app/[slug]/page.tsx" in shown

    def test_an_error_without_words_is_obeyed_no_more_than_others(self, speedkit, monkeypatch):
        def fail(*_arguments):
            raise ValueError(NAME)

        monkeypatch.setattr("speedkit.history.recordings", fail)
        code, _, err = speedkit("history")
        assert code == 3
        assert complaints(err) == []
        assert "app_[slug]_page.tsx" in err


@pytest.mark.engine
@pytest.mark.usefixtures("home")
class TestBuilds:
    def test_every_verb_shows_a_hostile_build_as_text(self, folder):
        text = (
            f"FROM alpine AS one\nRUN true '{HOSTILE}'\nCOPY . /\n"
            f"RUN printf '{HOSTILE.encode('unicode_escape').decode()}' && sleep 0.5\n# {uuid.uuid4()}\n"
        ).replace("\u2028", "")
        place = folder({STRATEGY: text, NAME: "x", "Dockerfile": text})
        shown = clean(on_a_terminal(["build", str(place), "-s", STRATEGY]), code=0)
        assert "app/[slug]/page.tsx" in shown
        assert "[bold]" in shown
        for verb in (["explain"], ["explain", "--json"], ["history"], ["history", "--json"]):
            clean(on_a_terminal(verb), code=0)
        clean(on_a_terminal(["predict", str(place), "-s", STRATEGY]), code=0)
        clean(on_a_terminal(["build", str(place), "--twice", "--json"]), code=0)

    def test_a_failing_build_is_quoted_as_text(self, folder):
        text = f"FROM alpine\nRUN printf 'x\\033]0;owned\\007\\302\\233 [/b] {HOSTILE[-60:]}\\n' >&2; exit 3\n"
        shown = clean(on_a_terminal(["build", str(folder({"Dockerfile": text}))]), code=3)
        assert "[/b]" in shown

    def test_a_comparison_shows_hostile_strategies_and_edits_as_text(self, folder):
        edit = NAME.replace("=", "")
        place = folder({STRATEGY: "FROM scratch\nCOPY . /\n", edit: "1", "[b]a": "2"})
        shown = clean(on_a_terminal(["compare", str(place), "-s", STRATEGY, "-e", edit, "-e", "[b]a"]), code=0)
        assert "app_[slug]_page.tsx" in shown
        piped = subprocess.run(
            [sys.executable, "-m", "speedkit", "compare", str(place), "-s", STRATEGY, "-e", edit, "-e", "[b]a"],
            capture_output=True,
            check=True,
            text=True,
        )
        assert complaints(piped.stdout + piped.stderr) == []
        assert "app_[slug]_page.tsx" in piped.stderr
