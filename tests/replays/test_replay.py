"""Claims about what a replayed history says: seconds, blame, splits, and what cannot be built."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from speedkit import plots
from speedkit.errors import Misuse, NotARepository
from speedkit.model import StepSource
from speedkit.replays import Replay, blame_sentence, findings, glob_counts, replay, seconds_groups
from speedkit.replays.blame import blame_of
from speedkit.replays.commit_seconds import with_seconds
from speedkit.replays.findings import minutes_by_developer
from speedkit.replays.history_replay import replay as replay_history
from speedkit.replays.history_verdicts import DockerfileVersion, HistoryStep
from speedkit.replays.measuring import commits_to_measure
from speedkit.replays.step_seconds import ObservedBuild, SecondsModel, StepRun, critical_path
from tests.git_history.small_repository import SmallRepository

NODE = "FROM node\nWORKDIR /app\nCOPY . .\nRUN npm ci\nRUN npm run build\n"
STAGES = """\
FROM node AS web
COPY web /web
RUN build web
FROM go AS api
COPY api /api
RUN build api
FROM scratch
COPY --from=web /out /web
COPY --from=api /out /api
"""


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallRepository:
    monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / "home"))
    return SmallRepository(tmp_path / "repository")


def node_history(small: SmallRepository, dockerfile: str = NODE) -> Replay:
    """Ten commits: eight change sources, one the packages, one nothing that the ignore file leaves in."""
    small.commit(
        {"Dockerfile": dockerfile, ".dockerignore": ".git\ndocs\n", "package.json": "0", "src/a.js": "0", "docs/a": "0"}
    )
    for number in range(8):
        small.commit({f"src/{'ab'[number % 2]}.js": str(number + 1)})
    small.commit({"package.json": "1"})
    small.commit({"docs/a": "1"})
    return replay(small.folder)


def built(number: int, ran: dict[int, float], *, other: float = 1.0, origin: str = "COPY . .") -> ObservedBuild:
    """A build of the history above in which some steps ran."""
    texts = ("FROM node", "WORKDIR /app", "COPY . .", "RUN npm ci", "RUN npm run build")
    steps = tuple(
        HistoryStep(place, place + 1, place + 1, "stage-0", text, (StepSource(place, "before"),) if place else ())
        for place, text in enumerate(texts)
    )
    version = DockerfileVersion("Dockerfile", "", steps)
    forecast = tuple(StepRun(place, texts[place], origin) for place in ran)
    return ObservedBuild(str(number), sum(ran.values()) + other, version, forecast, ran)


def test_a_folder_without_history_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotARepository):
        replay(tmp_path)


def test_a_replay_blames_the_lines_at_which_misses_begin(small: SmallRepository) -> None:
    replayed = node_history(small)
    (blame,) = replayed.blame
    assert (blame.line, blame.instruction, blame.misses) == (3, "COPY . .", 9)
    assert [(one.pattern, one.commits) for one in blame.files] == [("src/**", 8), ("package.json", 1)]
    assert replayed.total_seconds is None
    assert blame.seconds is None
    assert blame_sentence(blame, replayed) == (
        "missed in 9 of 10 commits; 8 of them changed only src/**; 1 of them changed only package.json"
    )
    assert any("--measure 5" in sentence for sentence in findings(replayed))


def test_the_split_of_a_copy_puts_the_packages_first_and_git_takes_it(small: SmallRepository) -> None:
    (split,) = node_history(small).splits
    assert (split.line, split.saves_runs, split.files) == (3, 8, ("package.json",))
    patch = small.folder / "split.patch"
    patch.write_text(split.patch)
    small.git("apply", "split.patch")
    assert (small.folder / "Dockerfile").read_text().splitlines()[2:5] == ["COPY package.json ./", "RUN npm ci", "COPY . ."]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_patch_keeps_line_ends_and_a_missing_one_at_the_end(small: SmallRepository, end: str) -> None:
    text = NODE.replace("\n", end).removesuffix(end)
    (split,) = node_history(small, text).splits
    subprocess.run(["git", "-C", str(small.folder), "apply", "-"], input=split.patch.encode(), check=True)
    lines = (small.folder / "Dockerfile").read_bytes().decode().split(end)
    assert lines[2:5] == ["COPY package.json ./", "RUN npm ci", "COPY . ."]
    assert lines[-1] == "RUN npm run build"


def test_a_split_covers_the_folders_that_changed_alone(small: SmallRepository) -> None:
    text = "FROM debian\nCOPY packages ./\nRUN ./prepare\nRUN ./all\n"
    small.commit(
        {"Dockerfile": text, ".dockerignore": ".git", "packages/api/a": "0", "packages/web/a": "0", "packages/top": "0"}
    )
    for number in range(6):
        small.commit({f"packages/{'api' if number == 3 else 'web'}/a": str(number + 1)})
    (split,) = replay(small.folder).splits
    assert split.files == ("packages/web", "packages/api")
    added = [line for line in split.patch.splitlines() if line.startswith("+") and not line.startswith("+++")]
    assert added == ["+COPY packages/top ./", "+COPY packages/web web/", "+COPY packages/api api/"]
    assert split.saves_runs == 6


def test_no_split_takes_sources_away_from_a_compiler(small: SmallRepository) -> None:
    small.commit({"Dockerfile": "FROM go\nCOPY . .\nRUN go build ./...\n", ".dockerignore": ".git", "cmd/a.go": "0", "x": "0"})
    for number in range(4):
        small.commit({"cmd/a.go": str(number + 1)})
    assert replay(small.folder).splits == ()


def test_no_split_takes_away_what_a_pattern_of_the_command_names(small: SmallRepository) -> None:
    text = "FROM alpine\nCOPY web /src\nRUN cat /src/*.js > /app.js && cp /src/*.css /\n"
    small.commit({"Dockerfile": text, ".dockerignore": ".git", "web/a.css": "0", "web/a.js": "0", "web/page.html": "0"})
    for number in range(4):
        small.commit({"web/a.css": str(number + 1)})
    assert replay(small.folder).splits == ()


def test_git_in_the_context_is_named(small: SmallRepository) -> None:
    small.commit({"Dockerfile": NODE, "package.json": "0", "src/a.js": "0"})
    small.commit({"src/a.js": "1"})
    small.commit({})
    replayed = replay(small.folder)
    (blame,) = replayed.blame
    assert (blame.misses, blame.git_folder) == (2, 2)
    assert ".git is in the build context" in blame_sentence(blame, replayed)


def test_a_text_in_place_of_every_dockerfile_shows_what_it_would_have_saved(small: SmallRepository) -> None:
    replayed = node_history(small)
    better = NODE.replace("COPY . .\nRUN npm ci\n", "COPY package.json ./\nRUN npm ci\nCOPY . .\n")
    patched = replay(small.folder, dockerfile=better)
    runs = [sum(len(one.verdicts.ran) for one in each.commits) for each in (replayed, patched)]
    assert runs == [9 * 3, 8 * 2 + 4]
    without = replay(small.folder, dockerfile=NODE, ignore_file="*\n!package.json\n")
    assert sum(len(one.verdicts.ran) for one in without.commits) == 3


def test_a_moved_dockerfile_is_followed_and_said(small: SmallRepository) -> None:
    small.commit({"docker/Dockerfile": NODE * 2, "package.json": "0", ".dockerignore": ".git"})
    small.commit({"package.json": "1"})
    small.commit({"docker/Dockerfile": None, "Dockerfile": NODE * 2})
    replayed = replay(small.folder)
    assert [one.trouble for one in replayed.commits] == [None, None]
    assert "The Dockerfile was elsewhere before: docker/Dockerfile." in list(findings(replayed))


def test_what_cannot_be_built_is_said(small: SmallRepository) -> None:
    small.commit({"Dockerfile": NODE, "package.json": "0", ".dockerignore": ".git"})
    small.commit({"Dockerfile": None})
    small.commit({"Dockerfile": "FROM node\nCOPY missing /x\n"})
    small.commit({"Dockerfile": "NOT A DOCKERFILE\n"})
    small.commit({"Dockerfile": NODE})
    sentences = " ".join(findings(replay(small.folder, commits=50)))
    assert "1 commit has no Dockerfile." in sentences
    assert "BuildKit rejects the Dockerfile of 1 commit" in sentences
    assert "stops at a missing file, such as /missing" in sentences
    assert "The history has no more" in sentences


def test_a_dockerfile_that_never_was_gives_a_clear_answer(small: SmallRepository) -> None:
    small.commit({"a": "1"})
    small.commit({"a": "2"})
    with pytest.raises(Misuse):
        replay(small.folder)


def test_a_bare_repository_is_replayed(small: SmallRepository, tmp_path: Path) -> None:
    node_history(small)
    small.git("clone", "-q", "--bare", str(small.folder), str(tmp_path / "bare.git"))
    assert len(replay(tmp_path / "bare.git").blame) == 1


def test_names_that_are_hostile_stay_in_their_place(small: SmallRepository) -> None:
    small.commit({"Dockerfile": NODE, ".dockerignore": ".git", "package.json": "0"})
    small.commit({"<b>\n\x1b[31m$(x)": "1", "café \\ [x]": "1"}, subject="\x1b[31m<script>")
    replayed = replay(small.folder)
    assert sorted(replayed.commits[0].verdicts.files[2]) == ["<b>\n\x1b[31m$(x)", "café \\ [x]"]
    assert "<script>" not in plots.history_strip(replayed).figure.to_json()


def test_the_critical_path_is_the_longest_chain(small: SmallRepository) -> None:
    small.commit({"Dockerfile": STAGES, ".dockerignore": ".git", "web/a": "0", "api/a": "0"})
    small.commit({"web/a": "1", "api/a": "1"})
    steps = replay(small.folder).commits[0].verdicts.dockerfile
    assert steps is not None
    seconds = {1: 1.0, 2: 10.0, 4: 1.0, 5: 3.0, 7: 0.5, 8: 0.5}
    assert critical_path(steps.steps, seconds) == (12.0, (1, 2, 7, 8))


def test_seconds_are_medians_by_kind_of_change() -> None:
    model = SecondsModel([built(0, {2: 0.1, 3: 9.0, 4: 5.0}), built(1, {2: 0.1, 3: 11.0, 4: 5.0}), built(2, {})])
    run = [StepRun(2, "COPY . .", "COPY . ."), StepRun(3, "RUN npm ci", "COPY . .")]
    told = model.build_seconds(model.builds[0].dockerfile.steps, run)
    assert told.total == pytest.approx(0.1 + 10.0 + 1.0)
    assert told.critical == (2, 3)
    assert model.build_seconds(model.builds[0].dockerfile.steps, ()).total == pytest.approx(1.0)
    assert not model.guessed


def test_an_instruction_that_changed_a_little_takes_as_long() -> None:
    model = SecondsModel([built(0, {4: 5.0})])
    steps = model.builds[0].dockerfile.steps
    assert model.build_seconds(steps, [StepRun(4, "RUN npm run build -- --prod", "")]).total == pytest.approx(6.0)
    assert not model.guessed
    model.build_seconds(steps, [StepRun(4, "RUN something entirely different", "")])
    assert model.guessed == {"RUN something entirely different"}


def test_the_error_of_a_model_comes_from_builds_that_it_has_not_seen() -> None:
    same = SecondsModel([built(number, {4: 5.0}) for number in range(4)])
    assert same.error_percent == pytest.approx(0.0)
    spread = SecondsModel([built(number, {4: seconds}) for number, seconds in enumerate((5.0, 5.0, 10.0))])
    assert spread.error_percent is not None
    assert spread.error_percent > 20
    assert SecondsModel([built(0, {4: 5.0})]).error_percent is None


def test_a_step_that_may_be_found_counts_as_often_as_it_ran() -> None:
    steps = built(0, {}).dockerfile.steps
    open_run = StepRun(4, "RUN npm run build", "COPY . .", sure=False)
    builds = [
        ObservedBuild(str(number), 1.0 + sum(ran.values()), built(0, {}).dockerfile, (open_run,), ran)
        for number, ran in enumerate(({4: 4.0}, {}))
    ]
    assert SecondsModel(builds).build_seconds(steps, [open_run]).steps == {4: pytest.approx(2.0)}


def test_with_seconds_blame_counts_all_that_ran_because_of_a_line(small: SmallRepository) -> None:
    replayed = node_history(small)
    model = SecondsModel([built(0, {2: 0.5, 3: 9.0, 4: 5.0}), built(1, {2: 0.5, 3: 9.0, 4: 5.0})])
    verdicts = [one.verdicts for one in replayed.commits]
    timed = with_seconds(verdicts[0], verdicts, model)
    (blame,) = blame_of(timed, timed=True)
    assert blame.seconds == pytest.approx(9 * 14.5)
    assert blame.critical_seconds == pytest.approx(9 * 14.5)
    assert timed[-1].seconds == pytest.approx(1.0)
    minutes = minutes_by_developer(replace(replayed, commits=timed, model=model))
    assert list(minutes) == ["Dev 0", "Dev 1"]
    assert sum(minutes.values()) == pytest.approx((9 * 15.5 + 1.0) / 60)


def test_the_commits_to_measure_are_of_each_kind(small: SmallRepository) -> None:
    verdicts = [one.verdicts for one in node_history(small).commits]
    assert commits_to_measure(verdicts, 1) == [8]
    better = NODE.replace("COPY . .\nRUN npm ci\n", "COPY package.json ./\nRUN npm ci\nCOPY . .\n")
    kinds = [one.verdicts for one in replay_history(small.folder, dockerfile=better).commits]
    assert commits_to_measure(kinds, 2) == [7, 8]
    assert commits_to_measure(kinds, 50) == list(range(1, 9))


def test_two_groups_are_two_groups_and_one_is_one() -> None:
    quick, slow = seconds_groups([2.0, 2.1, 1.9, 2.2, 2.0] * 4 + [60.0, 62.0, 58.0, 61.0])
    assert (quick.count, slow.count) == (20, 4)
    assert (quick.middle, slow.middle) == (2.0, 60.5)
    assert [group.count for group in seconds_groups([10.0, 11.0, 12.0, 9.0, 10.5])] == [5]
    assert seconds_groups([]) == ()
    assert [group.count for group in seconds_groups([3.0, 3.0])] == [2]
    (one,) = seconds_groups([10.0] * 40 + [90.0])
    assert one.outliers == (40,)


def test_globs_say_where_the_changes_are() -> None:
    counts = glob_counts([["web/a/x"], ["web/a/y", "web/a/z"], ["web/b"], ["go.mod"], ["api/x", "web/y"], []])
    assert [(one.pattern, one.commits) for one in counts] == [("web/**", 3), ("go.mod", 1), ("**", 1)]


def test_every_plot_of_a_history_has_a_finding_a_table_and_a_drawing(small: SmallRepository) -> None:
    replayed = node_history(small)
    strip, cost, folders = plots.history_strip(replayed), plots.running_cost(replayed), plots.cost_by_folder(replayed)
    assert strip.title == "COPY . . runs at 9 of 10 commits"
    assert cost.title == "27 steps ran at 10 commits"
    assert folders.title == "89 % come from src/"
    for plot in (strip, cost, folders):
        assert "10 commits replayed" in plot.measured
        assert "<svg" in str(plot.bundle["text/html"])
        assert len(plot.table) > 0


def test_a_build_arg_that_differs_in_each_commit_makes_steps_run(small: SmallRepository) -> None:
    workflow = """\
on: push
jobs:
  image:
    runs-on: x
    steps:
      - uses: docker/build-push-action@v6
        with:
          context: .
          build-args: VERSION=${{ github.sha }}
"""
    text = "FROM debian\nARG VERSION\nRUN apt-get install\nCOPY . .\n"
    small.commit({"Dockerfile": text, ".dockerignore": ".git", ".github/workflows/image.yml": workflow, "a": "0"})
    small.commit({})
    small.commit({})
    plain, with_arg = replay(small.folder), replay(small.folder, way="workflow:image.yml:image")
    assert [len(one.verdicts.ran) for one in plain.commits] == [0, 0]
    assert [len(one.verdicts.ran) for one in with_arg.commits] == [2, 2]
    assert with_arg.blame[0].line == 3
    assert any("VERSION" in sentence for sentence in findings(with_arg))


def test_lfs_and_submodules_are_said(small: SmallRepository) -> None:
    small.commit({"Dockerfile": NODE, ".gitattributes": "*.bin filter=lfs\n"})
    small.commit({"a": "1"})
    small.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},vendor")
    small.git("commit", "-q", "-m", "submodule")
    sentences = " ".join(findings(replay(small.folder)))
    assert "LFS" in sentences
    assert "1 submodule" in sentences


def test_a_notebook_gets_the_findings_escaped(small: SmallRepository) -> None:
    replayed = node_history(small, NODE.replace("npm ci", "npm ci # <script>"))
    assert "<script>" not in replayed._repr_html_()
    assert "src/**" in replayed._repr_html_()
    assert repr(replayed) == "Replay('repository', commits=10, total_seconds=None)"
