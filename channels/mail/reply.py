"""What the customer wrote now, apart from the mail they quote. Losing new text is worse than leaving a quote."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

from channels.mail import attributions, header_blocks, signatures
from channels.mail import reply_markers as markers
from channels.mail.attributions import Attribution
from channels.mail.html_quotes import Region, Span

# No line or block is looked at beyond this many lines: a quote that begins later is left in place.
MAX_LINES = 50_000
_MAX_LATE = 40
_QUOTE_MARKS = (">", "＞", "&gt;")
_WRAPPED_FROM = 55
_SPACES = " \t\xa0\u3000\u200b\u200e\u200f\ufeff"


class Split(NamedTuple):
    """The two halves cover every word of the text, each in its order."""

    reply_text: str
    quoted_text: str


class Kind(IntEnum):
    """What a line is: empty, the writer's own, quoted, the words above a quote, the quote to the end, a signature."""

    BLANK = 0
    NEW = 1
    QUOTED = 2
    HEAD = 3
    REST = 4
    SIGNATURE = 5


_BEHIND = (Kind.QUOTED, Kind.HEAD, Kind.REST)


def split_reply(text: str, spans: Sequence[Span] = ()) -> Split:
    """New text, and quoted text with the signature. ``spans`` are what an HTML client marked (complaints 43, 44).

    Answers between quoted lines are kept with everything above them, what stands below one quote too, and when nothing
    new would be left, all of it is the reply. A forwarded mail is not a reply: it is left whole.
    """
    lines, regions = _lines_of(text, spans)
    page = _Page(lines, regions)
    if page.is_forward():
        return Split(text, "")
    kinds = page.kinds
    if not page.marked:
        _keep_prompts(lines, kinds)
    _sign(lines, kinds)
    _keep_answers(lines, kinds, page.marked)
    if Kind.NEW not in kinds:
        for index, kind in enumerate(kinds):
            if kind is Kind.SIGNATURE and not any(kinds[at] in _BEHIND for at in range(index)):
                kinds[index] = Kind.NEW
    if Kind.NEW not in kinds or not any(kind > Kind.NEW for kind in kinds):
        return Split(text, "")
    reply = [line for line, kind in zip(lines, kinds, strict=True) if kind <= Kind.NEW]
    return Split(_joined(reply), _joined([line for line, kind in zip(lines, kinds, strict=True) if kind != Kind.NEW]))


def begins_quote(lines: list[str]) -> int:
    """The line where what is quoted or passed on begins, by the text alone; the number of lines when nothing does."""
    page = _Page(lines, [Region.NONE] * len(lines))
    page.is_forward()
    return next((index for index, kind in enumerate(page.kinds) if kind in _BEHIND), len(lines))


def _joined(lines: list[str]) -> str:
    out: list[str] = []
    for line in lines:
        if line.strip(_SPACES) or (out and out[-1]):
            out.append(line if line.strip(_SPACES) else "")
    return "\n".join(out).strip()


def _lines_of(text: str, spans: Sequence[Span]) -> tuple[list[str], list[Region]]:
    """The lines, each with what HTML says about it. An attribution that begins behind other words is cut off them."""
    lines: list[str] = []
    regions: list[Region] = []
    waiting = sorted(spans)
    place = late = 0
    for line in text.split("\n"):
        middle = place + len(line) // 2 if line else place
        region = Region.NONE
        for span in waiting:
            if span.start > middle:
                break
            if middle < span.end:
                region = max(region, span.region)
        waiting = [span for span in waiting if span.end > place] if waiting else waiting
        cut = attributions.late_start(line) if len(line) > 40 and late < _MAX_LATE and line[-1] in ":：>" else None
        if cut:
            late += 1
            lines += [line[:cut], line[cut:]]
            regions += [region, region]
        else:
            lines.append(line)
            regions.append(region)
        place += len(line) + 1
    return lines, regions


class _Page:
    """The lines of a mail, each with its kind once it was looked at."""

    def __init__(self, lines: list[str], regions: list[Region]) -> None:
        self.lines = lines
        self.regions = regions
        self.kinds = [Kind.BLANK] * len(lines)
        self.marked: set[int] = set()
        self.forward = False
        self.behind = False
        self._scan()

    def is_forward(self) -> bool:
        """Whether the first thing below the writer's own words is a mail that they pass on."""
        return self.forward

    def _scan(self) -> None:
        index = 0
        while index < len(self.lines):
            if index >= MAX_LINES:
                self.kinds[index:] = [self._plain(line) for line in self.lines[index:]]
                return
            index = self._look(index)

    def _plain(self, line: str) -> Kind:
        return Kind.NEW if line.strip(_SPACES) else Kind.BLANK

    def _look(self, index: int) -> int:
        """Give the line its kind, and those that belong to it; the next line to look at."""
        line = self.lines[index]
        bare = line.strip(_SPACES)
        if not bare:
            return index + 1
        region = self.regions[index]
        if region > Region.CANDIDATE or bare.startswith(_QUOTE_MARKS):
            return self._of_region(index, region, bare)
        if not _may_mark(bare):
            self.kinds[index] = Kind.NEW
            return index + 1
        return self._of_text(index, bare)

    def _of_region(self, index: int, region: Region, bare: str) -> int:
        if not self.behind and markers.is_forward(bare):
            return self._pass_on(index)
        if region is Region.SIGNATURE:
            self.kinds[index] = Kind.SIGNATURE
            return index + 1
        self.behind = True
        if region is Region.TAIL:
            return self._to_the_end(index)
        if region is Region.HEAD:
            self.kinds[index] = Kind.HEAD
        else:
            self.kinds[index] = Kind.QUOTED
            self._name_writer(index)
        if region in (Region.QUOTE, Region.TAIL):
            self.marked.add(index)
        return index + 1

    def _of_text(self, index: int, bare: str) -> int:
        mark = markers.mark_of(bare)
        if mark is markers.Mark.FORWARD and not self.behind:
            return self._pass_on(index)
        if mark in (markers.Mark.ORIGINAL, markers.Mark.REPLY_ABOVE, markers.Mark.FORWARD):
            return self._quote_from(index, self._end_of_head(index + 1))
        if mark is markers.Mark.TITLE or markers.is_rule(bare):
            below = self._next(index + 1)
            if below < min(len(self.lines), index + 4) and header_blocks.read_block(self.lines, below):
                return self._quote_from(index, self._end_of_head(below))
        block = header_blocks.read_block(self.lines, index)
        if block is not None:
            return self._quote_from(index, block.end)
        if attributions.runs_on(bare):
            return self._to_the_end(index)
        return self._attribution(index, bare)

    def _pass_on(self, index: int) -> int:
        self.forward = True
        return self._to_the_end(index)

    def _to_the_end(self, index: int) -> int:
        self.kinds[index:] = [Kind.REST if line.strip(_SPACES) else Kind.BLANK for line in self.lines[index:]]
        return len(self.lines)

    def _next(self, index: int) -> int:
        """The next line that is not empty."""
        while index < len(self.lines) and not self.lines[index].strip(_SPACES):
            index += 1
        return index

    def _is_quoted(self, index: int) -> bool:
        """Whether a line is marked as quoted, by ``>`` or by HTML."""
        if index >= len(self.lines):
            return False
        return self.regions[index] in (Region.CANDIDATE, Region.QUOTE) or self.lines[index].lstrip(_SPACES).startswith(
            _QUOTE_MARKS
        )

    def _end_of_head(self, index: int) -> int:
        """The line behind the header block or attribution that stands below a title, or the line itself."""
        below = self._next(index)
        if below >= len(self.lines):
            return index
        block = header_blocks.read_block(self.lines, below)
        if block is not None:
            return block.end
        for last in range(below, min(below + attributions.MAX_WRAPPED, len(self.lines))):
            if attributions.judge(" ".join(line.strip() for line in self.lines[below : last + 1])) > Attribution.NONE:
                return last + 1
        return index

    def _quote_from(self, first: int, body: int) -> int:
        """The lines up to ``body`` introduce a quote: what is quoted below it, or all when nothing marks its end."""
        self.behind = True
        below = self._next(body)
        if not self._is_quoted(below):
            return self._to_the_end(first)
        for index in range(first, body):
            if self.lines[index].strip(_SPACES):
                self.kinds[index] = Kind.HEAD
        self._take_candidates(below)
        return max(body, below) if self.kinds[below] is Kind.BLANK else self._after_candidates(below)

    def _take_candidates(self, index: int) -> None:
        """A blockquote without a client's mark is a quote when an introduction stands above it."""
        while index < len(self.lines) and self.regions[index] is Region.CANDIDATE:
            self.kinds[index] = Kind.QUOTED if self.lines[index].strip(_SPACES) else Kind.BLANK
            self.marked.add(index)
            index += 1

    def _after_candidates(self, index: int) -> int:
        while index < len(self.lines) and self.regions[index] is Region.CANDIDATE:
            index += 1
        return index

    def _name_writer(self, quote: int) -> None:
        """A thin line right above a quote ("Acme Support wrote:", an old date) belongs to it."""
        above = quote - 1
        while above >= 0 and above > quote - 4 and not self.lines[above].strip(_SPACES):
            above -= 1
        if above < 0 or self.kinds[above] is not Kind.NEW:
            return
        for first in range(above, max(above - attributions.MAX_WRAPPED, -1), -1):
            if self.kinds[first] is not Kind.NEW:
                return
            joined = " ".join(line.strip() for line in self.lines[first : above + 1])
            if attributions.judge(joined, quote_below=True) > Attribution.NONE:
                for index in range(first, above + 1):
                    self.kinds[index] = Kind.HEAD
                return

    def _attribution(self, index: int, bare: str) -> int:
        """The wrapped "On … wrote:" that ends in this line: the fewest lines that begin as such a phrase does."""
        self.kinds[index] = Kind.NEW
        if not attributions.may_be(bare):
            return index + 1
        below = self._next(index + 1)
        quoted = self._is_quoted(below)
        first, sure = self._first_of(index, quoted=quoted)
        if sure is Attribution.NONE or (not quoted and sure < Attribution.PLAIN):
            return index + 1
        return self._quote_from(first, index + 1)

    def _first_of(self, last: int, *, quoted: bool) -> tuple[int, Attribution]:
        joined, found, best = "", last, Attribution.NONE
        for index in range(last, max(last - attributions.MAX_WRAPPED, -1), -1):
            line = self.lines[index].strip(_SPACES)
            if (
                not line
                or len(joined) + len(line) > attributions.MAX_LINE
                or self.kinds[index] not in (Kind.NEW, Kind.BLANK)
            ):
                break
            if joined and line[-1] in ":：＞":
                break
            joined = f"{line} {joined}" if joined else line
            sure = attributions.judge(joined, quote_below=quoted)
            if sure > best:
                found, best = index, sure
            if best is Attribution.STRONG:
                break
        return found, best


def _may_mark(bare: str) -> bool:
    """Whether a line can be any mark at all; quick, because most lines are none."""
    if bare[0] in "-–—_=*#~+|" or bare[-1] in ":：>*)-":
        return True
    head = bare[:40]
    return ":" in head or "：" in head or "|" in head or not bare.isascii() or "wrote" in bare or " line" in bare


def _sign(lines: list[str], kinds: list[Kind]) -> None:
    """Give the signature at the end of each stretch of new text its kind; those between answers are left."""
    stretches = []
    index = 0
    while index < len(kinds):
        if kinds[index] is not Kind.NEW:
            index += 1
            continue
        end = index
        while end < len(kinds) and kinds[end] <= Kind.NEW:
            end += 1
        stretches.append((index, end))
        index = end
    for first, end in stretches[:1] + stretches[1:][-1:]:
        start = first + signatures.start_of(lines[first:end])
        if first == 0 and start == 0 and len(stretches) == 1:
            continue
        for line in range(start, end):
            if kinds[line] is Kind.NEW:
                kinds[line] = Kind.SIGNATURE


def _keep_answers(lines: list[str], kinds: list[Kind], marked: set[int]) -> None:
    """When somebody wrote between quoted lines, all above the last answer stays: nobody can tell what answers what."""
    _join_wrapped(lines, kinds)
    own = [index for index, kind in enumerate(kinds) if kind is Kind.NEW]
    if not own:
        return
    quoted = [index for index, kind in enumerate(kinds) if kind is Kind.QUOTED]
    if not quoted or quoted[0] > own[-1]:
        return
    inside = [index for index in quoted if index < own[-1]]
    blocks = sum(1 for at, index in enumerate(inside) if at == 0 or Kind.NEW in kinds[inside[at - 1] : index])
    introduced = Kind.HEAD in kinds[: inside[0]] or bool(marked)
    if blocks > 1 or (not introduced and own[0] < inside[0]):
        for index in range(own[-1] + 1):
            if kinds[index] in _BEHIND:
                kinds[index] = Kind.NEW


def _keep_prompts(lines: list[str], kinds: list[Kind]) -> None:
    """Lines that begin with ``>>>``, with nothing that introduces them, are a program's prompt and not a quote."""
    quoted = [index for index, kind in enumerate(kinds) if kind is Kind.QUOTED]
    if quoted and Kind.HEAD not in kinds and all(lines[index].lstrip().startswith(">>>") for index in quoted):
        for index in quoted:
            kinds[index] = Kind.NEW


def _join_wrapped(lines: list[str], kinds: list[Kind]) -> None:
    """The end of a long quoted line that a client broke without ``>`` belongs to the quote."""
    for index in range(1, len(lines) - 1):
        if kinds[index] is not Kind.NEW or kinds[index - 1] is not Kind.QUOTED or kinds[index + 1] is not Kind.QUOTED:
            continue
        above, bare = lines[index - 1], lines[index].strip()
        if len(above) >= _WRAPPED_FROM and len(bare) <= 40 and bare[:1].islower() and len(above) > len(bare):
            kinds[index] = Kind.QUOTED
