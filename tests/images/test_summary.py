"""An image in words and as a notebook shows it."""

from __future__ import annotations

from speedkit.images.image import Image, make_image
from speedkit.images.image_comparison import compare_images
from speedkit.images.summary import comparison_finding, image_figures, image_finding

from .archives import files_of, image_of, layer

EVIL = "</script><img src=x onerror=alert(1)>"
BIG, SMALL = layer(("big", b"a" * 3000)), layer(("big", b"b" * 1000), ("c", b"1"))


def named(name: str, *layers: bytes, command: str = "RUN true") -> Image:
    made = image_of(*layers)
    return make_image("sha256:0", name, [(one.digest, command, one.contents) for one in made.layers])


def test_the_finding_says_how_much_is_wasted_and_by_what() -> None:
    assert image_finding(image_of(BIG, SMALL)) == "3.0 kB of 4.0 kB are wasted, by /big"
    assert "most of it by /big" in image_finding(image_of(layer(("big", b"a" * 30), ("c", b"22")), SMALL))
    assert image_finding(image_of(BIG)) == "Nothing is wasted: all 3.0 kB can be seen in the final file system"
    assert image_finding(image_of()) == "It is empty"


def test_the_facts_have_dives_figures_beside_ours() -> None:
    told = " · ".join(image_figures(image_of(BIG, SMALL)))
    assert told == ("test · 4.0 kB · 2 layers · 2 files · 3.0 kB wasted (dive: 4.0 kB) · efficiency 25.0 % (dive: 25.0 %)")


def test_a_notebook_shows_each_layer_and_the_wasted_paths() -> None:
    html = named("app:1", BIG, SMALL, command="RUN /bin/sh -c make # buildkit")._repr_html_()
    for piece in ("are wasted, by /big", "<code>RUN make</code>", "<td>+1</td>", "<td>~1</td>", "<td>3.0 kB</td>", "app:1"):
        assert piece in html


def test_markup_in_names_commands_and_paths_is_text() -> None:
    html = named(EVIL, layer((f"a{EVIL}", b"123")), layer((f"a{EVIL}", b"1")), command=f'RUN "{EVIL}"')._repr_html_()
    assert "<img" not in html
    assert "</script" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in html


def test_a_comparison_says_which_is_larger_and_what_they_share() -> None:
    one, two = named("one", BIG), named("two", BIG, SMALL)
    told = comparison_finding(one, two, compare_images(one, two))
    assert told == "two is 1.0 kB larger than one; they share 1 layer, 3.0 kB"
    assert "is 1.0 kB smaller than" in comparison_finding(two, one, compare_images(two, one))
    other = named("other", layer(("x", b"a" * 3000)))
    assert comparison_finding(one, other, compare_images(one, other)) == "other is as large as one; they share no layer"


def test_an_id_is_shown_by_its_beginning() -> None:
    image = make_image("sha256:" + "a" * 64, "sha256:" + "a" * 64, [("sha256:1", "", files_of(BIG))])
    assert image.short_name == "sha256:aaaaaaaaaaaa"
    assert (image.file_count, image_of(BIG, SMALL).file_count) == (1, 2)
