"""What BuildKit does not notice because it has the folder already."""

from __future__ import annotations

from dataclasses import replace

from speedkit.cache import predict
from speedkit.context import Manifest
from tests.cache.situations import manifest, situation

TEXT = "FROM base\nCOPY . /w/\n"


def _with(files: Manifest, path: str, **changes: object) -> Manifest:
    return replace(files, entries=tuple(e._replace(**changes) if e.path == path else e for e in files.entries))


FILES = manifest(src="", src_in_a="1", b="2")


def test_the_mode_of_a_known_folder_is_not_noticed():
    after = _with(FILES, "src", mode=0o700)
    before = situation(TEXT, FILES, folder="/x/app")
    assert predict([before], situation(TEXT, after, folder="/y/app")).at(2).forecast == "hit"
    assert predict([before], situation(TEXT, after, folder="/x/fresh")).at(2).forecast == "miss"
    assert predict([before], situation(TEXT, after)).at(2).forecast == "miss"


def test_content_of_equal_size_and_time_is_not_noticed():
    after = _with(FILES, "b", digest="other")
    before = situation(TEXT, FILES, folder="app")
    assert predict([before], situation(TEXT, after, folder="app")).at(2).forecast == "hit"
    later = _with(after, "b", mtime_ns=1)
    assert predict([before], situation(TEXT, later, folder="app")).at(2).forecast == "miss"


def test_what_a_build_left_out_is_forgotten():
    without = Manifest(tuple(entry for entry in FILES.entries if not entry.path.startswith("src")))
    after = _with(FILES, "src", mode=0o700)
    history = [situation(TEXT, FILES, folder="app"), situation(TEXT, without, folder="app")]
    assert predict(history, situation(TEXT, after, folder="app")).at(2).forecast == "miss"


def test_only_what_the_steps_read_is_sent():
    narrow = "FROM base\nCOPY b /w/\n"
    after = _with(FILES, "src", mode=0o700)
    history = [situation(TEXT, FILES, folder="app"), situation(narrow, FILES, folder="app")]
    assert predict(history, situation(TEXT, after, folder="app")).at(2).forecast == "miss"
    nested = situation("FROM base\nCOPY src/a /w/\n", FILES, folder="app")
    assert predict([history[0], nested], situation(TEXT, after, folder="app")).at(2).forecast == "hit"


def test_a_run_that_may_write_to_the_context_makes_the_builder_forget_it():
    text = "FROM base\nRUN --mount=type=bind,target=/m,rw true\n"
    after = _with(FILES, "src", mode=0o700)
    first = situation(text, FILES, folder="app")
    assert predict([first], situation(text, after, folder="app")).at(2).forecast == "miss"
    assert predict([first, first], situation(text, after, folder="app")).at(2).forecast == "hit"
    cached = replace(first, states={1: "cached", 2: "cached"})
    assert predict([first, cached], situation(text, after, folder="app")).at(2).forecast == "hit"
    assert predict([first, replace(first, states={2: "ran"})], situation(text, after, folder="app")).at(2).forecast == "miss"


NAMED = "FROM base\nCOPY --from=other b /w/\n"


def _named(text, files, folder="app", **others):
    return situation(text, folder=folder, contexts={"other": files}, **others)


def test_files_of_a_named_context_are_kept_by_its_name_and_that_of_the_build_contexts_folder():
    before, after = _named(NAMED, FILES), _with(FILES, "b", digest="other")
    stale = predict([before], _named(NAMED, after)).at(2)
    assert (stale.forecast, type(stale.cause).__name__) == ("hit", "ChangeUnnoticed")
    assert predict([before], _named(NAMED, after, "elsewhere")).at(2).forecast == "miss"
    assert predict([before], _named(NAMED, _with(after, "b", mtime_ns=1))).at(2).forecast == "miss"
    assert predict([situation(TEXT, FILES, folder="app")], _named(NAMED, after)).at(2).forecast == "miss"


def test_a_run_that_may_write_to_a_named_context_makes_the_builder_forget_that_one_alone():
    text = "FROM base\nRUN --mount=from=other,target=/m,rw true\nCOPY b /b\n"
    after = _with(FILES, "b", digest="other")
    before = situation(text, FILES, folder="app", contexts={"other": FILES})
    now = predict([before], situation(text, after, folder="app", contexts={"other": after}))
    assert (now.at(2).forecast, now.at(3).cause) == ("miss", now.at(3).cause)
    assert [type(one).__name__ for one in now.at(3).also] == ["ChangeUnnoticed"]
