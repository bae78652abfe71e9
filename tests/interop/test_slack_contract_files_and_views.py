"""What the desk needs of a Slack for files in three steps, for modals and for the Home tab."""

from __future__ import annotations

from typing import Any

import aiohttp

from tests.interop.peers import Json, Peer
from tests.interop.receiver import Receiver

PDF = b"%PDF-1.7 the customer's invoice"
MORE = {"type": "button", "action_id": "more", "text": {"type": "plain_text", "text": "More"}}
BLOCKS: list[Json] = [{"type": "actions", "block_id": "row", "elements": [MORE]}]
HOME: Json = {"type": "home", "blocks": BLOCKS}
MODAL: Json = {
    "type": "modal",
    "callback_id": "resolve",
    "private_metadata": "17",
    "title": {"type": "plain_text", "text": "Resolve"},
    "blocks": BLOCKS,
}


async def uploaded(peer: Peer, content: bytes = PDF, announced: int | None = None) -> tuple[str, int]:
    """The first two steps; gives the file's id and the status of the upload."""
    length = len(content) if announced is None else announced
    told = await peer.ask("files.getUploadURLExternal", filename="invoice.pdf", length=length)
    async with aiohttp.ClientSession() as session, session.post(told["upload_url"], data=content) as response:
        return str(told["file_id"]), response.status


async def test_a_file_reaches_a_thread_in_three_steps(peer: Peer, heard: Receiver) -> None:
    """The answer to the last step names no message; the share is told as an event."""
    support = peer.channels["support"]
    root = (await peer.ask("chat.postMessage", channel=support, text="#1042"))["ts"]
    file_id, status = await uploaded(peer)
    assert status == 200
    files = [{"id": file_id, "title": "Invoice"}]
    done = await peer.ask("files.completeUploadExternal", files=files, channel_id=support, thread_ts=root)
    assert [each["id"] for each in done["files"]] == [file_id]
    assert "ts" not in done
    event = await heard.event(type="message", subtype="file_share")
    assert (event["thread_ts"], event["user"], event["channel"]) == (root, peer.bot_user_id, support)
    [shared] = event["files"]
    assert (shared["id"], shared["name"], shared["title"], shared["size"]) == (
        file_id,
        "invoice.pdf",
        "Invoice",
        len(PDF),
    )
    assert shared["mimetype"] == "application/pdf"
    again = await peer.ask("files.completeUploadExternal", files=files, channel_id=support)
    assert not again["ok"]


async def test_a_file_is_read_back_with_the_token_only(peer: Peer) -> None:
    file_id, _ = await uploaded(peer)
    support = peer.channels["support"]
    assert (await peer.ask("files.completeUploadExternal", files=[{"id": file_id}], channel_id=support))["ok"]
    file = (await peer.ask("files.info", file=file_id))["file"]
    bearer = {"Authorization": f"Bearer {peer.bot_token}"}
    async with aiohttp.ClientSession() as session:
        for address in ("url_private", "url_private_download"):
            async with session.get(file[address], headers=bearer) as response:
                assert await response.read() == PDF
        async with session.get(file["url_private"]) as response:
            assert PDF not in await response.read()
            is_login_page = (response.status, response.content_type) == (200, "text/html")
            peer.as_documented("downloads without a token", is_login_page)


async def test_a_file_must_have_been_announced_and_come_whole(peer: Peer) -> None:
    assert (await peer.ask("files.info", file="F0NOWHERE"))["error"] == "file_not_found"
    made_up = await peer.ask("files.completeUploadExternal", files=[{"id": "F0NOWHERE"}])
    assert made_up["error"] == "file_not_found"
    _, status = await uploaded(peer, announced=len(PDF) + 1)
    peer.as_documented("announced length", status != 200)


async def opened(peer: Peer, **more: Any) -> Json:
    return await peer.ask("views.open", trigger_id=await peer.trigger("ana"), view={**MODAL, **more})


async def test_a_trigger_opens_one_modal(peer: Peer) -> None:
    trigger = await peer.trigger("ana")
    view = (await peer.ask("views.open", trigger_id=trigger, view=MODAL))["view"]
    assert (view["callback_id"], view["private_metadata"], view["root_view_id"]) == ("resolve", "17", view["id"])
    assert view["state"] == {"values": {}}
    spent = await peer.ask("views.open", trigger_id=trigger, view=MODAL)
    assert spent["error"] == "exchanged_trigger_id"
    assert (await peer.ask("views.open", trigger_id="made.up", view=MODAL))["error"] == "invalid_trigger_id"


async def test_a_modal_is_changed_by_whoever_saw_it_last(peer: Peer) -> None:
    view = (await opened(peer))["view"]
    changed = {**MODAL, "title": {"type": "plain_text", "text": "Changed"}}
    after = await peer.ask("views.update", view_id=view["id"], hash=view["hash"], view=changed)
    assert after["view"]["title"]["text"] == "Changed"
    assert after["view"]["hash"] != view["hash"]
    stale = await peer.ask("views.update", view_id=view["id"], hash=view["hash"], view=MODAL)
    assert stale["error"] == "hash_conflict"
    assert (await peer.ask("views.update", view_id="V0NOWHERE", view=MODAL))["error"] == "not_found"


async def test_a_modal_goes_by_the_apps_own_name_too(peer: Peer) -> None:
    view = (await opened(peer, external_id="reply-17"))["view"]
    twice = await peer.ask(
        "views.push",
        trigger_id=await peer.trigger("ana", view["id"]),
        view={**MODAL, "external_id": "reply-17"},
    )
    assert twice["error"] == "duplicate_external_id"
    found = await peer.ask("views.update", external_id="reply-17", view={**MODAL, "external_id": "reply-17"})
    assert found["view"]["id"] == view["id"]


async def test_three_modals_lie_on_each_other_and_no_more(peer: Peer) -> None:
    top = (await opened(peer))["view"]
    for _ in range(2):
        pushed = await peer.ask("views.push", trigger_id=await peer.trigger("ana", top["id"]), view=MODAL)
        assert pushed["view"]["previous_view_id"] == top["id"]
        top = pushed["view"]
    fourth = await peer.ask("views.push", trigger_id=await peer.trigger("ana", top["id"]), view=MODAL)
    assert fourth["error"] == "push_limit_reached"
    onto_nothing = await peer.ask("views.push", trigger_id=await peer.trigger("ben"), view=MODAL)
    assert not onto_nothing["ok"]
    peer.as_documented("pushing on nothing", onto_nothing["error"] == "not_found")


async def test_a_view_beyond_the_limits_is_refused(peer: Peer) -> None:
    same = [{"type": "divider", "block_id": "twice"}] * 2
    refused = await opened(peer, blocks=same)
    peer.as_documented("limits of views", refused.get("error") == "invalid_arguments")
    line = {"type": "section", "text": {"type": "plain_text", "text": "x" * 3000}}
    large = await opened(peer, blocks=[line] * 90)
    peer.as_documented("size of views", large.get("error") == "view_too_large")


async def test_each_person_has_a_home_tab_of_their_own(peer: Peer) -> None:
    ana = peer.users["ana"]
    first = (await peer.ask("views.publish", user_id=ana, view=HOME))["view"]
    assert (first["type"], first["blocks"][0]["block_id"]) == ("home", "row")
    second = (await peer.ask("views.publish", user_id=ana, view=HOME, hash=first["hash"]))["view"]
    assert second["id"] == first["id"]
    stale = await peer.ask("views.publish", user_id=ana, view=HOME, hash=first["hash"])
    assert stale["error"] == "hash_conflict"
    other = (await peer.ask("views.publish", user_id=peer.users["ben"], view=HOME))["view"]
    assert other["id"] != first["id"]
    assert (await peer.ask("views.publish", user_id="U0NOBODY", view=HOME))["error"] == "user_not_found"
