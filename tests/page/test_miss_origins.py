"""Reasons in few words and in a sentence; forecasts summed up, and held against what happened."""

from __future__ import annotations

import pytest

from speedkit.causes import (
    Evicted,
    FileChange,
    FilesChanged,
    Line,
    NeverBuilt,
    OtherBytes,
    StepRan,
    TextChanged,
    Unchanged,
)
from speedkit.messages import join_names
from speedkit.page.forecast_summary import Outlook, agreement, expected_time, outlook_of, rough_seconds, with_notes
from speedkit.page.miss_origins import reasons_of, why_cached, why_ran
from speedkit.page.short_names import short_command, short_instruction
from speedkit.page.steps import ForecastAndReasons, steps_of_build
from speedkit.rendering.reasons_html import Reason
from speedkit.words.causes import cause_in_short
from tests.widgets.builds import CACHED, FAILED, RAN, a_build

OPTIMIZED = "FROM golang\nCOPY go.mod go.sum ./\nRUN go mod download\nCOPY . .\nRUN go build\n"


MAIN = FilesChanged((FileChange("main.go", "content"),))
NOTHING = "Nothing that counts for this step has changed."


def reason(line, cause, *, state="ran", instruction="COPY . ."):
    return Reason(line=line, stage="builder", instruction=instruction, state=state, cause=cause)


@pytest.mark.parametrize(
    ("instruction", "short"),
    [
        ("RUN go mod download", "RUN go mod download"),
        ("RUN CGO_ENABLED=0 go build -buildvcs=false -o speedup .", "RUN go build"),
        ("RUN --mount=type=cache,target=/x A=1 pip install flask gunicorn", "RUN pip install flask"),
        ("RUN set -eux; apk add git", "RUN apk add git"),
        ("RUN echo one && echo two", "RUN echo one"),
        ('RUN ["make", "all"]', "RUN make all"),
        ("RUN A=1", "RUN A=1"),
        ("COPY . .", "COPY . ."),
        (f"COPY {'a' * 60} .", f"COPY {'a' * 38}…"),
    ],
)
def test_an_instruction_has_a_short_name(instruction, short):
    assert short_instruction(instruction) == short


def test_names_are_listed_as_people_do():
    assert [join_names(("a",)), join_names(("a", "b")), join_names(tuple("abcde"))] == ["a", "a and b", "a, b, c and 2 more"]
    assert short_command("FROM alpine") == "FROM alpine"


def test_a_reason_in_short_names_what_changed():
    files = FilesChanged((FileChange("main.go", "content"), FileChange("go.sum", "added")))
    assert cause_in_short(files) == "main.go +1 changed"
    assert cause_in_short(StepRan((Line(7),))) == "line 7 ran again"
    assert cause_in_short(NeverBuilt("RUN")) == "new to the cache"
    assert cause_in_short(Unchanged()) == ""


def test_a_step_ran_because_of_what_began_the_chain():
    reasons = {
        7: reason(7, MAIN),
        8: reason(8, StepRan((Line(7),)), instruction="RUN go build"),
        11: reason(11, OtherBytes((Line(8),)), instruction="COPY --from=builder /a /a"),
    }
    assert why_ran(11, reasons, "2 s") == "ran for 2 s because COPY . . on line 7 brought a changed main.go."
    assert why_ran(7, reasons, "2 s") == "ran for 2 s because main.go changed."
    reasons[7] = reason(7, TextChanged("COPY . ."))
    assert why_ran(8, reasons, "2 s") == "ran for 2 s because the text of COPY . . on line 7 changed."
    assert why_ran(7, reasons, "2 s") == "ran for 2 s because its own text changed."
    reasons[7] = reason(7, Evicted())
    gone = "This builder built it before, but the result is gone: pruned, or removed to free space."
    assert why_ran(8, reasons, "2 s") == f"ran for 2 s because COPY . . on line 7 ran. {gone}"
    assert why_ran(7, reasons, "2 s") == f"ran for 2 s. {gone}"
    assert why_ran(99, reasons, "2 s") == ""


def test_a_chain_ends_at_a_step_that_did_not_run_and_never_goes_in_circles():
    cached = {1: reason(1, Unchanged(), state="cached"), 2: reason(2, StepRan((Line(1),)))}
    assert why_ran(2, cached, "2 s") == "ran for 2 s. It starts from the result of line 1, which ran."
    circle = {1: reason(1, StepRan((Line(2),))), 2: reason(2, StepRan((Line(1),)))}
    assert why_ran(1, circle, "2 s").startswith("ran for 2 s")


def test_a_cached_run_names_its_only_inputs_where_they_are_named():
    reasons = {line: reason(line, Unchanged(), state="cached") for line in (3, 5)}
    assert why_cached(3, reasons, OPTIMIZED) == "The only files it sees, go.mod and go.sum, did not change."
    one_file = OPTIMIZED.replace(" go.sum", "")
    assert why_cached(3, reasons, one_file) == "The only file it sees, go.mod, did not change."
    assert why_cached(5, reasons, OPTIMIZED) == NOTHING
    assert why_cached(3, {}, OPTIMIZED) == ""
    assert why_cached(3, reasons, "FROM golang AS a\nCOPY . .\nFROM a\nCOPY go.mod .\nRUN x\n") == NOTHING
    assert why_cached(5, reasons, "FROM golang AS a\nCOPY . .\nFROM a\nCOPY go.mod .\nRUN x\n") == NOTHING
    assert why_cached(3, reasons, "FROM\n") == NOTHING


def test_a_build_without_a_recording_has_no_reasons():
    assert reasons_of(a_build()) == {}


MISS = {"line": 3, "forecast": "miss", "because": "x", "short": "line 2", "seconds": 29.3, "usual": 29.3}
UNKNOWN = {"line": 4, "forecast": "miss", "because": "x", "seconds": None, "usual": None}
HIT = {"line": 2, "forecast": "hit", "because": "x", "seconds": 0.0, "usual": 5.2}


def test_a_forecast_is_summed_up_with_the_time_to_expect():
    assert outlook_of([]) is None
    assert outlook_of([HIT, MISS]) == Outlook(1, 1, 0, "about 29 s", "line 3 runs again")
    assert outlook_of([HIT, MISS, UNKNOWN]).expected_time == "at least 29 s"
    assert outlook_of([HIT, UNKNOWN]) == Outlook(1, 1, 0, "", "")
    assert expected_time([HIT]) == ""
    assert [entry["note"] for entry in with_notes([HIT, MISS, UNKNOWN])] == ["saves 5.2 s", "line 2, ≈ 29 s", ""]
    assert [rough_seconds(seconds) for seconds in (0.43, 9.49, 29.3, 125.0)] == ["0.4 s", "9.5 s", "29 s", "2 min 5 s"]


def test_a_forecast_is_held_against_what_happened():
    build = a_build(*RAN)
    said = [{"line": line, "forecast": "hit" if line == 1 else "miss"} for line in (1, 2, 3, 6)]
    assert agreement(said, build) == "As forecast: all 4 steps."
    said[0]["forecast"] = "miss"
    said.append({"line": 5, "forecast": "depends"})
    assert agreement(said, build) == "The forecast was right for 3 of 4 steps."
    assert agreement(said, a_build(*FAILED, outcome="failed")) == ""
    assert agreement(None, build) == ""


def shown(build, background, **options):
    given = {"number": 1, "label": "x", "started_ms": None, "is_cold": False, "is_current": True} | options
    found = steps_of_build(build, explanations=background, **given)
    return {step.line: step for stage in found.stages for step in stage.steps}, found


def test_each_step_says_what_it_saved_or_why_it_ran():
    expected = [HIT | {"line": 3}]
    steps, _ = shown(a_build(*CACHED), ForecastAndReasons(expected))
    assert steps[3].note == "saved 5.2 s"
    assert steps[1].note == "41.0 MB"
    steps, _ = shown(a_build(*RAN), ForecastAndReasons((), {2: reason(2, MAIN)}))
    assert (steps[2].note, steps[2].why) == ("main.go changed", "main.go changed, and this step reads it.")


def test_while_a_build_runs_each_step_says_how_long_it_took_last_and_what_it_waits_for():
    states = ("cached", "ran", "running", "no-step", "waiting")
    files = {"line": 2, "forecast": "miss", "because": "main.go changed.", "ran": "main.go changed"}
    expected = [files, MISS, {"line": 6, "forecast": "miss", "because": "y", "seconds": 0.1, "after": [3]}]
    files["seconds"] = 0.1
    steps, found = shown(a_build(*states, outcome="running"), ForecastAndReasons(expected), started_ms=1000.0)
    assert [steps[line].note for line in (2, 3, 6)] == ["main.go changed", "last time 29 s", "waits for line 3"]
    assert steps[2].why == "main.go changed."
    assert found.expected_time == "about 30 s"
