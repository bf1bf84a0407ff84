from __future__ import annotations

import hashlib
import json
import stat
from base64 import b64decode, b64encode

import pytest

from speedkit.recordings import redaction as redaction_module
from speedkit.recordings.redaction import Redaction


def test_the_value_of_a_secret_build_arg_is_replaced_in_lines_and_logs():
    redaction = Redaction({"NPM_TOKEN": "hunter2-very-secret"}, {})
    data = b64encode(b"using hunter2-very-secret now\n").decode()
    line = json.dumps({"vertexes": [{"name": "RUN echo hunter2-very-secret"}], "logs": [{"data": data}]}).encode()
    cleaned = redaction.line(line)
    assert b"hunter2" not in cleaned
    assert b"hunter2" not in b64decode(json.loads(cleaned)["logs"][0]["data"])
    assert b"hunter2" not in redaction.line(b"ERROR: hunter2-very-secret was refused\n")


def test_credentials_inside_a_proxy_address_are_replaced():
    redaction = Redaction({"GOPROXY": "https://me:pa55word@mirror.example"}, {"HTTPS_PROXY": "http://u:other1@p:1"})
    assert redaction.build_args({"GOPROXY": "https://me:pa55word@mirror.example"})["GOPROXY"].startswith("https://sha256:")
    assert "other1" not in redaction.text("proxy http://u:other1@p:1")


def test_two_different_secrets_can_be_told_apart_and_equal_ones_match():
    one, two = Redaction({"API_KEY": "aaaa1"}, {}), Redaction({"API_KEY": "bbbb2"}, {})
    assert one.build_args({"API_KEY": "aaaa1"}) != two.build_args({"API_KEY": "bbbb2"})
    assert one.build_args({"API_KEY": "aaaa1"}) == Redaction({"API_KEY": "aaaa1"}, {}).build_args({"API_KEY": "aaaa1"})


def test_a_text_that_is_read_while_a_secret_is_learned_is_read_anew_the_next_time(tmp_path, monkeypatch):
    """A page may ask for the Dockerfile at the very moment at which the build reads `.env`."""
    (tmp_path / ".env").write_text("GREETING=Xk42-swordfish-91\n")
    redaction, dockerfile = Redaction({}, {}), "RUN greet Xk42-swordfish-91\n"
    find = redaction_module.find_secrets

    def find_and_learn(text):
        monkeypatch.setattr(redaction_module, "find_secrets", find)
        redaction.learn_folder(tmp_path)
        return find(text)

    monkeypatch.setattr(redaction_module, "find_secrets", find_and_learn)
    redaction.text(dockerfile)
    assert "swordfish" not in redaction.text(dockerfile)


def test_a_line_without_secrets_is_kept_as_it_came():
    line = b'{"vertexes":  []}\n'
    assert Redaction({"VERSION": "1.2"}, {}).line(line) is line


def test_the_secrets_of_a_cache_option_are_replaced_and_the_rest_stays():
    option = "type=s3,region=eu-1,bucket=b,access_key_id=AKIA1234,secret_access_key=x/y=z"
    redaction = Redaction({}, {}, [option])
    cleaned = redaction.cache_option(option)
    assert cleaned.startswith("type=s3,region=eu-1,bucket=b,access_key_id=sha256:")
    assert "x/y=z" not in cleaned
    assert "AKIA1234" not in redaction.text("importing cache manifest from AKIA1234")
    assert redaction.cache_option("localhost:5000/app:cache") == "localhost:5000/app:cache"


def printed(redaction: Redaction, *chunks: str, digest: str = "sha256:1") -> str:
    """The log that is kept of a step that prints these chunks."""
    lines = []
    for chunk in chunks:
        entry = {"vertex": digest, "stream": 1, "data": b64encode(chunk.encode()).decode(), "timestamp": "t"}
        lines += redaction.lines(json.dumps({"logs": [entry]}).encode() + b"\n")
    lines += redaction.lines(json.dumps({"vertexes": [{"digest": digest, "completed": "t"}]}).encode() + b"\n")
    entries = [entry for line in lines for entry in json.loads(line).get("logs", [])]
    return b"".join(b64decode(entry["data"]) for entry in entries).decode()


PRINTED = "hunter2000"


@pytest.mark.parametrize(
    "chunks",
    [
        ["a hunter", "2000 b\n"],
        ["a hu", "nt", "er20", "00"],
        ["a hunter\n2000 b\n"],
        ["line\nhunter20\n", "00\nrest\n"],
        ["line\nhunter20\r\n", "00\nrest"],
        [b64encode(f"user:{PRINTED}".encode()).decode() + "\n"],
        [b64encode(f"xy{PRINTED}z".encode()).decode() + "\n"],
        [PRINTED.encode().hex() + "\n"],
        [f"export DB_PASS={PRINTED}\n"],
        ["x" * 70_000 + "hunter", "2000" + "y" * 70_000],
    ],
)
def test_a_password_is_found_however_a_step_prints_it(chunks):
    log = printed(Redaction({"DB_PASS": PRINTED}, {}), *chunks)
    flat = log.replace("\n", "").replace("\r", "")
    assert "hunter2" not in flat
    assert "er2000" not in flat
    assert b64encode(PRINTED.encode()).decode()[2:-4] not in flat
    assert PRINTED.encode().hex() not in flat
    assert "sha256:" in log
    assert log.count("\n") == "".join(chunks).count("\n")


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("\x1b[1mpassword\x1b[0m: \x1b[32mXk42-swordfish\x1b[0m done\n", "swordfish"),
        ("token \x1b[1mgh\x1b[4mp_\x1b[0mabcdefghij0123456789abcd\x1b[0m\n", "abcdefghij0123456789abcd"),
        ("it is \x1b[31mthe-known\x1b[1m-value-77\x1b[0m here\n", "value-77"),
        ("https://me:\x1b[1mpa55word\x1b[0m@host.example/\n", "pa55word"),
    ],
)
def test_a_secret_is_found_behind_the_colours_of_a_terminal(text, hidden):
    redaction = Redaction({"API_TOKEN": "the-known-value-77"}, {})
    assert hidden not in redaction.text(text)
    log = printed(redaction, text)
    assert hidden not in log
    assert log.count("\n") == text.count("\n")


def test_colours_stay_where_no_secret_is():
    text = "\x1b[1mkey\x1b[0m: \x1b[32myes\x1b[0m\n\x1b[31mred\x1b[0m"
    assert Redaction({"API_TOKEN": "the-known-value-77"}, {}).text(text) == text


def test_the_logs_of_two_steps_are_not_mixed_and_ordinary_ones_come_as_they_are():
    redaction = Redaction({"DB_PASS": PRINTED}, {})
    entry = {"vertex": "b", "stream": 1, "data": b64encode(b"half").decode(), "timestamp": "t"}
    assert redaction.lines(json.dumps({"logs": [entry]}).encode()) == []
    assert printed(redaction, "one\n", "two", digest="a") == "one\ntwo"
    (rest,) = redaction.rest()
    assert b64decode(json.loads(rest)["logs"][0]["data"]) == b"half"


def test_a_token_that_nobody_named_is_found_also_when_it_is_cut():
    log = printed(Redaction({}, {}), "token ghp_abcdefghij", "klmnop1234567890\n")
    assert "abcdefghij" not in log
    assert "klmnop" not in log


def test_a_private_key_is_hidden_line_by_line_over_chunks():
    log = printed(
        Redaction({}, {}),
        "-----BEGIN RSA PRIVATE KEY-----\n",
        "MIIEpAIBAAKCAQEA\n",
        "q1w2e3r4t5y6\n-----END R",
        "SA-----\nplain\n",
    )
    assert "MIIE" not in log
    assert "q1w2" not in log
    assert log.endswith("-----END RSA-----\nplain\n")


@pytest.mark.parametrize("value", ["true", "1", "latest", "3.14", "/run/secrets/token"])
def test_an_ordinary_value_under_a_secrets_name_stays_everywhere(value):
    redaction = Redaction({"API_TOKEN": value}, {})
    assert redaction.build_args({"API_TOKEN": value}) == {"API_TOKEN": value}
    assert printed(redaction, f"it is {value}\n") == f"it is {value}\n"


def test_a_password_that_is_a_word_of_every_build_is_hidden_in_its_place_alone():
    redaction = Redaction({"DB_PASS": "postgres"}, {}, dockerfile="FROM postgres\n")
    assert redaction.build_args({"DB_PASS": "postgres"})["DB_PASS"].startswith("sha256:")
    assert redaction.text("FROM postgres") == "FROM postgres"
    assert redaction.text("ENV DB_PASS=postgres") != "ENV DB_PASS=postgres"


def test_hashes_are_keyed_by_the_installation(tmp_path, monkeypatch):
    found = set()
    for name in ("one", "other", "one"):
        monkeypatch.setenv("SPEEDKIT_HOME", str(tmp_path / name))
        found.add(Redaction({}, {}).build_args({"DB_PASS": PRINTED})["DB_PASS"])
    assert len(found) == 2
    assert not any(hashlib.sha256(PRINTED.encode()).hexdigest().startswith(value[7:]) for value in found)
    key = tmp_path / "one" / "redaction.key"
    assert (len(key.read_bytes()), stat.S_IMODE(key.stat().st_mode)) == (32, 0o600)


def test_a_quoted_value_of_a_cache_option_is_hidden():
    option = 'type=azblob,name=c,"secret_access_key=a,b1234",account_url=https://x.example/?sv=1&sig=abcd%2F1234'
    cleaned = Redaction({}, {}, [option]).cache_option(option)
    assert "b1234" not in cleaned
    assert "abcd%2F1234" not in cleaned
    assert "type=azblob,name=c," in cleaned


def test_what_base_images_and_files_of_the_context_hold_is_hidden(tmp_path):
    (tmp_path / ".env").write_text("APP=demo\nDB_PASS=fromDotEnv1\n")
    (tmp_path / ".netrc").write_text("machine h login me password fromNetrc1\n")
    redaction = Redaction({}, {})
    redaction.learn_folder(tmp_path)
    bases = {"base": {"environment": ["PATH=/bin", "DB_PASSWORD=fromBase1"], "on_build": ["RUN x --token=onBuild1"], "id": "i"}}
    redaction.learn_bases(bases)
    facts = redaction.base_facts(bases)["base"]
    assert facts["environment"][0] == "PATH=/bin"
    for secret in ("fromDotEnv1", "fromNetrc1", "fromBase1", "onBuild1"):
        assert secret not in redaction.text(f"alone {secret}")
        assert secret not in json.dumps(facts)


def test_the_dockerfile_in_a_warning_is_hidden():
    data = b64encode(b"FROM x\nENV DB_PASS=inTheFile1\n").decode()
    warning = {"vertex": "v", "short": b64encode(b"DB_PASS=inTheFile1").decode(), "sourceInfo": {"data": data}}
    kept = json.loads(Redaction({}, {}).line(json.dumps({"warnings": [warning]}).encode()))["warnings"][0]
    assert b"inTheFile1" not in b64decode(kept["short"]) + b64decode(kept["sourceInfo"]["data"])


def test_the_end_of_a_secret_that_begins_another_one_is_not_held_back():
    redaction = Redaction({"ONE_TOKEN": "abcdefgh1234wxyz", "OTHER_TOKEN": "wxyz9876543210"}, {})
    assert printed(redaction, "abcdefgh1234wxyz\n", "more\n").startswith("sha256:")
