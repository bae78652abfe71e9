"""A whole desk on a stage: real rules, desk and memory store, a hand-moved clock, channels that keep what they get."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.config import load_config
from bot.desk import Desk
from channels.protocol import Answer
from rules.effects import Mail, OutboxEntry, OutboxState, Post
from rules.model import Actor, Command, Entry, EntryKind, Message, Status, Ticket
from rules.policy import Policy
from storage.memory import MemoryStore
from storage.protocol import Store
from tests.builders import a_message

MONDAY = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
"""Monday 2 March 2026, 10:00 in Shanghai: the desk is open."""

CONFIG = Path(__file__).parent.parent / "config.yaml"


class HandClock:
    """A clock that stands until it is moved."""

    def __init__(self, at: datetime = MONDAY) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


@dataclass
class Stage:
    """One desk with everything around it, driven step by step."""

    policy: Policy
    store: Store = field(default_factory=MemoryStore)
    clock: HandClock = field(default_factory=HandClock)
    fate: Callable[[OutboxEntry], OutboxState] = lambda entry: OutboxState.ACCEPTED
    sent: list[OutboxEntry] = field(default_factory=list)
    asked: int = 0

    def __post_init__(self) -> None:
        self.arrived: dict[str, Message] = {}
        again = lambda policy, held, raw: self.arrived[held.key]  # noqa: E731 - a mail is read again as it came
        self.desk = Desk(self.store, self.policy, self.clock, lambda tickets: None, again)

    # What happens to the desk

    def mail(
        self, text: str = "The printer is broken.", *, sender: str = "alice@customer.test", **fields: object
    ) -> str:
        """A customer's mail arrives, and everything it calls for is delivered."""
        self.asked += 1
        fields.setdefault("key", f"mail:support:{self.asked}")
        fields.setdefault("message_id", f"<{self.asked}@customer.test>")
        message = a_message(
            sender=replace(a_message().sender, email=sender),
            text=text,
            reply_text=text,
            received_at=self.clock.at,
            **fields,
        )
        self.arrived[message.key] = message
        outcome = self.desk.receive(message)
        self.deliver()
        return outcome

    def answer(self, text: str, *, number: int = 1, **fields: Any) -> str:
        """The customer answers the last mail we sent them about a ticket."""
        last = self.mails(number)[-1]
        return self.mail(text, in_reply_to=(last.message_id,), subject=last.subject, **fields)

    def command(
        self, name: str, text: str = "", *, by: str = "ana", number: int | None = 1, via: str = "chat", **args: str
    ) -> Answer:
        """A staff member does something; what is not held is delivered."""
        self.asked += 1
        actor = Actor(name=by, staff=by if self.policy.person(by) else None, via=via)
        answer = self.desk.obey(
            Command(
                key=f"chat:{self.asked}", name=name, actor=actor, at=self.clock.at, ticket=number, text=text, args=args
            )
        )
        self.deliver()
        return answer

    def reply(self, text: str, **fields: Any) -> None:
        """A staff member answers in the thread and the undo hold passes."""
        self.command("reply", text, **fields)
        self.wait(seconds=21)

    def wait(self, **length: float) -> None:
        """Time passes, timer by timer, and everything that falls due happens."""
        until = self.clock.at + timedelta(**length)
        while True:
            with self.store.read() as store:
                moments = [at for at in (store.next_due_at(), self.store.next_send_at()) if at and at <= until]
            if not moments:
                break
            self.clock.at = max(self.clock.at, *moments[:1]) if len(moments) == 1 else max(self.clock.at, min(moments))
            self.desk.ring_due()
            self.deliver()
        self.clock.at = until

    def deliver(self) -> None:
        """Send everything that may be sent now."""
        while claimed := self.store.claim(self.clock.at):
            for entry in claimed:
                state = self.fate(entry)
                receipt = f"C1:{len(self.sent)}" if entry.channel == "chat" else f"250 ok {entry.key}"
                accepted = state is OutboxState.ACCEPTED
                if accepted:
                    self.sent.append(entry)
                self.desk.settle(
                    [
                        replace(
                            entry,
                            state=state,
                            receipt=receipt if accepted else "",
                            problem="" if accepted else "550 no such user",
                            settled_at=self.clock.at,
                        )
                    ]
                )

    # What can be seen of it

    def ticket(self, number: int = 1) -> Ticket:
        with self.store.read() as store:
            ticket = store.ticket(number)
        assert ticket is not None, f"there is no ticket {number}"
        return ticket

    def status(self, number: int = 1) -> Status:
        return self.ticket(number).status

    def count(self) -> int:
        with self.store.read() as store:
            return store.counts().tickets

    def entries(self, number: int = 1, kind: EntryKind | None = None) -> list[Entry]:
        with self.store.read() as store:
            return [entry for entry in store.entries(number) if kind in (None, entry.kind)]

    def mails(self, number: int | None = None) -> list[Mail]:
        """Every mail that went out, to anybody."""
        return [e.content for e in self.sent if isinstance(e.content, Mail) and number in (None, e.ticket)]

    def mails_to(self, address: str) -> list[Mail]:
        return [mail for mail in self.mails() if address in mail.to]

    def posts(self, number: int | None = None) -> list[Post]:
        """Every chat line that was posted."""
        return [e.content for e in self.sent if isinstance(e.content, Post) and number in (None, e.ticket)]

    def effects(self) -> list[str]:
        """The names of all effects that were delivered, in order."""
        return [entry.key for entry in self.sent]

    def reasons(self, number: int = 1) -> str:
        """All that a ticket's journal says about why."""
        return "\n".join(reason for entry in self.entries(number) for reason in entry.because)

    def timers(self, number: int = 1) -> dict[str, datetime]:
        """The timers set for a ticket, by what they are for."""
        with self.store.read() as store:
            return {timer.kind: timer.due_at for timer in store.timers_of(number)}

    def owed(self, states: Iterable[OutboxState]) -> list[OutboxEntry]:
        with self.store.read() as store:
            return list(store.outbox(states=tuple(states)))


def a_policy() -> Policy:
    """The shipped configuration's policy, with a secret of its own."""
    return replace(load_config(CONFIG).policy, secret=b"0123456789abcdef0123456789abcdef")


def a_stage(**changes: Any) -> Stage:
    """A desk with the shipped configuration on a Monday morning; ``changes`` are other values of its policy."""
    return Stage(policy=replace(a_policy(), **changes))
