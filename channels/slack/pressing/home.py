"""The bot's Home tab: published when somebody opens it and, at most every few seconds, after tickets changed."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog

from channels.chat import lists
from channels.chat.blocks import Block
from channels.chat.home_view import ALL, HOME, ROWS, Choice, asker_home, on_page, staff_home
from channels.slack.calls import SlackRefusedError, call
from channels.slack.door import Door
from channels.slack.speaking.places import Place
from rules.attention import attention, is_asked_by
from rules.errors import DeliveryError
from rules.lifecycle import LIVE
from rules.model import Actor, Entry, Ticket

if TYPE_CHECKING:
    from slack_bolt.async_app import AsyncAck, AsyncApp

log = structlog.get_logger(__name__)

DEBOUNCE_S = 5.0
WATCHED = timedelta(hours=8)
"""So long after somebody opened their Home tab it is kept up to date."""

LOOKED_THROUGH = 2000
"""So many of the latest tickets are looked through for somebody's own requests."""

_FRESH = timedelta(seconds=2)


@dataclass(slots=True, kw_only=True)
class Tab:
    """One person's Home tab: what they chose, when they opened it, and what it showed last."""

    opened_at: datetime
    choice: Choice = field(default_factory=Choice)
    shown: str = ""
    hash: str = ""


class Home:
    """Everybody's Home tab."""

    def __init__(self, door: Door, *, debounce_s: float = DEBOUNCE_S) -> None:
        """``debounce_s``: at most so often a tab is published because tickets changed, in seconds."""
        self._door = door
        self._debounce_s = debounce_s
        self._tabs: dict[str, Tab] = {}
        self._live: tuple[datetime, tuple[Ticket, ...]] | None = None
        self._changed = False
        self._waiting: asyncio.Task[None] | None = None

    def register(self, app: AsyncApp) -> None:
        """Listen to the tab being opened and to what only changes what it shows."""
        app.event("app_home_opened")(self.on_opened)
        app.action(re.compile("^" + re.escape(HOME)))(self.on_choice)

    async def on_opened(self, body: Mapping[str, Any]) -> None:
        """Show the tab to whoever opened it; that changes nothing at the desk."""
        event = body.get("event") or {}
        user = str(event.get("user") or "")
        if not user or event.get("tab", "home") != "home":
            return
        tab = self._tabs.get(user) or Tab(opened_at=self._door.now())
        tab.opened_at, tab.shown = self._door.now(), ""
        self._tabs[user] = tab
        self._door.beside(self._publish(user, tab))

    async def on_choice(self, ack: AsyncAck, body: Mapping[str, Any]) -> None:
        """Another filter or page, or a ticket to look at."""
        await ack()
        action: Mapping[str, Any] = (body.get("actions") or [{}])[0]
        user = str((body.get("user") or {}).get("id") or "")
        what = str(action.get("action_id") or "").removeprefix(HOME)
        if what.startswith("show:"):
            await self._show(user, str(body.get("trigger_id") or ""), what.removeprefix("show:"))
        elif not what.startswith("link:"):
            view: Mapping[str, Any] = body.get("view") or {}
            tab = self._tabs.setdefault(user, Tab(opened_at=self._door.now()))
            tab.choice = _turned(Choice.read(str(view.get("private_metadata") or "")), what, action)
            await self._publish(user, tab)

    def changed(self) -> None:
        """Tickets changed: tabs that were opened lately are shown anew, a little later. On the event loop only."""
        self._changed, self._live = True, None
        if self._tabs and (self._waiting is None or self._waiting.done()):
            self._waiting = asyncio.create_task(self._refresh())

    async def stop(self) -> None:
        """Publish nothing more."""
        if self._waiting:
            self._waiting.cancel()
            await asyncio.gather(self._waiting, return_exceptions=True)

    async def _refresh(self) -> None:
        while self._changed:
            await asyncio.sleep(self._debounce_s)
            self._changed = False
            now = self._door.now()
            self._tabs = {user: tab for user, tab in self._tabs.items() if now - tab.opened_at < WATCHED}
            for user, tab in list(self._tabs.items()):
                await self._publish(user, tab)

    async def _publish(self, user: str, tab: Tab) -> None:
        """Show a person's tab, unless it would show the same. That Slack does not take it does no harm."""
        try:
            view = await self._view(user, tab.choice)
            shown = json.dumps(view, ensure_ascii=False, sort_keys=True)
            if shown == tab.shown:
                return
            answer = await self._put(user, view, tab.hash)
        except DeliveryError as problem:
            log.warning("home_not_published", problem=str(problem))
            return
        tab.shown, tab.hash = shown, str((answer.get("view") or {}).get("hash") or "")

    async def _put(self, user: str, view: Block, known: str) -> dict[str, Any]:
        client = self._door.client
        try:
            more = {"hash": known} if known else {}
            return await call("views.publish", client.views_publish(user_id=user, view=view, **more), repeatable=True)
        except SlackRefusedError as refused:
            # Another process, or an earlier publish whose answer was lost, was first; what is newest is ours.
            if refused.code != "hash_conflict":
                raise
        return await call("views.publish", client.views_publish(user_id=user, view=view), repeatable=True)

    async def _view(self, user: str, choice: Choice) -> Block:
        door = self._door
        actor, policy, now = await door.people.actor(user), door.policy(), door.now()
        person = policy.person(actor.staff)
        if person is None:
            asked = await self._asked_by(replace(actor, user=user))
            await self._learn(ticket.asked_in for ticket in asked[:ROWS] if ticket.asked_in)
            return asker_home(actor, asked, policy, choice, lambda ticket: self._door.links.known(ticket.asked_in))
        live = await self._live_now(now)
        found = await door.run(attention, live, person.key, policy, now)
        await self._learn(ticket.chat_thread for ticket in on_page(found, choice) if ticket.assignee)
        return staff_home(person, found, policy, now, choice, lambda ticket: self._door.links.known(ticket.chat_thread))

    async def _live_now(self, now: datetime) -> tuple[Ticket, ...]:
        """The live tickets; read once for all tabs that are shown at about the same moment."""
        if self._live is None or now - self._live[0] > _FRESH:
            self._live = (now, tuple(await self._door.run(self._door.looking.live)))
        return self._live[1]

    async def _asked_by(self, actor: Actor) -> tuple[Ticket, ...]:
        latest = await self._door.run(self._door.looking.latest, LOOKED_THROUGH)
        own = [ticket for ticket in latest if is_asked_by(ticket, actor)]
        return tuple(sorted(own, key=lambda ticket: (ticket.status not in LIVE, -ticket.number)))

    async def _learn(self, places: Iterable[str]) -> None:
        """Ask Slack for the addresses of threads; while it tells none, the card is shown instead."""
        for place in filter(Place.read, places):
            if not await self._door.links.of(place):
                return

    async def _show(self, user: str, trigger: str, number: str) -> None:
        """Show a ticket in a modal to those who may see it: to staff its card."""
        door = self._door
        ticket = await door.run(door.looking.ticket, int(number)) if number.isdecimal() and len(number) < 10 else None
        actor = replace(await door.people.actor(user), user=user)
        if ticket is None or not (actor.staff or is_asked_by(ticket, actor)):
            return
        entries: tuple[Entry, ...] = await door.run(door.looking.entries, ticket.number)
        # A card has more to tell than was told to who only asks.
        shown = lists.shown(actor, ticket.number, ticket, entries, door.policy(), door.now())
        title = {"type": "plain_text", "text": f"#{ticket.number}", "emoji": False}
        view = {"type": "modal", "title": title, "blocks": shown.blocks}
        try:
            await call("views.open", door.client.views_open(trigger_id=trigger, view=view), repeatable=True)
        except DeliveryError as problem:
            log.warning("card_not_shown", ticket=ticket.number, problem=str(problem))


def _turned(choice: Choice, what: str, action: Mapping[str, Any]) -> Choice:
    """The choice after a click: another page, or other tickets from their first page on."""
    value = str((action.get("selected_option") or {}).get("value") or action.get("value") or ALL)
    match what:
        case "page:back" | "page:on":
            return replace(choice, page=int(value) if value.isdecimal() else 0)
        case "show" | "priority" | "category":
            return Choice.read(replace(choice, **{what: value}, page=0).as_metadata())
    return choice
