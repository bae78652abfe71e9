"""What every channel owes the desk, and what the desk offers every channel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from rules.effects import OutboxEntry, OwedFile, Receipt
from rules.finding import Found
from rules.model import Command, Entry, Heard, Message, Refusal, Ticket


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
        """The ticket whose chat thread this is (``channel:ts``), be it that of its card or that of who asked."""


class Inbox(Protocol):
    """What chat told the desk and is still to be taken in. Plain synchronous calls, to be made off the event loop."""

    def hear(self, heard: Heard) -> bool:
        """Write down what happened in chat, to be taken in later; False when it was heard before.

        When this returns it is on disk, and chat may be told so (law 4). Raises StoreUnavailableError.
        """

    def unheard(self, keys: Iterable[str]) -> frozenset[str]:
        """Those of these keys of happenings that were never heard."""

    def inbox(self) -> Sequence[Heard]:
        """What was heard and is not taken in yet, by the moment it was said."""

    def taken_in(self, key: str) -> None:
        """What was heard under this key has had its effect; its key stays known."""

    def cursor(self, key: str) -> str:
        """How far something was read; empty when it never was."""

    def move_cursor(self, key: str, place: str) -> None:
        """Remember how far something was read."""


class Looking(Protocol):
    """The desk, as a channel that shows things sees it."""

    def ticket(self, number: int) -> Ticket | None:
        """A ticket as it is now."""

    def entries(self, number: int) -> tuple[Entry, ...]:
        """The journal of a ticket, oldest first."""

    def file(self, owed: OwedFile) -> bytes:
        """The bytes of a file that an effect carries."""

    def outbox_of(self, number: int) -> Sequence[OutboxEntry]:
        """Every effect owed for a ticket, in the order recorded."""

    def live(self) -> Sequence[Ticket]:
        """The tickets on which somebody still owes something, by number."""

    def latest(self, limit: int) -> Sequence[Ticket]:
        """So many tickets by latest activity, newest first."""

    def search(self, words: str, limit: int) -> Sequence[Found]:
        """The best tickets, live and archived, in which all these words stand; for staff, for it looks into notes too.

        Raises OSError when nobody can look.
        """


class Listener(Protocol):
    """A channel that hears."""

    name: str

    async def start(self) -> None:
        """Begin to hear. Confirm a message to the other side only after ``Hearing.receive`` returned (law 4)."""

    async def stop(self) -> None:
        """Stop hearing; let what is half heard finish."""


class Sender(Protocol):
    """A channel that speaks."""

    name: str

    @property
    def at_once(self) -> int:
        """How many entries it delivers side by side now; it is handed no more, and none while it is away."""

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


class Role(Protocol):
    """Work that one process of the desk does at a time, such as reading a mailbox (R-OP-4)."""

    def hold(self) -> bool:
        """Whether it is this process's now, taken if it is nobody's. Asks the store, so call it off the event loop.

        Never raises: who cannot ask does not have it.
        """

    def let_go(self) -> None:
        """Leave it to others; nothing happens when this process does not have it."""


class Alone:
    """The role of a process that nobody shares the desk with."""

    def hold(self) -> bool:
        """There is nobody else."""
        return True

    def let_go(self) -> None:
        """There is nobody to leave it to."""


Now = Callable[[], datetime]
