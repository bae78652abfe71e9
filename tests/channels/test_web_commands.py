"""What staff ask for on the console page: passed on whole to the desk, by our own page only."""

from __future__ import annotations

import json

import pytest

from channels.web import typed
from rules.errors import StoreUnavailableError
from rules.model import Refusal, Status
from tests.builders import a_ticket
from tests.channels.web_desk import PAGE, SmallDesk, asking, the_console


@pytest.fixture
def desk() -> SmallDesk:
    """A desk with one ticket."""
    made = SmallDesk()
    made.add(a_ticket(1))
    return made


async def test_a_claim_reaches_the_desk_with_the_person_who_made_it(desk: SmallDesk) -> None:
    """The key is the page's own id, so that a repeated request is done once."""
    claim = asking()
    async with the_console(desk) as client:
        for outcome in ("claim", "duplicate"):
            async with client.post("/api/command", json=claim, headers=PAGE) as response:
                assert (response.status, await response.json()) == (200, {"ticket": 1, "outcome": outcome})
    (command,) = desk.commands
    assert (command.key, command.name, command.ticket) == (f"console:{claim['id']}", "claim", 1)
    assert (command.actor.staff, command.actor.name, command.actor.via) == ("ana", "Ana Silva", "console")


@pytest.mark.parametrize(
    ("text", "name", "words", "args"),
    [
        ("It is fixed.", "reply", "It is fixed.", {}),
        ("🔒 he is angry", "note", "he is angry", {}),
        ("🔒\ufe0f he is angry", "note", "he is angry", {}),
        ("Note: he is angry", "note", "he is angry", {}),
        (":lock: he is angry", "note", "he is angry", {}),
        ("\n note:\nhe is angry", "note", "he is angry", {}),
        ("wait: which floor?", "reply", "which floor?", {"then": "wait"}),
        ("Please note: it is fixed.", "reply", "Please note: it is fixed.", {}),
        ("noted, thanks", "reply", "noted, thanks", {}),
    ],
)
def test_what_was_typed_is_a_reply_a_note_or_send_and_wait(
    text: str, name: str, words: str, args: dict[str, str]
) -> None:
    """Only the beginning decides; a line meant for colleagues never goes out (complaint 62)."""
    assert typed.read(text) == typed.Typed(name=name, text=words, args=args)


async def test_a_note_typed_as_a_reply_stays_inside(desk: SmallDesk) -> None:
    """The prefix is honoured by the server, whatever the page thought."""
    async with the_console(desk) as client:
        note = asking(name="reply", text="note: he is angry")
        async with client.post("/api/command", json=note, headers=PAGE) as response:
            assert response.status == 200
    assert [(command.name, command.text) for command in desk.commands] == [("note", "he is angry")]


async def test_resolving_carries_the_resolution_record(desk: SmallDesk) -> None:
    """What was done, the root cause and the fault type (R-CO-1)."""
    args = {"root_cause": "Dust", "fault_type": "hardware"}
    async with the_console(desk) as client:
        ask = asking(name="resolve", text="Cleaned.\r\nTested.", args=args)
        async with client.post("/api/command", json=ask, headers=PAGE) as response:
            assert response.status == 200
    (command,) = desk.commands
    assert (command.text, dict(command.args)) == ("Cleaned.\nTested.", args)
    assert desk.found[1].status is Status.RESOLVED


async def test_a_refusal_is_passed_on_in_words(desk: SmallDesk) -> None:
    """The page shows the desk's own reason."""
    desk.refusal = Refusal(code="role", text="Only a lead may do that.")
    async with the_console(desk) as client, client.post("/api/command", json=asking(), headers=PAGE) as response:
        assert response.status == 409
        assert await response.json() == {"refusal": {"code": "role", "text": "Only a lead may do that."}}


async def test_somebody_who_does_not_work_here_acts_as_a_stranger(desk: SmallDesk) -> None:
    """The desk refuses strangers; the page does not decide that."""
    async with (
        the_console(desk) as client,
        client.post("/api/command", json=asking(**{"as": "mallory"}), headers=PAGE) as response,
    ):
        assert response.status == 200
    assert desk.commands[0].actor.staff is None


async def test_nothing_is_confirmed_when_the_store_is_away(desk: SmallDesk) -> None:
    """The page says that nothing was saved (law 4)."""
    desk.failure = StoreUnavailableError("disk full")
    async with the_console(desk) as client, client.post("/api/command", json=asking(), headers=PAGE) as response:
        assert response.status == 503
        assert "Nothing was saved" in (await response.json())["refusal"]["text"]
        assert "disk full" not in await response.text()


async def test_a_bug_of_ours_is_told_without_its_inside(desk: SmallDesk) -> None:
    """What went wrong stands in the log only."""
    desk.failure = RuntimeError("secret inside")
    async with the_console(desk) as client, client.post("/api/command", json=asking(), headers=PAGE) as response:
        assert response.status == 500
        assert "secret inside" not in await response.text()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Deskbell": "other"},
        PAGE | {"Origin": "http://evil.example"},
        PAGE | {"Origin": "null"},
        PAGE | {"Sec-Fetch-Site": "cross-site"},
        PAGE | {"Sec-Fetch-Site": "same-site"},
        PAGE | {"Content-Type": "text/plain"},
    ],
)
async def test_another_site_cannot_give_commands_in_my_name(desk: SmallDesk, headers: dict[str, str]) -> None:
    """A forged request (CSRF) comes with the cookie but without what only our page can send."""
    async with the_console(desk) as client:
        sent = {"Content-Type": "application/json", **headers}
        async with client.post("/api/command", data=json.dumps(asking()), headers=sent) as response:
            assert response.status == 403
    assert desk.commands == []


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "{",
        "\x00",
        json.dumps(asking(name="drop_all")),
        json.dumps(asking(name="confirm")),
        json.dumps(asking(name=["claim"])),
        json.dumps(asking(ticket="1")),
        json.dumps(asking(ticket=True)),
        json.dumps(asking(ticket=-1)),
        json.dumps(asking(id="not-a-uuid")),
        json.dumps(asking(text=7)),
        json.dumps(asking(text="x" * 100_001)),
        json.dumps(asking(args={"value": 1})),
        json.dumps(asking(args=[])),
        json.dumps(asking(args={str(n): "" for n in range(21)})),
    ],
)
async def test_a_command_that_makes_no_sense_is_refused_with_a_sentence(desk: SmallDesk, body: str) -> None:
    """Nothing of it reaches the desk."""
    async with the_console(desk) as client:
        sent = {**PAGE, "Content-Type": "application/json"}
        async with client.post("/api/command", data=body.encode(), headers=sent) as response:
            assert response.status == 400
            assert (await response.json())["refusal"]["text"].strip()
    assert desk.commands == []


async def test_a_request_without_end_is_cut_off(desk: SmallDesk) -> None:
    """More than half a megabyte is no command."""
    async with the_console(desk) as client:
        sent = {**PAGE, "Content-Type": "application/json"}
        async with client.post("/api/command", data=b" " * (1 << 20), headers=sent) as response:
            assert response.status == 413


async def test_a_question_to_the_whole_channel_is_answered_without_a_ticket(desk: SmallDesk) -> None:
    """Who may be believed is asked in the channel when there is no thread to ask in."""
    async with the_console(desk) as client:
        ask = asking(name="admit", ticket=None, args={"value": "0123456789abcdef"})
        async with client.post("/api/command", json=ask, headers=PAGE) as response:
            assert response.status == 200
        async with client.post("/api/command", json=asking(ticket=None), headers=PAGE) as response:
            assert response.status == 400
    (command,) = desk.commands
    assert (command.name, command.ticket, command.args["value"]) == ("admit", None, "0123456789abcdef")
