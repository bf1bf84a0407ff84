"""Budgets and claims without a build: what holds, what does not and why, and what is no claim at all."""

from __future__ import annotations

import pytest

import speedkit as sk
from speedkit.errors import DockerfileError, LimitsFileError, Misuse, NoDockerfile, NoLimitsFile, UnknownWay
from speedkit.gate import CheckOutcome
from tests.gate.project import DOCKERFILE, FILES
from tests.git_history.small_repository import SmallRepository


@pytest.fixture(autouse=True)
def without_engine_and_recordings(tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing")
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "home"))


def claim(when: str, *stays_cached: str | int) -> str:
    return f"[[claim]]\nwhen = {when!r}\nstays_cached = {list(stays_cached)!r}\n"


@pytest.fixture
def checked(folder):
    def of(limits: str, files: dict[str, str] | None = None, **options) -> CheckOutcome:
        return sk.check(folder({**FILES, **(files or {}), "speedkit.toml": limits}), **options)

    return of


@pytest.mark.parametrize(
    ("when", "instruction"),
    [
        ("src/**", "RUN install"),  # its flags are left out
        ("src/**", "RUN --mount=type=cache"),
        ("src/**", "run   install lock"),
        ("src/**", 6),  # the second line of the instruction on line 5
        ("docs/**", "COPY src"),  # .dockerignore leaves them out
        ("**/b.js", 3),
    ],
)
def test_a_claim_holds_when_nothing_that_the_step_reads_changes(checked, when, instruction):
    outcome = checked(claim(when, instruction))
    assert outcome.ok, outcome.entries
    assert outcome.entries[0].amount == 0


def test_a_link_stands_for_the_file_that_it_leads_to(folder):
    root = folder({**FILES, "speedkit.toml": claim("links/**", "RUN compile")})
    (root / "links").mkdir()
    (root / "links" / "a.js").symlink_to("../src/a.js")
    (entry,) = sk.check(root).entries
    assert (entry.ok, entry.line) == (False, 8)
    (root / "links" / "a.js").unlink()
    (root / "links" / "a.js").symlink_to("../docs/a.md")  # .dockerignore leaves it out
    assert sk.check(root).ok


def test_the_file_git_of_a_submodule_is_never_meant(checked):
    with pytest.raises(LimitsFileError, match="no file matches vendor"):
        checked(claim("vendor/**", "RUN install"), {"vendor/.git": "gitdir: ../.git/modules/vendor"})


NAMED = {
    "app/Dockerfile": "FROM alpine\nCOPY --from=shared lib /lib\nRUN compile\n",
    "app/lib": "own",
    "shared/lib": "1",
    "compose.yaml": "services:\n  web:\n    build:\n      context: app\n      additional_contexts:\n        shared: ./shared\n",
}


def test_a_change_in_a_named_build_context_counts(folder):
    limits = "way = 'compose:web'\n" + claim("shared/**", "RUN compile") + claim("app/lib", "RUN compile")
    shared, own = sk.check(folder({**NAMED, "speedkit.toml": limits})).entries
    assert (shared.ok, [step.files for step in shared.steps]) == (False, [("shared/lib",)])
    assert own.ok


def test_a_claim_that_does_not_hold_names_step_files_and_cause(checked):
    (entry,) = checked(claim("*", "COPY lock", "RUN install")).entries
    assert entry.ok is False
    assert (entry.amount, entry.allowed, entry.unit, entry.evidence) == (2, 0, "steps", "forecast")
    assert (entry.file, entry.line) == ("Dockerfile", 4)
    assert [(step.line, step.state, step.files) for step in entry.steps] == [(4, "miss", ("lock",)), (5, "miss", ("lock",))]
    assert "Line 5, RUN --mount" in entry.because
    assert "It goes back to line 4, COPY lock ./: lock changed" in entry.because


def test_a_step_that_may_stay_cached_does_not_keep_a_claim(checked):
    (entry,) = checked(claim("src/**", "COPY --from")).entries
    assert entry.ok is False
    assert entry.steps[0].state == "depends"
    assert entry.steps[0].files == ("src/a.js", "src/deep/b.js")


def test_a_rebuild_counts_every_step_that_runs_or_may_run(checked):
    budget = "[[budget.rebuild]]\nwhen = 'src/a.js'\nsteps = {}\n"
    enough, few = checked(budget.format(3)), checked(budget.format(2))
    assert enough.ok
    assert not few.ok
    (entry,) = few.entries
    assert (entry.amount, entry.allowed, [step.line for step in entry.steps]) == (3, 2, [7, 8, 11])


def test_the_size_of_the_context_is_that_of_the_files_that_are_sent(checked):
    files = {"docs/large.bin": "x" * 5000, "large.bin": "x" * 3000}
    (entry,) = checked("[budget]\ncontext_size = '2 kB'", files).entries
    assert entry.ok is False
    assert 3000 < entry.amount < 5000
    assert "large.bin (3.0 kB)" in entry.because
    assert "docs" not in entry.because


NEEDS_A_BUILD = "[budget]\nimage_size = '1 MB'\nwasted = 0\ncold = '1 s'\n[[budget.rebuild]]\nwhen = 'lock'\nseconds = 9\n"


def test_what_needs_a_build_is_not_checked_and_does_not_hold(checked):
    outcome = checked(NEEDS_A_BUILD + claim("src/**", "RUN install"))
    assert [entry.ok for entry in outcome.entries] == [None] * 4 + [True]
    assert not outcome.ok
    assert all("Not checked" in entry.because and entry.amount is None for entry in outcome.entries[:4])
    assert "4 were not checked" in outcome.sentence


def test_on_purpose_it_is_left_out_but_something_must_be_checked(checked):
    assert checked(NEEDS_A_BUILD + claim("src/**", "RUN install"), forecast_only=True).ok
    assert not checked(NEEDS_A_BUILD + claim("lock", "RUN install"), forecast_only=True).ok
    assert not checked(NEEDS_A_BUILD, forecast_only=True).ok


@pytest.mark.parametrize(
    ("limits", "what", "help_words"),
    [
        (claim("nothing/**", "RUN install"), "no file matches nothing/**", "A glob begins in the folder"),
        (claim("src", "RUN install"), "no file matches src", "src is a folder: write src/**"),
        (claim("src/**", "RUN npm"), "no instruction begins with 'RUN npm'", "5 | RUN --mount"),
        (claim("src/**", 99), "line 99 has no instruction", "8 | RUN compile"),
        (claim("src/**", "ENV A"), "'ENV A' only changes settings", "7 | COPY src src"),
        # Such claims would hold whatever anybody changes.
        (claim("src/**", "FROM alpine"), "'FROM alpine' names a base image", "4 | COPY lock"),
        (claim("src/**", 1), "1 names a base image", "4 | COPY lock"),
        (claim("Dockerfile", "RUN compile"), "Dockerfile only matches what says how to build", "Name files that steps read"),
        (claim(".docker*", "RUN compile"), ".docker* only matches what says how to build", "Name files that steps read"),
        ("[[claim]]\nwhen = ['src/**', 'scr/**']\nstays_cached = ['RUN install']\n", "no file matches scr/**", "A glob begins"),
        ("target = 'build'\n" + claim("src/**", "COPY --from"), "the target does not use the stage", "4 | COPY lock"),
    ],
)
def test_a_claim_about_nothing_is_an_error_that_helps(checked, limits, what, help_words):
    with pytest.raises(LimitsFileError) as refused:
        checked(limits)
    assert what in refused.value.what
    assert help_words in refused.value.what + refused.value.fix
    assert "speedkit.toml, line" in refused.value.what


def test_the_way_to_build_comes_from_the_file_or_from_the_call(checked):
    files = {"other/Other.Dockerfile": "FROM scratch\nCOPY . .\n"}
    outcome = checked("dockerfile = 'other/Other.Dockerfile'\n" + claim("src/**", "COPY ."), files)
    assert (outcome.entries[0].file, outcome.entries[0].line) == ("other/Other.Dockerfile", 2)
    assert not checked(claim("src/**", "COPY ."), files, dockerfile="other/Other.Dockerfile").ok
    with pytest.raises(UnknownWay):
        checked("way = 'nothing'\n" + claim("src/**", "COPY ."))
    with pytest.raises(NoDockerfile):
        checked("dockerfile = 'nothing'\n" + claim("src/**", "COPY ."))
    with pytest.raises(Misuse, match="is no file in"):
        checked(claim("src/**", "COPY ."), dockerfile="../Dockerfile")


def test_no_secret_in_the_name_of_an_instruction_is_shown(checked):
    token = "ghp_" + "a1B2" * 9
    files = {"Dockerfile": f"FROM alpine\nCOPY lock /\nRUN curl -H 'Authorization: Bearer {token}' host\n"}
    (entry,) = checked(claim("lock", f"RUN curl -H 'Authorization: Bearer {token}'"), files).entries
    assert (entry.ok, entry.line) == (False, 3)
    assert token not in repr(entry)
    with pytest.raises(LimitsFileError) as refused:
        checked(claim("lock", f"RUN wget {token}"), files)
    assert token not in f"{refused.value} {refused.value.what}"


def test_a_build_arg_of_the_call_comes_before_that_of_the_file(checked):
    dockerfile = {"Dockerfile": "ARG FOLDER=x\nFROM scratch\nARG FOLDER\nCOPY ${FOLDER} /\n"}
    limits = "[build_args]\nFOLDER = 'src'\n" + claim("docs/**", "COPY")
    docs = {".dockerignore": ""} | dockerfile
    assert checked(limits, docs).ok
    assert not checked(limits, docs, build_args={"FOLDER": "docs"}).ok


def test_errors_are_those_of_the_project(checked, folder):
    with pytest.raises(NoLimitsFile):
        sk.check(folder(FILES))
    with pytest.raises(DockerfileError):
        checked(claim("src/**", "RUN"), {"Dockerfile": "FROM scratch\nNOTHING x\n"})


def test_a_step_that_stops_the_build_keeps_no_claim(checked):
    (entry,) = checked(claim("src/**", "COPY gone"), {"Dockerfile": "FROM scratch\nCOPY gone /\n"}).entries
    assert entry.ok is False
    assert "gone" in entry.because


def test_git_lists_the_files_and_paths_are_those_of_the_repository(tmp_path):
    small = SmallRepository(tmp_path / "repository")
    limits = claim("src/**", "RUN install") + claim("**", "COPY src")
    small.commit({f"app/{path}": text for path, text in {**FILES, "speedkit.toml": limits}.items()} | {".gitignore": "out\n"})
    (small.folder / "app" / "out").write_text("not of git")
    outcome = sk.check(small.folder / "app")
    assert [entry.ok for entry in outcome.entries] == [True, False]
    assert [entry.file for entry in outcome.entries] == ["app/speedkit.toml", "app/Dockerfile"]
    (small.folder / "app" / "speedkit.toml").write_text(claim(".git/**", "RUN install"))
    with pytest.raises(LimitsFileError, match="no file matches"):
        sk.check(small.folder / "app")


def test_the_table_has_a_row_for_each_entry(checked):
    table = checked(claim("src/**", "RUN install")).table
    assert list(table["kind"]) == ["claim"]
    assert "RUN --mount" in DOCKERFILE
