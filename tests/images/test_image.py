"""What layers do to each other: changes, the final file system, waste, comparison, limits, and what dive would say."""

from __future__ import annotations

import io
import json
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speedkit.errors import ArchiveError
from speedkit.images.analysis import Waste
from speedkit.images.dive import dive_figures
from speedkit.images.image import Image, StoredFile, make_image
from speedkit.images.image_comparison import compare_images, differing_parts
from speedkit.images.limits import Limits, check_limits
from speedkit.images.overlay import IMPLICIT, walk
from speedkit.images.plain_data import json_text, to_json, treemap_rows
from speedkit.images.store import LayerStore

from .archives import Member, image_of, layer
from .odd_layers import ODD_LAYERS

MB = 1_000_000


def paths(image: Image) -> dict[str, str]:
    return {file.path: file.kind for file in image.files}


def changes(image: Image, place: int) -> dict[str, str]:
    return {change.path: change.kind for change in image.changes(place)}


def rewritten_and_removed() -> Image:
    return image_of(
        layer(("big", b"a" * 3 * MB)),
        layer(("big", b"b" * 3 * MB), ("small", b"c" * MB)),
        layer((".wh.small", b"")),
    )


def test_wasted_bytes_are_those_that_the_final_file_system_does_not_show() -> None:
    image = rewritten_and_removed()
    assert image.image_bytes == 7 * MB
    assert image.wasted_bytes == 4 * MB
    assert image.efficiency == 3 / 7
    assert image.waste == (Waste("/big", 3 * MB), Waste("/small", MB))
    assert image.wasted_by_layer == (3 * MB, MB, 0)


def test_dive_also_counts_the_copy_that_is_still_visible() -> None:
    assert dive_figures(rewritten_and_removed()).wasted_bytes == 7 * MB
    assert dive_figures(rewritten_and_removed()).efficiency == 3 / 7


def test_dive_counts_a_removed_directory_only_where_its_path_occurred_twice() -> None:
    below = layer(("d", None), ("d/e", None), ("d/e/f", b"12345"), ("d/g", b"1"))
    removed = image_of(below, layer((".wh.d", b"")))
    assert (dive_figures(removed).wasted_bytes, removed.wasted_bytes) == (0, 6)
    twice = image_of(layer(("d", None)), below, layer((".wh.d", b"")))
    assert (dive_figures(twice).wasted_bytes, twice.wasted_bytes) == (6, 6)
    assert dive_figures(image_of(layer(("d", None), ("d/.wh..wh..opq", b"")))).efficiency == 1.0


@pytest.mark.parametrize("name", ODD_LAYERS)
def test_an_odd_layer_has_the_file_that_an_engine_would_unpack(name: str) -> None:
    data, path = ODD_LAYERS[name]
    image = image_of(data)
    assert {f"/{path}", "/etc/motd"} <= set(paths(image))
    assert not {"/etc/x", "/etc/inner"} & set(paths(image))
    (violation,) = check_limits(image, Limits(forbidden=(f"/{path}",)))
    assert f"/{path} is in layer 1" in violation.message


def test_a_path_that_a_layer_names_through_its_own_link_is_forbidden_by_either_name() -> None:
    image = image_of(layer(("root", None), ("l", "-> root"), ("l/.ssh", None), ("l/.ssh/id", b"x")))
    for pattern in ("/root/.ssh", "/l/.ssh", "id"):
        assert check_limits(image, Limits(forbidden=(pattern,))), pattern
    assert paths(image)["/root/.ssh/id"] == "file"


def test_an_image_without_bytes_wastes_nothing() -> None:
    assert (image_of(layer(("a", None))).efficiency, image_of().efficiency) == (1.0, 1.0)


def test_a_file_removed_with_its_hard_link_kept_is_still_shown() -> None:
    image = image_of(layer(("a", b"x" * 10), ("b", "link a")), layer((".wh.a", b"")))
    assert image.wasted_bytes == 0
    assert image_of(layer(("a", b"x" * 10), ("b", "link a")), layer((".wh.a", b""), (".wh.b", b""))).wasted_bytes == 10


def test_a_hard_link_to_nothing_is_listed_and_counts_nothing() -> None:
    image = image_of(layer(("b", "link ../nowhere"), ("d", None), ("c", "link d")))
    assert paths(image) == {"/b": "hard link", "/c": "hard link", "/d": "directory"}
    assert image.image_bytes == 0


def test_a_layer_says_what_it_adds_changes_and_removes() -> None:
    image = image_of(
        layer(("d", None), ("d/kept", b"1"), ("d/gone", b"22"), ("e", None), ("f", b"1")),
        layer(("d", None), ("d/.wh.gone", b""), ("d/new", b"333"), ("e", 0o700), ("f", b"1")),
    )
    assert changes(image, 1) == {"/d/gone": "removed", "/d/new": "added", "/e": "changed", "/f": "changed"}
    by_path = {change.path: change for change in image.changes(1)}
    assert by_path["/f"].same_content
    assert by_path["/d/gone"].before_bytes == 2
    assert image.change_counts(1) == {"added": 1, "changed": 2, "removed": 1}


def test_an_opaque_directory_hides_what_lower_layers_put_there_and_keeps_its_own() -> None:
    image = image_of(
        layer(("d", None), ("d/a", b"1"), ("d/s", None), ("d/s/b", b"22")),
        layer(("d", None), ("d/a", b"3"), ("d/.wh..wh..opq", b""), ("d/c", b"4")),
    )
    assert paths(image) == {"/d": "directory", "/d/a": "file", "/d/c": "file"}
    assert changes(image, 1) == {"/d/a": "changed", "/d/c": "added", "/d/s": "removed", "/d/s/b": "removed"}
    assert image.wasted_bytes == 3


def test_a_whiteout_never_hides_what_its_own_layer_has() -> None:
    image = image_of(layer(("a", b"1")), layer(("a", b"22"), (".wh.a", b"")))
    assert paths(image) == {"/a": "file"}
    assert changes(image, 1) == {"/a": "changed"}


def test_a_whiteout_of_what_is_not_there_changes_nothing() -> None:
    image = image_of(
        layer(("a", b"1")), layer((".wh.b", b""), ("a/.wh.c", b""), ("x/.wh..wh..opq", b""), (".wh..wh.plnk", None))
    )
    assert paths(image) == {"/a": "file"}


def test_a_file_in_place_of_a_directory_takes_all_below_with_it_and_the_other_way_round() -> None:
    image = image_of(layer(("d", None), ("d/a", b"1"), ("f", b"22")), layer(("d", b"333"), ("f", None), ("f/b", b"")))
    assert paths(image) == {"/d": "file", "/f": "directory", "/f/b": "file"}
    assert changes(image, 1) == {"/d": "changed", "/d/a": "removed", "/f": "changed", "/f/b": "added"}
    assert image.waste == (Waste("/f", 2), Waste("/d/a", 1))


def test_a_path_listed_twice_in_one_layer_is_stored_twice_and_shown_once() -> None:
    image = image_of(layer(("a", b"1"), ("a", b"22"), ("d", None), ("d/x", b"333"), ("d", b"4")))
    assert changes(image, 0) == {"/a": "added", "/d": "added"}
    assert image.waste == (Waste("/d/x", 3), Waste("/a", 1))


def test_a_directory_that_no_layer_lists_is_there_nevertheless() -> None:
    image = image_of(layer(("a", b"1")), layer(("a/b/c", b"2")))
    assert paths(image) == {"/a": "directory", "/a/b": "directory", "/a/b/c": "file"}
    assert changes(image, 1) == {"/a": "removed", "/a/b/c": "added"}


def test_a_symlink_of_the_same_layer_is_followed_and_one_from_below_is_replaced() -> None:
    same = image_of(layer(("usr/lib", None), ("lib", "-> usr/lib"), ("lib/a", b"1")))
    assert paths(same) == {"/usr": "directory", "/usr/lib": "directory", "/lib": "symlink", "/usr/lib/a": "file"}
    below = image_of(layer(("usr/lib", None), ("lib", "-> usr/lib")), layer(("lib/a", b"1")))
    assert paths(below)["/lib"] == "directory"


def test_devices_and_pipes_are_listed_as_what_they_are() -> None:
    image = image_of(layer(("c", "char"), ("b", "block"), ("p", "fifo"), ("../../up", b"1")))
    assert paths(image) == {"/b": "block device", "/c": "character device", "/p": "fifo", "/up": "file"}


def test_the_bytes_of_a_file_are_located_through_links() -> None:
    image = image_of(
        layer(
            ("etc", None),
            ("etc/a", b"1"),
            ("etc/b", "link etc/a"),
            ("l", "-> /etc/../etc/b"),
            ("loop", "-> loop"),
            ("top", "-> .."),
        ),
        layer(("etc/c", b"2")),
    )
    bottom = image.layers[0].digest
    assert image.locate("/l") == image.locate("l", place=0) == image.locate("/top/etc/a") == StoredFile(bottom, "etc/a")
    for missing in ("/nothing", "/etc", "/loop", "/etc/a/b", "/loop/x"):
        with pytest.raises(ArchiveError):
            image.locate(missing)


def test_of_a_path_that_a_layer_has_several_times_the_last_one_is_located() -> None:
    image = image_of(
        layer(("a", b"1"), ("a", "-> b"), (".wh.a", b""), ("a", b"22"), ("a", b"333"), ("b", bytes((16 << 20) + 1)))
    )
    assert image.locate("/a").repeats == 2
    with pytest.raises(ArchiveError, match="at most 16 MiB"):
        image.locate("/b")


def test_two_images_are_compared_by_layer_and_by_file() -> None:
    base = layer(("a", b"1"), ("same", b"s"), ("mode", 0o755), ("kind", b"1"), ("x/implicit", b""))
    before = image_of(base, layer(("old", b"1")), layer(("last", b"")))
    after = image_of(base, layer(("a", b"22"), ("new", b"333"), ("mode", 0o700), ("kind", None)), layer(("last", b"")))
    found = compare_images(before, after)
    assert (found.same_start, found.shared_bytes) == (1, 3)
    assert found.shared_layers == (before.layers[0].digest, before.layers[2].digest)
    assert [(item.kind, item.path, item.what) for item in found.differences] == [
        ("changed", "/a", "content"),
        ("changed", "/kind", "kind"),
        ("changed", "/mode", "owner or mode"),
        ("added", "/new", ""),
        ("removed", "/old", ""),
    ]


def test_a_hard_link_is_compared_as_the_file_it_shows() -> None:
    found = compare_images(image_of(layer(("a", b"1"), ("b", "link a"))), image_of(layer(("a", b"1"), ("b", b"1"))))
    assert found.differences == ()


def test_limits_that_are_not_kept_are_named() -> None:
    image = rewritten_and_removed()
    strict = Limits(wasted_bytes=MB, efficiency=0.9, image_bytes=MB, forbidden=("/sma*",))
    assert [violation.rule for violation in check_limits(image, strict)] == [
        "wasted_bytes",
        "efficiency",
        "image_bytes",
        "forbidden",
    ]
    kept = Limits(wasted_bytes=4 * MB, efficiency=0.4, image_bytes=7 * MB, forbidden=("/nothing", "/smal"))
    assert check_limits(image, kept) == ()


def test_a_forbidden_path_is_found_below_a_folder_and_in_a_layer_that_no_longer_shows_it() -> None:
    image = image_of(layer(("root/.ssh", None), ("root/.ssh/id", b"secret")), layer(("root/.wh..ssh", b"")))
    found = check_limits(image, Limits(forbidden=("/root/.ssh",)))
    assert [violation.message.split()[0] for violation in found] == ["/root/.ssh", "/root/.ssh/id"]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        (".env", ["/.env", "/app/.env", "/app/cfg/.env"]),
        ("/.env", ["/.env"]),
        ("./.env", ["/.env"]),
        ("**/.env", ["/.env", "/app/.env", "/app/cfg/.env"]),
        ("app/**/.env", ["/app/.env", "/app/cfg/.env"]),
        ("/app/*", ["/app/.env", "/app/cfg", "/app/cfg/.env", "/app/key[1].pem"]),
        ("cfg", ["/app/cfg", "/app/cfg/.env"]),
        ("cfg/", ["/app/cfg", "/app/cfg/.env"]),
        ("*.pem", ["/app/key[1].pem"]),
        ("key[[]1].pem", ["/app/key[1].pem"]),
        ("env", []),
        ("[", []),
        ("\udcff*", ["/\\xff(1)"]),
    ],
)
def test_a_pattern_forbids_a_path_or_a_name_in_any_folder(pattern: str, found: list[str]) -> None:
    image = image_of(
        layer((".env", b""), ("app", None), ("app/.env", b""), ("app/cfg", None), ("app/cfg/.env", b"")),
        layer(("app/key[1].pem", b""), ("\udcff(1)", b""), format=tarfile.GNU_FORMAT),
    )
    violations = check_limits(image, Limits(forbidden=(pattern,)))
    assert [violation.message.split(" is in")[0] for violation in violations] == found


def test_json_as_text_is_the_same_document() -> None:
    image = rewritten_and_removed()
    for files in (False, True):
        pieces = list(json_text(image, image, files=files, more={"violations": [], "ü": {}}, ascii_only=True))
        assert json.loads("".join(pieces)) == to_json(image, image, files=files) | {"violations": [], "ü": {}}
        assert "".join(pieces).isascii()
    assert json.loads("".join(json_text(image_of()))) == to_json(image_of())


def test_json_holds_the_figures_and_on_request_every_file() -> None:
    image = rewritten_and_removed()
    found = to_json(image)
    assert {key: found[key] for key in ("image_bytes", "wasted_bytes", "efficiency")} == {
        "image_bytes": 7 * MB,
        "wasted_bytes": 4 * MB,
        "efficiency": 3 / 7,
    }
    assert found["waste"] == [{"path": "/big", "bytes": 3 * MB}, {"path": "/small", "bytes": MB}]
    assert [(item["files"], item["size_bytes"], item["command"]) for item in found["layers"]] == [
        (1, 3 * MB, "layer 0"),
        (2, 4 * MB, "layer 1"),
        (0, 0, "layer 2"),
    ]
    assert "files" not in found
    whole = to_json(image, image, files=True)
    assert [file["path"] for file in whole["files"]] == ["/big"]
    assert [file["path"] for file in whole["layers"][1]["file_list"]] == ["/big", "/small"]
    assert whole["layers"][2]["changes"][0]["kind"] == "removed"
    assert whole["comparison"]["differences"] == []
    assert whole["other"]["image_bytes"] == 7 * MB


def test_treemaps_hold_the_bytes_below_folders_and_a_hard_link_once() -> None:
    image = image_of(layer(("d/e", None), ("d/e/a", b"12345"), ("d/b", "link d/e/a"), ("c", b"1"), ("s", "-> c")))
    rows = {row.id: row for row in treemap_rows(image)}
    assert (rows["/"].size_bytes, rows["/"].parent, rows["/d"].size_bytes, rows["/d"].parent) == (6, "", 5, "/")
    assert all(row.parent in rows for row in rows.values() if row.parent)


def test_an_image_that_came_without_a_layer_is_refused() -> None:
    with pytest.raises(ArchiveError):
        make_image("sha256:0", "test", [("sha256:1", "", None)])


NAMES = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map("/".join)
ENTRIES = st.lists(
    st.one_of(
        st.tuples(NAMES, st.one_of(st.binary(min_size=1, max_size=9), st.none())),
        st.tuples(NAMES.map(lambda name: "/".join([*name.split("/")[:-1], f".wh.{name.split('/')[-1]}"])), st.just(b"")),
        st.tuples(NAMES.map("{}/.wh..wh..opq".format), st.just(b"")),
    ),
    max_size=8,
)


def by_hand(layers: list[list[Member]]) -> dict[str, object]:
    """The final file system by the specification's words, without any tree."""
    shown: dict[str, object] = {}
    for members in layers:
        for name, _ in members:
            folder, _, last = name.rpartition("/")
            hidden = f"{folder}/{last[4:]}".lstrip("/")
            if last == ".wh..wh..opq":
                shown = {path: what for path, what in shown.items() if not path.startswith(f"{folder}/")}
            elif last.startswith(".wh."):
                shown = {path: what for path, what in shown.items() if path != hidden and not path.startswith(f"{hidden}/")}
        for name, what in members:
            if ".wh." in name:
                continue
            parts = name.split("/")
            for depth in range(1, len(parts)):
                above = "/".join(parts[:depth])
                shown[above] = None
            if what is not None:
                shown = {path: other for path, other in shown.items() if not path.startswith(f"{name}/")}
            shown[name] = what
    return shown


@settings(deadline=None, max_examples=300)
@given(st.lists(ENTRIES, min_size=1, max_size=4))
@pytest.mark.slow
def test_any_layers_show_what_the_specification_says_and_shown_and_wasted_bytes_are_all_bytes(
    layers: list[list[Member]],
) -> None:
    image = image_of(*(layer(*members) for members in layers))
    expected = by_hand(layers)
    assert {file.path: file.size_bytes for file in image.files} == {
        f"/{path}": len(what) if isinstance(what, bytes) else 0 for path, what in expected.items()
    }
    assert sum(file.size_bytes for file in image.files) + image.wasted_bytes == image.image_bytes
    seen: set[str] = set()
    for place in range(len(layers)):
        for change in image.changes(place):
            assert (change.path in seen) == (change.kind != "added")
            seen = seen - {change.path} if change.kind == "removed" else seen | {change.path}
    assert seen == {file.path for file in image.files} - implicit(image)


def implicit(image: Image) -> set[str]:
    """Directories that are there only because something lies in them."""
    return {f"/{path}" for path, number in walk(image.analysis.merged.root) if number == IMPLICIT}


def test_every_part_in_which_a_path_differs_is_named_and_times_are_none() -> None:
    def written(name: str, content: bytes = b"x", **more: object) -> bytes:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for key, value in more.items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(content))
        return out.getvalue()

    plain = image_of(written("a"))
    for other, parts in (
        (written("a", mtime=99), None),
        (written("a", b"y", mode=0o600), {"content", "mode"}),
        (written("a", uid=7), {"owner"}),
        (written("a", pax_headers={"SCHILY.xattr.security.capability": "net"}), {"attributes"}),
        (layer(("a", "-> b")), {"kind", "content"}),
    ):
        assert differing_parts(plain, image_of(other)).get("/a") == parts
    assert differing_parts(plain, image_of(layer(("b", b"x")))) == {"/a": {"removed"}, "/b": {"added"}}


def test_extended_attributes_are_kept_in_the_store_and_in_images_of_several_layers(tmp_path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in ("a", "b"):
            info = tarfile.TarInfo(name)
            info.pax_headers = {"SCHILY.xattr.user.name": "v"} if name == "b" else {}
            archive.addfile(info)
    image = image_of(layer(("c", b"")), out.getvalue())
    assert [bool(file.attributes) for file in image.files] == [False, True, False]
    store = LayerStore(tmp_path)
    store.keep("sha256:" + "0" * 64, image.layers[1].contents)
    kept = store.layer("sha256:" + "0" * 64)
    assert kept is not None
    assert kept.attributes == image.layers[1].contents.attributes
