"""What the customer wrote now, apart from the mail they quote. Losing new text is worse than leaving a quote."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from channels.mail import signatures
from channels.mail.html_quotes import Region, Span
from channels.mail.plain_words import are_all_own
from channels.mail.reply_lines import BEHIND, BLANK, HEAD, NEW, QUOTED, SIGNATURE, Page, lines_of

_WRAPPED_FROM = 55
# A link in brackets that goes on in the next line.
_OPEN_LINK = re.compile(r"[(<]https?://[^\s()<>]{1,300}$")
# Over the kinds as bytes: a stretch of the writer's own words, quoted lines right below such, and one
# line of them between two quoted ones.
_STRETCH = re.compile(rb"\x01[\x00\x01]*")
_UNINTRODUCED = re.compile(rb"\x01\x00*\x02[\x00\x02]*")
_BEYOND = re.compile(rb"[\x02-\x05]")
_BETWEEN = re.compile(rb"\x02(?=\x01\x02)")


class Split(NamedTuple):
    """The two halves cover every word of the text, each in its order."""

    reply_text: str
    quoted_text: str


def split_reply(text: str, spans: Sequence[Span] = ()) -> Split:
    """New text, and quoted text with the signature. ``spans`` are what an HTML client marked (complaints 43, 44).

    Answers between quoted lines are kept with everything above them, what stands below one quote too, and when nothing
    new would be left, all of it is the reply. A forwarded mail is not a reply: it is left whole.
    """
    if not text.strip() or (not spans and are_all_own(text)):
        return Split(text, "")
    return split_by_lines(text, spans)


def split_by_lines(text: str, spans: Sequence[Span] = ()) -> Split:
    """The same by the long way, line by line."""
    lines, regions = lines_of(text, spans)
    page = Page(lines, regions)
    if page.is_forward():
        return Split(text, "")
    kinds = page.kinds
    if not page.marked:
        _keep_own_quotes(lines, kinds)
    if NEW in kinds:
        _sign(lines, kinds)
        _keep_answers(lines, kinds, page.marked)
    if spans and NEW not in kinds:
        _take_for_words(lines, kinds, regions)
    if NEW not in kinds and spans:
        # A client marked everything, the writer's own words too: then the text alone tells.
        return split_reply(text)
    if NEW not in kinds or _BEYOND.search(kinds) is None:
        return Split(text, "")
    # An empty line stands on both sides; what is invisible in it (a zero-width space) on one.
    quoted = ["" if kind == BLANK else line for line, kind in zip(lines, kinds, strict=True) if kind != NEW]
    return Split(_joined([line for line, kind in zip(lines, kinds, strict=True) if kind <= NEW]), _joined(quoted))


def _joined(lines: list[str]) -> str:
    out: list[str] = []
    for line in lines:
        empty = not line.strip()
        if not empty or (out and out[-1]):
            out.append("" if empty else line)
    return "\n".join(out).strip()


def _sign(lines: list[str], kinds: bytearray) -> None:
    """Give the signature at the end of each stretch of new text its kind; those between answers are left."""
    stretches = [match.span() for match in _STRETCH.finditer(bytes(kinds))]
    for first, end in stretches[:1] + stretches[1:][-1:]:
        start = first + signatures.start_of(lines[first:end])
        for line in range(start, end):
            if kinds[line] == NEW:
                kinds[line] = SIGNATURE


def _take_for_words(lines: list[str], kinds: bytearray, regions: list[Region]) -> None:
    """Some clients let people write inside what they declare the signature: then it is looked at as a text."""
    for index, kind in enumerate(kinds):
        if kind == SIGNATURE and regions[index] is Region.SIGNATURE:
            kinds[index] = NEW
    _sign(lines, kinds)


def _keep_answers(lines: list[str], kinds: bytearray, marked: set[int]) -> None:
    """When somebody wrote between quoted lines, all above the last answer stays: nobody can tell what answers what."""
    _join_wrapped(lines, kinds)
    own = [index for index, kind in enumerate(kinds) if kind == NEW]
    if not own:
        return
    quoted = [index for index, kind in enumerate(kinds) if kind == QUOTED]
    if not quoted or quoted[0] > own[-1]:
        return
    inside = [index for index in quoted if index < own[-1]]
    blocks = sum(1 for at, index in enumerate(inside) if at == 0 or NEW in kinds[inside[at - 1] : index])
    introduced = HEAD in kinds[: inside[0]] or bool(marked)
    if blocks > 1 or (not introduced and own[0] < inside[0]):
        for index in range(own[-1] + 1):
            if kinds[index] in BEHIND:
                kinds[index] = NEW


def _keep_own_quotes(lines: list[str], kinds: bytearray) -> None:
    """What the writer quotes inside their own words stays: below "The log says:", and a program's ``>>>`` prompt."""
    for match in _UNINTRODUCED.finditer(bytes(kinds)):
        first, end = match.start() + 1, match.end()
        quoted = [index for index in range(first, end) if kinds[index] == QUOTED]
        prompt = all(lines[index].lstrip().startswith(">>>") for index in quoted)
        if prompt or lines[match.start()].rstrip().endswith((":", "：")):
            for index in quoted:
                kinds[index] = NEW


def _join_wrapped(lines: list[str], kinds: bytearray) -> None:
    """The end of a long quoted line that a client broke without ``>`` belongs to the quote."""
    for match in _BETWEEN.finditer(bytes(kinds)):
        index = match.start() + 1
        above, bare = lines[index - 1], lines[index].strip()
        if (len(above) >= _WRAPPED_FROM and len(bare) <= 40 and bare[:1].islower() and len(above) > len(bare)) or (
            bare.endswith((")", ">")) and " " not in bare and _OPEN_LINK.search(above) is not None
        ):
            kinds[index] = QUOTED
