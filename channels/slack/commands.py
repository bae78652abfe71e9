"""Turns what staff did in Slack into the desk's commands. One table of what each thing asks for, without any I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from channels.slack.parse import Clicked, Happened, Reacted, Said, Submitted
from channels.slack.text import plain_text, spoken
from rules.model import Actor, Command

_ABOUT_A_REPLY = frozenset({"send_now", "withdraw"})
_MESSAGE = re.compile(r"[A-Z0-9]+:[0-9]+\.[0-9]+")


def of_message(said: Said, ticket: int, actor: Actor, names: Mapping[str, str], at: datetime) -> tuple[Command, ...]:
    """What a message in a ticket's thread, an edit of one or its deletion asks for; nothing for an empty one.

    A message with a file and no words is not empty. The files themselves are added by whoever fetches them.

    A note stays in the journal when its message is deleted. Locking a reply that is still held takes it back and
    keeps it as a note; unlocking a note sends it (complaint 68).
    """
    now, before = spoken(plain_text(said.text, names)), spoken(plain_text(said.before, names))

    def command(name: str, text: str = "", part: str = "", **more: str) -> Command:
        args = {"target": said.target, "user": said.user, **more}
        return Command(key=said.key + part, name=name, actor=actor, at=at, ticket=ticket, text=text, args=args)

    match said.happened:
        case Happened.POSTED:
            return (command(now.name, now.text, **now.args),) if now.text or said.files else ()
        case Happened.DELETED:
            had = before.name == "reply" and (before.text or said.files)
            return (command("withdraw"),) if had and actor.staff else ()
    if now == before:
        return ()
    if before.name == "note":
        return (command(now.name, now.text, **now.args),) if now.text or said.files else ()
    if now.name == "reply" and (before.text or said.files) and (now.text or said.files):
        return (command("edit", now.text, **now.args),)
    if now.name == "reply" and now.text:
        return (command("reply", now.text, **now.args),)
    taken_back = (command("withdraw", part=":withdraw"),) if before.text or said.files else ()
    return (*taken_back, command("note", now.text)) if now.text or said.files else taken_back


def takes_files(said: Said, command: Command) -> bool:
    """Whether a command needs the files of its message: an edited reply keeps those it has, a changed note too."""
    if command.name not in ("reply", "note"):
        return False
    return said.happened is Happened.POSTED or spoken(plain_text(said.before, {})).name != command.name


def of_reaction(reacted: Reacted, ticket: int, actor: Actor, at: datetime) -> Command:
    """👀 on a message of a ticket: whoever looks, has it."""
    return Command(key=reacted.key, name="claim", actor=actor, at=at, ticket=ticket, args={"user": reacted.user})


def of_click(click: Clicked, actor: Actor, at: datetime) -> Command:
    """What a button or a menu asks for. A held reply is named by its effect, or by the message it was written in."""
    args = {"user": click.user}
    if click.value and click.command in _ABOUT_A_REPLY:
        args["target" if _MESSAGE.fullmatch(click.value) else "reply"] = click.value
    elif click.value:
        args["value"] = click.value
    return Command(key=click.key, name=click.command, actor=actor, at=at, ticket=click.ticket, args=args)


def of_form(form: Submitted, actor: Actor, at: datetime) -> Command:
    """What the resolve form asks for."""
    given = {name: form.values.get(name, "").strip() for name in ("root_cause", "fault_type", "category")}
    args = {"user": form.user, **{name: value for name, value in given.items() if value}}
    text = form.values.get("text", "").strip()
    return Command(key=form.key, name="resolve", actor=actor, at=at, ticket=form.ticket, text=text, args=args)
