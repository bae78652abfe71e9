"""Slack stumbles for a moment: what is owed stands there moments after it answers well again, and once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.channels.slack_play import MANIFEST
from tests.channels.test_slack_outage import a_day
from tests.loopback_slack import LoopbackSlack


@pytest.fixture
def slack() -> Iterator[LoopbackSlack]:
    with LoopbackSlack(MANIFEST, rate_limits=False) as running:
        yield running


@pytest.mark.parametrize("trouble", [{"status": 500}, {"status": 503}, {"drop": True}, {"error": "internal_error"}])
async def test_a_card_stands_moments_after_slack_has_stumbled_twice(
    slack: LoopbackSlack, trouble: dict[str, Any]
) -> None:
    async with a_day(slack) as day:
        slack.fault("chat.postMessage", times=2, **trouble)
        began = time.monotonic()
        day.mail("The printer is on fire.")
        await slack.eventually(lambda: not day.owed("chat"), timeout_s=30.0)
        assert time.monotonic() - began < 6
        day.prove_whole()


async def test_what_was_put_off_goes_as_soon_as_slack_is_back_from_a_short_absence(slack: LoopbackSlack) -> None:
    async with a_day(slack) as day:
        slack.go_down(503)
        for number in range(6):
            day.mail(f"Printer {number} is on fire.")
        await slack.eventually(lambda: day.channel.reachable.is_closed(""))
        await asyncio.sleep(1)
        slack.come_back()
        began = time.monotonic()
        await slack.eventually(lambda: not day.owed("chat"), timeout_s=40.0)
        assert time.monotonic() - began < 6
        day.prove_whole()
