"""What the desk needs of the events a Slack sends: signed, whole, its own doings among them, each with one id."""

from __future__ import annotations

import json
import time

from slack_sdk.signature import SignatureVerifier

from tests.interop.peers import Peer
from tests.interop.receiver import Receiver


async def test_a_persons_message_is_told_signed_and_wrapped(peer: Peer, heard: Receiver) -> None:
    said = await peer.post("ana", "support", "hello")
    event = await heard.event(type="message", ts=said)
    assert (event["channel"], event["user"], event["text"]) == (peer.channels["support"], peer.users["ana"], "hello")
    assert "bot_id" not in event
    assert "subtype" not in event
    assert "thread_ts" not in event
    [wrapper] = [each for each in heard.payloads() if each["event"].get("ts") == said]
    assert wrapper["event_id"].startswith("Ev")
    assert abs(wrapper["event_time"] - time.time()) < 60
    assert wrapper["team_id"].startswith("T")
    more = {"token", "api_app_id", "authorizations", "event_context", "is_ext_shared_channel"}
    peer.as_documented("wrapper", more <= set(wrapper))
    peer.as_documented("channel_type", event.get("channel_type") == "channel")
    peer.as_documented("event_ts", event.get("event_ts") == said)
    blocks = [block["type"] for block in event.get("blocks", [])]
    peer.as_documented("marks of a person's message", bool(event.get("client_msg_id")) and blocks == ["rich_text"])
    for headers, body in heard.requests:
        verifier = SignatureVerifier(peer.signing_secret)
        stamp, signature = headers["x-slack-request-timestamp"], headers["x-slack-signature"]
        assert verifier.is_valid(body, stamp, signature)
        assert not verifier.is_valid(body + b" ", stamp, signature)


async def test_a_request_url_must_answer_the_challenge_first(peer: Peer, heard: Receiver) -> None:
    first = json.loads(heard.requests[0][1]) if heard.requests else {}
    peer.as_documented("challenge", first.get("type") == "url_verification" and bool(first.get("challenge")))


async def test_the_apps_own_posts_are_told_to_it_too(peer: Peer, heard: Receiver) -> None:
    """They are known by the app's user; `bot_id` is the better mark where there is one."""
    ts = (await peer.ask("chat.postMessage", channel=peer.channels["support"], text="#1042"))["ts"]
    event = await heard.event(type="message", ts=ts)
    assert event["user"] == peer.bot_user_id
    await peer.ask("reactions.add", channel=peer.channels["support"], timestamp=ts, name="eyes")
    reacted = await heard.event(type="reaction_added")
    assert reacted["user"] == peer.bot_user_id


async def test_a_reply_names_its_root(peer: Peer, heard: Receiver) -> None:
    root = (await peer.ask("chat.postMessage", channel=peer.channels["support"], text="#1042"))["ts"]
    reply = await peer.post("ana", "support", "on it", root)
    event = await heard.event(type="message", ts=reply)
    assert event["thread_ts"] == root
    assert "reply_count" not in event
    also = await peer.post("ana", "support", "all look", root, broadcast=True)
    event = await heard.event(type="message", ts=also)
    assert event["thread_ts"] == root
    peer.as_documented("thread_broadcast", event.get("subtype") == "thread_broadcast")


async def test_an_edit_and_a_deletion_say_what_was_there_before(peer: Peer, heard: Receiver) -> None:
    said = await peer.post("ana", "support", "it is brokn")
    await peer.edit("ana", "support", said, "it is broken")
    edit = await heard.event(type="message", subtype="message_changed")
    assert (edit["message"]["ts"], edit["message"]["text"]) == (said, "it is broken")
    assert edit["message"]["edited"]["user"] == peer.users["ana"]
    assert (edit["previous_message"]["text"], edit["channel"]) == ("it is brokn", peer.channels["support"])
    assert edit["ts"] != said
    assert edit["hidden"]
    await peer.delete("ana", "support", said)
    deletion = await heard.event(type="message", subtype="message_deleted")
    assert (deletion["deleted_ts"], deletion["previous_message"]["text"]) == (said, "it is broken")
    assert deletion["previous_message"]["user"] == peer.users["ana"]


async def test_a_reaction_names_who_and_on_what(peer: Peer, heard: Receiver) -> None:
    said = await peer.post("ana", "support", "hello")
    await peer.react("ben", "support", said, "ticket")
    await peer.unreact("ben", "support", said, "ticket")
    for kind in ("reaction_added", "reaction_removed"):
        event = await heard.event(type=kind)
        assert (event["user"], event["reaction"]) == (peer.users["ben"], "ticket")
        assert event["item"] == {"type": "message", "channel": peer.channels["support"], "ts": said}
        peer.as_documented("author of the reacted message", event.get("item_user") == peer.users["ana"])


async def test_a_direct_message_is_known_by_its_channel(peer: Peer, heard: Receiver) -> None:
    """Its channel's id begins with D; `channel_type` is `im` where there is one."""
    direct = (await peer.ask("conversations.open", users=peer.users["ana"]))["channel"]["id"]
    await peer.post("ana", direct, "my laptop is dead")
    event = await heard.event(type="message", text="my laptop is dead")
    assert event["channel"] == direct
    assert direct.startswith("D")


async def test_a_mention_is_told_twice_with_one_ts(peer: Peer, heard: Receiver) -> None:
    said = await peer.post("ana", "support", f"<@{peer.bot_user_id}> claim")
    await heard.event(type="message", ts=said)
    # What was said later is told later, so a mention that were told would be there by then.
    later = await peer.post("ana", "support", "and now")
    await heard.event(type="message", ts=later)
    peer.as_documented("mentions", bool(heard.events(type="app_mention", ts=said)))


async def test_every_event_has_an_id_of_its_own(peer: Peer, heard: Receiver) -> None:
    for number in range(5):
        await peer.post("ana", "support", str(number))
    await heard.until(lambda: len(heard.events(type="message")) == 5)
    assert len({each["event_id"] for each in heard.payloads()}) == 5


async def test_an_event_refused_with_500_is_told_again_as_the_same(peer: Peer, heard: Receiver) -> None:
    heard.statuses = [500]
    said = await peer.post("ana", "support", "hello")
    later = await peer.post("ana", "support", "and now")
    await heard.event(type="message", ts=later)
    attempts = [each for each in heard.payloads() if each["event"]["ts"] == said]
    peer.as_documented("further attempts", len(attempts) == 2)
    assert len({each["event_id"] for each in attempts}) == 1


async def test_nothing_is_told_from_channels_the_app_is_not_in(peer: Peer, heard: Receiver) -> None:
    await peer.post("ana", "board", "behind closed doors")
    later = await peer.post("ana", "support", "and now")
    await heard.event(type="message", ts=later)
    peer.as_documented("only one's own channels", not heard.events(text="behind closed doors"))
