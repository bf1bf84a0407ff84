from __future__ import annotations

import json
from base64 import b64decode, b64encode

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
