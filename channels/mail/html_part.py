"""The words of a mail as HTML that looks the same everywhere: styles inline, links dressed, nothing fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from html import escape

from rules.effects import Mail, PageLink, Quoted

_RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur", "yi", "ps", "sd", "ug"})

# Only what surely is a link becomes one; what is left, a mail program may still see for itself.
_LINK = re.compile(
    r"(?P<url>https?://[!#-&(-;=?-Z\\\]^_a-z|~]{1,2000})"
    r"|(?P<address>[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8})"
)
_AFTER_A_LINK = ".,;:!?"

_PAGE = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,'PingFang SC','Microsoft YaHei',sans-serif;"
_BOX = f"max-width:640px;padding:8px;{_PAGE}font-size:15px;line-height:1.5;overflow-wrap:break-word"
_PARAGRAPH = "margin:0 0 14px"
_FAINT = "margin:0 0 14px;color:#767676;font-size:13px"
_ANCHOR = "color:#1a73c8"
_BUTTON = (
    "display:inline-block;margin:6px 0;padding:8px 16px;border-radius:4px;background-color:#1a66b3;"
    "border:1px solid #1a66b3;color:#ffffff;text-decoration:none"
)
_QUOTE = "margin:0 0 14px 6px;padding-left:10px;border-left:2px solid #b0b0b0"
# Outlook on Windows knows no max-width; a table that only it sees keeps the lines short there.
_OUTLOOK_OPEN = '<!--[if mso]><table role="presentation" width="640"><tr><td><![endif]-->'
_OUTLOOK_CLOSE = "<!--[if mso]></td></tr></table><![endif]-->"


def html_part(mail: Mail) -> str:
    """The mail's text and what it quotes as one HTML page (no scripts, no style sheets, no pictures).

    What others wrote is escaped and gets no links of ours. Colours are left to the reader's own, so that it is read in
    the dark as well.
    """
    family = mail.language.partition("-")[0].lower()
    direction = "rtl" if family in _RIGHT_TO_LEFT else "ltr"
    language = escape(mail.language)
    body = "".join(_paragraphs(mail.text, mail.page))
    if mail.quoted:
        body += _quotes(mail.reply_line, mail.quoted)
    return (
        f'<!DOCTYPE html>\n<html lang="{language}" dir="{direction}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(mail.subject)}</title>\n</head>\n"
        f'<body style="margin:0;padding:0">\n{_OUTLOOK_OPEN}\n'
        f'<div lang="{language}" dir="{direction}" style="{_BOX}">\n{body}</div>\n{_OUTLOOK_CLOSE}\n</body>\n</html>\n'
    )


def _paragraphs(text: str, page: PageLink | None) -> Iterator[str]:
    """Paragraphs stand where empty lines part them; below ``-- `` the signature begins."""
    words, delimiter, signature = text.partition("\n-- \n")
    for paragraph in _parted(words):
        lines = "<br>\n".join([_shown(line, page) for line in paragraph])
        yield f'<p dir="auto" style="{_PARAGRAPH}">{lines}</p>\n'
    for paragraph in _parted(signature) if delimiter else ():
        lines = "<br>\n".join(map(escape, paragraph))
        yield f'<p dir="auto" style="{_FAINT}">{lines}</p>\n'


def _parted(text: str) -> Iterator[list[str]]:
    lines: list[str] = []
    for line in (*text.splitlines(), ""):
        if line.strip():
            lines.append(line)
        elif lines:
            yield lines
            lines = []


def _shown(line: str, page: PageLink | None) -> str:
    """A line of ours as HTML. Most lines have no links, and those that do are often the same in every mail."""
    if "@" in line or "://" in line:
        return _linked(line, page)
    bare = line.lstrip(" ")
    return "&nbsp;" * min(len(line) - len(bare), 40) + escape(bare)


@lru_cache(maxsize=256)
def _linked(line: str, page: PageLink | None) -> str:
    """A line of ours, escaped, with its links made clickable; spaces at its beginning keep their place."""
    indent = len(line) - len(line.lstrip(" "))
    pieces, at = ["&nbsp;" * min(indent, 40)], indent
    for found in _LINK.finditer(line, indent):
        if found["url"] and line[found.end() : found.end() + 1].isalnum():
            # It goes on in letters that an address in ASCII does not have: half a link leads nowhere.
            continue
        target = _without_tail(found["url"]) if found["url"] else found["address"].rstrip(".-")
        pieces += [escape(line[at : found.start()]), _anchor(target, page)]
        at = found.start() + len(target)
    return "".join((*pieces, escape(line[at:])))


def _without_tail(url: str) -> str:
    """The address without the punctuation of the sentence around it."""
    bare = url.rstrip(_AFTER_A_LINK)
    while bare.endswith((")", "]")) and bare.count(bare[-1]) > bare.count("(" if bare[-1] == ")" else "["):
        bare = bare[:-1].rstrip(_AFTER_A_LINK)
    return bare


def _anchor(target: str, page: PageLink | None) -> str:
    if page is not None and target == page.url:
        return f'<a href="{escape(target)}" style="{_BUTTON}">{escape(page.label)}</a>'
    href = target if "://" in target else f"mailto:{target}"
    return f'<a href="{escape(href)}" style="{_ANCHOR}">{escape(target)}</a>'


def _quotes(reply_line: str, quotes: tuple[Quoted, ...]) -> str:
    """What was said before, in the form in which the large mail programs write it and fold it away."""
    parts = [f'<p style="{_FAINT}">{escape(reply_line)}</p>\n']
    for quoted in quotes:
        lines = "<br>\n".join(map(escape, quoted.text.splitlines()))
        parts.append(
            f'<div class="gmail_attr" style="{_FAINT};margin-bottom:4px">{escape(quoted.intro)}</div>\n'
            f'<blockquote class="gmail_quote" type="cite" dir="auto" style="{_QUOTE}">{lines}</blockquote>\n'
        )
    return f'<div class="gmail_quote">\n{"".join(parts)}</div>\n'


def quoted_text(mail: Mail) -> str:
    """The text part: our words, the line above which an answer is written, and what was said before behind ``>``."""
    if not mail.quoted:
        return mail.text
    parts = [mail.text.rstrip("\n"), mail.reply_line]
    for quoted in mail.quoted:
        lines = "\n".join(f"> {line}".rstrip() for line in quoted.text.splitlines())
        parts.append(f"{quoted.intro}\n{lines}")
    return "\n\n".join(parts) + "\n"
