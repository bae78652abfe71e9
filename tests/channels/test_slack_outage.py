"""Slack is down for an hour in the middle of work: no line is lost, none stands there twice, and P1 rings by mail."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from bot.degraded import Degraded
from rules.effects import Card, OutboxEntry, OutboxState, Post, owed_since
from rules.policy import Route
from tests import stage
from tests.builders import a_message
from tests.channels.slack_play import MANIFEST, Running, a_running_desk, connection_to
from tests.loopback_slack import LoopbackSlack

UNSETTLED = (OutboxState.QUEUED, OutboxState.SENDING)


@dataclass(kw_only=True)
class Day(Running):
    """A working desk with its Slack, on a day that passes as fast as the test wants."""

    slack: LoopbackSlack
    degraded: Degraded
    mails: int = 0

    def mail(self, text: str, **changes: Any) -> None:
        """A customer writes."""
        self.mails += 1
        values = {"key": f"mail:{self.mails}", "message_id": f"<{self.mails}@example.net>", **changes}
        self.desk.receive(a_message(text=text, reply_text=text, received_at=self.clock.now(), **values))

    def answer(self, number: int, text: str) -> None:
        """The customer answers the first mail about a ticket."""
        (ours,) = {mail.message_id for key, (_, mail) in self.relay.took.items() if key == f"{number}:acknowledgement"}
        self.mail(text, in_reply_to=(ours,))

    async def passes(self, seconds: int) -> None:
        """Time goes by in steps of five seconds, in each of which the desk does what it does in a second of its own."""
        for _ in range(seconds // 5):
            self.clock.advance(timedelta(seconds=5))
            await asyncio.to_thread(self.desk.ring_due)
            late = (self.channel.reachable.troubles, self.delivery.waits_since("chat"), self.delivery.put_off("chat"))
            await asyncio.to_thread(self.degraded.look, *late)
            await self.slack.eventually(lambda: not self.owed("mail:support", due=True), timeout_s=20.0)

    def owed(self, channel: str, *, due: bool = False) -> list[OutboxEntry]:
        """What a channel has not taken; with ``due``, only what is to leave by now."""
        with self.store.read() as store:
            found = [entry for entry in store.outbox(states=UNSETTLED) if entry.channel == channel]
        return [entry for entry in found if not due or entry.due_at <= self.clock.now()]

    def all_owed(self) -> list[OutboxEntry]:
        """Everything there ever was."""
        with self.store.read() as store:
            return list(store.outbox())

    async def filled(self) -> None:
        """Wait until chat took everything; time passes meanwhile."""

        def is_filled() -> bool:
            self.clock.advance(timedelta(seconds=1))
            return not self.owed("chat")

        await self.slack.eventually(is_filled, timeout_s=30.0)

    def stands(self, channel: str = "support") -> dict[int, list[str]]:
        """The names of our lines in each ticket's thread, in the order in which they stand."""
        found: dict[int, list[str]] = {}
        for root in self.slack.messages(channel):
            payload = (root.get("metadata") or {}).get("event_payload") or {}
            if payload.get("kind") == "card":
                thread = self.slack.messages(channel, root["ts"])
                keys = [((line.get("metadata") or {}).get("event_payload") or {}).get("key") for line in thread]
                assert payload["ticket"] not in found, "one card a ticket"
                found[payload["ticket"]] = [key for key in keys if key]
        return found

    def prove_whole(self, channel: str = "support") -> None:
        """No line lost, none twice, each thread in its order."""
        with self.store.read() as store:
            entries = list(store.outbox())
            tickets = [ticket.number for ticket in store.tickets()]
        assert [entry.key for entry in entries if entry.state is not OutboxState.ACCEPTED] == []
        stands = self.stands(channel)
        assert sorted(stands) == tickets
        for number in tickets:
            lines = [entry for entry in entries if entry.lane == f"chat:{number}"]
            due = [entry.key for entry in lines if isinstance(entry.content, Post | Card)]
            assert stands[number] == due
        assert max(Counter(key for keys in stands.values() for key in keys).values()) == 1


@pytest.fixture
def slack() -> Iterator[LoopbackSlack]:
    with LoopbackSlack(MANIFEST, rate_limits=False) as running:
        yield running


@asynccontextmanager
async def a_day(slack: LoopbackSlack) -> AsyncIterator[Day]:
    """A desk that runs, with real rules, its watch over chat, and a relay."""
    loop, filling = asyncio.get_running_loop(), set[asyncio.Task[None]]()
    policy = stage.a_policy()
    staff = tuple(replace(person, slack=f"U0{person.key.upper().replace('.', '')}") for person in policy.staff)
    policy = replace(policy, staff=staff, chat=replace(policy.chat, channel=slack.channel("support")["id"]))
    async with a_running_desk(connection_to(slack), policy) as running:
        degraded = Degraded(running.desk, running.clock)

        def back(_: str) -> None:
            running.delivery.hurry()
            filling.add(loop.create_task(asyncio.to_thread(degraded.back)))

        running.channel.reachable.on_open = lambda where: running.delivery.hurry()
        running.channel.reachable.on_back = back
        await running.channel.start()
        yield Day(slack=slack, degraded=degraded, **vars(running))
    await asyncio.gather(*filling)


def prove_rung(day: Day, *, at_least: int) -> None:
    """Whoever an escalation was to call had a mail within a minute of when it was to ring."""
    rang = [entry for entry in day.all_owed() if ":escalation:" in entry.key and isinstance(entry.content, Post)]
    assert len(rang) >= at_least
    for entry in rang:
        assert isinstance(entry.content, Post)
        for person in entry.content.mentions:
            names = (f"{entry.key}:by_mail:{person}", f"{entry.key}:{person}")
            took = [day.relay.took[name][0] for name in names if name in day.relay.took]
            assert len(took) == 1, names
            # The clock of the test goes in steps of five seconds, and the machine's own time is added to it.
            assert took[0] - owed_since(entry) <= timedelta(seconds=60), names


@pytest.mark.parametrize("status", [None, 503])
async def test_an_hour_without_slack_loses_nothing_doubles_nothing_and_rings_by_mail(
    slack: LoopbackSlack, status: int | None
) -> None:
    async with a_day(slack) as day:
        for number in range(1, 4):
            day.mail(f"Printer {number} is on fire.")
        await day.filled()
        await slack.eventually(lambda: len(day.relay.took) == 3)

        slack.go_down(status)
        day.mail("Production ERP is down, nobody can work.", subject="URGENT")
        assert day.ticket(4).priority == "P1"
        for minute in range(60):
            if minute % 7 == 0:
                day.answer(1 + minute % 3, f"Minute {minute}: still burning.")
            if minute % 13 == 0:
                day.mail(f"In minute {minute} the next one went.")
            await day.passes(60)
        prove_rung(day, at_least=4)
        waiting = len(day.owed("chat"))
        assert waiting > 20

        slack.come_back()
        await day.filled()
        day.prove_whole()
        assert day.channel.reachable.troubles == {}


async def test_a_revoked_token_keeps_everything_owed_until_the_app_is_installed_again(slack: LoopbackSlack) -> None:
    async with a_day(slack) as day:
        day.mail("The printer is on fire.")
        await day.filled()
        slack.revoke()
        day.mail("The next one too.")
        await slack.eventually(lambda: "" in day.channel.reachable.troubles)
        await day.passes(120)
        assert any(key.startswith("2:card:1:by_mail:") for key in day.relay.took)
        assert "token_revoked" in day.channel.reachable.troubles[""].problem
        slack.install_again()
        await day.filled()
        day.prove_whole()


async def test_an_archived_channel_stops_no_other_and_is_filled_when_it_is_open_again(slack: LoopbackSlack) -> None:
    slack.add_channel("vip")
    async with a_day(slack) as day:
        route = Route(channel=slack.channel("vip")["id"], categories=("hardware",))
        day.desk.policy = replace(day.desk.policy, chat=replace(day.desk.policy.chat, routes=(route,)))
        slack.archive("vip")
        day.mail("The printer is on fire.")
        assert day.ticket(1).category == "hardware"
        day.mail("I would like a training.", subject="Training")
        assert day.ticket(2).category != "hardware"
        await slack.eventually(lambda: day.ticket(2).chat_thread)
        await day.passes(60)
        assert list(day.channel.reachable.troubles) == [slack.channel("vip")["id"]]
        mailed = {key for key in day.relay.took if ":by_mail:" in key}
        assert {key.partition(":")[0] for key in mailed} == {"1"}
        slack.archive("vip", archived=False)
        await day.filled()
        assert list(day.stands("vip")) == [1]
        assert list(day.stands("support")) == [2]


async def test_a_desk_that_starts_while_slack_is_away_mails_and_fills_up_later(slack: LoopbackSlack) -> None:
    slack.go_down(503)
    async with a_day(slack) as day:
        day.mail("The printer is on fire.")
        await day.passes(60)
        assert any(key.startswith("1:card:1:by_mail:") for key in day.relay.took)
        slack.come_back()
        await day.filled()
        day.prove_whole()


async def test_without_sockets_the_desk_still_speaks(slack: LoopbackSlack) -> None:
    async with a_day(slack) as day:
        await slack.eventually(lambda: slack.connections())
        slack.fault("apps.connections.open", times=1000, status=500)
        slack.cut_connections()
        day.mail("The printer is on fire.")
        await day.filled()
        day.prove_whole()
        assert day.channel.reachable.troubles == {}
        assert [key for key in day.relay.took if ":by_mail:" in key] == []
        slack.clear_faults()


async def test_posts_that_fail_while_questions_are_answered_reach_people_by_mail(slack: LoopbackSlack) -> None:
    """Slack looks well, but takes nothing."""
    async with a_day(slack) as day:
        slack.fault("chat.postMessage", times=10_000, status=500)
        day.mail("The printer is on fire.")
        await day.passes(75)
        assert any(key.startswith("1:card:1:by_mail:") for key in day.relay.took)
        slack.clear_faults()
        await day.filled()
        day.prove_whole()
