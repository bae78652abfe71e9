"""What every channel owes the desk, and what the desk offers every channel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from rules.effects import OutboxEntry, OwedFile, Receipt
from rules.model import Command, Entry, Message, Refusal, Ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of a command: the ticket it touched, or why it was refused."""

    ticket: int | None = None
    refusal: Refusal | None = None
    outcome: str = ""


class Hearing(Protocol):
    """The desk, as a channel that hears sees it. Plain synchronous calls, to be made off the event loop."""

    def receive(self, message: Message) -> str:
        """Take in one message and say what it became. When this returns, the channel may confirm it.

        Raises StoreUnavailableError: confirm nothing, the other side keeps the message.
        """

    def obey(self, command: Command) -> Answer:
        """Carry out one staff command, once, whatever is redelivered. When this returns, it is on disk."""

    def ticket_of_thread(self, thread: str) -> int | None:
        """The ticket whose chat thread this is (``channel:ts``)."""


class Looking(Protocol):
    """The desk, as a channel that shows things sees it."""

    def ticket(self, number: int) -> Ticket | None:
        """A ticket as it is now."""

    def entries(self, number: int) -> tuple[Entry, ...]:
        """The journal of a ticket, oldest first."""

    def file(self, owed: OwedFile) -> bytes:
        """The bytes of a file that an effect carries."""


class Listener(Protocol):
    """A channel that hears."""

    name: str

    async def start(self) -> None:
        """Begin to hear. Confirm a message to the other side only after ``Hearing.receive`` returned (law 4)."""

    async def stop(self) -> None:
        """Stop hearing; let what is half heard finish."""


class Sender(Protocol):
    """A channel that speaks. ``at_once`` is how many entries it delivers side by side; it is handed no more."""

    name: str
    at_once: int

    async def send(self, entry: OutboxEntry) -> Receipt:
        """Deliver one entry. Called again for the same key only when the earlier try surely failed.

        Raises TemporaryDeliveryError, PermanentDeliveryError or UncertainDeliveryError.
        """

    async def find(self, entry: OutboxEntry) -> Receipt | None:
        """Look whether an entry of unknown fate was delivered.

        ``None`` means it surely was not. Raises UncertainDeliveryError when the other side cannot tell,
        TemporaryDeliveryError when it cannot be asked now.
        """

    async def stop(self) -> None:
        """Finish what is being sent and let connections go."""


Now = Callable[[], datetime]
