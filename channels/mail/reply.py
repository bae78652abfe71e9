"""What the customer wrote now, apart from the mail they quote. Losing new text is worse than leaving a quote."""

from __future__ import annotations

from typing import NamedTuple

from channels.mail import reply_markers as markers

# No line or block is looked at beyond this many lines: a quote that begins later is left in place.
MAX_LINES = 50_000
_WRAPPED = 4
_BLOCK = 6


class Split(NamedTuple):
    """The two halves cover every word of the text."""

    reply_text: str
    quoted_text: str


def split_reply(text: str, quote_at: int | None = None) -> Split:
    """New text and quoted text. ``quote_at`` is where an HTML client marked the quote (complaints 43, 44).

    Answers between quoted lines are kept with everything else, what stands below a quote too, and when nothing new
    would be left, all of it is the reply.
    """
    if quote_at is not None and text[:quote_at].strip():
        inner = split_reply(text[:quote_at])
        if not inner.quoted_text:
            return Split(text[:quote_at].strip(), text[quote_at:].strip())
    lines = text.split("\n")
    start = _start(lines[:MAX_LINES])
    if start is None:
        return Split(text, "")
    first, body = start
    last = _end_of_quote(lines, body)
    if last is None:
        return Split(text, "")
    reply = "\n".join([*lines[:first], *lines[last:]]).strip()
    if not reply:
        return Split(text, "")
    return Split(reply, "\n".join(lines[first:last]).strip())


def _start(lines: list[str]) -> tuple[int, int] | None:
    """The line where the quoted mail begins and the line where its words do; nothing when there is none."""
    for index, line in enumerate(lines):
        if not markers.may_mark(line):
            continue
        bare = line.strip()
        if markers.is_forward(bare):
            return None
        if bare.startswith((">", "＞")):
            return _with_writer(lines, index), index
        if markers.is_own_marker(bare) or markers.is_separator(bare) or _is_block(lines, index):
            return _with_rule(lines, index), len(lines)
        if bare[-1] in ":：":
            first = _attribution(lines, index)
            if first is not None:
                return first, index + 1
    return None


def _with_writer(lines: list[str], quote: int) -> int:
    """The line that names who wrote what is quoted below it, without a date, belongs to the quote."""
    above = quote - 1
    if above >= 0 and not lines[above].strip():
        above -= 1
    return above if above >= 0 and markers.names_writer(lines[above]) else quote


def _attribution(lines: list[str], last: int) -> int | None:
    """The first line of the "On … wrote:" that ends in line ``last``, wrapped as mail clients wrap it.

    A line that begins as such a phrase does ("On", "Am", "在") counts before one that merely names a sender, and a
    shorter phrase before a longer one: the last words of the reply may stand right above it.
    """
    joined, weak = "", None
    for index in range(last, max(last - _WRAPPED, -1), -1):
        line = lines[index].strip()
        if not line or len(joined) + len(line) > markers.MAX_LINE or (joined and line[-1] in ":：>＞"):
            break
        joined = f"{line} {joined}" if joined else line
        if markers.is_attribution(joined):
            if markers.begins_attribution(joined):
                return index
            weak = index if weak is None else weak
    return weak


def _is_block(lines: list[str], index: int) -> bool:
    """Whether a header block (From, Sent, To, Subject in any language) begins here: three labels, a sender's first."""
    first = markers.label_of(lines[index])
    if not first or not markers.is_sender_label(first):
        return False
    labels = {first}
    blanks = 0
    for line in lines[index + 1 : index + 1 + _BLOCK * 2]:
        if not line.strip():
            blanks += 1
            if blanks > _BLOCK:
                break
            continue
        label = markers.label_of(line)
        if label:
            labels.add(label)
        elif len(labels) >= 3:
            break
    return len(labels) >= 3


def _with_rule(lines: list[str], index: int) -> int:
    """The rule of underscores or dashes that Outlook draws above its header block belongs to the quote."""
    above = index - 1
    while above >= 0 and not lines[above].strip():
        above -= 1
    bare = lines[above].strip() if above >= 0 else ""
    return above if len(bare) >= 5 and not bare.strip("_-–—*") else index


def _end_of_quote(lines: list[str], body: int) -> int | None:
    """The line after the quote; ``None`` when somebody wrote between its lines.

    A quote without ``>`` runs to the end: nothing tells where it would stop.
    """
    while body < len(lines) and not lines[body].strip():
        body += 1
    if body >= len(lines) or not _is_quoted(lines[body]):
        return len(lines)
    last = body
    while last < len(lines) and (_is_quoted(lines[last]) or not lines[last].strip()):
        last += 1
    below = lines[last:]
    if any(_is_quoted(line) for line in below):
        return None
    return last


def _is_quoted(line: str) -> bool:
    return line.lstrip()[:1] in (">", "＞") and bool(line.strip())
