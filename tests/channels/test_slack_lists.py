"""What ``/ticket mine``, ``search``, a number and ``why`` tell, and what they tell nobody else."""

from __future__ import annotations

import json
from dataclasses import replace

from channels.chat import blocks, lists
from channels.chat.cards import CardBlocks
from rules.finding import Found
from rules.model import Actor, Address, EntryKind, Status, Ticket
from tests.builders import MONDAY, a_ticket, an_entry
from tests.channels.slack_desk import a_policy

POLICY = a_policy()
ANA = Actor(name="Ana Silva", staff="ana", user="U0ANA")
CAROL = Actor(name="Carol", user="U0CAROL", email="carol@example.com")
HOSTILE = "<!channel> *free* <https://evil.example|click>"


def numbers(shown: CardBlocks) -> list[int]:
    """The tickets that a list names, in order."""
    texts = [block["text"]["text"] for block in shown.blocks if block.get("text", {}).get("type") == "plain_text"]
    return [int(text.split("#")[1].split(" ")[0]) for text in texts if "#" in text]


def a_row(number: int, **changes: object) -> Ticket:
    return replace(a_ticket(number), **changes)  # type: ignore[arg-type]  # keywords of a test


def test_staff_are_told_their_live_tickets() -> None:
    live = [a_row(1, assignee="ana"), a_row(2, assignee="ben"), a_row(3, second="ana")]
    assert sorted(numbers(lists.mine(ANA, live, live, POLICY, MONDAY))) == [1, 3]


def test_who_only_asks_is_told_their_own_requests() -> None:
    latest = [a_row(1, asker="U0CAROL"), a_row(2, customer=Address(email="carol@example.com")), a_row(3)]
    assert numbers(lists.mine(CAROL, latest, latest, POLICY, MONDAY)) == [1, 2]


def test_nothing_found_says_what_was_searched() -> None:
    told = lists.searched(ANA, "<@U1> vpn", [a_row(1)], [], POLICY, MONDAY)
    assert "Nothing found" in told.text
    assert "<@U1>" not in json.dumps(told.blocks)


def test_live_tickets_come_before_those_that_are_done() -> None:
    done, live = a_row(9, subject="VPN", status=Status.CLOSED), a_row(4, subject="vpn again")
    assert numbers(lists.searched(ANA, "vpn", [live], [done, live], POLICY, MONDAY)) == [4, 9]


def test_staff_see_the_words_around_what_they_looked_for_and_which_are_inside() -> None:
    """What a customer wrote stands as plain text: it calls nobody and links nowhere."""
    hits = [
        Found(ticket=a_row(4, subject="vpn"), snippet="the <!channel> vpn is down"),
        Found(ticket=a_row(9), snippet="restart the vpn", inside=True),
        Found(ticket=a_row(2)),
    ]
    told = lists.found(ANA, "vpn", hits, POLICY, MONDAY)
    assert numbers(told) == [4, 9, 2]
    around = [block["elements"][0] for block in told.blocks if block["type"] == "context"]
    assert [one["text"] for one in around] == ["the <!channel> vpn is down", "🔒 restart the vpn"]
    assert {one["type"] for one in around} == {"plain_text"}
    assert "Nothing found" in lists.found(ANA, "<@U1>", [], POLICY, MONDAY).text


def test_a_long_list_of_finds_fits_into_one_message() -> None:
    """Slack takes no more than fifty blocks in a message."""
    hits = [Found(ticket=a_row(number, subject="w" * 300), snippet="s" * 400) for number in range(1, 51)]
    assert len(lists.found(ANA, "w", hits, POLICY, MONDAY).blocks) <= 50


def test_a_search_finds_nobody_elses_requests_for_who_only_asks() -> None:
    other, own = a_row(1, subject="vpn secret"), a_row(2, subject="vpn", asker="U0CAROL")
    assert numbers(lists.searched(CAROL, "vpn", [other, own], [], POLICY, MONDAY)) == [2]


def test_a_ticket_of_somebody_else_is_not_there_for_who_only_asks() -> None:
    told = lists.shown(CAROL, 1, a_row(1, subject="secret"), [an_entry(1)], POLICY, MONDAY)
    assert told.text == lists.shown(CAROL, 1, None, [], POLICY, MONDAY).text
    assert "secret" not in json.dumps(told.blocks)
    assert "secret" not in json.dumps(lists.why(CAROL, 1, a_row(1, subject="secret"), [], POLICY).blocks)


def test_a_number_shows_staff_the_card() -> None:
    told = lists.shown(ANA, 7, a_row(7, subject="On fire"), [an_entry(7)], POLICY, MONDAY)
    assert told.blocks[0]["type"] == "header"
    assert "On fire" in json.dumps(told.blocks[0])


def test_why_tells_every_step_with_its_reasons() -> None:
    told = lists.why(ANA, 7, a_row(7), [an_entry(7, because=("thread: no evidence", "rule: vpn matched"))], POLICY)
    (story,) = [block for block in told.blocks if block["type"] == "rich_text"]
    assert "rule: vpn matched" in json.dumps(story)


def test_a_long_story_keeps_its_end_and_says_where_the_rest_is() -> None:
    entries = [an_entry(7, text=f"step {place} " + "x" * 150) for place in range(500)]
    told = lists.why(ANA, 7, a_row(7, subject=HOSTILE), entries, POLICY)
    assert "step 499" in json.dumps(told.blocks)
    assert "step 0 " not in json.dumps(told.blocks)
    assert "deskbell why 7" in json.dumps(told.blocks)
    assert blocks.size(told.blocks) <= blocks.MESSAGE_MOST


def test_a_list_of_hundreds_is_cut_and_says_so() -> None:
    live = [a_row(number, assignee="ana", subject=HOSTILE * 9) for number in range(1, 300)]
    told = lists.mine(ANA, live, live, POLICY, MONDAY)
    assert len(told.blocks) <= 50
    assert "279 more" in json.dumps(told.blocks)
    assert blocks.size(told.blocks) <= blocks.MESSAGE_MOST
    assert all(
        block["text"]["type"] != "mrkdwn" or "evil" not in str(block) for block in told.blocks if "text" in block
    )


def test_each_row_leads_to_the_thread_or_while_its_address_is_unknown_to_the_card() -> None:
    live = [a_row(1, assignee="ana"), a_row(2, assignee="ana")]
    known = {1: "https://acme.slack.test/1"}
    told = lists.mine(ANA, live, live, POLICY, MONDAY, lambda ticket: known.get(ticket.number, ""))
    buttons = {block["accessory"]["action_id"]: block["accessory"] for block in told.blocks if "accessory" in block}
    assert sorted(buttons) == ["deskbell:home:link:1", "deskbell:home:show:2"]
    assert buttons["deskbell:home:link:1"]["url"] == known[1]


def test_who_asked_by_mail_has_no_thread_to_open() -> None:
    latest = [a_row(1, asker="U0CAROL", asked_in="C1:1.1"), a_row(2, customer=Address(email="carol@example.com"))]
    told = lists.searched(CAROL, "printer", latest, latest, POLICY, MONDAY)
    assert numbers(told) == [2, 1]
    assert ["accessory" in block for block in told.blocks[1:]] == [False, True]


def test_the_story_of_a_ticket_is_told_in_the_readers_words() -> None:
    """No keys of ours: kinds, statuses, people and fields have names."""
    entries = [
        an_entry(7, kind=EntryKind.STATUS, text="open -> on_hold"),
        an_entry(7, kind=EntryKind.ASSIGNED, text="nobody -> ana"),
        an_entry(7, kind=EntryKind.CHANGED, text="priority P3 -> P1"),
    ]
    policy = replace(POLICY, staff=tuple(replace(person, language="zh-CN") for person in POLICY.staff))
    for read, words in (
        (POLICY, ("status ·", "open → on hold", "→ Ana", "priority P3 → P1")),
        (policy, ("状态 ·", "处理中 → 挂起", "→ Ana", "优先级 P3 → P1")),
    ):
        told = json.dumps(lists.why(ANA, 7, a_row(7), entries, read).blocks, ensure_ascii=False)
        assert [word for word in words if word not in told] == []
        assert "on_hold" not in told


def test_each_kind_of_journal_entry_has_a_name_in_each_language() -> None:
    for texts in POLICY.wording.languages.values():
        assert [kind for kind in EntryKind if not texts.say(f"kind_{kind}")] == []
