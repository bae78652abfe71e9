"""Conditions of the published rules: written in CEL, checked when the configuration is read, fast to ask.

The only module that knows cel-expr-python. A condition is type-checked at load against the facts below; each part
between top-level ``&&`` is compiled by itself, so that a rule that did not match can name the part that failed.
An evaluation that breaks (a division by zero) is "no", with the reason, never an exception.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from itertools import islice
from typing import NamedTuple

from cel_expr_python import cel

from rules.matching import Facts
from rules.phrases import Folded, WordForms, fold, fold_both, mentions, near, stand_near, stands_in, word_forms

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
    "kind",
    "dmarc",
    "impact",
    "urgency",
)
LIST_FACTS = ("attachments", "recipients")
COUNT_FACTS = ("attachment_count",)
FLAG_FACTS = ("business_hours",)
FACTS = (*STRING_FACTS, *LIST_FACTS, *COUNT_FACTS, *FLAG_FACTS)
"""Every fact a condition may ask for, as ``docs/configuration.md`` lists them."""

_LONGEST_REASON, _MOST_WORDS = 90, 6
LONGEST_TEXT = 100_000
"""Characters of a text that conditions look at; what decides stands at the beginning."""

_FUNCTIONS = ("mentions", "near", "contains", "matches", "startsWith", "endsWith", "exists", "all", "size")
_PLACE = re.compile(r"<input>:(\d+):(\d+): (.*)")
_UNKNOWN = re.compile(r"undeclared reference to '([^']+)'")
_BAD_REGEX = "invalid regular expression: "
_STRING = r"""[rR]?(?:\"\"\"[\s\S]*?\"\"\"|'''[\s\S]*?'''|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')"""
_PIECES = re.compile(rf"(?P<string>{_STRING})|(?P<comment>//[^\n]*)|(?P<mark>&&|\|\||[()\[\]{{}}?])|[\s\S]")
_PATTERN = re.compile(rf"\bmatches\s*\(\s*(?:[\w.]+\s*,\s*)?(?P<literal>{_STRING})\s*\)")
_WORDS = r"""\[(?P<{}>\s*"[^"\\]*"\s*(?:,\s*"[^"\\]*"\s*)*),?\s*\]"""
_MENTIONS = re.compile(rf"\s*(?P<not>!?)\s*(?P<fact>\w+)\.mentions\(\s*{_WORDS.format('words')}\s*\)\s*")
_EQUALS = re.compile(r'\s*(?P<fact>[\w.]+)\s*(?P<sign>==|!=)\s*"(?P<value>[^"\\]*)"\s*')
_FLAG = re.compile(r"\s*(?P<not>!?)\s*(?P<fact>\w+)\s*")
_NEAR = re.compile(rf"\s*(?P<fact>\w+)\.near\(\s*{_WORDS.format('first')}\s*,\s*{_WORDS.format('then')}\s*\)\s*")


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
        self._folded: dict[str, Folded] = {}

    @cached_property
    def activation(self) -> cel.Activation:
        """The facts for the interpreter, which few conditions need."""
        return _ENVIRONMENT.Activation(dict(self))

    def folded(self, name: str) -> Folded:
        """A fact made ready for being searched, once for all conditions."""
        found = self._folded.get(name)
        if found is None:
            found = self._folded[name] = self._fold(name)
        return found

    def _fold(self, name: str) -> Folded:
        text = str(self[name])
        if name == "message" and text == f"{self['subject']}\n{self['text']}":
            return fold_both(self.folded("subject"), self.folded("text"))
        return fold(text)


@dataclass(frozen=True, slots=True)
class _Clause:
    shown: str
    program: cel.Expression

    def broken(self, facts: PreparedFacts) -> str | None:
        """None when it holds, else why not."""
        value = self.program.eval(facts.activation)
        if value.type() == cel.Type.ERROR:
            return f"{self.shown}: broke: {_reason(str(value.value()))}"
        return None if value.value() is True else self.shown


class _Mentions(NamedTuple):
    """``message.mentions(["a", "b"])``, or with ``!`` before it."""

    fact: str
    forms: WordForms
    wanted: bool

    def holds(self, facts: PreparedFacts) -> bool:
        """Whether it is so."""
        return stands_in(facts.folded(self.fact), self.forms) is self.wanted


class _Near(NamedTuple):
    """``message.near(["a"], ["b"])``."""

    fact: str
    first: WordForms
    then: WordForms

    def holds(self, facts: PreparedFacts) -> bool:
        """Whether it is so."""
        return stand_near(facts.folded(self.fact), self.first, self.then)


class _Equals(NamedTuple):
    """``kind == "list"``, or with ``!=``."""

    fact: str
    value: str
    wanted: bool

    def holds(self, facts: PreparedFacts) -> bool:
        """Whether it is so."""
        return (facts[self.fact] == self.value) is self.wanted


class _Flag(NamedTuple):
    """``business_hours``, or with ``!`` before it."""

    fact: str
    wanted: bool

    def holds(self, facts: PreparedFacts) -> bool:
        """Whether it is so."""
        return facts[self.fact] is self.wanted


_Way = _Mentions | _Near | _Equals | _Flag


@dataclass(frozen=True, slots=True)
class _PlainClause:
    """Plain questions, most of them for words, with ``||`` between them: most clauses are, and need no interpreter."""

    shown: str
    ways: tuple[_Way, ...]

    def broken(self, facts: PreparedFacts) -> str | None:
        """None when one of them holds, else why not."""
        for way in self.ways:
            if way.holds(facts):
                return None
        return self.shown


@dataclass(frozen=True, slots=True)
class CelCondition:
    """A compiled condition (the ``Condition`` of ``rules/matching.py``)."""

    text: str
    clauses: tuple[_Clause | _PlainClause, ...]
    words: tuple[tuple[str, WordForms], ...] = ()

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
        message = facts.folded("message") if isinstance(facts, PreparedFacts) else fold(str(facts.get("message", "")))
        found = (
            f'"{word}"'
            for word, forms in self.words
            if (forms.loose or not forms.anchors.isdisjoint(message.pieces)) and stands_in(message, forms)
        )
        return ", ".join(islice(found, _MOST_WORDS)) or _short(self.text)


def compile_condition(text: str) -> CelCondition:
    """Check and compile one condition. Raises ConditionError with every problem and its place in the text."""
    whole = _compile(text)
    _check_patterns(text)
    shown = " ".join(text.split())
    parts = _conjuncts(text)
    clauses = (_clause(text, whole),) if len(parts) == 1 else tuple(_clause(part, _compile(part)) for part in parts)
    return CelCondition(shown, clauses, tuple((word, word_forms((word,))) for word in _literals(text)))


def _clause(text: str, program: cel.Expression) -> _Clause | _PlainClause:
    shown = _short(" ".join(text.split()))
    ways = tuple(_way(piece) for piece in _ways(text))
    known = tuple(way for way in ways if way is not None)
    return _PlainClause(shown, known) if len(known) == len(ways) else _Clause(shown, program)


def _way(text: str) -> _Way | None:
    """One plain question; ``None`` where it is anything else."""
    found = _MENTIONS.fullmatch(text)
    if found and found["fact"] in STRING_FACTS:
        return _Mentions(found["fact"], word_forms(_literals(found["words"])), not found["not"])
    found = _NEAR.fullmatch(text)
    if found and found["fact"] in STRING_FACTS:
        return _Near(found["fact"], word_forms(_literals(found["first"])), word_forms(_literals(found["then"])))
    found = _EQUALS.fullmatch(text)
    if found and found["fact"] in STRING_FACTS:
        return _Equals(found["fact"], found["value"], found["sign"] == "==")
    found = _FLAG.fullmatch(text)
    if found and found["fact"] in FLAG_FACTS:
        return _Flag(found["fact"], not found["not"])
    return None


def _ways(text: str) -> tuple[str, ...]:
    """The parts between ``||``, in brackets or without."""
    bare = text.strip()
    if bare.startswith("(") and bare.endswith(")") and len(inner := _divided(bare[1:-1], "||", ("&&", "?"))) > 1:
        return inner
    return _divided(bare, "||", ("&&", "?"))


def _conjuncts(text: str) -> tuple[str, ...]:
    """The parts between ``&&`` of the outermost level; the whole text where ``||`` or ``?`` binds them together."""
    return _divided(text, "&&", ("||", "?"))


def _divided(text: str, by: str, binding: tuple[str, ...]) -> tuple[str, ...]:
    depth, start, parts = 0, 0, []
    for piece in _PIECES.finditer(text):
        mark = piece["mark"]
        if mark is None:
            continue
        if mark in "([{":
            depth += 1
        elif mark in ")]}":
            depth -= 1
        elif depth == 0 and mark in binding:
            return (text,)
        elif depth == 0 and mark == by:
            parts.append(text[start : piece.start()])
            start = piece.end()
        if depth < 0:
            return (text,)
    return (*parts, text[start:])


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
        return (
            value[:LONGEST_TEXT] if value.isascii() else value[:LONGEST_TEXT].encode("utf-8", "replace").decode("utf-8")
        )
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
