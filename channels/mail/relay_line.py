"""One line to the relay over which mail after mail goes, the next one's envelope behind the content of the one before.

Where the relay offers PIPELINING, a mail's envelope is one write and its content another, together with the envelope of
the next (RFC 2920); elsewhere each command waits for its reply. What a mail's fate is hangs on one moment: before its
content is written nothing was handed over, from then on only the relay's reply can tell.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from channels.mail.envelopes import envelope_commands
from channels.mail.relay_opening import Opened, RelaySettings, in_words
from channels.mail.relay_replies import (
    Reply,
    ReplyReader,
    after_content,
    as_far_as_told,
    by_code,
    refusal_of_all,
)
from rules.errors import DeliveryError, PermanentDeliveryError, TemporaryDeliveryError, UncertainDeliveryError

_SMALL = 64 * 1024
"""Behind a mail of more bytes none waits: another line may be free before it is through."""

_MOST_MOVES = 3
_GOES_AWAY = 421
_GO_ON = 354
_FOR_A_RECIPIENT = (250, 251, 252)
# An event loop's alarm may ring a little early.
_TICK_S = 0.005

Said = tuple[Reply, dict[str, str]]
"""The reply that took a mail, and for whom it was not taken, with the relay's words."""


@dataclass(eq=False, slots=True)
class Handed:
    """A mail on its way over a line, and what it has heard so far. ``end`` is what became of it."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes
    end: asyncio.Future[Said]
    refusal: Reply | None = None
    answers: list[Reply] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    written: bool = False
    moves: int = 0

    def begin_anew(self) -> None:
        """Nothing was said of it on the line it goes over now."""
        self.refusal, self.answers, self.replies = None, [], []

    @property
    def accepted(self) -> list[str]:
        """The recipients that the relay takes the mail for."""
        answered = zip(self.recipients, self.answers, strict=False)
        return [recipient for recipient, reply in answered if reply.code in _FOR_A_RECIPIENT]

    @property
    def refused(self) -> dict[str, Reply]:
        """The recipients that it does not take the mail for, and why."""
        answered = zip(self.recipients, self.answers, strict=False)
        return {recipient: reply for recipient, reply in answered if reply.code not in _FOR_A_RECIPIENT}

    def fail(self, problem: BaseException) -> None:
        """It did not arrive, as far as anybody knows."""
        if not self.end.done():
            self.end.set_exception(problem)


class Pool(Protocol):
    """Where a line gets its mails, and who is told of its state."""

    def next_mail(self) -> Handed | None:
        """A mail that waits."""

    def idle(self, line: Line) -> None:
        """The line has nothing to do."""

    def ended(self, line: Line, left: Sequence[Handed]) -> None:
        """The line is gone; what is ``left`` was surely not handed over and may go over another one."""


_Step = tuple[Callable[[Handed, Reply], None], Handed]


class Line(asyncio.Protocol):
    """A logged-in connection to the relay; it closes itself when the relay says what it should not."""

    def __init__(self, opened: Opened, settings: RelaySettings, pool: Pool) -> None:
        """Take over a line that was opened; its replies are ours alone from now on."""
        self._loop = asyncio.get_running_loop()
        self.used_at = self._loop.time()
        self.open = True
        self._transport = opened.transport
        self._offers = opened.offers
        self._settings = settings
        self._pool = pool
        self._pipelining = "pipelining" in opened.offers
        self._reader = ReplyReader()
        self._heard: deque[Reply] = deque()
        self._unsaid: deque[tuple[bytes, _Step]] = deque()
        self._awaited: deque[_Step] = deque()
        self._mails: list[Handed] = []
        self._worked = False
        self._soiled = False
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._patience = 0.0
        self._alarm: asyncio.TimerHandle | None = None
        self._unsent = 0
        self._transport.set_protocol(self)

    @property
    def has_room(self) -> bool:
        """Whether a mail's envelope may follow the content that is on its way."""
        mails = self._mails
        return self.open and self._pipelining and len(mails) == 1 and mails[0].written and len(mails[0].data) <= _SMALL

    @property
    def busy(self) -> bool:
        """Whether a mail is on its way over it."""
        return bool(self._mails)

    def take(self, mail: Handed) -> bool:
        """Begin a mail; False when it cannot go over this line at all, and then it has ended."""
        commands = self._envelope(mail)
        if commands is None:
            return False
        self._unsaid += commands
        self._speak()
        return True

    def close(self) -> None:
        """Let an idle line go without a word."""
        self._lose(ConnectionError("the line was let go"))

    async def quit(self, seconds: float) -> None:
        """Say goodbye on an idle line, as RFC 5321 §4.1.1.10 wants it, and wait at most so long for the answer."""
        nothing = Handed("", (), b"", self._loop.create_future())
        self._unsaid.append((b"QUIT\r\n", (self._after_quit, nothing)))
        self._speak()
        await asyncio.wait([self._ended], timeout=seconds)
        self.close()

    def data_received(self, data: bytes) -> None:
        """Bytes came from the relay."""
        try:
            self._heard += self._reader.read(data)
        except OSError as problem:
            self._lose(problem)
        while self._heard and self.open:
            self._hear(self._heard.popleft())
        if self.open:
            self._speak()
            if not self._mails and not self._awaited:
                self._pool.idle(self)

    def eof_received(self) -> bool:
        """The relay says nothing more."""
        self._lose(ConnectionError("the relay closed the line"))
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """The line is gone."""
        self._lose(error if isinstance(error, OSError) else ConnectionError("the line was lost"))

    def _hear(self, reply: Reply) -> None:
        if not self._awaited:
            self._lose(ConnectionError(f"the relay said unasked: {reply}"))
            return
        step, mail = self._awaited.popleft()
        if reply.code == _GOES_AWAY and not mail.written and self._worked:
            # It has had enough of this line; another one is no worse for the mail.
            self._lose(ConnectionError(str(reply)))
            return
        self._wait_for(self._awaited[0][1] if self._awaited else None)
        step(mail, reply)
        if reply.code in (_GOES_AWAY, -1) and self.open:
            self._lose(ConnectionError(str(reply)))

    def _speak(self) -> None:
        """Say what may be said now: all of it, or where that is not offered one command when nothing is awaited."""
        if not self._unsaid or (self._awaited and not self._pipelining):
            return
        said = [self._unsaid.popleft() for _ in range(len(self._unsaid) if self._pipelining else 1)]
        self._write(b"".join(command for command, _ in said), [step for _, step in said])

    def _write(self, data: bytes, steps: Sequence[_Step]) -> None:
        if not self._awaited and steps:
            self._awaited += steps
            self._wait_for(steps[0][1])
        else:
            self._awaited += steps
        self._transport.write(data)

    def _envelope(self, mail: Handed) -> list[tuple[bytes, _Step]] | None:
        """The commands before the content; ``None`` when the mail cannot go over this line, and then it has ended."""
        try:
            texts = envelope_commands(mail.sender, mail.recipients, len(mail.data), self._offers)
        except PermanentDeliveryError as problem:
            mail.fail(problem)
            return None
        mail.begin_anew()
        self._mails.append(mail)
        first, *rest = texts
        commands: list[tuple[bytes, _Step]] = []
        if self._soiled:
            # A mail that was refused half way would otherwise still be under way there.
            self._soiled = False
            commands.append((b"RSET\r\n", (self._after_reset, mail)))
        commands.append((first, (self._after_mail, mail)))
        commands += [(text, (self._after_recipient, mail)) for text in rest]
        commands.append((b"DATA\r\n", (self._after_data, mail)))
        return commands

    def _after_reset(self, mail: Handed, reply: Reply) -> None:
        if reply.code != 250:
            self._lose(ConnectionError(f"the relay refused to begin anew: {reply}"))

    def _after_mail(self, mail: Handed, reply: Reply) -> None:
        if reply.code != 250:
            mail.refusal = reply
            if not self._pipelining:
                self._refused(mail)

    def _after_recipient(self, mail: Handed, reply: Reply) -> None:
        mail.answers.append(reply)
        if not self._pipelining and len(mail.answers) == len(mail.recipients) and not mail.accepted:
            self._refused(mail)

    def _after_data(self, mail: Handed, reply: Reply) -> None:
        if mail.refusal is None and mail.accepted and reply.code == _GO_ON:
            self._content(mail)
            return
        if mail.refusal is None and mail.accepted:
            mail.refusal = reply
        self._refused(mail)
        if reply.code == _GO_ON:
            # It waits for a mail that nobody is to get; only a line that breaks before the dot tells it so.
            self._lose(ConnectionError("the relay asked for a mail that it had refused"))

    def _refused(self, mail: Handed) -> None:
        """The relay does not take the mail, and none of its content was written."""
        if mail.refusal is not None:
            mail.fail(by_code(mail.refusal.code, f"the relay refused the mail: {mail.refusal}"))
        else:
            mail.fail(refusal_of_all(mail.refused))
        self._unsaid.clear()
        self._soiled = True
        self._done(mail)

    def _content(self, mail: Handed) -> None:
        """Hand the mail over, and behind it the envelope of the next one."""
        if self._heard or self._awaited or self._reader.amid:
            # What came too early would pass for the answer to the content.
            self._lose(ConnectionError("the relay said more than it was asked"))
            return
        if mail.end.done():
            self._lose(ConnectionError("nobody wants the mail to be sent any more"))
            return
        mail.written = True
        wanted = len(mail.accepted) if self._settings.lmtp else 1
        steps: list[_Step] = [(self._after_content, mail)] * wanted
        pieces = [mail.data]
        if self.has_room:
            ahead = self._ahead()
            steps += [step for _, step in ahead]
            pieces += [command for command, _ in ahead]
        self._write(b"".join(pieces), steps)
        self._unsent = self._transport.get_write_buffer_size()

    def _ahead(self) -> list[tuple[bytes, _Step]]:
        while (mail := self._pool.next_mail()) is not None:
            if (commands := self._envelope(mail)) is not None:
                return commands
        return []

    def _after_content(self, mail: Handed, reply: Reply) -> None:
        mail.replies.append(reply)
        odd = not (reply.taken or 400 <= reply.code < 600)
        recipients = mail.accepted
        if not odd and self._settings.lmtp and len(mail.replies) < len(recipients):
            return
        try:
            taken, late = after_content(mail.replies, recipients, self._settings.place)
        except DeliveryError as problem:
            mail.fail(problem)
        else:
            if not mail.end.done():
                refused = {recipient: str(said) for recipient, said in mail.refused.items()}
                mail.end.set_result((taken, refused | late))
        if odd:
            self._lose(ConnectionError(f"the relay said what means nothing in SMTP: {reply}"))
        else:
            self._done(mail)

    def _after_quit(self, mail: Handed, reply: Reply) -> None:
        self._lose(ConnectionError("the line was let go"))

    def _done(self, mail: Handed) -> None:
        self._mails.remove(mail)
        self._worked = True
        self.used_at = self._loop.time()

    def _wait_for(self, mail: Handed | None) -> None:
        """Something came or was said: the patience for what comes next begins anew."""
        if mail is None:
            return
        seconds = self._settings.data_timeout if mail.written else self._settings.command_timeout
        self._patience = self._loop.time() + seconds
        if self._alarm is not None and self._alarm.when() > self._patience:
            self._alarm.cancel()
            self._alarm = None
        if self._alarm is None:
            self._alarm = self._loop.call_at(self._patience, self._look)

    def _look(self) -> None:
        """The alarm rang. It is not set anew for each reply: that would cost more than ringing in vain."""
        self._alarm = None
        if not self._awaited or not self.open:
            return
        before, self._unsent = self._unsent, self._transport.get_write_buffer_size()
        if 0 < self._unsent < before:
            # A large mail may need longer than that to get out; what counts is that it goes on.
            self._wait_for(self._awaited[0][1])
        elif self._loop.time() < self._patience - _TICK_S:
            self._alarm = self._loop.call_at(self._patience, self._look)
        else:
            self._lose(TimeoutError("the relay says nothing"))

    def _lose(self, problem: OSError) -> None:
        """The line is of no use any more; each of its mails ends, or may go over another."""
        if not self.open:
            return
        self.open = False
        self._transport.abort()
        if self._alarm is not None:
            self._alarm.cancel()
        mails, self._mails = self._mails, []
        left = [mail for place, mail in enumerate(mails) if not self._ends_with_it(mail, place, problem)]
        self._pool.ended(self, left)
        if not self._ended.done():
            self._ended.set_result(None)

    def _ends_with_it(self, mail: Handed, place: int, problem: OSError) -> bool:
        """Whether the line's end is that of a mail, too: it was written, or it is not the line that is old."""
        place_name = self._settings.place
        if mail.written:
            known = as_far_as_told(mail.replies, mail.accepted) if self._settings.lmtp else ""
            words = f"the line to the relay {place_name} was lost after the mail was sent: {in_words(problem)}"
            lost: DeliveryError = UncertainDeliveryError(f"{words}; {known}" if known else words)
        elif mail.moves < _MOST_MOVES and (place > 0 or (self._worked and not isinstance(problem, TimeoutError))):
            mail.moves += 1
            return False
        else:
            lost = TemporaryDeliveryError(f"the line to the relay failed: {in_words(problem)}")
        lost.__cause__ = problem
        mail.fail(lost)
        return True
