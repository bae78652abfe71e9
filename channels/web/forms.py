"""The forms of the console page: the very modals that Slack gets, opened and sent in without Slack."""

from __future__ import annotations

from collections.abc import Callable

from channels.chat import blocks, forms, lists
from channels.chat.cards import staff_texts
from channels.chat.form_parts import Asked, Filled, Memory, Scene
from channels.chat.presence import Presence, Writer
from channels.chat.written_requests import as_mail
from channels.protocol import Answer, Hearing, Now
from channels.web.protocol import Outcome, Sending, View, Window
from rules.model import Actor, Command, Refusal
from rules.policy import Policy

WHY = "why"
"""What only tells: on this page it is shown as a form without fields."""

OPEN = "open"
"""The command of the form for a new ticket: what it says is taken in like a mail."""

WRITES = "reply"
"""The form that tells of answers which leave in a moment."""


class SlackForms:
    """Serves ``channels.web.protocol.Forms`` with the views and the readings of ``channels.slack``."""

    names = frozenset({*forms.FORMS, WHY})

    def __init__(
        self, hearing: Hearing, window: Window, policy: Callable[[], Policy], now: Now, presence: Presence
    ) -> None:
        self._presence = presence
        self._hearing = hearing
        self._window = window
        self._policy = policy
        self._now = now

    def open(self, name: str, ticket: int | None, value: str, actor: Actor) -> View | None:
        """A form for one ticket, or for none; None when there is no such form or no such ticket."""
        found = self._window.ticket(ticket) if ticket else None
        if name not in self.names or (found is None and name in {*forms.ABOUT_TICKETS, WHY}):
            return None
        if name == WHY:
            return self._why(ticket or 0, actor)
        memory = Memory(ticket=found.number if found else None, value=value, seen=found.received if found else 0)
        return forms.view(name, self._scene(name, memory, Filled(), actor))

    def submit(self, sending: Sending) -> Outcome:
        """Carry out what a form asks for; what is missing or refused is told by the field it is shown under."""
        name = forms.name_of(sending.callback_id)
        texts = staff_texts(self._policy())
        if not name:
            return Outcome(errors={"": texts.say("form_gone")})
        scene = self._scene(name, Memory.read(sending.private_metadata), Filled(sending.values), sending.actor)
        if scene.ticket is None and name in forms.ABOUT_TICKETS:
            return Outcome(errors={"": texts.say("form_gone")})
        if sending.changed:
            return Outcome(view=forms.view(name, scene))
        step = forms.read(name, scene)
        if step.errors or step.view:
            return Outcome(errors=step.errors, view=step.view)
        return self._carry_out(name, step.asked, scene, sending)

    def writing(self, name: str, ticket: int, actor: Actor, *, ends: bool) -> None:
        """Tell whoever answers the same ticket, in Slack or on another page, that somebody does here too."""
        user, who = self._user(actor), self._policy().person(actor.staff)
        if name != WRITES or who is None:
            return
        view = f"console:{ticket}:{user}"
        if ends:
            self._presence.left(view)
        else:
            self._presence.came(
                Writer(view=view, ticket=ticket, user=user, name=who.name, since_at=self._now(), shown={})
            )
        self._presence.on_news(ticket)

    def _user(self, actor: Actor) -> str:
        """What Slack calls somebody, where the staff list says so."""
        person = self._policy().person(actor.staff)
        return (person.slack if person else "") or f"console:{actor.staff}"

    def _carry_out(self, name: str, asked: tuple[Asked, ...], scene: Scene, sending: Sending) -> Outcome:
        """The commands of a form in turn, until one is refused."""
        number = scene.memory.ticket
        for place, each in enumerate(asked):
            if each.command == WHY:
                return Outcome(view=self._why(number or 0, sending.actor))
            key = f"{sending.key}:{place}" if place else sending.key
            command = Command(
                key=key, name=each.command, actor=sending.actor, at=self._now(), ticket=scene.memory.ticket,
                text=each.text, args=each.args,
            )  # fmt: skip
            answer = self._open_ticket(command, scene) if each.command == OPEN else self._hearing.obey(command)
            if answer.refusal:
                step = forms.refused(name, scene, each, answer.refusal)
                return Outcome(errors=step.errors, view=step.view)
            number = number or answer.ticket
        return Outcome(ticket=number)

    def _open_ticket(self, command: Command, scene: Scene) -> Answer:
        """A ticket for somebody who called or came by, opened as if they had mailed; only staff write down others'."""
        if scene.person is None:
            text = scene.texts.say("refused_not_staff", name=command.actor.name)
            return Answer(refusal=Refusal(code="stranger", text=text))
        message = as_mail(command, command.key, command.key.rpartition(":")[2], scene.policy)
        return Answer(outcome=self._hearing.receive(message))

    def _scene(self, name: str, memory: Memory, filled: Filled, actor: Actor) -> Scene:
        policy, now, number = self._policy(), self._now(), memory.ticket or 0
        ticket = self._window.ticket(number) if number else None
        owed = tuple(self._window.outbox_of(number)) if ticket else ()
        writes = ticket is not None and name == WRITES
        return Scene(
            policy=policy, at=now, memory=memory, ticket=ticket, person=policy.person(actor.staff), filled=filled,
            entries=tuple(self._window.entries(number)) if ticket else (), owed=owed,
            told=self._presence.lines(number, self._user(actor), owed, policy, now) if writes else (),
        )  # fmt: skip

    def _why(self, number: int, actor: Actor) -> View:
        """The story of a ticket with the reason of every automatic step, as ``/ticket why`` tells it."""
        policy = self._policy()
        told = lists.why(actor, number, self._window.ticket(number), self._window.entries(number), policy)
        texts = staff_texts(policy)
        title, close = blocks.plain(f"#{number}", 24), blocks.plain(texts.say("form_close"), 24)
        return {"type": "modal", "title": title, "close": close, "blocks": told.blocks}
