"""Carries out what people press and choose in Slack: buttons, menus, and what opens or changes a form.

What changes something is on disk before Slack is told that we have it. What asks for nothing but to be told something
changes nothing. Whether somebody may do it is decided by the rules, whoever can see the button.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import aiohttp
import structlog

from channels.chat import blocks, lists
from channels.chat.blocks import Block
from channels.chat.cards import ACTION_PREFIX, CardBlocks
from channels.chat.telling import as_modal, help_card, line_card
from channels.slack.calls import call
from channels.slack.door import Door
from channels.slack.pressing.interactions import Click, clicked
from channels.slack.pressing.modals import Modals, opened_by
from channels.slack.pressing.slash import Slash
from rules.errors import DeliveryError
from rules.model import Actor, Command, Ticket

if TYPE_CHECKING:
    from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond

log = structlog.get_logger(__name__)

ABOUT_A_REPLY = frozenset({"send_now", "withdraw"})
UNDER_A_POST = "post:"
"""The names of the rows of buttons under posts begin so (channels/chat/posts.py)."""

FORM_BEFORE = {"resolve": "resolve"}
"""Commands whose old buttons carried no form; cards that were posted before still stand there."""

_PLACE = re.compile(r"[A-Z0-9]{1,40}:[0-9]{1,20}\.[0-9]{1,20}")


class Presses:
    """Clicks become commands, forms or answers to whoever clicked."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self.modals = Modals(door)
        self._slash = Slash(door, self.modals)

    def register(self, app: AsyncApp) -> None:
        """Listen to everything that carries our name, but for the Home tab's own filters."""
        ours = "^" + re.escape(ACTION_PREFIX)
        app.action(re.compile(ours + "(?!home:)"))(self.on_click)
        app.view({"type": "view_submission", "callback_id": re.compile(ours)})(self.modals.on_submission)
        app.view({"type": "view_closed", "callback_id": re.compile(ours)})(self.modals.on_closed)
        self._slash.register(app)

    async def on_click(self, ack: AsyncAck, body: Mapping[str, Any], respond: AsyncRespond) -> None:
        """Carry out what a button or a menu asks for; buttons that only one person sees go when they were pressed."""
        click = clicked(body)
        if click is None:
            await ack()
            return
        form = click.form or (FORM_BEFORE.get(click.command, "") if click.ticket and not click.value else "")
        unopened = ""
        if form:
            unopened = await self.modals.open(form, opened_by(click), click.user, click.trigger, click.view)
            if unopened:
                await self._tell(click, line_card(unopened))
        elif click.changes:
            await self.modals.change(click)
        else:
            await self._carry_out(click)
        # An answer that is held may still be sent or kept from the same message, if the form is closed again.
        if click.whispered and form != "reply" and not unopened:
            self._door.beside(_take_away(respond))
        await ack()

    async def _carry_out(self, click: Click) -> None:
        door = self._door
        actor = await door.people.actor(click.user)
        told = await self._told(click, actor)
        if told is not None:
            await self._tell(click, told)
            return
        answer = await door.obey(order_of(click, actor, door))
        if answer.refusal:
            await self._tell(click, line_card(answer.refusal.text))
        elif answer.outcome != "duplicate" and click.block.startswith(UNDER_A_POST) and not click.whispered:
            door.beside(self._show_decided(click, actor))
        if click.ticket is not None:
            self.modals.refresh(click.ticket)

    async def _told(self, click: Click, actor: Actor) -> CardBlocks | None:
        """What a button only asks to be told."""
        door = self._door
        if click.command == "help":
            return help_card(door.texts, staff=bool(actor.staff))
        if click.command != "why" or click.ticket is None:
            return None
        ticket: Ticket | None = await door.run(door.looking.ticket, click.ticket)
        entries = await door.run(door.looking.entries, click.ticket)
        return lists.why(actor, click.ticket, ticket, entries, door.policy())

    async def _tell(self, click: Click, shown: CardBlocks) -> None:
        """Tell whoever clicked, and nobody else: in the thread, or over the tab or form where there is no thread."""
        door = self._door
        if click.channel:
            door.beside(door.show(click.channel, click.thread, click.user, shown, click.answer_at))
            return
        view = as_modal(shown, f"#{click.ticket}" if click.ticket else door.texts.say("form_new"), door.texts)
        client, over = door.client, click.view is not None and click.view.kind == "modal"
        asked = (client.views_push if over else client.views_open)(trigger_id=click.trigger, view=view)
        try:
            await call("views.push" if over else "views.open", asked, repeatable=True)
        except DeliveryError as problem:
            log.warning("not_told", ticket=click.ticket, problem=str(problem))

    async def _show_decided(self, click: Click, actor: Actor) -> None:
        """Put who decided what in place of the buttons of a post: there is nothing more to press on it."""
        said = self._door.texts.say("post_decided", name=actor.name, what=click.label)
        stands: list[Block] = click.message.get("blocks") or []
        kept = [block for block in stands if block.get("block_id") != click.block]
        if not kept or not click.ts:
            return
        text = str(click.message.get("text") or "-")
        asked = self._door.client.chat_update(
            channel=click.channel, ts=click.ts, text=blocks.cut_escaped(text, blocks.FALLBACK_MOST), parse="none",
            blocks=[*kept, blocks.context(blocks.plain(said, 300))],
        )  # fmt: skip
        try:
            await call("chat.update", asked, repeatable=True)
        except DeliveryError as problem:
            log.info("decision_not_shown", problem=str(problem))


def order_of(click: Click, actor: Actor, door: Door) -> Command:
    """What a button or a menu asks for. A held reply is named by its effect, or by the message it was written in."""
    args = {"user": click.user}
    if click.value and click.command in ABOUT_A_REPLY:
        args["target" if _PLACE.fullmatch(click.value) else "reply"] = click.value
    elif click.value:
        args["value"] = click.value
    if click.at:
        args["said_at"] = click.at
    return Command(key=click.key, name=click.command, actor=actor, at=door.now(), ticket=click.ticket, args=args)


async def _take_away(respond: AsyncRespond) -> None:
    """Delete the message that only one person sees. That it stays does no harm, as its commands are obeyed once."""
    try:
        await respond(delete_original=True)
    except (aiohttp.ClientError, TimeoutError, ValueError) as problem:
        log.info("whisper_not_deleted", problem=str(problem))
