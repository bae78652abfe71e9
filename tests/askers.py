"""People who ask in chat, for tests: what they say and press, and what they are told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rules.effects import Mail, Post
from rules.model import Actor, Address, Command, EntryKind, InChat, Message
from rules.policy import ChatHabits, FormField
from tests import stage
from tests.stage import Stage

CHANNEL, DIRECT = "C0HELP", "D0CARL"
CARL = Address(email="carl@customer.test", name="Carl Jung")
DORA = Address(email="slack:T1:U0DORA", name="Dora Maar")
FORM = (
    FormField(name="laptop", label={"en": "Which laptop?"}, required=True),
    FormField(name="floor", label={"en": "Floor"}, choices=("1", "2")),
)


def a_desk(**habits: Any) -> Stage:
    policy = stage.a_policy()
    chat = ChatHabits(requests=(CHANNEL,), **habits)
    staff = (replace(policy.staff[0], slack="U0ANA"), *policy.staff[1:])
    return Stage(policy=replace(policy, chat=chat, staff=staff))


def ask(desk: Stage, text: str, ts: str = "100.000001", *, who: Address = CARL, thread: str = "", **more: Any) -> str:
    """Somebody says something in the channel of requests, or in a thread of it."""
    channel = more.pop("channel", CHANNEL)
    fields = {name: more.pop(name) for name in ("edition", "unsaid", "by", "chosen") if name in more}
    in_chat = InChat(place=f"{channel}:{ts}", direct=channel.startswith("D"), **fields)
    user = {CARL.email: "U0CARL", DORA.email: "U0DORA"}.get(who.email, "U0OTHER")
    message = Message(
        key=f"asked:{channel}:{ts}:{in_chat.edition}:{in_chat.unsaid}", channel="chat", sender=who, subject=text,
        text=text, reply_text=text, received_at=desk.clock.at, language="en", asker=user,
        room=f"{channel}:{thread or ts}", in_chat=in_chat, **more,
    )  # fmt: skip
    outcome = desk.desk.receive(message)
    desk.deliver()
    return outcome


def press(
    desk: Stage,
    name: str,
    value: str = "",
    *,
    user: str = "U0CARL",
    number: int = 1,
    said: Mapping[str, str] | None = None,
) -> Any:
    """Somebody presses a button in the asker's thread."""
    desk.asked += 1
    actor = Actor(name="Carl Jung", user=user)
    command = Command(
        key=f"click:{desk.asked}", name=name, actor=actor, at=desk.clock.at, ticket=number,
        args={"value": value} if value else said or {},
    )  # fmt: skip
    answer = desk.desk.obey(command)
    desk.deliver()
    return answer


def told(desk: Stage) -> list[Post]:
    """What the asker was told in their thread, in order."""
    return [e.content for e in desk.sent if isinstance(e.content, Post) and e.content.room]


def mails(desk: Stage) -> list[Mail]:
    return [entry.content for entry in desk.sent if isinstance(entry.content, Mail)]


def kinds(desk: Stage, number: int = 1) -> list[EntryKind]:
    with desk.store.read() as store:
        return [entry.kind for entry in store.entries(number)]
