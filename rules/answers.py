"""What a customer's short reply means after we resolved or closed: confirmed, not solved, thanks, or a score.

Only short, plain answers count; anything with a "but", a question or more to say is an ordinary reply and reopens
the ticket (complaint 26). A reply that was misread as "done" would lose a request in silence, so every doubt reopens.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum

from rules.model import SurveyScore

_LONGEST = 80
_MOST_LINES = 8
_BUT = re.compile(
    r"[?？]|\b(?:but|however|except|still|another|although|though|not yet|aber|mais|pero)\b"
    r"|但|不过|可是|然而|还是|还有|另外|又|吗",
    re.I,
)
_SOLVED = re.compile(
    r"(?:yes|yep|yeah|ok|okay|confirmed?|i confirm|solved|resolved|fixed|done|all good"
    r"|(?:all|everything) works(?: now)?"
    r"|works(?: (?:now|fine|fine now|perfectly|again))?|working(?: now)?"
    r"|(?:it|this|that) (?:works|is working)(?: (?:now|fine|fine now|perfectly|again))?"
    r"|(?:it is|it\'s|this is|problem|issue|the problem is|the issue is) (?:now )?(?:solved|resolved|fixed|confirmed)"
    r"(?: now)?"
    r"|yes (?:it is|it\'s)|yes (?:it is |it\'s )?(?:solved|resolved|fixed|confirmed)|yes it works(?: now)?"
    r"|是|是的|对|好了|好的|可以了|能用了|正常了|已正常|已解决|解决了|已经解决|已经解决了|问题已解决|问题解决了|确认|确认解决"
    r"|已确认|确认已解决|没问题了|恢复了|已恢复|已经好了)",
    re.I,
)
_NOT_SOLVED = re.compile(
    r"(?:no|nope|not (?:solved|resolved|fixed|working)|unsolved"
    r"|(?:no )?(?:it is|it\'s) not (?:solved|resolved|fixed|working)"
    r"|no not (?:solved|resolved|fixed|working)|it does(?:n\'t| not) work"
    r"|否|不|不是|没有|未解决|没解决|没有解决|还没解决|还没有解决|尚未解决|问题未解决|不行|没好)",
    re.I,
)
_THANKS = re.compile(
    r"(?:(?:many |great |ok |perfect |big )?(?:thanks|thx|tks|thank you)"
    r"(?: a lot| so much| very much| again| all| everyone| team)?"
    r"(?: for (?:your|the) (?:quick |fast |great |kind )?(?:help|support|reply|response|answer))?"
    r"|much appreciated|perfect|great|wonderful"
    r"|谢谢|谢谢你|谢谢您|谢谢大家|多谢|感谢|非常感谢|十分感谢|太感谢了|谢谢支持|感谢支持|辛苦了|收到|好的谢谢)",
    re.I,
)
# A first name after the thanks is written with a capital; anything else could be what they go on to say.
_TO_SOMEBODY = re.compile(r"((?i:thanks|thank you|thx)|谢谢|感谢)\s?([A-Z][a-z]{1,15}|[\u4e00-\u9fff]{2,3})")
_GREETING = re.compile(r"(?:(?i:hi|hello|hey|dear)(?: [A-Z][\w-]*){0,2}|您好|你好)")
_STATED = r"(?:\s*(?:分|/\s*5|stars?|points?|(?:out )?of 5))?"
_ONE_SCORE = re.compile(rf"([1-5]){_STATED}\s*[.!。！]*", re.I)
_SCORE_AND_WORDS = re.compile(
    rf"([1-5])(?:{_STATED}\s*(?:[\n,，.:：!！]|[-–]\s)|\s*分|\s*/\s*5\b)\s*(?![0-9])(\S.{{0,499}})", re.I | re.S
)
_PRAISE = re.compile(
    r"([1-5])\s+((?:very |so |really |quite )?(?:great|good|excellent|thanks|thank you|perfect|ok|okay|nice|well done"
    r"|super|fine|bad|poor|terrible|awful|slow|fast|quick|friendly|happy|satisfied)\b.{0,60}"
    r"|非常.{0,30}|很.{0,30}|满意.{0,30}|不错.{0,30})",
    re.I,
)
_FOUR = re.compile(r"([1-5])" + r"[\s,，、;/]+([1-5])" * 3 + r"(?:\s*[-–,，.:：!\n]?\s*(?![0-9])(\S.{0,499}))?", re.S)
_SIGN_OFF = re.compile(
    r"(?:--.*|(?:(?:best|kind|warm|many) )?(?:regards|wishes)[,.!]?|best[,.!]|br[,.]?|cheers[,.!]?|sincerely[,.]?"
    r"|yours (?:sincerely|truly)[,.]?|sent from .*|mit freundlichen grüßen.*|发自.*|来自我的.*|祝.{0,8}|此致.*|顺颂.*)",
    re.I,
)


class Answer(StrEnum):
    """What a short reply says."""

    SOLVED = "solved"
    NOT_SOLVED = "not_solved"
    THANKS = "thanks"
    MORE = "more"


def read_answer(reply: str) -> Answer:
    """What a reply to "is it solved?" says; ``MORE`` for anything that is not plainly one of the short answers."""
    text = _own_words(reply)
    if not text or len(text) > _LONGEST or _BUT.search(text):
        return Answer.MORE
    pieces = (piece.strip(" \t~") for piece in re.split(r"[.!！。\n,，、;；:：]+", text))
    meanings = {_meaning(piece) for piece in pieces if piece and not _GREETING.fullmatch(piece)}
    if meanings == {Answer.THANKS}:
        return Answer.THANKS
    meanings.discard(Answer.THANKS)
    return meanings.pop() if len(meanings) == 1 else Answer.MORE


def _meaning(piece: str) -> Answer:
    for pattern, answer in (
        (_SOLVED, Answer.SOLVED), (_NOT_SOLVED, Answer.NOT_SOLVED), (_THANKS, Answer.THANKS),
        (_TO_SOMEBODY, Answer.THANKS),
    ):  # fmt: skip
        if pattern.fullmatch(piece):
            return answer
    return Answer.MORE


# What is counted ("5 users", "3台") is trouble, also in an answer to the survey.
_LEADING = re.compile(
    r"([1-5])(?!\d)(?!\s*(?:(?!this\b)[a-z]{3,}s\b|people|of our|[个個台人名位次天件条封]))"
    r"\s*(?:分|/\s*5)?[\s,，、;；:：.。!！-]*(.{0,2000})",
    re.S | re.I,
)


def read_score(reply: str, *, asked: bool = False) -> SurveyScore | None:
    """The score in a reply to a survey: ``4``, ``4 great work``, ``5/5``, or the four scores in their order.

    Four numbers answer: problem solved, attitude, communication, overall. One number is the overall score. A number
    that counts something ("5 users cannot log in") is no score, nor is one beside a question. ``asked``: the mail
    answers the survey itself, so a number at its beginning is the score, whatever words follow.
    """
    text = _own_words(reply)
    if re.search(r"[?？]", text):
        return None
    if four := _FOUR.fullmatch(text):
        solved, attitude, communication, overall = (int(number) for number in four.groups()[:4])
        words = (four[5] or "").strip()
        return SurveyScore(
            solved=solved, attitude=attitude, communication=communication, overall=overall, comment=words
        )
    if one := _ONE_SCORE.fullmatch(text):
        return SurveyScore(overall=int(one[1]))
    worded = _SCORE_AND_WORDS.fullmatch(text) or _PRAISE.fullmatch(text) or (asked and _LEADING.fullmatch(text))
    return SurveyScore(overall=int(worded[1]), comment=worded[2].strip()) if worded else None


def _own_words(reply: str) -> str:
    """The reply in plain letters, without blank lines and sign-off; nothing when it is longer than an answer is."""
    kept: list[str] = []
    for line in unicodedata.normalize("NFKC", reply).replace("’", "'").splitlines():
        words = line.strip()
        if _SIGN_OFF.fullmatch(words):
            break
        if words:
            kept.append(words)
    return "\n".join(kept) if len(kept) <= _MOST_LINES else ""
