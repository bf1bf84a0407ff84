"""Two builds side by side say what changed, with figures computed from the builds."""

from __future__ import annotations

from dataclasses import replace

from speedkit.causes import FileChange, FilesChanged, Line, StepRan, Unchanged
from speedkit.model import ImageLayer
from speedkit.page.comparison import ExplainedStep, compare_builds
from speedkit.rendering.reasons_html import Reason
from speedkit.widgets.build_list import BuildList
from tests.widgets.builds import CACHED, FAILED, RAN, a_build


def compared(before, after):
    return compare_builds(before, after, numbers=(3, 4))


def test_a_step_that_is_cached_now_and_the_time_saved_are_named():
    found = compared(a_build(*RAN, seconds=30.0), a_build(*CACHED, seconds=1.0))
    assert found.finding == "Build 4 took 1.0 s (0 of 4 steps ran), build 3 30.0 s (3 of 4 steps ran)."
    assert {row.text: row.change for row in found.rows} == {
        "FROM alpine AS builder": "",
        "COPY . .": "✓ now cached",
        "RUN make": "✓ now cached",
        "COPY --from=builder /out /out": "✓ now cached",
    }
    assert found.facts[0] == "3 steps now come from the cache."


def test_a_step_that_runs_again_is_named():
    found = compared(a_build(*CACHED, seconds=1.0), a_build(*RAN, seconds=30.0))
    assert found.finding == "Build 4 took 30.0 s (3 of 4 steps ran), build 3 1.0 s (0 of 4 steps ran)."
    assert found.facts[0] == "3 steps run again."
    assert [row.tone for row in found.rows] == ["", "run", "run", "run"]


def test_seconds_of_single_runs_are_told_with_the_steps_and_called_neither_more_nor_less():
    found = compared(a_build(seconds=44.5), a_build(seconds=36.0))
    assert found.finding == "Build 4 took 36.0 s (3 of 4 steps ran), build 3 44.5 s (3 of 4 steps ran)."
    assert found.facts[0] == "No step changed between cached and run."


def test_rebuilds_are_listed_as_they_were_built_and_not_ranked_by_one_run_each():
    builds = BuildList()
    for strategy, seconds in (("naive", 22.2), ("naive", 21.8), ("warm", 22.2), ("warm", 25.0)):
        listed = builds.add(strategy=strategy, cache_of=strategy, edit="", cold=False)
        builds.end(listed, a_build(seconds=seconds), None)
    assert builds.rebuilding() == "Rebuilding took 21.8 s with naive, 25.0 s with warm (one run each)"


def test_a_failed_or_cancelled_build_is_never_called_fast():
    failed = a_build(*FAILED, outcome="failed", seconds=0.5)
    assert compared(a_build(), failed).finding == "Build 4 failed after 0.50 s, so its time cannot be compared."
    cancelled = a_build(outcome="cancelled", seconds=0.5)
    assert compared(cancelled, a_build()).finding == "Build 3 was cancelled after 0.50 s, so its time cannot be compared."
    assert {row.text: row.change for row in compared(a_build(), failed).rows}["RUN make"] == "✗ failed"


def test_image_size_and_layers_are_compared():
    small = a_build(image_bytes=8_100_000, layers=(ImageLayer("COPY /out", 8_100_000, from_base=False),))
    facts = compared(a_build(), small).facts
    assert "Image 15.0 MB → 8.1 MB, 6.9 MB less." in facts
    assert "Layers 1 → 1; 1 differs in size, now 8.1 MB." in facts
    assert "The image is 15.0 MB both times." in compared(a_build(), a_build()).facts
    assert "Layers 1 → 1, equal in size." in compared(a_build(), a_build()).facts
    assert len(compared(a_build(image_bytes=None, layers=()), small).facts) == 1


def test_steps_that_came_or_went_with_the_dockerfile_are_shown_as_such():
    one = a_build()
    fewer = replace(one, step_list=one.step_list[:2])
    assert {row.text: row.change for row in compared(fewer, one).rows}["RUN make"] == "new step"
    gone = next(row for row in compared(one, fewer).rows if row.text == "RUN make")
    assert (gone.change, gone.after) == ("step removed", None)


def reason(line, cause, state="ran", text="COPY . ."):
    return Reason(line=line, stage="builder", instruction=text, state=state, cause=cause)


def test_what_was_saved_and_what_it_cost_come_with_their_reasons():
    known = {3: reason(3, Unchanged(), state="cached", text="RUN make")}
    found = compare_builds(a_build(*RAN, seconds=30.0), a_build(*CACHED, seconds=1.0), numbers=(3, 4), reasons=known)
    said = "now comes from the cache; before, it ran for 2.0 s. Nothing that counts for this step has changed."
    assert found.why == (ExplainedStep("hit", "RUN make", said),)
    known = {
        2: reason(2, FilesChanged((FileChange("main.go", "content"),))),
        3: reason(3, StepRan((Line(2),)), text="RUN make"),
    }
    found = compare_builds(a_build(*RAN), a_build(*RAN), numbers=(3, 4), reasons=known)
    said = "ran for 2.0 s because COPY . . on line 2 brought a changed main.go."
    assert found.why == (ExplainedStep("run", "RUN make", said),)
    assert compare_builds(a_build(*RAN), a_build(*CACHED), numbers=(3, 4)).why == ()


def test_the_time_of_a_step_that_failed_is_not_called_saved():
    known = {3: reason(3, Unchanged(), state="cached", text="RUN make")}
    failed = a_build(*FAILED, outcome="failed")
    assert compare_builds(failed, a_build(*CACHED), numbers=(3, 4), reasons=known).why == ()
