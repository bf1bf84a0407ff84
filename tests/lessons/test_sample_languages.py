from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest

from speedkit import lessons
from speedkit.lessons import Renamed, sample_languages
from speedkit.model import Build, Step

UV = (
    "Resolved 14 packages in 1.39s\nDownloading a (2.2MiB)\n Downloaded a\n"
    "Prepared 13 packages in 560ms\nInstalled 14 packages in 3ms\n"
)
NPM = "".join(
    f"npm http fetch GET 200 https://packages.example/{name} 5ms {state}\n"
    for name, state in (
        ("a", "(cache miss)"),
        ("a/-/a-1.0.0.tgz", "attempt #2 (cache miss)"),
        ("b/-/b-1.0.0.tgz", "(cache stale)"),
        ("@s%2fc/-/c-1.0.0.tgz", "(cache updated)"),
    )
)
CARGO = " Downloading crates ...\n  Downloaded axum v0.8.9\n  Downloaded serde v1.0.1\n   Compiling serde v1.0.1\n"
MAVEN = "".join(
    f"[INFO] Download{ing} from central: https://packages.example/x/{name}{size}\n"
    for name in ("a-1.pom", "a-1.jar", "b-2.jar")
    for ing, size in (("ing", ""), ("ed", " (4.1 kB at 10 kB/s)"))
)
GO = "go: downloading github.com/a/b v1.2.3\n"


def built(language: str, strategy: str, edit: str, log: str = "", *, seconds: float = 1.0, error: str | None = None) -> Build:
    steps = (
        Step("RUN x", "builder", "RUN x", 3, "ran" if log else "cached", seconds, log=log),
        Step("RUN y", "builder", "RUN y", 5, "ran", 1.0),
    )
    return Build(
        uuid4().hex,
        f"sample_{language}_app",
        strategy,
        edit,
        "",
        seconds,
        "failed" if error else "done",
        0,
        "",
        steps,
        error=error,
    )


def renamed(language: str, strategy: str, log: str, log_again: str = "") -> Renamed:
    cold = built(language, strategy, "cold", log, seconds=20.0)
    return Renamed(language, strategy, cold, built(language, strategy, "rename-field", log_again, seconds=2.0))


@pytest.mark.parametrize(
    ("language", "log", "count"), [("python", UV, 13), ("node", NPM, 2), ("rust", CARGO, 2), ("java", MAVEN, 2), ("go", GO, 1)]
)
def test_the_packages_that_a_package_manager_says_it_downloaded_are_counted(language, log, count):
    assert lessons.packages_downloaded(built(language, "naive", "cold", log)) == count
    cached = built(language, "naive", "cold")
    assert lessons.packages_downloaded(replace(cached, step_list=(replace(cached.step_list[0], log=log),))) == 0


def test_the_table_has_a_row_for_each_strategy_and_says_why_one_is_empty():
    failed = replace(renamed("rust", "naive", CARGO), renamed=built("rust", "naive", "rename-field", error="no space"))
    table = lessons.rename_table(
        [renamed("python", "naive", UV, UV), renamed("python", "optimized", UV)],
        [Renamed("java", "naive, optimized", why_not="left out")],
        [failed],
    ).data
    assert table.to_numpy().tolist() == [
        ["python", "naive", "3 RUN, 5 RUN", "20.0 s", "2.0 s", "0 bytes", "13", "13"],
        ["python", "optimized", "5 RUN", "20.0 s", "2.0 s", "0 bytes", "13", "0"],
        ["java", "naive, optimized", "left out", "–", "–", "–", "–", "–"],
        ["rust", "naive", "a build failed: no space", "–", "–", "–", "–", "–"],
    ]


def test_the_cost_of_a_rename_in_one_language_is_said_for_each_strategy():
    said = lessons.carried_over([renamed("python", "naive", UV, UV), renamed("python", "optimized", UV)])
    assert said.splitlines() == [
        "python, after the rename:",
        "  naive: 2.0 s of 20.0 s, 13 packages downloaded again",
        "  optimized: 2.0 s of 20.0 s, 0 packages downloaded again",
    ]
    assert lessons.carried_over([Renamed("java", "naive", why_not="left out")]) == "left out"


def test_what_languages_share_is_computed_from_their_builds():
    python = [renamed("python", "naive", UV, UV), renamed("python", "mounts", UV)]
    rust = [renamed("rust", "naive", CARGO, CARGO), renamed("rust", "mounts", CARGO, CARGO)]
    assert lessons.what_renames_share(python, rust).splitlines() == [
        "naive downloaded packages again in python and rust.",
        "mounts downloaded packages again in rust, and nothing in python.",
    ]
    assert lessons.what_renames_share(python[1:]) == "mounts downloaded nothing again in python."
    assert lessons.what_renames_share([Renamed("java", "naive", why_not="left out")]) == "Nothing was built."


def test_a_usual_tour_takes_the_builds_in_go_from_the_notebooks_before(monkeypatch):
    monkeypatch.setenv(lessons.TOUR_VARIABLE, "usual")
    cold, again = built("go", "naive", "cold", GO), built("go", "naive", "rename-field", GO)
    half = built("go", "mounts", "cold", GO)
    monkeypatch.setattr(sample_languages, "recorded_builds", lambda app: [cold, again, half] if app == "sample_go_app" else [])
    naive, others = lessons.rename_in("go")
    assert naive.pair == (cold, again)
    assert others.strategy == "optimized, warm, mounts"
    assert others.why_not


def test_a_usual_tour_builds_nothing_in_a_language_that_it_leaves_out(monkeypatch):
    monkeypatch.setenv(lessons.TOUR_VARIABLE, "usual")
    monkeypatch.setenv("SPEEDKIT_SESSION", "of-this-test")
    monkeypatch.setattr(sample_languages, "build", lambda *_: pytest.fail("it builds"))
    (row,) = lessons.rename_in("rust")
    assert row.strategy == "naive, optimized, warm, mounts"
    assert "FULL=1" in row.why_not
