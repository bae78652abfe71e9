"""What a relay's replies mean for a mail: taken, not now, never, or nobody can know."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rules.errors import DeliveryError, PermanentDeliveryError, TemporaryDeliveryError, UncertainDeliveryError

# Codes with which a relay refuses us rather than the mail; they pass when its owner or ours has mended something.
_OURS_TO_MEND = frozenset({530, 534, 535, 538, 454})
_LONGEST_REPLY = 32 * 1024


class Reply(NamedTuple):
    """One reply of a relay; several lines are joined by spaces. ``code`` is -1 for what is no reply in SMTP."""

    code: int
    text: str

    @property
    def taken(self) -> bool:
        """Whether the relay answers for the mail from now on (RFC 5321 §4.2.5)."""
        return 200 <= self.code < 300

    def __str__(self) -> str:
        return f"{self.code} {self.text}".strip() if self.code > 0 else self.text


class Replies(asyncio.Protocol):
    """Collects the replies to the content of a mail: one over SMTP, one for each recipient over LMTP (RFC 2033 §4.2).

    It takes over a line for that step alone, so that nothing that came before can pass for the answer.
    """

    def __init__(self, wanted: int) -> None:
        self.replies: list[Reply] = []
        self._wanted = wanted
        self._buffer = b""
        self._words: list[str] = []
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def collect(self, seconds: float) -> None:
        """Wait until all wanted replies came, something came that is none, the line ended or the time is over.

        ``replies`` has what came until then; raises OSError or TimeoutError when the rest did not.
        """
        async with asyncio.timeout(seconds):
            await self._done

    def data_received(self, data: bytes) -> None:
        """Bytes came from the relay."""
        self._buffer += data
        *lines, self._buffer = self._buffer.split(b"\n")
        for line in lines:
            if not self._done.done():
                self._read(line)
        if len(self._buffer) > _LONGEST_REPLY or len(self._words) > _LONGEST_REPLY // 64:
            self._end(OSError("the relay's reply has no end"))

    def eof_received(self) -> bool:
        """The relay says nothing more."""
        self._end(ConnectionError("the relay closed the line"))
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """The line is gone."""
        self._end(error if isinstance(error, OSError) else ConnectionError("the line was lost"))

    def _read(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace").strip()
        code, mark = text[:3], text[3:4]
        if not (code.isascii() and code.isdigit() and mark in ("", " ", "-")):
            self.replies.append(Reply(-1, one_line(text) or "an empty reply"))
            self._end(None)
            return
        self._words.append(text[4:])
        if mark != "-":
            self.replies.append(Reply(int(code), one_line(" ".join(self._words))))
            self._words = []
            if len(self.replies) == self._wanted:
                self._end(None)

    def _end(self, problem: OSError | None) -> None:
        if self._done.done():
            return
        if problem is None:
            self._done.set_result(None)
        else:
            self._done.set_exception(problem)
            # Nobody may be waiting any more.
            self._done.exception()


def by_code(code: int, words: str) -> DeliveryError:
    """The error for a reply before the content was handed over: 5xx is for good, unless it is about us."""
    if 500 <= code < 600 and code not in _OURS_TO_MEND:
        return PermanentDeliveryError(words)
    return TemporaryDeliveryError(words)


def after_content(replies: Sequence[Reply], recipients: Sequence[str], host: str) -> tuple[Reply, dict[str, str]]:
    """The reply that took the mail, and for whom it was not taken and why.

    ``replies`` is one for all recipients, or one for each. Raises TemporaryDeliveryError or PermanentDeliveryError when
    it was taken for nobody, UncertainDeliveryError when a reply is none that SMTP has.
    """
    if odd := next((reply for reply in replies if not (reply.taken or 400 <= reply.code < 600)), None):
        raise UncertainDeliveryError(f"the relay {host} said of the mail what means nothing in SMTP: {odd}")
    taken = [reply for reply in replies if reply.taken]
    if not taken and len(replies) == 1:
        raise by_code(replies[0].code, f"the relay refused the mail: {replies[0]}")
    refused = {to: reply for to, reply in zip(recipients, replies, strict=False) if not reply.taken}
    if not taken:
        raise refusal_of_all(refused)
    return taken[-1], {recipient: str(reply) for recipient, reply in refused.items()}


def refusal_of_all(refused: Mapping[str, Reply]) -> DeliveryError:
    """Nobody gets the mail; one passing reason is enough to try again."""
    words = refusals({recipient: str(reply) for recipient, reply in refused.items()})
    passing = [reply for reply in refused.values() if isinstance(by_code(reply.code, ""), TemporaryDeliveryError)]
    return TemporaryDeliveryError(words) if passing else PermanentDeliveryError(words)


def refusals(refused: Mapping[str, str]) -> str:
    """For whom the relay did not take a mail, with its words."""
    return "; ".join(f"not taken for {recipient}: {said}" for recipient, said in refused.items())


def one_line(text: str) -> str:
    """What somebody else said as one line of decent length."""
    return " ".join(text.encode("utf-8", "replace").decode("utf-8").split())[:400]
