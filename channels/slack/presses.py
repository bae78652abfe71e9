"""Carries out what people press, choose and fill in, in Slack: buttons, menus and forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import aiohttp
import structlog

from channels.slack import commands
from channels.slack.calls import call
from channels.slack.door import Door
from channels.slack.forms import problem_with, problems_in, resolve_form
from channels.slack.parse import Clicked, clicked, submitted
from rules.effects import Whisper
from rules.errors import DeliveryError

if TYPE_CHECKING:
    from slack_bolt.async_app import AsyncAck, AsyncRespond

log = structlog.get_logger(__name__)


class Presses:
    """Clicks and submissions become the desk's commands, each committed before Slack is told that we have it."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def on_click(self, ack: AsyncAck, body: Mapping[str, Any], respond: AsyncRespond) -> None:
        """Carry out what a button or a menu asks for; Resolve… opens its form first, as its trigger lives 3 seconds.

        Buttons that only one person sees have had their day when they were pressed, and go.
        """
        click, door = clicked(body), self._door
        if click is not None and click.command == "resolve" and click.ticket is not None:
            await self._open_form(click)
        elif click is not None:
            actor = await door.people.actor(click.user)
            answer = await door.obey(commands.of_click(click, actor, door.now()))
            door.tell_refusal(answer, click.channel, click.user, click.thread)
        if click is not None and click.whispered:
            door.beside(_take_away(respond))
        await ack()

    async def on_submission(self, ack: AsyncAck, body: Mapping[str, Any]) -> None:
        """Resolve a ticket with what was filled in; what is missing or refused is shown in the form."""
        form, door = submitted(body), self._door
        problems = problems_in(form.values, door.texts)
        if not problems:
            actor = await door.people.actor(form.user)
            answer = await door.obey(commands.of_form(form, actor, door.now()))
            problems = problem_with(answer.refusal.text) if answer.refusal else {}
        if problems:
            await ack(response_action="errors", errors=problems)
        else:
            await ack()

    async def _open_form(self, click: Clicked) -> None:
        door = self._door
        ticket = await door.run(door.looking.ticket, click.ticket or 0)
        if ticket is None:
            return
        form = resolve_form(ticket, door.policy(), click.channel, click.thread)
        asked = door.client.views_open(trigger_id=click.trigger, view=form)
        try:
            await call("views.open", asked, repeatable=True)
        except DeliveryError as problem:
            log.warning("form_not_opened", ticket=click.ticket, problem=str(problem))
            door.whisper(click.channel, click.thread, Whisper(to=click.user, text=door.texts.say("form_late")))


async def _take_away(respond: AsyncRespond) -> None:
    """Delete the message that only one person sees. That it stays does no harm, as its commands are obeyed once."""
    try:
        await respond(delete_original=True)
    except (aiohttp.ClientError, TimeoutError, ValueError) as problem:
        log.info("whisper_not_deleted", problem=str(problem))
