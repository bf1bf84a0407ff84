"""Trees that are opened folder by folder: lines, sums, searches; of images, layers and differences."""

from __future__ import annotations

from speedkit.images.image_comparison import compare_images
from speedkit.images.tree import FileTree, TreeRow, tree_of_comparison, tree_of_image, tree_of_layer

from .archives import image_of, layer

BELOW = layer(
    ("etc", None), ("etc/a", b"x" * 10), ("etc/deep/b", b"x" * 500), ("c", b"x" * 99), ("d", "link etc/a"), ("s", "-> etc/a")
)
ABOVE = layer(("etc/a", b"x" * 10), ("c", b"y" * 200), ("etc/.wh.deep", b""), ("new", b""), ("etc", 0o700))


def lines(tree: FileTree, *opened: str, **more: object) -> list[str]:
    return [f"{'  ' * row.depth}{row.name} {row.size_bytes}" for row in tree.rows(opened, **more)]


def by_path(tree: FileTree, *opened: str) -> dict[str, TreeRow]:
    return {row.path: row for row in tree.rows(opened)}


def test_only_open_folders_show_what_is_in_them_largest_first() -> None:
    tree = tree_of_image(image_of(BELOW))
    assert lines(tree) == ["etc 510", "c 99", "d 10", "s 0"]
    assert lines(tree, "/etc", "/etc/deep", "/c", "/nowhere") == [
        "etc 510",
        "  deep 500",
        "    b 500",
        "  a 10",
        "c 99",
        "d 10",
        "s 0",
    ]
    assert lines(tree, by="name") == ["c 99", "d 10", "etc 510", "s 0"]
    assert (tree.size_bytes, tree.files) == (609, 5)
    assert [row.opened for row in tree.rows(["/etc"])][:2] == [True, False]


def test_a_folder_of_many_files_shows_the_largest_and_one_line_for_the_rest() -> None:
    tree = tree_of_image(image_of(layer(*((f"d/{number}", b"x" * number) for number in range(1, 1001)))))
    rows = list(tree.rows(["/d"], most=100))
    assert [row.name for row in rows[:2]] == ["d", "1000"]
    assert len(rows) == 102
    assert (rows[-1].name, rows[-1].kind, rows[-1].files) == ("900 more", "more", 900)
    assert rows[-1].size_bytes == sum(range(1, 901))
    assert len(list(tree.rows(["/d"], most=100, counts={"/d": 300}))) == 302
    assert [row.name for row in tree.largest("/d", most=2)] == ["1000", "999", "998 more"]


def test_a_hard_link_shows_its_bytes_and_the_folders_above_count_them_once() -> None:
    tree = tree_of_image(image_of(layer(("one/a", b"12345"), ("two/b", "link one/a"))))
    assert tree.size_bytes == 5
    assert [row.size_bytes for row in tree.rows(["/one", "/two"]) if row.opened is None] == [5, 5]


def test_a_search_finds_paths_in_any_case_and_says_how_many_there_are() -> None:
    tree = tree_of_image(image_of(BELOW))
    rows, total = tree.search("ETC", most=2)
    assert ([row.path for row in rows], total) == (["/etc", "/etc/deep"], 4)
    assert tree.search("nothing", most=2) == ([], 0)


def test_a_row_is_found_by_its_path() -> None:
    tree = tree_of_image(image_of(BELOW))
    assert tree.row("/etc/deep/b") == TreeRow("/etc/deep/b", "b", 0, "file", 500, place=0)
    root = tree.row("/")
    assert root is not None
    assert root.files == 5
    assert tree.row("/c/below") is None
    assert tree.row("/none") is None
    assert tree.largest("/none", most=5) == []


def test_a_layer_shows_what_it_adds_changes_and_removes() -> None:
    rows = by_path(tree_of_layer(image_of(BELOW, ABOVE), 1), "/etc", "/etc/deep")
    assert {path: row.state for path, row in rows.items()} == {
        "/c": "changed",
        "/etc": "changed",
        "/etc/a": "changed",
        "/etc/deep": "",
        "/etc/deep/b": "removed",
        "/new": "added",
    }
    assert (rows["/c"].before_bytes, rows["/c"].size_bytes, rows["/c"].note) == (99, 200, "")
    assert rows["/etc/a"].note == "same content"
    assert (rows["/etc/deep/b"].before_bytes, rows["/etc/deep/b"].size_bytes, rows["/etc/deep/b"].place) == (500, 0, 0)


def test_a_file_in_place_of_a_folder_keeps_what_was_below_it() -> None:
    image = image_of(layer(("d/a", b"22"), ("f", b"1")), layer(("d", b"333"), ("f/b", b"4444")))
    rows = by_path(tree_of_layer(image, 1), "/d", "/f")
    assert (rows["/d"].kind, rows["/d"].size_bytes, rows["/d/a"].state) == ("file", 3, "removed")
    assert (rows["/f/b"].state, rows["/f"].size_bytes) == ("added", 4)


def test_two_images_differ_in_what_was_added_changed_and_removed() -> None:
    before, after = image_of(BELOW), image_of(BELOW, ABOVE)
    rows = by_path(tree_of_comparison(compare_images(before, after)), "/etc", "/etc/deep")
    assert {path: (row.state, row.before_bytes, row.size_bytes) for path, row in rows.items() if row.opened is None} == {
        "/c": ("changed", 99, 200),
        "/etc/deep/b": ("removed", 500, 0),
        "/new": ("added", 0, 0),
    }
    assert rows["/etc"].note == "owner or mode"


def test_what_two_images_share_is_no_difference() -> None:
    tree = tree_of_comparison(compare_images(image_of(BELOW), image_of(BELOW)))
    assert list(tree.rows()) == []


def test_a_path_of_any_depth_is_opened() -> None:
    depth = 2000
    path = "/".join("d" * depth)
    tree = tree_of_image(image_of(layer((path, b"1"))))
    opened = {"/" + "/".join("d" * level) for level in range(1, depth)}
    assert len(list(tree.rows(opened))) == depth
    assert tree.size_bytes == 1


def test_the_largest_folders_are_open_at_first_as_far_as_there_is_room() -> None:
    tree = tree_of_image(
        image_of(layer(*((f"big/{number}", b"1" * 100) for number in range(50)), ("mid/sub/a", b"1" * 90), ("small/b", b"1")))
    )
    assert tree.worth_opening(most=20) == {"/mid", "/mid/sub", "/small"}
    assert tree.worth_opening(most=4) == {"/mid"}
    assert "/big" in tree.worth_opening(most=60)
