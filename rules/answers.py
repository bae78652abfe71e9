"""What a customer's short reply means after we resolved or closed: confirmed, not solved, thanks, or a score.

Only short, plain answers count; anything with a "but", a question or more to say is an ordinary reply and reopens
the ticket (complaint 26).
"""

from __future__ import annotations

import re
from enum import StrEnum

from rules.model import SurveyScore

_LONGEST = 60
_BUT = re.compile(
    r"[?？]|\b(?:but|however|except|still|again|another|aber|mais|pero)\b|但|不过|可是|然而|还是|另外|又", re.I
)
_SOLVED = re.compile(
    r"^(?:yes|yep|yeah|ok|okay|confirmed|confirm|solved|resolved|fixed|works(?: now)?|it works(?: now)?|all good|done"
    r"|yes,? (?:it is |it's )?(?:solved|resolved|fixed|confirmed|it works(?: now)?)"
    r"|是|是的|好了|好的|可以了|已解决|解决了|已经解决|已经解决了|确认|确认解决|已确认|没问题了|恢复了|已恢复)$",
    re.I,
)
_NOT_SOLVED = re.compile(
    r"^(?:no|nope|not (?:solved|resolved|fixed|working)|unsolved"
    r"|no,? (?:it is |it's )?not (?:solved|resolved|fixed|working)"
    r"|否|不|没有|未解决|没解决|没有解决|还没解决|尚未解决|不行)$",
    re.I,
)
_THANKS = re.compile(
    r"^(?:(?:many |great,? |ok,? |perfect,? )?thanks(?: a lot| so much| very much| again)?"
    r"|thank you(?: so much| very much)?"
    r"|谢谢|谢谢你|谢谢您|多谢|感谢|非常感谢|好的,?谢谢)$",
    re.I,
)
_SCORES = re.compile(
    r"^([1-5])(?:\s*(?:分|/\s*5))?(?:[\s,，、;]+([1-5])[\s,，、;]+([1-5])[\s,，、;]+([1-5]))?(?:\s*[-–,，.:：]?\s+(.{1,500}))?$",
    re.S,
)
_SIGN_OFF = re.compile(r"^(?:--|best|kind|regards|cheers|sent from|发自|祝|此致)", re.I)


class Answer(StrEnum):
    """What a short reply says."""

    SOLVED = "solved"
    NOT_SOLVED = "not_solved"
    THANKS = "thanks"
    MORE = "more"


def read_answer(reply: str) -> Answer:
    """What a reply to "is it solved?" says; ``MORE`` for anything that is not plainly one of the short answers."""
    text = _first_words(reply)
    if not text or len(text) > _LONGEST or _BUT.search(text):
        return Answer.MORE
    sentences = [part for part in (piece.strip(" \t.!！。,，~") for piece in re.split(r"[.!！。\n]+", text)) if part]
    meanings = {_meaning(sentence) for sentence in sentences}
    if meanings == {Answer.THANKS}:
        return Answer.THANKS
    meanings.discard(Answer.THANKS)
    return meanings.pop() if len(meanings) == 1 else Answer.MORE


def _meaning(sentence: str) -> Answer:
    plain = sentence.replace("，", ",")
    for pattern, answer in ((_SOLVED, Answer.SOLVED), (_NOT_SOLVED, Answer.NOT_SOLVED), (_THANKS, Answer.THANKS)):
        if pattern.match(plain):
            return answer
    head, comma, tail = plain.partition(",")
    if comma and _meaning(tail.strip()) is Answer.THANKS:
        return _meaning(head.strip())
    return Answer.MORE


def read_score(reply: str) -> SurveyScore | None:
    """The score in a reply to a survey: ``4``, ``4 great work``, ``5/5``, or the four scores in their order.

    Four numbers answer: problem solved, attitude, communication, overall. One number is the overall score.
    """
    found = _SCORES.match(_first_words(reply))
    if not found:
        return None
    first, second, third, fourth, comment = found.groups()
    words = (comment or "").strip()
    if fourth is None:
        return SurveyScore(overall=int(first), comment=words)
    return SurveyScore(
        solved=int(first), attitude=int(second), communication=int(third), overall=int(fourth), comment=words
    )


def _first_words(reply: str) -> str:
    """The reply without blank lines around it and without a sign-off."""
    kept: list[str] = []
    for line in reply.strip().splitlines()[:8]:
        if _SIGN_OFF.match(line.strip()):
            break
        if line.strip():
            kept.append(line.strip())
    return "\n".join(kept)
