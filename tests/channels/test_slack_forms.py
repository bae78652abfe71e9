"""The forms: what each shows, what it comes to, and that no text makes one that Slack would not take."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from channels.chat import forms
from channels.chat.blocks import Block
from channels.chat.form_parts import Filled, Memory, Scene
from rules import letters
from rules.effects import Mail, OwedFile
from rules.model import Address, Author, AuthorKind, EntryKind, Refusal, Status
from rules.policy import FormField, Habits
from rules.quoting import public
from tests.builders import MONDAY, a_ticket, an_entry, an_outbox_entry
from tests.channels.slack_desk import ANA, a_policy
from tests.channels.test_slack_cards import NASTY
from tests.loopback_slack.modal_shape import accept_view

BO = Address(email="bo@customer.test", name="Bo")
FORMS = {
    "hardware": (FormField(name="serial", label={"en": "Serial number", "zh-CN": "序列号"}, required=True),),
    "account": (FormField(name="plan", label={"en": "Plan"}, choices=("free", "paid")),),
}


def a_scene(**changes: Any) -> Scene:
    """Ana looks at ticket 7 of Mei Lin, who wrote once."""
    values: dict[str, Any] = {
        "policy": a_policy(habits=Habits(undo_hold=timedelta(seconds=20)), forms=FORMS,
                           matrix={("high", "high"): "P1", ("low", "low"): "P4"}),
        "at": MONDAY,
        "memory": Memory(ticket=7, channel="C1", thread="1.0", seen=1),
        "ticket": a_ticket(7),
        "entries": (an_entry(7),),
        "person": ANA,
    }  # fmt: skip
    return Scene(**{**values, **changes})


def typed(**fields: Any) -> Filled:
    """What was entered: words, a choice (``=…``), or several choices (a tuple)."""

    def state(value: Any) -> dict[str, Any]:
        if isinstance(value, tuple):
            return {"selected_options": [{"value": one} for one in value]}
        if value.startswith("="):
            return {"selected_option": {"value": value[1:]}}
        return {"value": value}

    return Filled({name: {name: state(value)} for name, value in fields.items()})


def words_in(view: Block) -> str:
    """Everything that a view says."""
    return json.dumps(view["blocks"], ensure_ascii=False)


def markup_in(thing: Any) -> Iterator[str]:
    """Every text that Slack reads as markup."""
    if isinstance(thing, dict):
        if thing.get("type") == "mrkdwn":
            yield thing["text"]
        for value in thing.values():
            yield from markup_in(value)
    elif isinstance(thing, list):
        for value in thing:
            yield from markup_in(value)


def sent_again(view: Block, scene: Scene) -> Scene:
    """The scene when the view, as shown, is sent in as it stands."""
    return Scene(**{name: getattr(scene, name) for name in scene.__dataclass_fields__}
                 | {"memory": Memory.read(view["private_metadata"])})  # fmt: skip


@pytest.mark.parametrize("name", sorted(forms.FORMS))
@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_slack_takes_every_form_in_every_language(name: str, language: str) -> None:
    scene = a_scene(policy=a_policy(languages=(language, "en"), forms=FORMS, matrix={("low", "low"): "P4"}))
    accept_view(forms.view(name, scene), frozenset({"modal"}))


@pytest.mark.parametrize("name", sorted(forms.FORMS))
def test_no_customers_text_makes_a_form_that_slack_refuses_or_reads_as_markup(name: str) -> None:
    for text in (NASTY * 30, "😀" * 4000, '"' * 9000, ""):
        customer = Address(email="x@example.net", name=text)
        ticket = a_ticket(7, subject=text, customer=customer, participants=(BO, customer), received=3,
                          details={"serial": text}, category="hardware")  # fmt: skip
        story = tuple(an_entry(7, text=text, message_key=f"mail:{n}") for n in range(150))
        scene = a_scene(ticket=ticket, entries=story, filled=typed(words="hello", recipients="=all"))
        view = forms.view(name, scene)
        accept_view(view, frozenset({"modal"}))
        assert "<!channel" not in "".join(markup_in(view))
        if name == "reply":
            step = forms.read(name, scene)
            assert step.view is not None
            accept_view(step.view, frozenset({"modal"}))


def test_the_preview_is_the_very_mail_that_is_sent() -> None:
    """Recipients, words, signature, what is quoted below: made by the same function of the rules."""
    ticket = a_ticket(7, participants=(BO,))
    scene = a_scene(ticket=ticket, filled=typed(words="A new one is on its way.", recipients="=all"))
    step = forms.read("reply", scene)
    assert step.view is not None
    assert step.asked == ()
    shown = words_in(step.view)
    mail = letters.staff_reply(
        ticket, scene.policy, text="A new one is on its way.", name=ANA.name, at=MONDAY, meta={},
        history=public(scene.entries),
    ).content  # fmt: skip
    assert isinstance(mail, Mail)
    leaves = [leaf["text"] for block in step.view["blocks"] for part in block.get("elements", [])
              for leaf in part.get("elements", [])]  # fmt: skip
    assert mail.text.strip("\n") in leaves
    assert [quoted.text for quoted in mail.quoted] == [leaf for leaf in leaves if leaf in {q.text for q in mail.quoted}]
    for told in (*mail.to, *mail.cc, mail.subject, mail.from_name, mail.quoted[0].intro, "20 s after"):
        assert told in shown
    final = forms.read("reply", sent_again(step.view, scene))
    (asked,) = final.asked
    assert (asked.command, asked.text, dict(asked.args)) == ("reply", "A new one is on its way.", {"seen": "1"})


def test_what_is_changed_after_the_preview_is_previewed_again() -> None:
    scene = a_scene(filled=typed(words="A new one is on its way."))
    shown = forms.read("reply", scene).view
    assert shown is not None
    changed = sent_again(shown, a_scene(filled=typed(words="It is repaired.")))
    again = forms.read("reply", changed)
    assert again.view is not None
    assert "You changed something" in words_in(again.view)
    assert "It is repaired." in words_in(again.view)


def test_copies_are_left_out_on_demand_in_preview_and_mail() -> None:
    """Complaint 49."""
    scene = a_scene(ticket=a_ticket(7, participants=(BO,)), filled=typed(words="Between us.", recipients="=customer"))
    shown = forms.read("reply", scene).view
    assert shown is not None
    assert "Copies: bo@customer.test" not in words_in(shown)
    (asked,) = forms.read("reply", sent_again(shown, scene)).asked
    assert asked.args["copies"] == "no"


def test_a_ticket_asked_in_chat_says_that_the_answer_goes_to_the_thread() -> None:
    asked = a_ticket(7, asked_in="C2:5.0", asker="U9", mailbox="")
    shown = forms.read("reply", a_scene(ticket=asked, filled=typed(words="Hello"))).view
    assert shown is not None
    assert "in the thread where Mei Lin" in words_in(shown)
    assert "Subject:" not in words_in(shown)
    assert json.dumps(f"Hello\n— {ANA.name}", ensure_ascii=False) in words_in(shown)
    assert "Quoted below" not in words_in(shown)


def test_an_answer_in_chat_that_goes_by_mail_too_is_previewed_as_the_mail() -> None:
    asked = a_ticket(7, asked_in="C2:5.0", asker="U9", by_mail=True)
    shown = forms.read("reply", a_scene(ticket=asked, filled=typed(words="Hello"))).view
    assert shown is not None
    for told in ("in the thread where Mei Lin", "Subject:", "Quoted below"):
        assert told in words_in(shown)


def a_held(**meta: str) -> Any:
    """An answer of Ana's that is held, with a file."""
    file = OwedFile(filename="plan.pdf", content_type="application/pdf", message_key="mail:9", size=2000)
    content = Mail(mailbox="support", to=("mei@x.test",), subject="s", text="t", message_id="<1@x.test>", files=(file,))
    known = {"by": "ana", "text": "on its wya", "target": "C1:2.0", "place": "C1:2.0", **meta}
    return an_outbox_entry("7:reply:1", content=content, meta=known, ticket=7)


def test_a_held_answer_is_edited_with_its_words_and_files() -> None:
    scene = a_scene(memory=Memory(ticket=7, value="C1:2.0"), owed=(a_held(),))
    assert '"initial_value": "on its wya"' in words_in(forms.view("reply", scene))
    scene = a_scene(memory=Memory(ticket=7, value="C1:2.0"), owed=(a_held(),), filled=typed(words="on its way"))
    shown = forms.read("reply", scene).view
    assert shown is not None
    assert "plan.pdf" in words_in(shown)
    (asked,) = forms.read("reply", sent_again(shown, scene)).asked
    assert (asked.command, asked.args["value"], asked.text) == ("edit", "C1:2.0", "on its way")


def test_a_held_answer_that_is_longer_than_a_field_is_not_cut_off_unseen() -> None:
    scene = a_scene(memory=Memory(ticket=7, value="C1:2.0"), owed=(a_held(text="x" * 4000),))
    view = forms.view("reply", scene)
    assert "too long for a form" in words_in(view)
    assert "submit" not in view


def test_an_answer_that_is_asked_about_is_sent_only_after_a_tick() -> None:
    scene = a_scene(filled=typed(words="on its way"))
    shown = forms.read("reply", scene).view
    assert shown is not None
    scene = sent_again(shown, scene)
    (asked,) = forms.read("reply", scene).asked
    step = forms.refused("reply", scene, asked, Refusal(code="ask", text="Ben answered a moment ago: “done”"))
    assert step.view is not None
    assert "Ben answered a moment ago" in words_in(step.view)
    accept_view(step.view, frozenset({"modal"}))
    sure = sent_again(step.view, a_scene(filled=typed(words="on its way", sure=("sure",))))
    (again,) = forms.read("reply", sure).asked
    assert again.args["sure"] == "yes"


def test_a_refusal_is_shown_under_the_field_that_it_is_about() -> None:
    for name, filled in (("assign", typed(to="=ben")), ("merge", typed(into="12")), ("hold", typed(length="=3d"))):
        scene = a_scene(filled=filled)
        (asked,) = forms.read(name, scene).asked
        step = forms.refused(name, scene, asked, Refusal(code="move", text="No. " * 200))
        (where,) = step.errors
        assert where in {block["block_id"] for block in forms.view(name, scene)["blocks"] if "block_id" in block}
        assert len(step.errors[where]) <= forms.ERROR_MOST


@pytest.mark.parametrize(
    ("name", "filled", "where"),
    [
        ("reply", typed(words=" "), "words"),
        ("resolve", typed(text="", root_cause="toner"), "text"),
        ("resolve", typed(text="Changed it", root_cause=" "), "root_cause"),
        ("assign", typed(to=""), "to"),
        ("hold", typed(reason="soon"), "day"),
        ("merge", typed(into="twelve"), "into"),
        ("note", typed(note_text=""), "note_text"),
        ("new", typed(**{"for": "nobody", "subject": "s", "request": "r"}), "for"),
        ("new", typed(**{"for": "a@b.test", "subject": "", "request": "r"}), "subject"),
        ("more", typed(choice="=frobnicate"), "choice"),
    ],
)
def test_what_is_missing_is_said_under_its_field(name: str, filled: Filled, where: str) -> None:
    assert list(forms.read(name, a_scene(filled=filled)).errors) == [where]


def test_a_day_without_a_time_means_its_morning() -> None:
    day = Filled({"day": {"day": {"selected_date": "2026-12-01"}}})
    (asked,) = forms.read("hold", a_scene(filled=day)).asked
    assert asked.args == {"until": "2026-12-01T09:00"}


def test_the_category_says_what_else_is_asked_and_all_of_it_is_required_where_it_is() -> None:
    fresh = a_scene(ticket=None, memory=Memory(), filled=typed(category="=hardware"))
    assert "Serial number" in words_in(forms.view("new", fresh))
    other = a_scene(ticket=None, memory=Memory(), filled=typed(category="=account"))
    assert "Serial number" not in words_in(forms.view("new", other))
    fields = {"for": "a@b.test", "subject": "Printer", "request": "It burns", "category": "=hardware"}
    block = "detail:hardware:serial"
    missing = forms.read("new", a_scene(ticket=None, filled=typed(**fields, **{block: ""})))
    assert list(missing.errors) == [block]
    (asked,) = forms.read("new", a_scene(ticket=None, filled=typed(**fields, **{block: "SN-1"}))).asked
    assert asked.command == "open"
    assert asked.args == {"for": "a@b.test", "subject": "Printer", "category": "hardware", "detail:serial": "SN-1"}


def test_editing_asks_only_for_what_was_changed() -> None:
    ticket = a_ticket(7, category="hardware", details={"serial": "SN-1"}, participants=(BO,))
    block = "detail:hardware:serial"
    same = typed(priority="=P3", category="=hardware", **{block: "SN-1"})
    assert forms.read("edit", a_scene(ticket=ticket, filled=same)).asked == ()
    changed = typed(priority="=P1", reason="the floor waits", category="=hardware", drop=(BO.email,), **{block: "SN-2"})
    asked = forms.read("edit", a_scene(ticket=ticket, filled=changed)).asked
    assert [(one.command, dict(one.args), one.text) for one in asked] == [
        ("priority", {"value": "P1"}, "the floor waits"),
        ("detail", {"detail:serial": "SN-2"}, ""),
        ("drop_participant", {"value": BO.email}, ""),
    ]


def test_a_resolution_is_mailed_unless_the_customer_knows_already() -> None:
    (asked,) = forms.read("resolve", a_scene(filled=typed(text="Toner", root_cause="dust", tell=("tell",)))).asked
    assert "tell" not in asked.args
    (asked,) = forms.read("resolve", a_scene(filled=typed(text="Toner", root_cause="dust", tell=()))).asked
    assert asked.args["tell"] == "no"


def test_only_a_later_message_can_be_taken_out_of_a_ticket() -> None:
    assert "no second message" in words_in(forms.view("split", a_scene()))
    later = an_entry(7, text="And the lamp is dark.", message_key="mail:2")
    ours = an_entry(7, kind=EntryKind.RECEIVED, author=Author(kind=AuthorKind.STAFF, key="ana"), message_key="mail:3")
    shown = words_in(forms.view("split", a_scene(entries=(an_entry(7), later, ours))))
    assert shown.count('"value"') == 2
    assert "And the lamp is dark." in shown


def test_what_a_form_remembers_is_no_words_and_small() -> None:
    scene = a_scene(filled=typed(words="secret " * 400))
    view = forms.read("reply", scene).view
    assert view is not None
    assert "secret" not in view["private_metadata"]
    assert len(view["private_metadata"]) < 300
    assert Memory.read("no json") == Memory() == Memory.read("[]")


def test_more_leads_to_a_form_a_reason_or_a_deed_that_works_now() -> None:
    ticket = a_ticket(7, status=Status.OPEN)
    merge = forms.read("more", a_scene(ticket=ticket, filled=typed(choice="=open:merge"))).view
    assert merge is not None
    assert merge["callback_id"] == "deskbell:merge"
    why = forms.read("more", a_scene(ticket=ticket, filled=typed(choice="=why"))).view
    assert why is not None
    accept_view(why, frozenset({"modal"}))
    assert [one.command for one in forms.read("more", a_scene(filled=typed(choice="=spam"))).asked] == ["spam"]
