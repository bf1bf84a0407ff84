"""Which differences between images are noise: those between two builds of the original, and no others."""

from __future__ import annotations

from speedkit.proof.equality import judged


def judgements(differences, noise, patch_files=()):
    made = {path: frozenset(parts) for path, parts in differences.items()}
    noisy = {path: frozenset(parts) for path, parts in noise.items()}
    return {one.path: one.judgement for one in judged(made, noisy, frozenset(patch_files))}


def test_noise_is_what_differs_between_two_builds_of_the_original_and_nothing_else():
    found = judgements(
        {"/a": {"content"}, "/b": {"content"}, "Env PATH": {"setting"}}, {"/a": {"content"}, "/other": {"content"}}
    )
    assert found == {"/a": "noise", "/b": "real", "Env PATH": "real"}


def test_another_part_of_a_noisy_file_is_a_real_difference():
    assert judgements({"/a": {"content", "mode"}}, {"/a": {"content"}}) == {"/a": "real"}
    assert judgements({"/a": {"removed"}}, {"/a": {"content"}}) == {"/a": "real"}


def test_a_name_that_is_new_in_each_build_is_noise_where_the_original_has_as_many():
    logs = {"/l/2026-11-27T01.log": {"removed"}, "/l/2026-11-27T02.log": {"added"}}
    noise = {"/l/2026-11-26T09.log": {"removed"}, "/l/2026-11-26T10.log": {"added"}}
    assert set(judgements(logs, noise).values()) == {"name"}
    assert set(judgements(logs, {}).values()) == {"real"}
    # One image has a file more: it is no other name for a file of the original.
    more = logs | {"/l/2026-11-27T03.log": {"added"}}
    assert set(judgements(more, noise).values()) == {"real"}


def test_a_copy_of_a_file_that_the_patch_changes_is_named_and_is_no_difference_of_the_build():
    found = judgements({"/src/Dockerfile": {"content"}, "/src/a": {"content"}}, {}, ["/src/Dockerfile"])
    assert found == {"/src/Dockerfile": "patch-file", "/src/a": "real"}
    assert judgements({"/src/Dockerfile": {"content", "mode"}}, {}, ["/src/Dockerfile"]) == {"/src/Dockerfile": "real"}


def test_real_differences_come_first():
    found = judged({"/a": frozenset(["content"]), "/z": frozenset(["mode"])}, {"/a": frozenset(["content"])})
    assert [one.path for one in found] == ["/z", "/a"]
    assert "mode" in found[0].sentence
