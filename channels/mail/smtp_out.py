"""Mail goes out through a relay or into a mail store; what it said is the receipt, what nobody can know is told so."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from datetime import datetime

from channels.mail.addresses import Mailbox, OwnAddresses
from channels.mail.compose import recipients_of
from channels.mail.envelopes import transparent
from channels.mail.relay_line import Handed, Line
from channels.mail.relay_opening import Opener, RelaySettings, Tls
from channels.mail.relay_replies import refusals
from channels.protocol import Now
from rules.effects import Mail, OutboxEntry, Receipt
from rules.errors import PermanentDeliveryError, TemporaryDeliveryError, UncertainDeliveryError

__all__ = ["Relay", "RelaySettings", "Tls"]

_GOODBYE_S = 2.0
_FEWER_FOR_S = 60.0
"""How long no more lines are opened than a relay allowed that refused one while others stood."""


class Relay:
    """A Sender that hands mails to an SMTP relay over a few reused connections (RFC 5321).

    ``write`` makes the bytes of a mail; it is called in ``executor`` for mails with files or quotes, which take their
    time. Mails are handed over in the order in which they are given, as far as several lines keep one.
    """

    def __init__(
        self,
        name: str,
        settings: RelaySettings,
        *,
        mailbox: Mailbox,
        own: OwnAddresses,
        write: Callable[[Mail], bytes],
        now: Now,
        executor: Executor | None = None,
    ) -> None:
        self.name = name
        # A line that is done finds its next mail here; more would only be of unknown fate after a crash.
        self.at_once = 2 * settings.connections
        self._settings = settings
        self._mailbox = mailbox
        self._own = own
        self._write = write
        self._now = now
        self._executor = executor
        self._opener = Opener(settings, mailbox.address, executor)
        self.certificate_ends_at: datetime | None = None
        self._waiting: deque[Handed] = deque()
        self._lines: list[Line] = []
        self._idle: list[Line] = []
        self._opening: set[asyncio.Task[None]] = set()
        self._most = settings.connections
        self._fewer_until = 0.0

    async def send(self, entry: OutboxEntry) -> Receipt:
        """Hand one mail over; the receipt is the relay's reply line, and who it did not take the mail for.

        Raises TemporaryDeliveryError for 4xx and lost connections before the mail was handed over,
        PermanentDeliveryError for 5xx, UncertainDeliveryError when the line dropped after DATA (complaint 21).
        """
        mail = entry.content
        if not isinstance(mail, Mail):
            raise PermanentDeliveryError(f"{entry.key} is not a mail; a relay takes only mails")
        to, cc = recipients_of(mail, self._own)
        loop = asyncio.get_running_loop()
        if mail.files or mail.quoted:
            # Files are read from the disk, and both take their time.
            data = await loop.run_in_executor(self._executor, self._content_of, mail)
        else:
            data = self._content_of(mail)
        handed = Handed(mail.return_path or self._mailbox.address, (*to, *cc), data, loop.create_future())
        self._waiting.append(handed)
        self._spread()
        reply, refused = await handed.end
        problem = refusals(refused)
        return Receipt(text=f"{reply}; {problem}" if problem else str(reply), at=self._now(), problem=problem)

    async def find(self, entry: OutboxEntry) -> Receipt | None:
        """A relay cannot be asked what it took: always raises UncertainDeliveryError."""
        raise UncertainDeliveryError(f"the relay {self._settings.place} cannot be asked whether it took {entry.key}")

    async def stop(self) -> None:
        """Say goodbye on all idle connections."""
        lines, self._idle = self._idle, []
        seconds = min(_GOODBYE_S, self._settings.command_timeout)
        await asyncio.gather(*(line.quit(seconds) for line in lines))

    def next_mail(self) -> Handed | None:
        """The mail that waits for longest; one that nobody waits for any more does not count."""
        while self._waiting:
            mail = self._waiting.popleft()
            if not mail.end.done():
                return mail
        return None

    def idle(self, line: Line) -> None:
        """A line has nothing to do: it gets what waits, or waits itself."""
        if line not in self._idle:
            self._idle.append(line)
        self._spread()

    def ended(self, line: Line, left: Sequence[Handed]) -> None:
        """A line is gone. What was not handed over on it goes over another, before all that waits."""
        self._lines.remove(line)
        if line in self._idle:
            self._idle.remove(line)
        if left:
            # The relay has closed a line that stood idle, so it has the others, or soon will.
            idle, self._idle = self._idle, []
            for other in idle:
                other.close()
            self._waiting.extendleft(reversed(left))
        self._spread()

    def _content_of(self, mail: Mail) -> bytes:
        """What goes over the line after DATA; with large files it takes most of a second."""
        return transparent(self._write(mail))

    def _spread(self) -> None:
        """Give what waits to lines: to idle ones, else to new ones, else behind a mail that is on its way."""
        while (mail := self.next_mail()) is not None:
            line = self._idle_line()
            if line is None and len(self._lines) + len(self._opening) < self._allowed():
                self._begin_line(mail)
                continue
            line = line or next((one for one in self._lines if one.has_room), None)
            if line is None:
                self._waiting.appendleft(mail)
                return
            self._give(line, mail)

    def _give(self, line: Line, mail: Handed) -> None:
        if not line.take(mail) and not line.busy:
            self._idle.append(line)

    def _idle_line(self) -> Line | None:
        """The idle line used last; those too old to be trusted are let go."""
        now = asyncio.get_running_loop().time()
        while self._idle:
            line = self._idle.pop()
            if now - line.used_at <= self._settings.idle:
                return line
            line.close()
        return None

    def _allowed(self) -> int:
        """How many lines there may be now."""
        if not self._lines or asyncio.get_running_loop().time() >= self._fewer_until:
            self._most = self._settings.connections
        return self._most

    def _begin_line(self, mail: Handed) -> None:
        task = asyncio.create_task(self._open_for(mail))
        self._opening.add(task)
        task.add_done_callback(self._opened)

    def _opened(self, task: asyncio.Task[None]) -> None:
        self._opening.discard(task)
        if not task.cancelled():
            # Its mail has been told already.
            task.exception()
        self._spread()

    async def _open_for(self, mail: Handed) -> None:
        """Open a line for a mail. Where other lines stand, a relay that refuses one more may let them do."""
        try:
            opened = await self._opener.open()
        except TemporaryDeliveryError as problem:
            if not self._lines:
                mail.fail(problem)
                return
            self._most = len(self._lines)
            self._fewer_until = asyncio.get_running_loop().time() + _FEWER_FOR_S
            self._waiting.appendleft(mail)
        except BaseException as problem:
            mail.fail(problem)
            raise
        else:
            self.certificate_ends_at = opened.certificate_ends_at
            line = Line(opened, self._settings, self)
            self._lines.append(line)
            self._give(line, mail)
