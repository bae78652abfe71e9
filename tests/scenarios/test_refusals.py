"""What is not done, for whom, and how it is told and kept (R-DA-3)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rules.commands import DEEDS, PAGE_DEEDS
from rules.model import AuthorKind, EntryKind, Role, Status
from tests.stage import Stage, a_policy, a_stage

ARGS: dict[str, Any] = {"to": "ana", "value": "P2", "until": "2d", "reply": "1:reply:1"}


def opened(**policy: object) -> Stage:
    stage = a_stage(**policy)
    stage.mail()
    return stage


def refused(stage: Stage, name: str, text: str = "Words.", **args: Any) -> tuple[str, str] | None:
    """The code and words of a refusal."""
    refusal = stage.command(name, text, **args).refusal
    return (refusal.code, refusal.text) if refusal else None


@pytest.mark.parametrize("name", sorted(DEEDS))
def test_a_stranger_may_do_nothing_and_it_is_kept(name: str) -> None:
    """Whoever is not on the staff list is told so; the ticket stays as it is and the journal keeps the attempt."""
    stage = opened()
    before, sent = stage.ticket(), len(stage.sent)
    answer = stage.command(name, "Words.", by="intruder", **ARGS)
    assert answer.refusal is not None
    assert answer.refusal.code == "stranger"
    assert "intruder is not on the staff list" in answer.refusal.text
    assert (stage.ticket(), len(stage.sent)) == (before, sent)
    entry = stage.entries()[-1]
    assert (entry.kind, entry.author.name) == (EntryKind.REFUSED, "intruder")


@pytest.mark.parametrize("name", sorted(DEEDS))
def test_a_role_that_is_too_low_is_refused_every_command(name: str) -> None:
    """Roles are enforced in one place, so every door refuses alike (law 2)."""
    policy = a_policy()
    guest = replace(policy.staff[0], key="guest", name="Guest", email="guest@example.com", role=Role.CUSTOMER)
    stage = opened(staff=(*policy.staff, guest))
    before, sent = stage.ticket(), len(stage.sent)
    code, text = refused(stage, name, by="guest", **ARGS) or ("", "")
    assert code == "role"
    assert f"takes the role {DEEDS[name].role} or higher" in text
    assert (stage.ticket(), len(stage.sent)) == (before, sent)


@pytest.mark.parametrize("role", ["agent", "lead", "manager", "admin"])
@pytest.mark.parametrize("name", ["claim", "note", "assign"])
def test_who_is_entitled_may(role: str, name: str) -> None:
    """A higher role may do all that a lower one may."""
    policy = a_policy()
    boss = replace(policy.staff[0], key="boss", name="Boss", email="boss@example.com", role=Role(role))
    stage = opened(staff=(*policy.staff, boss))
    assert refused(stage, name, by="boss", **ARGS) is None


def test_a_customer_may_do_on_pages_only_what_pages_offer() -> None:
    """No staff command is a page's."""
    assert set(PAGE_DEEDS) & set(DEEDS) == set()


def test_an_unknown_ticket_and_an_unknown_command_are_told() -> None:
    """Each in a sentence with what was asked for."""
    stage = opened()
    assert refused(stage, "claim", number=99) == ("ticket", "There is no ticket #99.")
    assert refused(stage, "explode") == ("command", "“explode” is not a command here.")


@pytest.mark.parametrize(
    ("name", "args", "code"),
    [
        ("priority", {"value": "P0"}, "priority"),
        ("category", {"value": "weather"}, "category"),
        ("assign", {"to": "nobody"}, "staff"),
        ("assign", {"to": ""}, "staff"),
        ("hold", {"until": "yesterday"}, "until"),
        ("hold", {"until": "2020-01-01"}, "until"),
        ("hold", {"until": ""}, "until"),
        ("follow_up", {"until": "99999999999d"}, "until"),
        ("follow_up", {"until": "9999-12-31T23:59:59+00:00"}, "until"),
        ("resolve", {"category": "weather"}, "category"),
        ("close", {}, "move"),
        ("reopen", {}, "move"),
        ("resume", {}, "move"),
        ("send_now", {"reply": "1:reply:1"}, "not_held"),
        ("withdraw", {}, "not_held"),
        ("edit", {}, "not_held"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(name: str, args: dict[str, str], code: str) -> None:
    """A refusal is a decision: told, recorded, and without effect."""
    stage = opened()
    before, sent = stage.ticket(), len(stage.sent)
    found, text = refused(stage, name, **args) or ("", "")
    assert (found, bool(text)) == (code, True)
    assert (stage.ticket(), len(stage.sent)) == (before, sent)
    assert f"refused: {code}" in stage.reasons()


@pytest.mark.parametrize("text", ["", "   \n"])
def test_nothing_is_resolved_without_a_word_on_how(text: str) -> None:
    """The resolution text is required (R-CO-1)."""
    stage = opened()
    assert (refused(stage, "resolve", text) or ("",))[0] == "resolution"
    assert stage.status() is Status.NEW


def test_a_ticket_that_is_done_cannot_be_claimed() -> None:
    """The refusal names the state in words."""
    stage = opened()
    stage.command("resolve", "Done.", now="yes")
    assert refused(stage, "claim") == ("move", "#1 is resolved; “claim” is not possible now.")


def test_setting_what_is_set_already_changes_nothing() -> None:
    """The same priority, category, assignee or claim again is no news to anybody."""
    stage = opened()
    stage.command("claim")
    before, sent, entries = stage.ticket(), len(stage.sent), len(stage.entries())
    for name, args in (
        ("priority", {"value": before.priority}), ("category", {"value": before.category}), ("assign", {"to": "ana"}),
        ("claim", {}),
    ):  # fmt: skip
        assert refused(stage, name, **args) is None
    assert (stage.ticket(), len(stage.sent), len(stage.entries())) == (before, sent, entries)


@pytest.mark.parametrize("wanted", ["li.wei", "李伟", "li.wei@example.com"])
def test_a_ticket_is_assigned_by_key_name_or_address(wanted: str) -> None:
    """The new responsible is called; whoever gave the ticket away knows."""
    stage = opened()
    stage.command("claim")
    assert refused(stage, "assign", to=wanted) is None
    assert stage.ticket().assignee == "li.wei"
    assert stage.posts(1)[-1].mentions == ("li.wei",)
    assert [entry.text for entry in stage.entries(kind=EntryKind.ASSIGNED)] == ["nobody -> ana", "ana -> li.wei"]


def test_whoever_had_a_ticket_is_told_when_somebody_else_gives_it_away() -> None:
    """The new responsible is called, and so is the old one: never may both believe that the other has it (R-AS-2)."""
    stage = opened()
    stage.command("claim")
    stage.command("assign", by="mei", to="li.wei")
    assert stage.posts(1)[-1].mentions == ("li.wei", "ana")


def test_whoever_had_a_ticket_is_told_when_somebody_else_claims_it() -> None:
    """Claiming takes it over, visibly."""
    stage = opened()
    stage.command("claim")
    stage.command("claim", by="li.wei")
    assert (stage.ticket().assignee, stage.posts(1)[-1].mentions) == ("li.wei", ("ana",))


def test_a_change_keeps_who_and_why() -> None:
    """Priority and category: from, to, by whom, with what reason (R-CL-2)."""
    stage = opened()
    stage.command("priority", "The boss is affected.", value="P2")
    stage.command("category", value="network")
    changed = [(entry.text, entry.author.key) for entry in stage.entries(kind=EntryKind.CHANGED)]
    assert changed == [("priority P3 -> P2", "ana"), ("category hardware -> network", "ana")]
    assert "said: The boss is affected." in stage.reasons()
    assert all(entry.author.kind is AuthorKind.STAFF for entry in stage.entries(kind=EntryKind.CHANGED))


def test_what_no_mail_and_no_file_takes_is_left_out_of_words() -> None:
    """JSON and a command line can carry NUL and lone surrogates; a journal that held one could not be shown."""
    stage = opened()
    assert stage.command("note", "a\x00 b\ud800 c", by="ana").refusal is None
    assert stage.entries()[-1].text == "a b c"
    answer = stage.command("priority", value="\udfff", by="ana").refusal
    assert answer is not None
    assert answer.text.encode()
