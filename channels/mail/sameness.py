"""Whether two mails say the same, whoever is addressed and whenever they were sent: a hash to notice loops by."""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256

from rules.message import Attachment

# What a robot repeats stands at the beginning; a longer text is not read to its end.
_READ = 65_536
_ADDRESS = re.compile(r"[^\s@<>]{1,64}@[^\s@<>]{1,255}")
_DATE_WORDS = re.compile(
    r"\b(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?|jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?"
    r"|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?|[ap]m|gmt|utc)\b"
)
_VARIABLE = re.compile(r"[\d\W_]+")


def content_hash(subject: str, text: str, attachments: Iterable[Attachment]) -> str:
    """A SHA-256 in hex over the words and the files (complaints 27-29: robots that answer each other).

    Addresses, numbers, the names of days and months, spaces and signs play no part, so that a ticket number, a time or
    a counter makes no new mail of an old one. The subject counts only where there is nothing else.
    """
    hashes = sorted(attachment.sha256 for attachment in attachments)
    words = _words(text) or ("" if hashes else _words(subject))
    return sha256("\n".join([words, *hashes]).encode("utf-8", "replace")).hexdigest()


def _words(text: str) -> str:
    text = text[:_READ].casefold()
    if "@" in text:
        text = _ADDRESS.sub(" ", text)
    return " ".join(_VARIABLE.sub(" ", _DATE_WORDS.sub(" ", text)).split())
