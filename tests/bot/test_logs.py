"""Logs are one line an event, with addresses masked and without secrets (R-DA-5)."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from bot.logs import mask
from bot.masking import masked


@pytest.mark.parametrize(
    ("address", "shown"),
    [("alice@example.com", "a***@example.com"), ("王芳@例子.cn", "王***@例子.cn"), ("nobody", "***"), ("", "***")],
)
def test_an_address_is_known_to_those_who_know_it_and_useless_to_others(address: str, shown: str) -> None:
    assert masked(address) == shown


def test_addresses_and_tokens_are_masked_in_every_value_however_deep() -> None:
    event = {
        "event": "refused alice@example.com",
        "to": ["bob@example.org", {"cc": "eve@example.net"}],
        "url": "http://127.0.0.1:8080/?token=s3cr3t-t0k3n",
        "slack": "xoxb-12-34-abc",
        "count": 3,
    }

    told = mask(None, "info", dict(event))

    assert told["event"] == "refused a***@example.com"
    assert told["to"] == ["b***@example.org", {"cc": "e***@example.net"}]
    assert "s3cr3t" not in told["url"]
    assert "xoxb" not in told["slack"]
    assert told["count"] == 3


SCRIPT = """
import logging
import structlog
from bot.logs import set_up_logs
set_up_logs("info", "json")
password = "hunter2"
structlog.get_logger().info("received", sender="alice@example.com")
logging.getLogger("some.library").warning("could not reach bob@example.org")
try:
    raise ValueError("a\\nb")
except ValueError:
    structlog.get_logger().exception("broken")
"""


def test_every_event_is_one_line_of_json_also_those_of_libraries_and_tracebacks() -> None:
    """Tracebacks never show the values of variables: they may be secrets."""
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)

    lines = [json.loads(line) for line in run.stderr.splitlines()]

    assert [line["event"] for line in lines] == ["received", "library", "broken"]
    assert lines[0]["sender"] == "a***@example.com"
    assert "b***@example.org" in lines[1]["message"]
    assert "ValueError" in lines[2]["exception"]
    assert "hunter2" not in run.stderr
    assert run.stdout == ""


def test_a_start_with_slack_warns_of_nothing_that_is_as_it_should_be() -> None:
    script = (
        "import logging; from bot.logs import set_up_logs; set_up_logs('info', 'json');"
        "log = logging.getLogger('slack_bolt.AsyncApp');"
        "log.warning('As you gave `client` as well, `token` will be unused.'); log.warning('something else')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert [json.loads(line)["message"] for line in done.stderr.splitlines()] == ["something else"]
