"""A request that somebody wrote into a form, as what it says or as the mail that its owner might have written."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP

from channels.chat.form_fields import BY_MAIL
from rules.asked import DETAIL
from rules.model import Address, Command, InChat, Message
from rules.policy import Policy

CHOSEN = ("category", "impact", "urgency", BY_MAIL)


def details_of(command: Command) -> dict[str, str]:
    """What the form of a category asked, by field."""
    return {name.removeprefix(DETAIL): value for name, value in command.args.items() if name.startswith(DETAIL)}


def chosen_of(command: Command) -> dict[str, str]:
    """What somebody chose for the request themselves, such as its category."""
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
        to=(Address(email=box.address),), recipients=(box.address,), message_id=message_id, details=details_of(command),
        in_chat=InChat(by=command.actor.staff or "", chosen=chosen_of(command)),
    )  # fmt: skip
