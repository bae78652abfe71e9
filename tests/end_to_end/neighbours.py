"""Slack as the tests know it, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.loopback_slack import RemoteSlack

ROOT = Path(__file__).parent.parent.parent


@contextmanager
def slack_process() -> Iterator[RemoteSlack]:
    """A loopback Slack that grants what the shipped manifest asks for; misuse of its API fails the test."""
    words = [sys.executable, "-m", "tests.loopback_slack", "--port", "0", "--manifest", "slack-manifest.yaml"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert process.stdout is not None
        slack = RemoteSlack(json.loads(process.stdout.readline())["control_url"])
        yield slack
        assert slack.misuse() == []
    finally:
        process.kill()
        process.communicate()
