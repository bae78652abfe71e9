"""Blocks, and a form of them, for the tests of what the console page draws."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Locator, Page, expect

from channels.web.protocol import Outcome, Sending, View
from rules.model import Actor
from tests.builders import a_ticket
from tests.channels.browser import a_page
from tests.channels.web_desk import SmallDesk, the_web

Block = Mapping[str, Any]


def plain(text: str) -> Block:
    """A plain text object."""
    return {"type": "plain_text", "text": text}


def options(*names: str) -> list[Block]:
    """Options whose value is their name in small letters."""
    return [{"text": plain(name), "value": name.lower()} for name in names]


def asking(element: Block, **more: Any) -> Block:
    """An input block around one element."""
    return {
        "type": "input",
        "block_id": "field",
        "label": plain("Field"),
        "element": {"action_id": "it", **element},
        **more,
    }


def a_view(*blocks: Block, **changes: Any) -> View:
    """A modal of these blocks."""
    return {
        "type": "modal", "callback_id": "sample", "private_metadata": '{"ticket":1}', "title": plain("Sample form"),
        "submit": plain("Go on"), "close": plain("Leave it"), "blocks": blocks, **changes,
    }  # fmt: skip


class OneForm:
    """Gives one view for the command ``resolve`` and remembers what was sent in; refuses as it is told to."""

    names = frozenset({"resolve"})

    def __init__(self, view: View) -> None:
        self.view = view
        self.filled: list[Sending] = []
        self.errors: dict[str, str] = {}
        self.next: View | None = None

    def open(self, name: str, ticket: int | None, value: str, actor: Actor) -> View | None:
        """The view, for any ticket."""
        return self.view if name in self.names else None

    def submit(self, sending: Sending) -> Outcome:
        """Remember it."""
        self.filled.append(sending)
        return Outcome(errors=self.errors, view=self.next, ticket=1)

    def writing(self, name: str, ticket: int, actor: Actor, *, ends: bool) -> None:
        """Nobody else is told here."""


@asynccontextmanager
async def the_form(form: OneForm) -> AsyncIterator[tuple[Page, Locator]]:
    """A console on which the form is open."""
    desk = SmallDesk()
    desk.add(a_ticket(1))
    async with the_web(desk, forms=form) as web, a_page() as page:
        await page.goto(web.link)
        await page.click(".card [data-command='open:resolve']")
        modal = page.locator("dialog.bk-modal")
        await expect(modal).to_be_visible()
        yield page, modal
