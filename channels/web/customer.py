"""The pages behind the links in our mails: a customer says whether it is solved, or how content they are.

Mail scanners open every link (complaint 79): looking at a page never changes anything, only sending its form does.
The pages need no script.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from typing import Any

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from channels.protocol import Hearing, Now
from channels.web.protocol import ReadLink, Window
from rules.errors import StoreUnavailableError
from rules.lifecycle import LIVE
from rules.model import Actor, Command, Ticket
from rules.policy import Policy

QUESTIONS = ("overall", "solved", "attitude", "communication")
LONGEST_COMMENT = 4000
CONFIRM = "confirm"
SURVEY = "survey"


class CustomerPages:
    """Shows the page that a link leads to and takes its answer in."""

    def __init__(
        self,
        *,
        hearing: Hearing,
        window: Window,
        policy: Callable[[], Policy],
        read_link: ReadLink,
        now: Now,
        executor: Executor,
    ) -> None:
        self._hearing = hearing
        self._window = window
        self._policy = policy
        self._read_link = read_link
        self._now = now
        self._executor = executor
        loader = PackageLoader("channels.web", "")
        environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
        self._template = environment.get_template("customer.html")

    def routes(self) -> list[web.RouteDef]:
        """What customers can open."""
        return [web.get("/r/{token}", self.show), web.post("/r/{token}", self.record)]

    async def show(self, request: web.Request) -> web.Response:
        """Show the question; a score in the link (``?score=4``) is only chosen beforehand."""
        ticket, purpose, _ = await self._behind(request.match_info["token"])
        if ticket is None:
            return self._gone(request)
        chosen = {"overall": _score(request.query.get("score", ""))}
        return self._page(ticket, purpose, chosen=chosen)

    async def record(self, request: web.Request) -> web.Response:
        """Take the answer in, once: the same link answered again changes nothing."""
        token = request.match_info["token"]
        ticket, purpose, round_ = await self._behind(token)
        if ticket is None:
            return self._gone(request)
        form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
        command = self._command(token, ticket, purpose, round_, form)
        if command is None:
            chosen = {question: _score(form.get(question, "")) for question in QUESTIONS}
            return self._page(ticket, purpose, chosen=chosen, comment=form.get("comment", ""), missing=True, status=400)
        try:
            answer = await self._off_loop(self._hearing.obey, command)
        except StoreUnavailableError:
            return self._page(ticket, "late", status=503)
        stands = not answer.refusal
        if answer.outcome == "duplicate":
            stands = _stands(command.name, await self._off_loop(self._window.ticket, ticket.number))
        return self._page(ticket, f"{command.name}_done") if stands else self._gone(request)

    def _command(
        self, token: str, ticket: Ticket, purpose: str, round_: int, form: Mapping[str, str]
    ) -> Command | None:
        """What the form says, or nothing when the one needed answer is missing."""
        comment = form.get("comment", "").replace("\r\n", "\n").strip()[:LONGEST_COMMENT]
        args = {"round": str(round_)}
        if purpose == SURVEY:
            scores = {question: score for question in QUESTIONS if (score := _score(form.get(question, "")))}
            name, args = "score", args | scores | {"comment": comment}
            complete = "overall" in scores
        else:
            answer = form.get("answer", "")
            name, complete = ("confirm" if answer == "yes" else "not_solved"), answer in {"yes", "no"}
        if not complete:
            return None
        actor = Actor(name=ticket.customer.email or ticket.customer.name, via="page")
        key = f"page:{token}:{name}"
        return Command(key=key, name=name, actor=actor, at=self._now(), ticket=ticket.number, text=comment, args=args)

    async def _behind(self, token: str) -> tuple[Ticket | None, str, int]:
        """The ticket, purpose and round a link stands for; no ticket when it is not ours or from an earlier round."""
        link = self._read_link(self._policy().secret, token)
        if link is None or link[1] not in {CONFIRM, SURVEY}:
            return None, "", 0
        number, purpose, round_ = link
        ticket = await self._off_loop(self._window.ticket, number)
        return (ticket if ticket and ticket.rounds == round_ else None), purpose, round_

    def _page(
        self,
        ticket: Ticket,
        kind: str,
        *,
        chosen: Mapping[str, str] | None = None,
        comment: str = "",
        missing: bool = False,
        status: int = 200,
    ) -> web.Response:
        values = {"number": ticket.number, "subject": ticket.subject}
        rest = {"kind": kind, "chosen": chosen or {}, "comment": comment, "missing": missing}
        return self._rendered(ticket.language, values | rest, status)

    def _gone(self, request: web.Request) -> web.Response:
        """One page for links that are unknown, used up or too old, so that nobody learns which."""
        wished = request.headers.get("Accept-Language", "").partition(",")[0].partition(";")[0].strip()
        values = {"kind": "gone", "number": 0, "subject": "", "chosen": {}, "comment": "", "missing": False}
        return self._rendered(wished, values, 404)

    def _rendered(self, language: str, values: Mapping[str, Any], status: int) -> web.Response:
        policy = self._policy()
        texts = policy.wording.of(language)
        page = self._template.render(
            say=texts.say, language=texts.language, desk=policy.desk_name, questions=QUESTIONS, **values
        )
        return web.Response(status=status, text=page, content_type="text/html")

    async def _off_loop(self, work: Callable[..., Any], *values: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work, *values)


def _stands(name: str, ticket: Ticket) -> bool:
    """Whether an answer that came before took effect and still holds; a refused one is known to the desk as well."""
    if name == "confirm":
        return ticket.confirmed_at is not None
    return ticket.status in LIVE if name == "not_solved" else ticket.score is not None


def _score(text: str) -> str:
    """A score of 1 to 5 as its digit, or nothing."""
    return text if text in {"1", "2", "3", "4", "5"} else ""
