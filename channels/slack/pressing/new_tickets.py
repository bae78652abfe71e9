"""A ticket that somebody opens by a form: for themselves, or, being staff, for whoever called or came by."""

from __future__ import annotations

from channels.chat.written_requests import as_mail, chosen_of, details_of
from channels.protocol import Answer
from channels.slack.door import Door
from channels.slack.hearing.asking import ask_by_form
from channels.slack.pressing.interactions import OpenView
from rules.model import Command, Refusal

LOOKED_THROUGH = 10


async def open_ticket(door: Door, command: Command, view: OpenView) -> Answer:
    """Open the ticket that a form describes; one form opens one ticket, however often it is sent in.

    Without an address it is for whoever filled it in. For an address it is opened as if its owner had written a mail,
    which only staff may do.
    """
    email = command.args.get("for", "")
    if not email:
        return await ask_by_form(door, command, view.id, details=details_of(command), chosen=chosen_of(command))
    if not command.actor.staff:
        return Answer(refusal=Refusal(code="role", text=door.texts.say("refused_not_staff", name=command.actor.name)))
    message = as_mail(command, f"slack:{door.team()}:{view.id}", view.id, door.policy())
    outcome = await door.run(door.hearing.receive, message)
    number = await door.run(_number_of, door, message.key)
    if number is None and outcome != "duplicate":
        return Answer(refusal=Refusal(code="open", text=door.texts.say("form_bad_address", value=email)))
    return Answer(ticket=number, outcome=outcome)


def _number_of(door: Door, key: str) -> int | None:
    """The ticket that a message was taken into, a moment ago."""
    for ticket in door.looking.latest(LOOKED_THROUGH):
        if any(entry.message_key == key for entry in door.looking.entries(ticket.number)):
            return ticket.number
    return None
