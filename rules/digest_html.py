"""The digest's HTML: plain tables with inline styles, as mail programs from Outlook to Gmail show them alike.

Where a program drops the one style rule in the head, the text falls back to its own font and nothing else changes.
Gmail cuts a mail off at 102 KB, so what every cell has in common is said once. No images, scripts, links or style
sheets from elsewhere, so nothing is blocked and nobody is tracked. Bars are table cells with a background colour.
Every word goes through ``_esc``, so nothing a customer wrote becomes markup.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from rules.digest_page import Page
from rules.digest_tables import Line, Row, Table

WIDTH = 640
"""The most pixels the page is wide; on a narrow screen it shrinks."""

_FONT = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,'PingFang SC','Microsoft YaHei',sans-serif"
_INK, _MUTED, _RULE, _PAPER, _GROUND = "#1f2933", "#5b6770", "#e4e8ec", "#ffffff", "#f3f5f7"
_ACCENT, _GOOD, _BAD, _ALERT = "#1f5f8b", "#1a7f4b", "#b3261e", "#fff6e5"
_TABLE = '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"'
_CARDS_A_ROW = 3
_BAR_PIXELS = 96
_SHORT = 12


def html_page(page: Page) -> str:
    """The whole mail body, a complete HTML document."""
    parts = [
        _header(page),
        _cards(page.cards),
        _attention(page),
        _section(page.lines_title, _figures(page)),
        *([_section(page.proofs_title, _lines_of(page.proofs))] if page.proofs else []),
        *(_section(table.title, _table(table)) for table in page.tables),
        _section(page.definitions_title, _definitions(page)),
    ]
    return (
        f'<!DOCTYPE html>\n<html lang="{_esc(page.language)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="color-scheme" content="light"><meta name="supported-color-schemes" content="light">'
        f"<title>{_esc(page.subject)}</title>\n"
        f"<style>body,table,td,th,div,h1,h2{{{_FONT}}}td{{color:{_INK}}}</style></head>\n"
        f'<body style="margin:0;padding:0;background:{_GROUND};{_FONT};color:{_INK}">\n'
        f'{_TABLE} bgcolor="{_GROUND}"><tr><td align="center" style="padding:16px 8px">\n'
        f'<table role="presentation" width="{WIDTH}" cellpadding="0" cellspacing="0" border="0" bgcolor="{_PAPER}"'
        f' style="width:100%;max-width:{WIDTH}px;background:{_PAPER};border:1px solid {_RULE}">\n'
        + "\n".join(parts)
        + "\n</table>\n</td></tr></table>\n</body></html>\n"
    )


def _esc(text: str) -> str:
    return escape(text, quote=True)


def _band(content: str, style: str = "padding:20px 24px 0") -> str:
    """One full-width row of the page."""
    return f'<tr><td style="{style}">{content}</td></tr>'


def _header(page: Page) -> str:
    notes = "<br>".join(_esc(note) for note in page.notes)
    return _band(
        f'<div style="font-size:13px;color:{_MUTED}">{_esc(page.desk)}</div>'
        f'<h1 style="margin:4px 0 8px;font-size:24px;line-height:30px;font-weight:600;color:{_INK}">'
        f"{_esc(page.title)}</h1>"
        f'<div style="font-size:14px;line-height:20px">{_esc(page.covers)}</div>'
        f'<div style="font-size:12px;line-height:18px;color:{_MUTED}">{notes}</div>',
        f"padding:24px 24px 0;border-top:4px solid {_ACCENT}",
    )


def _cards(cards: Iterable[Line]) -> str:
    cells = [_card(line) for line in cards]
    rows = (cells[start : start + _CARDS_A_ROW] for start in range(0, len(cells), _CARDS_A_ROW))
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    return _band(f'{_TABLE} style="table-layout:fixed">{body}</table>', "padding:16px 20px 0")


def _card(line: Line) -> str:
    return (
        f'<td width="{100 // _CARDS_A_ROW}%" valign="top" style="padding:4px">'
        f'{_TABLE} bgcolor="{_GROUND}"><tr><td style="padding:10px 12px">'
        f'<div style="font-size:12px;line-height:16px;color:{_MUTED}">{_esc(line.label)}</div>'
        f'<div style="font-size:20px;line-height:28px;font-weight:600;color:{_INK}">{_esc(line.value)}</div>'
        f'<div style="font-size:12px;line-height:16px">{_change(line)}{" &nbsp;" if line.change else ""}'
        f'<span style="color:{_MUTED}">{_esc(line.population) or "&nbsp;"}</span></div>'
        "</td></tr></table></td>"
    )


def _change(line: Line) -> str:
    """The change in its colour; the sign says the same to those who see no colour."""
    colour = _MUTED if line.good is None else (_GOOD if line.good else _BAD)
    return f'<span style="color:{colour};white-space:nowrap">{_esc(line.change)}</span>'


def _attention(page: Page) -> str:
    lines = page.attention or (page.nothing,)
    items = "".join(f'<div style="padding-top:4px">{_esc(line)}</div>' for line in lines)
    ground, edge = (_ALERT, "#d98e04") if page.attention else (_GROUND, _GOOD)
    return _band(
        f'{_TABLE} bgcolor="{ground}"><tr><td style="padding:10px 14px;border-left:4px solid {edge};'
        f'font-size:14px;line-height:20px"><strong>{_esc(page.attention_title)}</strong>{items}</td></tr></table>'
    )


def _lines_of(lines: Iterable[str]) -> str:
    return "".join(f'<div style="padding-top:4px;font-size:14px;line-height:20px">{_esc(line)}</div>' for line in lines)


def _section(title: str, body: str) -> str:
    return _band(
        f'<h2 style="margin:0 0 6px;font-size:16px;line-height:22px;font-weight:600;color:{_INK}">{_esc(title)}</h2>'
        + body,
        "padding:24px 24px 0",
    )


def _figures(page: Page) -> str:
    head = "".join(_head(name, number=index > 0) for index, name in enumerate(page.columns))
    return _data_table(head, (_figure(line) for line in page.lines))


def _figure(line: Line) -> str:
    behind = " · ".join(part for part in (line.population, line.detail) if part)
    small = f'<div style="font-size:12px;line-height:16px;color:{_MUTED}">{_esc(behind)}</div>' if behind else ""
    return (
        f"<tr>{_cell(_esc(line.label) + small)}{_cell(f'<b>{_esc(line.value)}</b>', number=True)}"
        f"{_cell(_esc(line.before), number=True)}{_cell(_change(line), number=True)}</tr>"
    )


def _table(table: Table) -> str:
    bars = any(row.bar is not None for row in table.rows)
    head = "".join(_head(name, number=index >= table.words) for index, name in enumerate(table.columns))
    return _data_table(head + (_head("", number=False) if bars else ""), (_row(row, table, bars) for row in table.rows))


def _row(row: Row, table: Table, bars: bool) -> str:
    cells = "".join(
        _cell(_esc(cell), number=index >= table.words, short=len(cell) <= _SHORT)
        for index, cell in enumerate(row.cells)
    )
    return f"<tr>{cells}{_cell(_bar(row.bar), pixels=_BAR_PIXELS) if bars else ''}</tr>"


def _data_table(head: str, rows: Iterable[str]) -> str:
    return (
        '<table width="100%" cellpadding="0" cellspacing="0" border="0" style="border-collapse:collapse">'
        f"<tr>{head}</tr>{''.join(rows)}</table>"
    )


def _head(name: str, *, number: bool) -> str:
    align = "right" if number else "left"
    wrap = "white-space:nowrap;" if len(name) <= _SHORT else ""
    return (
        f'<th align="{align}" valign="bottom" style="padding:4px 6px;{wrap}font-size:12px;line-height:16px;'
        f'font-weight:600;color:{_MUTED};border-bottom:2px solid {_RULE}">{_esc(name)}</th>'
    )


def _cell(content: str, *, number: bool = False, short: bool = False, pixels: int = 0) -> str:
    """A cell whose content is markup already; numbers and short words stay on one line."""
    align = ' align="right"' if number else ""
    width = f' width="{pixels}"' if pixels else ""
    wrap = "white-space:nowrap" if number or short else "word-break:break-word"
    return (
        f'<td{align}{width} valign="top" style="padding:6px;font-size:14px;line-height:20px;{wrap};'
        f'border-bottom:1px solid {_RULE}">{content}</td>'
    )


def _bar(share: float | None) -> str:
    """A bar as two cells: the filled one as wide as the share, and the rest."""
    if share is None:
        return "&nbsp;"
    filled = round(_BAR_PIXELS * share)
    cells = "".join(
        f'<td width="{pixels}" height="10" bgcolor="{colour}" style="font-size:0;line-height:10px">&nbsp;</td>'
        for pixels, colour in ((filled, _ACCENT), (_BAR_PIXELS - filled, _RULE))
        if pixels
    )
    return (
        '<table role="presentation" cellpadding="0" cellspacing="0" border="0" style="margin-top:5px">'
        f"<tr>{cells}</tr></table>"
    )


def _definitions(page: Page) -> str:
    items = "".join(
        f'<div style="padding-bottom:4px"><strong>{_esc(name)}</strong>{_esc(page.colon)}{_esc(text)}</div>'
        for name, text in page.definitions
    )
    return f'<div style="font-size:12px;line-height:18px;color:{_MUTED};padding-bottom:24px">{items}</div>'
