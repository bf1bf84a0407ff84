"""Explanations of finished builds."""

from __future__ import annotations

from speedkit.cache import OtherCaches, explain, predict
from speedkit.model import StepSource
from tests.cache.situations import BASES, cause_of, manifest, situation

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
    assert [cause_of(found.at(line)).kind for line in (2, 3, 5, 6, 7)] == [
        "files",
        "parent",
        "same-bytes",
        "unchanged",
        "no-step",
    ]
    assert cause_of(found.at(5)).sentence == "Line 3 ran, but the bytes that this step reads from it are the same."
    assert cause_of(found.at(3)).sentence == "It starts from the result of line 2, which ran."
    assert found.at(5).cached
    assert not found.at(3).cached


def test_a_rebuilt_stage_with_other_bytes_says_so():
    found = _explained({2: "ran", 3: "ran", 5: "ran", 6: "ran"})
    assert cause_of(found.at(5)).sentence.startswith("Line 3 ran, and its result has other bytes than before.")
    assert cause_of(found.at(6)).sentence.startswith("It starts from the result of line 5, which ran.")


def test_what_was_built_and_is_gone_was_evicted():
    found = _explained({2: "cached", 3: "ran", 5: "cached", 6: "cached"}, manifest(a="1"))
    assert cause_of(found.at(3)).kind == "evicted"
    assert cause_of(found.at(2)).kind == "unchanged"


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
    assert [cause_of(found.at(line)).kind for line in (8, 9)] == ["same-bytes", "result"]
    assert cause_of(found.at(9)).what == ("line 6",)
    assert found.at(9).origins == (5,)


def test_a_miss_is_followed_back_to_where_it_began():
    found = _explained({2: "ran", 3: "ran", 5: "ran", 6: "ran"})
    assert [found.at(line).origins for line in (2, 3, 5, 6)] == [(2,)] * 4
    assert cause_of(found.at(6)).sentence.endswith("It began in line 2: a changed.")
    assert found.at(6).sources == (StepSource(5, "before"),)
    assert found.at(5).sources == (StepSource(3, "copy"),)


def test_what_another_builder_has_is_named_where_this_one_has_never_built_it():
    ran = {2: "ran", 3: "ran", 5: "ran", 6: "ran"}
    build = situation(TEXT, manifest(a="1"), states=ran)
    found = explain(build, (), OtherCaches(builders={"second": (BEFORE,)}))
    assert (cause_of(found.at(3)).kind, cause_of(found.at(3)).what) == ("another-builder", ("second",))
    changed = situation(TEXT, manifest(a="2"), states=ran)
    assert cause_of(explain(changed, (), OtherCaches(builders={"second": (BEFORE,)})).at(2)).kind == "new"


def test_what_was_not_built_here_came_with_the_imported_cache():
    build = situation(TEXT, manifest(a="1"), states={2: "cached", 3: "cached", 5: "cached", 6: "cached"})
    others = OtherCaches(imported=("localhost:5000/app:cache",))
    assert cause_of(explain(build, (), others).at(3)).sentence == (
        "No recorded build had made it: it came with the cache imported from localhost:5000/app:cache."
    )
    assert cause_of(explain(build, (BEFORE,), others).at(3)).kind == "unchanged"


def test_what_no_recording_knows_came_from_elsewhere():
    found = _explained({2: "cached", 3: "cached", 5: "cached", 6: "cached"}, earlier=())
    assert {cause_of(found.at(line)).kind for line in (2, 3, 5, 6)} == {"elsewhere"}


def test_a_cache_that_could_not_be_imported_is_named_where_a_step_was_new():
    build = situation(TEXT, manifest(a="1"), states={2: "ran", 3: "ran", 5: "ran", 6: "ran"})
    others = OtherCaches(not_imported=("localhost:5000/app:cache",))
    sentence = cause_of(explain(build, (), others).at(3)).sentence
    assert sentence.endswith("The cache of localhost:5000/app:cache could not be imported.")


def test_a_build_that_failed_did_not_reach_the_rest():
    found = _explained({2: "ran", 3: "failed"})
    assert (found.at(3).state, cause_of(found.at(3)).kind) == ("failed", "parent")
    assert (found.at(5).state, cause_of(found.at(5)).sentence) == ("waiting", "The build ended before this step.")
    assert found.at(99) is None


def test_an_address_that_changed_is_named():
    text = "FROM base\nADD https://example.org/x /x\n"
    found = explain(situation(text, states={2: "ran"}), [situation(text)])
    assert cause_of(found.at(2)).sentence == "https://example.org/x has other content than before."


def test_what_could_not_be_fetched_is_said():
    text = "FROM nowhere\nADD --link https://example.org/x /x\nADD y /y\n"
    found = explain(situation(text, states={1: "failed", 2: "failed", 3: "failed"}), [])
    assert cause_of(found.at(1)).sentence == "The base image could not be pulled."
    assert cause_of(found.at(2)).sentence == "https://example.org/x could not be fetched."
    assert cause_of(found.at(3)).kind != "failed"


def test_what_a_trigger_could_not_fetch_is_said():
    text = "FROM base AS one\nONBUILD ADD https://example.org/x /x\nFROM one\n"
    trigger = "ADD https://example.org/x /x"
    build = situation(text, states={1: "cached"}, triggers={(3, f"ONBUILD {trigger}"): "failed", (3, trigger): "failed"})
    steps = [step for step in explain(build, []).steps if step.line == 3 and "https" in step.instruction]
    assert [cause_of(step).sentence for step in steps] == ["https://example.org/x could not be fetched."]


def test_a_step_without_a_report_is_taken_for_cached_when_that_was_expected():
    found = _explained({}, manifest(a="1"))
    assert found.at(2).state == "cached"


def test_a_stage_that_starts_from_another_says_where_that_ended():
    text = "FROM base AS one\nRUN make\nFROM one\nRUN more\n"
    found = explain(situation(text, states={2: "ran", 3: "no-step", 4: "ran"}), [])
    assert cause_of(found.at(3)).sentence == "The stage starts from the result of line 2."
    assert found.at(3).sources == (StepSource(2, "from"),)


def test_a_stage_without_steps_of_its_own_is_taken_from_at_its_from():
    text = "FROM other AS tools\nENV A=1\nFROM base\nCOPY --from=tools /x /x\nRUN --mount=from=tools,target=/t true\n"
    found = explain(situation(text, states={4: "ran", 5: "ran"}), [])
    assert found.at(4).sources == (StepSource(1, "copy"),)
    assert found.at(5).sources == (StepSource(1, "mount"), StepSource(4, "before"))


def test_a_step_that_stands_on_another_result_than_before_says_so():
    text = "FROM base\nRUN one\nRUN two\nCOPY a /a\n"
    swapped = situation(text.replace("RUN one\nRUN two", "RUN two\nRUN one"), states={2: "ran", 3: "ran", 4: "ran"})
    found = explain(swapped, [situation(text)])
    assert cause_of(found.at(2)).sentence == "This RUN was built before, but not directly on base."
    assert cause_of(found.at(3)).kind == "parent"

    other = situation(text.replace("RUN two", "RUN 2"), manifest(a="2"))
    back = situation(text, manifest(a="2"), states={2: "cached", 3: "cached", 4: "ran"})
    found = explain(back, [situation(text), other])
    assert cause_of(found.at(4)).sentence == "This COPY was built before, but not with these files on this result of line 3."


def test_an_image_that_was_retagged_is_another_image_and_not_unused():
    text = "FROM base\nRUN one\n"
    retagged = situation(text, bases=BASES | {"base": BASES["other"]}, states={2: "ran"})
    found = explain(retagged, [situation(text)])
    assert cause_of(found.at(2)).sentence == "It starts from base, which is another image than before."


def test_a_text_that_is_back_is_not_blamed_for_what_the_step_before_it_did():
    text = "FROM base\nCOPY a /a\nRUN make\n"
    broken = situation(text.replace("make", "mkae"), states={2: "cached", 3: "failed"}, finished=False)
    mended = situation(text, manifest(a="2"), states={2: "ran", 3: "ran"})
    found = explain(mended, [situation(text, states={2: "ran", 3: "ran"}), broken])
    assert cause_of(found.at(3)).kind == "parent"
    assert found.at(3).origins == (2,)


FILES_AND_BYTES = """FROM base AS build
COPY a /a
RUN make
FROM base
ARG WHERE=/out
COPY --from=build $WHERE /out
COPY b /b
"""


def _with_files(states=None, **files):
    return situation(FILES_AND_BYTES, manifest(**files), states=states)


def test_a_step_that_runs_though_nothing_before_it_did_is_not_blamed_on_bytes():
    ran = {2: "ran", 3: "ran", 6: "ran", 7: "ran"}
    earlier = [
        _with_files(ran, a="1", b="1"),
        _with_files({2: "cached", 3: "cached", 6: "cached", 7: "ran"}, a="1", b="2"),
        _with_files(ran, a="2", b="1"),
    ]
    found = explain(_with_files({2: "ran", 3: "ran", 6: "cached", 7: "ran"}, a="3", b="2"), earlier)
    assert cause_of(found.at(6)).kind == "same-bytes"
    assert cause_of(found.at(7)).sentence == "b changed, and this step reads it."
    assert found.at(7).origins == (7,)


def test_another_path_from_a_stage_that_stayed_cached_is_blamed_on_the_argument():
    ran = {2: "ran", 3: "ran", 6: "ran", 7: "ran"}
    now = situation(
        FILES_AND_BYTES,
        manifest(a="1", b="1"),
        build_args={"WHERE": "/other/out"},
        states={2: "cached", 3: "cached", 6: "ran", 7: "ran"},
    )
    found = explain(now, [_with_files(ran, a="1", b="1")])
    assert (cause_of(found.at(6)).kind, cause_of(found.at(6)).what) == ("argument", ("WHERE",))
    assert found.at(7).origins == (6,)


def test_a_step_that_two_stages_have_is_the_same_step_and_not_from_elsewhere():
    text = "FROM base AS one\nWORKDIR /app\nRUN one\nFROM base\nWORKDIR /app\nCOPY --from=one /x /x\n"
    found = explain(situation(text, states={2: "cached", 3: "ran", 5: "ran", 6: "ran"}), [])
    assert cause_of(found.at(2)).sentence == "It is the same step as line 5, which ran for both."


def test_a_step_at_which_a_build_broke_off_says_so_and_the_forecast_is_not_too_sure():
    stages = "FROM base AS one\nCOPY a /a\nRUN one\nFROM base AS two\nRUN {}\nFROM base\n"
    text = f"{stages}COPY --from=one /x /x\nCOPY --from=two /y /y\n"
    ran = dict.fromkeys((2, 3, 5, 7, 8), "ran")
    broken = {2: "ran", 3: "cancelled", 5: "failed"}
    first = situation(text.format("two"), manifest(a="1"), states=ran)
    earlier = [first, situation(text.format("2"), manifest(a="2"), states=broken, finished=False)]
    expected = predict(earlier, situation(text.format("two"), manifest(a="2")))
    assert cause_of(expected.at(7)).sentence == "Line 3 may run again: if /x comes out as before, this stays cached."
    now = situation(text.format("two"), manifest(a="2"), states={2: "cached", 3: "ran", 5: "cached", 7: "ran", 8: "ran"})
    found = explain(now, earlier)
    assert cause_of(found.at(3)).sentence == "An earlier build broke off at this step, and left nothing of it."
    assert found.at(7).origins == (3,)


def test_only_those_variables_are_named_that_changed():
    text = "FROM base\nARG A=1\nARG B=1\nCOPY a /$A$B\n"
    found = explain(situation(text.replace("B=1", "B=2"), states={4: "ran"}), [situation(text)])
    assert cause_of(found.at(4)).what == ("B",)


def test_a_step_that_is_new_behind_one_that_stayed_cached_is_not_blamed_on_that():
    text = "FROM base AS build\nCOPY a /a\nRUN make\nFROM base\nCOPY --from=build /x /x\nCOPY b /b\n"
    ran = {2: "ran", 3: "ran", 5: "ran", 6: "ran"}
    first = situation(text, manifest(a="1", b="1", c="1"), states=ran)
    files = manifest(a="2", b="1", c="1")
    now = situation(text.replace("COPY b /b", "COPY c /c"), files, states={2: "ran", 3: "ran", 5: "cached", 6: "ran"})
    found = explain(now, [first])
    assert cause_of(found.at(5)).kind == "same-bytes"
    assert (cause_of(found.at(6)).kind, found.at(6).origins) == ("instruction", (6,))
    added = situation(text.replace("COPY b", "WORKDIR /w\nCOPY b"), files, states={2: "ran", 3: "ran", 5: "cached", 6: "ran"})
    assert cause_of(explain(added, [first]).at(6)).sentence == "This WORKDIR has not been built before."


def test_what_a_build_that_failed_reports_as_cached_need_not_have_been_found():
    text = "FROM base AS one\nRUN one\nFROM base\nRUN two\nCOPY --from=one /x /x\n"
    failed = situation(text, states={2: "cached", 4: "failed", 5: "cached"}, finished=False)
    found = explain(failed, [])
    assert {(found.at(line).state, cause_of(found.at(line)).kind) for line in (2, 5)} == {("cached", "failed")}
    assert "before it came to this step" in cause_of(found.at(2)).sentence


def test_a_command_that_may_have_failed_for_want_of_its_mount_does_not_show_what_was_found():
    text = "FROM base\nRUN one\nRUN {}two\n"
    states = {2: "cached", 3: "failed"}
    bare = explain(situation(text.format(""), states=states, finished=False), [])
    assert cause_of(bare.at(2)).kind == "elsewhere"
    mounting = explain(situation(text.format("--mount=target=/m "), states=states, finished=False), [])
    assert cause_of(mounting.at(2)).kind == "failed"


def test_what_a_build_that_failed_went_on_from_was_found():
    text = "FROM base AS one\nRUN one\nFROM base\nCOPY --from=one /x /x\nRUN two\n"
    first = situation("FROM base AS one\nRUN one\nFROM base\nCOPY --from=one /x /x\n", states={2: "ran", 4: "ran"})
    now = situation(text.replace("RUN one", "RUN 1"), states={2: "ran", 4: "cached", 5: "failed"}, finished=False)
    assert cause_of(explain(now, [first]).at(4)).kind == "same-bytes"


def test_a_step_behind_one_that_was_cached_after_all_is_not_blamed_on_that():
    text = "FROM base\nARG X\nRUN one\nRUN two\n"
    first = situation(text, build_args={"X": "1"}, states={3: "ran", 4: "ran"})
    found = explain(situation(text, states={3: "cached", 4: "ran"}), [first])
    assert cause_of(found.at(3)).kind == "elsewhere"
    assert (cause_of(found.at(4)).kind, cause_of(found.at(4)).what, found.at(4).origins) == ("argument", ("X",), (4,))
