"""Each thing that happens in Slack has one name, however often and by whichever way it is delivered."""

from __future__ import annotations

from typing import Any

import pytest

from channels.slack.hearing.happened import read, written
from channels.slack.hearing.parse import Happened, Reacted, Said, heard
from tests.builders import MONDAY


def event(**parts: Any) -> dict[str, Any]:
    """An Events API payload of team T1 around one event."""
    return {"team_id": "T1", "event": {"type": "message", "channel": "C1", **parts}}


def said(**parts: Any) -> Said:
    found = heard(event(ts="1.1", thread_ts="1.0", user="U1", text="hi", **parts), "UBOT")
    assert isinstance(found, Said)
    return found


def test_a_message_is_named_by_team_channel_and_ts_whatever_kind_of_event_tells_it() -> None:
    assert said().key == "slack:T1:C1:1.1"
    assert said(type="app_mention") == said() == said(client_msg_id="x", event_ts="1.1")
    assert said(subtype="thread_broadcast").key == said(subtype="file_share").key == said().key


@pytest.mark.parametrize(
    "parts",
    [
        {"bot_id": "B1"},
        {"subtype": "bot_message"},
        {"subtype": "channel_join"},
        {"subtype": "message_replied"},
        {"user": "UBOT"},
        {"user": None},
    ],
)
def test_robots_and_housekeeping_are_nobody(parts: dict[str, Any]) -> None:
    assert heard(event(**{"ts": "1.1", "user": "U1", "text": "hi", **parts}), "UBOT") is None


def test_only_a_persons_edit_counts_and_each_edit_has_its_own_name() -> None:
    before = {"ts": "1.1", "user": "U1", "text": "a", "thread_ts": "1.0"}
    unfurl = event(subtype="message_changed", message={**before, "attachments": []}, previous_message=before)
    assert heard(unfurl, "UBOT") is None
    after = {**before, "text": "b", "edited": {"user": "U1", "ts": "2.0"}}
    edit = heard(event(subtype="message_changed", message=after, previous_message=before), "UBOT")
    assert isinstance(edit, Said)
    assert (edit.key, edit.happened, edit.text, edit.before) == (
        "slack:T1:C1:1.1:edited:2.0",
        Happened.EDITED,
        "b",
        "a",
    )
    later_unfurl = event(subtype="message_changed", message={**after, "attachments": []}, previous_message=after)
    assert heard(later_unfurl, "UBOT") is None
    ours = {**after, "bot_id": "B1"}
    assert heard(event(subtype="message_changed", message=ours, previous_message=before), "UBOT") is None


def test_a_deletion_is_told_by_the_message_that_was() -> None:
    before = {"ts": "1.1", "user": "U1", "text": "a", "thread_ts": "1.0"}
    gone = heard(event(subtype="message_deleted", deleted_ts="1.1", previous_message=before), "UBOT")
    stone = {"ts": "1.1", "subtype": "tombstone", "user": "USLACKBOT"}
    tombstone = heard(event(subtype="message_changed", message=stone, previous_message=before), "UBOT")
    assert isinstance(gone, Said)
    assert gone == tombstone
    assert (gone.key, gone.happened, gone.before) == ("slack:T1:C1:1.1:deleted", Happened.DELETED, "a")


def test_a_reaction_is_named_by_person_emoji_and_moment() -> None:
    item = {"type": "message", "channel": "C1", "ts": "1.1"}
    told = {"type": "reaction_added", "user": "U1", "reaction": "eyes", "item": item, "event_ts": "3.0"}
    body = {"team_id": "T1", "event": told}
    found = heard(body, "UBOT")
    assert isinstance(found, Reacted)
    assert found.key == "slack:T1:C1:1.1:U1:eyes:3.0"
    assert heard(body, "U1") is None


@pytest.mark.parametrize("body", [{}, {"event": None}, {"event": {}}, event(), event(subtype="message_changed")])
def test_an_event_without_its_parts_is_left_alone(body: dict[str, Any]) -> None:
    assert heard(body, "UBOT") is None


def test_what_is_said_to_the_bot_alone_is_known_by_the_channel_also_where_no_type_is_told() -> None:
    assert not said().direct
    assert said(channel_type="im").direct
    assert said(channel="D1").direct


def test_each_thing_is_named_by_our_own_workspace_whatever_team_an_event_tells() -> None:
    told = event(ts="1.1", user="U1", text="hi")
    for strange in ({**told, "team_id": "T2"}, {"event": told["event"]}):
        found = heard(strange, "UBOT", "T1")
        assert found is not None
        assert found.key == "slack:T1:C1:1.1"


def test_a_reaction_is_the_same_in_every_colour_and_its_removal_is_another_thing() -> None:
    item = {"type": "message", "channel": "C1", "ts": "1.1"}
    told = {"user": "U1", "reaction": "wave::skin-tone-3", "item": item, "event_ts": "2.0"}
    put, taken = (heard(event(**{**told, "type": f"reaction_{what}"}), "UBOT") for what in ("added", "removed"))
    assert isinstance(put, Reacted)
    assert isinstance(taken, Reacted)
    assert (put.emoji, put.added, put.at) == ("wave", True, "2.0")
    assert (taken.emoji, taken.added) == ("wave", False)
    assert put.key != taken.key


def test_an_edit_says_which_edition_it_is_and_when() -> None:
    before = {"ts": "1.1", "user": "U1", "text": "a"}
    after = {**before, "text": "b", "edited": {"user": "U1", "ts": "2.0"}}
    edit = heard(event(subtype="message_changed", message=after, previous_message=before), "UBOT")
    assert isinstance(edit, Said)
    assert (edit.edition, edit.at, edit.ts) == ("2.0", "2.0", "1.1")
    assert (said().edition, said().at) == ("", "1.1")


def test_what_happened_is_read_from_the_inbox_as_it_was_written() -> None:
    file = {"id": "F1", "name": "a.png", "mimetype": "image/png", "size": 3, "url_private": "https://x/a.png"}
    reacted = Reacted(key="k", team="T1", channel="C1", ts="1.1", user="U1", emoji="eyes", added=False, at="2.0")
    for happened in (said(files=[file]), reacted):
        assert read(written(happened, MONDAY)) == happened
