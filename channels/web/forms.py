"""The forms of the console page: the very modals that Slack gets, opened and sent in without Slack."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from channels.protocol import Hearing, Now
from channels.slack import commands, forms
from channels.slack.cards import staff_texts
from channels.slack.parse import RESOLVE_FORM, submitted
from channels.web.protocol import Filled, Outcome, View, Window
from rules.model import Actor
from rules.policy import Policy


class SlackForms:
    """Serves ``channels.web.protocol.Forms`` with the views and the readings of ``channels.slack``."""

    names = frozenset({"resolve"})

    def __init__(self, hearing: Hearing, window: Window, policy: Callable[[], Policy], now: Now) -> None:
        self._hearing = hearing
        self._window = window
        self._policy = policy
        self._now = now

    def open(self, name: str, ticket: int | None, value: str, actor: Actor) -> View | None:
        """The form of a command for one ticket; None when there is no such form or no such ticket."""
        found = self._window.ticket(ticket) if ticket and name in self.names else None
        return forms.resolve_form(found, self._policy(), "", "") if found else None

    def submit(self, filled: Filled) -> Outcome:
        """Carry out what a form asks for; what is missing or refused is told by the field it is shown under."""
        if filled.callback_id != RESOLVE_FORM:
            return Outcome(errors={"": "This form is not known any more; close it and open it again."})
        view = {"private_metadata": filled.private_metadata, "state": {"values": filled.values}}
        form = replace(submitted({"view": view}), key=filled.key)
        if problems := forms.problems_in(form.values, staff_texts(self._policy())):
            return Outcome(errors=problems)
        command = commands.of_form(form, filled.actor, self._now())
        # Nobody at Slack is to be told: who filled it in looks at this page.
        args = {name: value for name, value in command.args.items() if name != "user"}
        answer = self._hearing.obey(replace(command, args=args))
        if answer.refusal:
            return Outcome(errors=forms.problem_with(answer.refusal.text))
        return Outcome(ticket=answer.ticket)
