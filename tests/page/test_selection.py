"""What a page chooses is taken over, what is no choice is not."""

from __future__ import annotations

from speedkit.page.selection import Selection


def test_a_patch_changes_what_it_names_and_confirms_its_number():
    after = Selection().patched({"tab": "main.go", "step": None, "follow": False}, page="p", number=3)
    assert (after.tab, after.step, after.follow, after.confirmed) == ("main.go", None, False, {"p": 3})


def test_unknown_names_and_wrong_types_are_left_out():
    patch = {"tab": 7, "follow": "yes", "shown": True, "match": None, "confirmed": {}, "nonsense": 1}
    assert Selection().patched(patch, page="p", number=1).as_trait() == Selection(confirmed={"p": 1}).as_trait()


def test_only_the_last_pages_are_remembered():
    choices = Selection()
    for page in range(20):
        choices = choices.patched({}, page=str(page), number=1)
    assert list(choices.confirmed) == [str(page) for page in range(12, 20)]


def test_another_file_begins_where_nobody_typed_yet():
    typed = Selection(tab="main.go").patched({"caret": 7}, page="p", number=1)
    assert (typed.tab, typed.caret) == ("main.go", 7)
    assert typed.patched({"tab": "go.mod"}, page="p", number=2).caret == 0
    assert typed.patched({"tab": "go.mod", "caret": 3}, page="p", number=2).caret == 3
    assert typed.opened("go.mod").caret == 0
