"""The console page's data and commands: the channel, a ticket's thread, and what staff ask for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from datetime import datetime
from importlib.resources import files
from typing import Any, TypeVar

from aiohttp import web

from channels.protocol import Hearing, Now
from channels.web import guard, typed
from channels.web.attachments import Links, TooMuchError, at_place, download, read_command
from channels.web.changes import Changes
from channels.web.preview import Preview
from channels.web.protocol import Before, Window
from channels.web.thread import ask_for_a_word, card_json, mentionable, post_line, thread
from channels.web.views import Views, actor_of, uuid_of
from rules.commands import DEEDS
from rules.effects import OutboxEntry, StaffFile
from rules.files import STAFF_COUNT_MOST, STAFF_MOST
from rules.model import Command, Ticket
from rules.policy import Policy

Result = TypeVar("Result")
PAGE_OF_TICKETS = 25
MOST_TICKETS = 100
MOST_NOTICES = 20
MOST_FOUND = 50
LONGEST_WORDS = 100_000
HEARTBEAT = 15.0
COMMAND_TYPES = frozenset({"application/json", "multipart/form-data"})
WITH_FILES = frozenset({"reply", "note"})


class Console:
    """The console's routes. Everyone with the cookie may look; whether they may do something is decided by the desk."""

    def __init__(
        self,
        *,
        session: guard.Session,
        hearing: Hearing,
        window: Window,
        policy: Callable[[], Policy],
        now: Now,
        executor: Executor,
        intake: Callable[[], str],
        changes: Changes,
        views: Views,
        preview: Preview,
    ) -> None:
        self._session = session
        self._views = views
        self._preview = preview
        self._hearing = hearing
        self._window = window
        self._policy = policy
        self._now = now
        self._executor = executor
        self._intake = intake
        self._changes = changes
        self._page = files("channels.web").joinpath("console.html").read_text(encoding="utf-8")
        self._door = files("channels.web").joinpath("door.html").read_text(encoding="utf-8")

    def routes(self) -> list[web.RouteDef]:
        """What the console answers."""
        return [
            web.get("/", self.page),
            web.get("/preview", self.preview),
            web.get("/api/preview", self._for_staff(self._preview.samples)),
            web.get("/api/session", self._for_staff(self.session)),
            web.get("/api/channel", self._for_staff(self.channel)),
            web.get("/api/search", self._for_staff(self.search)),
            web.get(r"/api/ticket/{number:[1-9]\d{0,9}}", self._for_staff(self.ticket)),
            web.get(r"/api/file/{number:[1-9]\d{0,9}}/{entry:\d{1,6}}/{place:\d{1,4}}", self._for_staff(self.file)),
            web.post("/api/command", self._for_staff(self.command)),
            web.get("/api/view", self._for_staff(self._views.open)),
            web.post("/api/view", self._for_staff(self._views.submit)),
            web.delete("/api/view", self._for_staff(self._views.close)),
            web.get("/api/events", self._for_staff(self.events)),
        ]

    async def page(self, request: web.Request) -> web.StreamResponse:
        """The page itself; the token of the printed link is exchanged for a cookie and leaves the address bar."""
        token = request.query.get("token")
        if token is not None and self._session.opens(token):
            moved = web.Response(status=303, headers={"Location": "/"})
            self._session.give(request, moved)
            return moved
        if token is not None or not self._session.holds(request):
            return web.Response(status=401, text=self._door, content_type="text/html")
        headers = {"Content-Security-Policy": guard.CONSOLE_POLICY}
        return web.Response(text=self._page, content_type="text/html", headers=headers)

    async def preview(self, request: web.Request) -> web.StreamResponse:
        """The page of what Slack shows, for whoever holds the cookie."""
        if not self._session.holds(request):
            return web.Response(status=401, text=self._door, content_type="text/html")
        return await self._preview.page(request)

    async def session(self, request: web.Request) -> web.Response:
        """Who works here and what can be chosen."""
        policy = self._policy()
        staff = [{"key": p.key, "name": p.name, "role": p.role.value, "title": p.title} for p in policy.staff]
        return web.json_response(
            {
                "desk": policy.desk_name,
                "staff": staff,
                "people": {person.slack: person.name for person in mentionable(policy).staff},
                "categories": list(policy.categories),
                "priorities": [level.name for level in policy.levels],
                "limits": {"bytes": STAFF_MOST, "count": STAFF_COUNT_MOST},
                "hold": policy.habits.undo_hold.total_seconds(),
                "intake": self._intake(),
                "address": policy.mailboxes[0].address if policy.mailboxes else "",
            }
        )

    async def channel(self, request: web.Request) -> web.Response:
        """Cards, latest activity first, a page at a time: ``?limit=25&before=<cursor of the last page>``.

        The first page also has the notices: posts that belong to no ticket, such as digests and alarms.
        """
        limit = _limit(request.query.get("limit", ""))
        before = _place(request.query.get("before", ""))
        return web.json_response(await self._off_loop(self._channel, limit, before))

    def _channel(self, limit: int, before: Before | None) -> dict[str, Any]:
        policy, now = self._policy(), self._now()
        found = list(self._window.tickets(limit + 1, before))
        shown = found[:limit]
        last = shown[-1] if len(found) > limit else None
        notices = self._window.notices(MOST_NOTICES) if before is None else ()
        return {
            "now": now.isoformat(),
            "notices": self._notices(notices, policy),
            "tickets": [self._shown(ticket, policy, now) for ticket in shown],
            "before": f"{last.updated_at.isoformat()}_{last.number}" if last else None,
        }

    def _notices(self, notices: Sequence[OutboxEntry], policy: Policy) -> list[dict[str, Any]]:
        known, waiting = mentionable(policy), self._waiting(notices)
        return [post_line(notice, known, Links(0, ()), waiting).as_json() for notice in notices]

    def _waiting(self, outbox: Sequence[OutboxEntry]) -> Collection[str]:
        return self._window.waiting() if ask_for_a_word(outbox) else ()

    def _shown(self, ticket: Ticket, policy: Policy, now: datetime) -> dict[str, Any]:
        return _meta(ticket, policy) | {"card": card_json(ticket, self._window.entries(ticket.number), policy, now)}

    async def search(self, request: web.Request) -> web.Response:
        """The tickets in which all words stand: ``?words=vpn gateway``, the best first."""
        try:
            hits = await self._off_loop(self._window.search, request.query.get("words", ""), MOST_FOUND)
        except OSError:
            return guard.refusal(503, "no_search", "The search cannot be used now; see the desk's log.")
        return web.json_response(
            {
                "tickets": [
                    _meta(hit.ticket, self._policy()) | {"snippet": hit.snippet, "inside": hit.inside} for hit in hits
                ]
            }
        )

    async def ticket(self, request: web.Request) -> web.Response:
        """One ticket's card and thread."""
        found = await self._off_loop(self._ticket, int(request.match_info["number"]))
        return web.json_response(found) if found else guard.refusal(404, "no_ticket", "There is no such ticket.")

    def _ticket(self, number: int) -> dict[str, Any] | None:
        ticket = self._window.ticket(number)
        if ticket is None:
            return None
        policy, now = self._policy(), self._now()
        entries = self._window.entries(number)
        owed = self._window.outbox_of(number)
        lines = thread(ticket, entries, owed, mentionable(policy), now, self._waiting(owed))
        return _meta(ticket, policy) | {
            "now": now.isoformat(),
            "card": card_json(ticket, entries, policy, now),
            "thread": [line.as_json() for line in lines],
        }

    async def file(self, request: web.Request) -> web.Response:
        """A file of a ticket's journal, to be saved."""
        number, entry, place = (int(request.match_info[name]) for name in ("number", "entry", "place"))
        response = await self._off_loop(self._file, number, entry, place)
        return response or guard.refusal(404, "no_file", "There is no such file.")

    def _file(self, number: int, entry: int, place: int) -> web.Response | None:
        found = at_place(self._window.entries(number), entry, place)
        try:
            return download(found, self._window.file(found)) if found else None
        except KeyError:
            return None

    async def command(self, request: web.Request) -> web.Response:
        """Carry out what somebody asked for: 200 when done, 409 with the desk's reason when refused."""
        if request.headers.get(guard.FROM_THE_PAGE) != "console" or request.content_type not in COMMAND_TYPES:
            return guard.refusal(403, "not_from_the_page", "Commands are taken from the console page only.")
        try:
            asked, files = await read_command(request)
            command = _command(asked, files, self._policy(), self._now())
        except ValueError as problem:
            return guard.refusal(400, "unreadable", str(problem))
        except TooMuchError as problem:
            return guard.refusal(413, "file", str(problem))
        answer = await self._off_loop(self._hearing.obey, command)
        self._changes.tell(command.ticket or answer.ticket)
        if answer.refusal:
            return guard.refusal(409, answer.refusal.code, answer.refusal.text)
        return web.json_response({"ticket": answer.ticket, "outcome": answer.outcome})

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Say which tickets changed, as it happens, until the page goes or the desk stops."""
        if self._changes.full:
            return guard.refusal(503, "too_many_pages", "Too many pages are open; this one asks now and then instead.")
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
        # The browser may leave at any moment; there is nobody left to tell then.
        with self._changes.listening() as page, suppress(ConnectionError):
            await stream.prepare(request)
            await stream.write(b"retry: 2000\nevent: hello\ndata: {}\n\n")
            while not page.over:
                told = await page.next(HEARTBEAT)
                for ticket in told:
                    await stream.write(f"event: changed\ndata: {json.dumps({'ticket': ticket})}\n\n".encode())
                if not told:
                    await stream.write(b": still here\n\n")
        return stream

    def _for_staff(
        self, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """A handler that answers only to our own page in a browser that came with the token."""

        async def check(request: web.Request) -> web.StreamResponse:
            if not self._session.holds(request):
                return guard.refusal(401, "no_session", "Open the link that was printed when the desk started.")
            if not guard.same_origin(request):
                return guard.refusal(403, "other_site", "Another site may not ask this.")
            return await handler(request)

        return check

    async def _off_loop(self, work: Callable[..., Result], *values: Any) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work, *values)


def _meta(ticket: Ticket, policy: Policy) -> dict[str, Any]:
    due_at = ticket.due_at
    return {
        "number": ticket.number,
        "subject": ticket.subject,
        "status": ticket.status.value,
        "priority": ticket.priority,
        "category": ticket.category,
        "assignee": ticket.assignee,
        "customer": _customer(ticket),
        "copies": [person.email for person in ticket.participants if not policy.is_own(person.email)],
        "updated_at": ticket.updated_at.isoformat(),
        "due_at": due_at.isoformat() if due_at else None,
    }


def _customer(ticket: Ticket) -> dict[str, Any]:
    """Who asked and how they are answered; a place in the workspace that stands for an address is not shown."""
    person, room = ticket.customer, bool(ticket.asked_in)
    return {
        "name": person.name,
        "email": person.email if person.takes_mail else "",
        "room": room,
        "mailed": person.takes_mail and (ticket.by_mail or not room),
    }


def _limit(text: str) -> int:
    return max(1, min(int(text), MOST_TICKETS)) if text.isdecimal() and len(text) < 5 else PAGE_OF_TICKETS


def _place(text: str) -> Before | None:
    """The place a cursor names; one that cannot be read means the beginning."""
    moment, _, number = text.partition("_")
    try:
        updated_at = datetime.fromisoformat(moment)
        return Before(updated_at=updated_at, number=int(number)) if updated_at.tzinfo else None
    except ValueError:
        return None


def _command(body: Any, files: tuple[StaffFile, ...], policy: Policy, at: datetime) -> Command:
    """The command in a request's JSON. Raises ValueError with one sentence when it is none."""
    if not isinstance(body, dict):
        raise ValueError("A command is a JSON object.")
    name, text, args = body.get("name"), body.get("text", ""), body.get("args", {})
    number, key = body.get("ticket"), str(body.get("as", ""))
    if not isinstance(name, str) or name not in DEEDS:
        raise ValueError("There is no command of that name.")
    # What the whole channel is asked, such as who may be believed, is about no ticket.
    of_the_desk = number is None and DEEDS[name].decide is not None
    if not of_the_desk and (not isinstance(number, int) or isinstance(number, bool) or number < 1):
        raise ValueError("A command names its ticket.")
    if not isinstance(text, str) or len(text) > LONGEST_WORDS:
        raise ValueError(f"A text has at most {LONGEST_WORDS} characters.")
    typed_args = _args(args)
    if name == "reply":
        meant = typed.read(text)
        name, text, typed_args = meant.name, meant.text, typed_args | dict(meant.args)
    if files and name not in WITH_FILES:
        raise ValueError("Only a reply or a note has files.")
    return Command(
        key=f"console:{uuid_of(body.get('id'))}",
        name=name,
        actor=actor_of(key, policy),
        at=at,
        ticket=number,
        text=text.replace("\r\n", "\n"),
        args=typed_args,
        files=files,
    )


def _args(args: object) -> dict[str, str]:
    fits = isinstance(args, Mapping) and all(isinstance(v, str) and len(v) <= LONGEST_WORDS for v in args.values())
    if not fits or not isinstance(args, Mapping) or len(args) > 20:
        raise ValueError("The arguments of a command are texts.")
    return {str(name): str(value) for name, value in args.items()}
