"""A channel that is away: nothing is handed to it, nothing is given up, and nobody forgets since when it is owed."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from rules.effects import OutboxEntry, OutboxState, Receipt, owed_since
from rules.errors import TemporaryDeliveryError, UncertainDeliveryError
from tests.bot.test_outbox import CHANNEL, Hand, Post, an_owed_mail
from tests.stage import MONDAY


async def test_what_the_channel_did_not_even_try_is_no_try_and_is_never_given_up() -> None:
    """Chat is away for three days: the entry waits, and remembers from when on it was owed."""
    away = TemporaryDeliveryError("Slack is away.", timedelta(seconds=20), stands=True, untried=True)
    failures = iter([away])

    def does(entry: OutboxEntry) -> None:
        for failure in failures:
            raise failure

    post = Post(Hand(does=does))
    post.owe(an_owed_mail("1:post:1"))

    async with post.working():
        async with asyncio.timeout(10):
            while not post.entry("1:post:1").problem:
                await asyncio.sleep(0.005)
        waiting = post.entry("1:post:1")
        assert (waiting.state, waiting.attempts) == (OutboxState.QUEUED, 0)
        assert waiting.due_at == MONDAY + timedelta(seconds=20)
        assert owed_since(waiting) == MONDAY
        assert post.worker is not None
        assert post.worker.waits_since(CHANNEL) == MONDAY
        assert post.worker.put_off(CHANNEL) == ("1:post:1",)
        post.clock.at = MONDAY + timedelta(days=3)
        await post.until("1:post:1", OutboxState.ACCEPTED)
        assert post.worker.waits_since(CHANNEL) is None


async def test_a_failure_that_stands_for_the_whole_way_is_never_given_up() -> None:
    failures = iter([TemporaryDeliveryError("archived", stands=True)] * 3)

    def does(entry: OutboxEntry) -> None:
        for failure in failures:
            raise failure

    post = Post(Hand(does=does))
    post.owe(an_owed_mail("1:post:1"))

    async with post.working():
        for tries in (1, 2, 3):
            async with asyncio.timeout(10):
                while post.entry("1:post:1").attempts < tries or post.entry("1:post:1").state is OutboxState.SENDING:
                    await asyncio.sleep(0.005)
            assert post.worker is not None
            stuck = post.worker.stuck(CHANNEL)
            assert stuck is not None
            assert (stuck.key, stuck.problem, owed_since(stuck)) == ("1:post:1", "archived", MONDAY)
            post.clock.at += timedelta(days=3)
        settled = await post.until("1:post:1", OutboxState.ACCEPTED)

    assert settled.attempts == 4


async def test_a_channel_that_is_away_is_handed_nothing() -> None:
    post = Post(Hand(at_once=0))
    other = Hand(name="mail:other")
    post.others["mail:other"] = other
    post.owe(an_owed_mail("1:post:1"), an_owed_mail("1:mail:1", channel="mail:other"))

    async with post.working():
        await post.until("1:mail:1", OutboxState.ACCEPTED)
        assert post.hand.sent == []
        post.hand.at_once = 64
        await post.until("1:post:1", OutboxState.ACCEPTED)


async def test_when_there_is_haste_what_is_of_unknown_fate_is_looked_for_at_once() -> None:
    looks = iter([TemporaryDeliveryError("away")])

    def lost(entry: OutboxEntry) -> None:
        raise UncertainDeliveryError("no answer")

    def finds(entry: OutboxEntry) -> Receipt | None:
        for failure in looks:
            raise failure
        return Receipt(text="there", at=MONDAY)

    post = Post(Hand(does=lost, finds=finds))
    post.owe(an_owed_mail("1:post:1"))

    async with post.working():
        async with asyncio.timeout(1.5):
            while not post.hand.looked_for:
                await asyncio.sleep(0.005)
            while post.entry("1:post:1").state is not OutboxState.ACCEPTED:
                assert post.worker is not None
                post.worker.hurry()
                await asyncio.sleep(0.005)

    assert post.hand.looked_for == ["1:post:1", "1:post:1"]


async def test_what_goes_by_a_channel_that_only_another_process_has_waits_for_that_one() -> None:
    """A mailbox was added, and the processes of the desk are restarted one after the other."""
    post = Post(Hand())
    post.alone = False
    post.owe(an_owed_mail("1:mail:1", channel="mail:new"))

    async with post.working():
        async with asyncio.timeout(10):
            while not post.entry("1:mail:1").problem:
                await asyncio.sleep(0.005)
        waiting = post.entry("1:mail:1")
        assert (waiting.state, waiting.attempts) == (OutboxState.QUEUED, 0)
        post.clock.at = MONDAY + timedelta(hours=2)
        failed = await post.until("1:mail:1", OutboxState.FAILED)
    assert "there is no channel mail:new" in failed.problem
