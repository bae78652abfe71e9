"""The forms of the console page: the very modals that Slack gets, opened and sent in without Slack."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from channels.protocol import Hearing, Now
from channels.slack import forms
from channels.slack.form_parts import Asked, Memory, Scene, Step
from channels.slack.form_parts import Filled as Entered
from channels.web.protocol import Filled, Outcome, View, Window
from rules.model import Actor, Command
from rules.policy import Policy


class SlackForms:
    """Serves ``channels.web.protocol.Forms`` with the views and the readings of ``channels.slack``."""

    names = forms.ABOUT_TICKETS

    def __init__(self, hearing: Hearing, window: Window, policy: Callable[[], Policy], now: Now) -> None:
        self._hearing = hearing
        self._window = window
        self._policy = policy
        self._now = now

    def open(self, name: str, ticket: int | None, value: str, actor: Actor) -> View | None:
        """The form of a command for one ticket; None when there is no such form or no such ticket."""
        found = self._window.ticket(ticket) if ticket and name in self.names else None
        if found is None:
            return None
        memory = Memory(ticket=found.number, value=value, seen=found.received)
        return forms.view(name, self._scene(memory, actor))

    def submit(self, filled: Filled) -> Outcome:
        """Carry out what a form asks for; what is missing or refused is told by the field it is shown under."""
        name = forms.name_of(filled.callback_id)
        if name not in self.names:
            return Outcome(errors={"": "This form is not known any more; close it and open it again."})
        scene = replace(self._scene(Memory.read(filled.private_metadata), filled.actor), filled=Entered(filled.values))
        step = Step(view=forms.view(name, scene)) if filled.changed else forms.read(name, scene)
        for asked in step.asked:
            step = self._obeyed(name, scene, asked, filled)
            if step.errors or step.view:
                break
        return Outcome(errors=step.errors, view=step.view, ticket=scene.memory.ticket)

    def _obeyed(self, name: str, scene: Scene, asked: Asked, filled: Filled) -> Step:
        command = Command(
            key=f"{filled.key}:{asked.command}:{asked.args.get('value', '')}", name=asked.command, actor=filled.actor,
            at=self._now(), ticket=scene.memory.ticket, text=asked.text, args=asked.args,
        )  # fmt: skip
        answer = self._hearing.obey(command)
        return forms.refused(name, scene, asked, answer.refusal) if answer.refusal else Step()

    def _scene(self, memory: Memory, actor: Actor) -> Scene:
        policy, number = self._policy(), memory.ticket or 0
        return Scene(
            policy=policy, now=self._now(), memory=memory, person=policy.person(actor.staff),
            ticket=self._window.ticket(number), entries=tuple(self._window.entries(number)),
            owed=tuple(self._window.outbox_of(number)),
        )  # fmt: skip
