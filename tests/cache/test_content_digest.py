"""Digests of parts of a build context."""

from __future__ import annotations

import pytest

from speedkit.cache.content_digest import EMPTY, Selector, Tree, has_wildcard
from speedkit.context import Entry, Manifest
from tests.cache.situations import manifest

FILES = {"src": "", "src_in_a__go": "1", "src_in_deep": "", "src_in_deep_in_b__go": "2", "c__txt": "3", "link": "-> src"}


def _digest(selector, **changes):
    return Tree(manifest(**{**FILES, **changes})).digest(selector)


def test_equal_trees_have_equal_digests():
    assert _digest(Selector("/src")) == _digest(Selector("/src"), c__txt="other")
    assert _digest(Selector("/src")) != _digest(Selector("/src"), src_in_deep_in_b__go="other")
    assert _digest(Selector("/")) != _digest(Selector("/"), c__txt="other")


def test_the_name_of_a_file_counts_only_inside_a_folder():
    assert _digest(Selector("/c.txt")) == _digest(Selector("/d.txt"), d__txt="3")
    renamed = {key: value for key, value in FILES.items() if key != "src_in_a__go"} | {"src_in_z__go": "1"}
    assert Tree(manifest(**renamed)).digest(Selector("/src")) != _digest(Selector("/src"))


def test_symlinks_are_followed_on_the_way_and_at_the_end_when_asked():
    assert _digest(Selector("/link")) == _digest(Selector("/src"))
    assert _digest(Selector("/link/a.go")) == _digest(Selector("/src/a.go"))
    assert _digest(Selector("/link", follow=False)) != _digest(Selector("/src"))
    assert _digest(Selector("/up/c.txt"), up="-> ./src/..") == _digest(Selector("/c.txt"))
    assert _digest(Selector("/root/c.txt"), root="-> /") == _digest(Selector("/c.txt"))


def test_a_circle_of_symlinks_leads_nowhere():
    assert _digest(Selector("/one"), one="-> two", two="-> one") is None


def test_a_path_that_is_not_there_has_no_digest():
    assert _digest(Selector("/nowhere")) is None
    assert _digest(Selector("/nowhere", excludes=("x",))) == EMPTY


@pytest.mark.parametrize(
    ("pattern", "changed", "counts"),
    [
        ("/src/*.go", "src_in_a__go", True),
        ("/src/*.go", "src_in_deep_in_b__go", False),
        ("/s*", "src_in_deep_in_b__go", True),
        ("/[a-c].tx?", "c__txt", True),
        ("/[^c].txt", "c__txt", False),
        ("/\\c.*", "c__txt", True),
        ("/[[]c]__txt".replace("__", "."), "c__txt", False),
        ("/[\\c-d].txt", "c__txt", True),
    ],
)
def test_a_pattern_takes_what_matches_and_what_lies_in_it(pattern, changed, counts):
    selector = Selector(pattern, wildcard=True)
    assert (_digest(selector) != _digest(selector, **{changed: "other"})) is counts


def test_a_pattern_that_takes_one_file_of_that_name_is_that_file():
    assert _digest(Selector("/c.txt", wildcard=True)) == _digest(Selector("/c.txt"))
    assert _digest(Selector("/*.none", wildcard=True)) == EMPTY


def test_a_pattern_in_a_folder_that_is_not_there_takes_what_is_missing():
    assert _digest(Selector("/nowhere/*", wildcard=True)) is None


def test_a_symlink_that_a_pattern_takes_is_followed():
    selector = Selector("/l*", wildcard=True)
    assert _digest(selector) != _digest(selector, src_in_a__go="other")
    assert _digest(selector, link="-> nowhere") != _digest(selector)


def test_what_is_excluded_does_not_count():
    selector = Selector("/src", excludes=("deep",))
    assert _digest(selector) == _digest(selector, src_in_deep_in_b__go="other")
    assert _digest(selector) != _digest(selector, src_in_a__go="other")


def test_the_entries_taken_are_those_that_count():
    tree = Tree(manifest(**FILES))
    assert [entry.path for entry in tree.entries_of(Selector("/src"))] == ["src", "src/a.go", "src/deep", "src/deep/b.go"]
    assert [entry.path for entry in tree.entries_of(Selector("/*.txt", wildcard=True))] == ["c.txt"]
    assert list(tree.entries_of(Selector("/nowhere"))) == []
    assert len(list(tree.entries_of(Selector("/")))) == len(FILES)
    assert Tree(Manifest(())).digest(Selector("/")) is not None


def test_wildcards_are_told_from_escaped_ones():
    assert [has_wildcard(path) for path in ("a*", "a?", "[a]", "a\\*", "a\\\\*", "plain")] == [
        True,
        True,
        True,
        False,
        True,
        False,
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"c__txt": "other"},
        {"src_in_deep_in_b__go": "other"},
        {"link": "-> src/deep"},
        {"src_in_new": "a file more"},
        {"src_in_deep_in_b__go": "3", "src_in_a__go": "4"},
    ],
)
def test_a_tree_changed_to_another_has_the_digests_of_one_made_anew(changes):
    selectors = [Selector("/"), Selector("/src"), Selector("/src/deep"), Selector("/link"), Selector("/*", wildcard=True)]
    before, after = Tree(manifest(**FILES)), Tree(manifest(**{**FILES, **changes}))
    known = [before.digest(selector) for selector in selectors]
    changed = before.changed_to(manifest(**{**FILES, **changes}))
    assert [changed.digest(selector) for selector in selectors] == [after.digest(selector) for selector in selectors]
    assert list(changed.entries_of(selectors[0])) == list(after.entries_of(selectors[0]))
    assert [before.digest(selector) for selector in selectors] == known


@pytest.mark.parametrize("odd", ["\udca4", "caf\ud800"])
def test_names_and_links_that_are_no_text_count_like_others(odd):
    digests = {
        Tree(Manifest(entries)).digest(Selector("/"))
        for entries in (
            (Entry(odd, "file", 1, 0o644, "00", ""),),
            (Entry("a", "symlink", 0, 0o777, "", odd),),
            (Entry("a", "dir", 0, 0o755, "", odd),),
        )
    }
    assert len(digests) == 3


def test_a_changed_link_can_make_a_tree_unsendable_and_sendable_again():
    def links_to(target):
        return Manifest((Entry("a", "file", 1, 0o644, "x", ""), Entry("link", "symlink", 0, 0o777, "", target)))

    fine = Tree(links_to("a"))
    assert fine.unsendable_in(Selector("/")) == ()
    broken = fine.changed_to(links_to("caf\udce9"))
    assert broken.unsendable_in(Selector("/")) == ("/link",)
    assert broken.changed_to(links_to("a")).unsendable_in(Selector("/")) == ()


def test_a_tree_deeper_than_python_can_call_has_a_digest():
    names = ["d/" * depth + "d" for depth in range(1500)]
    entries = [Entry(name, "dir", 0, 0o755, "", "") for name in names]
    tree = Tree(Manifest((*entries, Entry(f"{names[-1]}/x.txt", "file", 1, 0o644, "1", ""))))
    other = Tree(Manifest((*entries, Entry(f"{names[-1]}/x.txt", "file", 1, 0o644, "2", ""))))
    for selector in (Selector("/"), Selector("/", excludes=("nothing",)), Selector("/*", wildcard=True)):
        assert tree.digest(selector)
        assert tree.digest(selector) != other.digest(selector)
