"""The desk as it is, over signed HTTP, on a Slack that nobody here wrote: card, reply, marks, a file, an update."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
from typing import Any

import aiohttp

from bot.window import Window
from channels.mail.addresses import OwnAddresses
from channels.mail.compose import compose
from channels.mail.parse import parse
from channels.slack.app import EVENTS_PATH, SlackConnection
from tests import stage
from tests.channels.slack_desk import ANA, BEN
from tests.channels.slack_play import Running, a_running_desk
from tests.interop.peers import Json, Peer

PATIENCE_S = 10.0


@dataclass(kw_only=True)
class Scene(Running):
    """The desk beside a Slack."""

    peer: Peer

    async def cards(self) -> list[Json]:
        """What stands in the channel, newest first."""
        answer = await self.peer.ask("conversations.history", channel=self.peer.channels["support"])
        return list(answer["messages"])

    async def marks(self, ts: str) -> list[str]:
        """The reactions on a message of the thread."""
        answer = await self.peer.ask("reactions.get", channel=self.peer.channels["support"], timestamp=ts)
        return [each["name"] for each in answer["message"].get("reactions", [])]


async def until(seen: Callable[[], Awaitable[Any]]) -> Any:
    """Wait until something is so, and give it. Raises TimeoutError."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := await seen()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not seen within {PATIENCE_S} s; last: {found!r}")
        await asyncio.sleep(0.02)
    return found


@asynccontextmanager
async def a_scene(peer: Peer, *, hears: bool = True) -> AsyncIterator[Scene]:
    """A desk that runs on this Slack, with events by signed HTTP unless it is to hear nothing."""
    policy = replace(stage.a_policy(), staff=(replace(ANA, slack=peer.users["ana"]), BEN))
    connection = SlackConnection(
        channel=peer.channels["support"],
        bot_token=peer.bot_token,
        signing_secret=peer.signing_secret,
        api_url=peer.api_url,
        mode="http",
        listen=("127.0.0.1", 0),
        posts_per_second=1000.0,
        sweep_calls=1000,
    )
    async with a_running_desk(connection, policy) as running:
        await running.channel.start()
        if hears:
            await peer.deliver_to(f"http://{running.channel.listening}{EVENTS_PATH}")
        yield Scene(peer=peer, **vars(running))


async def test_a_mail_becomes_a_card_and_a_reply_in_its_thread_a_mail(peer: Peer) -> None:
    """The reply is marked while it is held and again when it was sent."""
    async with a_scene(peer) as scene:
        scene.mail("The printer is on fire.")
        [card] = await until(scene.cards)
        assert "Printer" in json.dumps(card["blocks"]) or "printer" in json.dumps(card["blocks"])
        said = await peer.post("ana", "support", "A new one is on its way.", card["ts"])

        async def has(mark: str) -> bool:
            return mark in await scene.marks(said)

        await until(lambda: has("hourglass_flowing_sand"))
        assert scene.replies() == []
        scene.clock.advance(timedelta(seconds=20))
        await until(lambda: has("email"))
        [reply] = scene.replies()
        assert "A new one is on its way." in reply.text


async def test_a_reaction_on_the_card_claims_the_ticket_and_the_card_says_so(peer: Peer) -> None:
    """Edited in place: there is one message in the channel before and after."""
    async with a_scene(peer) as scene:
        scene.mail("The printer is on fire.")
        [card] = await until(scene.cards)
        await peer.react("ana", "support", card["ts"], "eyes")

        async def claimed() -> bool:
            return scene.ticket().assignee == "ana" and "Ana Silva" in json.dumps((await scene.cards())[0]["blocks"])

        await until(claimed)
        assert [each["ts"] for each in await scene.cards()] == [card["ts"]]


async def test_somebody_who_is_no_agent_is_known_by_what_slack_says_of_them(peer: Peer) -> None:
    """Who they are is asked of Slack; nothing is mailed."""
    async with a_scene(peer) as scene:
        scene.mail("The printer is on fire.")
        [card] = await until(scene.cards)
        await peer.post("eve", "support", "me too", card["ts"])
        said = await peer.post("ben", "support", "We are looking into it.", card["ts"])

        async def held() -> bool:
            return "hourglass_flowing_sand" in await scene.marks(said)

        await until(held)
        scene.clock.advance(timedelta(seconds=20))

        async def mailed() -> bool:
            return bool(scene.replies())

        await until(mailed)
        assert [mail.text.splitlines()[0] for mail in scene.replies()] == ["We are looking into it."]


async def test_what_no_event_told_of_is_found_in_the_thread(peer: Peer) -> None:
    """Not one event comes; what moved is seen in the channel's history and read from the thread."""
    async with a_scene(peer, hears=False) as scene:
        scene.mail("The printer is on fire.")
        [card] = await until(scene.cards)
        await scene.channel.sweep()
        said = await peer.post("ana", "support", "A new one is on its way.", card["ts"])
        await scene.channel.sweep()

        async def held() -> bool:
            return "hourglass_flowing_sand" in await scene.marks(said)

        await until(held)
        await scene.channel.sweep()
        scene.clock.advance(timedelta(seconds=20))

        async def mailed() -> bool:
            return bool(scene.replies())

        await until(mailed)
        assert len(scene.replies()) == 1


async def test_files_go_both_ways(peer: Peer) -> None:
    """Byte for byte: the customer's into the thread, the agent's into the mail."""
    pdf, png = b"%PDF-1.7" + bytes(range(256)) * 9, b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["Subject"], mail["Message-ID"] = "mei.lin@example.net", "Printer", "<1@example.net>"
    mail.set_content("See the invoice.\r\n")
    mail.add_attachment(pdf, maintype="application", subtype="pdf", filename="invoice.pdf")
    async with a_scene(peer) as scene:
        scene.desk.receive(parse(mail.as_bytes(), received_at=scene.clock.now(), channel="mail:support"))
        [card] = await until(scene.cards)

        async def shared() -> list[Json]:
            place = peer.channels["support"]
            thread = (await peer.ask("conversations.replies", channel=place, ts=card["ts"]))["messages"]
            return [file for each in thread for file in each.get("files", [])]

        [file] = await until(shared)
        bearer = {"Authorization": f"Bearer {peer.bot_token}"}
        async with aiohttp.ClientSession() as session, session.get(file["url_private"], headers=bearer) as response:
            assert await response.read() == pdf

        said = await peer.upload("ana", "support", "so.png", png, "like this", card["ts"])

        async def held() -> bool:
            return "hourglass_flowing_sand" in await scene.marks(said)

        await until(held)
        scene.clock.advance(timedelta(seconds=20))

        async def mailed() -> bool:
            return bool(scene.replies())

        await until(mailed)
        box = scene.desk.policy.mailboxes[0]
        [reply] = scene.replies()
        files = Window(scene.store).file
        raw = compose(reply, mailbox=box, own=OwnAddresses((box,)), now=scene.clock.now(), files=files)
        [part] = message_from_bytes(raw, policy=default).iter_attachments()
        assert (part.get_filename(), part.get_content()) == ("so.png", png)
