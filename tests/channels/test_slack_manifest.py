"""The manifest that people paste into Slack asks for what the code uses, no more and no less."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from channels.slack.app import SlackConnection
from channels.slack.hearing.listener import EVENTS
from channels.slack.pressing import slash
from channels.slack.probe import SCOPES, probe
from tests.loopback_slack import LoopbackSlack, Manifest

ROOT = Path(__file__).parents[2]
MANIFEST = Manifest.load(ROOT / "slack-manifest.yaml")

METHOD_SCOPES = {
    "apps_connections_open": set(),
    "auth_test": set(),
    "chat_getPermalink": set(),
    "chat_postEphemeral": {"chat:write"},
    "chat_postMessage": {"chat:write"},
    "chat_update": {"chat:write"},
    "conversations_history": {"channels:history", "groups:history", "im:history"},
    "conversations_info": {"channels:read", "groups:read"},
    "conversations_list": {"im:read"},
    "conversations_open": {"im:write"},
    "conversations_replies": {"channels:history", "groups:history", "im:history"},
    "files_completeUploadExternal": {"files:write"},
    "files_getUploadURLExternal": {"files:write"},
    "reactions_add": {"reactions:write"},
    "reactions_remove": {"reactions:write"},
    "reactions_get": {"reactions:read"},
    "users_info": {"users:read"},
    "users_lookupByEmail": {"users:read.email"},
    "views_open": set(),
    "views_publish": set(),
    "views_push": set(),
    "views_update": set(),
}
"""What each method needs, from docs.slack.dev/reference/methods."""

EVENT_SCOPES = {
    "app_home_opened": set(),
    "app_mention": {"app_mentions:read"},
    "app_uninstalled": set(),
    "channel_archive": {"channels:read"},
    "channel_left": {"channels:read"},
    "channel_unarchive": {"channels:read"},
    "group_archive": {"groups:read"},
    "group_left": {"groups:read"},
    "group_unarchive": {"groups:read"},
    "member_joined_channel": {"channels:read", "groups:read"},
    "message.channels": {"channels:history"},
    "message.groups": {"groups:history"},
    "message.im": {"im:history"},
    "reaction_added": {"reactions:read"},
    "reaction_removed": {"reactions:read"},
    "tokens_revoked": set(),
}
"""What each subscription needs, from docs.slack.dev/reference/events."""


DOWNLOAD_SCOPES = {"files:read"}
"""What fetching ``url_private`` of a file needs, from docs.slack.dev/reference/objects/file-object."""

COMMAND_SCOPES = {"commands"}
"""What slash commands and shortcuts need, from docs.slack.dev/interactivity."""


def called() -> set[str]:
    """Every method of the Web API client that the code calls."""
    sources = "\n".join(path.read_text() for path in (ROOT / "channels" / "slack").rglob("*.py"))
    return set(re.findall(r"client\.((?:apps|auth|chat|conversations|files|reactions|users|views)_\w+)", sources))


def test_the_manifest_asks_for_exactly_the_scopes_that_calls_and_events_need() -> None:
    methods = (METHOD_SCOPES[method] for method in called())
    needed = set().union(*methods, *EVENT_SCOPES.values(), DOWNLOAD_SCOPES, COMMAND_SCOPES)
    assert MANIFEST.scopes == needed
    assert needed == SCOPES


def test_the_manifest_subscribes_to_exactly_the_events_that_are_listened_to() -> None:
    assert {event.partition(".")[0] for event in MANIFEST.bot_events} == set(EVENTS)
    assert MANIFEST.bot_events == set(EVENT_SCOPES)


def test_the_manifest_offers_exactly_the_commands_and_shortcuts_that_are_answered() -> None:
    assert MANIFEST.commands == {slash.COMMAND}
    assert MANIFEST.shortcuts == {slash.FROM_MESSAGE}
    assert MANIFEST.global_shortcuts == {slash.NEW}


@pytest.fixture
def slack() -> Iterator[LoopbackSlack]:
    with LoopbackSlack(MANIFEST) as running:
        yield running


def connection(slack: LoopbackSlack, **changes: str) -> SlackConnection:
    known = {"channel": slack.channel("support")["id"], "bot_token": slack.bot_token, "app_token": slack.app_token}
    return SlackConnection(**{**known, "api_url": slack.api_url, **changes})


async def test_a_check_of_a_good_installation_finds_nothing(slack: LoopbackSlack) -> None:
    assert await probe(connection(slack)) == ()
    assert slack.messages("support") == []


async def test_a_check_names_each_problem_and_what_to_do(slack: LoopbackSlack) -> None:
    general = slack.channel("general")["id"]
    assert "invite" in (await probe(connection(slack, channel=general)))[0]
    slack.do("archive", channel="support", archived=True)
    assert "archived" in (await probe(connection(slack)))[0]
    assert "app-level token" in (await probe(connection(slack, app_token="")))[-1]
    assert "bot token is wrong" in (await probe(connection(slack, bot_token="xoxb-wrong")))[0]
    assert "channel_not_found" in (await probe(connection(slack, channel="C0NOWHERE")))[0]


async def test_a_check_names_the_permissions_that_an_old_installation_lacks() -> None:
    old = Manifest(scopes=MANIFEST.scopes - {"reactions:write", "users:read"})
    with LoopbackSlack(old) as slack:
        findings = await probe(connection(slack))
    assert findings == (
        "The bot token lacks reactions:write, users:read: install the app again from slack-manifest.yaml.",
    )
