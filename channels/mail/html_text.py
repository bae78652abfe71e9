"""HTML to the text a person would read: hidden things cut, nothing fetched, bounded on hostile nesting."""

from __future__ import annotations

import html as entities
import re

from resiliparse.extract.html2text import extract_plain_text
from selectolax.lexbor import LexborHTMLParser, SelectolaxError

MAX_HTML = 2_000_000
# Both HTML libraries take time with the square of the depth: 20,000 levels are 0.7 s, 100,000 are 20 s.
MAX_TAG_DEPTH = 3_000
_SHALLOW_SIZE = 16_384

_HIDDEN = (
    "script, style, template, noscript, head, [hidden], [style*='display:none'], [style*='display: none'], "
    "[style*='visibility:hidden'], [style*='mso-hide:all']"
)
_CONTAINERS = (
    ".gmail_quote, blockquote[type=cite], .yahoo_quoted, .protonmail_quote, .ntes-mailmaster-quote, "
    "#isReplyContent, .isReplyContent, includetail, .zmail_extra, .moz-cite-prefix"
)
_TAILS = (
    "#divRplyFwdMsg, #appendonsend, div[style*='border-top:solid #E1E1E1'], div[style*='border-top:solid #B5C4DF'], "
    "div[style*='border-top: solid #E1E1E1']"
)
_MARKS = ("\ue0f0", "\ue0f1", "\ue0f2", "\ue0f3")
_MARKED = re.compile("[\ue0f0-\ue0f3]")
_OPEN, _CLOSE, _QUOTE, _UNQUOTE = _MARKS
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:-]{0,40})")
_VOID = frozenset(
    (
        *("br", "img", "hr", "input", "meta", "link", "area", "base", "col", "embed", "source", "track", "wbr"),
        *("p", "li", "dt", "dd", "option"),
    )
)
_STRIPPED = re.compile(r"<[^<>]{0,10000}>")
_BLOCK = re.compile(r"</?(?:p|div|br|tr|li|h[1-6]|table|blockquote)\b[^<>]{0,1000}>", re.IGNORECASE)
_INVISIBLE = re.compile(r"<(/?)(?:script|style)\b[^<>]{0,1000}>", re.IGNORECASE)


def html_to_text(html: str) -> tuple[str, int | None, list[str]]:
    """The text, where in it the quoted mail begins if its client marked that, and what was odd."""
    notes = []
    if len(html) > MAX_HTML:
        html, notes = html[:MAX_HTML], ["the HTML is larger than 2 MB; the rest was not read"]
    html = _MARKED.sub("", html.replace("\x00", ""))
    if len(html) > _SHALLOW_SIZE and _deeper_than(html, MAX_TAG_DEPTH):
        return _crude(html), None, [*notes, "the HTML is nested too deep; its tags were only stripped"]
    try:
        return *_read(html), notes
    except (SelectolaxError, ValueError, RuntimeError, TypeError) as problem:
        return (
            _crude(html),
            None,
            [*notes, f"the HTML cannot be read ({type(problem).__name__}); its tags were stripped"],
        )


def _read(html: str) -> tuple[str, int | None]:
    tree = LexborHTMLParser(html)
    for node in tree.css(_HIDDEN):
        node.decompose()
    marked = _mark(tree)
    text = _tidy(extract_plain_text(tree.html or "", alt_texts=True))
    if not marked:
        return text, None
    quote_at = _quote_start(text)
    before = _MARKED.sub("", text[:quote_at]) if quote_at is not None else ""
    return _MARKED.sub("", text), len(before) if quote_at is not None else None


def _mark(tree: LexborHTMLParser) -> bool:
    """Put private marks around what mail clients declare as quoted, so that it is found again in the text."""
    containers = tree.css(_CONTAINERS)
    tail = tree.css_first(_TAILS)
    if not containers and tail is None:
        return False
    for node in containers[:50]:
        node.insert_before(_OPEN)
        node.insert_after(_CLOSE)
    if tail is not None:
        tail.insert_before(_OPEN)
        if tree.body is not None:
            tree.body.insert_child(_CLOSE)
    for node in tree.css("blockquote")[:200]:
        node.insert_before(_QUOTE)
        node.insert_after(_UNQUOTE)
    return True


def _quote_start(text: str) -> int | None:
    """Where the quoted mail begins, unless somebody wrote below it or between its lines (complaint 43)."""
    start = text.find(_OPEN)
    if start < 0 or not _MARKED.sub("", text[:start]).strip():
        return None
    container = quote = 0
    left_quote = False
    for piece in re.split("([\ue0f0-\ue0f3])", text[start:]):
        if piece == _OPEN:
            container += 1
        elif piece == _CLOSE:
            container -= 1
        elif piece == _QUOTE:
            quote += 1
        elif piece == _UNQUOTE:
            quote -= 1
            left_quote = True
        elif piece.strip() and ((container <= 0 and quote <= 0) or (left_quote and quote <= 0)):
            return None
    return start


def _deeper_than(html: str, limit: int) -> bool:
    depth = 0
    for match in _TAG.finditer(html):
        if match.group(2).lower() in _VOID:
            continue
        depth += -1 if match.group(1) else 1
        if depth > limit:
            return True
        depth = max(depth, 0)
    return False


def _crude(html: str) -> str:
    # The pieces before an opening tag and after a closing one are shown; those between are code.
    pieces = _INVISIBLE.split(html)
    text = "".join(piece for slash, piece in zip(["/", *pieces[1::2]], pieces[::2], strict=True) if slash)
    return _tidy(entities.unescape(_STRIPPED.sub("", _BLOCK.sub("\n", text))))


def _tidy(text: str) -> str:
    text = text.replace("\xa0", " ").replace("\u200b", "").replace("\r", "")
    lines = [line.rstrip() for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
