"""A ticket that somebody opens by a form: for themselves, or, being staff, for whoever called or came by."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP

from channels.protocol import Answer
from channels.slack.asking import ask_by_form
from channels.slack.door import Door
from channels.slack.form_fields import BY_MAIL
from channels.slack.interactions import OpenView
from rules.asked import DETAIL
from rules.model import Address, Command, InChat, Message, Refusal
from rules.policy import Policy

LOOKED_THROUGH = 10
CHOSEN = ("category", "impact", "urgency", BY_MAIL)


async def open_ticket(door: Door, command: Command, view: OpenView) -> Answer:
    """Open the ticket that a form describes; one form opens one ticket, however often it is sent in.

    Without an address it is for whoever filled it in. For an address it is opened as if its owner had written a mail,
    which only staff may do.
    """
    email = command.args.get("for", "")
    if not email:
        return await ask_by_form(door, command, view.id, details=_details(command), chosen=_chosen(command))
    if not command.actor.staff:
        return Answer(refusal=Refusal(code="role", text=door.texts.say("refused_stranger", name=command.actor.name)))
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


def _details(command: Command) -> dict[str, str]:
    return {name.removeprefix(DETAIL): value for name, value in command.args.items() if name.startswith(DETAIL)}


def _chosen(command: Command) -> dict[str, str]:
    return {name: command.args[name] for name in CHOSEN if command.args.get(name)}


def as_mail(command: Command, key: str, view: str, policy: Policy) -> Message:
    """What staff wrote down for somebody, as if they had mailed it; ``key`` names it, ``view`` the form it was in."""
    box, email = policy.mailboxes[0], command.args.get("for", "")
    subject = " ".join(command.args.get("subject", "").split())
    message_id = f"<{view.lower()}.form@{box.domain}>"
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = email, box.address, subject
    mail["Date"], mail["Message-ID"] = command.at, message_id
    mail.set_content(command.text)
    return Message(
        key=key, channel=f"mail:{box.name}", sender=Address(email=email), subject=subject,
        text=command.text, reply_text=command.text, received_at=command.at, raw=mail.as_bytes(),
        to=(Address(email=box.address),), recipients=(box.address,), message_id=message_id, details=_details(command),
        in_chat=InChat(by=command.actor.staff or "", chosen=_chosen(command)),
    )  # fmt: skip
