"""What the desk needs of a Slack about people and rights: who calls, who is who, reactions, channels, scopes."""

from __future__ import annotations

from slack_sdk.errors import SlackApiError

from tests.interop.peers import Peer


async def test_the_app_learns_who_it_is(peer: Peer) -> None:
    answer = await peer.client().auth_test()
    assert (answer["user_id"], answer["bot_id"]) == (peer.bot_user_id, peer.bot_id)
    assert answer["team_id"].startswith("T")


async def test_no_token_and_a_wrong_token_are_refused(peer: Peer) -> None:
    assert (await peer.ask("auth.test", token=""))["error"] == "not_authed"
    wrong = await peer.ask("auth.test", token="xoxb-wrong")
    peer.as_documented("unknown token", wrong.get("error") == "invalid_auth")


async def test_a_missing_permission_is_named(peer: Peer) -> None:
    refused = await peer.ask("team.info")
    assert (refused["error"], refused["needed"]) == ("missing_scope", "team:read")
    assert "chat:write" in refused["provided"].split(",")


async def test_what_slack_does_not_know_is_refused(peer: Peer) -> None:
    unknown = await peer.ask("chat.shout")
    peer.as_documented("unknown method", unknown.get("error") == "unknown_method")
    loud = await peer.ask("auth.test", loudly="yes")
    peer.as_documented("unknown arguments", loud.get("error") == "invalid_arguments")


async def test_a_method_that_reads_can_be_called_by_get(peer: Peer) -> None:
    """The SDK does so of its own accord, for users.info, conversations.history and their like."""
    client = peer.client()
    try:
        answer = await client.users_info(user=peer.users["ana"])
        found = answer["user"]["name"] == "ana"
    except SlackApiError as error:
        found = error.response.status_code != 404
    peer.as_documented("reads by GET", found)


async def test_sockets_are_opened_with_an_address_from_slack(peer: Peer) -> None:
    answer = await peer.ask("apps.connections.open", token="xapp-loopback-1")
    peer.as_documented("app tokens", str(answer.get("url", "")).startswith("ws"))


async def test_people_are_known_by_id_and_by_mail_address(peer: Peer) -> None:
    ana = peer.users["ana"]
    shown = (await peer.ask("users.info", user=ana))["user"]
    assert (shown["id"], shown["profile"]["email"], shown["is_bot"]) == (ana, "ana@example.com", False)
    assert (await peer.ask("users.info", user=peer.bot_user_id))["user"]["is_bot"]
    assert "email" not in (await peer.ask("users.info", user=peer.bot_user_id))["user"]["profile"] or peer.differences
    found = await peer.ask("users.lookupByEmail", email="ben@example.com")
    assert found["user"]["id"] == peer.users["ben"]
    assert (await peer.ask("users.info", user="U0NOBODY"))["error"] == "user_not_found"
    assert (await peer.ask("users.lookupByEmail", email="x@example.com"))["error"] == "users_not_found"
    listed = (await peer.ask("users.list"))["members"]
    assert {peer.users[name] for name in ("ana", "ben", "eve")} <= {each["id"] for each in listed}


async def test_a_channel_says_whether_the_app_is_in_it(peer: Peer) -> None:
    inside = (await peer.ask("conversations.info", channel=peer.channels["support"]))["channel"]
    assert (inside["name"], inside["is_member"], inside["is_archived"]) == ("support", True, False)
    outside = (await peer.ask("conversations.info", channel=peer.channels["general"]))["channel"]
    assert not outside["is_member"]
    private = (await peer.ask("conversations.info", channel=peer.channels["triage"]))["channel"]
    assert (private["is_private"], private["is_member"]) == (True, True)
    assert (await peer.ask("conversations.info", channel="C0NOWHERE"))["error"] == "channel_not_found"
    members = (await peer.ask("conversations.members", channel=peer.channels["support"]))["members"]
    assert {peer.bot_user_id, peer.users["ana"]} <= set(members)


async def test_a_reaction_is_put_once_and_taken_once(peer: Peer) -> None:
    support = peer.channels["support"]
    said = await peer.post("ana", "support", "hello")
    mark = {"channel": support, "timestamp": said, "name": "eyes"}
    assert (await peer.ask("reactions.add", **mark))["ok"]
    assert (await peer.ask("reactions.add", **mark))["error"] == "already_reacted"
    await peer.react("ben", "support", said, "eyes")
    [shown] = (await peer.ask("conversations.history", channel=support))["messages"]
    [eyes] = shown["reactions"]
    assert (eyes["name"], eyes["count"]) == ("eyes", 2)
    assert eyes["users"] == [peer.bot_user_id, peer.users["ben"]]
    assert (await peer.ask("reactions.get", channel=support, timestamp=said))["message"]["reactions"] == [eyes]
    assert (await peer.ask("reactions.remove", **mark))["ok"]
    assert (await peer.ask("reactions.remove", **mark))["error"] == "no_reaction"
    await peer.unreact("ben", "support", said, "eyes")
    [shown] = (await peer.ask("conversations.history", channel=support))["messages"]
    assert "reactions" not in shown
    gone = await peer.ask("reactions.add", channel=support, timestamp="1700000000.000001", name="eyes")
    assert gone["error"] == "message_not_found"
    odd = await peer.ask("reactions.add", channel=support, timestamp=said, name="👀")
    peer.as_documented("stranger emoji", odd.get("error") == "invalid_name")
