"""A customer's mail makes its way through Slack with the real desk behind it: card, reply, hold, marks, resolution."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
from pathlib import Path
from typing import Any

import pytest

from bot.chat_inbox import ChatInbox
from bot.clock import MovedClock
from bot.desk import Desk
from bot.outbox import Delivery
from bot.window import Window
from channels.mail.addresses import OwnAddresses
from channels.mail.compose import compose
from channels.mail.parse import parse
from channels.protocol import Sender
from channels.slack.app import SlackChannel, SlackConnection
from rules.effects import Mail, OutboxEntry, Receipt
from rules.model import Entry, EntryKind, Status, Ticket
from storage.memory import MemoryStore
from tests import stage
from tests.builders import a_message
from tests.channels.slack_desk import ANA, BEN
from tests.loopback_slack import LoopbackSlack, Manifest

MANIFEST = Manifest.load(Path(__file__).parents[2] / "slack-manifest.yaml")


@dataclass
class Relay:
    """A relay that takes every mail."""

    name: str = "mail:support"
    at_once: int = 64
    mails: list[Mail] = field(default_factory=list)

    async def send(self, entry: OutboxEntry) -> Receipt:
        assert isinstance(entry.content, Mail)
        self.mails.append(entry.content)
        return Receipt(text="250 ok", at=entry.due_at)

    async def find(self, entry: OutboxEntry) -> Receipt | None:
        raise AssertionError(f"the fate of every mail is known here: {entry.key}")

    async def stop(self) -> None:
        """Nothing to let go."""


@dataclass
class Play:
    """The desk with its Slack, its relay and its store."""

    desk: Desk
    store: MemoryStore
    slack: LoopbackSlack
    relay: Relay
    clock: MovedClock
    channel: SlackChannel

    def mail(self, text: str, **changes: Any) -> None:
        """Mei Lin writes to support."""
        self.desk.receive(a_message(text=text, reply_text=text, received_at=self.desk.clock.now(), **changes))

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

    def thread(self) -> list[dict[str, Any]]:
        """The first card with all that stands under it."""
        roots = self.slack.messages("support")
        return self.slack.messages("support", roots[0]["ts"]) if roots else []

    def reactions(self, ts: str) -> list[str]:
        """The marks on a message."""
        return [reaction["name"] for reaction in self.slack.message("support", ts).get("reactions", [])]

    def replies(self) -> list[Mail]:
        """The mails that people wrote."""
        return [mail for mail in self.relay.mails if not mail.automatic]


@pytest.fixture
def slack() -> Iterator[LoopbackSlack]:
    with LoopbackSlack(MANIFEST, rate_limits=False) as running:
        yield running


@asynccontextmanager
async def a_play(
    slack: LoopbackSlack, *, connected: Mapping[str, Any] | None = None, **changes: Any
) -> AsyncIterator[Play]:
    """A desk that runs: delivery, Slack and a relay around the real rules; ``changes`` are of its policy.

    ``connected`` says more about how it reaches Slack.
    """
    loop, relay, store, clock = asyncio.get_running_loop(), Relay(), MemoryStore(), MovedClock(datetime.now(UTC))
    staff = (replace(ANA, slack=slack.user("ana")["id"]), BEN)
    policy = replace(stage.a_policy(), **{"staff": staff, **changes})

    def wake(_: object) -> None:
        loop.call_soon_threadsafe(delivery.wake)

    with ThreadPoolExecutor(4) as executor:
        desk = Desk(store, policy, clock, wake)
        connection = SlackConnection(
            channel=slack.channel("support")["id"],
            bot_token=slack.bot_token,
            app_token=slack.app_token,
            api_url=slack.api_url,
            posts_per_second=1000.0,
            **(connected or {}),
        )
        given: dict[str, Any] = {"looking": Window(store), "policy": lambda: policy, "now": clock.now}
        channel = SlackChannel(connection, hearing=desk, inbox=ChatInbox(store), executor=executor, **given)
        senders: dict[str, Sender] = {"chat": channel, "mail:support": relay}
        delivery = Delivery(desk, senders, clock, executor, random.Random(1))
        await channel.start()
        running = asyncio.create_task(delivery.run())
        try:
            yield Play(desk, store, slack, relay, clock, channel)
        finally:
            delivery.stop()
            await running
            await channel.stop()


async def test_a_mail_is_answered_and_resolved_from_slack(slack: LoopbackSlack) -> None:
    async with a_play(slack) as play:
        play.mail("The printer is on fire. <!channel> Please help.")
        await slack.eventually(lambda: play.thread() and play.ticket().chat_thread)
        root = play.thread()[0]["ts"]
        slack.click("ana", "support", root, "deskbell:claim")
        await slack.eventually(lambda: play.ticket().assignee == "ana")
        await slack.eventually(lambda: "Ana Silva" in json.dumps(play.thread()[0]["blocks"]))

        said = slack.post("ana", "support", "Hello Mei, a new one is on its way.", root)
        await slack.eventually(lambda: play.reactions(said["ts"]) == ["hourglass_flowing_sand"])
        assert play.replies() == []
        play.pass_the_hold()
        await slack.eventually(lambda: play.replies())
        await slack.eventually(lambda: play.reactions(said["ts"]) == ["email"])
        assert "Hello Mei, a new one is on its way." in play.replies()[0].text
        assert play.replies()[0].to == ("mei.lin@example.net",)

        slack.click("ana", "support", root, "deskbell:open:resolve")
        await slack.eventually(lambda: slack.modals("ana"))
        slack.submit("ana", {"text": "Sent a new printer", "root_cause": "toner dust"})
        await slack.eventually(lambda: play.ticket().status is Status.RESOLVED)
        await slack.eventually(lambda: len(play.thread()[0]["blocks"]) == 3)
        assert len(slack.messages("support")) == 1


async def test_notes_edits_and_deletions_in_the_hold_never_reach_the_customer(slack: LoopbackSlack) -> None:
    async with a_play(slack) as play:
        play.mail("The printer is on fire.")
        await slack.eventually(lambda: play.thread() and play.ticket().chat_thread)
        root = play.thread()[0]["ts"]
        note = slack.post("ana", "support", "🔒 he sounds angry", root)
        stranger = slack.post("eve", "support", "me too", root)
        slip = slack.post("ana", "support", "he is a pain", root)
        await slack.eventually(lambda: play.reactions(slip["ts"]) == ["hourglass_flowing_sand"])
        slack.delete("ana", "support", slip["ts"])
        wrong = slack.post("ana", "support", "on its wya", root)
        await slack.eventually(lambda: play.reactions(wrong["ts"]) == ["hourglass_flowing_sand"])
        slack.edit("ana", "support", wrong["ts"], "on its way")
        await slack.eventually(lambda: any(e.text == "on its way" for e in play.journal()))
        play.pass_the_hold()
        await slack.eventually(lambda: play.reactions(wrong["ts"]) == ["email"])
        await slack.eventually(lambda: play.reactions(note["ts"]) == ["lock"])
        assert len(play.replies()) == 1
        assert "on its way" in play.replies()[0].text
        assert play.reactions(stranger["ts"]) == []
        assert "not on the staff list" in slack.ephemerals("eve")[0]["text"]


async def test_a_customers_pdf_reaches_the_thread_and_staffs_picture_the_customers_mail(slack: LoopbackSlack) -> None:
    """Byte for byte, both ways; also when Slack swallows what it says about the customer's file (complaint 65)."""
    pdf, png = b"%PDF-1.7\n" + bytes(range(256)) * 99, b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 99
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["Subject"], mail["Message-ID"] = "mei.lin@example.net", "Printer", "<1@example.net>"
    mail.set_content("See the invoice.\r\n")
    mail.add_attachment(pdf, maintype="application", subtype="pdf", filename="Rechnung März.pdf")
    slack.fault("files.completeUploadExternal", after_work=True, drop=True)
    async with a_play(slack) as play:
        box = play.desk.policy.mailboxes[0]
        play.desk.receive(parse(mail.as_bytes(), received_at=play.clock.now(), channel="mail:support"))
        await slack.eventually(lambda: len(play.thread()) == 3)
        root, told, shared = play.thread()
        assert "Rechnung März.pdf (25 KB)" in json.dumps(told["blocks"], ensure_ascii=False)
        assert [file["name"] for file in shared["files"]] == ["Rechnung März.pdf"]
        assert [file["content"] for file in slack.files()] == [pdf]

        said = slack.upload("ana", "support", "So geht's.png", png, "like this", root["ts"])
        await slack.eventually(lambda: play.reactions(said["ts"]) == ["hourglass_flowing_sand"])
        play.pass_the_hold()
        (reply,) = await slack.eventually(play.replies)
        own, files = OwnAddresses((box,)), Window(play.store).file
        raw = compose(reply, mailbox=box, own=own, now=play.clock.now(), files=files)
        (part,) = message_from_bytes(raw, policy=default).iter_attachments()
        assert (part.get_filename(), part.get_content()) == ("So geht's.png", png)
        await slack.eventually(lambda: play.reactions(said["ts"]) == ["email"])
        assert len(play.thread()) == 4
        assert list(play.store.verify()) == []


async def test_a_reply_with_a_file_that_cannot_be_had_stays_and_its_author_hears_why(slack: LoopbackSlack) -> None:
    async with a_play(slack) as play:
        play.mail("The printer is on fire.")
        await slack.eventually(lambda: play.thread() and play.ticket().chat_thread)
        slack.fault("download", times=2, status=500)
        slack.upload("ana", "support", "so.png", b"png", "like this", play.thread()[0]["ts"])
        await slack.eventually(lambda: slack.ephemerals("ana"))
        assert "so.png could not be fetched" in slack.ephemerals("ana")[0]["text"]
        play.pass_the_hold()
        assert play.replies() == []
        assert [entry.text for entry in play.journal() if entry.kind is EntryKind.REPLIED] == []


async def test_the_customers_answer_appears_in_the_thread_and_pings_nobody_it_names(slack: LoopbackSlack) -> None:
    async with a_play(slack) as play:
        play.mail("The printer is on fire.")
        await slack.eventually(lambda: play.relay.mails and play.ticket().chat_thread)
        ours = play.relay.mails[0].message_id
        play.mail("Any news? <!here> <@U0ANA>", key="mail:2", message_id="<2@example.net>", in_reply_to=(ours,))
        await slack.eventually(lambda: len(play.thread()) == 2)
        line = play.thread()[1]
        assert "Any news?" in json.dumps(line["blocks"])
        assert "<!here>" not in line["text"]
        assert not any("<!here>" in json.dumps(b) for b in line["blocks"] if b["type"] != "rich_text")


async def test_posts_that_slack_swallows_the_answer_to_stand_there_once(slack: LoopbackSlack) -> None:
    slack.do("fault", method="chat.postMessage", times=2, after_work=True, drop=True)
    async with a_play(slack) as play:
        play.mail("The printer is on fire.")
        await slack.eventually(lambda: play.thread() and play.ticket().chat_thread)
        ours = (await slack.eventually(lambda: play.relay.mails))[0].message_id
        play.mail("Any news?", key="mail:2", message_id="<2@example.net>", in_reply_to=(ours,))
        await slack.eventually(lambda: len(play.thread()) == 2)
        root = play.thread()[0]["ts"]
        slack.click("ana", "support", root, "deskbell:claim")
        await slack.eventually(lambda: play.ticket().assignee == "ana" and len(play.thread()) == 3)
        assert len(slack.messages("support")) == 1
