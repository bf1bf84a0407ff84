"""Explanations of finished builds."""

from __future__ import annotations

from speedkit.forecast import Others, explain
from speedkit.model import StepSource
from tests.forecast.situations import manifest, situation

TEXT = """FROM base AS build
COPY a /a
RUN make
FROM base
COPY --from=build /out /out
RUN true
CMD ["x"]
"""
BEFORE = situation(TEXT, manifest(a="1"))


def _explained(states, files=None, earlier=(BEFORE,), **options):
    build = situation(TEXT, files or manifest(a="2"), states=states)
    return explain(build, earlier, **options)


def test_a_rebuilt_stage_with_equal_bytes_leaves_the_rest_cached():
    found = _explained({2: "ran", 3: "ran", 5: "cached", 6: "cached"})
    assert [found.at(line).because.kind for line in (2, 3, 5, 6, 7)] == [
        "files",
        "parent",
        "same-bytes",
        "unchanged",
        "no-step",
    ]
    assert found.at(5).because.sentence == ("Line 3 ran, but what this step takes from it is the same, byte for byte.")
    assert found.at(3).because.sentence == "It starts from the result of line 2, which ran."
    assert found.at(5).cached
    assert not found.at(3).cached


def test_a_rebuilt_stage_with_other_bytes_says_so():
    found = _explained({2: "ran", 3: "ran", 5: "ran", 6: "ran"})
    assert found.at(5).because.sentence.startswith("Line 3 ran, and what it made has other bytes than before.")
    assert found.at(6).because.sentence.startswith("It starts from the result of line 5, which ran.")


def test_what_was_built_and_is_gone_was_evicted():
    found = _explained({2: "cached", 3: "ran", 5: "cached", 6: "cached"}, manifest(a="1"))
    assert found.at(3).because.kind == "evicted"
    assert found.at(2).because.kind == "unchanged"


def test_a_copy_is_not_blamed_on_the_one_before_it_that_stayed_cached():
    text = """FROM base AS one
COPY a /a
RUN make
FROM base AS two
COPY a /a
RUN other
FROM base
COPY --from=one /out /one
COPY --from=two /out /two
"""
    states = {2: "ran", 3: "ran", 5: "ran", 6: "ran", 8: "cached", 9: "ran"}
    build = situation(text, manifest(a="2"), states=states)
    found = explain(build, [situation(text, manifest(a="1"))])
    assert [found.at(line).because.kind for line in (8, 9)] == ["same-bytes", "result"]
    assert found.at(9).because.what == ("line 6",)
    assert found.at(9).origins == (5,)


def test_a_miss_is_followed_back_to_where_it_began():
    found = _explained({2: "ran", 3: "ran", 5: "ran", 6: "ran"})
    assert [found.at(line).origins for line in (2, 3, 5, 6)] == [(2,)] * 4
    assert found.at(6).because.sentence.endswith("It began in line 2: a changed.")
    assert found.at(6).sources == (StepSource(5, "before"),)
    assert found.at(5).sources == (StepSource(3, "copy"),)


def test_what_another_builder_has_is_named_where_this_one_has_never_built_it():
    ran = {2: "ran", 3: "ran", 5: "ran", 6: "ran"}
    build = situation(TEXT, manifest(a="1"), states=ran)
    found = explain(build, (), Others(builders={"second": (BEFORE,)}))
    assert (found.at(3).because.kind, found.at(3).because.what) == ("another-builder", ("second",))
    changed = situation(TEXT, manifest(a="2"), states=ran)
    assert explain(changed, (), Others(builders={"second": (BEFORE,)})).at(2).because.kind == "new"


def test_what_was_not_built_here_came_with_the_imported_cache():
    build = situation(TEXT, manifest(a="1"), states={2: "cached", 3: "cached", 5: "cached", 6: "cached"})
    others = Others(imported=("localhost:5000/app:cache",))
    assert explain(build, (), others).at(3).because.sentence == (
        "No recorded build had made it: it came with the cache imported from localhost:5000/app:cache."
    )
    assert explain(build, (BEFORE,), others).at(3).because.kind == "unchanged"


def test_what_no_recording_knows_came_from_elsewhere():
    found = _explained({2: "cached", 3: "cached", 5: "cached", 6: "cached"}, earlier=())
    assert {found.at(line).because.kind for line in (2, 3, 5, 6)} == {"elsewhere"}


def test_a_cache_that_could_not_be_imported_is_named_where_a_step_was_new():
    build = situation(TEXT, manifest(a="1"), states={2: "ran", 3: "ran", 5: "ran", 6: "ran"})
    others = Others(not_imported=("localhost:5000/app:cache",))
    assert (
        explain(build, (), others)
        .at(3)
        .because.sentence.endswith("The cache of localhost:5000/app:cache could not be imported.")
    )


def test_a_build_that_failed_did_not_reach_the_rest():
    found = _explained({2: "ran", 3: "failed"})
    assert (found.at(3).state, found.at(3).because.kind) == ("failed", "parent")
    assert (found.at(5).state, found.at(5).because.sentence) == ("waiting", "The build ended before this step.")
    assert found.at(99) is None


def test_an_address_that_changed_is_named():
    text = "FROM base\nADD https://example.org/x /x\n"
    found = explain(situation(text, states={2: "ran"}), [situation(text)])
    assert found.at(2).because.sentence == "https://example.org/x no longer holds what it did."


def test_what_could_not_be_fetched_is_said():
    text = "FROM nowhere\nADD --link https://example.org/x /x\nADD y /y\n"
    found = explain(situation(text, states={1: "failed", 2: "failed", 3: "failed"}), [])
    assert found.at(1).because.sentence == "The base image could not be had."
    assert found.at(2).because.sentence == "https://example.org/x could not be had."
    assert found.at(3).because.kind != "failed"


def test_a_step_without_a_report_is_taken_for_cached_when_that_was_expected():
    found = _explained({}, manifest(a="1"))
    assert found.at(2).state == "cached"


def test_a_stage_that_starts_from_another_says_where_that_ended():
    text = "FROM base AS one\nRUN make\nFROM one\nRUN more\n"
    found = explain(situation(text, states={2: "ran", 3: "no-step", 4: "ran"}), [])
    assert found.at(3).because.sentence == "The stage starts from the result of line 2."
    assert found.at(3).sources == (StepSource(2, "from"),)


def test_a_stage_without_steps_of_its_own_is_taken_from_at_its_from():
    text = "FROM other AS tools\nENV A=1\nFROM base\nCOPY --from=tools /x /x\nRUN --mount=from=tools,target=/t true\n"
    found = explain(situation(text, states={4: "ran", 5: "ran"}), [])
    assert found.at(4).sources == (StepSource(1, "copy"),)
    assert found.at(5).sources == (StepSource(1, "mount"), StepSource(4, "before"))
