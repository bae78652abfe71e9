"""Conditions of the published rules: written in CEL, checked when the configuration is read, fast to ask.

The only module that knows cel-expr-python. A condition is type-checked at load against the facts below; each part
between top-level ``&&`` is compiled by itself, so that a rule that did not match can name the part that failed.
An evaluation that breaks (a division by zero) is "no", with the reason, never an exception.
"""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import NamedTuple

from cel_expr_python import cel

from rules.matching import Facts

STRING_FACTS = (
    "subject",
    "text",
    "message",
    "opening",
    "sender.email",
    "sender.domain",
    "sender.name",
    "customer.tier",
    "customer.contract",
    "language",
    "mailbox",
    "channel",
    "impact",
    "urgency",
)
LIST_FACTS = ("attachments", "recipients")
COUNT_FACTS = ("attachment_count",)
FLAG_FACTS = ("business_hours",)
FACTS = (*STRING_FACTS, *LIST_FACTS, *COUNT_FACTS, *FLAG_FACTS)
"""Every fact a condition may ask for, as ``docs/configuration.md`` lists them."""

_NEAR, _LONGEST_WORD = 30, 40
_LONGEST_REASON, _MOST_WORDS = 90, 6
LONGEST_TEXT = 100_000
"""Characters of a text that conditions look at; what decides stands at the beginning."""

_FUNCTIONS = ("mentions", "near", "contains", "matches", "startsWith", "endsWith", "exists", "all", "size")
_LATIN_RUN = re.compile(r"[a-z0-9_]+")
_ONLY_LATIN = {code: " " for code in range(128) if not _LATIN_RUN.fullmatch(chr(code))}
_PLACE = re.compile(r"<input>:(\d+):(\d+): (.*)")
_UNKNOWN = re.compile(r"undeclared reference to '([^']+)'")
_BAD_REGEX = "invalid regular expression: "
_STRING = r"""[rR]?(?:\"\"\"[\s\S]*?\"\"\"|'''[\s\S]*?'''|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')"""
_PIECES = re.compile(rf"(?P<string>{_STRING})|(?P<comment>//[^\n]*)|(?P<mark>&&|\|\||[()\[\]{{}}?])|[\s\S]")
_PATTERN = re.compile(rf"\bmatches\s*\(\s*(?:[\w.]+\s*,\s*)?(?P<literal>{_STRING})\s*\)")
_MENTIONS = re.compile(
    r"""\s*(?P<not>!?)\s*(?P<fact>\w+)\.mentions\(\s*\[(?P<words>\s*"[^"\\]*"\s*(?:,\s*"[^"\\]*"\s*)*),?\s*\]\s*\)\s*"""
)


@dataclass(frozen=True, slots=True)
class ConditionProblem:
    """What is wrong with a condition, and where in its text: line and column, both from 1."""

    line: int
    column: int
    words: str


class ConditionError(ValueError):
    """A condition that cannot be used; ``problems`` has all there is to say about it."""

    def __init__(self, problems: Sequence[ConditionProblem]) -> None:
        super().__init__("; ".join(problem.words for problem in problems))
        self.problems = tuple(problems)


class PreparedFacts(dict[str, object]):
    """Facts made ready for asking many conditions: converted for CEL once."""

    def __init__(self, values: Mapping[str, object]) -> None:
        super().__init__({name: _clean(values.get(name, default)) for name, default in _DEFAULTS.items()})
        self.activation = _ENVIRONMENT.Activation(dict(self))


@dataclass(frozen=True, slots=True)
class _Clause:
    text: str
    program: cel.Expression

    def broken(self, facts: PreparedFacts) -> str | None:
        """None when it holds, else why not."""
        value = self.program.eval(facts.activation)
        if value.type() == cel.Type.ERROR:
            return f"{_short(self.text)}: broke: {_reason(str(value.value()))}"
        return None if value.value() is True else _short(self.text)


@dataclass(frozen=True, slots=True)
class _MentionsClause:
    """``message.mentions(["a", "b"])``, or with ``!`` before it: most clauses are, and need no interpreter."""

    text: str
    fact: str
    forms: _WordForms
    wanted: bool

    def broken(self, facts: PreparedFacts) -> str | None:
        """None when it holds, else why not."""
        return None if _stands_in(_fold(str(facts[self.fact])), self.forms) is self.wanted else _short(self.text)


@dataclass(frozen=True, slots=True)
class CelCondition:
    """A compiled condition (the ``Condition`` of ``rules/matching.py``)."""

    text: str
    clauses: tuple[_Clause | _MentionsClause, ...]
    words: tuple[str, ...] = ()

    def failing(self, facts: Facts) -> str | None:
        """The first part that does not hold, as written but cut short, and why if it broke; None when all hold."""
        prepared = facts if isinstance(facts, PreparedFacts) else PreparedFacts(facts)
        for clause in self.clauses:
            failing = clause.broken(prepared)
            if failing is not None:
                return failing
        return None

    def evidence(self, facts: Facts) -> str:
        """The words of the condition that stand in the message, else the condition itself, cut short."""
        message = str(facts.get("message", ""))
        found = [f'"{word}"' for word in self.words if mentions(message, (word,))]
        return ", ".join(found[:_MOST_WORDS]) or _short(self.text)


def compile_condition(text: str) -> CelCondition:
    """Check and compile one condition. Raises ConditionError with every problem and its place in the text."""
    whole = _compile(text)
    _check_patterns(text)
    shown = " ".join(text.split())
    parts = list(_conjuncts(text))
    clauses = (_clause(text, whole),) if len(parts) == 1 else tuple(_clause(part, _compile(part)) for part in parts)
    return CelCondition(shown, clauses, _literals(text))


def _clause(text: str, program: cel.Expression) -> _Clause | _MentionsClause:
    shown = " ".join(text.split())
    simple = _MENTIONS.fullmatch(text)
    if simple and simple["fact"] in STRING_FACTS:
        forms = _word_forms(_literals(simple["words"]))
        return _MentionsClause(shown, simple["fact"], forms, wanted=not simple["not"])
    return _Clause(shown, program)


def mentions(text: str, words: Sequence[str]) -> bool:
    """Whether one of the words stands in the text, upper or lower case alike.

    Words in letters with spaces between them (``down``) must stand by themselves, so that ``download`` is none;
    ``crash*`` takes any ending, and a blank in a phrase fits any run of blanks. Chinese words may stand anywhere.
    """
    return _stands_in(_fold(text), _word_forms(tuple(words)))


def _stands_in(folded: _Folded, forms: _WordForms) -> bool:
    """Whether one of the words stands in the text."""
    if any(next(_starts(folded, form), None) is not None for form in forms.loose):
        return True
    if forms.anchors.isdisjoint(folded.pieces):
        return False
    return any(next(_starts(folded, form), None) is not None for form in forms.anchored)


def near(text: str, first: Sequence[str], then: Sequence[str]) -> bool:
    """Whether a word of ``first`` is followed, at most 30 characters later, by a word of ``then``.

    Words are those of ``mentions``: ``near(["server"], ["down"])`` holds for "the server in Berlin is down".
    """
    folded, followers = _fold(text), _word_forms(tuple(then)).all
    for form in _word_forms(tuple(first)).all:
        for start in _starts(folded, form):
            end = start + len(form.body)
            window = _Folded(folded.text[end - 1 : end + _NEAR + _LONGEST_WORD], folded.pieces)
            if any(0 < at <= _NEAR for follower in followers for at in _starts(window, follower)):
                return True
    return False


class _Folded(NamedTuple):
    """A text with case, width, kind of apostrophe and blanks evened out.

    ``pieces`` are its runs of Latin letters and its other letters one by one.
    """

    text: str
    pieces: frozenset[str]


class _WordForm(NamedTuple):
    """A word folded, with whether it must begin and end by itself.

    ``anchor`` is a piece that every text has in which the word stands, so that most texts need not be searched; it is
    empty where there is none.
    """

    body: str
    alone_before: bool
    alone_after: bool
    anchor: str


class _WordForms(NamedTuple):
    """The words of one list: all in order, those with an anchor and those without, and the anchors."""

    all: tuple[_WordForm, ...]
    anchored: tuple[_WordForm, ...]
    loose: tuple[_WordForm, ...]
    anchors: frozenset[str]


@lru_cache(maxsize=1024)
def _word_forms(words: tuple[str, ...]) -> _WordForms:
    forms = tuple(form for word in words if (form := _word_form(word)))
    anchored = tuple(form for form in forms if form.anchor)
    loose = tuple(form for form in forms if not form.anchor)
    return _WordForms(forms, anchored, loose, frozenset(form.anchor for form in anchored))


def _word_form(word: str) -> _WordForm | None:
    open_end = word.rstrip().endswith("*")
    body = _fold(word.strip().removesuffix("*")).text.strip()
    if not body:
        return None
    alone_before, alone_after = _is_latin(body[0]), _is_latin(body[-1]) and not open_end
    anchor, run = "", _LATIN_RUN.match(body)
    if run and (run.end() < len(body) or alone_after):
        anchor = run[0]
    elif not body[0].isascii():
        anchor = body[0]
    return _WordForm(body, alone_before, alone_after, anchor)


@lru_cache(maxsize=16)
def _fold(text: str) -> _Folded:
    """The rules of one message share it."""
    even = text if text.isascii() else unicodedata.normalize("NFKC", text).replace("\u2019", "'")
    folded = " ".join(even.casefold().split())
    if folded.isascii():
        return _Folded(folded, frozenset(folded.translate(_ONLY_LATIN).split()))
    return _Folded(folded, frozenset((*_LATIN_RUN.findall(folded), *folded)))


def _starts(folded: _Folded, form: _WordForm) -> Iterator[int]:
    """Where a word stands in a text."""
    if form.anchor and form.anchor not in folded.pieces:
        return
    text, at = folded.text, folded.text.find(form.body)
    while at >= 0:
        end = at + len(form.body)
        joined_before = form.alone_before and at > 0 and _is_latin(text[at - 1])
        joined_after = form.alone_after and end < len(text) and _is_latin(text[end])
        if not joined_before and not joined_after:
            yield at
        at = text.find(form.body, at + 1)


def _is_latin(character: str) -> bool:
    return character.isascii() and (character.isalnum() or character == "_")


def _conjuncts(text: str) -> Iterator[str]:
    """The parts between ``&&`` of the outermost level; the whole text where ``||`` or ``?`` binds them together."""
    depth, start, parts = 0, 0, []
    for piece in _PIECES.finditer(text):
        mark = piece["mark"]
        if mark is None:
            continue
        if mark in "([{":
            depth += 1
        elif mark in ")]}":
            depth -= 1
        elif depth == 0 and mark in ("||", "?"):
            yield text
            return
        elif depth == 0 and mark == "&&":
            parts.append(text[start : piece.start()])
            start = piece.end()
    yield from (*parts, text[start:])


def _literals(text: str) -> tuple[str, ...]:
    """The words and phrases written out in a condition."""
    found = []
    for piece in _PIECES.finditer(text):
        if piece["string"] is None:
            continue
        try:
            found.append(str(ast.literal_eval(piece["string"])))
        except (SyntaxError, ValueError):
            continue
    return tuple(dict.fromkeys(found))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]}…"


def _compile(text: str) -> cel.Expression:
    try:
        program = _ENVIRONMENT.compile(text)
    except RuntimeError as error:
        raise ConditionError(_problems(str(error))) from None
    if program.return_type() != cel.Type.BOOL:
        kind = str(program.return_type().name()).lower()
        raise ConditionError([ConditionProblem(1, 1, f"a condition is true or false, but this is a {kind}")])
    return program


def _problems(told: str) -> list[ConditionProblem]:
    found = [
        ConditionProblem(int(match[1]), int(match[2]), _plain(match[3]))
        for match in (_PLACE.search(line) for line in told.splitlines())
        if match
    ]
    return found or [ConditionProblem(1, 1, _reason(told.splitlines()[0] if told else "cannot be read"))]


def _plain(told: str) -> str:
    """What the CEL checker says, in words for the owner of the configuration."""
    told = told.removesuffix(" [INVALID_ARGUMENT]")
    if match := _UNKNOWN.search(told):
        close = get_close_matches(match[1], (*FACTS, *_FUNCTIONS), n=1, cutoff=0.6)
        hint = f'did you mean "{close[0]}"?' if close else f"there is {', '.join(FACTS)}"
        return f'there is no fact or function "{match[1]}"; {hint}'
    if "no matching overload for" in told:
        return f"types do not fit: {told.partition('no matching overload for ')[2]}"
    return told.partition(" expecting {")[0]


def _check_patterns(text: str) -> None:
    """Try every regular expression that is written out, since CEL looks at them only when they are run."""
    problems = []
    for match in _PATTERN.finditer(text):
        value = _ENVIRONMENT.compile(f"''.matches({match['literal']})").eval(data={})
        if value.type() == cel.Type.ERROR:
            before = text[: match.start("literal")]
            line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
            problems.append(ConditionProblem(line, column, _reason(str(value.value()))))
    if problems:
        raise ConditionError(problems)


def _reason(told: str) -> str:
    """``INVALID_ARGUMENT: divide by zero`` without the code in front."""
    code, colon, rest = told.partition(": ")
    return rest if colon and code.isupper() else told


def _clean(value: object) -> object:
    """What CEL can take: text cut to size and without lone surrogates."""
    if isinstance(value, str):
        return value[:LONGEST_TEXT].encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return value


_DEFAULTS: dict[str, object] = {
    **dict.fromkeys(STRING_FACTS, ""),
    **dict.fromkeys(LIST_FACTS, ()),
    **dict.fromkeys(COUNT_FACTS, 0),
    **dict.fromkeys(FLAG_FACTS, False),
}
_TEXTS = cel.Type.List(cel.Type.STRING)
_ENVIRONMENT = cel.NewEnv(
    variables={
        **dict.fromkeys(STRING_FACTS, cel.Type.STRING),
        **dict.fromkeys(LIST_FACTS, _TEXTS),
        **dict.fromkeys(COUNT_FACTS, cel.Type.INT),
        **dict.fromkeys(FLAG_FACTS, cel.Type.BOOL),
    },
    functions=[
        cel.FunctionDecl(
            "mentions",
            [cel.Overload("mentions_words", cel.Type.BOOL, [cel.Type.STRING, _TEXTS], is_member=True, impl=mentions)],
        ),
        cel.FunctionDecl(
            "near",
            [cel.Overload("near_words", cel.Type.BOOL, [cel.Type.STRING, _TEXTS, _TEXTS], is_member=True, impl=near)],
        ),
    ],
)
