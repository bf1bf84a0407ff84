"""Options of `docker build`: one form for each, and for what buildx would not take a sentence that names the form."""

from __future__ import annotations

import dataclasses
import socket

import pytest

from speedkit.engine import CommandOptions, checked_options, require_secrets, secret_values, unset_secrets
from speedkit.errors import Misuse


def checked(folder, **options) -> CommandOptions:
    return checked_options(CommandOptions(**options), folder)


@pytest.mark.parametrize(
    ("options", "same"),
    [
        ({"platforms": ("AMD64",)}, {"platforms": ("linux/amd64",)}),
        ({"platforms": ("linux/arm64/v8, linux/arm64",)}, {"platforms": ("linux/arm64",)}),
        ({"network": "default"}, {"network": None}),
        ({"add_hosts": ("one=::1,two:[::2]",)}, {"add_hosts": ("one:::1", "two:::2")}),
        ({"add_hosts": ("gate:host-gateway",)}, {"add_hosts": ("gate:host-gateway",)}),
        ({"ulimits": ("nproc=5", "nofile=9", "nofile=10:20")}, {"ulimits": ("nofile=10:20", "nproc=5:5")}),
        ({"ulimits": ("core=5:-1",)}, {"ulimits": ("core=5:-1",)}),
        ({"shm_size": "64m"}, {"shm_size": "67108864"}),
        ({"shm_size": "1.5GiB"}, {"shm_size": "1610612736"}),
        ({"shm_size": "0"}, {"shm_size": None}),
        ({"secrets": ("type=env,id=a,src=B",)}, {"secrets": ("id=a,env=B",)}),
        ({"secrets": ("id=a,env=B", "id=a,env=C")}, {"secrets": ("id=a,env=C",)}),
        (
            {"named_contexts": {"docker.io/library/alpine:latest": "docker-image://x:1"}},
            {"named_contexts": {"alpine": "docker-image://x:1"}},
        ),
        (
            {"named_contexts": {"x": "https://example.org/a/b.git#main:sub"}},
            {"named_contexts": {"x": "https://example.org/a/b.git#main:sub"}},
        ),
        ({"named_contexts": {"x": "git@example.org:a/b.git"}}, {"named_contexts": {"x": "git@example.org:a/b.git"}}),
        ({"bases": {"alpine": "mine"}}, {"bases": {"alpine": "mine"}}),
    ],
)
def test_two_ways_to_write_an_option_are_one(tmp_path, options, same):
    one = checked(tmp_path, **options)
    assert one == CommandOptions(**same)
    assert checked_options(one, tmp_path / "elsewhere") == one


def test_paths_begin_in_the_folder_of_the_command(tmp_path):
    (tmp_path / "shared").mkdir()
    one = checked(
        tmp_path,
        secrets=("id=a,src=a.txt", 'id=b,"src=with,comma"'),
        ssh=("default", "key=id_rsa"),
        named_contexts={"shared": "shared", "kept": "oci-layout://kept"},
    )
    assert one.secrets == (f"id=a,src={tmp_path}/a.txt", f'id=b,"src={tmp_path}/with,comma"')
    assert one.ssh == ("default", f"key={tmp_path}/id_rsa")
    assert one.named_contexts == {"shared": f"{tmp_path}/shared", "kept": f"oci-layout://{tmp_path}/kept"}
    assert (one.folders, one.images) == ({"shared": tmp_path / "shared"}, {})
    assert checked_options(one, tmp_path / "elsewhere") == one


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"platforms": ("nonsense/x/y/z",)}, "not a platform.*--platform linux/arm64"),
        ({"platforms": ("linux/amd64", "linux/arm64")}, "for linux/amd64, linux/arm64 makes every step once.*containerd"),
        ({"network": "mine"}, "no network 'mine'.*default, none or host"),
        ({"add_hosts": ("abc",)}, "NAME:ADDRESS"),
        ({"add_hosts": ("abc:def",)}, "NAME:ADDRESS"),
        ({"ulimits": ("nofile",)}, "NAME=SOFT:HARD.*nofile, nproc"),
        ({"ulimits": ("files=1",)}, "NAME=SOFT:HARD"),
        ({"ulimits": ("nofile=2:1",)}, "up to the hard one"),
        ({"shm_size": "abc"}, "not a size"),
        ({"labels": {"": "x"}}, "NAME=VALUE"),
        ({"labels": {"dev.speedkit": "2"}}, "speedkit's own"),
        ({"labels": {"dev.speedkit.installation": "2"}}, "speedkit's own"),
        ({"tags": ("A B",)}, "not a name for an image"),
        ({"tags": ("speedkit/app:naive",)}, "its own images"),
        ({"tags": ("docker.io/speedkit/app",)}, "its own images"),
        ({"secrets": ("token",)}, "id=NAME,src=FILE or id=NAME,env=VARIABLE"),
        ({"secrets": ("id=x,typ=e",)}, "id=NAME,src=FILE"),
        ({"secrets": ("src=x",)}, "id=NAME,src=FILE"),
        ({"ssh": ("=x",)}, "--ssh default"),
        ({"named_contexts": {"x": "missing"}}, "missing of the build context x does not exist"),
        ({"named_contexts": {"X": "docker-image://y"}}, "NAME=FOLDER"),
        ({"named_contexts": {"x": "docker-image://Y"}}, "names no image"),
        ({"named_contexts": {"x": "https://example.org/x.tar.gz"}}, "not the address of a git repository.*ends in .git"),
        ({"named_contexts": {"x": "target:other"}}, "another target of a bake file"),
    ],
)
def test_what_buildx_would_not_take_is_refused_with_its_form(tmp_path, options, words):
    with pytest.raises(Misuse, match=words) as raised:
        checked(tmp_path, **options)
    assert raised.value.exit_code == 2


def test_a_secret_typed_in_place_of_its_file_is_not_printed(tmp_path):
    with pytest.raises(Misuse) as raised:
        checked(tmp_path, secrets=("ghp_0123456789abcdefghijABCDEFGHIJ012345",))
    assert "ghp_0123" not in str(raised.value)


def test_a_secret_without_a_source_is_the_variable_of_its_name_or_else_a_file(tmp_path, monkeypatch):
    monkeypatch.setenv("IN_ENVIRONMENT", "value")
    one = checked(tmp_path, secrets=("id=IN_ENVIRONMENT", "id=a-file"))
    assert one.secrets == ("id=IN_ENVIRONMENT,env=IN_ENVIRONMENT", f"id=a-file,src={tmp_path}/a-file")


def test_a_secret_or_agent_that_is_not_there_is_named_before_anything_is_built(tmp_path, monkeypatch):
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    for options, words in (
        ({"secrets": ("id=a,src=missing",)}, "missing of the secret a does not exist.*--secret id=a,src=FILE"),
        ({"ssh": ("default",)}, "--ssh default needs an SSH agent.*ssh-agent"),
        ({"ssh": ("key=missing",)}, "missing of --ssh key does not exist"),
    ):
        with pytest.raises(Misuse, match=words):
            require_secrets(checked(tmp_path, **options))
    (tmp_path / "large").write_bytes(b"x" * 600_000)
    with pytest.raises(Misuse, match="too large"):
        require_secrets(checked(tmp_path, secrets=("id=a,src=large",)))
    with socket.socket(socket.AF_UNIX) as agent:
        agent.bind(str(tmp_path / "agent"))
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
        require_secrets(checked(tmp_path, ssh=("default",)))


def test_the_values_of_secrets_are_read_for_those_who_hide_them(tmp_path, monkeypatch):
    monkeypatch.setenv("A_SECRET", "of the environment")
    (tmp_path / "b").write_text("of a file\n")
    one = checked(tmp_path, secrets=("id=a,env=A_SECRET", "id=b,src=b", "id=c,src=missing", "id=d,env=UNSET_VARIABLE"))
    assert secret_values(one) == ("of the environment", "of a file\n")
    assert unset_secrets(one) == {"d"}


def test_every_option_is_checked_or_passed_on(tmp_path):
    """A new field must not be forgotten in `checked_options`."""
    names = {one.name for one in dataclasses.fields(CommandOptions)}
    assert names == {
        *("secrets", "ssh", "named_contexts", "platforms", "labels", "tags"),
        *("network", "add_hosts", "ulimits", "shm_size", "bases"),
    }
    assert checked(tmp_path) == CommandOptions()
