"""``/ticket search`` looks through all that was ever said for staff, and through their own requests for others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rules.model import Author, AuthorKind, EntryKind, Status
from tests.builders import a_ticket, an_entry
from tests.channels.slack_desk import FakeDesk, a_channel
from tests.loopback_slack import LoopbackSlack, Manifest

MANIFEST = Manifest.load(Path(__file__).parents[2] / "slack-manifest.yaml")
ANA = Author(kind=AuthorKind.STAFF, key="ana", name="Ana")


@pytest.fixture
def slack() -> Iterator[LoopbackSlack]:
    with LoopbackSlack(MANIFEST, rate_limits=False) as running:
        yield running


def a_desk(slack: LoopbackSlack) -> FakeDesk:
    """A closed ticket of Eve's, with a note about her."""
    desk = FakeDesk()
    desk.tickets[7] = a_ticket(7, subject="Toaster", status=Status.CLOSED, asker=slack.user("eve")["id"])
    desk.journal[7] = (an_entry(7, text="difficult person", kind=EntryKind.NOTED, author=ANA),)
    return desk


async def answered(slack: LoopbackSlack, user: str, words: str) -> str:
    """What they are told, and nobody else."""
    before = len(slack.ephemerals(user))
    slack.slash(user, "support", "/ticket", f"search {words}")
    await slack.eventually(lambda: len(slack.ephemerals(user)) > before)
    return json.dumps(slack.ephemerals(user)[-1], ensure_ascii=False)


async def test_staff_find_what_was_noted_and_who_asks_does_not(slack: LoopbackSlack) -> None:
    """Nobody learns by searching what is said of them inside."""
    desk = a_desk(slack)
    async with a_channel(slack, desk):
        told = await answered(slack, "ana", "difficult")
        assert "#7" in told
        assert "Toaster difficult person" in told
        assert "#7" not in await answered(slack, "eve", "difficult")
        told = await answered(slack, "eve", "toaster")
        assert "#7" in told
        assert "difficult" not in told
    assert slack.misuse() == []


async def test_without_an_index_subjects_are_looked_through(slack: LoopbackSlack) -> None:
    """A full disk takes the search's file, not the search."""
    desk = a_desk(slack)
    desk.no_search = True
    async with a_channel(slack, desk):
        assert "#7" in await answered(slack, "ana", "toaster")
        assert "#7" not in await answered(slack, "ana", "difficult")
