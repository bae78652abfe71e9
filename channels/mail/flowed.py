"""Paragraphs that a mail client broke into lines for sending are made whole again (RFC 3676, format=flowed)."""

from __future__ import annotations

_SIGNATURE = "-- "


def unflowed(text: str, *, delete_space: bool = False) -> str:
    """The text with its paragraphs on one line each; lines must end in a line feed alone.

    Quote marks stay what they are, the signature's delimiter stays alone, and the space that protected a line's
    beginning goes. ``delete_space`` is DelSp=yes: for languages without spaces between words.
    """
    out: list[str] = []
    pieces: list[str] = []
    depth_above = -1
    for line in text.split("\n"):
        depth, words = _read(line)
        if pieces and (depth != depth_above or words == _SIGNATURE):
            out.append(_whole(depth_above, pieces))
            pieces = []
        depth_above = depth
        flows = words.endswith(" ") and words != _SIGNATURE
        pieces.append(words[:-1] if flows and delete_space else words)
        if not flows:
            out.append(_whole(depth, pieces))
            pieces = []
    if pieces:
        out.append(_whole(depth_above, pieces))
    return "\n".join(out)


def _read(line: str) -> tuple[int, str]:
    """How deep a line is quoted, and its words without the marks and without the space that protects them."""
    words = line.lstrip(">")
    depth = len(line) - len(words)
    return depth, words[1:] if words.startswith(" ") else words


def _whole(depth: int, pieces: list[str]) -> str:
    words = "".join(pieces)
    if words != _SIGNATURE:
        words = words.rstrip(" ")
    if not depth:
        return words
    return f"{'>' * depth} {words}" if words else ">" * depth
