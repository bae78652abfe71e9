"""The short way for most mails: all of the text is the writer's own words, with no quote, title or signature in it."""

from __future__ import annotations

from channels.mail import attributions, signatures
from channels.mail import reply_markers as markers
from channels.mail.reply_lines import MARKED_ENDS, MARKING, SPACES

_MOST_LINES = 2_000
# The signs of a header block, an address and a table; they are asked for first because that is quickest.
_TELLING = ("@", ":", "|", "：")
# What stands at the edge of a line and is not seen; the long way looks behind it.
_UNSEEN = frozenset(sign for sign in SPACES if not sign.isspace())
_ASKING_FIRST = MARKING | _UNSEEN
_TAIL = 4
_ASKING_TAILS = frozenset(end[-_TAIL:] for end in attributions.OPEN_ENDS if len(end) >= _TAIL)
_ASKING_LAST = (
    MARKED_ENDS | _UNSEEN | frozenset("0123456789") | {end[-1] for end in attributions.OPEN_ENDS if len(end) < _TAIL}
)


def are_all_own(text: str) -> bool:
    """Whether ``split_reply`` would surely find nothing but new words in a text; False where it has to look.

    What the long way asks of each line is asked of all of them at once here, by sets of their first and last signs.
    """
    for sign in _TELLING:
        if sign in text:
            return False
    lines = [line for line in map(str.strip, text.split("\n")) if line]
    if not lines or len(lines) > _MOST_LINES:
        return False
    last = {line[-1] for line in lines}
    if not (_ASKING_LAST.isdisjoint(last) and _ASKING_FIRST.isdisjoint([line[0] for line in lines])):
        return False
    if not text.isascii() and any(map(str.isdigit, last)):
        return False
    tails = {line[-_TAIL:] for line in lines}
    return not (
        not _ASKING_TAILS.isdisjoint(tails) or markers.any_unframed(lines, tails) or signatures.may_belong(lines[-1])
    )
