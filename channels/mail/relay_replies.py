"""What a relay's replies mean for a mail: taken, not now, never, or nobody can know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
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


class ReplyReader:
    """Makes replies of the bytes that come from a relay (RFC 5321 §4.2).

    What is no reply in SMTP becomes one with the code -1; whoever gets it must not believe what comes after it.
    """

    def __init__(self) -> None:
        self._buffer = b""
        self._words: list[str] = []

    @property
    def amid(self) -> bool:
        """Whether a reply has begun and not ended."""
        return bool(self._buffer or self._words)

    def read(self, data: bytes) -> list[Reply]:
        """The replies that end in these bytes. Raises OSError for one without an end."""
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        replies = [reply for line in lines if (reply := self._reply(line)) is not None]
        if len(self._buffer) > _LONGEST_REPLY or len(self._words) > _LONGEST_REPLY // 64:
            raise OSError("the relay's reply has no end")
        return replies

    def _reply(self, line: bytes) -> Reply | None:
        reply, ends = _line_of_reply(line)
        if reply.code < 0:
            return reply
        if not ends:
            self._words.append(reply.text)
            return None
        if self._words:
            reply = Reply(reply.code, one_line(" ".join((*self._words, reply.text))))
            self._words = []
        return reply


@lru_cache(maxsize=64)
def _line_of_reply(line: bytes) -> tuple[Reply, bool]:
    """One line of a reply, and whether it is the last; most of what a relay says it says to every mail."""
    text = line.decode("utf-8", "replace").strip()
    code, mark = text[:3], text[3:4]
    if not (code.isascii() and code.isdigit() and mark in ("", " ", "-")):
        return Reply(-1, one_line(text) or "an empty reply"), True
    return Reply(int(code), one_line(text[4:])), mark != "-"


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


def as_far_as_told(replies: Sequence[Reply], recipients: Sequence[str]) -> str:
    """For whom the store took a mail, and for whom not, as far as it got."""
    said = dict(zip(recipients, replies, strict=False))
    taken = [f"taken for {recipient}" for recipient, reply in said.items() if reply.taken]
    refused = {recipient: str(reply) for recipient, reply in said.items() if not reply.taken}
    return "; ".join((*taken, *([refusals(refused)] if refused else [])))


def refusals(refused: Mapping[str, str]) -> str:
    """For whom the relay did not take a mail, with its words."""
    return "; ".join(f"not taken for {recipient}: {said}" for recipient, said in refused.items())


def one_line(text: str) -> str:
    """What somebody else said as one line of decent length."""
    return " ".join(text.encode("utf-8", "replace").decode("utf-8").split())[:400]
