"""Words of a hostile Dockerfile: expanded as BuildKit does, or refused with a sentence."""

from __future__ import annotations

import pytest

from speedkit.cache import Situation, predict
from speedkit.context import Manifest
from speedkit.dockerfile import SubstitutionError, expand, external_bases, read_dockerfile
from speedkit.errors import DockerfileError
from tests.cpu_budget import within_cpu_seconds


def test_every_match_is_replaced_once_and_an_empty_one_behind_another_is_none():
    assert expand("${A//*/x}", {"A": "abc"}) == "x"
    assert expand("${A//?/'<$0>'}", {"A": "ab"}) == "<a><b>"


def test_a_wildcard_stops_at_the_end_of_a_line():
    assert expand("${A##*b}", {"A": "a\nb"}) == "a\nb"


def test_a_value_that_no_message_can_hold_is_refused():
    with pytest.raises(SubstitutionError, match="longer than 16 MB"):
        expand("$A" * 20_000, {"A": "a" * 4_000})


def test_a_missing_slash_is_named():
    with pytest.raises(SubstitutionError, match="missing '/'"):
        expand("${A/b", {"A": "abc"})


DIGITS = "1" * 5_000


@pytest.mark.parametrize(
    "line",
    [
        f"EXPOSE {DIGITS}",
        f"EXPOSE 1-{DIGITS}",
        f"STOPSIGNAL {DIGITS}",
        f"HEALTHCHECK --retries={DIGITS} CMD x",
        f"HEALTHCHECK --interval={DIGITS}s CMD x",
        f"COPY --chmod={DIGITS} a /b",
        f"COPY --chown={DIGITS}:{DIGITS} a /b",
        f"COPY --from={DIGITS} a /b",
        f"RUN --mount=type=cache,target=/x,uid={DIGITS} x",
        f"RUN --mount=type=cache,target=/x,mode={DIGITS} x",
        f"RUN --mount=type=tmpfs,target=/x,size={DIGITS} x",
        f"RUN --mount=type=bind,target=/x,from={DIGITS} x",
    ],
)
def test_a_number_of_endless_digits_is_refused_with_the_line_or_taken(line):
    """Python reads at most 4,300 digits, and its own words for that are nobody's."""
    words = ""
    try:
        dockerfile = read_dockerfile(f"FROM scratch\n{line}\n")
        external_bases(dockerfile, build_args={}, target=None)
        predict([], Situation(dockerfile, Manifest(())))
    except DockerfileError as problem:
        words = str(problem)
    assert "4300" not in words


def test_a_number_beyond_64_bits_names_no_stage():
    dockerfile = read_dockerfile(f"FROM scratch\nCOPY --from={DIGITS} a /b\n")
    assert DIGITS in external_bases(dockerfile, build_args={}, target=None)


@pytest.mark.slow
def test_large_dockerfiles_are_forecast_in_time():
    """Each of these doubled with every stage, grew with the square of its lines, or went deeper than Python's stack."""
    code = """
from speedkit.context import Manifest
from speedkit.dockerfile import read_dockerfile
from speedkit.cache import Situation, predict
chain = "FROM scratch AS s0\\nCOPY a /a\\n"
for lines in (
    chain + "".join(f"FROM scratch AS s{i}\\nCOPY --from=s{i-1} / /\\nCOPY --from=s{i-1} / /\\n" for i in range(1, 60)),
    chain + "".join(f"FROM scratch AS s{i}\\nCOPY --from=s{i-1} /a /{i}\\n" for i in range(1, 2000)),
    "FROM scratch AS a\\n" + "".join(f"COPY f /{i}\\n" for i in range(2500))
    + "FROM scratch\\n" + "".join(f"COPY --from=a /{i} /{i}\\n" for i in range(2500)),
    "FROM scratch\\nCOPY " + " ".join(f"f{i}" for i in range(8000)) + " /d/\\n",
    "FROM scratch\\nRUN " + "a" * 60_000 + "\\n",
    "FROM scratch\\n" + "".join("ENV " + " ".join(f"A{j}_{i}=v" for i in range(1000)) + "\\n" for j in range(60)),
    "FROM scratch\\n" + "".join(f"COPY a /{i}\\n" for i in range(5000)),
):
    predict([], Situation(read_dockerfile(lines), Manifest(())))
"""
    within_cpu_seconds(60, code)
