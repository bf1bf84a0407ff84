"""`speedkit layers` on archives: tables, content of files, comparison, limits."""

from __future__ import annotations

import json

import pytest

from tests.images.archives import docker_archive, layer, oci_archive

BASE = layer(("etc/motd", b"hello\n"), ("data", b"\xff" * 9000))
COMMANDS = ["ADD rootfs.tar / # buildkit", "RUN /bin/sh -c rm data # buildkit"]


@pytest.fixture
def archive(tmp_path):
    layers = [BASE, layer((".wh.data", b""), ("etc/motd", b"bye\n"), ("key.pem", b"secret"))]
    return str(docker_archive(tmp_path / "one.tar", layers, COMMANDS, tag="one:1"))


@pytest.fixture
def other(tmp_path):
    many = layer(*((f"n{size}", b"1" * size) for size in range(30)))
    return str(docker_archive(tmp_path / "two.tar", [BASE, many], COMMANDS, tag="two:1"))


def words(text: str) -> str:
    return " ".join(text.split())


def test_the_table_has_each_layers_changes_and_the_figures_have_dives_beside_them(speedkit, archive):
    code, out, _ = speedkit("layers", archive)
    assert code == 0
    told = words(out)
    assert "9.0 kB of 9.0 kB are wasted, most of it by /data" in told
    assert "one:1 · 9.0 kB · 2 layers · 2 files · 9.0 kB wasted (dive: 9.0 kB) · efficiency 0.1 % (dive: 0.1 %)" in told
    assert "# size files added changed removed wasted command" in told
    assert "1 9.0 kB 2 +2 – – 9.0 kB ADD rootfs.tar /" in told
    assert "2 10 bytes 2 +1 ~1 −1 – RUN rm data" in told
    assert "9.0 kB /data" in told


def test_what_each_layer_changes_is_listed_when_asked_for(speedkit, archive):
    told = words(speedkit("layers", archive, "--files")[1])
    for line in ("− removed 9.0 kB /data", "~ changed 4 bytes /etc/motd", "+ added 6 bytes /key.pem"):
        assert line in told


def test_a_long_path_is_listed_whole(speedkit, tmp_path):
    path = "/".join(["folder"] * 60)
    archive = docker_archive(tmp_path / "long.tar", [layer((path, b"1"))], COMMANDS)
    assert f"+ added 1 byte /{path}" in words(speedkit("layers", str(archive), "--files")[1])


def test_another_image_is_compared_by_layer_and_by_file(speedkit, archive, other):
    told = words(speedkit("layers", archive, "--other", other)[1])
    assert "two:1 is 425 bytes larger than one:1; they share 1 layer, 9.0 kB" in told
    assert "1 9.0 kB 2 +2 – – – ADD rootfs.tar / = shared" in told
    assert "Files of two:1 against one:1: +31 added, ~1 changed, −1 removed" in told
    assert "+ added 0 bytes 9.0 kB /data" in told
    assert "13 smaller ones left out; --json has all." in told
    document = json.loads(speedkit("layers", archive, "--other", other, "--json")[1])
    assert len(document["comparison"]["differences"]) == 33
    assert len(document["comparison"]["shared_layers"]) == 1


def test_a_file_is_printed_as_it_is_and_as_a_lower_layer_has_it(speedkit, archive):
    assert speedkit("layers", archive, "--cat", "/etc/motd")[:2] == (0, "bye\n")
    assert speedkit("layers", archive, "--cat", "etc/motd", "--layer", "1")[:2] == (0, "hello\n")
    code, out, err = speedkit("layers", archive, "--cat", "/data")
    assert (code, out) == (1, "")
    assert "There is no regular file /data" in err
    code, _, err = speedkit("layers", archive, "--cat", "/data", "--layer", "3")
    assert code == 1
    assert "one:1 has no layer 3. It has 2." in words(err)


def test_ci_says_which_limits_are_kept_and_exits_with_1_when_one_is_not(speedkit, archive):
    code, _, err = speedkit(
        "layers", archive, "--ci", "--max-wasted", "9.1kB", "--min-efficiency", "0.001", "--max-size", "1MB"
    )
    assert (code, err) == (0, "✓ The image is within all limits.\n")
    code, out, err = speedkit("layers", archive, "--ci", "--max-wasted", "0", "--forbid", "*.pem", "--json")
    assert code == 1
    document = json.loads(out)
    assert document["wasted_bytes"] == 9006
    assert [violation["rule"] for violation in document["violations"]] == ["wasted_bytes", "forbidden"]
    assert "It wastes 9,006 bytes; at most 0 are allowed." in err
    assert "/key.pem is in layer 2" in err


def test_one_of_several_images_of_an_archive_is_named_behind_a_hash(speedkit, tmp_path):
    path = oci_archive(tmp_path / "two.tar", [("amd64", "one:1", [BASE]), ("amd64", "two:1", [layer(("x", b"12345"))])])
    code, out, err = speedkit("layers", str(path))
    assert (code, out) == (1, "")
    assert "holds more than one image. Name one, as in ARCHIVE#NAME. It holds: one:1, two:1." in words(err)
    code, out, _ = speedkit("layers", f"{path}#one:1", "--other", f"{path}#two:1", "--json", "--files")
    document = json.loads(out)
    assert (code, document["other"]["files"][0]["path"], document["other"]["image_bytes"]) == (0, "/x", 5)
    assert speedkit("layers", f"{path}#two:1", "--cat", "/x")[:2] == (0, "12345")


def test_many_forbidden_files_are_counted_not_listed(speedkit, other):
    code, _, err = speedkit("layers", other, "--forbid", "n*")
    assert code == 1
    assert "and 10 more." in err


def test_names_of_files_give_a_terminal_no_orders(speedkit, tmp_path):
    name = "a\x1b]0;owned\x07\x1b[2J.pem"
    path = docker_archive(tmp_path / "evil.tar", [layer((name, b"1" * 50)), layer((name, b"1"))], COMMANDS)
    code, out, err = speedkit("layers", str(path), "--files", "--forbid", "*.pem")
    assert code == 1
    assert "\x1b" not in out + err
    assert "\x07" not in out + err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--ci"], "--ci checks limits, and there are none. Give one or more of --max-wasted"),
        (["--layer", "1"], "--layer chooses the layer for --cat"),
        (["--max-size", "large"], "is not a size"),
        (["--min-efficiency", "2"], "--min-efficiency"),
        (["--min-efficiency", "nan"], "--min-efficiency is not a number."),
        (["--forbid", ""], "--forbid '' names no path."),
        (["--forbid", "*.pem", "--forbid", "./"], "--forbid './' names no path."),
        (["--cat", "/etc/motd", "--forbid", "*.pem"], "--cat prints one file and does nothing else."),
        (["--cat", "/etc/motd", "--json"], "--cat prints one file and does nothing else."),
    ],
)
def test_misuse_exits_with_2_and_says_what_to_give(speedkit, archive, arguments, said):
    code, out, err = speedkit("layers", archive, *arguments)
    assert (code, out) == (2, "")
    assert said in words(err.replace("│", ""))


def test_what_is_no_image_archive_exits_with_3_and_says_so(speedkit, tmp_path):
    path = tmp_path / "not.tar"
    missing = tmp_path / "missing.tar"
    for data in (b"", b"text " * 500, layer(("a", b"1")), None):
        path.write_bytes(data or b"")
        code, out, err = speedkit("layers", str(missing if data is None else path))
        assert (code, out) == (3, "")
        assert "Traceback" not in err
        assert "archive" in err
