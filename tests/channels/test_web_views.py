"""The console's doors to forms: the very modal of Slack comes out, and what is filled in reaches the desk."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from channels.chat import forms
from channels.chat.form_parts import Memory, Scene
from channels.chat.presence import Presence
from rules.errors import StoreUnavailableError
from rules.model import Refusal
from rules.policy import FormField
from tests.builders import a_ticket
from tests.channels.web_desk import CLICK, PAGE, SmallDesk, the_console


@pytest.fixture
def desk() -> SmallDesk:
    """A desk with one ticket."""
    made = SmallDesk()
    made.add(a_ticket(1))
    return made


def filled(**changes: Any) -> dict[str, Any]:
    """Ana resolves ticket 1 in the form."""
    words = {"text": "Replaced the fuser.", "root_cause": "worn out"}
    values = {name: {name: {"type": "plain_text_input", "value": value}} for name, value in words.items()}
    form = {"id": CLICK, "as": "ana", "callback_id": "deskbell:resolve", "private_metadata": '{"ticket": 1}'}
    return {**form, "values": values, **changes}


def _chosen(value: str) -> dict[str, Any]:
    """A menu in which this was chosen."""
    return {"type": "static_select", "selected_option": {"text": {"type": "plain_text", "text": value}, "value": value}}


@pytest.mark.parametrize("name", sorted(forms.FORMS))
async def test_every_form_is_the_one_slack_gets(desk: SmallDesk, name: str) -> None:
    """The view comes whole; the one for a new ticket is about none."""
    ticket = {"ticket": "1"} if name in forms.ABOUT_TICKETS else {}
    asked = {"name": name, "as": "ana", **ticket}
    async with the_console(desk) as client, client.get("/api/view", params=asked) as response:
        view = (await response.json())["view"]
    person = desk.policy.person("ana")
    found = desk.ticket(1) if ticket else None
    memory = Memory(ticket=1, seen=1) if ticket else Memory()
    entries = tuple(desk.entries(1)) if ticket else ()
    scene = Scene(
        policy=desk.policy, at=desk.now_at, memory=memory, ticket=found, person=person, entries=entries
    )  # fmt: skip
    assert view == forms.view(name, scene)


async def test_why_is_told_as_a_form_without_fields(desk: SmallDesk) -> None:
    """The story of the ticket, as ``/ticket why`` tells it; there is nothing to send in."""
    asked = {"name": "why", "ticket": "1", "as": "ana"}
    async with the_console(desk) as client, client.get("/api/view", params=asked) as response:
        view = (await response.json())["view"]
    assert "submit" not in view
    assert "The printer on the third floor" in str(view["blocks"])


@pytest.mark.parametrize(
    "asked", [{"name": "resolve", "ticket": "99"}, {"name": "resolve"}, {"name": "fly", "ticket": "1"}, {}]
)
async def test_a_form_that_does_not_exist_is_not_there(desk: SmallDesk, asked: dict[str, str]) -> None:
    """Nor is one for a ticket that does not exist."""
    async with the_console(desk) as client, client.get("/api/view", params=asked) as response:
        assert (response.status, (await response.json())["refusal"]["code"]) == (404, "no_form")


async def test_a_filled_in_form_is_carried_out_once(desk: SmallDesk) -> None:
    """The key is the page's own, so that sending it again over a lost line does nothing twice."""
    async with the_console(desk) as client:
        for _ in range(2):
            async with client.post("/api/view", json=filled(), headers=PAGE) as response:
                assert (response.status, await response.json()) == (200, {"ticket": 1})
    (command,) = desk.commands
    assert (command.key, command.name, command.ticket) == (f"console:{CLICK}", "resolve", 1)
    assert (command.text, dict(command.args)) == ("Replaced the fuser.", {"root_cause": "worn out"})
    assert (command.actor.staff, command.actor.via) == ("ana", "console")


async def test_a_form_that_asks_for_several_things_is_carried_out_in_turn(desk: SmallDesk) -> None:
    """Each of its commands has a name of its own, so that sending it again does none of them twice."""
    values = {
        "priority": {"priority": _chosen("P1")}, "reason": {"reason": {"type": "plain_text_input", "value": "angry"}},
        "category": {"category": _chosen("account")},
    }  # fmt: skip
    form = filled(callback_id="deskbell:edit", values=values)
    async with the_console(desk) as client:
        for _ in range(2):
            async with client.post("/api/view", json=form, headers=PAGE) as response:
                assert await response.json() == {"ticket": 1}
    assert [(command.key, command.name, dict(command.args), command.text) for command in desk.commands] == [
        (f"console:{CLICK}", "priority", {"value": "P1"}, "angry"),
        (f"console:{CLICK}:1", "category", {"value": "account"}, ""),
    ]


async def test_a_reply_shows_what_will_be_mailed_before_it_is(desk: SmallDesk) -> None:
    """The first sending brings the preview and mails nothing; sent in as it was shown, it is an answer."""
    words = {"words": {"words": {"type": "plain_text_input", "value": "Which floor?"}}}
    async with the_console(desk) as client:
        form = filled(callback_id="deskbell:reply", values=words)
        async with client.post("/api/view", json=form, headers=PAGE) as response:
            view = (await response.json())["view"]
        assert desk.commands == []
        assert "mei.lin@example.net" in str(view["blocks"])
        again = {**form, "private_metadata": view["private_metadata"]}
        async with client.post("/api/view", json=again, headers=PAGE) as response:
            assert await response.json() == {"ticket": 1}
    (command,) = desk.commands
    assert (command.name, command.text, command.ticket) == ("reply", "Which floor?", 1)


async def test_a_form_that_is_open_is_told_to_others_until_it_is_closed(desk: SmallDesk) -> None:
    """Closing is taken from our own page only, and about nothing that is no ticket nothing is told."""
    presence = Presence()
    async with the_console(desk, presence=presence) as client:
        async with client.get("/api/view", params={"name": "reply", "ticket": "1", "as": "ana"}) as response:
            assert response.status == 200
        assert [one.name for one in presence.writers(1, desk.now())] == ["Ana Silva"]
        asked = {"name": "reply", "ticket": "1", "as": "ana"}
        async with client.delete("/api/view", params=asked) as response:
            assert response.status == 403
        assert len(presence.writers(1, desk.now())) == 1
        for params in ({**asked, "ticket": "x"}, asked, asked):
            async with client.delete("/api/view", params=params, headers=PAGE) as response:
                assert response.status == 200
        assert presence.writers(1, desk.now()) == ()


async def test_a_choice_that_changes_the_form_carries_out_nothing(desk: SmallDesk) -> None:
    """What a category asks for appears as soon as the category is chosen."""
    need = FormField(name="floor", label={"en": "Which floor?"})
    desk.policy = replace(desk.policy, forms={"hardware": (need,)})
    form = filled(callback_id="deskbell:new", private_metadata="", changed="deskbell:field:category",
                  values={"category": {"deskbell:field:category": _chosen("hardware")}})  # fmt: skip
    async with the_console(desk) as client, client.post("/api/view", json=form, headers=PAGE) as response:
        assert "Which floor?" in str((await response.json())["view"]["blocks"])
    assert desk.commands == []


async def test_what_is_missing_or_refused_is_told_by_its_field(desk: SmallDesk) -> None:
    """A role is checked by the desk, whoever may open the form."""
    empty = {"text": {"text": {"type": "plain_text_input", "value": "  "}}}
    async with the_console(desk) as client:
        async with client.post("/api/view", json=filled(values=empty), headers=PAGE) as response:
            assert list((await response.json())["errors"]) == ["text", "root_cause"]
        desk.refusal = Refusal(code="role", text="Only a lead may do that.")
        async with client.post("/api/view", json=filled(), headers=PAGE) as response:
            assert await response.json() == {"errors": {"text": "Only a lead may do that."}}
    assert desk.commands == []


@pytest.mark.parametrize(
    "broken",
    [
        [], "text", filled(id="1"), filled(callback_id=None), filled(private_metadata=1),
        filled(private_metadata="x" * 4000), filled(values=None), filled(values={"a": 1}),
        filled(values={"a": {"b": 1}}),
    ],
)  # fmt: skip
async def test_a_form_that_makes_no_sense_changes_nothing(desk: SmallDesk, broken: Any) -> None:
    """It is refused in a sentence."""
    async with the_console(desk) as client, client.post("/api/view", json=broken, headers=PAGE) as response:
        assert (response.status, (await response.json())["refusal"]["code"]) == (400, "unreadable")
    assert desk.commands == []


async def test_a_form_nobody_knows_is_refused_in_the_form(desk: SmallDesk) -> None:
    """Such as one that was open over an upgrade."""
    gone = filled(callback_id="gone")
    async with the_console(desk) as client, client.post("/api/view", json=gone, headers=PAGE) as response:
        assert response.status == 200
        assert "open it again" in "".join((await response.json())["errors"].values())
    assert desk.commands == []


async def test_forms_are_taken_from_our_own_page_only(desk: SmallDesk) -> None:
    """Not from another site's form, nor without the cookie."""
    async with the_console(desk) as client:
        async with client.post("/api/view", json=filled()) as response:
            assert response.status == 403
        async with client.post(
            "/api/view", json=filled(), headers=PAGE | {"Origin": "http://evil.example"}
        ) as response:
            assert response.status == 403
        async with client.post("/api/view", data={"id": CLICK}, headers=PAGE) as response:
            assert response.status == 403
        client.cookie_jar.clear()
        for path in ("/api/view?name=resolve&ticket=1", "/api/preview", "/preview"):
            async with client.get(path) as response:
                assert response.status == 401
        async with client.post("/api/view", json=filled(), headers=PAGE) as response:
            assert response.status == 401
    assert desk.commands == []


async def test_nothing_is_confirmed_while_the_disk_is_full(desk: SmallDesk) -> None:
    """What was filled in stays in the form, and the same sending is done later."""
    desk.failure = StoreUnavailableError("the disk is full")
    async with the_console(desk) as client:
        async with client.post("/api/view", json=filled(), headers=PAGE) as response:
            assert response.status == 503
        desk.failure = None
        async with client.post("/api/view", json=filled(), headers=PAGE) as response:
            assert response.status == 200
    assert len(desk.commands) == 1
