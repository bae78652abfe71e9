"""Fixtures of the tests that ask the loopback Slack itself; each test file says which Slack it is about."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from slack_sdk.web.async_client import AsyncWebClient

from tests.loopback_slack import LoopbackSlack
from tests.loopback_slack.probes import Desk


@pytest_asyncio.fixture
async def client(slack: LoopbackSlack) -> AsyncIterator[AsyncWebClient]:
    yield AsyncWebClient(slack.bot_token, base_url=slack.api_url, retry_handlers=[])


@pytest_asyncio.fixture
async def desk(slack: LoopbackSlack, client: AsyncWebClient) -> AsyncIterator[Desk]:
    running = Desk(slack, client)
    await running.handler.connect_async()  # type: ignore[no-untyped-call] # Bolt gives it no types
    await slack.eventually(slack.connections)
    yield running
    await running.handler.close_async()  # type: ignore[no-untyped-call] # Bolt gives it no types
