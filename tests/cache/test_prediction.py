"""Forecasts and their reasons."""

from __future__ import annotations

from dataclasses import replace

import pytest

from speedkit.cache import BaseImage, CacheModel, explain, predict
from speedkit.dockerfile import read_dockerfile
from speedkit.errors import DockerfileError
from speedkit.model import StepSource
from tests.cache.situations import BASES, cause_of, manifest, situation, verdicts

GO = """FROM golang AS build
WORKDIR /src
COPY go__mod ./
RUN go mod download
COPY . .
RUN go build
FROM base
COPY --from=build /src/app /app
RUN true
CMD ["/app"]
""".replace("__", ".")
FILES = manifest(go__mod="m", main__go="1")


def test_without_a_history_everything_runs():
    steps = [step for step in predict([], situation(GO, FILES)).runnable if not step.instruction.startswith("FROM")]
    assert {step.forecast for step in steps} == {"miss"}
    assert {cause_of(step).sentence for step in steps} == {"Nothing has been built here yet."}


def test_an_image_that_is_here_is_no_miss_and_a_stage_or_nothing_is_no_step():
    text = "FROM base AS one\nFROM one\nRUN true\nFROM scratch\nCOPY --from=1 /x /x\n"
    moved = {**BASES, "base": BaseImage(("layer-9",))}
    openings = {step.line: step for step in predict([situation(text)], situation(text, bases=moved)).steps}
    assert [openings[line].forecast for line in (1, 2, 4)] == ["hit", "no-step", "no-step"]
    assert cause_of(openings[1]).sentence == "base is another image than before; it is on this machine."


def test_the_same_again_is_cached():
    now = situation(GO, FILES)
    assert {step.forecast for step in predict([now], now).runnable} == {"hit"}


def test_a_changed_file_reaches_as_far_as_it_is_read():
    changed = manifest(go__mod="m", main__go="2")
    forecast = predict([situation(GO, FILES)], situation(GO, changed))
    assert verdicts(forecast) == {
        2: ("hit", "unchanged"),
        3: ("hit", "unchanged"),
        4: ("hit", "unchanged"),
        5: ("miss", "files"),
        6: ("miss", "parent"),
        8: ("depends", "result"),
        9: ("depends", "parent"),
        10: ("no-step", "no-step"),
    }
    assert cause_of(forecast.at(5)).what == ("main.go (content)",)
    assert cause_of(forecast.at(6)).what == ("line 5",)
    assert cause_of(forecast.at(8)).sentence == "Line 6 runs again: if /src/app comes out as before, this stays cached."
    assert forecast.at(8).sources == (StepSource(6, "copy"),)
    assert forecast.at(99) is None


def test_content_that_comes_back_is_found_again():
    other = situation(GO, manifest(go__mod="m", main__go="2"))
    forecast = predict([situation(GO, FILES), other], situation(GO, FILES))
    assert {step.forecast for step in forecast.runnable} == {"hit"}
    kinds = {line: cause_of(forecast.at(line)).kind for line in (2, 3, 4, 5, 6, 8, 9)}
    assert kinds == dict.fromkeys((2, 3, 4), "unchanged") | dict.fromkeys((5, 6, 8, 9), "earlier")


def test_what_stands_on_an_image_that_came_back_was_built_earlier():
    text = "FROM base\nRUN true\n"
    moved = {**BASES, "base": BaseImage(("layer-9",))}
    forecast = predict([situation(text), situation(text, bases=moved)], situation(text))
    assert [cause_of(step).kind for step in forecast.steps] == ["base", "earlier"]


def test_a_stage_that_ran_again_to_the_same_bytes_is_remembered():
    again = situation(GO, manifest(go__mod="m", main__go="2"), states={8: "cached", 9: "cached"})
    model = CacheModel([situation(GO, FILES), again])
    forecast = model.predict(situation(GO, manifest(go__mod="m", main__go="2")))
    assert {step.forecast for step in forecast.runnable} == {"hit"}


def test_steps_that_did_not_finish_left_nothing():
    failed = situation(GO, FILES, states={2: "ran", 3: "ran", 4: "ran", 5: "ran", 6: "failed"})
    forecast = predict([failed], situation(GO, FILES))
    assert [forecast.at(line).forecast for line in (2, 5, 6)] == ["hit", "hit", "miss"]
    assert cause_of(forecast.at(6)).sentence == "No earlier build finished this step."


def test_what_a_build_that_broke_off_ran_shows_that_the_steps_below_were_there():
    text = "FROM base\nRUN one\nRUN two\nRUN three\nRUN four\n"
    broken = situation(text, states={2: "cached", 3: "cached", 4: "ran", 5: "failed"}, finished=False)
    found = predict([broken], situation(text))
    assert [found.at(line).forecast for line in (2, 3, 4, 5)] == ["hit", "hit", "hit", "miss"]


def test_a_command_that_failed_shows_that_the_steps_below_were_there():
    text = "FROM base\nRUN one\nRUN two\nRUN three\n"
    states = {2: "cached", 3: "cached", 4: "failed"}
    found = predict([situation(text, states=states, finished=False)], situation(text))
    assert [found.at(line).forecast for line in (2, 3, 4)] == ["hit", "hit", "miss"]
    reading = situation(text.replace("RUN three", "RUN --mount=target=/m three"), states=states, finished=False)
    assert predict([reading], situation(text)).at(3).forecast == "depends"


def test_all_that_a_build_called_cached_before_it_broke_off_may_be_there():
    text = "FROM base\nRUN one\nRUN two\nRUN three\n"
    broken = situation(text, states={2: "cached", 3: "cached", 4: "cancelled"}, finished=False)
    found = predict([broken], situation(text))
    assert [found.at(line).forecast for line in (2, 3, 4)] == ["depends", "depends", "miss"]
    assert cause_of(found.at(3)).sentence == "It stays cached if line 2 does."


def test_a_build_that_broke_off_is_not_believed_when_it_says_cached():
    failed = situation(GO, FILES, states={2: "cached", 3: "failed"})
    forecast = predict([failed], situation(GO, FILES))
    assert [forecast.at(line).forecast for line in (2, 3)] == ["depends", "miss"]
    assert "broke off at this step" in cause_of(forecast.at(2)).sentence
    again = situation(GO, FILES, states={2: "ran"})
    assert predict([failed, again], situation(GO, FILES)).at(2).forecast == "hit"
    known = predict([situation(GO, FILES), failed], situation(GO, FILES))
    assert known.at(2).forecast == "hit"


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        (manifest(a="1"), manifest(a="1", b="2"), "b (added)"),
        (manifest(a="1", b="2"), manifest(a="1"), "b (removed)"),
        (manifest(a="1", b="-> a"), manifest(a="1", b="-> c"), "b (points elsewhere)"),
        (manifest(a="1", b="-> a"), manifest(a="1", b="2"), "b (now a file)"),
    ],
)
def test_the_reason_says_what_happened_to_a_file(before, after, what):
    text = "FROM base\nCOPY . /w/\n"
    assert cause_of(predict([situation(text, before)], situation(text, after)).at(2)).what == (what,)


def test_the_mode_of_a_file_counts():
    before = manifest(a="1")
    after = replace(before, entries=(before.entries[0]._replace(mode=0o755),))
    forecast = predict([situation("FROM base\nCOPY a /\n", before)], situation("FROM base\nCOPY a /\n", after))
    assert cause_of(forecast.at(2)).what == ("a (mode)",)


def test_many_files_are_counted_in_the_sentence():
    text = "FROM base\nCOPY . /w/\n"
    after = manifest(a="1", b="2", c="3", d="4", e="5")
    because = cause_of(predict([situation(text, manifest(z="z"))], situation(text, after)).at(2))
    assert because.sentence == "a, b and c were added and 3 more changed, and this step reads them."
    assert because.kind == "files"
    assert len(because.what) == 6
    after = manifest(**{f"f{number:04}": "1" for number in range(2000)})
    because = cause_of(predict([situation(text, manifest(a="1"))], situation(text, after)).at(2))
    assert "and 1,998 more changed" in because.sentence


def test_what_git_writes_is_told_after_the_files_that_changed():
    text = "FROM base\nCOPY . /w/\n"
    names = (".git/HEAD", ".git/index", ".git/logs/HEAD", ".gitignore", "main.go")
    before, after = (manifest(**dict.fromkeys(names, content)) for content in "12")
    because = cause_of(predict([situation(text, before)], situation(text, after)).at(2))
    assert because.what[:2] == (".gitignore (content)", "main.go (content)")
    assert because.sentence == ".gitignore, main.go, .git/HEAD and 2 more changed, and this step reads them."


def test_a_path_that_is_not_there_is_named():
    forecast = predict([situation("FROM base\nCOPY a /\n")], situation("FROM base\nCOPY b /\n"))
    assert cause_of(forecast.at(2)).kind == "missing-file"
    assert cause_of(forecast.at(2)).what == ("b",)
    assert cause_of(predict([], situation("FROM base\nCOPY b /\n")).at(2)).kind == "missing-file"


def _on(text: str, **image: object):
    return situation(text, bases={"base": BaseImage(("layer-1",), **image)})


@pytest.mark.parametrize(
    ("text", "before", "after", "sentence"),
    [
        ("RUN true", {"environment": ("PATH=/a",)}, {"environment": ("PATH=/b",)}, "PATH of the base image changed; every RUN"),
        ("RUN true", {"environment": ("PATH=/a",)}, {}, "PATH of the base image changed; every RUN"),
        ("RUN true", {}, {"environment": ("A=1", "B=2")}, "A and B of the base image changed; every RUN"),
        ("RUN true", {"user": "1"}, {"user": "2"}, "USER of the base image changed; every RUN"),
        ("RUN true", {"workdir": "/a"}, {"workdir": "/b"}, "WORKDIR of the base image changed; every RUN"),
        ("RUN true", {}, {"shell": ("/bin/bash", "-c")}, "SHELL of the base image changed; every RUN"),
        ("COPY a b", {"workdir": "/a"}, {"workdir": "/b"}, "WORKDIR of the base image changed, and the paths"),
        ("COPY a /$A/", {"environment": ("A=a",)}, {"environment": ("A=b",)}, "A of the base image changed, and this"),
        ("ARG A\nRUN true", {"environment": ("A=a",)}, {"environment": ("A=b",)}, "A of the base image changed; every RUN"),
        ("ENV B=$A\nRUN true", {"environment": ("A=1",)}, {"environment": ("A=2",)}, "A (of the base image) and B changed"),
    ],
)
def test_what_the_configuration_of_the_base_changed_is_told_as_the_images(text, before, after, sentence):
    because = cause_of(predict([_on(f"FROM base\n{text}", **before)], _on(f"FROM base\n{text}", **after)).steps[-1])
    assert because.kind == "environment"
    assert because.sentence.startswith(sentence)
    staged = f"FROM base AS one\nFROM one\n{text}"
    assert cause_of(predict([_on(staged, **before)], _on(staged, **after)).steps[-1]) == because


def test_what_the_dockerfile_sets_is_not_told_as_the_images():
    before, after = "FROM base\nENV A=1\nRUN true", "FROM base\nRUN true"
    image = {"environment": ("A=2",)}
    for old, new in ((before, after), (after, before)):
        because = cause_of(predict([_on(old, **image)], _on(new, **image)).steps[-1])
        assert because.sentence.startswith("A changed")


@pytest.mark.parametrize(
    ("before", "after", "kind", "what"),
    [
        ("USER 1\nRUN true", "USER 2\nRUN true", "environment", ("USER",)),
        ("ENV A=1\nRUN true", "ENV A=2\nRUN true", "environment", ("A",)),
        ("ENV A=1\nRUN true", "ENV A=1 B=2\nRUN true", "environment", ("B",)),
        ("ENV A=1 B=1\nRUN true", "ENV B=1 A=1\nRUN true", "environment", ("the order of the variables",)),
        ("ARG A=1\nRUN true", "ARG A=2\nRUN true", "argument", ("A",)),
        ("ARG A=1\nCOPY a /$A/", "ARG A=2\nCOPY a /$A/", "argument", ("A",)),
        ("ARG A=1\nCOPY --chown=$A a /", "ARG A=2\nCOPY --chown=$A a /", "argument", ("A",)),
        ('SHELL ["x"]\nRUN true', 'SHELL ["y"]\nRUN true', "environment", ("SHELL",)),
    ],
)
def test_what_stands_before_a_step_can_be_the_reason(before, after, kind, what):
    forecast = predict([situation(f"FROM base\n{before}\n")], situation(f"FROM base\n{after}\n"))
    assert (forecast.at(3).forecast, cause_of(forecast.at(3)).kind, cause_of(forecast.at(3)).what) == ("miss", kind, what)


def test_the_working_directory_can_be_the_reason():
    forecast = predict(
        [situation("FROM base\nWORKDIR /a\nWORKDIR /\nCOPY a x\n")],
        situation("FROM base\nWORKDIR /a\nWORKDIR ..\nCOPY a x\n"),
    )
    assert forecast.at(4).forecast == "hit"
    moved = BaseImage(("layer-1",), workdir="/elsewhere")
    forecast = predict([situation("FROM base\nCOPY a x\n")], situation("FROM base\nCOPY a x\n", bases={**BASES, "base": moved}))
    assert cause_of(forecast.at(2)).what == ("WORKDIR (of the base image)",)


def test_options_and_platform_can_be_the_reason():
    text = "FROM base\nRUN true\n"
    before = situation(text)
    options = predict([before], situation(text, options={"network": "host", "add-host": "x:1.2.3.4", "shm-size": "1"}))
    assert cause_of(options.at(2)).kind == "options"
    platform = predict([before], situation(text, platform="linux/arm64"))
    assert cause_of(platform.at(2)).what == ("linux/arm64",)
    assert (
        predict([situation(text, options={"add-host": "x:1"})], situation(text, options={"add-host": "x:2"})).at(2).forecast
        == "hit"
    )


def test_another_base_image_is_named():
    forecast = predict([situation("FROM base\nRUN true\n")], situation("FROM other\nRUN true\n"))
    assert cause_of(forecast.steps[0]).kind == "base"
    assert cause_of(forecast.at(2)).sentence == "It starts from other, which the build before did not use."


def test_a_base_whose_settings_are_not_known_counts_as_a_whole():
    def with_base(configuration):
        image = BaseImage(("layer-1",), environment=None, configuration=configuration)
        return situation("FROM base\nCOPY a /\nRUN true\n", bases={"base": image})

    forecast = predict([with_base("one")], with_base("two"))
    assert (forecast.at(2).forecast, cause_of(forecast.at(3)).kind) == ("hit", "base")


def test_a_base_that_nobody_looked_at_makes_it_depend():
    now = situation("FROM unseen\nRUN true\n", bases={})
    forecast = predict([now], now)
    assert forecast.steps[0].forecast == "depends"
    assert cause_of(forecast.at(2)).what == ("unseen",)


def test_an_address_makes_it_depend_unless_a_checksum_pins_it():
    loose = situation("FROM base\nADD https://example.org/x.tar /\nADD https://example.org/y.git#main /y\nRUN true\n")
    forecast = predict([loose], loose)
    assert (forecast.at(2).forecast, cause_of(forecast.at(2)).what) == ("depends", ("https://example.org/x.tar",))
    assert cause_of(forecast.at(4)).kind == "parent"
    pinned = situation(f"FROM base\nADD --checksum=sha256:{'0' * 64} https://example.org/x.tar /\n")
    assert predict([pinned], pinned).at(2).forecast == "hit"
    commit = situation(f"FROM base\nADD https://example.org/y.git#{'0' * 40} /y\n")
    assert predict([commit], commit).at(2).forecast == "hit"


def test_a_named_context_takes_the_place_of_an_image_or_stage():
    text = "FROM base AS one\nRUN true\nFROM other\nCOPY --from=one /x /x\nCOPY --from=extra f /f\n"

    def given(content):
        return situation(text, contexts={"one": BaseImage(("layer-9",)), "extra": manifest(f=content)})

    forecast = predict([given("1")], given("2"))
    assert verdicts(forecast) == {2: ("not-needed", "not-needed"), 4: ("hit", "unchanged"), 5: ("miss", "files")}
    address = situation(text, contexts={"one": "https://example.org/one.git", "extra": manifest(f="1")})
    assert predict([address], address).at(4).forecast == "depends"
    folder = situation("FROM files\nCOPY a /\n", contexts={"files": manifest(f="1")})
    assert predict([folder], folder).at(2).forecast == "miss"


def test_link_stands_alone_where_the_image_store_can_merge():
    text = "FROM base\nRUN {}\nCOPY --link a /x\n"
    text += "RUN true\n"
    before, after = (situation(text.format(word), merge=True) for word in ("one", "two"))
    assert [predict([before], before).at(line).forecast for line in (3, 4)] == ["hit", "hit"]
    assert [predict([before], after).at(line).forecast for line in (2, 3, 4)] == ["miss", "hit", "miss"]
    changed = situation(text.format("one"), manifest(a="other"), merge=True)
    assert [predict([before], changed).at(line).forecast for line in (2, 3, 4)] == ["hit", "miss", "miss"]


def test_a_mount_may_show_what_another_stage_made():
    text = "FROM base AS one\nRUN {}\nFROM base\nRUN --mount=from=one,source=/x,target=/m true\n"
    forecast = predict([situation(text.format("1"))], situation(text.format("2")))
    assert (forecast.at(4).forecast, cause_of(forecast.at(4)).kind) == ("depends", "result")


def test_bytes_of_a_cached_stage_that_were_not_read_before_are_not_known():
    text = "FROM base AS one\nRUN {}\nFROM base\nCOPY --from=one /x /x\n"
    one, two = situation(text.format("1")), situation(text.format("2"), target="one")
    forecast = predict([one, two], situation(text.format("2")))
    assert forecast.at(2).forecast == "hit"
    assert cause_of(forecast.at(4)).sentence == "It depends on whether /x holds the same bytes as in the build before."


def test_onbuild_stands_on_the_line_of_its_from():
    text = "FROM base AS one\nONBUILD RUN {}\nFROM one\nRUN true\n"
    forecast = predict([situation(text.format("1"))], situation(text.format("2")))
    triggered = [step for step in forecast.steps if step.instruction.startswith("ONBUILD RUN") and step.line == 3]
    assert [step.forecast for step in triggered] == ["miss"]
    image = BaseImage(("layer-1",), on_build=("RUN hello", "ENV A=1"))
    steps = predict([], situation("FROM base\nRUN true\n", bases={"base": image})).steps
    assert [step.instruction for step in steps] == ["FROM base", "ONBUILD RUN hello", "ONBUILD ENV A=1", "RUN true"]


def test_what_cannot_be_expanded_is_refused_with_its_line():
    with pytest.raises(DockerfileError) as caught:
        predict([], situation("FROM base\nENV A=${B\n"))
    assert caught.value.line == 2


def test_an_unchanged_context_is_not_hashed_again():
    model = CacheModel([situation(GO, FILES)])
    first = model.plan(situation(GO, FILES)).context.tree
    assert model.plan(situation(GO, manifest(go__mod="m", main__go="1"))).context.tree is first


def test_a_base_can_be_read_from_inspect():
    image = BaseImage.from_inspect(
        {
            "Id": "sha256:1",
            "RootFS": {"Layers": ["a", "b"]},
            "Config": {"Env": ["A=1"], "WorkingDir": "/w", "User": "u", "Shell": ["s"], "OnBuild": ["RUN x"]},
        }
    )
    assert image == BaseImage(("a", "b"), ("A=1",), "/w", "u", ("s",), ("RUN x",), "sha256:1")
    assert BaseImage.from_inspect({}) == BaseImage(())


def test_the_history_is_not_needed_to_be_of_the_same_dockerfile():
    first = situation("FROM base\nRUN one\nRUN two\n")
    second = situation("FROM base AS x\nRUN one\nRUN three\n")
    assert predict([first], second).at(2).forecast == "hit"
    assert read_dockerfile("FROM base\n").stages


def test_a_build_that_never_began_left_nothing():
    rejected = situation(GO, FILES, states={}, finished=False)
    assert predict([rejected], situation(GO, FILES)).at(2).forecast == "miss"


def test_what_the_host_makes_before_the_build_is_not_known():
    text = "FROM base\nCOPY program /\nCOPY a /\nRUN true\n"
    before = situation(text, manifest(a="a", program="1"))
    now = situation(text, manifest(a="a", program="1"), products=frozenset({"program"}))
    forecast = predict([before], now)
    assert [forecast.at(line).forecast for line in (2, 3, 4)] == ["depends"] * 3
    assert cause_of(forecast.at(2)).sentence == "It depends on what the commands on the host write to program."
    gone = predict([before], situation(text, manifest(a="a"), products=frozenset({"program"})))
    assert gone.at(2).forecast == "depends"
    assert predict([], now).at(2).forecast == "miss"
    whole = situation("FROM base\nCOPY . /w\n", manifest(a="a", program="1"))
    assert predict([whole], replace(whole, products=frozenset({"program"}))).at(2).forecast == "depends"
    some = situation("FROM base\nCOPY p* /w\nCOPY a* /w\n", manifest(a="a", program="1"))
    found = predict([some], replace(some, products=frozenset({"program"})))
    assert [cause_of(found.at(line)).kind for line in (2, 3)] == ["result", "parent"]


@pytest.mark.parametrize("wrong", ["STOPSIGNAL FOO", "EXPOSE x", "COPY --chmod=888 a /", "RUN --mount=type=nfs true"])
def test_a_build_that_was_rejected_does_not_hinder_a_forecast(wrong):
    good = situation("FROM base\nRUN true\n")
    rejected = situation(f"FROM base\nRUN true\n{wrong}\n", states={}, finished=False)
    assert verdicts(predict([good, rejected], good)) == {2: ("hit", "unchanged")}


def test_an_image_that_is_gone_has_to_be_pulled():
    text = "FROM base\nRUN true\n"
    forecast = predict([situation(text)], situation(text, bases={"base": BaseImage(("layer-1",), gone=True)}))
    assert [(step.forecast, cause_of(step).kind) for step in forecast.steps] == [("miss", "base"), ("hit", "unchanged")]


@pytest.mark.parametrize("line", ["VOLUME $DATA", "STOPSIGNAL $SIGNAL", "EXPOSE $PORT/tcp"])
def test_a_variable_that_an_unknown_base_may_have_set_is_no_mistake(line):
    assert predict([], situation(f"FROM nowhere\n{line}\n")).steps
    with pytest.raises(DockerfileError):
        predict([], situation(f"FROM base\n{line}\n"))


def test_which_of_two_equal_steps_on_images_of_other_names_runs_is_left_open():
    text = "FROM one AS a\nRUN x\nRUN y\nFROM two AS b\nRUN x\nFROM two AS c\nRUN x\nFROM scratch\n"
    text += "COPY --from=a / /\nCOPY --from=b / /\nCOPY --from=c / /\n"
    bases = {name: BaseImage(("layer-1",)) for name in ("one", "two")}
    forecast = predict([], situation(text, bases=bases))
    assert [forecast.at(line).forecast for line in (2, 3, 5, 7)] == ["depends", "miss", "depends", "depends"]
    assert cause_of(forecast.at(2)).what == ("line 5", "line 7")
    assert cause_of(forecast.at(5)).what == ("line 2",)
    built = situation(text, bases=bases, states={2: "cached", 3: "ran", 5: "ran", 7: "ran", 9: "ran", 10: "ran", 11: "ran"})
    assert {step.forecast for step in predict([built], situation(text, bases=bases)).runnable} == {"hit"}
    told = cause_of(explain(built, []).at(2))
    assert (told.kind, told.what) == ("earlier", ("line 5", "line 7"))


def test_equal_steps_on_one_image_run_together():
    text = "FROM one AS a\nRUN x\nFROM one AS b\nRUN x\nFROM scratch\nCOPY --from=a / /\nCOPY --from=b / /\n"
    forecast = predict([], situation(text, bases={"one": BaseImage(("layer-1",))}))
    assert [forecast.at(line).forecast for line in (2, 4)] == ["miss", "miss"]


def test_a_number_of_32_bits_is_looked_up_as_a_name_which_an_empty_stage_cannot_have():
    predict([], situation("FROM scratch\nCOPY --chown=2147483647 a /\n"))
    with pytest.raises(DockerfileError, match="invalid user index: -1"):
        predict([], situation("FROM scratch\nCOPY --chown=2147483648 a /\n"))
