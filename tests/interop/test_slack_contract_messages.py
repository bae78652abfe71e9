"""What the desk needs of a Slack when it writes and reads: posts, updates, threads, history, metadata."""

from __future__ import annotations

import re
from typing import Any

from tests.interop.peers import Json, Peer

SECTION: Json = {"type": "section", "block_id": "s", "text": {"type": "mrkdwn", "text": "*Printer on fire*"}}
METADATA: Json = {"event_type": "deskbell_effect", "event_payload": {"key": "17:card:1"}}


async def posted(peer: Peer, text: str = "#1042", **more: Any) -> str:
    answer = await peer.ask("chat.postMessage", channel=peer.channels["support"], text=text, **more)
    assert answer["ok"], answer
    return str(answer["ts"])


async def history(peer: Peer, **window: Any) -> list[Json]:
    answer = await peer.ask("conversations.history", channel=peer.channels["support"], **window)
    assert answer["ok"], answer
    return list(answer["messages"])


async def thread(peer: Peer, ts: str, **window: Any) -> list[Json]:
    answer = await peer.ask("conversations.replies", channel=peer.channels["support"], ts=ts, **window)
    assert answer["ok"], answer
    return list(answer["messages"])


async def test_a_posted_card_is_found_in_the_history_with_its_blocks(peer: Peer) -> None:
    support = peer.channels["support"]
    answer = await peer.client().chat_postMessage(
        channel=support, text="#1042", blocks=[SECTION], unfurl_links=False, unfurl_media=False
    )
    assert answer["channel"] == support
    assert re.fullmatch(r"\d{10}\.\d{6}", answer["ts"])
    [card] = await history(peer)
    assert (card["ts"], card["text"], card["user"]) == (answer["ts"], "#1042", peer.bot_user_id)
    assert [block["block_id"] for block in card["blocks"]] == ["s"]
    peer.as_documented("bot_id of messages", card.get("bot_id") == peer.bot_id)


async def test_metadata_of_a_post_comes_back_when_asked_for(peer: Peer) -> None:
    """A post of unknown fate is looked for by it."""
    await posted(peer, metadata=METADATA)
    [with_it] = await history(peer, include_all_metadata="true")
    assert with_it["metadata"] == METADATA
    [without] = await history(peer)
    peer.as_documented("metadata only when asked for", "metadata" not in without)


async def test_metadata_of_a_reply_comes_back_and_outlives_an_update(peer: Peer) -> None:
    root = await posted(peer)
    reply = await posted(peer, "mailed", thread_ts=root, metadata=METADATA)
    await peer.ask("chat.update", channel=peer.channels["support"], ts=reply, text="mailed at noon")
    found = await thread(peer, root, include_all_metadata="true")
    assert [(each["text"], each.get("metadata")) for each in found] == [("#1042", None), ("mailed at noon", METADATA)]


async def test_an_update_without_blocks_takes_the_blocks_away(peer: Peer) -> None:
    support = peer.channels["support"]
    ts = await posted(peer, blocks=[SECTION])
    changed = {**SECTION, "block_id": "t"}
    assert (await peer.ask("chat.update", channel=support, ts=ts, text="claimed", blocks=[changed]))["ok"]
    [card] = await history(peer)
    assert (card["text"], card["blocks"][0]["block_id"]) == ("claimed", "t")
    peer.as_documented("updates of blocks are unmarked", "edited" not in card)
    assert (await peer.ask("chat.update", channel=support, ts=ts, text="resolved"))["text"] == "resolved"
    [card] = await history(peer)
    assert (card["text"], card.get("blocks")) == ("resolved", None)


async def test_only_the_apps_own_messages_can_be_changed_or_deleted(peer: Peer) -> None:
    support = peer.channels["support"]
    said = await peer.post("ana", "support", "hello")
    refused = await peer.ask("chat.update", channel=support, ts=said, text="x")
    assert refused["error"] == "cant_update_message"
    assert (await peer.ask("chat.delete", channel=support, ts=said))["error"] == "cant_delete_message"
    missing = await peer.ask("chat.update", channel=support, ts="1700000000.000001", text="x")
    assert missing["error"] == "message_not_found"
    ts = await posted(peer)
    assert (await peer.ask("chat.delete", channel=support, ts=ts))["ts"] == ts
    assert (await peer.ask("chat.delete", channel=support, ts=ts))["error"] == "message_not_found"
    assert [each["ts"] for each in await history(peer)] == [said]


async def test_what_is_too_big_or_empty_is_refused(peer: Peer) -> None:
    support = peer.channels["support"]
    assert (await peer.ask("chat.postMessage", channel=support, text=""))["error"] == "no_text"
    ts = await posted(peer, "x" * 40_001)
    assert len((await history(peer))[0]["text"]) == 40_000
    longer = await peer.ask("chat.update", channel=support, ts=ts, text="x" * 4001)
    peer.as_documented("length of an update", longer.get("error") == "msg_too_long")
    header = {"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}
    refused = await peer.ask("chat.postMessage", channel=support, text="x", blocks=[header])
    peer.as_documented("limits of blocks", refused.get("error") == "invalid_blocks")


async def test_a_channel_one_cannot_write_in_says_why(peer: Peer) -> None:
    nowhere = await peer.ask("chat.postMessage", channel="C0NOWHERE", text="x")
    assert nowhere["error"] == "channel_not_found"
    outside = await peer.ask("chat.postMessage", channel=peer.channels["general"], text="x")
    peer.as_documented("posting outside one's channels", outside.get("error") == "not_in_channel")
    hidden = await peer.ask("chat.postMessage", channel=peer.channels["board"], text="x")
    assert not hidden["ok"]
    peer.as_documented("hidden channels", hidden["error"] == "channel_not_found")
    assert (await peer.ask("chat.postMessage", channel=peer.channels["triage"], text="x"))["ok"]


async def test_a_users_id_as_the_channel_opens_the_direct_message(peer: Peer) -> None:
    ana = peer.users["ana"]
    opened = await peer.ask("conversations.open", users=ana)
    direct = opened["channel"]["id"]
    assert direct.startswith("D")
    assert (await peer.ask("chat.postMessage", channel=ana, text="your digest"))["channel"] == direct
    said = await peer.ask("conversations.history", channel=direct)
    assert [each["text"] for each in said["messages"]] == ["your digest"]


async def test_a_whisper_is_seen_by_nobody_else_and_stands_in_no_history(peer: Peer) -> None:
    support = peer.channels["support"]
    whisper = await peer.ask("chat.postEphemeral", channel=support, user=peer.users["ana"], text="only you")
    assert re.fullmatch(r"\d{10}\.\d{6}", whisper["message_ts"])
    assert await history(peer) == []
    stranger = await peer.ask("chat.postEphemeral", channel=support, user="U0NOBODY", text="x")
    assert not stranger["ok"]
    peer.as_documented("whispers to those outside", stranger["error"] == "user_not_in_channel")


async def test_replies_stand_under_their_root_in_order_and_not_in_the_channel(peer: Peer) -> None:
    root = await posted(peer)
    other = await posted(peer, "#1043")
    first = await peer.post("ana", "support", "on it", root)
    second = await posted(peer, "mailed", thread_ts=root)
    assert [each["ts"] for each in await history(peer)] == [other, root]
    found = await thread(peer, root)
    assert [each["ts"] for each in found] == [root, first, second]
    assert [each.get("thread_ts") for each in found[1:]] == [root, root]
    head = next(each for each in await history(peer) if each["ts"] == root)
    assert (head["reply_count"], set(head["reply_users"])) == (2, {peer.users["ana"], peer.bot_user_id})
    peer.as_documented("latest_reply", head.get("latest_reply") == second)
    peer.as_documented("thread_ts of roots", head.get("thread_ts") == root)
    assert "reply_count" not in next(each for each in await history(peer) if each["ts"] == other)


async def test_a_thread_without_a_root_is_refused(peer: Peer) -> None:
    support = peer.channels["support"]
    unknown = await peer.ask("conversations.replies", channel=support, ts="1700000000.000001")
    peer.as_documented("unknown threads", unknown.get("error") == "thread_not_found")
    lost = await peer.ask("chat.postMessage", channel=support, text="x", thread_ts="1700000000.000001")
    peer.as_documented("replies to nothing", lost.get("error") == "cannot_reply_to_message")
    odd = await peer.ask("chat.postMessage", channel=support, text="x", thread_ts="yesterday")
    peer.as_documented("broken thread_ts", odd.get("error") == "invalid_thread_ts")


async def test_a_deleted_root_keeps_the_place_of_its_thread(peer: Peer) -> None:
    root = await peer.post("ana", "support", "help")
    reply = await posted(peer, "we are here", thread_ts=root)
    await peer.delete("ana", "support", root)
    found = (await peer.ask("conversations.replies", channel=peer.channels["support"], ts=root))["messages"]
    assert [each["ts"] for each in found][-1] == reply
    peer.as_documented("deleted roots", found[0].get("subtype") == "tombstone")


async def test_a_reply_sent_to_the_channel_too_stands_in_its_history(peer: Peer) -> None:
    root = await posted(peer)
    reply = await peer.post("ana", "support", "everybody look", root, broadcast=True)
    assert [each["ts"] for each in await thread(peer, root)] == [root, reply]
    peer.as_documented("broadcast replies", reply in [each["ts"] for each in await history(peer)])


async def test_history_comes_newest_first_in_pages(peer: Peer) -> None:
    said = [await posted(peer, str(number)) for number in range(5)]
    pages: list[list[str]] = []
    cursor: Json = {}
    while True:
        answer = await peer.ask("conversations.history", channel=peer.channels["support"], limit=2, **cursor)
        pages.append([each["ts"] for each in answer["messages"]])
        following = answer.get("response_metadata", {}).get("next_cursor")
        assert answer["has_more"] is bool(following)
        if not following:
            break
        cursor = {"cursor": following}
    assert pages == [said[:2:-1], said[2:0:-1], said[:1]]


async def test_history_and_threads_can_be_read_from_a_moment_on(peer: Peer) -> None:
    """Without `inclusive` the moment itself is left out; the root of a thread always comes."""
    root = await posted(peer)
    said = [await posted(peer, str(number)) for number in range(3)]
    newer = [each["ts"] for each in await history(peer, oldest=said[0])]
    exact = [each["ts"] for each in await history(peer, oldest=said[0], latest=said[1], inclusive="true")]
    peer.as_documented("history by time", (newer, exact) == ([said[2], said[1]], [said[1], said[0]]))
    replies = [await posted(peer, str(number), thread_ts=root) for number in range(3)]
    later = [each["ts"] for each in await thread(peer, root, oldest=replies[1])]
    peer.as_documented("threads by time", later == [root, replies[2]])
    first = [each["ts"] for each in await thread(peer, root, limit=2)]
    peer.as_documented("threads in pages", first == [root, replies[0]])
