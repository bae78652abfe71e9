"""HTML to the text a person would read: hidden things cut, nothing fetched, bounded on hostile nesting."""

from __future__ import annotations

import html as entities
import re

from resiliparse.extract.html2text import extract_plain_text
from selectolax.lexbor import LexborHTMLParser, SelectolaxError

from channels.mail import html_quotes
from channels.mail.html_quotes import Span

MAX_HTML = 2_000_000
# Both HTML libraries take time with the square of the depth: 20,000 levels are 0.7 s, 100,000 are 20 s.
MAX_TAG_DEPTH = 3_000
_SHALLOW_SIZE = 16_384

_HIDDEN = (
    "script, style, template, noscript, head, [hidden], [style*='display:none'], [style*='display: none'], "
    "[style*='visibility:hidden'], [style*='mso-hide:all']"
)
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


def html_to_text(html: str) -> tuple[str, tuple[Span, ...], list[str]]:
    """The text, which stretches of it the sender's client marked as quoted or as signature, and what was odd."""
    notes = []
    if len(html) > MAX_HTML:
        html, notes = html[:MAX_HTML], ["the HTML is larger than 2 MB; the rest was not read"]
    html = html_quotes.MARKED.sub("", html.replace("\x00", ""))
    if len(html) > _SHALLOW_SIZE and _deeper_than(html, MAX_TAG_DEPTH):
        return _crude(html), (), [*notes, "the HTML is nested too deep; its tags were only stripped"]
    try:
        return *_read(html), notes
    except (SelectolaxError, ValueError, RuntimeError, TypeError) as problem:
        return (
            _crude(html),
            (),
            [*notes, f"the HTML cannot be read ({type(problem).__name__}); its tags were stripped"],
        )


def _read(html: str) -> tuple[str, tuple[Span, ...]]:
    tree = LexborHTMLParser(html)
    for node in tree.css(_HIDDEN):
        node.decompose()
    marked = html_quotes.mark(tree)
    text = _tidy(extract_plain_text(tree.html or "", alt_texts=True))
    return html_quotes.read_marks(text) if marked else (text, ())


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
