"""Turns what staff say and how they react in a ticket's thread into the desk's commands, without any I/O.

What words mean is decided by the rules, from what the desk knows; here they are only made readable.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from channels.chat.controls import Order
from channels.slack.hearing.parse import Happened, Reacted, Said
from channels.slack.hearing.text import plain_text
from rules.model import Actor, Command

ABOUT_WORDS = {"about": "words"}
"""Marks an order that is about the words it points at, such as ✉️ on them."""


def of_message(said: Said, ticket: int, actor: Actor, names: Mapping[str, str], at: datetime) -> Command:
    """What was said in a ticket's thread, edited or deleted; ``names`` gives a user's name by id.

    Files are added by whoever fetches them.
    """
    args = {
        "target": said.target, "user": said.user, "happened": said.happened, "edition": said.edition,
        "ts": said.at or said.ts,
    }  # fmt: skip
    text = "" if said.happened is Happened.DELETED else plain_text(said.text, names)
    return Command(key=said.key, name="say", actor=actor, at=at, ticket=ticket, text=text, args=args)


def became_order(command: Command) -> Command:
    """Words that were edited to name the bot: they are an order now and not for the customer, but order nothing."""
    return Command(
        key=command.key, name=command.name, actor=command.actor, at=command.at, ticket=command.ticket,
        text=command.text, args={**command.args, "order": "yes"},
    )  # fmt: skip


def of_order(said: Said, order: Order, ticket: int, actor: Actor, at: datetime) -> Command:
    """What somebody told the bot to do, in the words after its name."""
    args = {"target": said.target, "user": said.user, "said_at": said.ts, "order": "yes", **order.args}
    return Command(key=said.key, name=order.command, actor=actor, at=at, ticket=ticket, text=order.text, args=args)


def of_reaction(reacted: Reacted, asked: str, ticket: int, actor: Actor, at: datetime) -> Command | None:
    """What an emoji on a message of a ticket asks for: 👀 claims, ✉️ sends the words, ✉️ taken away keeps them inside.

    None when nothing follows.
    """
    args = {"target": reacted.target, "user": reacted.user}
    if reacted.at:
        args["said_at"] = reacted.at
    name = asked
    if asked == "send":
        args |= ABOUT_WORDS
        name = "send" if reacted.added else "withdraw"
    elif asked != "claim" or not reacted.added:
        return None
    return Command(key=reacted.key, name=name, actor=actor, at=at, ticket=ticket, args=args)
