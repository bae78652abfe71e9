"""Parts long words where a line or a word ends, so that chat shows all of them."""

from __future__ import annotations

_ESCAPED = {"&": 5, "<": 4, ">": 4}
"""So long these become where Slack reads markup (docs.slack.dev/messaging/formatting-message-text)."""


_LONGEST = 5
"""No letter is longer than this, escaped or not."""


def parted(text: str, room: int, most: int) -> tuple[str, ...]:
    """The text in at most so many parts, each of at most ``room`` units of JavaScript once it is escaped.

    What is longer still stays in the last part. There is one part at least.
    """
    parts: list[str] = []
    rest = text
    while len(parts) < most - 1 and (end := fitting(rest, room, escaped=True)) < len(rest):
        parts.append(rest[:end].rstrip())
        rest = rest[end:].lstrip("\n")
    return (*parts, rest)


def fitting(text: str, room: int, *, escaped: bool = False) -> int:
    """How many letters fit, up to the end of a line or word where there is one near the end."""
    if _LONGEST * len(text) <= room:
        return len(text)
    end = 0
    while end < len(text) and room > 0:
        room -= _ESCAPED.get(text[end], units(text[end])) if escaped else units(text[end])
        end += 1
    if room < 0:
        end -= 1
    if end == len(text):
        return end
    for parting in ("\n", " "):
        at = text.rfind(parting, end - end // 8, end)
        if at > 0:
            return at + 1
    return end


def units(text: str) -> int:
    """How long a text is in the units of JavaScript, which Slack counts in."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
