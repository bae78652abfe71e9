"""Opens forms over Slack's conversation, changes them while they are filled in, and carries out what is sent in.

A trigger lives three seconds, so a form is opened with what the desk has at hand before Slack is asked anything.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import structlog

from channels.chat import form_parts as parts
from channels.chat import forms
from channels.chat.blocks import Block
from channels.chat.cards import ACTION_PREFIX
from channels.chat.form_parts import Asked, Memory, Scene, Step
from channels.chat.presence import Writer
from channels.chat.telling import as_modal, line_card
from channels.slack.calls import call
from channels.slack.door import Door
from channels.slack.pressing.interactions import Click, OpenView, Sent, sent
from channels.slack.pressing.new_tickets import open_ticket
from rules.effects import OutboxEntry
from rules.errors import DeliveryError
from rules.model import Actor, Command, Entry, Ticket

if TYPE_CHECKING:
    from slack_bolt.async_app import AsyncAck

log = structlog.get_logger(__name__)

WRITES = "reply"
"""The form whose writers see each other."""


class Modals:
    """The forms that stand on people's screens."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._presence = door.presence
        self._presence.on_news = self._on_news(asyncio.get_running_loop())

    async def open(self, name: str, memory: Memory, user: str, trigger: str, view: OpenView | None = None) -> str:
        """Open a form, or show it in place of one that is open. Gives why it cannot be opened, for whoever asked."""
        door = self._door
        scene = await self._scene(memory, user)
        if scene.ticket:
            scene = parts.with_memory(scene, seen=scene.ticket.received)
        if name in forms.ABOUT_TICKETS and scene.ticket is None:
            return door.texts.say("form_gone")
        unknown = _waits(name, scene, user)
        shown = forms.loading(scene) if unknown else forms.view(name, self._with_presence(name, scene, user))
        try:
            opened = await self._show(shown, trigger, view)
        except DeliveryError as problem:
            log.warning("form_not_opened", form=name, ticket=memory.ticket, problem=str(problem))
            return door.texts.say("form_late")
        door.beside(self._look_up(name, scene, user, opened, shown))
        return ""

    async def change(self, click: Click) -> None:
        """Show a form anew because of what was just chosen in it; what was entered stays."""
        view = click.view
        name = forms.name_of(view.callback) if view else ""
        if view is None or not name:
            return
        scene = replace(await self._scene(view.memory, click.user), filled=view.filled)
        scene = await self._who(scene, click.user)
        shown = self._told_beside(forms.view(name, scene), name, scene, click.user)
        await self._update(view.id, shown, view.hash)

    async def on_submission(self, ack: AsyncAck, body: Mapping[str, Any]) -> None:
        """Carry out what a form asks for; what is missing or refused is shown in the form."""
        form = sent(body)
        name = forms.name_of(form.view.callback) if form else ""
        if form is None or not name:
            await ack()
            return
        actor = await self._door.people.actor(form.user)
        scene = replace(await self._scene(form.view.memory, form.user), filled=form.view.filled)
        scene = replace(scene, person=self._door.policy().person(actor.staff))
        step = forms.read(name, self._with_presence(name, scene, form.user))
        for asked in step.asked:
            step = await self._obeyed(name, scene, asked, form, actor)
            if step.errors or step.view:
                break
        await self._answer(ack, step, form, name)

    async def on_closed(self, ack: AsyncAck, body: Mapping[str, Any]) -> None:
        """Somebody closed a form without sending it in: they do not write any more."""
        form = sent(body)
        if form is not None:
            self._gone(form.view.id)
        await ack()

    def changed(self) -> None:
        """Tickets changed, perhaps one that somebody writes an answer about. On the event loop only."""
        for ticket in self._presence.tickets():
            self.refresh(ticket)

    def refresh(self, ticket: int) -> None:
        """Something changed about a ticket: whoever writes an answer sees who else does."""
        if self._presence.writers(ticket, self._door.now()):
            self._door.beside(self._refresh(ticket))

    def _on_news(self, loop: asyncio.AbstractEventLoop) -> Callable[[int], None]:
        def tell(ticket: int) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self.refresh, ticket)

        return tell

    # What follows from sending a form in

    async def _answer(self, ack: AsyncAck, step: Step, form: Sent, name: str) -> None:
        if step.errors:
            await ack(response_action="errors", errors=dict(step.errors))
        elif step.view:
            await ack(response_action="update", view=step.view)
            self._writes_on(form, name, step.view)
        else:
            await ack()
            self._gone(form.view.id)

    async def _obeyed(self, name: str, scene: Scene, asked: Asked, form: Sent, actor: Actor) -> Step:
        """Have one command of a form carried out. A form sent in twice is done once; after a refusal it is new."""
        view, door = form.view, self._door
        tried = await self._tried(form)
        key = f"slack:{form.team}:{view.id}:{form.user}:{tried}:{asked.command}:{_said_in(asked)}"
        command = Command(
            key=key, name=asked.command, actor=actor, at=door.now(), ticket=view.memory.ticket, text=asked.text,
            args={"user": form.user, **asked.args},
        )  # fmt: skip
        answer = await (open_ticket(door, command, view) if name == "new" else door.obey(command))
        if answer.refusal is None:
            return self._number_told(name, answer.ticket)
        await door.run(door.inbox.move_cursor, _tries_of(form), f"{view.id}:{tried + 1}")
        return forms.refused(name, scene, asked, answer.refusal)

    async def _tried(self, form: Sent) -> int:
        """How often this form was refused so far, by whichever process heard it: one form a person is at hand."""
        told = await self._door.run(self._door.inbox.cursor, _tries_of(form))
        view, _, tried = told.rpartition(":")
        return int(tried) if view == form.view.id else 0

    def _number_told(self, name: str, ticket: int | None) -> Step:
        """Whoever opened a ticket by a form is told its number where they look."""
        if name != "new" or ticket is None:
            return Step()
        texts = self._door.texts
        return Step(view=as_modal(line_card(texts.say("ticket_made_by_form", number=ticket)), f"#{ticket}", texts))

    # What a form is made of

    async def _scene(self, memory: Memory, user: str) -> Scene:
        door, policy = self._door, self._door.policy()
        ticket, entries, owed = await door.run(self._gathered, memory.ticket)
        person = policy.staff_by_slack(user)
        return Scene(
            policy=policy, at=door.now(), memory=memory, ticket=ticket, entries=entries, owed=owed, person=person
        )

    def _gathered(self, number: int | None) -> tuple[Ticket | None, tuple[Entry, ...], tuple[OutboxEntry, ...]]:
        looking = self._door.looking
        if number is None:
            return None, (), ()
        return looking.ticket(number), tuple(looking.entries(number)), tuple(looking.outbox_of(number))

    async def _who(self, scene: Scene, user: str) -> Scene:
        """The scene with whoever fills the form in, whom Slack may have to be asked about."""
        if scene.person:
            return scene
        try:
            actor = await self._door.people.actor(user)
        except DeliveryError:
            return scene
        return replace(scene, person=scene.policy.person(actor.staff))

    async def _look_up(self, name: str, scene: Scene, user: str, view: str, shown: Block) -> None:
        """Learn who it is while they read, so that sending it in needs not, and colleagues are told a name.

        A form that waits for it is shown now.
        """
        unknown, scene = _waits(name, scene, user), await self._who(scene, user)
        if unknown and name != "new" and scene.person is None and scene.ticket:
            told = scene.texts.say("refused_asker", name=scene.ticket.customer)
            await self._update(view, as_modal(line_card(told), f"#{scene.ticket.number}", scene.texts), "")
        elif unknown:
            await self._update(view, forms.view(name, scene), "")
        self._opened(name, scene, user, view, shown)

    # Who else writes

    def _with_presence(self, name: str, scene: Scene, user: str) -> Scene:
        if name != WRITES or scene.ticket is None:
            return scene
        lines = self._presence.lines(scene.ticket.number, user, scene.owed, scene.policy, scene.at)
        return replace(scene, told=lines)

    def _told_beside(self, shown: Block, name: str, scene: Scene, user: str) -> Block:
        lines = self._with_presence(name, scene, user).told
        return forms.with_told(shown, lines) if lines else shown

    def _opened(self, name: str, scene: Scene, user: str, view: str, shown: Block) -> None:
        if name != WRITES or scene.ticket is None or not view:
            return
        who = scene.person.name if scene.person else user
        number = scene.ticket.number
        self._presence.came(
            Writer(view=view, ticket=number, user=user, name=who, since_at=scene.at, shown=shown)
        )  # fmt: skip
        self._door.beside(self._refresh(number))

    def _writes_on(self, form: Sent, name: str, shown: Block) -> None:
        """The form shows something else now; what others' news are put into is that."""
        known = self._presence.left(form.view.id)
        if shown["callback_id"] == f"{ACTION_PREFIX}{name}" and known:
            self._presence.came(replace(known, shown=shown))

    def _gone(self, view: str) -> None:
        left = self._presence.left(view)
        if left:
            self._door.beside(self._refresh(left.ticket))

    async def _refresh(self, ticket: int) -> None:
        """Tell everybody who writes an answer who else does."""
        door = self._door
        owed = await door.run(door.looking.outbox_of, ticket)
        for writer in self._presence.writers(ticket, door.now()):
            lines = self._presence.lines(ticket, writer.user, owed, door.policy(), door.now())
            shown = forms.with_told(writer.shown, lines) if writer.shown else {}
            if shown != writer.shown:
                self._presence.came(replace(writer, shown=shown))
                await self._update(writer.view, shown, "")

    # Slack

    async def _show(self, shown: Block, trigger: str, view: OpenView | None) -> str:
        """Open a view, or put it in the place of the modal that it was asked for in; gives its id."""
        client = self._door.client
        if view is not None and view.kind == "modal":
            asked = client.views_update(view_id=view.id, view=shown, **({"hash": view.hash} if view.hash else {}))
            answer = await call("views.update", asked, repeatable=True)
        else:
            answer = await call("views.open", client.views_open(trigger_id=trigger, view=shown), repeatable=True)
        return str((answer.get("view") or {}).get("id") or "")

    async def _update(self, view: str, shown: Block, known: str) -> None:
        more = {"hash": known} if known else {}
        try:
            asked = self._door.client.views_update(view_id=view, view=shown, **more)
            await call("views.update", asked, repeatable=True)
        except DeliveryError as problem:
            log.info("form_not_updated", problem=str(problem))


def _tries_of(form: Sent) -> str:
    """Under which name it is written down how often a person's form was refused."""
    return f"form:{form.team}:{form.user}"


def _waits(name: str, scene: Scene, user: str) -> bool:
    """Whether a form waits until it is known who opens it.

    What somebody filled in of a ticket is shown to them and to staff, and everybody in a channel can press the button.
    """
    if scene.person is not None:
        return False
    return name == "new" or (name == "details" and (scene.ticket is None or scene.ticket.asker != user))


def _said_in(asked: Asked) -> str:
    """A short name of what a command of a form says: changed after a refusal, it is another one after a restart too."""
    said = json.dumps([asked.text, sorted(asked.args.items())])
    return sha256(said.encode("utf-8", "replace")).hexdigest()[:16]


def opened_by(click: Click) -> Memory:
    """What a form remembers that a click opens."""
    memory = click.view.memory if click.view and click.view.kind == "modal" else Memory()
    return replace(
        memory, ticket=click.ticket, channel=click.channel or memory.channel, thread=click.thread or memory.thread,
        value=click.value, shown="",
    )  # fmt: skip
