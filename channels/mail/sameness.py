"""Whether two mails say the same, whoever is addressed and whenever they were sent: a hash to notice loops by."""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256

from rules.message import Attachment

# What a robot repeats stands at the beginning; a longer text is not read to its end.
_READ = 16_384
_DATES = frozenset(
    (
        *("mon", "tue", "tues", "wed", "thu", "thur", "thurs", "fri", "sat", "sun", "monday", "tuesday", "wednesday"),
        *("thursday", "friday", "saturday", "sunday", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep"),
        *("sept", "oct", "nov", "dec", "january", "february", "march", "april", "june", "july", "august", "september"),
        *("october", "november", "december", "am", "pm", "gmt", "utc", "cet", "cest"),
    )
)
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
# Every sign of ASCII that is no letter becomes a space, and every letter a small one.
_SMALL = "".join(chr(sign).lower() if chr(sign).lower() in _LETTERS else " " for sign in range(128))
_ASCII = _SMALL.encode("ascii").ljust(256)
_OTHERS = re.compile(r"[\d\W_]+")


def content_hash(subject: str, text: str, attachments: Iterable[Attachment]) -> str:
    """A SHA-256 in hex over the words and the files (complaints 27-29: robots that answer each other).

    Addresses, numbers, the names of days and months, spaces and signs play no part, so that a ticket number, a time or
    a counter makes no new mail of an old one. The subject counts only where there is nothing else.
    """
    hashes = sorted(attachment.sha256 for attachment in attachments)
    words = _words(text) or ("" if hashes else _words(subject))
    return sha256("\n".join([words, *hashes]).encode("utf-8", "replace")).hexdigest()


def _words(text: str) -> str:
    text = text[:_READ]
    if "@" in text:
        text = " ".join([word for word in text.split() if "@" not in word])
    if text.isascii():
        text = text.encode("ascii").translate(_ASCII).decode("ascii")
    else:
        text = _OTHERS.sub(" ", text.casefold())
    words = text.split()
    return " ".join(words if _DATES.isdisjoint(words) else [word for word in words if word not in _DATES])
