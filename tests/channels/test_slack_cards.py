"""What staff see in Slack: cards, posts and whispers, and that no customer's text can ping, fake or break one."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.chat import blocks, forms
from channels.chat.cards import CardBlocks, card
from channels.chat.form_parts import Memory, Scene
from channels.chat.posts import post, whisper
from rules.commands import DEEDS
from rules.effects import Button, OwedFile, Post, Whisper
from rules.lifecycle import LIVE
from rules.model import DESK, Address, Author, AuthorKind, EntryKind, Resolution, Status, Ticket
from tests.builders import MONDAY, a_clock, a_ticket, an_entry
from tests.channels.slack_desk import ANA, a_policy
from tests.loopback_slack.blocks import accept_message_blocks
from tests.loopback_slack.modal_shape import accept_view

NASTY = "<!channel> <@U0ANA> <!subteam^S1> <https://evil.example|your bank> & *bold* `code` @here\u202e\x00"

BY_ANA = Author(kind=AuthorKind.STAFF, key="ana", name=ANA.name)
BY_MEI = Author(kind=AuthorKind.STAFF, key="mei", name="Mei")


def shown(ticket: Ticket, **more: Any) -> CardBlocks:
    """The card of a ticket with its first mail, an hour after it came."""
    values: dict[str, Any] = {"opening": an_entry(), "last": None, "now": MONDAY + timedelta(hours=1), **more}
    return card(ticket, policy=a_policy(), **values)


def commands(made: CardBlocks) -> list[str]:
    """The commands that the buttons and menus of a message offer."""
    rows = [block for block in made.blocks if block["type"] == "actions"]
    return [element["action_id"].removeprefix("deskbell:") for row in rows for element in row["elements"]]


def spoken(made: CardBlocks) -> str:
    """Every word of a message that Slack reads as markup: its ``text`` and all ``mrkdwn``."""
    found = [made.text]

    def look(thing: Any) -> None:
        if isinstance(thing, dict):
            if thing.get("type") == "mrkdwn":
                found.append(thing["text"])
            for value in thing.values():
                look(value)
        elif isinstance(thing, list):
            for value in thing:
                look(value)

    look(made.blocks)
    return "\n".join(found)


def test_a_new_ticket_has_a_card_with_what_who_and_by_when() -> None:
    made = shown(a_ticket(1042, priority="P1", clocks=(a_clock(),)))
    whole = json.dumps(made.blocks, ensure_ascii=False)
    assert made.text == "#1042 P1 The printer on the third floor is on fire, unassigned"
    assert made.blocks[0]["text"]["text"] == "🔴 P1 · #1042 · The printer on the third floor is on fire"
    assert "Mei Lin <mei.lin@example.net>" in whole
    assert "Please help." in whole
    assert f"<!date^{int((MONDAY + timedelta(hours=4)).timestamp())}^" in whole
    assert len(made.blocks) <= 7
    accept_message_blocks(made.blocks)


def test_the_card_says_who_has_the_ticket_and_what_changed_last_without_pinging_anybody() -> None:
    last = an_entry(kind=EntryKind.ASSIGNED, text="claimed", author=Author(kind=AuthorKind.STAFF, name=ANA.name))
    made = shown(a_ticket(status=Status.OPEN, assignee="ana"), last=last)
    whole = json.dumps(made.blocks, ensure_ascii=False)
    assert "*Owner*\\nAna Silva" in whole
    assert "Ana Silva: claimed" in whole
    assert "<@" not in whole + made.text


@pytest.mark.parametrize(
    ("kind", "text", "author", "told"),
    [
        (EntryKind.ASSIGNED, "nobody -> ana", DESK, "Ana Silva has it"),
        (EntryKind.ASSIGNED, "nobody -> ana", BY_ANA, "Ana Silva has it"),
        (EntryKind.ASSIGNED, "bo -> ana", BY_MEI, "Mei gave it to Ana Silva"),
        (EntryKind.STATUS, "open -> waiting", BY_ANA, "Ana Silva: open → waiting for the customer"),
        (EntryKind.CHANGED, "priority P3 -> P1", BY_ANA, "Ana Silva: priority P3 → P1"),
        (EntryKind.SNOOZED, "pings off until 2026-03-23 16:53 UTC", BY_ANA, "Ana Silva put the pings off"),
    ],
)
def test_the_last_change_is_told_in_words_and_names_not_in_keys(
    kind: EntryKind, text: str, author: Author, told: str
) -> None:
    made = shown(a_ticket(status=Status.OPEN, assignee="ana"), last=an_entry(kind=kind, text=text, author=author))
    assert told in json.dumps(made.blocks, ensure_ascii=False)


def test_a_ticket_that_the_customer_confirmed_was_resolved_by_staff_not_closed_by_them() -> None:
    made = shown(a_ticket(status=Status.CLOSED, assignee="ana", resolved_by="ana"))
    assert "Closed · resolved by Ana Silva" in json.dumps(made.blocks, ensure_ascii=False)


@pytest.mark.parametrize(
    ("status", "assignee", "offered"),
    [
        (Status.NEW, None, ["claim", "open:reply", "priority", "open:resolve", "menu"]),
        (Status.OPEN, "ana", ["open:reply", "priority", "open:resolve", "menu"]),
        (Status.WAITING, "ana", ["open:reply", "priority", "resume", "open:resolve", "menu"]),
        (Status.ON_HOLD, "ana", ["open:reply", "priority", "resume", "open:resolve", "menu"]),
        (Status.RESOLVED, "ana", ["close", "reopen", "open:more"]),
        (Status.CLOSED, "ana", ["reopen", "open:more"]),
    ],
)
def test_a_card_offers_only_what_the_ticket_can_take_now(
    status: Status, assignee: str | None, offered: list[str]
) -> None:
    made = commands(shown(a_ticket(status=status, assignee=assignee)))
    assert made == offered
    assert {name for name in made if ":" not in name and name != "menu"} <= set(DEEDS)


def test_a_chinese_desk_has_chinese_cards_and_forms() -> None:
    policy = a_policy(languages=("zh-CN", "en"))
    ticket = a_ticket(7, status=Status.WAITING, subject="", clocks=(a_clock(),))
    made = card(ticket, policy=policy, opening=an_entry(), last=an_entry(), now=MONDAY)
    whole = json.dumps(made.blocks, ensure_ascii=False)
    for words in ("等待客户反馈", "负责人", "解决…", "Mei Lin 来信", "（无主题）"):
        assert words in whole
    changed = an_entry(kind=EntryKind.CHANGED, text="priority P3 -> P1", author=BY_ANA)
    told = card(ticket, policy=policy, opening=an_entry(), last=changed, now=MONDAY)
    assert "Ana Silva：优先级 P3 → P1" in json.dumps(told.blocks, ensure_ascii=False)
    form = forms.view("resolve", Scene(policy=policy, at=MONDAY, memory=Memory(ticket=7), ticket=ticket))
    assert form["title"]["text"] == "解决 #7"
    assert accept_view(form, frozenset({"modal"}))


@pytest.mark.parametrize("status", sorted(set(Status) - LIVE))
def test_a_ticket_that_is_done_collapses_to_its_outcome(status: Status) -> None:
    resolution = Resolution(text="Put the fire out", root_cause="toner")
    made = shown(a_ticket(status=status, resolution=resolution, resolved_by="ana", resolved_at=MONDAY))
    assert [block["type"] for block in made.blocks] == ["header", "context", "actions"]
    assert "by Ana Silva" in json.dumps(made.blocks)
    assert "Put the fire out" in json.dumps(made.blocks)


def test_the_priority_menu_stands_on_the_present_priority_and_carries_the_ticket() -> None:
    menu = next(
        element
        for block in shown(a_ticket(7, priority="P2")).blocks
        for element in block.get("elements", [])
        if element.get("type") == "static_select"
    )
    assert json.loads(menu["initial_option"]["value"]) == {"ticket": 7, "value": "P2"}
    assert [json.loads(option["value"])["value"] for option in menu["options"]] == ["P1", "P2", "P3", "P4"]


def test_a_long_mail_is_cut_on_the_card_and_says_where_the_rest_is() -> None:
    made = shown(a_ticket(), opening=an_entry(text="word " * 2000))
    text = made.blocks[2]["elements"][0]["elements"][0]["text"]
    assert len(text) < 2600
    assert text.endswith("…\n(the rest is in the thread)")


def test_a_customers_text_can_not_ping_link_or_turn_the_line() -> None:
    ticket = a_ticket(subject=NASTY, customer=Address(email="x@example.net", name=NASTY), category=NASTY)
    for made in (
        shown(ticket, opening=an_entry(text=NASTY)),
        post(Post(text=NASTY, quote=NASTY, quote_author=NASTY, ticket=1), a_policy()),
        whisper(Whisper(to="U0ANA", text=NASTY)),
    ):
        markup = spoken(made)
        assert "<!channel" not in markup
        assert "<!subteam" not in markup
        assert "<@" not in markup
        assert "<http" not in markup
        assert "\u202e" not in json.dumps(made.blocks, ensure_ascii=False)
        assert "\\u0000" not in json.dumps(made.blocks)
        accept_message_blocks(made.blocks)


def test_a_post_mentions_only_staff_and_names_those_without_a_slack_id() -> None:
    made = post(Post(text="P1 waits", mentions=("ana", "ben", "nobody"), mark="escalation"), a_policy())
    assert made.blocks[0]["text"]["text"] == "⏰ <@U0ANA> Ben Okafor P1 waits"
    assert made.text == "⏰ <@U0ANA> Ben Okafor P1 waits"


def test_a_forged_slack_id_in_the_configuration_is_no_mention() -> None:
    person = type(ANA)(key="eve", name="Eve", email="eve@example.com", slack="U1> <!channel")
    made = post(Post(text="hello", mentions=("eve",)), a_policy(staff=(person,)))
    assert made.text == "Eve hello"


def test_a_name_and_an_icon_stand_once_over_a_customers_words_and_a_ping() -> None:
    said = post(
        Post(text="Mei Lin wrote", quote="Any news?", quote_author="Mei Lin", ticket=7, mark="customer"), a_policy()
    )
    assert [block["type"] for block in said.blocks] == ["section", "rich_text"]
    rung = post(Post(text="🔔 #7 P1: the first response was due", ticket=7, mark="alarm"), a_policy())
    assert rung.text.startswith("🔔")


def test_the_customers_words_stand_between_our_text_and_the_buttons() -> None:
    content = Post(
        text="Files of an old mail",
        quote="Any news?",
        quote_author="Mei Lin",
        ticket=7,
        mark="mail",
        buttons=(Button(command="taken", label="I have it", style="primary"),),
        files=(OwedFile(filename="fire.jpg", content_type="image/jpeg", message_key="mail:1", part=2),),
    )
    made = post(content, a_policy())
    assert [block["type"] for block in made.blocks] == ["section", "context", "rich_text", "context", "actions"]
    assert commands(made) == ["taken"]
    assert json.loads(made.blocks[-1]["elements"][0]["value"]) == {"ticket": 7, "value": ""}
    assert "fire.jpg" in json.dumps(made.blocks)


def test_a_very_long_mail_is_cut_in_the_thread_and_says_where_the_whole_is() -> None:
    made = post(Post(text="Mei Lin wrote", quote='"\n' * 20_000, ticket=7), a_policy())
    accept_message_blocks(made.blocks)
    assert "deskbell ticket show 7" in json.dumps(made.blocks)
    assert blocks.size(made.blocks) > 12_000


def test_two_buttons_of_one_command_are_told_apart() -> None:
    pair = (Button(command="priority", label="P1", value="P1"), Button(command="priority", label="P2", value="P2"))
    made = post(Post(text="Which?", ticket=7, buttons=pair), a_policy())
    accept_message_blocks(made.blocks)
    assert commands(made) == ["priority", "priority:1"]


def test_our_own_long_text_is_split_over_paragraphs_at_line_ends() -> None:
    lines = [f"line {number} of the digest & more" for number in range(200)]
    made = post(Post(text="\n".join(lines)), a_policy())
    accept_message_blocks(made.blocks)
    parts = [block["text"]["text"] for block in made.blocks]
    assert len(parts) == 3
    assert "\n".join(parts) == "\n".join(blocks.escape(line) for line in lines)


wild = st.text(st.characters(codec=None), max_size=400) | st.sampled_from(["", "&" * 9000, '"' * 20000, "😀" * 9000])


@settings(max_examples=60, deadline=None)
@given(subject=wild, name=wild, text=wild, said=wild)
def test_whatever_is_written_slack_takes_the_message(subject: str, name: str, text: str, said: str) -> None:
    ticket = a_ticket(subject=subject, customer=Address(email="x@example.net", name=name), category=name)
    last = an_entry(kind=EntryKind.STATUS, text=said, author=Author(kind=AuthorKind.STAFF, name=name))
    buttons = tuple(Button(command="claim", label=name, value="x") for _ in range(3))
    for made in (
        shown(ticket, opening=an_entry(text=text), last=last),
        shown(a_ticket(status=Status.RESOLVED, subject=subject, resolution=Resolution(text=said))),
        post(Post(text=said, quote=text, quote_author=name, ticket=1, buttons=buttons), a_policy()),
        post(Post(text=text, ticket=1, buttons=buttons), a_policy()),
        whisper(Whisper(to="U0ANA", text=said, buttons=buttons)),
    ):
        accept_message_blocks(made.blocks)
        assert len(made.text) <= 4000
        assert made.text
        json.dumps(made.blocks, ensure_ascii=False).encode()


@pytest.mark.parametrize(("found", "warned"), [("fail", True), ("pass", False), ("none", False)])
def test_the_card_warns_of_a_sender_whom_their_domain_disowns(found: str, warned: bool) -> None:
    """Whoever looks at the card knows it before they answer."""
    reason = f"authentication: SPF none, DKIM none, DMARC {found} (read by mx.example.com)"
    made = shown(a_ticket(), opening=an_entry(because=(reason,)))
    assert ("says that this mail is not theirs" in json.dumps(made.blocks)) is warned


def test_the_card_says_which_ticket_it_may_be_related_to() -> None:
    """At first as its last change, and for as long as the ticket lives in the line of who and when (complaint 30)."""
    linked = an_entry(kind=EntryKind.LINKED, text="#17", author=DESK)
    at_first = json.dumps(shown(a_ticket(linked=(17,)), opening=an_entry(), last=linked).blocks)
    assert "Possibly related: #17" in at_first
    later = shown(a_ticket(linked=(17, 18)), opening=an_entry(), last=an_entry(kind=EntryKind.NOTED))
    assert "Related: #17, #18" in json.dumps(later.blocks)
    assert "elated" not in json.dumps(shown(a_ticket(), opening=an_entry()).blocks)


def test_the_card_of_a_merged_ticket_says_where_it_lives_on_and_offers_nothing() -> None:
    """There is nothing to press on it (complaint 31)."""
    made = shown(a_ticket(2, status=Status.CLOSED, closed_at=MONDAY, merged_into=1))
    assert "Merged into #1" in json.dumps(made.blocks)
    assert commands(made) == []
    accept_message_blocks(made.blocks)


@pytest.mark.parametrize(
    ("over", "icon", "said"), [({"merged_into": 1}, "🔗", "Merged into #1"), ({"junk": True}, "🗑", "Spam")]
)
def test_the_card_of_what_was_not_solved_carries_no_tick(over: dict[str, Any], icon: str, said: str) -> None:
    """A merged ticket and spam are closed, but "Closed" would say that somebody was helped there."""
    made = shown(a_ticket(2, status=Status.CLOSED, closed_at=MONDAY, resolved_by="ana", **over))
    assert made.blocks[0]["text"]["text"].startswith(icon)
    assert said in json.dumps(made.blocks[1])
    assert said.lower() in made.text.lower()
    assert "losed" not in json.dumps(made.blocks)
    accept_message_blocks(made.blocks)
