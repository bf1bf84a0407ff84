"""The whole tour, for real: every notebook executed, every strategy built, the report written and looked at."""

from __future__ import annotations

import re
import uuid
from pathlib import Path

import pytest

from speedkit.engine.identity import INSTALLATION_LABEL, installation_id
from speedkit.history import recorded_builds
from speedkit.reports import Tour, run_tour

pytestmark = [pytest.mark.engine, pytest.mark.notebook]

SESSION = f"test-{uuid.uuid4().hex[:8]}"
STRATEGIES = {"host", "chained", "naive", "stages", "optimized", "warm", "mounts", "scratch"}


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> Tour:
    return run_tour(out=tmp_path_factory.mktemp("tour") / "out", quick=False, session=SESSION, say=print)


def of(tour: Tour, strategy: str, edit: str):
    return [build for build in tour.builds if (build.strategy, build.edit) == (strategy, edit)]


def test_every_strategy_was_built_and_answered(tour):
    good = [build for build in tour.builds if build.ok]
    assert {build.strategy for build in good} == STRATEGIES
    assert all(build.answer is not None and build.answer.ok for build in good)


def test_only_what_was_broken_on_purpose_failed(tour):
    failed = [build for build in tour.builds if not build.ok]
    assert {build.edit for build in failed} == {"break"}
    assert all("main.go" in (build.error or "") for build in failed)


def test_a_rename_downloads_everything_again_with_naive_and_nothing_with_optimized(tour):
    from speedkit.lessons import downloads

    naive, optimized = of(tour, "naive", "rename-field")[-1], of(tour, "optimized", "rename-field")[-1]
    assert sorted(downloads(naive)) == sorted(downloads(of(tour, "naive", "cold")[0]))
    assert len(downloads(naive)) > 10
    assert downloads(optimized) == []
    states = {step.instruction: step.state for step in optimized.instructions}
    assert states["RUN go mod download -x"] == "cached"
    assert states["COPY . ."] == "ran"


@pytest.mark.parametrize(("language", "install"), [("python", "uv pip sync"), ("node", "npm ci")])
def test_a_rename_costs_the_same_downloads_in_other_languages(tour, language, install):
    """All of them with naive, and none where the packages are installed before the sources come in, or kept in a mount."""
    from speedkit.lessons import packages_downloaded

    builds = {(one.strategy, one.edit): one for one in recorded_builds(f"sample_{language}_app", session=SESSION)}
    assert all(build.ok and build.answer is not None and build.answer.ok for build in builds.values())
    assert packages_downloaded(builds["naive", "rename-field"]) == packages_downloaded(builds["naive", "cold"]) > 10
    for strategy, state in (("optimized", "cached"), ("mounts", "ran")):
        renamed = builds[strategy, "rename-field"]
        assert packages_downloaded(renamed) == 0
        assert '"message"' in renamed.answer.text
        assert [step.state for step in renamed.instructions if install in step.instruction] == [state]


def test_warm_keeps_the_compiled_dependencies_in_a_layer(tour):
    states = [step.state for step in of(tour, "warm", "rename-field")[-1].instructions if "grep -v" in step.instruction]
    assert states == ["cached"]


def test_a_comment_changes_the_program_only_where_it_has_a_build_id(tour):
    for strategy, state in (("mounts", "ran"), ("scratch", "cached")):
        last = [step for step in of(tour, strategy, "comment")[-1].instructions if step.instruction.startswith("COPY --from")][
            -1
        ]
        assert (strategy, last.state) == (strategy, state)


def test_first_builds_are_cold_however_often_the_tour_is_run(tour):
    for strategy in STRATEGIES - {"host"}:
        first = next(build for build in tour.builds if build.strategy == strategy)
        runs = [step for step in first.instructions if step.instruction.startswith("RUN")]
        assert runs
        assert not any(step.cached for step in runs)


def test_the_image_of_scratch_is_the_smallest(tour):
    sizes = {build.strategy: build.image_bytes for build in tour.builds if build.image_bytes}
    assert min(sizes, key=lambda strategy: sizes[strategy]) == "scratch"


def test_no_container_is_left(engine, tour):
    assert engine.api.containers(all=True, filters={"label": f"{INSTALLATION_LABEL}={installation_id()}"}) == []


def test_the_page_has_every_notebook_and_asks_no_network(tour):
    text = tour.page.read_text()
    for name in sorted(path.stem for path in (Path(__file__).parents[2] / "notebooks").glob("*.ipynb")):
        assert f'id="{name}"' in text
    own = re.sub(r"<script>/\*\*.*?</script>", "", text, flags=re.S)
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", own)


def test_the_recordings_tell_the_same_builds_again(tour):
    again = {build.id: build for build in recorded_builds()}
    assert all(again[build.id] == build for build in tour.builds)
