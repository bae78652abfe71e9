"""The list of differences between Slack and emulate holds what the contract suite checks, no more and no less."""

from __future__ import annotations

import re
from pathlib import Path

from tests.interop.differences import DIFFERENCES

CHECKED = re.compile(r'as_documented\(\s*"([^"]+)"')


def test_every_difference_is_written_once_and_checked() -> None:
    names = [each.name for each in DIFFERENCES]
    suite = "".join(path.read_text() for path in Path(__file__).parent.glob("test_slack_*.py"))
    assert sorted(names) == sorted(set(CHECKED.findall(suite)))


def test_every_difference_says_what_slack_does_and_what_emulate_does() -> None:
    assert [each.name for each in DIFFERENCES if not each.slack or not each.emulate or each.slack == each.emulate] == []
