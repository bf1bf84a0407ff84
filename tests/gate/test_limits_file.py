"""`speedkit.toml`: what it says, and that each mistake in it is told with its place; the published schema agrees."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from speedkit.errors import FileRefused, LimitsFileError, NoLimitsFile
from speedkit.gate.limits_file import LARGEST_BYTES, read_limits_file
from tests.strict_schema import read_schema

SCHEMA = Draft202012Validator(read_schema("speedkit-toml"))
WHOLE = """\
target = "app"
dockerfile = "./docker/Dockerfile"

[build_args]
VERSION = "1"

[budget]
context_size = 2_000
image_size = "150 MB"
wasted = "1.5 MiB"
"cold" = "2 min 30 s"

[[budget.rebuild]]
when = "src/**"
steps = 3
seconds = "500 ms"

[[claim]]
name = "no install"
when = ["src/**", "docs/*.md"]
stays_cached = ["RUN npm ci", 7]

[[claim]]
when = "a"
stays_cached = "RUN x"
"""


@pytest.fixture
def read(tmp_path):
    def of(text: str | bytes):
        (tmp_path / "speedkit.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_limits_file(tmp_path)

    return of


def test_all_of_it_is_read(read):
    limits = read(WHOLE)
    assert (limits.target, limits.dockerfile, limits.build_args) == ("app", "docker/Dockerfile", {"VERSION": "1"})
    assert (limits.context_size, limits.image_size, limits.wasted, limits.cold) == (2000, 150_000_000, 1_572_864, 150.0)
    assert limits.lines == {"context_size": 8, "image_size": 9, "wasted": 10, "cold": 11}
    (rebuild,) = limits.rebuilds
    assert (rebuild.name, rebuild.steps, rebuild.seconds, rebuild.line) == ("src/**", 3, 0.5, 13)
    first, second = limits.claims
    assert (first.name, first.stays_cached, first.line) == ("no install", ("RUN npm ci", 7), 18)
    assert [glob.text for glob in first.when] == ["src/**", "docs/*.md"]
    assert (second.name, second.line) == ("RUN x", 23)
    assert "VERSION" not in repr(limits)
    SCHEMA.validate(tomllib.loads(WHOLE))


CLAIM = '[[claim]]\nwhen = "a"\nstays_cached = "RUN x"\n'
WRONG = {
    "an unknown key": ("claims = 1", "claims: there is no such key", "way, dockerfile, target, build_args, budget, claim"),
    "an unknown budget": ("[budget]\nsize = 1", "budget.size: there is no such key", "context_size, image_size, wasted, cold"),
    "an unknown key of a claim": (CLAIM + "after = 1", "claim[1].after: there is no such key", "name, when, stays_cached"),
    "a number for text": ("way = 3", "way: 3 is no text", "quotes"),
    "no size": ('[budget]\nimage_size = "150 apples"', "budget.image_size: '150 apples' is no size", "150 MB"),
    "a boolean for a size": ("[budget]\nimage_size = true", "budget.image_size: True is no size", ""),
    "a negative size": ("[budget]\nwasted = -1", "budget.wasted: -1 is no size", ""),
    "no time": ('[budget]\ncold = "90"', "budget.cold: '90' is no time", "2 min 30 s"),
    "an endless time": ("[budget]\ncold = inf", "budget.cold: inf is no time", ""),
    "no number": ("[budget]\ncold = nan", "budget.cold: nan is no time", ""),
    "a rebuild without a limit": ('[[budget.rebuild]]\nwhen = "a"', "budget.rebuild[1]: it limits nothing", "steps = 3"),
    "half a step": ('[[budget.rebuild]]\nwhen = "a"\nsteps = 1.5', "budget.rebuild[1].steps: 1.5 is no number", ""),
    "one table for a list": ('[claim]\nwhen = "a"\nstays_cached = "RUN x"', "claim: {", "[[claim]]"),
    "text for a table": ('budget = "1 MB"', "budget: '1 MB' is no table", "[budget]"),
    "no when": ('[[claim]]\nstays_cached = "RUN x"', "claim[1].when: it is missing", "src/**"),
    "no instruction": ('[[claim]]\nwhen = "a"', "claim[1].stays_cached: it is missing", "RUN npm ci"),
    "no line": ('[[claim]]\nwhen = "a"\nstays_cached = [0]', "claim[1].stays_cached: 0 is no list", "RUN npm ci"),
    "no instructions": ('[[claim]]\nwhen = "a"\nstays_cached = []', "claim[1].stays_cached: it is empty", ""),
    "a path outside": ('[[claim]]\nwhen = "../a/**"\nstays_cached = "RUN x"', "leads out of the folder", "a folder that holds"),
    "an absolute path": ('[[claim]]\nwhen = "/a"\nstays_cached = "RUN x"', "leads out of the folder", ""),
    "a Dockerfile outside": ('dockerfile = "../Dockerfile"\n' + CLAIM, "dockerfile: '../Dockerfile' leads out", ""),
    "a broken glob": ('[[claim]]\nwhen = "a//b"\nstays_cached = "RUN x"', "claim[1].when: 'a//b' is no glob", "src/**"),
    "two ways": ('way = "a"\ndockerfile = "b"\n' + CLAIM, "way: it names a way to build", "one of them"),
    "a build arg that is no text": ("[build_args]\nA = 1\n" + CLAIM, "build_args.A: it is no text", "quotes"),
    "nothing to check": ("", "neither a budget nor a claim", "Begin with such lines"),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_mistake_is_told_with_its_key_and_a_way_out(read, mistake):
    text, what, fix = WRONG[mistake]
    with pytest.raises(LimitsFileError) as refused:
        read(text)
    assert what in refused.value.what
    assert fix in refused.value.what + refused.value.fix
    assert refused.value.exit_code == 2


# JSON Schema knows no paths that lead out through a folder, and JSON neither inf nor nan; an empty file is well-formed.
NOT_OF_THE_SCHEMA = {
    "a path outside",
    "a Dockerfile outside",
    "a broken glob",
    "an endless time",
    "no number",
    "nothing to check",
}


@pytest.mark.parametrize("mistake", sorted(WRONG.keys() - NOT_OF_THE_SCHEMA))
def test_an_editor_shows_the_same_mistake_by_the_schema(mistake):
    assert not SCHEMA.is_valid(tomllib.loads(WRONG[mistake][0]))


VALUES = st.one_of(
    st.integers(-2, 5),
    st.booleans(),
    st.sampled_from(["1 MB", "5 s", "src/**", "", " ", "RUN x", "1", "0.5 h", "1.KB", "3 kib", "12 ms 1 S", "1e3", "/a", "~a"]),
    st.lists(st.one_of(st.integers(0, 2), st.sampled_from(["a", "", "b/**"])), max_size=2),
)
TABLES = {
    "budget": ("context_size", "image_size", "wasted", "cold"),
    "claim": ("name", "when", "stays_cached"),
    "rebuild": ("name", "when", "steps", "seconds"),
}


@settings(deadline=None, max_examples=120)
@given(kind=st.sampled_from(sorted(TABLES)), data=st.data())
def test_the_schema_and_the_reader_agree(tmp_path_factory, kind, data):
    table = data.draw(st.dictionaries(st.sampled_from(TABLES[kind]), VALUES, min_size=1))
    header = {"budget": "[budget]", "claim": "[[claim]]", "rebuild": "[[budget.rebuild]]"}[kind]
    lines = [f"{key} = {str(value).lower() if isinstance(value, bool) else repr(value)}" for key, value in table.items()]
    text = "\n".join([header, *lines])
    folder = tmp_path_factory.mktemp("limits")
    (folder / "speedkit.toml").write_text(text)
    try:
        read_limits_file(folder)
        is_read = True
    except LimitsFileError:
        is_read = False
    assert SCHEMA.is_valid(tomllib.loads(text)) == is_read, text


def test_what_is_no_toml_is_told_with_line_and_column(read):
    with pytest.raises(LimitsFileError, match=r"at line 2, column 7"):
        read("[budget]\ncold ==")


@pytest.mark.parametrize(
    "text", [b"\xff", b"a" * (LARGEST_BYTES + 1), b"#" * 10_000_000], ids=["no text", "too large", "10 MB"]
)
def test_a_file_of_absurd_content_is_refused(read, text):
    with pytest.raises(FileRefused):
        read(text)


@pytest.mark.parametrize(
    "text", ["a = " + "[" * 90_000, "a" + ".a" * 90_000 + " = 1", "[" + "a." * 90_000 + "a]", "a.b.c=1\n" * 9]
)
def test_a_hostile_file_is_an_error_soon(read, text):
    with pytest.raises(LimitsFileError):
        read(text)


def test_without_a_file_the_error_shows_a_small_one(tmp_path, read):
    with pytest.raises(NoLimitsFile) as refused:
        read_limits_file(tmp_path)
    assert "[[claim]]" in refused.value.what
    assert len(read(NoLimitsFile.EXAMPLE).claims) == 1
