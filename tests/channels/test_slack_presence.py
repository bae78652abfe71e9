"""Who else is writing an answer: seen while it lasts, and forgotten when somebody forgot their form."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from channels.chat import forms
from channels.chat.presence import ENDS_AFTER, Presence, Writer
from channels.web.forms import SlackForms
from rules.effects import OutboxState
from rules.model import Actor
from tests.builders import MONDAY, a_ticket, an_outbox_entry
from tests.channels.slack_desk import a_policy
from tests.channels.web_desk import SmallDesk


def a_writer(user: str, **changes: Any) -> Writer:
    """Somebody opened the form of ticket 7 on Monday morning."""
    values: dict[str, Any] = {
        "view": f"V{user}",
        "ticket": 7,
        "user": user,
        "name": user,
        "since_at": MONDAY,
        "shown": {},
    }
    return Writer(**{**values, **changes})


def lines(presence: Presence, user: str, at: datetime = MONDAY, owed: tuple[Any, ...] = ()) -> tuple[str, ...]:
    """What somebody sees of the others."""
    return presence.lines(7, user, owed, a_policy(), at)


def test_nobody_sees_themselves_and_everybody_sees_the_others() -> None:
    presence = Presence()
    presence.came(a_writer("U1"))
    presence.came(a_writer("U2", since_at=MONDAY + timedelta(minutes=3)))
    presence.came(a_writer("U3", ticket=8))
    assert lines(presence, "U1") == ("U2 is writing an answer too, since 17:03 CST",)
    assert lines(presence, "U2") == ("U1 is writing an answer too, since 17:00 CST",)
    presence.left("VU1")
    assert lines(presence, "U2") == ()
    assert presence.tickets() == {7, 8}


def test_a_form_that_was_forgotten_is_no_presence() -> None:
    presence = Presence()
    presence.came(a_writer("U1"))
    assert lines(presence, "U2", MONDAY + ENDS_AFTER - timedelta(seconds=1)) != ()
    assert lines(presence, "U2", MONDAY + ENDS_AFTER) == ()


def test_whoever_previews_has_been_writing_since_they_began() -> None:
    presence = Presence()
    presence.came(a_writer("U1"))
    presence.came(a_writer("U1", since_at=MONDAY + timedelta(minutes=9)))
    assert lines(presence, "U2") == ("U1 is writing an answer too, since 17:00 CST",)


def test_an_answer_in_its_hold_is_told_with_its_words_until_it_leaves() -> None:
    held = an_outbox_entry(
        "7:reply:1", due_at=MONDAY + timedelta(seconds=12), meta={"by": "ana", "text": "It is the toner."}
    )
    told = lines(Presence(), "U2", owed=(held,))
    assert told == ("An answer of Ana Silva leaves within 12 s: It is the toner.",)
    assert lines(Presence(), "U2", MONDAY + timedelta(seconds=12), (held,)) == ()
    gone = an_outbox_entry("7:reply:1", due_at=held.due_at, meta=held.meta, state=OutboxState.WITHDRAWN)
    assert lines(Presence(), "U2", owed=(gone,)) == ()


def test_the_lines_above_an_open_form_are_changed_and_nothing_else() -> None:
    shown = {"blocks": [{"type": "context", "elements": []}, {"type": "input", "block_id": "words"}]}
    told = forms.with_told(shown, ("Ben is writing",))
    assert [block.get("block_id") for block in told["blocks"]] == [None, "told", "words"]
    assert forms.with_told(told, ()) == shown


def test_whoever_writes_in_two_places_does_not_see_themselves() -> None:
    """On the console page somebody is known by the staff list, which may not name them as Slack does."""
    presence = Presence()
    presence.came(a_writer("U1", name="Ana"))
    presence.came(a_writer("console:ana", name="Ana", shown={}))
    assert lines(presence, "U1") == ()
    assert lines(presence, "console:ana") == ()
    assert len(lines(presence, "U2")) == 2


def test_the_console_page_tells_slack_who_begins_and_stops_writing() -> None:
    desk, presence, news = SmallDesk(), Presence(), list[int]()
    desk.add(a_ticket(7))
    presence.on_news = news.append
    presence.came(a_writer("U2", name="Ben Okafor"))
    page = SlackForms(desk, desk, a_policy, desk.now, presence)
    ana = Actor(name="Ana Silva", staff="ana", via="console")
    view = page.open("reply", 7, "", ana)
    assert "Ben Okafor is writing an answer too" in json.dumps(view)
    page.writing("reply", 7, ana, ends=False)
    page.writing("resolve", 7, ana, ends=False)
    assert [line.partition(",")[0] for line in lines(presence, "U2")] == ["Ana Silva is writing an answer too"]
    page.writing("reply", 7, ana, ends=True)
    assert (lines(presence, "U2"), news) == ((), [7, 7])
