"""A desk that runs with the real rules behind Slack, a relay that takes every mail, and a clock that can be moved."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.chat_inbox import ChatInbox
from bot.clock import MovedClock
from bot.desk import Desk
from bot.outbox import Delivery
from bot.window import Window
from channels.protocol import Sender
from channels.slack.app import SlackChannel, SlackConnection
from rules.effects import Mail, OutboxEntry, Receipt
from rules.model import Entry, Ticket
from rules.policy import Policy
from storage.memory import MemoryStore
from tests import stage
from tests.builders import a_message
from tests.channels.slack_desk import ANA, BEN
from tests.loopback_slack import LoopbackSlack, Manifest

MANIFEST = Manifest.load(Path(__file__).parents[2] / "slack-manifest.yaml")


@dataclass
class Relay:
    """A relay that takes every mail, once, and notes when."""

    clock: MovedClock
    name: str = "mail:support"
    at_once: int = 64
    took: dict[str, tuple[datetime, Mail]] = field(default_factory=dict)

    @property
    def mails(self) -> list[Mail]:
        """What it took, in order."""
        return [mail for _, mail in self.took.values()]

    async def send(self, entry: OutboxEntry) -> Receipt:
        """Take a mail."""
        assert isinstance(entry.content, Mail)
        assert entry.key not in self.took, "each is mailed once"
        self.took[entry.key] = (self.clock.now(), entry.content)
        return Receipt(text="250 ok", at=entry.due_at)

    async def find(self, entry: OutboxEntry) -> Receipt | None:
        """Nobody has to ask."""
        raise AssertionError(f"the fate of every mail is known here: {entry.key}")

    async def stop(self) -> None:
        """Nothing to let go."""


@dataclass(kw_only=True)
class Running:
    """A desk with its store, its relay and its way to Slack."""

    desk: Desk
    store: MemoryStore
    relay: Relay
    clock: MovedClock
    channel: SlackChannel
    delivery: Delivery

    def mail(self, text: str, **changes: Any) -> None:
        """Mei Lin writes to support."""
        self.desk.receive(a_message(text=text, reply_text=text, received_at=self.clock.now(), **changes))

    def pass_the_hold(self) -> None:
        """Twenty seconds go by at once."""
        self.clock.advance(timedelta(seconds=20))

    def ticket(self, number: int = 1) -> Ticket:
        """A ticket as it is now."""
        with self.store.read() as store:
            found = store.ticket(number)
        assert found is not None
        return found

    def journal(self, number: int = 1) -> list[Entry]:
        """What is written down of a ticket."""
        with self.store.read() as store:
            return list(store.entries(number))

    def replies(self) -> list[Mail]:
        """The mails that people wrote."""
        return [mail for mail in self.relay.mails if not mail.automatic]


@asynccontextmanager
async def a_running_desk(connection: SlackConnection, policy: Policy) -> AsyncIterator[Running]:
    """Everything but the hearing: the channel is started by whoever plays, and stopped here."""
    loop, store, clock = asyncio.get_running_loop(), MemoryStore(), MovedClock(datetime.now(UTC))
    relay = Relay(clock)

    def wake(_: object) -> None:
        loop.call_soon_threadsafe(delivery.wake)

    with ThreadPoolExecutor(8) as executor:
        desk = Desk(store, policy, clock, wake)
        given: dict[str, Any] = {"looking": Window(store), "policy": lambda: desk.policy, "now": clock.now}
        channel = SlackChannel(connection, hearing=desk, inbox=ChatInbox(store), executor=executor, **given)
        senders: dict[str, Sender] = {"chat": channel, "mail:support": relay}
        delivery = Delivery(desk, senders, clock, executor, random.Random(1))
        running = asyncio.create_task(delivery.run())
        try:
            yield Running(
                desk=desk, store=store, relay=relay, clock=clock, channel=channel, delivery=delivery
            )  # fmt: skip
        finally:
            channel.let_go()
            delivery.stop()
            await running
            await channel.stop()


@dataclass(kw_only=True)
class Play(Running):
    """The desk with its Slack."""

    slack: LoopbackSlack

    def thread(self) -> list[dict[str, Any]]:
        """The first card with all that stands under it."""
        roots = self.slack.messages("support")
        return self.slack.messages("support", roots[0]["ts"]) if roots else []

    def reactions(self, ts: str) -> list[str]:
        """The marks on a message."""
        return [reaction["name"] for reaction in self.slack.message("support", ts).get("reactions", [])]


def connection_to(slack: LoopbackSlack, **more: Any) -> SlackConnection:
    """The way to a loopback Slack, without its pace."""
    return SlackConnection(
        channel=slack.channel("support")["id"],
        bot_token=slack.bot_token,
        app_token=slack.app_token,
        api_url=slack.api_url,
        posts_per_second=1000.0,
        **more,
    )


@asynccontextmanager
async def a_play(
    slack: LoopbackSlack, *, connected: Mapping[str, Any] | None = None, **changes: Any
) -> AsyncIterator[Play]:
    """A desk that runs: delivery, Slack and a relay around the real rules; ``changes`` are of its policy.

    ``connected`` says more about how it reaches Slack.
    """
    staff = (replace(ANA, slack=slack.user("ana")["id"]), BEN)
    policy = replace(stage.a_policy(), **{"staff": staff, **changes})
    async with a_running_desk(connection_to(slack, **(connected or {})), policy) as running:
        await running.channel.start()
        yield Play(slack=slack, **vars(running))
