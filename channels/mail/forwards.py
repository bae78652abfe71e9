"""A mail that somebody passes on to us: who wrote it first, what it said, and what was put above it."""

from __future__ import annotations

import re

from channels.mail import header_blocks
from channels.mail.header_blocks import SENDER, SUBJECT
from channels.mail.html_quotes import Region
from channels.mail.reply_lines import BEHIND, Page
from channels.mail.reply_markers import is_forward
from rules.message import Address, Forwarded

_MAX_TEXT = 1_000_000
_MAX_CANDIDATES = 200
_MAX_TITLE = 160
# The titles above a forwarded mail stand this many lines at most above its header block.
_NEAR = 4
_SUBJECT = re.compile(
    r"\s{0,9}(?:\[[^\]]{1,40}\]\s{0,3})?(?:fwd?|wg|tr|rv|i|vl|vb|vs|enc|doorst|pd|reenv|fs|i̇lt|ilt|tov|továbbítás"
    r"|пересл|пересылка|перенапр|прд|преп|προώθ|прослеђено|转发|轉寄|轉發|转|轉|転送|전달|hw|mtt|chuyển tiếp|teruskan)"
    r"\s{0,3}(?:[\[(]\d{1,3}[\])])?\s{0,3}[:：]",
    re.IGNORECASE,
)
# In Finnish "VS:" is a reply; its clients label the sender with this word.
_FINNISH = re.compile(r"\s{0,9}vs\s{0,3}[:：]", re.IGNORECASE)
_FINNISH_SENDER = re.compile(r"^[ \t>*]{0,9}Lähettäjä", re.MULTILINE)
_ADDRESS = re.compile(r"[\w.+!#$%&'*/=?^`{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}")
_NAME_EDGES = " \t\"'<>[](){}*_|;:,\u201c\u201d\xa0"
_QUOTED = re.compile(r"[ \t]{0,3}[>＞] ?")


def read_forward(text: str, subject: str) -> Forwarded | None:
    """The forwarded mail in a mail's text, by its title line, or by the subject ("FW:") where its client draws none.

    Cheap when there is none; ``None`` for a reply, and when nobody can tell who wrote first.
    """
    text = text[:_MAX_TEXT]
    titled = _says_forward(subject, text)
    if not titled and not _has_title(text):
        return None
    lines = text.split("\n")
    page = Page(lines, [Region.NONE] * len(lines))
    start = next((index for index, kind in enumerate(page.kinds) if kind in BEHIND), len(lines))
    if start == len(lines) or not (page.forward or titled):
        return None
    block = _block_near(lines, start)
    if block is None:
        return None
    sender = sender_of(block.fields[SENDER])
    if not sender.email and not sender.name:
        return None
    return Forwarded(
        sender=sender,
        subject=block.fields.get(SUBJECT, "").strip(),
        text=_unquoted(lines[block.end :]),
        comment="\n".join(lines[:start]).strip(),
    )


def _says_forward(subject: str, text: str) -> bool:
    if _SUBJECT.match(subject[:200]) is None:
        return False
    return not (_FINNISH.match(subject[:200]) and _FINNISH_SENDER.search(text))


def _has_title(text: str) -> bool:
    """Whether any line is a forward's title; only lines with dashes or a colon at their end are looked at."""
    looked = 0
    for line in text.split("\n"):
        if not line or not (line[0] in "-_=*> " or line[-1] in ":：-_= \r") or len(line) > _MAX_TITLE:
            continue
        bare = line.strip()
        title = bare.lstrip("> ")
        if not title or (title[0] not in "-_=*" and title[-1] not in ":：-_="):
            continue
        looked += 1
        if is_forward(bare):
            return True
        if looked >= _MAX_CANDIDATES:
            return False
    return False


def _block_near(lines: list[str], start: int) -> header_blocks.Block | None:
    """The header block in the first lines of the forwarded mail, even one that names only the sender."""
    for index in range(start, min(start + _NEAR, len(lines))):
        block = header_blocks.read_fields(lines, index) or header_blocks.read_notes_block(lines, index)
        if block is not None and block.fields.get(SENDER):
            return block
    return None


def sender_of(value: str) -> Address:
    """The name and address in a header block's sender: ``Ana <a@b>``, ``Ana [mailto:a@b]``, ``a@b`` …"""
    found = _ADDRESS.search(value[:500])
    if found is None:
        return Address(email="", name=value[:200].strip(_NAME_EDGES))
    name = value[: found.start()].strip(_NAME_EDGES)
    for ending in ("mailto", "<", "["):
        name = name.removesuffix(ending).strip(_NAME_EDGES)
    return Address(email=found.group().strip("'`").lower().rstrip("."), name=name)


def _unquoted(lines: list[str]) -> str:
    """The words of the forwarded mail, without the ``>`` that some clients put before all of it."""
    written = [line for line in lines if line.strip()]
    if written and all(_QUOTED.match(line) for line in written):
        lines = [_QUOTED.sub("", line, count=1) for line in lines]
    return "\n".join(lines).strip()
