"""The console's doors to forms: gives the modal that a command needs, and takes it in when it is filled in."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from typing import Any

from aiohttp import web

from channels.web import guard
from channels.web.changes import Changes
from channels.web.protocol import Forms, Sending
from rules.model import Actor
from rules.policy import Policy

LONGEST_METADATA = 3000
LONGEST_NUMBER = 10


class Views:
    """Opens and takes in forms for whoever holds the console's cookie; what they may do is decided by the desk."""

    def __init__(self, forms: Forms, policy: Callable[[], Policy], executor: Executor, changes: Changes) -> None:
        self._forms = forms
        self._policy = policy
        self._executor = executor
        self._changes = changes

    async def open(self, request: web.Request) -> web.Response:
        """A form: ``?name=resolve&ticket=12&value=&as=ana``."""
        asked = request.query
        number = asked.get("ticket", "")
        ticket = int(number) if number.isdecimal() and len(number) <= LONGEST_NUMBER else None
        actor = actor_of(asked.get("as", ""), self._policy())
        loop = asyncio.get_running_loop()
        view = await loop.run_in_executor(
            self._executor, self._forms.open, asked.get("name", ""), ticket, asked.get("value", ""), actor
        )
        if view is None:
            return guard.refusal(404, "no_form", "There is no such form for this ticket.")
        if ticket:
            self._forms.writing(asked["name"], ticket, actor, ends=False)
        return web.json_response({"view": view})

    async def close(self, request: web.Request) -> web.Response:
        """Somebody closed a form without sending it in: ``?name=reply&ticket=12&as=ana``."""
        if request.headers.get(guard.FROM_THE_PAGE) != "console":
            return guard.refusal(403, "not_from_the_page", "Forms are closed from the console page only.")
        number = request.query.get("ticket", "")
        if number.isdecimal() and len(number) <= LONGEST_NUMBER:
            actor = actor_of(request.query.get("as", ""), self._policy())
            self._forms.writing(request.query.get("name", ""), int(number), actor, ends=True)
        return web.json_response({})

    async def submit(self, request: web.Request) -> web.Response:
        """Take in a filled-in form: ``{errors}`` by block, ``{view}`` to go on with, or the ticket when it is done."""
        if request.headers.get(guard.FROM_THE_PAGE) != "console" or request.content_type != "application/json":
            return guard.refusal(403, "not_from_the_page", "Forms are taken from the console page only.")
        try:
            sending = _sending(await request.json(), self._policy())
        except ValueError as problem:
            return guard.refusal(400, "unreadable", str(problem))
        outcome = await asyncio.get_running_loop().run_in_executor(self._executor, self._forms.submit, sending)
        if outcome.errors:
            return web.json_response({"errors": dict(outcome.errors)})
        if outcome.view is not None:
            return web.json_response({"view": outcome.view})
        if outcome.ticket:
            self._forms.writing(sending.callback_id.rpartition(":")[2], outcome.ticket, sending.actor, ends=True)
        self._changes.tell(outcome.ticket)
        return web.json_response({"ticket": outcome.ticket})


def actor_of(key: str, policy: Policy) -> Actor:
    """Who the page acts as; somebody who does not work here (any more) is a stranger, and the desk refuses."""
    person = policy.person(key)
    return Actor(name=person.name if person else key[:80], staff=person.key if person else None, via="console")


def uuid_of(given: object) -> str:
    """The id that the page gave. Raises ValueError with one sentence when it is none."""
    try:
        return str(uuid.UUID(str(given)))
    except ValueError:
        raise ValueError("A command carries an id of its own (a UUID), so that it is done once.") from None


def _sending(body: Any, policy: Policy) -> Sending:
    """The form in a request's JSON. Raises ValueError with one sentence when it is none."""
    if not isinstance(body, dict):
        raise ValueError("A form is a JSON object.")
    name, kept, values = body.get("callback_id"), body.get("private_metadata", ""), body.get("values")
    if not isinstance(name, str) or not isinstance(kept, str) or len(kept) > LONGEST_METADATA:
        raise ValueError("A form has its name, and what it remembers has at most 3000 characters.")
    if not isinstance(values, dict) or not all(_is_block(block) for block in values.values()):
        raise ValueError("The values of a form are objects by block and action.")
    return Sending(
        key=f"console:{uuid_of(body.get('id'))}",
        callback_id=name,
        private_metadata=kept,
        values=values,
        actor=actor_of(str(body.get("as", "")), policy),
        changed=str(body.get("changed", "")),
    )


def _is_block(block: object) -> bool:
    return isinstance(block, Mapping) and all(isinstance(state, Mapping) for state in block.values())
