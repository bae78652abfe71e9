"""Looks at the lines of a mail one after the other: whose words each one is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import IntEnum

from channels.mail import attributions, header_blocks
from channels.mail import reply_markers as markers
from channels.mail.attributions import Attribution
from channels.mail.html_quotes import Region, Span

_MAX_LATE = 40
_SHORTEST_LATE = 40
# Lines that look like a mark and turn out to be none cost time; after this many nothing but ">" is looked for.
_MAX_LOOKS = 5_000
# Below this many lines only ">" is looked for, too.
_MAX_LINES = 15_000
_CLOSING = ":：>"
_FRAME = frozenset("-–—_=*#~+|<")
_LABEL_ENDS = 36
# What a line begins with, or ends with, that must be looked at; digits at the end as well.
MARKING = _FRAME | {">", "＞", "&"}
MARKED_ENDS = frozenset(attributions.CLOSING_SIGNS)
_QUOTE_MARKS = (">", "＞", "&gt;")
_GROUPWISE = re.compile(r">>> [^<>]{0,100}(?:<[^<>\s]{1,200}>)?[^<>]{0,40}\d{1,2}:\d{2}[^<>]{0,20} >>>")
# What old mail programs put before quoted lines in place of ">": a bar, or the writer's initials.
_OTHER_MARK = re.compile(
    r"[ \t]{0,4}(?:[|¦»](?:[ \t](?!.{0,36}\|[ \t]{0,4}$)|$)|[A-Za-z]{1,4}>|(?:\t| {4})[ \t]{0,20}\S)"
)
_UNMARKED = Region.NONE
SPACES = " \t\xa0\u3000\u200b\u200e\u200f\ufeff"


class Kind(IntEnum):
    """What a line is: empty, the writer's own, quoted, the words above a quote, the quote to the end, a signature."""

    BLANK = 0
    NEW = 1
    QUOTED = 2
    HEAD = 3
    REST = 4
    SIGNATURE = 5


# Plain numbers, so that the kinds of a page are a row of bytes that can be searched.
BLANK, NEW, QUOTED, HEAD, REST, SIGNATURE = map(int, Kind)
BEHIND = (QUOTED, HEAD, REST)


def lines_of(text: str, spans: Sequence[Span]) -> tuple[list[str], list[Region]]:
    """The lines, each with what HTML says about it. An attribution that begins behind other words is cut off them."""
    lines = text.split("\n")
    regions = _regions_of(lines, spans) if spans else [Region.NONE] * len(lines)
    late = [
        index
        for index, line in enumerate(lines)
        if len(line) > _SHORTEST_LATE and (line[-1] in _CLOSING or "@" in line)
    ]
    for index in reversed(late[:_MAX_LATE]):
        cut = attributions.late_start(lines[index]) or header_blocks.late_start(lines[index])
        if cut:
            lines[index : index + 1] = [lines[index][:cut], lines[index][cut:]]
            regions.insert(index, regions[index])
    return lines, regions


def _regions_of(lines: list[str], spans: Sequence[Span]) -> list[Region]:
    regions = []
    waiting = sorted(spans)
    place = 0
    for line in lines:
        middle = place + len(line) // 2
        region = Region.NONE
        for span in waiting:
            if span.start > middle:
                break
            if middle < span.end and span.region > region:
                region = span.region
        while waiting and waiting[0].end <= place:
            waiting.pop(0)
        regions.append(region)
        place += len(line) + 1
    return regions


class Page:
    """The lines of a mail, each with its kind once it was looked at."""

    def __init__(self, lines: list[str], regions: list[Region]) -> None:
        self.lines = lines
        self.regions = regions
        self.kinds = bytearray(len(lines))
        self.marked: set[int] = set()
        self.forward = False
        self.behind = False
        self.looks = 0
        self._scan()

    def is_forward(self) -> bool:
        """Whether the first thing below the writer's own words is a mail that they pass on."""
        return self.forward

    def _scan(self) -> None:
        index = 0
        while index < len(self.lines):
            if index >= _MAX_LINES:
                self.kinds[index:] = [_at_a_glance(line) for line in self.lines[index:]]
                return
            index = self._run_of_words(index)
            if index < min(len(self.lines), _MAX_LINES):
                index = self._look(index)

    def _run_of_words(self, index: int) -> int:
        """The lines from here that show no mark of anything but the writer's own words: most of them, so quickly."""
        lines, kinds, regions = self.lines, self.kinds, self.regions
        while index < len(lines) and index < _MAX_LINES:
            bare = lines[index].strip(SPACES)
            if bare:
                if regions[index] is not _UNMARKED or not _is_plain(bare):
                    return index
                kinds[index] = NEW
            index += 1
        return index

    def _look(self, index: int) -> int:
        """Give the line its kind, and those that belong to it; the next line to look at."""
        bare = self.lines[index].strip(SPACES)
        if not bare:
            return index + 1
        region = self.regions[index]
        if region > Region.CANDIDATE or bare.startswith(_QUOTE_MARKS):
            if bare.startswith(">>>") and self._is_groupwise(bare):
                return self._quote_from(index, index + 1)
            index = self._of_region(index, region, bare)
            return self._run_of_quotes(index) if region <= Region.CANDIDATE else index
        self.kinds[index] = NEW
        if self.looks >= _MAX_LOOKS:
            return index + 1
        return self._title(index, bare) or self._block(index, bare) or self._attribution(index, bare)

    def _is_groupwise(self, bare: str) -> bool:
        """GroupWise's ``>>> Acme <s@example.com> 02.03.2026 10:00 >>>``, with plain lines below."""
        if bare.endswith(">>>"):
            return _GROUPWISE.fullmatch(bare) is not None
        return not self.behind and attributions.judge(bare.lstrip("> ")) >= Attribution.PLAIN

    def _run_of_quotes(self, index: int) -> int:
        """The plain ``>`` lines that follow a quoted line: the bulk of long mails, so quickly."""
        lines, kinds, regions = self.lines, self.kinds, self.regions
        end = len(lines)
        while index < end and lines[index][:1] == ">" and regions[index] is Region.NONE and lines[index][:3] != ">>>":
            kinds[index] = QUOTED
            index += 1
        return index

    def _of_region(self, index: int, region: Region, bare: str) -> int:
        if not self.behind and markers.is_forward(bare):
            return self._pass_on(index)
        if region is Region.SIGNATURE:
            self.kinds[index] = SIGNATURE
            return index + 1
        self.behind = True
        if region is Region.TAIL:
            return self._to_the_end(index)
        if region is Region.HEAD:
            self.kinds[index] = HEAD
        else:
            if index == 0 or self.kinds[index - 1] != QUOTED:
                self._name_writer(index)
            self.kinds[index] = QUOTED
        if region in (Region.QUOTE, Region.TAIL):
            self.marked.add(index)
        return index + 1

    def _title(self, index: int, bare: str) -> int:
        """A line such as ``-----Original Message-----``; 0 when it is none."""
        if bare[0] not in _FRAME and not markers.may_be_unframed(bare):
            return 0
        self.looks += 1
        mark = markers.mark_of(bare)
        if mark is markers.Mark.FORWARD and not self.behind:
            return self._pass_on(index)
        if mark in (markers.Mark.ORIGINAL, markers.Mark.REPLY_ABOVE, markers.Mark.FORWARD):
            return self._quote_from(index, self._end_of_head(index + 1))
        if mark is markers.Mark.TITLE or markers.is_rule(bare):
            below = self._next(index + 1)
            if below < min(len(self.lines), index + 7) and header_blocks.read_block(self.lines, below):
                return self._quote_from(index, self._end_of_head(below))
        return 0

    def _block(self, index: int, bare: str) -> int:
        """The first line of a header block, or one that runs from "On … wrote:" straight into the quote; else 0."""
        head = bare[:_LABEL_ENDS]
        block = None
        if (":" in head or "：" in head or "|" in head) and header_blocks.field_of(bare)[0]:
            self.looks += 1
            block = header_blocks.read_block(self.lines, index)
        elif bare[-1] == ">" or (bare[-1].isdigit() and ("@" in bare or "/" in bare)):
            self.looks += 1
            block = header_blocks.read_notes_block(self.lines, index)
        if block is not None:
            return self._quote_from(index, block.end)
        if "@" in bare and attributions.runs_on(bare):
            return self._to_the_end(index)
        return 0

    def _pass_on(self, index: int) -> int:
        self.forward = True
        return self._to_the_end(index)

    def _to_the_end(self, index: int) -> int:
        self.kinds[index:] = [REST if line.strip(SPACES) else BLANK for line in self.lines[index:]]
        return len(self.lines)

    def _next(self, index: int) -> int:
        """The next line that is not empty."""
        while index < len(self.lines) and not self.lines[index].strip(SPACES):
            index += 1
        return index

    def _is_quoted(self, index: int) -> bool:
        """Whether a line is marked as quoted, by ``>`` or by HTML."""
        if index >= len(self.lines):
            return False
        return self.regions[index] in (Region.CANDIDATE, Region.QUOTE) or self.lines[index].lstrip(SPACES).startswith(
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
        while below < len(self.lines) and header_blocks.field_of(self.lines[below])[0]:
            below = index = below + 1
        return index

    def _quote_from(self, first: int, body: int) -> int:
        """The lines up to ``body`` introduce a quote: what is quoted below it, or all when nothing marks its end."""
        self.behind = True
        below = self._next(body)
        other = self._end_of_other(below)
        if not self._is_quoted(below) and other == below:
            return self._to_the_end(self._with_rule(first))
        for index in range(self._with_rule(first), body):
            if self.lines[index].strip(SPACES):
                self.kinds[index] = HEAD
        for index in range(below, other):
            self.kinds[index] = QUOTED if self.lines[index].strip(SPACES) else BLANK
        if other > below:
            return other
        self._take_candidates(below)
        return max(body, below) if self.kinds[below] == BLANK else self._after_candidates(below)

    def _with_rule(self, first: int) -> int:
        """A rule of dashes or underscores right above what introduces a quote belongs to it."""
        above = first - 1
        while above > 0 and above > first - 4 and not self.lines[above].strip(SPACES):
            above -= 1
        if above >= 0 and self.kinds[above] == NEW and markers.is_rule(self.lines[above]):
            return above
        return first

    def _end_of_other(self, index: int) -> int:
        """Where lines end that are quoted by another mark than ``>``; the line itself when it has none."""
        end = index
        while index < len(self.lines) and (
            not self.lines[index].strip(SPACES) or _OTHER_MARK.match(self.lines[index][:40]) is not None
        ):
            index += 1
            if self.lines[index - 1].strip(SPACES):
                end = index
        return end

    def _take_candidates(self, index: int) -> None:
        """A blockquote without a client's mark is a quote when an introduction stands above it."""
        while index < len(self.lines) and self.regions[index] is Region.CANDIDATE:
            self.kinds[index] = QUOTED if self.lines[index].strip(SPACES) else BLANK
            self.marked.add(index)
            index += 1

    def _after_candidates(self, index: int) -> int:
        while index < len(self.lines) and self.regions[index] is Region.CANDIDATE:
            index += 1
        return index

    def _name_writer(self, quote: int) -> None:
        """A thin line right above a quote ("Acme Support wrote:", an old date) belongs to it."""
        above = quote - 1
        while above >= 0 and above > quote - 4 and not self.lines[above].strip(SPACES):
            above -= 1
        if above < 0 or self.kinds[above] != NEW:
            return
        for first in range(above, max(above - attributions.MAX_WRAPPED, -1), -1):
            if self.kinds[first] != NEW:
                return
            joined = " ".join(line.strip() for line in self.lines[first : above + 1])
            if attributions.judge(joined, quote_below=True) > Attribution.NONE:
                for index in range(first, above + 1):
                    self.kinds[index] = HEAD
                return

    def _attribution(self, index: int, bare: str) -> int:
        """The wrapped "On … wrote:" that ends in this line: the fewest lines that begin as such a phrase does."""
        if not attributions.may_be(bare):
            return index + 1
        self.looks += 1
        below = self._next(index + 1)
        quoted = self._is_quoted(below)
        first, sure = self._first_of(index, quoted=quoted)
        if sure is Attribution.NONE or (not quoted and sure < Attribution.PLAIN):
            return index + 1
        return self._quote_from(first, index + 1)

    def _first_of(self, last: int, *, quoted: bool) -> tuple[int, Attribution]:
        joined, found, best = "", last, Attribution.NONE
        for index in range(last, max(last - attributions.MAX_WRAPPED, -1), -1):
            line = self.lines[index].strip(SPACES)
            if not line or len(joined) + len(line) > attributions.MAX_LINE:
                break
            if self.kinds[index] != NEW:
                # Its first line may carry the only ">": a client that broke the line when it was quoted already.
                whole = f"{line.lstrip('> ')} {joined}"
                if joined and self.kinds[index] == QUOTED and attributions.judge(whole) is not Attribution.NONE:
                    found, best = index, Attribution.STRONG
                break
            if joined and line[-1] in ":：＞":
                break
            joined = f"{line} {joined}" if joined else line
            sure = attributions.judge(joined, quote_below=quoted)
            if sure > best:
                found, best = index, sure
            if best is Attribution.STRONG or (best is Attribution.PLAIN and attributions.is_complete(joined)):
                break
        if best is not Attribution.NONE and found > 0 and self.kinds[found - 1] == NEW:
            above = self.lines[found - 1].strip(SPACES)
            found -= above.endswith("<") or ("@" not in joined and attributions.names_sender(above))
        return found, best


def _is_plain(bare: str) -> bool:
    """Whether nothing in a line asks for a closer look; what it takes for plain is plain for ``Page._look`` too."""
    last = bare[-1]
    if bare[0] in MARKING or last in MARKED_ENDS or last.isdigit() or "@" in bare:
        return False
    if ":" in bare or "：" in bare or "|" in bare:
        return False
    return not (bare.endswith(attributions.OPEN_ENDS) or markers.may_be_unframed(bare))


def _at_a_glance(line: str) -> int:
    if line[:1] == ">":
        return QUOTED
    return NEW if line.strip(SPACES) else BLANK
