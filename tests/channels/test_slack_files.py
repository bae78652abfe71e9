"""Files in Slack: a customer's are put into the ticket's thread once, what staff share there goes to the desk whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

from channels.slack.hearing.parse import SharedFile
from channels.slack.speaking.files import SlackFiles
from channels.slack.speaking.sender import LOOKS_FOR_A_FILE
from rules.effects import OutboxEntry, OwedFile, Post, StaffFile, Upload
from rules.errors import PermanentDeliveryError, TemporaryDeliveryError, UncertainDeliveryError
from rules.files import STAFF_COUNT_MOST, STAFF_MOST
from rules.journal import EntryKind
from tests.builders import an_entry
from tests.channels.slack_desk import FakeDesk, a_channel, card_of, owed, settled, told
from tests.loopback_slack import LoopbackSlack, Manifest

MANIFEST = Manifest.load(Path(__file__).parents[2] / "slack-manifest.yaml")
PDF = b"%PDF-1.7\n" + bytes(range(256)) * 6000
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


@pytest.fixture
def slack() -> Iterator[LoopbackSlack]:
    """A Slack whose app was made from the manifest we ship."""
    with LoopbackSlack(MANIFEST, retry_delays_s=(0.05, 0.05, 0.05)) as running:
        yield running


def an_upload(desk: FakeDesk, name: str = "Rechnung März.pdf", data: bytes = PDF) -> OutboxEntry:
    """A customer's file, owed to the thread of ticket 7 behind the post of its mail."""
    desk.kept["mail:2", 3] = data
    file = OwedFile(filename=name, content_type="application/pdf", message_key="mail:2", part=3, size=len(data))
    return owed(Upload(ticket=7, file=file, after="7:message:2"), "7:message:2:file:1")


def files_in(slack: LoopbackSlack, root: str) -> list[str]:
    """The names of all files in a thread."""
    return [file["name"] for message in slack.messages("support", root) for file in message.get("files", [])]


async def test_a_customers_file_is_put_into_the_thread_byte_for_byte(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        receipt = await channel.send(an_upload(desk))
        await slack.eventually(lambda: files_in(slack, root) == ["Rechnung März.pdf"])
        (file,) = slack.files()
        assert file["content"] == PDF
        assert receipt.text == f"{slack.channel('support')['id']}:{file['id']}"


async def test_a_file_waits_for_the_card_and_is_refused_when_its_bytes_are_gone(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        await card_of(slack, desk, channel)
        upload = an_upload(desk)
        desk.kept.clear()
        with pytest.raises(PermanentDeliveryError, match="cannot be read"):
            await channel.send(upload)
        desk.tickets[7] = desk.tickets[7].__class__(**_without_thread(desk))
        desk.threads.clear()
        await channel.stop()
    async with a_channel(slack, desk) as channel:
        with pytest.raises(TemporaryDeliveryError, match="not in Slack yet"):
            await channel.send(an_upload(desk))
    assert slack.files() == []


def _without_thread(desk: FakeDesk) -> dict[str, Any]:
    ticket = desk.tickets[7]
    return {name: getattr(ticket, name) for name in ticket.__slots__} | {"chat_thread": ""}


@pytest.mark.parametrize("fault", [{"after_work": True, "drop": True}, {"status": 503}])
@pytest.mark.parametrize("method", ["files.getUploadURLExternal", "upload"])
async def test_an_upload_that_breaks_before_it_can_be_seen_is_simply_tried_again(
    slack: LoopbackSlack, method: str, fault: dict[str, Any]
) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        slack.fault(method, **fault)
        with pytest.raises(TemporaryDeliveryError):
            await channel.send(an_upload(desk))
        await channel.send(an_upload(desk))
        await slack.eventually(lambda: files_in(slack, root) == ["Rechnung März.pdf"])


async def test_a_file_whose_sharing_went_unanswered_is_found_and_not_shared_again(slack: LoopbackSlack) -> None:
    """Slack lets no name of ours be put on a file: it is known by name and size, behind the post of its mail."""
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        await channel.send(an_upload(desk))
        await slack.eventually(lambda: len(files_in(slack, root)) == 1)
        await channel.send(owed(Post(text="Mei wrote", ticket=7), "7:message:2"))
        slack.fault("files.completeUploadExternal", after_work=True, drop=True)
        with pytest.raises(UncertainDeliveryError):
            await channel.send(an_upload(desk))
        await slack.eventually(lambda: len(files_in(slack, root)) == 2)
        found = await channel.find(an_upload(desk))
        assert found is not None
        assert found.text.endswith(slack.messages("support", root)[-1]["ts"])


async def test_a_file_that_was_never_shared_is_looked_for_more_than_once_before_it_is_sent_again(
    slack: LoopbackSlack,
) -> None:
    """Slack shares a moment after it said so; an earlier file of the same name and size does not count."""
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        await channel.send(an_upload(desk))
        await slack.eventually(lambda: len(files_in(slack, root)) == 1)
        await channel.send(owed(Post(text="Mei wrote", ticket=7), "7:message:2"))
        slack.fault("files.completeUploadExternal", drop=True)
        with pytest.raises(UncertainDeliveryError):
            await channel.send(an_upload(desk))
        for _ in range(LOOKS_FOR_A_FILE - 1):
            with pytest.raises(TemporaryDeliveryError, match="not in the thread yet"):
                await channel.find(an_upload(desk))
        assert await channel.find(an_upload(desk)) is None


async def test_a_file_under_a_staff_reply_goes_with_it(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        slack.upload("ana", "support", "screen.png", PNG, "see the picture", root)
        await slack.eventually(lambda: desk.obeyed)
        assert told(desk) == [("say", "see the picture")]
        assert desk.obeyed[0].files == (StaffFile(filename="screen.png", content_type="image/png", data=PNG),)
        await slack.eventually(lambda: settled(slack))


async def test_a_file_without_words_is_said_too(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        slack.upload("ana", "support", "screen.png", PNG, "", root)
        await slack.eventually(lambda: desk.obeyed)
        assert [(command.name, len(command.files)) for command in desk.obeyed] == [("say", 1)]


async def test_the_files_of_words_that_the_desk_knows_are_not_fetched_again(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        slip = slack.upload("ana", "support", "price.pdf", PDF, "our price", root)
        await slack.eventually(lambda: len(desk.obeyed) == 1)
        place = f"{slack.channel('support')['id']}:{slip['ts']}"
        desk.journal[7] += (replace(an_entry(7), kind=EntryKind.REPLIED, place=place),)
        slack.edit("ana", "support", slip["ts"], "our best price")
        await slack.eventually(lambda: len(desk.obeyed) == 2)
        slack.delete("ana", "support", slip["ts"])
        await slack.eventually(lambda: len(desk.obeyed) == 3)
        assert [[file.data for file in command.files] for command in desk.obeyed] == [[PDF], [], []]


async def test_a_strangers_file_is_not_even_fetched(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        slack.upload("eve", "support", "screen.png", PNG, "", root)
        await slack.eventually(lambda: desk.obeyed)
        assert (desk.obeyed[0].actor.staff, desk.obeyed[0].files) == (None, ())


async def test_a_file_that_cannot_be_fetched_is_handed_on_with_the_reason(slack: LoopbackSlack) -> None:
    """The desk refuses it in words; nothing leaves half."""
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        slack.fault("download", times=2, status=500)
        slack.upload("ana", "support", "screen.png", PNG, "see the picture", root)
        await slack.eventually(lambda: desk.obeyed)
        assert [(file.filename, file.problem, file.data) for file in desk.obeyed[0].files] == [
            ("screen.png", "broken", b"")
        ]


async def test_a_line_that_breaks_once_while_fetching_does_not_matter(slack: LoopbackSlack) -> None:
    desk = FakeDesk()
    async with a_channel(slack, desk) as channel:
        root = await card_of(slack, desk, channel)
        slack.fault("download", drop=True)
        slack.upload("ana", "support", "screen.png", PNG, "", root)
        await slack.eventually(lambda: desk.obeyed)
        assert desk.obeyed[0].files[0].data == PNG


async def test_an_app_without_leave_to_read_files_says_so(slack: LoopbackSlack) -> None:
    """Slack answers with a page to sign in and status 200; that page is never mailed to a customer."""
    desk = FakeDesk()
    with LoopbackSlack(Manifest(scopes=MANIFEST.scopes - {"files:read"}, bot_events=MANIFEST.bot_events)) as old:
        async with a_channel(old, desk) as channel:
            root = await card_of(old, desk, channel)
            old.upload("ana", "support", "page.html", b"<p>hello</p>", "", root)
            old.upload("ana", "support", "screen.png", PNG, "", root)
            await old.eventually(lambda: len(desk.obeyed) == 2)
            assert [command.files[0].problem for command in desk.obeyed] == ["hidden", "hidden"]


# What files do on their way is not all in the loopback Slack: here is a host of our own.


@asynccontextmanager
async def a_host(answer: Any) -> AsyncIterator[str]:
    """A web server that gives every request to ``answer``."""
    app = web.Application()
    app.router.add_get("/{tail:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def fetched(url: str, base: str = "http://127.0.0.1/api/", **changes: Any) -> tuple[StaffFile, ...]:
    """What becomes of one shared file."""
    values: dict[str, Any] = {"id": "F1", "name": "a.png", "content_type": "image/png", "size": len(PNG), "url": url}
    async with aiohttp.ClientSession() as session:
        client = AsyncWebClient(token="xoxb-secret", base_url=base, session=session)
        return await SlackFiles(client, session).fetch([SharedFile(**{**values, **changes})])


async def test_the_token_never_goes_to_another_host_that_a_redirect_leads_to() -> None:
    seen: list[tuple[str, str | None]] = []

    async def elsewhere(request: web.Request) -> web.Response:
        seen.append(("elsewhere", request.headers.get("Authorization")))
        return web.Response(body=PNG)

    async with a_host(elsewhere) as other:

        async def here(request: web.Request) -> web.Response:
            seen.append(("here", request.headers.get("Authorization")))
            return web.Response(status=302, headers={"Location": f"{other}/a.png"})

        async with a_host(here) as first:
            (file,) = await fetched(f"{first}/a.png")
    assert seen == [("here", "Bearer xoxb-secret"), ("elsewhere", None)]
    assert file.data == PNG


async def test_what_is_kept_elsewhere_too_large_short_or_in_circles_is_not_taken() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/circle":
            return web.Response(status=302, headers={"Location": "/circle"})
        if request.path == "/endless":
            stream = web.StreamResponse()
            await stream.prepare(request)
            while True:
                await stream.write(bytes(1 << 20))
        return web.Response(body=PNG[:-1])

    async with a_host(answer) as host:
        elsewhere, large, short, circle, endless = await asyncio.gather(
            fetched(f"{host}/a", elsewhere=True),
            fetched(f"{host}/a", size=STAFF_MOST + 1),
            fetched(f"{host}/a"),
            fetched(f"{host}/circle"),
            fetched(f"{host}/endless", size=0),
        )
    assert [file.problem for (file,) in (elsewhere, large, short, circle, endless)] == [
        "elsewhere", "large", "broken", "broken", "large",
    ]  # fmt: skip


async def test_no_token_travels_without_encryption_where_slack_is_reached_with_it() -> None:
    (file,) = await fetched("http://127.0.0.1:9/a.png", base="https://slack.example/api/")
    assert file.problem == "hidden"


async def test_more_files_than_a_reply_takes_are_not_fetched() -> None:
    file = SharedFile(id="F1", name="a", content_type="image/png", size=1, url="http://127.0.0.1:9/a")
    async with aiohttp.ClientSession() as session:
        files = SlackFiles(AsyncWebClient(base_url="http://127.0.0.1/api/", session=session), session)
        got = await files.fetch([file] * (STAFF_COUNT_MOST + 1))
    assert len(got) == STAFF_COUNT_MOST + 1
