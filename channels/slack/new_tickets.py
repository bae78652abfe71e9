"""A ticket that somebody opens by a form: for themselves, or, being staff, for whoever called or came by."""

from __future__ import annotations

from collections.abc import Mapping
from email.message import EmailMessage
from email.policy import SMTP

from channels.protocol import Answer
from channels.slack.asking import ask_by_form
from channels.slack.door import Door
from channels.slack.form_fields import BY_MAIL
from channels.slack.interactions import OpenView
from rules.asked import DETAIL
from rules.model import Address, Command, InChat, Message, Refusal

LOOKED_THROUGH = 10
CHOSEN = ("category", "impact", "urgency", BY_MAIL)


async def open_ticket(door: Door, command: Command, view: OpenView) -> Answer:
    """Open the ticket that a form describes; one form opens one ticket, however often it is sent in.

    Without an address it is for whoever filled it in. For an address it is opened as if its owner had written a mail,
    which only staff may do.
    """
    args, email = command.args, command.args.get("for", "")
    details = {name.removeprefix(DETAIL): value for name, value in args.items() if name.startswith(DETAIL)}
    chosen = {name: args[name] for name in CHOSEN if args.get(name)}
    if not email:
        return await ask_by_form(door, command, view.id, details=details, chosen=chosen)
    if not command.actor.staff:
        return Answer(refusal=Refusal(code="role", text=door.texts.say("refused_stranger", name=command.actor.name)))
    message = _as_mail(door, command, view.id, email, details, chosen)
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


def _as_mail(
    door: Door, command: Command, view: str, email: str, details: Mapping[str, str], chosen: Mapping[str, str]
) -> Message:
    box = door.policy().mailboxes[0]
    subject = " ".join(command.args.get("subject", "").split())
    message_id = f"<{view.lower()}.form@{box.domain}>"
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = email, box.address, subject
    mail["Date"], mail["Message-ID"] = command.at, message_id
    mail.set_content(command.text)
    return Message(
        key=f"slack:{door.team()}:{view}", channel=f"mail:{box.name}", sender=Address(email=email), subject=subject,
        text=command.text, reply_text=command.text, received_at=command.at, raw=mail.as_bytes(),
        to=(Address(email=box.address),), recipients=(box.address,), message_id=message_id, details=details,
        in_chat=InChat(by=command.actor.staff or "", chosen=chosen),
    )  # fmt: skip
