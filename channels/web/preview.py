"""What Slack shows, for those who have no Slack: cards, forms, pings and the digest of this desk, made as for Slack."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.resources import files
from typing import Any

from aiohttp import web

from channels.chat import cards, posts
from channels.chat.home_view import Choice, asker_home, staff_home
from channels.protocol import Now
from channels.web import guard
from channels.web.imagined import Imagined, first_ticket, next_digest, next_ping
from channels.web.protocol import Forms, Window
from channels.web.thread import mentionable
from channels.web.views import actor_of
from rules.attention import attention, is_asked_by
from rules.effects import OutboxEntry, Post
from rules.lifecycle import LIVE
from rules.model import Actor, Status, Ticket
from rules.policy import Policy, Staff

LOOKED_THROUGH = 100
"""So many of the latest tickets are looked through for one that can be shown."""

PINGS = frozenset({"before", "alarm", "escalation"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One thing that Slack shows. ``frame`` is message, modal or home; ``shown`` is what Slack would be sent."""

    name: str
    title: str
    frame: str
    shown: Mapping[str, Any]
    at: datetime
    about: str = ""

    def as_json(self) -> dict[str, Any]:
        """The sample as the page gets it."""
        told = {"name": self.name, "title": self.title, "frame": self.frame, "about": self.about}
        return {**told, "shown": dict(self.shown), "at": self.at.isoformat()}


class Preview:
    """The page of samples and their data; nothing on it can be pressed, and nothing of it is written down."""

    def __init__(
        self, *, window: Window, policy: Callable[[], Policy], forms: Forms, now: Now, executor: Executor
    ) -> None:
        self._window = window
        self._policy = policy
        self._forms = forms
        self._now = now
        self._executor = executor
        self._page = files("channels.web").joinpath("preview.html").read_text(encoding="utf-8")

    async def page(self, request: web.Request) -> web.StreamResponse:
        """The page itself."""
        headers = {"Content-Security-Policy": guard.CONSOLE_POLICY}
        return web.Response(text=self._page, content_type="text/html", headers=headers)

    async def samples(self, request: web.Request) -> web.Response:
        """Everything that Slack shows, as the person in ``?as=`` would see it."""
        viewer = actor_of(request.query.get("as", ""), self._policy())
        made = await asyncio.get_running_loop().run_in_executor(self._executor, self._all, viewer)
        return web.json_response({"samples": made})

    def _all(self, viewer: Actor) -> list[dict[str, Any]]:
        policy, now = mentionable(self._policy()), self._now()
        tickets = list(self._window.tickets(LOOKED_THROUGH, None))
        samples = [
            *self._cards(tickets, policy, now),
            *self._modals(tickets, viewer, now),
            *self._homes(tickets, viewer, policy, now),
            *self._ping(tickets, policy, now),
            *self._digest(tickets, policy, now),
        ]
        return [sample.as_json() for sample in samples]

    def _cards(self, tickets: list[Ticket], policy: Policy, now: datetime) -> Iterator[Sample]:
        wanted: tuple[tuple[str, str, Callable[[Ticket], bool]], ...] = (
            ("new", "A new ticket", _is_new),
            ("claimed", "A ticket that somebody has", _is_claimed),
            ("resolved", "A resolved ticket", lambda ticket: ticket.status not in LIVE),
        )
        for name, title, fits in wanted:
            real = next((ticket for ticket in tickets if fits(ticket)), None)
            found = self._real(real) if real else self._as_if(name, tickets, policy, now)
            if found is None:
                continue
            opening, last = cards.opening_of(found.entries), cards.last_change(found.entries)
            made = cards.card(found.ticket, policy=policy, opening=opening, last=last, now=now)
            yield Sample(
                name=f"card-{name}", title=f"Card: {title[:1].lower()}{title[1:]}", frame="message",
                shown={"text": made.text, "blocks": made.blocks}, at=found.ticket.updated_at,
                about="" if real else "None is in that state now; this is how one would look.",
            )  # fmt: skip

    def _real(self, ticket: Ticket) -> Imagined:
        return Imagined(ticket=ticket, entries=tuple(self._window.entries(ticket.number)))

    def _as_if(self, state: str, tickets: list[Ticket], policy: Policy, now: datetime) -> Imagined | None:
        """A ticket in a state that none is in now: the latest live one, or a first one, as it would be then."""
        live = next((ticket for ticket in tickets if ticket.status in LIVE), None)
        found = self._real(live) if live and state != "new" else first_ticket(policy, now)
        person = _somebody(policy)
        if found is None or person is None or state == "new":
            return found
        if not found.ticket.assignee:
            found = found.told("claim", person, policy, now)
        if state == "claimed":
            return found
        return found.told("resolve", person, policy, now, text="A sheet was stuck; it is out.", root_cause="paper jam")

    def _modals(self, tickets: list[Ticket], viewer: Actor, now: datetime) -> Iterator[Sample]:
        live = [ticket for ticket in tickets if ticket.status in LIVE]
        number = next((ticket.number for ticket in (*filter(_is_claimed, live), *live, *tickets)), None)
        for name in sorted(self._forms.names):
            view = self._forms.open(name, number, "", viewer)
            if view is not None:
                title = str((view.get("title") or {}).get("text") or name)
                yield Sample(name=f"modal-{name}", title=f"Form: {title}", frame="modal", shown=view, at=now)

    def _homes(self, tickets: list[Ticket], viewer: Actor, policy: Policy, now: datetime) -> Iterator[Sample]:
        person = policy.person(viewer.staff)
        if person is not None:
            found = attention([ticket for ticket in tickets if ticket.status in LIVE], person.key, policy, now)
            view = staff_home(person, found, policy, now, Choice(), _no_link)
            yield Sample(name="home-staff", title=f"Home of {person.name}", frame="home", shown=view, at=now)
        asker = next((ticket.customer for ticket in tickets if ticket.customer.email), None)
        if asker is not None:
            actor = Actor(name=asker.name or asker.email, email=asker.email)
            asked = [ticket for ticket in tickets if is_asked_by(ticket, actor)]
            view = asker_home(actor, asked, policy, Choice(), _no_link)
            title = f"Home of somebody who asks: {actor.name}"
            yield Sample(name="home-asker", title=title, frame="home", shown=view, at=now)

    def _ping(self, tickets: list[Ticket], policy: Policy, now: datetime) -> Iterator[Sample]:
        live = [ticket for ticket in tickets if ticket.status in LIVE]
        real = next((ping for ticket in live if (ping := self._last_ping(ticket.number))), None)
        # The most urgent promise is the one that rings first.
        soonest = min(live, key=lambda ticket: (ticket.due_at is None, ticket.due_at or now), default=None)
        found = self._real(soonest) if soonest else first_ticket(policy, now)
        ping = real or (next_ping(found, policy) if found else None)
        if ping is not None:
            about = "" if real else "The next one, if nobody does anything until then."
            yield _posted("ping", "Escalation ping", ping, policy, about)

    def _last_ping(self, number: int) -> OutboxEntry | None:
        owed = reversed(self._window.outbox_of(number))
        return next((entry for entry in owed if isinstance(entry.content, Post) and entry.content.mark in PINGS), None)

    def _digest(self, tickets: list[Ticket], policy: Policy, now: datetime) -> Iterator[Sample]:
        told = self._window.notices(LOOKED_THROUGH)
        real = next((e for e in told if isinstance(e.content, Post) and e.content.mark == "digest"), None)
        digest = real or next_digest(tickets, policy, now)
        if digest is not None:
            about = "" if real else "The next one, if nothing else happens until then."
            yield _posted("digest", "Digest", digest, policy, about)


def _posted(name: str, title: str, entry: OutboxEntry, policy: Policy, about: str) -> Sample:
    content = entry.content
    assert isinstance(content, Post), "only posts are shown as posts"
    made = posts.post(replace(content, files=()), policy)
    shown = {"text": made.text, "blocks": made.blocks}
    return Sample(name=name, title=title, frame="message", shown=shown, at=entry.due_at, about=about)


def _no_link(ticket: Ticket) -> str:
    """Without Slack a ticket has no thread there to lead to."""
    return ""


def _is_new(ticket: Ticket) -> bool:
    return ticket.status is Status.NEW and not ticket.assignee


def _is_claimed(ticket: Ticket) -> bool:
    return ticket.status in LIVE and bool(ticket.assignee)


def _somebody(policy: Policy) -> Staff | None:
    return next(iter(policy.staff), None)
